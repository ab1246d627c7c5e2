"""Colours of the report, which can be told apart on white and on black, and texts that plotly.js does not obey."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from diffspec.runs.plots.looks import Style

__all__ = ["classes", "in_order", "literal", "of_run"]

CLASSES = (
    *("#3b76af", "#e08834", "#4d9a4a", "#c63c3b", "#8a68b5"),
    *("#84594e", "#d279b9", "#7f7f7f", "#b8ba3f", "#55b9cb"),
)

ORDER = ("#6a51c8", "#3f74d1", "#1c97b8", "#1fa583", "#67ab3f", "#b99a1e", "#db762c", "#c9404e")
"""From first to last: of layers by their depth, of spectra by their step."""

DARK = "#23262b"  # of one condition of the paper; on a dark ground it takes the colour of the text


def of_run(look: Style) -> str:
    """The colour of a condition."""
    return "@ink" if look.colour == DARK else look.colour


def in_order(count: int) -> list[str]:
    """As many colours as there are things in an order."""
    last = len(ORDER) - 1
    return [ORDER[round(k * last / max(count - 1, 1)) if count > 1 else 1] for k in range(count)]


def classes(names: Sequence[str]) -> dict[str, str]:
    """A colour per class; those of more than ten go round the circle."""
    if len(names) <= len(CLASSES):
        return dict(zip(names, CLASSES, strict=False))
    return {name: f"hsl({360 * k / len(names):.0f}, 62%, 50%)" for k, name in enumerate(names)}


def literal(text: object) -> str:
    """A text of the log inside a chart or a template of one: neither mark-up nor a place to fill."""
    return escape(str(text)).replace("%{", "%&#123;")
