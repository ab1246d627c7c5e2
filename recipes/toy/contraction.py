"""What the steps of the walk do to points.

Claim: as t grows, P^t moves three separated blobs to three points and a single blob to one. As many eigenvalues are
left. This is the visualisation of MAGIC. No figure was published.

Command: `python -m recipes contraction --paper`. Expected time: 2 s smoke, 3 min paper on one core.

3000 points in three blobs, or in one, stretched threefold along the first axis. The graph is that of MAGIC: 5
neighbours with weights that fall exponentially (`AlphaDecay(5, decay=1.0)`, alpha = 0). `diffspec.diffuse` moves the
points. DSE at the same t comes from the eigenvalues of the same matrix. What we find:

- By t = 500 each of three blobs is within .2 % of its first extent, in a place of its own, and DSE is log2 3. The one
  blob is a point and DSE is 0. Between, at t = 100, the long axis is the last to go.
- Three blobs are three for long, not for ever, since a few edges lead from one to another. At t = 10,000 they have
  moved 6 % towards one another, while DSE is still 1.584. A disconnected graph would keep them for ever.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from diffspec import AlphaDecay, Exact, diffuse, spectrum
from recipes.lab.drawing import COLOURS, panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, select
from recipes.lab.spectra import RELEASED, at_times

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TIMES = (1, 3, 5, 10, 100, 500, 1000, 5000, 10000)
"""As in the research code."""
CENTRES = {"three blobs": 3, "one blob": 1}
GRAPH = AlphaDecay(5, decay=1.0)
SHOWN = 300
"""Points of the figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Number of points, times of the walk, draws of the blobs."""

    points: int
    times: tuple[int, ...]
    seeds: int = 1


SMOKE = Settings(points=300, times=TIMES[:6])
PAPER = Settings(points=3000, times=TIMES)


def run(settings: Settings, log: Log) -> None:
    """One cell per data set and draw; the first as in the research code."""
    for seed in range(20, 20 + settings.seeds):
        for data in CENTRES:
            log.cell(measure, data=data, n=settings.points, times=settings.times, seed=seed)


def measure(*, data: str, n: int, times: list[int], seed: int) -> dict[str, Any]:
    """Per time: DSE, the largest distance within a blob and the smallest between blobs, and some points."""
    points, labels = _drawn(data, n, seed)
    found = spectrum(points, kernel=GRAPH, alpha=RELEASED, solver=Exact())
    values: dict[str, Any] = {f"DSE {name}": bits for name, bits in at_times(found, times).items()}
    values["labels"] = labels[:SHOWN].tolist()
    moved, before = points, 0
    for t in [0, *times]:
        moved, before = diffuse(points, t - before, values=moved, kernel=GRAPH, alpha=RELEASED), t
        blobs = [moved[labels == label] for label in np.unique(labels)]
        means = np.array([blob.mean(axis=0) for blob in blobs])
        values[f"within t={t}"] = max(float(np.ptp(blob, axis=0).max()) for blob in blobs)
        gaps = [math.dist(a, b) for i, a in enumerate(means) for b in means[:i]]
        values |= {f"between t={t}": min(gaps)} if gaps else {}
        values[f"points t={t}"] = moved[:SHOWN].round(3).tolist()
    return values


def _drawn(data: str, n: int, seed: int) -> tuple[Any, Any]:
    from sklearn.datasets import make_blobs

    points, labels = make_blobs(n, 2, centers=CENTRES[data], center_box=(-20, 20), random_state=seed)
    return points * [3.0, 1.0], labels


def figure(cells: list[Cell]) -> Figure:
    """A row per data set, a column per time; colours are blobs."""
    times = [0, *(cells[0].key["times"] if cells else TIMES)]
    drawn, axes = panels(len(CENTRES), len(times), size=(1.5, 1.5))
    for row, data in zip(axes, CENTRES, strict=True):
        for cell in select(cells, data=data):
            colours = [COLOURS[label] for label in cell.values["labels"]]
            first = np.array(cell.values["points t=0"])
            for axis, t in zip(row, times, strict=True):
                axis.scatter(*np.array(cell.values[f"points t={t}"]).T, s=3, lw=0, c=colours)
                axis.set(xlim=_limits(first[:, 0]), ylim=_limits(first[:, 1]), xticks=[], yticks=[])
                bits = cell.values.get(f"DSE t={t}")
                axis.set_title(f"t = {t}" + ("" if bits is None else f"\nDSE {bits:.2f}"), fontsize=7)
        row[0].set_ylabel(data, fontsize=8)
    return drawn


def _limits(values: Any) -> tuple[float, float]:
    margin = 0.08 * np.ptp(values)
    return float(values.min() - margin), float(values.max() + margin)


def check(cells: list[Cell]) -> list[Verdict]:
    """Our numbers against expected.toml: how far blobs have contracted, and how many eigenvalues are left."""
    return compare("contraction", cells, _derived(cells))


def _derived(cells: list[Cell]) -> dict[str, float]:
    """At the last time: what is left of the extent of the blobs, and of the distance between them."""
    found: dict[str, float] = {}
    for cell in cells:
        data, last = cell.key["data"], cell.key["times"][-1]
        found[f"{data}, extent"] = cell.values[f"within t={last}"] / cell.values["within t=0"]
        found[f"{data}, DSE"] = cell.values[f"DSE t={last}"]
        if f"between t={last}" in cell.values:
            found[f"{data}, distance"] = cell.values[f"between t={last}"] / cell.values["between t=0"]
    return found
