"""The pieces that an operator falls into: points of different pieces have no affinity, directly or through others.

Its eigenvalues are those of the pieces together. Graphs of neighbours of separated clusters fall apart so, and so do
random subsets of one graph; a Gaussian never does. Here too: which of its rows are equal, of which one each is enough.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import issparse
from scipy.sparse.csgraph import connected_components

__all__ = ["Indices", "gathered", "kinds_of_rows", "pieces_of", "steady_of", "work_of"]

Indices: TypeAlias = np.ndarray[Any, Any]

# Smaller operators are solved sooner than looked at; pieces are put together up to this order.
SMALLEST = 64
# Where more than this share of some rows is not 0, or more than this share of the work is left, nothing is gained.
FILLED, GAINED = 0.8, 0.8
ROWS = 16
# Pieces whose eigenvectors of eigenvalue 1 are told one by one: each takes a solver a vector.
STEADY = 31
# Sums of a row with the fractions of multiples of these are equal where the row is, and by no chance else. Products of
# copies of a point may differ by rounding: so many digits are looked at.
IRRATIONAL, DIGITS = np.sqrt([2.0, 3.0]), 11


def pieces_of(matrix: Any) -> list[Indices] | None:
    """The indices of the pieces of a symmetric `matrix` (n, n), array or CSR of NumPy; None where nothing is gained.

    Small pieces come several at a time: together they are one matrix without affinities between them. O(entries).
    """
    n = matrix.shape[0]
    if n <= SMALLEST:
        return None
    if not issparse(matrix):
        some = matrix[:: max(1, n // ROWS)]
        if np.count_nonzero(some) > FILLED * some.size:
            return None
        piece = _searched(matrix != 0)
    else:
        # Of a symmetric graph those are its pieces, found without its transpose: in a third of the time.
        piece = connected_components(matrix, connection="strong")[1]
    return gathered(piece)


def gathered(piece: Indices) -> list[Indices] | None:
    """The indices of the pieces from the number of the piece of every point; as `pieces_of`."""
    n = len(piece)
    if n <= SMALLEST:
        return None
    piece = _as_met(piece)
    sizes = np.bincount(piece)
    if len(sizes) == 1:
        return None
    by_size = np.argsort(-sizes, kind="stable")
    members = np.argsort(np.argsort(by_size)[piece], kind="stable")
    found = np.split(members, _cuts(sizes[by_size]))
    return found if work_of(found) < GAINED * float(n) ** 3 else None


def steady_of(root: Indices, pieces: list[Indices] | None) -> Indices:
    """Orthonormal eigenvectors of eigenvalue 1, shape (n, c): of each of the largest `pieces`, and of all others.

    The `root` of the degrees is one, of an operator and of every piece by itself.
    """
    found = pieces or [np.arange(len(root))]
    found = [*found[:STEADY], *([np.concatenate(found[STEADY:])] if found[STEADY:] else [])]
    out = np.zeros((len(root), len(found)))
    for column, indices in enumerate(found):
        out[indices, column] = root[indices] / np.linalg.norm(root[indices])
    return out


def kinds_of_rows(matrix: Any) -> tuple[Indices, Indices] | None:
    """The first of each kind of equal rows of a CSR `matrix` (n, n), and how many there are; None where all differ.

    In a symmetric matrix columns are equal where rows are. With C the numbers of the k kinds and B the matrix of one of
    each, its non-zero eigenvalues are those of C^(1/2) B C^(1/2), of order k, and n - k more are 0. O(entries).
    """
    sums = matrix @ (np.arange(1.0, matrix.shape[0] + 1.0)[:, None] * IRRATIONAL % 1.0)
    _sums, first, counts = np.unique(
        np.round(sums, DIGITS).view(np.complex128)[:, 0], return_index=True, return_counts=True
    )
    order = np.argsort(first)
    return None if len(first) == matrix.shape[0] else (first[order], counts[order])


def _as_met(piece: Indices) -> Indices:
    """The same pieces, numbered in the order of their first points."""
    _numbers, first, piece = np.unique(piece, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[piece]


def _searched(joined: Indices) -> Indices:
    """The number of the piece of every point, from an array of who is joined to whom; every row is read once."""
    piece = np.full(len(joined), -1)
    for start in range(len(joined)):
        if piece[start] >= 0:
            continue
        number, found = piece.max() + 1, np.array([start])
        while found.size:
            piece[found] = number
            found = np.flatnonzero(joined[found].any(axis=0) & (piece < 0))
    return piece


def work_of(pieces: list[Indices]) -> float:
    """In operations, up to a factor, what all eigenvalues cost."""
    return float(sum(float(len(piece)) ** 3 for piece in pieces))


def _cuts(sizes: Indices) -> Indices:
    """Where descending `sizes` that stand in a row are cut, so that no sum but that of a single one passes SMALLEST."""
    cuts, held, place = [], 0, 0
    for size in sizes.tolist():
        if held and held + size > SMALLEST:
            cuts.append(place)
            held = 0
        held += size
        place += size
    return np.array(cuts, dtype=np.int64)
