"""Columns of a table to points or labels: what is a feature, what is left out and said, what is refused.

Text is never taken for a number where that could merge two classes: "3.1" and "3.10", "01" and "1" stay apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

import numpy as np

from diffspec.errors import InputError
from diffspec.results.lines import one_line

__all__ = [
    "Column",
    "Selection",
    "Table",
    "Values",
    "has_commas",
    "is_number",
    "listed",
    "lossless",
    "numbers_rows",
    "quantity",
]

Values: TypeAlias = np.ndarray[Any, Any]

NO_LABEL = frozenset(("", "nan", "NaN"))
"""What a missing label looks like in a text file; a class may well be called None, NA or null."""

NUMBERS, LISTS, WORDS, MIXED = "numbers", "lists", "words", "mixed"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Column:
    """One column, read.

    Parameters
    ----------
    name : str
    kind : {"numbers", "lists", "words", "mixed"}
    values : array
        Numbers (n,), lists (n, k), or words (n,); empty where nobody asked for the words.
    words : list of str, optional
        The cells as they are written, of a column of a text file that was asked for by its name, or is the only one.
    gaps : tuple of int
        How many cells are missing, and the row of the first.
    odd : str
        Of a mixed column: its first word, and where.
    numbering : bool
        It numbers or names the rows, as a data frame's index does, and is no feature.
    """

    name: str
    kind: str
    values: Values
    words: list[str] | None = None
    gaps: tuple[int, int] = (0, 0)
    odd: str = ""
    numbering: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """Which columns are features: those that fit a pattern of `features` (all, where there is none) and none of `drop`.

    `label` is a column that is known to be something else, and so is one that holds the same as `labels`.
    """

    features: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    label: str | None = None
    labels: Values | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """The columns of the file `where`; `first_line` says how that was understood, for the errors on lengths."""

    where: str
    columns: tuple[Column, ...]
    first_line: str = ""

    @property
    def is_words(self) -> bool:
        """Whether all there is is one column of text."""
        return len(self.columns) == 1 and self.columns[0].kind in (WORDS, MIXED)

    def column(self, name: str | None, convert: Callable[[Sequence[str]], Values]) -> Values:
        """The column `name`, or the only one, with no cell missing; `convert` decides what its words are."""
        found = self._one(name)
        remedy = "give missing labels a class of their own, or fill them"
        if found.words is None:
            if found.gaps[0]:
                raise self._missing(found.name, found.gaps, remedy)
            return found.values
        gaps = [row for row, word in enumerate(found.words) if word in NO_LABEL]
        if gaps:
            raise self._missing(found.name, (len(gaps), gaps[0]), remedy)
        return convert(found.words)

    def points(self, selection: Selection) -> tuple[Values, tuple[str, ...]]:
        """The features as (n, d), and in words what was left out."""
        kept, notes = self._features(selection)
        if not kept:
            raise InputError(f"{self.where} has no columns of numbers to measure; it has {self._names()}")
        for column in kept:
            if column.kind == MIXED:
                raise self._mixed(column)
            if column.gaps[0]:
                raise self._missing(
                    column.name, column.gaps, f"fill them, or leave the column out (--drop {column.name!r})"
                )
        if len(kept) > 1 and any(column.kind == LISTS for column in kept):
            names = listed([column.name for column in kept])
            raise InputError(f"{self.where} has lists beside other columns ({names}); choose one with --key")
        rows = np.column_stack([column.values for column in kept])
        # In row order the sums round as they do for the same points from any other file.
        return np.ascontiguousarray(rows), notes

    def _features(self, selection: Selection) -> tuple[list[Column], tuple[str, ...]]:
        self._require_matches([*selection.features, *selection.drop])
        kept, left = [], []
        for column in self.columns:
            if _fits(column.name, selection.drop) or not _fits(column.name, selection.features or ("*",)):
                continue
            why = self._not_a_feature(column, selection)
            if why:
                left.append(f"{column.name!r} ({why})" if column.name else f"an unnamed column ({why})")
            else:
                kept.append(column)
        notes = (f"of {self.where} these columns are left out: {listed(left)}",) if left else ()
        return kept, notes

    def _not_a_feature(self, column: Column, selection: Selection) -> str:
        if column.name == selection.label:
            return "the labels"
        asked = column.name in selection.features
        if not asked and len(self.columns) > 1 and _holds(column, selection.labels):
            return "the labels"
        if column.kind == WORDS and asked:
            raise InputError(f"{self.where} holds text in column {column.name!r}; take it for labels, not for points")
        if column.kind == WORDS:
            return "text"
        return "row numbers" if column.numbering and not asked else ""

    def _require_matches(self, patterns: list[str]) -> None:
        for pattern in patterns:
            if not any(_fits(column.name, (pattern,)) for column in self.columns):
                raise InputError(f"{self.where} has no column {pattern!r}; it has {self._names()}")

    def _one(self, name: str | None) -> Column:
        kept = [column for column in self.columns if len(self.columns) == 1 or not column.numbering]
        if name is None and len(kept) == 1:
            return kept[0]
        if name is None:
            raise InputError(
                f"{self.where} holds {len(self.columns)} columns; choose one by its name (--key, --labels-column): "
                f"{self._names()}"
            )
        found = [column for column in self.columns if column.name == name]
        if not found:
            raise InputError(f"{self.where} has no key {name!r}; it has {self._names()}")
        if len(found) > 1:
            raise InputError(f"{self.where} has {len(found)} columns called {name!r}; give each a name of its own")
        return found[0]

    def _names(self) -> str:
        return listed([column.name for column in self.columns])

    def _missing(self, name: str, gaps: tuple[int, int], remedy: str) -> InputError:
        count, row = gaps
        where = f"column {name!r}, the first in row {row} (counted from 0)"
        return InputError(f"{self.where} has {count} missing values in {where}; {remedy}")

    def _mixed(self, column: Column) -> InputError:
        comma = "write decimal points, " if has_commas(column.odd) else ""
        return InputError(
            f"{self.where} mixes numbers and text in column {column.name!r} ({column.odd}); "
            f"{comma}fill it, or leave the column out (--drop {column.name!r})"
        )


def has_commas(odd: str) -> bool:
    """Whether the first word of a column that is no number is one with a decimal comma: 0,5 or 1.234,5 or 5,1e-3."""
    return re.search(r"'[-+]?[\d.]*,\d+([eE][-+]?\d+)?%?'", odd) is not None


def lossless(words: Sequence[str]) -> Values:
    """Numbers, where the numbers are written as Python or numpy.savetxt writes them and none merges two words."""
    if all(_INTEGER.fullmatch(word) for word in words):
        return np.array([int(word) for word in words], dtype=np.int64)
    distinct = set(words)
    if all(map(_canonical, distinct)) and len({float(word) for word in distinct}) == len(distinct):
        return np.array([float(word) for word in words])
    return np.array(words, dtype=object)


def quantity(words: Sequence[str]) -> Values:
    """Numbers, where they are numbers and any has a fraction or an exponent; else as `lossless`."""
    found = lossless(words)
    if found.dtype.kind == "O" and all(is_number(word) for word in words) and any(map(_FRACTION.search, words)):
        return np.array([float(word) for word in words])
    return found


_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_FRACTION = re.compile(r"[.eE]")


UNNAMED = r"|unnamed: \d+"
"""What an index is called in a file: pandas writes its own without a name, and reads that as "Unnamed: 0"."""

INDEX = rf"{UNNAMED}|index|id"
"""The same for the first column, of distinct whole numbers; under other names it has to count the rows."""

FEW = 5
"""Rows below which a first column that counts them may well be a feature."""


def numbers_rows(values: Values, name: str, *, first: bool) -> bool:
    """Whether numbers of a column called `name` only number the rows; `first` is the first of several columns."""
    values = np.asarray(values, dtype=np.float64)  # of booleans there is no difference
    if re.fullmatch(INDEX if first else UNNAMED, name.lower()):
        return bool(np.all(values == np.round(values))) and len(np.unique(values)) == len(values)
    counts = len(values) >= FEW and np.array_equal(values - values[0], np.arange(len(values)))
    return bool(first and counts and values[0] in (0.0, 1.0))


def is_number(word: str) -> bool:
    """Whether `word` is a number as files write it, not as Python source does (1_000)."""
    try:
        float(word)
    except ValueError:
        return False
    return "_" not in word


def _canonical(word: str) -> bool:
    return is_number(word) and word in (repr(float(word)), f"{float(word):.18e}", f"{float(word):.0f}")


def _holds(column: Column, labels: Values | None) -> bool:
    """Whether the numbers of `column` are the `labels`, which came from another file."""
    plain = labels is not None and labels.dtype.kind in "biuf" and column.kind == NUMBERS
    return plain and np.array_equal(column.values, np.asarray(labels).reshape(-1))


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)


def listed(names: Sequence[str]) -> str:
    """At most twelve of `names`, and how many more there are."""
    return ", ".join(map(one_line, names[:12])) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
