"""The figures of the initialisation study: the fair test, the entropy before training, what is trained for longer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.lab.drawing import COLOURS, panels
from recipes.lab.log import Cell, select
from recipes.studies.rules import ARMS, KAIMING, RULES, SWEPT, accuracy, arm, name_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["fair", "longer", "sweep"]

NORMS = {True: ("with batch norms", COLOURS[0]), False: ("without", COLOURS[1])}
TAIL = 0.5
"""Of the longer trainings what the inset shows, from this share of the epochs on."""


def fair(cells: Sequence[Cell]) -> Figure:
    """Accuracy by arm, against the entropy before training, and against the relative step; a dot per seed."""
    cells = _first_data(select(cells, part="test"))
    figure, (line,) = panels(1, 3, size=(3.4, 2.9), sharey=True)
    _by_arm(line[0], cells)
    for axis, rule in zip(line[1:], ("DSE, sigma = 10", "relative step"), strict=True):
        _against(axis, cells, RULES[rule])
    line[1].set_xlabel("DSE before training, sigma = 10, bits", fontsize=8)
    line[2].set_xlabel("relative step: rate / spread of weights", fontsize=8)
    line[2].set_xscale("log")
    line[0].set_ylabel("held-out accuracy, %", fontsize=8)
    line[1].legend(fontsize=6, frameon=False)
    return figure


def _by_arm(axis: Any, cells: Sequence[Cell]) -> None:
    for norms, (_words, colour) in NORMS.items():
        for place, (how, step) in enumerate(ARMS):
            heights = [100 * accuracy(cell) for cell in arm(cells, how, step, norms=norms)]
            axis.plot([place] * len(heights), heights, "o", ms=4, color=colour, alpha=0.6)
    axis.set_xticks(range(len(ARMS)), [_label(how, step) for how, step in ARMS], fontsize=6, rotation=60)


def _label(how: str, step: float | None) -> str:
    return name_of(how) + ("" if step is None else f",\nsteps of {step:g}")


def _against(axis: Any, cells: Sequence[Cell], rule: Callable[[Cell], float]) -> None:
    for norms, (words, colour) in NORMS.items():
        some = select(cells, norms=norms)
        heights = [100 * accuracy(cell) for cell in some]
        axis.plot([rule(cell) for cell in some], heights, "o", ms=4, color=colour, alpha=0.6, label=words)


def sweep(cells: Sequence[Cell]) -> Figure:
    """DSE before training against the spread of the weights, before and after batch norms know the data."""
    cells = _first_data(select(cells, part="sweep"))
    figure, (line,) = panels(1, 2, size=(3.4, 2.6))
    spreads = {cell.key["initialiser"] for cell in cells} - {KAIMING}
    places = sorted((float(how.rpartition(" ")[2]), how) for how in spreads)
    for axis, title in zip(line, ("sigma = 10", "default"), strict=True):
        for ending, colour in (("", COLOURS[0]), (", calibrated", COLOURS[2])):
            value, words = SWEPT[title + ending], "batch norms know the data" if ending else "untouched"
            values = [[value(cell) for cell in select(cells, initialiser=how)] for _std, how in places]
            axis.plot(
                [std for std, _how in places], [np.mean(some) for some in values], "o-", ms=3, color=colour, label=words
            )
            kaiming = [value(cell) for cell in select(cells, initialiser=KAIMING)]
            if kaiming:
                axis.axhline(np.mean(kaiming), color=colour, ls=":", lw=1, label=f"{words}, Kaiming")
        axis.set_xscale("log")
        axis.set_xlabel("spread of the weights of convolutions", fontsize=8)
        axis.set_title(title, fontsize=9)
    line[0].set_ylabel("DSE before training, bits", fontsize=8)
    line[0].legend(fontsize=6, frameon=False, loc="upper left", bbox_to_anchor=(0.0, 0.9))
    return figure


def longer(cells: Sequence[Cell]) -> Figure:
    """DSE and accuracy against the epoch, mean and spread over seeds; the last epochs in an inset.

    Where nothing was trained for longer yet, the same initialisations in the fair test.
    """
    as_they_are = select(cells, part="test", norms=True, **{"step of": None})
    cells = _first_data(select(cells, part="longer") or as_they_are)
    figure, (line,) = panels(1, 2, size=(3.4, 2.6))
    inset = line[1].inset_axes((0.52, 0.12, 0.45, 0.4))
    inset.tick_params(labelsize=6)
    for how, colour in zip(dict.fromkeys(cell.key["initialiser"] for cell in cells), COLOURS, strict=False):
        some = select(cells, initialiser=how)
        _band(
            line[0], [(cell.values["looks"], cell.values["DSE(Z), sigma = 10"]) for cell in some], colour, name_of(how)
        )
        curves = [(range(cell.values["epochs"] + 1), cell.values["accuracy by epoch"]) for cell in some]
        _band(line[1], [(epochs, [100 * x for x in values]) for epochs, values in curves], colour, name_of(how))
        from_ = int(TAIL * some[0].values["epochs"])
        _band(inset, [(epochs[from_:], [100 * x for x in values[from_:]]) for epochs, values in curves], colour, "")
    for axis, words in zip(line, ("DSE, sigma = 10, bits", "held-out accuracy, %"), strict=True):
        axis.set_ylabel(words, fontsize=8)
        axis.set_xlabel("epoch", fontsize=8)
    line[0].legend(fontsize=6, frameon=False)
    return figure


def _band(axis: Any, curves: Sequence[tuple[Sequence[int], Sequence[float]]], colour: str, words: str) -> None:
    values = np.array([found for _epochs, found in curves], dtype=float)
    middle, spread = values.mean(0), values.std(0)
    axis.plot(curves[0][0], middle, color=colour, lw=1.2, label=words)
    axis.fill_between(curves[0][0], middle - spread, middle + spread, color=colour, alpha=0.2, lw=0)


def _first_data(cells: Sequence[Cell]) -> list[Cell]:
    """The cells of the first data set among them."""
    return select(cells, data=cells[0].key["data"]) if cells else []
