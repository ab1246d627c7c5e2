"""Names that a user gave, as they are shown: on one line, in a table for a terminal, in a figure."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

__all__ = ["as_label", "columns", "one_line"]


def one_line(text: object) -> str:
    """`text` as one line that a terminal prints and does not obey: blanks are one, control characters are escaped."""
    line = " ".join(str(text).split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)


def as_label(text: object) -> str:
    """`text` on one line, of which matplotlib takes no part for a formula."""
    return one_line(text).replace("$", r"\$")


def columns(
    rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), plain: Callable[[str], str] = str
) -> list[str]:
    """A line for each of `rows`, their columns two blanks apart, those numbered in `right` flush right.

    `plain` gives what is seen of a cell, where it holds colours.
    """
    wide = [[_width(plain(cell)) for cell in row] for row in rows]
    most: list[int] = [max(column) for column in zip(*wide, strict=True)]

    def filled(cell: str, k: int, width: int) -> str:
        blanks = " " * (most[k] - width)
        return blanks + cell if k in right else cell + blanks

    return [
        "  ".join(filled(cell, k, width) for k, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row, widths in zip(rows, wide, strict=True)
    ]


def _width(text: str) -> int:
    """Of a line the places in a terminal, where Chinese, Japanese and Korean letters take two and accents none."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)
