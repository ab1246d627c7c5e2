"""Figures in one style, without any global state of matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#4269d0", "#ff725c", "#3ca951", "#efb118", "#9467bd", "#97bbf5", "#9c6b4e", "#777777")
DASHES = ("-", "--", ":", "-.")
DPI = 130


def panels(rows: int, columns: int, *, size: tuple[float, float] = (3.2, 2.5), **options: Any) -> tuple[Figure, Any]:
    """A figure of `rows` x `columns` panels of `size` inches, and its axes as an array of that shape."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size[0] * columns, size[1] * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for one in axes.flat:
        one.spines[["top", "right"]].set_visible(False)
        one.tick_params(labelsize=8)
    return figure, axes


def save(figure: Figure, path: Path) -> None:
    """`figure` written to `path`, a PNG or SVG file; the same figure gives the same bytes."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    if path.suffix == ".png":
        # What `savefig` gives, byte for byte, but drawn once: it draws all of a figure twice where there is a layout.
        figure.set_dpi(DPI)
        FigureCanvasAgg(figure).print_png(path)
        return
    with matplotlib.rc_context({"svg.hashsalt": "diffspec"}):
        figure.savefig(path, dpi=DPI, metadata={"Date": None})
