"""The graph of nearest neighbours of points that stay on disk: squared distances tile by tile, few of them kept.

Every core compares one block of points with one other: of each point the distances that can still be near are kept, and
those of its nearest neighbours say which those are. Half of all pairs of blocks are compared, for a distance is near
from both sides; the points are read about as often as a block fits into them.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from diffspec.errors import InputError, TooLargeError
from diffspec.kernels import Kernel
from diffspec.kernels.bandwidth import NAMED, TINY, Neighbors, NeighborShare
from diffspec.kernels.directed import Directed, kept, of_blocks
from diffspec.machine.memory import in_words
from diffspec.machine.threads import cores, parallel_map
from diffspec.operators.elsewhere import Elsewhere
from diffspec.operators.sparse import Sparse, sparse_diffusion
from diffspec.operators.streaming.affinities import Frame, Rows
from diffspec.points.candidates import reached
from diffspec.points.distances import cross_squared_distances
from diffspec.points.selecting import places
from diffspec.points.sources import HeldRows, Source, Values

__all__ = [
    "BYTES_PER_WEIGHT",
    "Near",
    "Neighbourhood",
    "StoredGraph",
    "nearer",
    "squared_between",
    "with_width",
]

# Measured peak of putting the graph together and scaling it, per weight of one direction.
BYTES_PER_WEIGHT = 80.0
# Fewer points in a block would cost more to read than to compare.
SMALLEST_BLOCK = 256


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Of some points: what can be near among all that they have been compared with."""

    least: Values
    """Shape (points, rank + 1 or fewer): the smallest squared distances, in any order."""
    place: Values
    """Shape (pairs,): which of the points, int64; `column`: of which other, int32; `squared`: how far, float64."""
    column: Values
    squared: Values

    @classmethod
    def nothing(cls, count: int) -> Near:
        """Of `count` points that have been compared with none."""
        return cls(np.empty((count, 0)), np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0))


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Who is near whom among `n` points: within `reach` of the squared distance to the neighbour of zero-based `rank`.

    `memory` bytes may be taken by the graph.
    """

    n: int
    rank: int
    reach: float
    memory: float

    def met(self, near: Near, squared: Values, first: int) -> Near:
        """`near` after its points were compared with others, of which `first` is the first."""
        least = nearer(near.least, squared, self.rank + 1)
        limit = reached(self.kth(least), self.reach)
        i, j = places(squared <= limit[:, None])
        new: tuple[Values, ...] = (i, (j + first).astype(np.int32), squared[i, j])
        held: tuple[Values, ...] = (near.place, near.column, near.squared)
        both: list[Values] = [np.concatenate(pair) for pair in zip(held, new, strict=True)]
        kept = both[2] <= limit[both[0]]
        return Near(least, *(part[kept] for part in both))

    def kth(self, least: Values) -> Values:
        """The squared distances to the neighbour of that rank, infinite before so many were met."""
        return least.max(axis=1) if least.shape[1] > self.rank else np.full(len(least), math.inf)

    def directed(self, near: Near, kernel: Kernel, unit: float) -> Directed:
        """The weights of those that are near, after all were met; `unit`: that of the distances, in the points' own."""
        order = np.lexsort((near.column, near.place))
        place, column, squared = (part[order] for part in (near.place, near.column, near.squared))
        weights = kernel.weigh(squared, self.kth(near.least)[place], unit)
        return kept(place, column, weights, len(near.least))

    def require_memory(self, entries: float) -> None:
        """Raise TooLargeError where a graph in which so many are near is larger than the memory that was allowed."""
        need = BYTES_PER_WEIGHT * entries
        if need > self.memory:
            raise TooLargeError(
                f"the graph of {self.n} points, about {entries / self.n:.0f} near ones a point or more, needs "
                f"{in_words(need)} and {in_words(self.memory)} are allowed; give more memory or a sample in memory"
            )


@dataclass(frozen=True, slots=True, eq=False)
class StoredGraph(Elsewhere):
    """Points on disk under a kernel that joins near ones."""

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
        around = Neighbourhood(n, *self.kernel.within(n), self.memory)
        near = self._near(around, self._blocks(n, least=min(cores() + 1, n // SMALLEST_BLOCK)))
        found = parallel_map(lambda one: around.directed(one, self.kernel, self.frame.unit), near)
        del near  # as large as a quarter of what the graph takes while it is put together
        return sparse_diffusion(self.kernel.joined(of_blocks(found)), alpha)

    def kth(self, chosen: Values, rank: int) -> Values:
        """The squared distances, in units, of the points at ascending indices `chosen` to their neighbour of `rank`."""

        def of(rows: Values) -> Values:
            left, least = self._some(rows), np.empty((len(rows), 0))
            for columns in self._blocks(self.shape[0]):
                least = nearer(least, squared_between(left, self._some(columns), self.frame), rank + 1)
            return np.asarray(least.max(axis=1))

        return np.concatenate(parallel_map(of, [chosen[some] for some in self._blocks(len(chosen))]))

    def _blocks(self, count: int, *, least: int = 1) -> list[slice]:
        """About `least` blocks or more, none larger than a tile, and of whole grains of the source where that fits."""
        grain = self.rows.source.grain[0]
        parts = max(-(-count // self.side), least)
        step = min(self.side, -(-count // parts // grain) * grain)
        return [slice(start, min(start + step, count)) for start in range(0, count, step)]

    def _near(self, around: Neighbourhood, blocks: list[slice]) -> list[Near]:
        """What is near the points of each of `blocks` among all."""
        near = [Near.nothing(some.stop - some.start) for some in blocks]
        locks = [threading.Lock() for _block in blocks]

        def compare(pair: tuple[int, int]) -> None:
            i, j = pair
            squared = squared_between(self._some(blocks[i]), self._some(blocks[j]), self.frame)
            for one, other, seen in ((i, j, squared), (j, i, squared.T))[: 1 + (i != j)]:
                with locks[one]:
                    near[one] = around.met(near[one], seen, blocks[other].start)
            # Of all together: one block of copies says nothing of the others.
            around.require_memory(sum(len(some.place) for some in near))

        # Along diagonals: two cores meet in one block seldom, and wait only while what is near is sorted out.
        count = len(blocks)
        parallel_map(compare, [(i, i + apart) for apart in range(count) for i in range(count - apart)])
        return near

    def _some(self, which: slice | Values) -> Rows:
        return Rows(self.rows.source, which, self.rows.size[which], self.rows.half[which])


def squared_between(left: Rows, right: Rows, frame: Frame) -> Values:
    """The squared distances of two sets of points, added up over the features."""
    same = isinstance(left.which, slice) and isinstance(right.which, slice) and left.which == right.which
    out = np.zeros((len(left.half), len(right.half)))
    for block in frame.blocks():
        points = left.points(block, frame)
        out += cross_squared_distances(points, points if same else right.points(block, frame))
    return out


def with_width(
    kernel: Kernel, source: Source, unit: float, rng: np.random.Generator, *, kth: Callable[[Values, int], Values]
) -> Kernel:
    """`kernel` with the number of neighbours and the width that it has on the points of `source`.

    `kth` gives squared distances, in `unit`, of some points to their neighbour of some rank among all.

    Raises
    ------
    InputError
        A rule for the width that looks at more than neighbours.
    """
    n = source.shape[0]
    rule = NAMED.get(kernel.sigma, kernel.sigma) if isinstance(kernel.sigma, str) else kernel.sigma
    if rule is None:
        return kernel.resolve(HeldRows(np.empty((0, 0)), n), rng)
    if not callable(rule):
        return kernel
    if not isinstance(rule, Neighbors | NeighborShare):
        raise InputError(
            f"sigma of a graph of points on disk or a cluster must be a number, 'knn', 'lafon' or 'knn-share', got "
            f"{kernel.sigma!r}; resolve it on a sample"
        )
    rank = rule.rank(n)
    chosen = np.arange(n) if n <= rule.most else np.sort(rng.choice(n, size=rule.most, replace=False))
    return replace(kernel, sigma=float(np.mean(np.sqrt(kth(chosen, rank)))) * unit or TINY)  # type: ignore[type-var]


def nearer(least: Values, squared: Values, count: int) -> Values:
    """The `count` smallest of every row of both, in any order; all where there are no more."""
    return _smallest(np.concatenate([least, _smallest(squared, count)], axis=1), count)


def _smallest(values: Values, count: int) -> Values:
    """The `count` smallest of every row, in any order; all where there are no more."""
    if values.shape[1] <= count:
        return values
    return np.partition(values, count - 1, axis=1)[:, :count].copy()
