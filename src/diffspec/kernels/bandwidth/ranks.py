"""Values at given ranks of all pairs: in one array of distances where memory allows, else in passes over blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import Array, free_memory, namespace, order_statistics, to_numpy
from diffspec.machine.threads import as_many
from diffspec.points.blocks import BYTES_IN_BLOCK
from diffspec.points.distances import cross_squared_distances, scaled_squared_distances, unit_scaled

__all__ = ["fits", "of_matrix", "of_pairs"]

Values: TypeAlias = np.ndarray[Any, Any]

# Two arrays of all distances, the second to select in, and a mask.
BYTES_PER_PAIR = 18.0
# The bits of a positive float64 are in the order of the numbers: they are found this many at a time.
DIGIT = 16


def of_pairs(points: Array, ranks: Sequence[int]) -> tuple[list[float], float]:
    """The values at zero-based `ranks` of the squared distances in the flat (n, n) matrix of `points`, and their unit.

    The first n ranks are the zeros of the diagonal, and every pair follows twice. The unit is that of `unit_scaled`.
    """
    n = points.shape[0]
    if fits(n, points):
        squared, unit = scaled_squared_distances(points)
        flat = namespace(points).reshape(squared, (-1,))
        return [float(value) for value in order_statistics(flat, ranks)], unit
    scaled, unit = unit_scaled(points)

    def blocks() -> Iterator[Values]:
        step = as_many(n, BYTES_IN_BLOCK * n)
        for start in range(0, n, step):
            rows = scaled[start : min(start + step, n), :]
            yield _above(to_numpy(cross_squared_distances(rows, scaled[start:, :])))

    return _selected(blocks, [(rank - n) // 2 for rank in ranks]), unit


def of_matrix(matrix: Array, ranks: Sequence[int]) -> list[float]:
    """The values at zero-based `ranks` of a symmetric (n, n) `matrix` of distances, flat; as above."""
    xp, n = namespace(matrix), matrix.shape[0]
    if fits(n, matrix):
        return [float(value) for value in order_statistics(xp.reshape(matrix, (-1,)), ranks)]

    def blocks() -> Iterator[Values]:
        step = as_many(n, BYTES_IN_BLOCK * n)
        for start in range(0, n, step):
            yield _above(to_numpy(matrix[start : min(start + step, n), start:]))

    return _selected(blocks, [(rank - n) // 2 for rank in ranks])


def fits(n: int, like: Array) -> bool:
    """Whether all distances of `n` points may be held at once."""
    return BYTES_PER_PAIR * n * n <= free_memory(like)


def _above(block: Values) -> Values:
    """The entries of some rows of a symmetric matrix that lie right of its diagonal, which starts in the corner."""
    rows, columns = block.shape
    return np.concatenate([block[row, row + 1 : columns] for row in range(rows)])


def _selected(blocks: Callable[[], Iterable[Values]], ranks: Sequence[int]) -> list[float]:
    """The values at `ranks` of all non-negative values in `blocks`, exactly: four passes, each for 16 of their bits."""
    found, left = [0] * len(ranks), list(ranks)
    for shift in range(64 - DIGIT, -1, -DIGIT):
        counts = np.zeros((len(ranks), 2**DIGIT), dtype=np.int64)
        for block in blocks():
            bits = block.astype(np.float64, copy=False).view(np.uint64)
            for count, prefix in zip(counts, found, strict=True):
                inside = bits if shift == 64 - DIGIT else bits[bits >> np.uint64(shift + DIGIT) == prefix]
                digits = (inside >> np.uint64(shift)) & np.uint64(2**DIGIT - 1)
                count += np.bincount(digits.astype(np.int64), minlength=2**DIGIT)
        for k, count in enumerate(counts):
            below = np.cumsum(count)
            digit = int(np.searchsorted(below, left[k], side="right"))
            left[k] -= int(below[digit - 1]) if digit else 0
            found[k] = found[k] << DIGIT | digit
    return [float(np.array(bits, dtype=np.uint64).view(np.float64)) for bits in found]
