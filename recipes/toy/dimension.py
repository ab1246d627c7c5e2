"""Entropies against the intrinsic dimension of noisy clouds (toy data).

Claim: DSE rises with the intrinsic dimension of the data, and a larger t takes the effect of noise away. Classic
Shannon entropy of binned coordinates is log2 n for every dimension and noise, and says nothing.

Command: `python -m recipes dimension --paper`. Expected time: 10 s smoke, 4 min paper.

500 points in 2048 dimensions, sigma = 10. What we find:

- The replication is reproduced within .05 bits in all but two of 112 places. At one of these the published figure
  agrees with us.
- DSE orders dimensions only between its two plateaus, and where they lie is a matter of sigma and t. Of uniform clouds
  it is 0 up to d = 1000 at t = 5, and within .1 of log2 n from d = 1000 on at t = 1. Of Gaussian clouds nothing is told
  apart beyond d = 700.
- "A larger t takes the noise away" is a shift of the curve to the right, by noise and t alike. For uniform clouds at
  t = 5 it rises between d = 1200 and 1900 at 1 % noise, and between 800 and 1300 at 50 %.
- alpha = 1/2 changes a value by up to .01, .09, .19 and .34 bits at t = 1, 2, 3 and 5, and no order.
- Classic Shannon entropy is log2 n throughout: every point has a cell of its own. The entropy of matrix entries falls
  with the dimension. Adjacency entropy of the 10 nearest neighbours is flat. Its anisotropic variant is DSE at t = 1.
- With a kernel that follows the scale (recipe bandwidth) dimensions keep their order from 1 to 100 at any noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from diffspec import Gaussian, Precomputed
from diffspec.baselines import Nearest, adjacency_entropy, binned_entropy, entry_entropy
from diffspec.synthetic import Law, cloud
from recipes.lab.curves import bands, key
from recipes.lab.drawing import panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, select
from recipes.lab.spectra import PAPER as ANISOTROPIC
from recipes.lab.spectra import RELEASED, at_times, exact

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAWS: tuple[Law, ...] = ("uniform", "gaussian")
TIMES = (1, 2, 3, 5)
SIGMA = 10.0
OTHERS = {
    "CSE": "classic Shannon, 2 bins",
    "DMEE": "matrix entries (DMEE)",
    "nearest": "adjacency, 10 nearest",
    "Gaussian": "adjacency, Gaussian",
    "anisotropic": "adjacency, anisotropic",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Points, ambient and intrinsic dimensions, half-widths of the noise in percent, draws for DSE and for the rest."""

    points: int
    ambient: int
    dimensions: tuple[int, ...]
    noises: tuple[float, ...]
    seeds: int
    others: int


SMOKE = Settings(points=50, ambient=2048, dimensions=(102, 512, 1024, 2048), noises=(1.0, 50.0), seeds=2, others=1)
PAPER = Settings(
    points=500,
    ambient=2048,
    dimensions=tuple(sorted({*(int(d) for d in np.linspace(2048 / 20, 2048, 20)), 1024})),
    noises=(1.0, 10.0, 50.0, 70.0),
    seeds=5,
    others=3,
)


def run(settings: Settings, log: Log) -> None:
    """One cell per draw, noise, law and dimension, and kind of entropies."""
    for rows, draws in ((diffusion, settings.seeds), (others, settings.others)):
        for seed, noise, law, d in product(range(draws), settings.noises, LAWS, settings.dimensions):
            key = {"rows": rows.__name__, "law": law, "d": d, "noise": noise, "n": settings.points}
            log.cell(rows, **key, ambient=settings.ambient, seed=seed)


def diffusion(rows: str, law: Law, d: int, noise: float, n: int, ambient: int, seed: int) -> dict[str, float]:
    """DSE in bits at all TIMES by both conventions."""
    points = cloud(n, d, ambient=ambient, law=law, noise_percent=noise, rng=seed)
    paper = at_times(exact(points, SIGMA, ANISOTROPIC), TIMES)
    return at_times(exact(points, SIGMA, RELEASED), TIMES) | {f"alpha 1/2, {t}": bits for t, bits in paper.items()}


def others(rows: str, law: Law, d: int, noise: float, n: int, ambient: int, seed: int) -> dict[str, float]:
    """The OTHERS, in bits."""
    points = cloud(n, d, ambient=ambient, law=law, noise_percent=noise, rng=seed)
    affinity, kernel = Gaussian(SIGMA)(points), Precomputed()
    return {
        "CSE": binned_entropy(points, bins=2).value,
        "DMEE": entry_entropy(affinity, kernel=kernel, alpha=ANISOTROPIC).value,
        "nearest": adjacency_entropy(points, graph=Nearest(10), alpha=0.0).value,
        "Gaussian": adjacency_entropy(affinity, graph=kernel, alpha=0.0).value,
        "anisotropic": adjacency_entropy(affinity, graph=kernel, alpha=0.5).value,
    }


def figure(cells: list[Cell]) -> Figure:
    """A row per law: DSE by either convention, then the other entropies; a dash per noise, shades one deviation."""
    drawn, axes = panels(len(LAWS), 3, size=(3.9, 3.0), sharex=True, sharey="col")
    values = {f"t={t}": f"t = {t}" for t in TIMES}
    columns = (
        ("DSE, released (alpha = 0)", "diffusion", values),
        ("DSE, paper (alpha = 1/2)", "diffusion", {f"alpha 1/2, {t}": words for t, words in values.items()}),
        ("other entropies", "others", OTHERS),
    )
    for (row, law), (column, (title, rows, lines)) in product(enumerate(LAWS), enumerate(columns)):
        axis, found = axes[row, column], select(cells, law=law, rows=rows)
        bands(axis, found, lines, along="d")
        for n in {cell.key["n"] for cell in found}:
            axis.axhline(math.log2(n), color="black", lw=0.5, ls=":")
        axes[row, column].set_title(f"{title}: {law}", fontsize=9)
        axes[-1, column].set_xlabel("intrinsic dimension", fontsize=8)
        axes[row, 0].set_ylabel("entropy [bits]", fontsize=8)
    key(axes[-1, 0], cells, axes[-1, 0], axes[-1, 2])
    return drawn


def check(cells: list[Cell]) -> list[Verdict]:
    """Our numbers against expected.toml: the replicated table, and what holds for every cell."""
    return compare("dimension", cells, _derived(cells))


def _derived(cells: list[Cell]) -> dict[str, float]:
    """The other entropies at their extremes, and the largest change by the convention at each t."""
    known = {(*_place(c), c.key["seed"]): c.values["t=1"] for c in select(cells, rows="diffusion")}
    rest = select(cells, rows="others")
    pairs = [(c.values["anisotropic"], known.get((*_place(c), c.key["seed"]))) for c in rest]
    found = {"CSE below log2 n": max((math.log2(c.key["n"]) - c.values["CSE"] for c in rest), default=math.nan)}
    found["DMEE above log2 n"] = min((c.values["DMEE"] - math.log2(c.key["n"]) for c in rest), default=math.nan)
    found["anisotropic less DSE"] = max((abs(a - b) for a, b in pairs if b is not None), default=math.nan)
    for t in TIMES:
        changes = [c.values[f"alpha 1/2, t={t}"] - c.values[f"t={t}"] for c in select(cells, rows="diffusion")]
        found[f"change at t={t}"] = max(map(abs, changes), default=math.nan)
    return found


def _place(cell: Cell) -> tuple[str, int, float]:
    return cell.key["law"], cell.key["d"], cell.key["noise"]
