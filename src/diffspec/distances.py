"""Squared Euclidean distances: accurate, symmetric to the last bit, one n x n array.

Points are first brought to unit scale by a power of two (exact), so embeddings of size 1e200 or 1e-200 neither overflow
nor vanish, and centred. Distances then come from one matrix product per block of rows; where that loses digits (near
duplicates) they are computed again from the difference of the two points, so that equal points are at distance 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from diffspec._arrays import Array, is_numpy, namespace, number, product, require_memory
from diffspec._threads import parallel_map

__all__ = ["cross_squared_distances", "pairwise", "unit_scaled"]

# One block of rows holds about this many distances: 16 MiB of float64, small enough for the cache hierarchy to help.
BLOCK_ELEMENTS = 2**21
# The product form |x|^2 + |y|^2 - 2xy is off by about 1e-15 |x|^2; below this share of |x|^2 the relative error would
# pass 1e-9, and the distance is computed from x - y instead.
NEAR = 1e-6
# In float32, which only a device without float64 gets, the product form is off by up to about 10 roundings of |x|^2.
NEAR_ROUNDINGS = 1e3


def unit_scaled(points: Array) -> tuple[Array, float]:
    """`points` centred and divided by `unit`, and `unit`: the power of two next to the largest absolute coordinate."""
    xp = namespace(points)
    largest = max(number(xp.max(points)), -number(xp.min(points)))
    unit = 2.0 ** min(math.frexp(largest)[1], 1000)
    scaled = points / unit
    scaled -= xp.mean(scaled, axis=0, keepdims=True)
    return scaled, unit


def pairwise(points: Array, transform: Callable[[Array], Array], *, dtype: Any = None) -> Array:
    """`transform` of all squared distances between `points`, shape (n, n), exactly symmetric.

    Parameters
    ----------
    points : array (n, d)
        Centred and of moderate scale: the output of `unit_scaled`.
    transform : callable
        Elementwise function of an array of squared distances.
    dtype : optional
        What `transform` gives, by default the points' own.

    Notes
    -----
    Time O(n^2 d) for one half of the matrix; memory n^2 numbers plus one block.
    """
    n = points.shape[0]
    require_memory(8.0 * n * n, f"the {n} x {n} affinity array", points)
    xp = namespace(points)
    out = xp.empty((n, n), dtype=dtype or points.dtype, device=points.device)

    def fill(rows: tuple[int, int]) -> None:
        start, stop = rows
        columns = points[start:, :]
        block = transform(cross_squared_distances(columns if stop == n else points[start:stop, :], columns))
        out[start:stop, start:] = block
        out[start:, start:stop] = block.T

    over_blocks(fill, _row_blocks(n), points)
    return out


def cross_squared_distances(rows: Array, columns: Array) -> Array:
    """Squared distances between two sets of unit-scaled points, shape (rows, columns); equal points are at 0."""
    xp = namespace(rows, columns)
    # Not the sum of `rows * rows`, which for many features costs more than the matrix product.
    row_norms = xp.vecdot(rows, rows, axis=-1)[:, None]
    column_norms = row_norms.T if rows is columns else xp.vecdot(columns, columns, axis=-1)[None, :]
    squared = product(rows, columns.T)
    squared *= -2.0
    squared += row_norms
    squared += column_norms
    near = max(NEAR, NEAR_ROUNDINGS * float(xp.finfo(squared.dtype).eps))
    _recompute_near(squared, rows, columns, near * row_norms)
    return squared


def over_blocks(work: Callable[[tuple[int, int]], None], blocks: list[tuple[int, int]], like: Array) -> None:
    """Do `work` on every block: for NumPy on all cores, since its elementwise functions use one; else in turn."""
    if is_numpy(like) and len(blocks) > 1:
        parallel_map(work, blocks)
    else:
        for block in blocks:
            work(block)


def _recompute_near(squared: Array, rows: Array, columns: Array, threshold: Array) -> None:
    """Replace entries at or below `threshold` by sums of squared differences, a bounded number at a time."""
    xp = namespace(squared)
    near = squared <= threshold
    near_rows, near_columns = xp.nonzero(near)
    chunk = max(1, BLOCK_ELEMENTS // rows.shape[1])
    exact = []
    count = near_rows.shape[0]
    for start in range(0, count, chunk):
        some = slice(start, min(start + chunk, count))
        difference = xp.take(rows, near_rows[some], axis=0) - xp.take(columns, near_columns[some], axis=0)
        exact.append(xp.sum(difference * difference, axis=1))
    if exact:
        squared[near] = xp.concat(exact)


def _row_blocks(n: int) -> list[tuple[int, int]]:
    """Ranges of rows of the upper triangle, each about BLOCK_ELEMENTS entries."""
    blocks = []
    start = 0
    while start < n:
        stop = min(n, start + max(1, BLOCK_ELEMENTS // (n - start)))
        blocks.append((start, stop))
        start = stop
    return blocks
