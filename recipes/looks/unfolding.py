"""How far an embedding has unfolded into classes, in numbers and pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from recipes.lab.drawing import panels
from recipes.lab.log import Cell, select
from recipes.training.drawing import LOOKS as CONDITIONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["between", "heat_maps", "numbers", "outside", "plane", "planes", "table"]

Points: TypeAlias = np.ndarray[Any, Any]

MEASURES = (
    "potential: between classes",
    "PCA: between classes",
    "classes of extrema",
    "distance of extrema",
    "potential: extrema outside",
)


def between(plane: Points, labels: Points) -> float:
    """The share of the variance that lies between classes: 1 where each is one point, about 0 for labels by chance."""
    centred = plane - plane.mean(axis=0)
    total = float(np.sum(centred**2))
    classes = [centred[labels == label] for label in np.unique(labels)]
    return sum(len(some) * float(np.sum(some.mean(axis=0) ** 2)) for some in classes) / total if total else 0.0


def outside(plane: Points, places: Sequence[int]) -> float:
    """How far the points at `places` are from the middle, as a multiple of what a point is on average."""
    radii = np.linalg.norm(plane - plane.mean(axis=0), axis=1)
    return float(radii[list(places)].mean() / radii.mean()) if radii.any() else 0.0


def rows(cells: Sequence[Cell]) -> list[tuple[str, str]]:
    """Data sets and conditions that there are cells of, data set by data set."""
    found = dict.fromkeys((cell.key["data"], cell.key["condition"]) for cell in cells)
    data = list(dict.fromkeys(name for name, _condition in found))
    return sorted(found, key=lambda row: (data.index(row[0]), list(CONDITIONS).index(row[1])))


def _drawn(cells: Sequence[Cell], network: str) -> list[Cell]:
    """The first cell of every data set and condition whose coordinates were kept."""
    some = [cell for cell in select(cells, network=network) if cell.key["drawn"]]
    return [select(some, data=data, condition=condition)[0] for data, condition in rows(some)]


def planes(cells: Sequence[Cell], way: str, network: str) -> Figure:
    """A row per data set and condition, a column per look: the points by their class, extrema in red."""
    some = _drawn(cells, network)
    figure, axes = panels(len(some), max(len(cell.values["looks"]) for cell in some), size=(1.9, 1.8))
    for row, cell in zip(axes, some, strict=True):
        for axis, at in zip(row, range(len(cell.values["looks"])), strict=False):
            plane(axis, cell, way, at)
            axis.set_title(f"epoch {cell.values['looks'][at]}, {cell.values['accuracy'][at]:.0%} right", fontsize=6)
        row[0].set_ylabel(f"{network}, {cell.key['data']}\n{cell.key['condition']}", fontsize=6)
    return figure


def plane(axis: Axes, cell: Cell, way: str, at: int) -> None:
    """One look: the points by their class, extrema in red."""
    found = np.array(cell.values[way][at])
    labels, count = np.array(cell.values["labels"][at]), _count(cell.values["distances"][at])
    axis.scatter(*found[:-count].T, s=3, lw=0, c=labels[:-count], cmap="tab10")
    axis.scatter(*found[-count:].T, s=16, color="red", edgecolor="white", lw=0.5, zorder=3)
    axis.set(xticks=[], yticks=[])


def heat_maps(cells: Sequence[Cell], network: str) -> Figure:
    """The distances between extrema, as multiples of the mean distance of points."""
    some = _drawn(cells, network)
    figure, axes = panels(len(some), max(len(cell.values["looks"]) for cell in some), size=(1.9, 1.8))
    image: Any = None
    for row, cell in zip(axes, some, strict=True):
        for axis, at in zip(row, range(len(cell.values["looks"])), strict=False):
            image = axis.imshow(square(cell.values["distances"][at]) / 100, vmin=0, vmax=3, cmap="viridis")
            axis.set(xticks=[], yticks=[])
            mean = cell.values["distance of extrema"][at]
            axis.set_title(f"epoch {cell.values['looks'][at]}, mean {mean:.2f}", fontsize=6)
        row[0].set_ylabel(f"{network}, {cell.key['data']}\n{cell.key['condition']}", fontsize=6)
    figure.colorbar(image, ax=axes, shrink=0.4, label="distance / mean distance of points")
    return figure


def square(upper: Sequence[int]) -> Points:
    """A symmetric matrix from what is above its diagonal, row by row."""
    size = _count(upper)
    found = np.zeros((size, size))
    found[np.triu_indices(size, 1)] = upper
    return found + found.T


def _count(upper: Sequence[int]) -> int:
    """How many points have so many distances."""
    return (1 + math.isqrt(1 + 8 * len(upper))) // 2


def numbers(cells: Sequence[Cell]) -> dict[str, float]:
    """By condition: the mean of each measure at the end, and less that before training."""
    found = {}
    for condition in dict.fromkeys(cell.key["condition"] for cell in cells):
        for measure in MEASURES:
            ends = [cell.values[measure][-1] for cell in select(cells, condition=condition)]
            starts = [cell.values[measure][0] for cell in select(cells, condition=condition)]
            found[f"{measure}, {condition}"] = float(np.mean(ends))
            found[f"change of {measure}, {condition}"] = float(np.mean(np.subtract(ends, starts)))
    return found


def table(cells: Sequence[Cell]) -> str:
    """Every measure before training and at its end, by network, data set and condition; means over seeds."""
    lines = [f"| network, data, condition | {' | '.join(MEASURES)} |", "|---|" + "---|" * len(MEASURES)]
    for network in dict.fromkeys(cell.key["network"] for cell in cells):
        for data, condition in rows(cells):
            some = select(cells, network=network, data=data, condition=condition)
            if some:
                values = [[np.mean([cell.values[name][at] for cell in some]) for at in (0, -1)] for name in MEASURES]
                told = " | ".join(f"{first:.2f} → {last:.2f}" for first, last in values)
                lines.append(f"| {network}, {data}, {condition} | {told} |")
    return "Before training and at its end, means over seeds:\n\n" + "\n".join(lines)
