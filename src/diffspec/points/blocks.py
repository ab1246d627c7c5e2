"""Work on an array of all pairs, some rows at a time, so that what is made of them stays in a cache and in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from diffspec._arrays import Array, is_numpy
from diffspec.machine.threads import as_many, parallel_map

__all__ = [
    "BLOCK_ELEMENTS",
    "BYTES_IN_BLOCK",
    "block_elements",
    "half_blocks",
    "in_blocks",
    "over_blocks",
    "row_slices",
    "symmetrized",
]

Block = TypeVar("Block")

# One block of rows holds about this many distances: 16 MiB of float64, small enough for the cache hierarchy to help.
BLOCK_ELEMENTS = 2**21
# The same of half of an array of all pairs, where less of the other half is computed too.
IN_HALF = 2**19
# What elementwise functions work on at a time: their copies stay in a cache.
IN_CACHE = 2**18
# What a distance in a block takes: itself, a mask, and where points are near its indices and the distance again.
BYTES_IN_BLOCK = 48


def block_elements() -> int:
    """How many distances a block holds: fewer than BLOCK_ELEMENTS where little memory is allowed."""
    return as_many(BLOCK_ELEMENTS, BYTES_IN_BLOCK)


def row_slices(matrix: Array) -> list[slice]:
    """Rows of an (n, n) `matrix`, as many at a time as a block holds; all at once where it has a gradient."""
    n = matrix.shape[0]
    most = min(IN_CACHE, block_elements()) if is_numpy(matrix) else block_elements()
    step = n if _has_gradient(matrix) else max(1, most // n)
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


def in_blocks(transform: Callable[[Array, slice], Array], matrix: Array) -> Array:
    """`transform` of the rows of an (n, n) `matrix`, given with their places.

    The matrix is overwritten, but for one with a gradient.
    """
    if _has_gradient(matrix):
        return transform(matrix, slice(0, matrix.shape[0]))

    def fill(rows: slice) -> None:
        matrix[rows, :] = transform(matrix[rows, :], rows)

    over_blocks(fill, row_slices(matrix), matrix)
    return matrix


def symmetrized(matrix: Array) -> Array:
    """Half of an (n, n) `matrix` and its transpose; the matrix is overwritten, but for one with a gradient."""
    if _has_gradient(matrix):
        return 0.5 * (matrix + matrix.T)

    def fill(rows: slice) -> None:
        half = 0.5 * (matrix[rows, rows.start :] + matrix[rows.start :, rows].T)
        matrix[rows, rows.start :] = half
        matrix[rows.start :, rows] = half.T

    over_blocks(fill, row_slices(matrix), matrix)
    return matrix


def _has_gradient(matrix: Array) -> bool:
    """Whether `matrix` is a tensor of torch of which a gradient is kept, which must not be changed in place."""
    return bool(getattr(matrix, "requires_grad", False))


def over_blocks(work: Callable[[Block], None], blocks: list[Block], like: Array) -> None:
    """Do `work` on every block: for NumPy on all cores, since its elementwise functions use one; else in turn."""
    if is_numpy(like) and len(blocks) > 1:
        parallel_map(work, blocks)
    else:
        for block in blocks:
            work(block)


def half_blocks(n: int, like: Array) -> list[tuple[int, int]]:
    """Ranges of rows of the upper triangle, each of as many entries as a block may hold."""
    most, blocks, start = block_elements(), [], 0
    most = min(IN_HALF, most) if is_numpy(like) else most
    while start < n:
        stop = min(n, start + max(1, most // (n - start)))
        blocks.append((start, stop))
        start = stop
    return blocks
