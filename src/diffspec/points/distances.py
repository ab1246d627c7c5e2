"""Squared Euclidean distances: accurate, symmetric to the last bit, one n x n array.

Points are first brought to unit scale by a power of two (exact), so embeddings of size 1e200 or 1e-200 neither overflow
nor vanish, and centred. Distances then come from one matrix product per block of rows; where that loses digits (near
duplicates) they are computed again from the difference of the two points, so that equal points are at distance 0.

One huge value (a fill value, say) would spoil this: it pulls the mean so far out that the other rows, less the mean,
keep no digits of their differences. Such points are moved by amounts that floating point subtracts exactly, or not at
all. Where the others lie so near together that even the square of their distance is too small for the format, the
points are refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import Array, detached, from_numpy, is_numpy, namespace, number, product, require_memory, row_dot
from diffspec.errors import InputError
from diffspec.points.blocks import block_elements, half_blocks, over_blocks
from diffspec.points.selecting import places

__all__ = [
    "Pairs",
    "cross_squared_distances",
    "pairwise",
    "scaled_squared_distances",
    "squared_distances",
    "unit_scaled",
    "vanishing",
]

Values: TypeAlias = np.ndarray[Any, Any]
Pairs: TypeAlias = tuple[Values, Values]
"""The indices i and the indices j of pairs of points."""

# The product form |x|^2 + |y|^2 - 2xy is off by about 1e-15 |x|^2; below this share of |x|^2 the relative error would
# pass 1e-9, and the distance is computed from x - y instead.
NEAR = 1e-6
# A coordinate smaller than this share of the centre's loses more than three digits when the centre is subtracted.
KEPT = 2.0**-10
# In float32, which only a device without float64 gets, the product form is off by up to about 10 roundings of |x|^2.
NEAR_ROUNDINGS = 1e3


def unit_scaled(points: Array) -> tuple[Array, float]:
    """`points` centred and divided by `unit`, and `unit`: the power of two next to the largest absolute coordinate.

    The centre is the mean, unless subtracting it would cost neighbouring rows more than half of the digits by which
    they differ.

    Raises
    ------
    InputError
        Some rows lie so far out that the squared distances of others are 0 beside theirs.
    """
    unit = _unit(points)
    scaled = points / unit
    centre = namespace(points).mean(scaled, axis=0, keepdims=True)
    if _centring_loses(detached(scaled), detached(centre)):
        return _moved_exactly(points)
    scaled -= centre
    return scaled, unit


def vanishing(scaled: Array, dtype: Any) -> bool:
    """Whether a squared distance between two different `scaled` points is too small for `dtype`."""
    floor = _floor(namespace(scaled).finfo(dtype))
    return any(_any((far > 0) & (far < floor)) for _low, _high, far in _neighbours(detached(scaled), floor))


def pairwise(points: Array, transform: Callable[[Array, float], Array], *, dtype: Any = None) -> tuple[Array, float]:
    """`transform` of all squared distances between `points`, shape (n, n), exactly symmetric; and their unit.

    Time O(n^2 d) for one half of the matrix; memory n^2 numbers plus one block.

    Parameters
    ----------
    points : array (n, d)
        Not yet scaled: `unit_scaled` is applied here.
    transform : callable
        Elementwise function of an array of squared distances in the unit, and of the unit.
    dtype : optional
        What `transform` gives, by default the points' own.
    """
    (points, unit), n, xp = unit_scaled(points), points.shape[0], namespace(points)
    require_memory(8.0 * n * n, f"the {n} x {n} affinity array", points)
    out = xp.empty((n, n), dtype=dtype or points.dtype, device=points.device)

    def fill(rows: tuple[int, int]) -> None:
        start, stop = rows
        columns = points[start:, :]
        rows_of = columns if stop == n else points[start:stop, :]
        block = transform(cross_squared_distances(rows_of, columns, first=True), unit)
        out[start:stop, start:] = block
        out[start:, start:stop] = block.T

    over_blocks(fill, half_blocks(n, out), out)
    return out, unit


def scaled_squared_distances(points: Array) -> tuple[Array, float]:
    """All squared distances between `points` at once, shape (n, n), in the unit of `unit_scaled`; and the unit."""
    scaled, unit = unit_scaled(points)
    return cross_squared_distances(scaled, scaled, first=True), unit


def cross_squared_distances(rows: Array, columns: Array, *, first: bool = False) -> Array:
    """Squared distances between two sets of unit-scaled points, shape (rows, columns); equal points are at 0.

    `first` says that the rows are the first of the columns, so that each is at 0 from itself.
    """
    xp = namespace(rows, columns)
    # Not the sum of `rows * rows`, which for many features costs more than the matrix product.
    row_norms = row_dot(rows, rows)[:, None]
    column_norms = row_norms.T if rows is columns else row_dot(columns, columns)[None, :]
    squared = product(rows, columns.T)
    squared *= -2.0
    squared += row_norms
    squared += column_norms
    near = max(NEAR, NEAR_ROUNDINGS * float(xp.finfo(squared.dtype).eps))
    _recompute_near(squared, rows, columns, squared <= near * row_norms, first)
    return squared


def squared_distances(points: Values, pairs: Pairs) -> Values:
    """Squared distances of `pairs`, a bounded number at a time; exactly 0 for equal points."""
    rows, columns = pairs
    out = np.empty(len(rows))
    chunk = max(1, block_elements() // points.shape[1])
    for start in range(0, len(rows), chunk):
        some = slice(start, start + chunk)
        difference = points[rows[some]] - points[columns[some]]
        out[some] = np.einsum("ij,ij->i", difference, difference)
    return out


def _recompute_near(squared: Array, rows: Array, columns: Array, near: Array, first: bool) -> None:
    """Replace the entries that are `near` by sums of squared differences, a bounded number at a time."""
    xp = namespace(squared)
    if first and is_numpy(squared):
        np.fill_diagonal(squared, 0.0)
        np.fill_diagonal(near, False)
    near_rows, near_columns = places(near) if is_numpy(near) else xp.nonzero(near)
    chunk = max(1, block_elements() // rows.shape[1])
    exact = []
    count = near_rows.shape[0]
    for start in range(0, count, chunk):
        some = slice(start, min(start + chunk, count))
        difference = xp.take(rows, near_rows[some], axis=0) - xp.take(columns, near_columns[some], axis=0)
        exact.append(xp.sum(difference * difference, axis=1))
    if exact:
        squared[near] = xp.concat(exact)


def _unit(points: Array) -> float:
    """The power of two next to the largest absolute coordinate, or the largest one that there is."""
    xp = namespace(points)
    largest = max(number(xp.max(points)), -number(xp.min(points)))
    return float(2.0 ** min(math.frexp(largest)[1], 1023))


def _moved_exactly(points: Array) -> tuple[Array, float]:
    """`points` and their unit as in `unit_scaled`, centred only as far as that is free of rounding."""
    xp = namespace(points)
    low, high = (detached(extreme(points, axis=0, keepdims=True)) for extreme in (xp.min, xp.max))
    # Of two numbers that differ by no more than a factor of 2 the difference is exact (Sterbenz).
    exact = ((low > 0) & (high / 2 <= low)) | ((high < 0) & (low / 2 >= high))
    moved = points - xp.where(exact, low, xp.zeros_like(low))
    unit = _unit(moved)
    scaled = moved / unit
    if vanishing(scaled, scaled.dtype):
        size = xp.max(xp.abs(detached(points)), axis=1)
        row = int(xp.argmax(xp.max(xp.abs(detached(moved)), axis=1)))
        raise InputError(
            "points must not lie over 1e140 times as far from the rest as others from one another, got "
            f"{number(size[row]):.6g} in row {row}; remove that row or its fill value"
        )
    return scaled, unit


def _centring_loses(scaled: Array, centre: Array) -> bool:
    """Whether subtracting `centre` costs rows that are near one another half of the digits of their difference."""
    xp = namespace(scaled)
    info, size = xp.finfo(scaled.dtype), xp.abs(centre)
    share, floor = math.sqrt(info.eps), _floor(info)
    for low, high, far in _neighbours(scaled, max(share * float(xp.max(size)), floor)):
        if _any((far > 0) & (far < floor)):
            return True
        # A coordinate that is not small beside the centre carried a rounding of that size before.
        rounded = (low != high) & (xp.maximum(xp.abs(low), xp.abs(high)) < KEPT * size)
        cost = xp.max(xp.where(rounded, size, xp.zeros_like(size)), axis=1)
        if _any((far > 0) & (far < share * cost)):
            return True
    return False


def _neighbours(scaled: Array, reach: float) -> Iterator[tuple[Array, Array, Array]]:
    """Pairs of rows that follow one another along a fixed direction and may differ by less than `reach`, in pieces.

    Rows, rows, and the largest difference of a coordinate. Rows that lie together by themselves, far from all others,
    follow one another along almost any direction, so at least one pair of them is seen. O(n d) with a small constant:
    of ordinary points few pairs are near enough along the direction.
    """
    xp, d = namespace(scaled), scaled.shape[1]
    along = product(scaled, from_numpy(1.0 + np.cos(np.arange(1.0, d + 1.0)) / 2.0, scaled, scaled.dtype))
    order = xp.argsort(along)
    along = xp.take(along, order)
    slack = 1.5 * d * (reach + 8.0 * float(xp.finfo(scaled.dtype).eps))
    near = xp.nonzero(along[1:] - along[:-1] <= slack)[0]
    step = max(1, block_elements() // d)
    for start in range(0, near.shape[0], step):
        some = near[start : min(start + step, near.shape[0])]
        low, high = (xp.take(scaled, xp.take(order, one), axis=0) for one in (some, some + 1))
        yield low, high, xp.max(xp.abs(high - low), axis=1)


def _floor(info: Any) -> float:
    """The distance whose square has all its digits in a format, and its sum with others too."""
    return math.sqrt(float(info.smallest_normal) / float(info.eps))


def _any(flags: Array) -> bool:
    return bool(namespace(flags).any(flags))
