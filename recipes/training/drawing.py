"""The figures of the study: a measure against the accuracy, as the paper draws it, and against the epoch.

Over each scatter stand Pearson's and Spearman's correlation with the accuracy, per condition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.lab.drawing import panels
from recipes.lab.log import Cell, select
from recipes.training.claims import curve
from recipes.training.networks.families import CONVOLUTIONAL, TRANSFORMERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["against_accuracy", "against_epoch", "correlations"]

LOOKS = {"supervised": ("#4269d0", "o"), "contrastive": ("#222222", "s"), "wrong labels": ("#ff725c", "*")}
"""The paper's colours and marks of the conditions."""

NOTHING = np.empty((0, 2))
KINDS = {"ConvNets": CONVOLUTIONAL, "transformers": TRANSFORMERS}


def against_accuracy(cells: Sequence[Cell], measures: Sequence[str]) -> Figure:
    """Two rows of panels per measure, convolutional networks and transformers; a column per data set."""
    data = _data(cells)
    figure, axes = panels(2 * len(measures), len(data), size=(3.3, 2.0), sharex=True)
    for row, (measure, kind) in enumerate((measure, kind) for measure in measures for kind in KINDS):
        for axis, name in zip(axes[row], data, strict=True):
            some = [cell for cell in select(cells, data=name) if cell.key["network"] in KINDS[kind]]
            _scatter(axis, some, measure)
            _tell(axis, correlations(some, measure))
            if row == 0:
                axis.set_title(name, fontsize=9, pad=13)
            if row == len(axes) - 1:
                axis.set_xlabel("held-out accuracy, %", fontsize=8)
        axes[row][0].set_ylabel(f"{_short(measure)}\n{kind}", fontsize=7)
    _legend(figure, "over each panel: Pearson's / Spearman's correlation with the accuracy")
    return figure


def correlations(cells: Sequence[Cell], measure: str) -> dict[str, tuple[float, float]]:
    """Pearson's and Spearman's correlation of `measure` with the accuracy, over all looks at `cells`, by condition."""
    from scipy.stats import pearsonr, spearmanr

    found = {}
    for condition in LOOKS:
        known = np.concatenate([_points(cell, measure) for cell in select(cells, condition=condition)] or [NOTHING])
        if len(known) > 2 and bool(np.ptp(known, axis=0).all()):
            found[condition] = (float(pearsonr(*known.T).statistic), float(spearmanr(*known.T).statistic))
    return found


def _tell(axis: Axes, found: Mapping[str, tuple[float, float]]) -> None:
    """Above the panel, each condition in its colour."""
    for k, (condition, (colour, _mark)) in enumerate(LOOKS.items()):
        if condition in found:
            pearson, spearman = found[condition]
            text = f"{pearson:+.2f} / {spearman:+.2f}"
            axis.text(0.34 * k, 1.03, text, color=colour, fontsize=6.5, transform=axis.transAxes)


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
        axis.set_xlabel("share of the training", fontsize=8)
    _legend(figure)
    return figure


def _data(cells: Sequence[Cell]) -> list[str]:
    """Grey images first, then by the alphabet: cells come in the order in which workers end them."""
    return sorted({cell.key["data"] for cell in cells}, key=lambda name: (name != "MNIST", name))


def _short(measure: str) -> str:
    return measure.replace(", neighbors", ",\nneighbors").replace(", sigma = 10", ",\nsigma = 10")


def _scatter(axis: Axes, cells: Sequence[Cell], measure: str) -> None:
    for condition, (colour, mark) in LOOKS.items():
        for cell in select(cells, condition=condition):
            known = _points(cell, measure)
            axis.scatter(100 * known[:, 0], known[:, 1], s=9, color=colour, marker=mark, alpha=0.5, lw=0)
    axis.set_xlim(0, 100)


def _points(cell: Cell, measure: str) -> np.ndarray[Any, Any]:
    """Accuracy and measure of every look that has both, shape (looks, 2)."""
    pairs = zip(cell.values["accuracy"], cell.values.get(measure, []), strict=False)
    return np.array([pair for pair in pairs if None not in pair], dtype=float).reshape(-1, 2)


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


def _legend(figure: Figure, title: str = "") -> None:
    """Above all panels, where it covers no line."""
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], color=colour, marker=mark, ls="", label=condition, ms=4)
        for condition, (colour, mark) in LOOKS.items()
    ]
    kept = {"title": title, "title_fontsize": 8} if title else {}
    figure.legend(handles=marks, loc="outside upper center", ncols=len(marks), fontsize=8, frameon=False, **kept)
