"""The weights that points give to those near them, block by block of points, and the array of all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import csr_array

__all__ = ["Directed", "joined", "kept", "of_blocks"]

Matrix: TypeAlias = np.ndarray[Any, Any]
Directed: TypeAlias = tuple[Matrix, Matrix, Matrix]
"""Of the points of a block: how many weights each has, to which points, and the weights."""


def kept(place: Matrix, column: Matrix, weights: Matrix, count: int) -> Directed:
    """The weights that are not 0 of a block of `count` points, from pairs by ascending place in the block."""
    some = weights > 0
    return np.bincount(place[some], minlength=count), column[some].astype(np.int32, copy=False), weights[some]


def joined(blocks: Iterable[Directed]) -> Directed:
    """Several blocks as one, in turn."""
    counts, columns, weights = (np.concatenate(part) for part in zip(*blocks, strict=True))
    return counts, columns, weights


def of_blocks(found: Iterable[Directed]) -> csr_array:
    """The weights a_ij of all n points, shape (n, n), from blocks in the order of the points.

    O(weights) time; twice the memory of the largest of the three parts beside what is built.
    """
    parts = list(zip(*found, strict=True))
    # What was joined is let go before the next is.
    del found
    weights, columns, counts = (np.concatenate(parts.pop()) for _ in range(3))
    ends = np.concatenate([[0], np.cumsum(counts)])
    # Room for both directions; wide indices would double the graph.
    pointers = ends.astype(np.int32) if 2 * ends[-1] < 2**31 else ends
    return csr_array((weights, columns, pointers), shape=(len(counts), len(counts)))
