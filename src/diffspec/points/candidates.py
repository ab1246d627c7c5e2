"""Which points can be near one another: float32 products with a margin for all that rounding can do, so none is missed.

A search among n points costs n^2 d by brute force, and float32 halves that. It only says which points *can* be within
reach of the neighbour of some rank; their distances are measured in float64 afterwards. So what is found is what a
search in float64 finds, ties and copies included.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import Array, is_numpy, namespace, order_statistics, take_rows, to_numpy
from diffspec.points.distances import cross_squared_distances, squared_distances
from diffspec.points.selecting import bound_of_rank, of_rank, places, ranked

__all__ = ["Candidates", "around", "arranged", "ordered", "reached", "spread", "together"]

Matrix: TypeAlias = np.ndarray[Any, Any]

UNIT = 2.0**-24  # rounding of a float32
SMALLEST, LARGEST = float(np.finfo(np.float32).smallest_normal), float(np.finfo(np.float32).max)
# With more features float32 products have too few digits left.
MOST_FEATURES = 2**17
# Nanoseconds of a core to measure one pair, and one of all pairs of some rows and columns; and more per feature.
GATHER, PRODUCT = (60.0, 1.7), (12.0, 0.05)
FEATURES = 64  # copied at a time
ALL = slice(None)
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Points in float32, arranged so that one product gives lower bounds of squared distances.

    A product of d + 2 numbers in float32 is off by at most g (|x| + |y|)^2 <= 2 g (|x|^2 + |y|^2) with g a little over
    d 2^-24 (Higham 2002, section 3.1), the rounding of the numbers themselves included. The part of y is taken off in
    the product, that of x is added to what it is compared with.
    """

    low: Matrix
    """Shape (n, d + 2), float32: y, |y|^2 (1 - 2 g), 1."""
    norms: Matrix
    """Shape (n,): |x|^2."""
    share: float
    """g."""

    @classmethod
    def of(cls, points: Matrix) -> Candidates | None:
        """Of `points` (n, d), float64, unit-scaled; None where they have so many features that float32 says nothing."""
        n, d = points.shape
        if d > MOST_FEATURES:
            return None
        share = 1.02 * UNIT * (d + 12.0)
        norms = np.einsum("ij,ij->i", points, points)
        low = np.ones((n, d + 2), np.float32)
        low[:, :d], low[:, d] = points, norms * (1.0 - 2.0 * share)
        return cls(low, norms, share)

    def near(self, rows: Matrix | slice, rank: int, reach: float, columns: Matrix | slice = ALL) -> Matrix:
        """Whether a point can be within `reach` of the squared distance to the neighbour of zero-based `rank`.

        Shape (rows, columns), for some rows of the points and those among which is searched.
        """
        left, d = self.low[rows] * np.float32(-2.0), self.low.shape[1] - 2
        left[:, d], left[:, d + 1] = 1.0, self.norms[rows]
        least = left @ self.low[columns].T
        # What is lost where products are smaller than a float32 can be is part of the slack.
        slack = self.share * self.norms[rows] + 4.0 * d * SMALLEST
        # The neighbours up to this rank are no farther than its bound and 2 g |x|^2 + 4 g |y|^2, where |y|^2 is at most
        # 2 |x|^2 and twice the squared distance.
        farthest = np.maximum(bound_of_rank(least, rank) + 12.0 * slack, 0.0) * (1.0 + 10.0 * self.share)
        with np.errstate(over="ignore"):
            limit = (reached(farthest, reach) + 2.0 * slack) * (1.0 + 4.0 * UNIT)
        return np.asarray(least <= np.minimum(limit, LARGEST).astype(np.float32)[:, None])


def reached(kth: Array, reach: float) -> Array:
    """The largest squared distance within `reach` of `kth`: of 0 it is 0, however far, infinitely far too."""
    if reach == math.inf:
        xp = namespace(kth)
        return xp.where(kth > 0, xp.full_like(kth, math.inf), xp.zeros_like(kth))
    with np.errstate(over="ignore"):
        return kth * reach


def arranged(points: Matrix, *, in_float32: bool) -> tuple[Matrix, Candidates | None]:
    """The order in which `points` stand from now on, near ones close together, and how they are searched.

    By float32 products where they may be, else by all distances (None).
    """
    order = together(points)
    ordered(points, order)
    return order, Candidates.of(points) if in_float32 else None


def together(points: Matrix) -> Matrix:
    """An order of `points` (n, d) in which near ones stand close to one another, roughly; O(n^1.5 d).

    Every point goes to the nearest of 2 sqrt(n) landmarks, and those go one after the other, each the nearest of the
    rest to the one before.
    """
    n = len(points)
    low = points.astype(np.float32)
    marks = low[spread(n, 2 * math.isqrt(n))]
    norms = np.einsum("ij,ij->i", marks, marks)
    nearest = np.argmin(norms - 2.0 * (low @ marks.T), axis=1)
    apart = norms[:, None] + norms - 2.0 * (marks @ marks.T)
    place, here = np.zeros(len(marks), np.int64), 0
    for step in range(len(marks)):
        place[here] = step
        apart[:, here] = math.inf
        here = int(np.argmin(apart[here]))
    return np.asarray(np.argsort(place[nearest], kind="stable"))


def spread(n: int, count: int) -> Matrix:
    """About `count` of n indices, ascending, spread by the golden ratio: what comes in turn is not met in step."""
    return np.unique((np.arange(min(count, n)) * GOLDEN % 1.0 * n).astype(np.int64))


def ordered(points: Matrix, order: Matrix) -> None:
    """Put the rows of `points` in `order`, some features at a time, without a second array of them."""
    for start in range(0, points.shape[1], FEATURES):
        points[:, start : start + FEATURES] = points[order, start : start + FEATURES]


def around(
    points: Matrix, search: Candidates | None, rows: Matrix, rank: int, reach: float, *, among: Matrix | slice = ALL
) -> tuple[tuple[Matrix, Matrix], Matrix, Matrix]:
    """All pairs within `reach` of the squared distance to the neighbour of zero-based `rank`, exactly.

    Parameters
    ----------
    points : array (n, d)
        float64, centred and of moderate scale; of any library.
    search : Candidates or None
        Of the same points; without it all pairs are measured.
    rows : array of int (m,)
        The points whose neighbours are sought.
    among : array of int or slice
        The points of NumPy among which they are sought, more than `rank`; by default all.

    Returns
    -------
    tuple
        Pairs (place in `rows`, point), by ascending place; their squared distances; and those to the neighbour (m,); of
        NumPy.
    """
    if not is_numpy(points):
        return _on_device(points, rows, rank, reach)
    columns = np.arange(len(points))[among]
    if search is None:
        return _among(points, rows, columns, rank, reach)
    near = search.near(rows, rank, reach, among)
    met = columns[near.any(axis=0)]
    d, count = points.shape[1], int(np.count_nonzero(near))
    if count * (GATHER[0] + GATHER[1] * d) > near.shape[0] * len(met) * (PRODUCT[0] + PRODUCT[1] * d):
        return _among(points, rows, met, rank, reach)
    i, j = places(near)
    j = columns[j]
    squared = squared_distances(points, (rows[i], j))
    kth = ranked(i, squared, len(rows), rank)
    kept = squared <= reached(kth, reach)[i]
    return (i[kept], j[kept]), squared[kept], kth


def _among(
    points: Matrix, rows: Matrix, columns: Matrix, rank: int, reach: float
) -> tuple[tuple[Matrix, Matrix], Matrix, Matrix]:
    """The same among the points `columns`, which hold all that can be near, by a product in float64."""
    squared = cross_squared_distances(points[rows], points[columns])
    kth = of_rank(squared, rank)
    i, j = places(squared <= reached(kth, reach)[:, None])
    return (i, columns[j]), squared[i, j], kth


def _on_device(points: Array, rows: Matrix, rank: int, reach: float) -> tuple[tuple[Matrix, Matrix], Matrix, Matrix]:
    """The same of points of another library, measured where they lie: only what is near comes to the host."""
    squared = cross_squared_distances(take_rows(points, rows), points)
    (kth,) = order_statistics(squared, (rank,))
    near = squared <= reached(kth, reach)[:, None]
    i, j = namespace(near).nonzero(near)
    return (to_numpy(i), to_numpy(j)), to_numpy(squared[near]), to_numpy(kth)
