"""Very many points in cells, of which the nearest few are searched: most neighbours of a point lie there, not all.

A cell is what lies nearest to one of many landmarks. A search through whole cells is a matrix product as a search
through all points is, only smaller, and what it missed is counted on a few points that are compared with all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from diffspec.machine.threads import as_many, parallel_map
from diffspec.points.candidates import spread

__all__ = ["Cells"]

Matrix: TypeAlias = np.ndarray[Any, Any]

# Cells, in square roots of n: with more they hold fewer points that are not near, and take longer to tell apart. Points
# for each landmark that decide where it stands, and how often it is moved.
PER_ROOT, PER_LANDMARK, MOVES = 4.0, 32, 8
# Distances from landmarks that are held at once.
AT_ONCE = 2**22


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Points in an order in which every cell is a range, and which cells lie near each."""

    order: Matrix
    """Shape (n,): the points, cell by cell."""
    starts: Matrix
    """Shape (m + 1,): where each cell begins in that order."""
    nearest: Matrix
    """Shape (m, m): all cells, the nearest to each first, so itself."""
    reached: Matrix
    """Shape (m, m): the share of all points in those of these that come no later."""

    @classmethod
    def of(cls, points: Matrix) -> Cells:
        """The cells of `points` (n, d), centred and of moderate scale; O(n^1.5 d)."""
        n = len(points)
        marks = _landmarks(points, max(1, round(PER_ROOT * math.sqrt(n))))
        filled, cell = np.unique(_nearest(points, marks), return_inverse=True)
        marks = marks[filled]
        apart = _squared(marks.astype(np.float64), marks.astype(np.float64))
        np.fill_diagonal(apart, -np.inf)
        nearest = np.argsort(apart, axis=1, kind="stable")
        sizes = np.bincount(cell, minlength=len(marks))
        return cls(
            order=np.argsort(cell, kind="stable"),
            starts=np.concatenate([[0], np.cumsum(sizes)]),
            nearest=nearest,
            reached=np.cumsum(sizes[nearest], axis=1) / n,
        )

    def cell_of(self, places: Matrix) -> Matrix:
        """The cells of the points at `places` of the order."""
        return np.searchsorted(self.starts, places, side="right") - 1

    def share_for(self, places: Matrix, others: Matrix) -> Matrix:
        """The share of all points that a search from each of `places` goes through until it meets each of `others`.

        0 in its own cell, which is always searched.
        """
        here, there = self.cell_of(places), self.cell_of(others)
        rank = np.empty_like(self.nearest)
        np.put_along_axis(rank, self.nearest, np.arange(rank.shape[1])[None, :], axis=1)
        return np.where(here == there, 0.0, self.reached[here, rank[here, there]])

    def around(self, cell: int, share: float, least: int) -> Matrix:
        """The places of all points in the cells nearest to `cell`, ascending: a `share` of all, and `least` points."""
        reached = self.reached[cell]
        count = np.searchsorted(reached, share * (1.0 + 1e-12), side="right")
        enough = np.searchsorted(reached, min(least / self.starts[-1], 1.0) * (1.0 - 1e-12)) + 1
        chosen = np.sort(self.nearest[cell, : max(count, enough)])
        return np.concatenate([np.arange(self.starts[one], self.starts[one + 1]) for one in chosen])


def _landmarks(points: Matrix, count: int) -> Matrix:
    """About `count` different centres of some of `points`, by Lloyd's algorithm; in a fixed order of sums, in float32.

    Scikit-learn's adds up in the order in which its threads end, so that the last digits differ from run to run.
    """
    some = points[spread(len(points), PER_LANDMARK * count)].astype(np.float32)
    marks = np.unique(some[spread(len(some), count)], axis=0)
    for _ in range(MOVES):
        cell = _nearest(some, marks)
        filled, first = np.unique(np.sort(cell), return_index=True)
        sums = np.add.reduceat(some[np.argsort(cell, kind="stable")], first, axis=0)
        marks[filled] = sums / np.diff([*first, len(some)])[:, None]
    return marks


def _nearest(points: Matrix, marks: Matrix) -> Matrix:
    """The nearest of `marks` for each of `points`, some points at a time."""
    step = max(1, as_many(AT_ONCE, 12.0) // len(marks))
    blocks = [points[start : start + step] for start in range(0, len(points), step)]
    return np.concatenate(
        parallel_map(lambda some: np.argmin(_squared(some.astype(np.float32), marks), axis=1), blocks)
    )


def _squared(points: Matrix, marks: Matrix) -> Matrix:
    """Squared distances from `marks`, less what is the same for all of them."""
    out = points @ marks.T
    out *= -2.0
    out += np.einsum("ij,ij->i", marks, marks)
    return out
