"""DSMI against other measures on branching trees (unpublished).

Claim: on trees too, DSMI remains significant in every dimension and falls to 0 with corrupted labels. There are no
published numbers.

Command: `python -m recipes blobs-tree --paper`. Expected time: 15 s smoke, 1 h paper on one core. Cells run
cheap first.

5000 points on five random-walk branches, 2 seeds. Methods, noise and units are those of the recipe `blobs`. Branches
start on the first one and drift apart. So the labels are a function of the points, but for the few about a branching,
and the truth is close to H(Y) = log2 5 = 2.32. What we find:

- DSMI hardly declines here, from 1.28 at d = 20 to 1.22 at d = 20,000: branches lie far apart in any dimension. It
  falls with every further share of wrong labels, at every noise, and noise of 50 % takes .18 bits off it.
- Ross reads the truth within .02 everywhere. MINE is within .08 of it for clean labels, in 20,000 dimensions as in 20,
  and up to .13 below it for wrong ones.
- KSG as NPEET reads .97 in any dimension at 1 % noise, since points along a walk are as far apart as the labels. At
  50 % it falls to .42 at d = 500, and no further.
- CSMI of 5 bins falls from 1.16 at d = 20 to .02 at d = 100. Of 100 bins it is 0 throughout.
- `adjusted_dsmi` is at H(Y) for clean labels and 0 for random ones. For 10 to 20 % wrong ones it is .3 to .5 bits above
  the truth.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from diffspec.synthetic import tree
from recipes.information import blobs
from recipes.information.compared import Grid, drawn, extremes
from recipes.information.compared import run as run_grid
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, mean, select

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMOKE = replace(blobs.SMOKE, points=100)
PAPER = blobs.PAPER
BRANCHES = 5


def five(n: int, d: int, seed: int) -> tuple[Any, Any]:
    """Points on five random-walk branches, and the branch of each."""
    return tree(BRANCHES, n // BRANCHES, dimension=d, rng=seed + 1)


def run(grid: Grid, log: Log) -> None:
    """Measure all cells."""
    run_grid(grid, five, log)


def figure(cells: list[Cell]) -> Figure:
    """Three panels as those of the blobs."""
    return drawn(cells, blobs.LINES, BRANCHES)


def check(cells: list[Cell]) -> list[Verdict]:
    """Our numbers against expected.toml."""
    full = select(cells, n=PAPER.points)
    clean = select(full, share=0.0, d=20, noise=1.0)
    gap = {"alpha 1/2 - DSMI": mean(clean, "alpha 1/2") - mean(clean, "DSMI")}
    return compare("blobs-tree", cells, gap | extremes(full, BRANCHES))
