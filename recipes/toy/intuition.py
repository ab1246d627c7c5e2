"""DSE and DSMI against the diffusion time (intuition figure).

Claim: as t grows, DSE of k separated clusters falls to log2 k and stays there, and DSE of one cluster falls to 0. DSMI
with the labels of the clusters goes to log2 k. With random labels on one cluster it stays about 0.

Command: `python -m recipes intuition --paper`. Expected time: 3 s smoke, 80 s paper.

3000 points in three blobs, or in one with random labels. As published, sigma = sqrt(d) for DSE and 1 for DSMI. What
we find:

- The replicated draw comes out to two digits. From t = 100 on DSE is log2 3 = 1.585 or 0 within .001, by both
  conventions.
- alpha = 1/2 is up to .6 bits higher in between and arrives at the same plateaus later.
- DSMI passes H(Y) at t of 3 to 10 in some draws and not in others. It varies by .1 to .2 bits between draws there, so
  one set of five draws, as published, does not fix its shape. At t = 100 a matched subset may still split a blob
  (1.37 to 1.66). At t = 1000 none does.
- That DSE goes to 0 says that there is one blob, and nothing else of it. At large t the eigenvalue 1 is all that is
  left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.lab.drawing import COLOURS, panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, mean, select
from recipes.lab.spectra import PAPER as ANISOTROPIC
from recipes.lab.spectra import RELEASED, at_times, exact, matched_sets, weighted
from recipes.toy.convention_data import made

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = ("separated 2-D", "separated 3-D", "single 2-D", "single 3-D")
TIMES = (*range(1, 21), 30, 40, 50, 70, 100, 150, 200, 300, 400, 500, 600, 700, 800, 900, 999)
"""Of DSE; the paper draws every integer to 999. One decomposition answers all."""
FEW = (1, 2, 3, 4, 5, 10, 100, 1000)
"""Of DSMI, as published."""
LATE = 100
"""From here on the figure shows plateaus."""
WORDS = {RELEASED: "released (alpha = 0)", ANISOTROPIC: "paper (alpha = 1/2)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every how many-th point is kept, and how often the blobs are drawn for either measure."""

    every: int
    entropies: int
    seeds: int


SMOKE = Settings(every=10, entropies=1, seeds=1)
PAPER = Settings(every=1, entropies=3, seeds=5)


def run(settings: Settings, log: Log) -> None:
    """One cell per measure, draw, convention and data set."""
    for measure, draws in ((entropy, settings.entropies), (information, settings.seeds)):
        for seed in range(draws):
            for alpha in (RELEASED, ANISOTROPIC):
                for data in NAMES:
                    name = measure.__name__
                    log.cell(measure, measure=name, data=data, alpha=alpha, every=settings.every, seed=seed)


def entropy(measure: str, data: str, alpha: float, every: int, seed: int) -> dict[str, float]:
    """DSE in bits at all TIMES, sigma = sqrt(d)."""
    points, sigma, _labels = made(data, seed)
    return at_times(exact(points[::every], sigma, alpha), TIMES)


def information(measure: str, data: str, alpha: float, every: int, seed: int) -> dict[str, float]:
    """DSMI in bits at the FEW times, sigma = 1, five random subsets per size of group."""
    points, _sigma, labels = made(data, seed)
    points, labels = points[::every], np.asarray(labels)[::every]
    groups, subsets = matched_sets(labels, 5, np.random.default_rng(seed))
    matched, conditional = (_mean_of(points, sets, groups, alpha) for sets in (subsets, groups))
    return {t: matched[t] - conditional[t] for t in matched}


def _mean_of(points: Any, sets: Sequence[Any], groups: Sequence[Any], alpha: float) -> dict[str, float]:
    """The entropy of `sets`, averaged over those of a size, then over the groups."""
    found = [(len(each), at_times(exact(points[each], 1.0, alpha), FEW)) for each in sets]
    sizes = {n for n, _values in found}
    return {t: weighted(groups, {n: [v[t] for m, v in found if m == n] for n in sizes}) for t in found[0][1]}


def figure(cells: list[Cell]) -> Figure:
    """A column per data set: its points, DSE against t, and DSMI against t over draws."""
    drawn, axes = panels(3, len(NAMES), size=(2.7, 2.2))
    for column, name in enumerate(NAMES):
        axes[0, column].remove()
        _points(drawn, column, name)
        _entropies(axes[1, column], select(cells, data=name, measure="entropy"))
        _informations(axes[2, column], select(cells, data=name, measure="information"))
    for row, top, label in ((1, 5.5, "DSE [bits]"), (2, 2.1, "DSMI [bits]")):
        axes[row, 0].set_ylabel(label, fontsize=8)
        for axis in axes[row]:
            axis.axhline(math.log2(3.0), color="black", lw=0.6, ls=":")
            axis.set_ylim(-0.2, top)
            axis.set_xlabel("diffusion time t", fontsize=8)
    axes[1, 0].legend(fontsize=7, frameon=False)
    return drawn


def _points(drawn: Figure, column: int, name: str) -> None:
    """The first draw of a data set, coloured by label."""
    points, _sigma, labels = made(name, 0)
    flat = points.shape[1] == 2
    axis = drawn.add_subplot(3, len(NAMES), column + 1, projection=None if flat else "3d")
    for label, colour in enumerate(COLOURS[:3]):
        own = points[np.asarray(labels) == label][::5]
        axis.scatter(*own.T, s=2, lw=0, color=colour)
    axis.set_title(name, fontsize=9)
    axis.tick_params(labelsize=6)
    axis.set_aspect("equal")


def _entropies(axis: Axes, cells: list[Cell]) -> None:
    for (alpha, words), dash in zip(WORDS.items(), ("-", "--"), strict=True):
        found = select(cells, alpha=alpha)
        axis.plot(TIMES, [mean(found, f"t={t}") for t in TIMES], dash, lw=1.2, color=COLOURS[0], label=words)
    axis.set_xscale("log")


def _informations(axis: Axes, cells: list[Cell]) -> None:
    found = select(cells, alpha=RELEASED)
    axis.boxplot([[cell.values[f"t={t}"] for cell in found] for t in FEW], showfliers=False, widths=0.6)
    places = range(1, len(FEW) + 1)
    other = [mean(select(cells, alpha=ANISOTROPIC), f"t={t}") for t in FEW]
    axis.plot(places, other, "--", lw=1.2, color=COLOURS[0])
    axis.set_xticks(places, [f"{t}" for t in FEW], fontsize=7)


def check(cells: list[Cell]) -> list[Verdict]:
    """Our numbers against expected.toml: the replicated draw, the readings and the limits."""
    return compare("intuition", cells, _derived(select(cells, every=PAPER.every)))


def _derived(cells: list[Cell]) -> dict[str, float]:
    """How far the plateaus are from log2 3 and 0 at worst, and single blobs from no information at any time."""
    found: dict[str, float] = {}
    for alpha, words in ((RELEASED, "released"), (ANISOTROPIC, "paper")):
        for kind, limit in (("separated", math.log2(3.0)), ("single", 0.0)):
            for measure, times in (("entropy", TIMES), ("information", FEW)):
                own = [c for c in select(cells, measure=measure, alpha=alpha) if c.key["data"].startswith(kind)]
                late = [t for t in times if t >= LATE]
                found[f"{words}, {kind}, {measure}"] = _worst(own, late, limit)
        single = [c for c in select(cells, measure="information", alpha=alpha) if c.key["data"].startswith("single")]
        found[f"{words}, single, any t"] = _worst(single, FEW, 0.0)
    return found


def _worst(cells: list[Cell], times: Sequence[int], limit: float) -> float:
    return max((abs(cell.values[f"t={t}"] - limit) for cell in cells for t in times), default=math.nan)
