"""Panels that all figures are made of: their size, their words, and no pyplot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diffspec._checks import shown
from diffspec.errors import InputError, MissingExtraError
from diffspec.results.lines import as_label
from diffspec.runs.plots.series import Log, Source, open_log

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PANEL", "canvas", "caption", "layer_of"]

PANEL = (3.1, 2.35)  # inches: three panels fill the width of a page


def canvas(*, rows: int, columns: int, panel: tuple[float, float] = PANEL) -> tuple[Figure, Any]:
    """A figure made without pyplot, so that neither its backend nor its settings are touched."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("this figure", "plots") from None
    figure = Figure(figsize=(panel[0] * columns, panel[1] * rows + 0.4), dpi=150, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def caption(axis: Axes, title: str, subtitle: str, x: str, *, unit: str | None = None) -> None:
    """Title in bold with a grey line under it, names of the axes, a quiet grid."""
    axis.set_title(as_label(title), fontsize=10, fontweight="bold", loc="left", pad=16)
    axis.text(0.0, 1.035, as_label(subtitle), transform=axis.transAxes, fontsize=7.5, color="#5f6670")
    axis.set_xlabel(as_label(x), fontsize=8)
    if unit is not None:
        axis.set_ylabel(as_label(unit), fontsize=8)
    axis.tick_params(labelsize=7.5, color="#9aa1ab")
    axis.grid(color="#e6e9ed", linewidth=0.7)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axis.spines[side].set_color("#9aa1ab")


def layer_of(log: Source, layer: str | None) -> Log:
    """The records of the layer to draw."""
    found = open_log(log)
    if layer is None and len(found.layers) == 1:
        return found
    if layer not in found.layers:
        raise InputError(f"layer must be one of {', '.join(map(repr, found.layers))}, got {shown(layer)}")
    return found.at(layer)
