"""The figures of `zoo`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from recipes.lab.drawing import COLOURS, DASHES, panels
from recipes.lab.log import Cell
from recipes.models import zoo_tables
from recipes.models.agreeing import Row, spearman
from recipes.models.measures import ADJUSTED, FEW, PUBLISHED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["against_accuracy", "curves", "transfer"]

SHOWN = (ADJUSTED, PUBLISHED, "10-NN probe", "LogME")


def against_accuracy(rows: Sequence[Row]) -> Figure:
    """A row per data set, a column per measure; filled: drawn here, by family; rings: other people's."""
    data = [name for name in dict.fromkeys(row.group for row in rows) if sum(row.group == name for row in rows) >= 5]
    figure, axes = panels(len(data), len(SHOWN), size=(2.7, 2.3))
    for line, name in zip(axes, data, strict=True):
        some = [row for row in rows if row.group == name]
        for axis, measure in zip(line, SHOWN, strict=True):
            _scatter(axis, some, measure)
        line[0].set_ylabel(f"{name}\ntest accuracy", fontsize=8)
    for axis, measure in zip(axes[-1], SHOWN, strict=True):
        axis.set_xlabel(measure, fontsize=8)
    axes[0, 0].legend(fontsize=6, frameon=False)
    return figure


def _scatter(axis: Any, rows: Sequence[Row], measure: str) -> None:
    families = dict.fromkeys(row.family for row in rows if row.here)
    for family, colour in zip(families, COLOURS, strict=False):
        own = [row for row in rows if row.here and row.family == family and measure in row.values]
        axis.scatter(
            [row.values[measure] for row in own], [row.accuracy for row in own], s=8, color=colour, label=family
        )
    theirs = [row for row in rows if not row.here and measure in row.values]
    if theirs:
        places = [row.values[measure] for row in theirs], [row.accuracy for row in theirs]
        axis.scatter(*places, s=14, facecolors="none", edgecolors="0.3", lw=0.7, label="others'")
    axis.set_title(f"Spearman {spearman(rows, measure)}", fontsize=7)


def curves(cells: list[Cell]) -> Figure:
    """Spearman against the number of points, and against the share of wrong labels; a row per data set."""
    parts = (zoo_tables.by_points(cells), zoo_tables.by_wrong_labels(cells))
    figure, axes = panels(max(1, len(parts[0])), 2, size=(3.4, 2.4), sharey=True)
    for column, (found, what) in enumerate(zip(parts, ("points", "share of wrong labels"), strict=True)):
        for line, (data, places) in zip(axes, found.items(), strict=False):
            for k, name in enumerate(FEW):
                values = [each[name] for each in places.values()]
                line[column].plot(list(places), values, DASHES[k // 3], color=COLOURS[k], marker="o", ms=3, label=name)
            line[column].set_xlabel(what, fontsize=8)
            line[0].set_ylabel(f"{data}\nSpearman with accuracy", fontsize=8)
            line[column].set_xscale("log" if column == 0 else "linear")
    if not parts[0]:
        axes[0, 0].set_title("not measured yet", fontsize=8)
    else:
        axes[0, 0].legend(fontsize=6, frameon=False)
    return figure


def transfer(cells: list[Cell]) -> Figure:
    """The accuracy of a linear probe on other data against what was measured there, and against the own accuracy."""
    shown = (ADJUSTED, "LogME", "10-NN probe", "accuracy on its own data")
    found = zoo_tables.of_transfer(cells)
    figure, axes = panels(max(1, len(found)), len(shown), size=(2.7, 2.3))
    for line, (name, rows) in zip(axes, found.items(), strict=False):
        for axis, measure in zip(line, shown, strict=True):
            own = [row for row in rows if measure in row.values]
            axis.scatter([row.values[measure] for row in own], [row.accuracy for row in own], s=8, color=COLOURS[0])
            axis.set_title(f"Spearman {spearman(rows, measure)}", fontsize=7)
            axis.set_xlabel(measure, fontsize=8)
        line[0].set_ylabel(f"{name}\naccuracy of a probe", fontsize=8)
    return figure
