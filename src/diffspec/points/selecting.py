"""The value of some rank in every row of many: a bound by the least of groups, then a selection among few.

NumPy's selection moves every value several times; most are seen to be too large from the least ones of groups.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

__all__ = ["bound_of_rank", "of_rank", "places", "ranked"]

Matrix: TypeAlias = np.ndarray[Any, Any]

# Values whose least ones are taken at a time, and how many of those there are at least for each rank.
GROUP, PER_RANK = 16, 8


def places(flags: Matrix) -> tuple[Matrix, Matrix]:
    """The rows and the columns where an array (m, n) of truth values is true, as `numpy.nonzero` gives them.

    In a third of its time: of a flat array NumPy looks at many values at once.
    """
    flat = np.flatnonzero(flags)
    rows = np.repeat(np.arange(len(flags)), np.count_nonzero(flags, axis=1))
    return rows, flat - rows * flags.shape[1]


def of_rank(values: Matrix, rank: int) -> Matrix:
    """The value at zero-based `rank` of every row of `values` (m, n); O(n) a row with a small constant."""
    if _group(values.shape[1], rank) == 1:
        return np.partition(values, rank, axis=1)[:, rank].copy()  # a view would keep all of them
    i, j = places(values <= bound_of_rank(values, rank)[:, None])
    return ranked(i, values[i, j], len(values), rank)


def ranked(rows: Matrix, values: Matrix, count: int, rank: int) -> Matrix:
    """The value at zero-based `rank` among those of each of `count` rows, of which ascending `rows` names the row."""
    counts = np.bincount(rows, minlength=count)
    padded = np.full((count, int(counts.max())), math.inf)
    padded[rows, np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)] = values
    return np.partition(padded, rank, axis=1)[:, rank].copy()


def bound_of_rank(values: Matrix, rank: int) -> Matrix:
    """At least the value at zero-based `rank` of every row, and hardly more.

    Of the least ones of groups as many are below the least of their rank as there are groups, and so are as many
    values: a bound that costs a sixteenth of a selection, and is that value unless two of so few share a group.
    """
    n = values.shape[1]
    group = _group(n, rank)
    count = n // group
    least = values[:, : count * group].reshape(len(values), group, count).min(axis=1)
    least = np.concatenate([least, values[:, count * group :]], axis=1)
    return np.partition(least, rank, axis=1)[:, rank].copy()


def _group(n: int, rank: int) -> int:
    return max(1, min(GROUP, n // (PER_RANK * (rank + 1))))
