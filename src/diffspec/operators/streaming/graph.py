"""The graph of a kernel of local width, of points that stay on disk: squared distances tile by tile, few of them kept.

Every core takes a block of points through all others: of each point the distances that can still be near are kept, and
those of its nearest neighbours say which those are. The points are read about as often as a block fits into them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from diffspec.errors import TooLargeError
from diffspec.machine.memory import in_words
from diffspec.machine.threads import parallel_map
from diffspec.operators.elsewhere import Elsewhere
from diffspec.operators.sparse import Sparse, sparse_diffusion
from diffspec.operators.streaming.affinities import Frame, Rows
from diffspec.points.distances import cross_squared_distances
from diffspec.points.selecting import reached
from diffspec.points.sources import Values

__all__ = ["BYTES_PER_WEIGHT", "StoredGraph"]

# Measured peak of putting the graph together and scaling it, per weight of one direction.
BYTES_PER_WEIGHT = 80.0


@dataclass(frozen=True, slots=True, eq=False)
class StoredGraph(Elsewhere):
    """Points on disk under a kernel of local width."""

    rows: Rows
    """All points, surveyed at a width of one unit."""
    frame: Frame
    side: int
    """Points of a tile."""
    memory: float
    """Bytes that the graph may take."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points and of features."""
        return self.rows.source.shape

    def operator(self, alpha: float) -> Sparse:
        """The graph of all points: reads them about n / side times.

        Raises
        ------
        TooLargeError
            The graph is larger than the memory that was allowed.
        """
        n = self.shape[0]
        rank, reach = self.kernel.within(n)
        blocks = [slice(start, min(start + self.side, n)) for start in range(0, n, self.side)]
        found = parallel_map(lambda rows: self._directed(rows, blocks, rank, reach), blocks)
        counts, columns, weights = (np.concatenate(part) for part in zip(*found, strict=True))
        directed = csr_array((0.5 * weights, columns, np.concatenate([[0], np.cumsum(counts)])), shape=(n, n))
        return sparse_diffusion(directed + directed.T.tocsr(), alpha)

    def _directed(self, rows: slice, blocks: list[slice], rank: int, reach: float) -> tuple[Values, Values, Values]:
        """Of the weights of the points `rows` with all others: how many per row, columns, weights."""
        n, count = self.shape[0], rows.stop - rows.start
        least, kth = np.empty((count, 0)), np.full(count, math.inf)
        held: tuple[Values, ...] = (np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0))
        for columns in blocks:
            squared = self._squared(rows, columns)
            least = np.concatenate([least, _smallest(squared, rank + 1)], axis=1)
            least = _smallest(least, rank + 1)
            if least.shape[1] > rank:
                kth = least.max(axis=1)
            i, j = np.nonzero(squared <= reached(kth, reach)[:, None])
            new = (i, (j + columns.start).astype(np.int32), squared[i, j])
            both = tuple(np.concatenate(pair) for pair in zip(held, new, strict=True))
            kept = both[2] <= reached(kth, reach)[both[0]]
            held = tuple(part[kept] for part in both)
            self._require_memory(len(held[0]) * n / count)
        order = np.argsort(held[0], kind="stable")
        i, j, squared = (part[order] for part in held)
        weights = self.kernel.weigh(squared, kth[i])
        positive = weights > 0
        return np.bincount(i[positive], minlength=count), j[positive], weights[positive]

    def _squared(self, rows: slice, columns: slice) -> Values:
        """The squared distances of the points in two ranges, added up over the features."""
        out = np.zeros((rows.stop - rows.start, columns.stop - columns.start))
        left, right = (
            Rows(self.rows.source, some, self.rows.size[some], self.rows.half[some]) for some in (rows, columns)
        )
        for block in self.frame.blocks():
            points = left.points(block, self.frame)
            out += cross_squared_distances(points, points if rows == columns else right.points(block, self.frame))
        return out

    def _require_memory(self, entries: float) -> None:
        need = BYTES_PER_WEIGHT * entries
        if need > self.memory:
            n = self.shape[0]
            raise TooLargeError(
                f"the graph of {n} points on disk, about {entries / n:.0f} near ones a point, needs {in_words(need)} "
                f"and {in_words(self.memory)} are allowed; give more memory or a sample in memory"
            )


def _smallest(values: Values, count: int) -> Values:
    """The `count` smallest of every row, in any order; all where there are no more."""
    if values.shape[1] <= count:
        return values
    return np.partition(values, count - 1, axis=1)[:, :count].copy()
