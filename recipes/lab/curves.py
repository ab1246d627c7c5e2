"""Curves of cells: a colour per value, a dash per noise, a band of one standard deviation over draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.lab.drawing import COLOURS, DASHES
from recipes.lab.log import Cell, mean, select, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bands", "key"]


def bands(axis: Axes, cells: Sequence[Cell], lines: Mapping[str, str], *, along: str) -> None:
    """Draw each value of `lines`, which gives their labels, against the entry `along` of the keys of `cells`."""
    places = sorted({cell.key[along] for cell in cells})
    noises = sorted({cell.key["noise"] for cell in cells})
    for (value, words), colour in zip(lines.items(), COLOURS, strict=False):
        for noise, dash in zip(noises, DASHES, strict=False):
            found = [select(cells, **{along: place}, noise=noise) for place in places]
            centre = np.array([mean(each, value) for each in found])
            width = np.array([spread(each, value) for each in found])
            axis.plot(places, centre, dash, lw=1.1, color=colour, label=words if noise == noises[0] else None)
            axis.fill_between(places, centre - width, centre + width, color=colour, alpha=0.15, lw=0)


def key(dashed: Axes, cells: Sequence[Cell], *legends: Any) -> None:
    """Name the dashes of the noises of `cells` on the axis `dashed`, and draw a legend on each of `legends`."""
    noises = sorted({cell.key["noise"] for cell in cells if "noise" in cell.key})
    for noise, dash in zip(noises, DASHES, strict=False):
        dashed.plot([], [], dash, color="black", lw=1.0, label=f"{noise:g} % noise")
    for axis in legends:
        axis.legend(fontsize=6, frameon=False)
