"""Whether the first line of a text file names its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from diffspec.errors import InputError
from diffspec.files.tables import is_number

__all__ = ["MISSING", "has_header"]

MISSING = frozenset(("", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "<NA>", "null", "NULL", "None"))
"""What a missing number looks like."""

ROWS = 100
"""How many are looked at to see whether a column holds numbers."""

Rows = Callable[[], Iterator[list[str]]]


def has_header(where: str, first: Sequence[str], rows: Rows) -> bool:
    """Whether `first` are names, given all `rows` of the file `where`.

    Words are names where numbers follow below them, or where none of them comes again in its column. A line of numbers
    is a header only where it counts its columns, 0, 1, 2, ..., as pandas does, and does not come again; one of a single
    column, ",0", only above an index.

    Raises
    ------
    InputError
        Words that speak for a header beside a number that speaks against one.
    """
    names = list(first[1:] if len(first) > 1 and not first[0] else first)  # a data frame's index has no name
    counted = [name for name in names if name.isdecimal()]
    if any(_is_value(name) for name in names if name not in counted):
        return False
    words = [k for k, name in enumerate(first) if name in names and not name.isdecimal() and name not in MISSING]
    counts = counted == [str(k) for k in range(len(counted))]
    if not words:
        enough = len(names) > 1 or (len(first) > 1 and _name_rows([row[0] for row in islice(rows(), 1, ROWS)]))
        return counts and enough and len(counted) == len(names) and list(first) not in islice(rows(), 1, None)
    below = list(islice(rows(), 1, ROWS))
    if not counted or counts:
        return any(_holds_numbers(k, below) for k in words) or not _again(first, words, rows)
    if any(_holds_numbers(k, below) for k in words) or not _again(first, words, rows):
        line = ", ".join(first[:4])
        raise InputError(
            f"{where} starts with {line!r}, which may be column names or a row; "
            "say --header or --no-header (--labels-header or --no-labels-header)"
        )
    return False


def _name_rows(cells: Sequence[str]) -> bool:
    """Whether `cells` are an index: whole numbers or words, none of them twice."""
    return bool(cells) and len(set(cells)) == len(cells) and not any("." in cell or cell in MISSING for cell in cells)


def _again(first: Sequence[str], words: Sequence[int], rows: Rows) -> bool:
    """Whether any of the `words` of the first line comes again in its column."""
    return any(row[k] == first[k] for row in islice(rows(), 1, None) for k in words)


def _is_value(name: str) -> bool:
    """A number that nobody calls a column by, or true or false."""
    return (is_number(name) and name not in MISSING) or name.lower() in ("true", "false")


def _holds_numbers(k: int, rows: Sequence[Sequence[str]]) -> bool:
    known = [cell for row in rows if (cell := row[k].strip()) not in MISSING]
    return bool(known) and all(is_number(cell) or cell.lower() in ("true", "false") for cell in known)
