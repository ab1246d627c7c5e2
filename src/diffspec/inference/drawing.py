"""A ranking as a matplotlib Figure; needs the extra `plots`."""

from __future__ import annotations

from typing import Any

from diffspec.errors import MissingExtraError
from diffspec.inference.ranking import Ranking
from diffspec.results.lines import as_label
from diffspec.results.verdicts import in_percent

__all__ = ["ranking_figure"]


def ranking_figure(found: Ranking) -> Any:
    """A matplotlib Figure: every representation with its interval, the best on top, and where H(Y) lies.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("drawing a ranking", "plots") from error
    figure = Figure(figsize=(6.0, 1.0 + 0.24 * len(found.rows)), layout="constrained")
    axes = figure.add_subplot()
    for at, row in enumerate(found.rows):
        axes.plot([row.low, row.high], [at, at], color="0.65", linewidth=2, solid_capstyle="round")
        axes.plot(row.value, at, "o", color="tab:blue" if row.best == row.worst else "tab:orange", markersize=5)
    axes.set_yticks(range(len(found.rows)), [f"{row.place}  {as_label(row.name)}" for row in found.rows])
    axes.invert_yaxis()
    axes.set_xlabel(f"{found.measure} [{found.unit}], {in_percent(found.level)} intervals, n = {found.n}")
    axes.axvline(found.ceiling, color="0.4", linestyle=":", linewidth=1)
    axes.annotate("H(Y)", (found.ceiling, 1.0), xycoords=("data", "axes fraction"), fontsize=8, ha="right", va="bottom")
    handles = [axes.plot([], [], "o", color=color)[0] for color in ("tab:blue", "tab:orange")]
    figure.legend(
        handles,
        ["told from all others", "not told from some"],
        loc="outside upper left",
        fontsize=8,
        ncols=2,
        frameon=False,
    )
    axes.spines[["top", "right"]].set_visible(False)
    return figure
