"""The figures of the study of blocks: every block against the epoch, and the information plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.lab.drawing import panels
from recipes.lab.log import Cell
from recipes.training.claims import curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["MEASURES", "RULES", "against_epoch", "blocks_of", "groups", "plane"]

MEASURES = ("DSE(Z)", "DSMI(Z;Y)", "DSMI(Z;X)")
RULES = ("sigma = 10", "neighbors")
MARKS = "os^DvP*X"


def blocks_of(cell: Cell) -> list[str]:
    """The names of the blocks that were measured, first to last."""
    ending = ": DSE(Z), sigma = 10"
    return [name.removesuffix(ending) for name in cell.values if name.endswith(ending)]


def groups(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """The seeds of each network, data set and condition, by these words."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(", ".join(cell.key[name] for name in ("network", "data", "condition")), []).append(cell)
    return found


def against_epoch(cells: Sequence[Cell], rule: str) -> Figure:
    """A row per measure, a column per network, data set and condition; a line per block, the mean over seeds."""
    columns = groups(cells)
    figure, axes = panels(len(MEASURES), len(columns), size=(2.2, 1.9), sharex="col", sharey="row")
    for column, (words, some) in enumerate(columns.items()):
        axes[0][column].set_title(words.replace(", ", "\n"), fontsize=8)
        axes[-1][column].set_xlabel("epoch", fontsize=8)
        for axis, measure in zip(axes[:, column], MEASURES, strict=True):
            for block, colour in _coloured(blocks_of(some[0])):
                axis.plot(*_mean_curve(some, f"{block}: {measure}, {rule}"), color=colour, lw=1.2, label=_short(block))
    for axis, measure in zip(axes[:, 0], MEASURES, strict=True):
        axis.set_ylabel(f"{measure}, bits", fontsize=8)
    for axis in axes[0]:
        axis.legend(fontsize=5, frameon=False)
    return figure


def plane(cells: Sequence[Cell]) -> Figure:
    """DSMI(Z;Y) against DSMI(Z;X) of every block, the epoch as colour; a row per rule; the mean over seeds."""
    columns = groups(cells)
    figure, axes = panels(len(RULES), len(columns), size=(2.2, 2.0), sharex="row", sharey="row")
    for row, rule in zip(axes, RULES, strict=True):
        for axis, (words, some) in zip(row, columns.items(), strict=True):
            for block, mark in zip(blocks_of(some[0]), MARKS, strict=False):
                epochs, x = _mean_curve(some, f"{block}: DSMI(Z;X), {rule}")
                y = _mean_curve(some, f"{block}: DSMI(Z;Y), {rule}")[1]
                axis.plot(x, y, color="#bbbbbb", lw=0.6, zorder=0)
                drawn = axis.scatter(
                    x, y, c=epochs / max(epochs[-1], 1), cmap="viridis", vmin=0, vmax=1, s=16, marker=mark, lw=0
                )
                axis.plot([], [], mark, color="#777777", ms=4, label=_short(block))
            if rule == RULES[0]:
                axis.set_title(words.replace(", ", "\n"), fontsize=8)
                axis.legend(fontsize=5, frameon=False)
            axis.set_xlabel("DSMI(Z;X), bits", fontsize=7)
        row[0].set_ylabel(f"DSMI(Z;Y), bits\n{rule}", fontsize=8)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.6)
    bar.set_label("share of the training", fontsize=8)
    return figure


def _coloured(blocks: Sequence[str]) -> list[tuple[str, Any]]:
    from matplotlib import colormaps

    shades = colormaps["viridis"](np.linspace(0.9, 0.1, len(blocks)))
    return list(zip(blocks, shades, strict=True))


def _short(block: str) -> str:
    return block.removeprefix("encoder.")


def _mean_curve(cells: Sequence[Cell], name: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The mean over seeds at the looks that all have, and at their ends: each memorises at an epoch of its own."""
    curves = [dict(zip(*curve(cell, name), strict=True)) for cell in cells]
    shared = sorted(set.intersection(*map(set, curves)))
    points = [(epoch, np.mean([found[epoch] for found in curves])) for epoch in shared]
    ends = [max(found) for found in curves]
    if min(ends) < max(ends):
        points.append((np.mean(ends), np.mean([found[end] for found, end in zip(curves, ends, strict=True)])))
    epochs, values = np.array(points, dtype=float).reshape(-1, 2).T
    return epochs, values
