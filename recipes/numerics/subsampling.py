"""Entropy of random subsets of a branching tree.

Claim: DSE of a random subset is that of all points: for t >= 2 it stays within 0.1 bits down to a tenth of them.

Command: `python -m recipes subsampling --paper`. Expected time: 2 s smoke, 20 min paper on one core.

Three trees of three random-walk branches, 2000 points each, in 2 to 30 dimensions, sigma 10. The convention is the
released package's, which the published figure shows, and for the first tree also the paper's (alpha = 1/2). At t = 1
the entropy does depend on the number of points where the kernel is narrow for the data, here from about ten dimensions
on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diffspec.synthetic import tree
from recipes.lab.drawing import COLOURS, DASHES, panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, mean, select
from recipes.lab.spectra import PAPER as ANISOTROPIC
from recipes.lab.spectra import RELEASED, at_times, exact

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TIMES = (1, 2, 3, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Points per branch, dimensions, shares of the points that are kept, trees."""

    length: int
    dimensions: tuple[int, ...]
    shares: tuple[float, ...] = (1.0, 0.5, 0.3, 0.1)
    seeds: int


SMOKE = Settings(length=200, dimensions=(2, 8), seeds=1)
PAPER = Settings(length=2000, dimensions=tuple(int(d) for d in np.linspace(2, 30, 10)), seeds=3)


def run(settings: Settings, log: Log) -> None:
    """One cell per tree, dimension, share and convention; the first tree with its small subsets first."""
    for alpha, seeds in ((RELEASED, settings.seeds), (ANISOTROPIC, 1)):
        for seed in range(seeds):
            for share in sorted(settings.shares):
                for d in settings.dimensions:
                    log.cell(measure, d=d, share=share, length=settings.length, alpha=alpha, seed=seed)


def measure(d: int, share: float, length: int, alpha: float, seed: int) -> dict[str, float]:
    """The entropy of a random `share` of one tree at all TIMES, in bits."""
    points, _branches = tree(3, length, dimension=d, rng=seed)
    n = len(points)
    kept = np.random.default_rng([seed, d]).permutation(n)[: round(share * n)]
    return at_times(exact(points[kept], 10.0, alpha), TIMES)


def figure(cells: list[Cell]) -> Figure:
    """Left entropy against dimension per t (colour) and share (dashes), right the drift of the smallest subsets."""
    drawn, axes = panels(1, 2, size=(4.6, 3.4))
    cells = select(cells, alpha=RELEASED)
    dimensions = sorted({cell.key["d"] for cell in cells})
    shares = sorted({cell.key["share"] for cell in cells}, reverse=True)
    for t, colour in zip(TIMES, COLOURS, strict=False):
        for share, dash in zip(shares, DASHES, strict=False):
            line = [mean(select(cells, d=d, share=share), f"t={t}") for d in dimensions]
            label = f"t = {t}" if share == shares[0] else None
            axes[0, 0].plot(dimensions, line, dash, color=colour, lw=1.2, label=label)
        drift = [max(map(abs, _drifts(select(cells, d=d), [t])), default=math.nan) for d in dimensions]
        axes[0, 1].plot(dimensions, drift, "o-", ms=3, color=colour, label=f"t = {t}")
    for share, dash in zip(shares, DASHES, strict=False):
        axes[0, 0].plot([], [], dash, color="black", lw=1.0, label=f"{share:.0%} kept")
    axes[0, 1].axhline(0.1, color="black", lw=0.7, ls=":")
    axes[0, 0].set(xlabel="dimension", ylabel="DSE [bits]", title="mean over trees")
    axes[0, 1].set(xlabel="dimension", ylabel="|DSE(10 %) - DSE(all)| [bits]", title="drift, worst tree", yscale="log")
    axes[0, 0].legend(fontsize=6, frameon=False, ncols=2)
    axes[0, 1].legend(fontsize=7, frameon=False)
    return drawn


def check(cells: list[Cell]) -> list[Verdict]:
    """Our numbers against expected.toml: the replicated tree and the drift over all trees and dimensions."""
    return compare("subsampling", cells, _derived(cells))


def _derived(cells: list[Cell]) -> dict[str, float]:
    """The drifts that the claim is about; NaN until the smallest subsets and all points were measured."""
    released, other = (select(cells, alpha=alpha) for alpha in (RELEASED, ANISOTROPIC))
    wide = _drifts(released, TIMES[1:])
    return {
        "within 0.1": float(np.mean(np.abs(wide) <= 0.1)) if wide else math.nan,
        "worst t>=2": max(map(abs, wide), default=math.nan),
        "worst t=1": max(map(abs, _drifts(released, (1,))), default=math.nan),
        "t=1, d=30": max(map(abs, _drifts(select(released, d=30), (1,))), default=math.nan),
        "worst t>=2, alpha 1/2": max(map(abs, _drifts(other, TIMES[1:])), default=math.nan),
        "worst of the mean": max((abs(each) for each in _mean_drifts(released)), default=math.nan),
    }


def _drifts(cells: list[Cell], times: Iterable[int]) -> list[float]:
    """Entropy of a tenth of a tree minus that of all of it, over all trees, dimensions and `times`."""
    whole = {(c.key["d"], c.key["seed"]): c.values for c in select(cells, share=1.0)}
    pairs = [(c.values, whole.get((c.key["d"], c.key["seed"]))) for c in select(cells, share=0.1)]
    return [part[f"t={t}"] - every[f"t={t}"] for part, every in pairs if every for t in times]


def _mean_drifts(cells: list[Cell]) -> list[float]:
    """The drift of the mean over trees, per dimension and t >= 2: what the figure of the paper shows."""
    dimensions = sorted({cell.key["d"] for cell in cells})
    drifts = [_drifts(select(cells, d=d), [t]) for d in dimensions for t in TIMES[1:]]
    return [float(np.mean(each)) for each in drifts if each]
