"""The figures of the study: a measure against the accuracy, as the paper draws it, and against the epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.lab.drawing import panels
from recipes.lab.log import Cell, select
from recipes.training.claims import curve
from recipes.training.networks.families import CONVOLUTIONAL, TRANSFORMERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["against_accuracy", "against_epoch"]

LOOKS = {"supervised": ("#4269d0", "o"), "contrastive": ("#222222", "s"), "wrong labels": ("#ff725c", "*")}
"""The paper's colours and marks of the conditions."""

KINDS = {"ConvNets": CONVOLUTIONAL, "transformers": TRANSFORMERS}


def against_accuracy(cells: Sequence[Cell], measures: Sequence[str]) -> Figure:
    """Two rows of panels per measure, convolutional networks and transformers; a column per data set."""
    data = _data(cells)
    figure, axes = panels(2 * len(measures), len(data), size=(3.0, 2.0), sharex=True)
    for row, (measure, kind) in enumerate((measure, kind) for measure in measures for kind in KINDS):
        for axis, name in zip(axes[row], data, strict=True):
            some = [cell for cell in select(cells, data=name) if cell.key["network"] in KINDS[kind]]
            _scatter(axis, some, measure)
            if row == 0:
                axis.set_title(name, fontsize=9)
            if row == len(axes) - 1:
                axis.set_xlabel("held-out accuracy, %", fontsize=8)
        axes[row][0].set_ylabel(f"{_short(measure)}\n{kind}", fontsize=7)
    _legend(axes[0][0])
    return figure


def against_epoch(cells: Sequence[Cell], measures: Sequence[str]) -> Figure:
    """A row of panels per measure and data set, a column per network; mean and band of a spread over seeds."""
    data = _data(cells)
    networks = [name for kind in KINDS.values() for name in kind if any(cell.key["network"] == name for cell in cells)]
    figure, axes = panels(len(measures) * len(data), len(networks), size=(2.0, 1.6))
    rows = [(measure, name) for measure in measures for name in data]
    for row, (measure, name) in zip(axes, rows, strict=True):
        for axis, network in zip(row, networks, strict=True):
            for condition in LOOKS:
                _band(axis, select(cells, data=name, network=network, condition=condition), measure, condition)
            if measure == measures[0] and name == data[0]:
                axis.set_title(network, fontsize=9)
        row[0].set_ylabel(f"{_short(measure)}\n{name}", fontsize=6)
    for axis in axes[-1]:
        axis.set_xlabel("epoch, of the last", fontsize=8)
    _legend(axes[0][0])
    return figure


def _data(cells: Sequence[Cell]) -> list[str]:
    """Grey images first, then by the alphabet: cells come in the order in which workers end them."""
    return sorted({cell.key["data"] for cell in cells}, key=lambda name: (name != "MNIST", name))


def _short(measure: str) -> str:
    return measure.replace(", neighbors", ",\nneighbors").replace(", sigma = 10", ",\nsigma = 10")


def _scatter(axis: Axes, cells: Sequence[Cell], measure: str) -> None:
    for condition, (colour, mark) in LOOKS.items():
        for cell in select(cells, condition=condition):
            pairs = zip(cell.values["accuracy"], cell.values.get(measure, []), strict=False)
            known = np.array([pair for pair in pairs if None not in pair], dtype=float).reshape(-1, 2)
            axis.scatter(100 * known[:, 0], known[:, 1], s=9, color=colour, marker=mark, alpha=0.5, lw=0)
    axis.set_xlim(0, 100)


def _band(axis: Axes, cells: Sequence[Cell], measure: str, condition: str) -> None:
    """Against the share of the training that is done: wrong labels are known after epochs of their own number."""
    colour, _mark = LOOKS[condition]
    grid = np.linspace(0, 1, 41)
    curves = []
    for cell in cells:
        epochs, values = curve(cell, measure)
        if len(epochs) > 1:
            curves.append(np.interp(grid, epochs / epochs[-1], values))
    if not curves:
        return
    middle, spread = np.mean(curves, 0), np.std(curves, 0)
    axis.plot(grid, middle, color=colour, lw=1.1)
    axis.fill_between(grid, middle - spread, middle + spread, color=colour, alpha=0.2, lw=0)


def _legend(axis: Any) -> None:
    for condition, (colour, mark) in LOOKS.items():
        axis.plot([], [], mark, color=colour, label=condition, ms=4)
    axis.legend(fontsize=6, frameon=False)
