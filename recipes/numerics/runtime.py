"""Seconds against the dimension, for all estimators (runtime figure).

Claim: DSMI scales better with the dimension than binned information, MINE and NPEET, and has no advantage in few
dimensions. At 500,000 it takes 295 s, the others 895 s to 3640 s.

Command: `python -m recipes runtime --paper`. Expected time: 10 s smoke, 30 min paper on one core and 8 GB of memory.

No script and no number of points were published. Here 500 points in three blobs stand for them: in float64 at
D = 500,000 a data set of 2 GB. Some cells of 2000 and 5000 points at D = 20,000 show what changes with the number.
Every cell times its method and, right before, DSMI on the same points in the same process. Seconds are those of the
processor, of all cores together, so that others on the machine do not count; the clock is in the results beside. Data
are made before the clock starts. What we find:

- DSMI is one matrix product, O(n^2 D), and then no longer depends on D: 2.4 s for 500,000 features. KSG in the maximum
  norm has no such product and takes 24 times as long. CSMI, O(n D) for every one of its subsets, takes 32 to 44 times
  as long, and MINE, O(D) for every step of its training, 64 times.
- MINE is given 200 steps here, what 200 epochs of 500 points in batches of 500 take. Our default trains up to 2000. Its
  steps do not grow with n, so of 5000 points of 20,000 features it takes no longer than DSMI.
- The CSMI of the published figure cuts every subset into bins anew. Cut once, and only until every point has a cell of
  its own, it takes less time than DSMI, and says as little: the entropy of the labels.
- The nearest-neighbour estimator for labels (Ross) is a matrix product as well, for every class against all points. It
  takes a quarter of the time to four times as long, and the longer the more features there are.
- In few dimensions DSMI has no advantage, as the authors say.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from diffspec import Gaussian, dsmi
from diffspec.baselines import Training, binned_information, mine, ross
from diffspec.released import diffusion_spectral_mutual_information as released
from diffspec.synthetic import blobs
from recipes.information.compared import Values, as_npeet
from recipes.lab.drawing import COLOURS, panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, mean, select

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Points and dimensions; dimension and numbers of points of the cells that show what the number changes."""

    points: int
    dimensions: tuple[int, ...]
    more: tuple[int, ...]
    more_dimension: int
    seeds: int = 1


SMOKE = Settings(points=60, dimensions=(50, 200), more=(120,), more_dimension=50)
PAPER = Settings(
    points=500,
    dimensions=(200, 500, 2000, 5000, 20000, 50000, 500000, 200000),
    more=(2000, 5000),
    more_dimension=20000,
)

STEPS = Training(steps=200, patience=200)


def _dsmi(points: Any, labels: Any) -> Any:
    return dsmi(points, labels, kernel=Gaussian(math.sqrt(points.shape[1])))


def _published_bins(points: Any, labels: Any, *, bins: int) -> Any:
    return released(points, labels, classic_shannon_entropy=True, num_bins_per_dim=bins)


METHODS: Mapping[str, Callable[[Any, Any], Any]] = {
    "CSMI, bins found once": partial(binned_information, bins=5),
    "Ross": ross,
    "CSMI 5": partial(_published_bins, bins=5),
    "CSMI 10": partial(_published_bins, bins=10),
    "CSMI 100": partial(_published_bins, bins=100),
    "KSG": lambda points, labels: as_npeet(points, labels, 0),
    "MINE": partial(mine, corrected=False, training=STEPS),
}


def timed(method: str, n: int, d: int, seed: int) -> Values:
    """Processor seconds of a method and of DSMI on the same points, how many times more the method takes; the clock."""
    _warm_up()
    points, labels = blobs(n, 3, dimension=d, rng=seed)
    ours, our_clock = _seconds(_dsmi, points, labels)
    theirs, their_clock = _seconds(METHODS[method], points, labels)
    values = {"seconds": theirs, "DSMI": ours, "times": theirs / ours}
    return values | {"clock": their_clock, "DSMI clock": our_clock}


@functools.lru_cache(maxsize=1)
def _warm_up() -> None:
    """What is imported and compiled once is not timed."""
    small, small_labels = blobs(100, 3, dimension=10)
    for method in [_dsmi, *METHODS.values()]:
        method(small, small_labels)


def _seconds(method: Callable[[Any, Any], Any], points: Any, labels: Any) -> tuple[float, float]:
    used, start = time.process_time(), time.perf_counter()
    method(points, labels)
    return time.process_time() - used, time.perf_counter() - start


def run(settings: Settings, log: Log) -> None:
    """Time everything."""
    where = [(settings.points, d) for d in settings.dimensions]
    where += [(n, settings.more_dimension) for n in settings.more]
    for n, d in where:
        for method in METHODS:
            log.cell(timed, method=method, n=n, d=d, seed=0)


def figure(cells: list[Cell]) -> Figure:
    """Seconds, and times those of DSMI, against the dimension; and against the number of points at one dimension."""
    drawn, axes = panels(1, 3, size=(3.6, 3.2))
    points = min(cell.key["n"] for cell in cells)
    dimension = min((cell.key["d"] for cell in cells if cell.key["n"] > points), default=PAPER.more_dimension)
    few, many = select(cells, n=points), select(cells, d=dimension)
    for method, colour in zip(METHODS, COLOURS[1:], strict=True):
        _line(axes[0, 0], few, "d", value="seconds", colour=colour, method=method)
        _line(axes[0, 1], few, "d", value="times", colour=colour, method=method)
        _line(axes[0, 2], many, "n", value="times", colour=colour, method=method)
    _line(axes[0, 0], few, "d", value="DSMI", colour=COLOURS[0])
    for axis in axes[0, 1:]:
        axis.axhline(1.0, color=COLOURS[0], linewidth=1)
        axis.axhline(3.0, color="black", linewidth=0.6, linestyle=":")
    axes[0, 0].set(title=f"n = {points}", ylabel="processor seconds", xlabel="dimension D", xscale="log", yscale="log")
    axes[0, 1].set(title=f"n = {points}", ylabel="times DSMI", xlabel="dimension D", xscale="log", yscale="log")
    axes[0, 2].set(title=f"D = {dimension}", ylabel="times DSMI", xlabel="points n", xscale="log", yscale="log")
    sizes = sorted({cell.key["n"] for cell in many})
    axes[0, 2].set_xticks(sizes, [f"{n}" for n in sizes])
    axes[0, 2].minorticks_off()
    drawn.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8, frameon=False
    )
    return drawn


def _line(axis: Any, cells: list[Cell], along: str, *, value: str, colour: str, **where: str) -> None:
    """One method, or DSMI as the mean over the cells of all."""
    found = select(cells, **where)
    x = sorted({cell.key[along] for cell in found})
    y = [mean(select(found, **{along: each}), value) for each in x]
    axis.plot(x, y, color=colour, marker="o", markersize=2.5, linewidth=1, label=where.get("method", "DSMI"))


def check(cells: list[Cell]) -> list[Verdict]:
    """Our numbers against expected.toml."""
    return compare("runtime", cells)
