"""DSMI against adjacency matrices and matrix entries.

Claim: the spectrum of the diffusion matrix is the better one to take. The released code compares it with that of the
adjacency matrix (Gaussian, anisotropic, nearest neighbours) and with the entropy of the matrix entries. No numbers were
published.

Command: `python -m recipes adjacency --paper`. Expected time: 10 s smoke, 2 h paper on one core, a third of it
DSMI where `blobs` has not been run; cells run cheap first.

Blobs, noise and units are those of the recipe `blobs`, with a fourth noise of 70 %. DSMI is taken from there where it
is the same. The anisotropic variant is not another method: its matrix is that of the released DSMI at t = 1, and so are
its numbers. What we find:

- For clean labels the Gaussian adjacency is within .05 bits of DSMI in any dimension. For partly wrong ones it reads up
  to .4 bits more, nearer to the truth: 1.03 at d = 20 and 10 %, where DSMI is .65 and the truth 1.16. Divided by its
  row sums every blob within a group counts alike, however few strangers it has. In the plain adjacency it counts by its
  points.
- The graph of 10 neighbours gives 0 in every dimension, with right labels too: its entropy is log2 n of whatever set.
- The entropy of matrix entries is minus what is left in the labels, within .03 at any corruption. A set of m points of
  k equal blobs has m (m / k) entries that are not 0. That is log2 k bits less than a group that is one blob has. So its
  "information" has the wrong sign, and but for the sign is the best of all these on blobs that are apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from diffspec import Gaussian, Precomputed
from diffspec.baselines import Nearest, adjacency_information, entry_information
from recipes.information import blobs
from recipes.information.compared import METHODS, Grid, Values, drawn, extremes, plan, truth
from recipes.information.compared import run as run_grid
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, select

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ADJACENCIES = ("entries", "diffusion", "Gaussian", "anisotropic", "nearest")
SMOKE = replace(blobs.SMOKE, points=90, methods=ADJACENCIES)
PAPER = replace(blobs.PAPER, noises=(1.0, 50.0, 10.0, 70.0), methods=ADJACENCIES)

LINES = {
    "DSMI": "DSMI (released)",
    "adjusted": "DSMI, adjusted",
    "entries": "matrix entries (DMEE)",
    "Gaussian": "adjacency, Gaussian",
    "anisotropic": "adjacency, anisotropic",
    "nearest": "adjacency, 10 nearest",
}


def _affinity(points: Any) -> Any:
    return Gaussian(math.sqrt(points.shape[1]))(points)


def _entries(points: Any, labels: Any, seed: int) -> Values:
    return {"entries": entry_information(_affinity(points), labels, kernel=Precomputed(), rng=seed).value}


def _gaussian(points: Any, labels: Any, seed: int) -> Values:
    return {"Gaussian": adjacency_information(_affinity(points), labels, graph=Precomputed(), rng=seed).value}


def _anisotropic(points: Any, labels: Any, seed: int) -> Values:
    affinity = _affinity(points)
    return {"anisotropic": adjacency_information(affinity, labels, graph=Precomputed(), alpha=0.5, rng=seed).value}


def _nearest(points: Any, labels: Any, seed: int) -> Values:
    return {"nearest": adjacency_information(points, labels, graph=Nearest(10), rng=seed).value}


COMPARED: Mapping[str, Callable[[Any, Any, int], Values]] = {
    "diffusion": METHODS["diffusion"],
    "entries": _entries,
    "Gaussian": _gaussian,
    "anisotropic": _anisotropic,
    "nearest": _nearest,
}


def run(grid: Grid, log: Log) -> None:
    """Measure all cells; DSMI is taken from the recipe `blobs` where that has measured it on the same data."""
    beside = Log(log.path.parents[1] / "blobs" / log.path.name).cells
    planned = plan(grid)
    log.take(cell for cell in select(beside, method="diffusion") if cell.key in planned)
    run_grid(grid, blobs.three, log, COMPARED)


def figure(cells: list[Cell]) -> Figure:
    """Three panels as those of the blobs."""
    return drawn(cells, LINES, 3)


def check(cells: list[Cell]) -> list[Verdict]:
    """Our numbers against expected.toml."""
    full = select(cells, n=PAPER.points)
    found = {"anisotropic - DSMI": _gap(cells), "entries + truth": _off(full)}
    return compare("adjacency", cells, found | extremes(full, 3) | _leads(full))


def _gap(cells: list[Cell]) -> float:
    """The largest difference of the anisotropic variant from the released DSMI on the same data."""
    return max((abs(lead) for lead in _lead(cells, "anisotropic")), default=math.nan)


def _leads(cells: list[Cell]) -> dict[str, float]:
    """How far the Gaussian adjacency is from DSMI for clean labels, and at most above it for wrong ones."""
    clean = [abs(lead) for lead in _lead(select(cells, share=0.0), "Gaussian")]
    return {
        "Gaussian - DSMI, clean": max(clean, default=math.nan),
        "Gaussian - DSMI": max(_lead(cells, "Gaussian"), default=math.nan),
    }


def _lead(cells: list[Cell], name: str) -> list[float]:
    """A variant less DSMI, on all data where both were measured."""
    dsmi = {_where(cell): cell.values["DSMI"] for cell in select(cells, method="diffusion")}
    found = [cell for cell in select(cells, method=name) if _where(cell) in dsmi]
    return [cell.values[name] - dsmi[_where(cell)] for cell in found]


def _where(cell: Cell) -> tuple[float, ...]:
    return tuple(cell.key[name] for name in ("n", "d", "share", "noise", "seed"))


def _off(cells: list[Cell]) -> float:
    """The largest sum of the information of matrix entries and what is left in the labels."""
    found = select(cells, method="entries")
    return max((abs(cell.values["entries"] + truth(cell.key["share"], 3)) for cell in found), default=math.nan)
