"""Mutual information of points and partly wrong labels by several estimators: the grid, the cells and their figure.

Shared by `blobs`, `blobs-tree` and `adjacency`, and its estimators by `runtime`. All numbers are bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from diffspec import Gaussian, Matched, Precomputed, adjusted_dsmi, dsmi
from diffspec.baselines import binned_information, ksg, mine, ross
from diffspec.synthetic import corrupt
from recipes.lab.drawing import COLOURS, DASHES, panels
from recipes.lab.log import Cell, Log, mean, select

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values: TypeAlias = dict[str, float]
Data: TypeAlias = Callable[[int, int, int], tuple[Any, Any]]
"""Number of points, dimension and seed to clean points and labels."""
BINS = (5, 10, 100)
TOLERANCE = 5e-3
"""Bits: the standard error that the spectra of DSMI may add, a tenth of what a figure can be read to."""
SLOW = ("KSG", "MINE", "MINE published", "nearest")
"""Methods that come last beyond 1000 dimensions, where a cell takes minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """What is measured: every method on labels of growing corruption, and on clean labels in growing dimension."""

    points: int
    corrupted: tuple[int, ...]
    """Dimensions in which the labels are corrupted."""
    shares: tuple[float, ...]
    """Of corrupted labels."""
    dimensions: tuple[int, ...]
    """Of clean labels."""
    noises: tuple[float, ...]
    """Half-widths of the uniform noise, in percent of 1; each is added to clean points."""
    seeds: int
    methods: tuple[str, ...]
    """By name, the cheap ones first."""


def diffusion(points: Any, labels: Any, seed: int) -> Values:
    """DSMI at t = 1 and sigma = sqrt(d): released (alpha = 0), the paper's alpha = 1/2, and adjusted."""
    affinity = Gaussian(math.sqrt(points.shape[1]))(points)
    given = {"kernel": Precomputed(), "rng": seed, "tol": TOLERANCE}
    released = dsmi(affinity, labels, alpha=0.0, **given)
    defined = dsmi(affinity, labels, **given)
    adjusted = adjusted_dsmi(affinity, labels, **given)
    return {"DSMI": released.value, "alpha 1/2": defined.value, "adjusted": adjusted.value}


def binned(points: Any, labels: Any, seed: int) -> Values:
    """CSMI against matched subsets, as published, and the plug-in value of 5 bins."""
    values = {
        f"CSMI {bins}": binned_information(points, labels, bins=bins, estimator=Matched(5), rng=seed).value
        for bins in BINS
    }
    return values | {"plug-in": binned_information(points, labels, bins=BINS[0], rng=seed).value}


def as_npeet(points: Any, labels: Any, seed: int) -> Values:
    """KSG 1 as NPEET is called: labels as one more coordinate, made continuous by a jitter of 1e-10."""
    # Evenly spaced: of thousands of uniform numbers some would round to the same, which is no continuous coordinate.
    scalar = labels + 1e-10 * np.random.default_rng(seed).permutation(len(labels)) / len(labels)
    return {"KSG": ksg(points, scalar, standardize=False).value}


def by_class(points: Any, labels: Any, seed: int) -> Values:
    """The nearest-neighbour estimator for labels (Ross)."""
    return {"Ross": ross(points, labels).value}


def biased_mine(points: Any, labels: Any, seed: int) -> Values:
    """MINE in its biased form, read off on data that it was not trained on."""
    return {"MINE": mine(points, labels, corrected=False, rng=seed).value}


METHODS: Mapping[str, Callable[[Any, Any, int], Values]] = {
    "diffusion": diffusion,
    "CSMI": binned,
    "KSG": as_npeet,
    "Ross": by_class,
    "MINE": biased_mine,
}


def run(grid: Grid, data: Data, log: Log, methods: Mapping[str, Callable[[Any, Any, int], Values]] = METHODS) -> None:
    """Measure every cell of `grid`, the first seed and noise and the cheap ones first."""

    def measure(method: str, n: int, d: int, share: float, noise: float, seed: int) -> Values:
        points, labels = data(n, d, seed)
        if noise:
            points = points + noise / 100.0 * np.random.default_rng([seed, 1]).uniform(-1.0, 1.0, points.shape)
        return methods[method](points, corrupt(labels, share, rng=seed), seed)

    for cell in plan(grid):
        log.cell(measure, **cell)


def plan(grid: Grid) -> list[dict[str, Any]]:
    """The cells of `grid` such that whatever is measured first is worth having."""
    where = [(d, 0.0) for d in grid.dimensions]
    where += [(d, share) for d in grid.corrupted for share in grid.shares if (d, share) not in where]
    every = product(range(grid.seeds), grid.noises, grid.methods, where)
    cells = [
        {"method": method, "n": grid.points, "d": d, "share": share, "noise": noise, "seed": seed}
        for seed, noise, method, (d, share) in every
    ]
    return sorted(cells, key=lambda cell: cell["d"] if cell["method"] in SLOW and cell["d"] > 1000 else 0)


def truth(share: float, classes: int) -> float:
    """Bits in labels of `classes` groups of equal size, that points determine, once a `share` of them is permuted.

    A label stays what it was with probability 1 - share + share / classes.
    """
    others = share / classes
    rest = (classes - 1) * others * math.log2(others) if others else 0.0
    return math.log2(classes) + (1.0 - share + others) * math.log2(1.0 - share + others) + rest


def extremes(cells: Sequence[Cell], classes: int) -> dict[str, float]:
    """Over all dimensions and noises, as means over seeds: ends of clean and random labels, and distances to the truth.

    By names such as ``"DSMI, clean, least"``, ``"Ross, above the truth"`` and ``"DSMI, rise"``, the largest rise from
    one share of corrupted labels to the next.
    """
    found: dict[str, float] = {}
    for name in sorted({name for cell in cells for name in cell.values}):
        curves = _curves([cell for cell in cells if name in cell.values], name)
        clean = [curve[0.0] for curve in curves if 0.0 in curve]
        off = [value - truth(share, classes) for curve in curves for share, value in curve.items()]
        steps = [b - a for curve in curves for a, b in pairwise(curve[share] for share in sorted(curve))]
        found |= {f"{name}, clean, least": min(clean), f"{name}, clean, most": max(clean)} if clean else {}
        found |= {f"{name}, above the truth": max(off), f"{name}, below the truth": -min(off)}
        found |= {f"{name}, rise": max(steps)} if steps else {}
        random = [abs(curve[1.0]) for curve in curves if 1.0 in curve]
        found |= {f"{name}, random, farthest from 0": max(random)} if random else {}
    return found


def _curves(cells: Sequence[Cell], name: str) -> list[dict[float, float]]:
    """Per dimension and noise, the mean of a value over seeds by the share of corrupted labels."""
    grouped: dict[tuple[int, float], dict[float, list[Cell]]] = {}
    for cell in cells:
        curve = grouped.setdefault((cell.key["d"], cell.key["noise"]), {})
        curve.setdefault(cell.key["share"], []).append(cell)
    return [{share: mean(same, name) for share, same in curve.items()} for curve in grouped.values()]


def drawn(cells: Sequence[Cell], lines: Mapping[str, str], classes: int) -> Figure:
    """One panel per dimension of corrupted labels and one of clean labels against the dimension.

    `lines` gives the label of every value; a colour per value, a line style per noise.
    """
    corrupted = sorted({cell.key["d"] for cell in cells if cell.key["share"] > 0})
    shares = [k / 50 for k in range(51)]
    figure, axes = panels(1, len(corrupted) + 1, size=(3.6, 3.2), sharey=True)
    for axis, d in zip(axes[0], corrupted, strict=False):
        axis.plot(shares, [truth(share, classes) for share in shares], color="black", linewidth=0.8, linestyle=":")
        _lines(axis, select(cells, d=d), lines, "share")
        axis.set(title=f"d = {d}", xlabel="share of corrupted labels")
    axes[0, -1].axhline(truth(0.0, classes), color="black", linewidth=0.8, linestyle=":", label="truth")
    _lines(axes[0, -1], select(cells, share=0.0), lines, "d")
    axes[0, -1].set(title="clean labels", xlabel="dimension d", xscale="log")
    axes[0, 0].set_ylabel("information (bits)")
    noises = sorted({cell.key["noise"] for cell in cells})
    for noise, dash in zip(noises, DASHES, strict=False):
        axes[0, -1].plot([], [], color="black", linestyle=dash, linewidth=1, label=f"{noise:g} % noise")
    figure.legend(
        *axes[0, -1].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8, frameon=False
    )
    return figure


def _lines(axis: Any, cells: Sequence[Cell], lines: Mapping[str, str], along: str) -> None:
    for (value, label), colour in zip(lines.items(), COLOURS, strict=False):
        measured = [cell for cell in cells if value in cell.values]
        noises = sorted({cell.key["noise"] for cell in measured})
        for noise, dash in zip(noises, DASHES, strict=False):
            found = select(measured, noise=noise)
            x = sorted({cell.key[along] for cell in found})
            y = [mean(select(found, **{along: each}), value) for each in x]
            name = label if noise == noises[0] else None
            axis.plot(x, y, dash, color=colour, marker="o", markersize=2.5, linewidth=1, label=name)
