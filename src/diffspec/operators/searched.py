"""The graph of a kernel of local width among very many points: neighbours are sought in the nearest cells only.

What the search missed is counted on some points that are compared with all. What that costs is seen from a second
graph, whose search is narrower: an entropy moves about in proportion to the weight that is missed. Of very many points
some are tried for that, which have fewer neighbours and two graphs of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import Array, require_memory
from diffspec.kernels import Kernel
from diffspec.kernels.directed import Directed, joined, kept
from diffspec.machine.threads import as_many, parallel_map
from diffspec.operators.triangle import Triangle, mean_of, triangle_diffusion
from diffspec.points.blocks import BLOCK_ELEMENTS, BYTES_IN_BLOCK
from diffspec.points.candidates import Candidates, around, ordered, spread
from diffspec.points.cells import Cells
from diffspec.points.distances import unit_scaled
from diffspec.spectra.missed import Narrower

__all__ = ["Search", "searched_diffusion"]

Matrix: TypeAlias = np.ndarray[Any, Any]
Graph: TypeAlias = Callable[[], Triangle]

# Points that are compared with all, the share of their weight that may be missed, and how many times as much the second
# search misses.
SAMPLE, MISSED, NARROWER = 1024, 0.003, 4.0
# Of those at least so many at a time: all points are read for them.
ROWS = 8
# Cells whose weights are put together at a time: many small arrays would not go back to the system.
TOGETHER = 64
# Points of which the two graphs are made, where there are more, and how many times the cost among all may be what it is
# among so few: measured, at most 1.5 times.
TRIED, CAUTION = 50_000, 1.5
# A search through more than this share of all points goes through all.
WORTH = 0.5
# Measured peak of building the graph, per weight of one direction, beside copies of the points.
BYTES_PER_WEIGHT, COPIES = 10.0, 2.0


def searched_diffusion(points: Array, kernel: Kernel, alpha: float) -> Triangle:
    """The diffusion operator of the graph of `points` (n, d, NumPy) under a resolved `kernel` of local width.

    Its points are in another order, which no eigenvalue sees. It carries the `narrower` graph unless all points were
    searched.

    Raises
    ------
    InputError
        No more points than the kernel takes neighbours.
    TooLargeError
        The graph does not fit.
    """
    search = Search.of(points, kernel)
    seen, n = search.seen(), len(points)
    need = BYTES_PER_WEIGHT * seen.per_point * n + COPIES * points.nbytes
    require_memory(need, f"the graph of {n} points, {seen.per_point / n:.1%} of all pairs,", points)
    share, narrow = seen.shares()
    made = search.operator(share, alpha)
    if narrow is None:
        return made
    missed = seen.missed(share) + seen.error(share)
    said = f"neighbours sought among {share:.1%} of all points, {missed:.2%} of their weight missed"
    tried = _tried(points, kernel, alpha) if n > TRIED else None
    if tried is None:
        part = missed / (seen.missed(narrow) - seen.missed(share))
        return replace(made, narrower=Narrower(partial(search.operator, narrow, alpha), part, said))
    wider, narrower, apart = tried
    return replace(made, narrower=Narrower(narrower, CAUTION * missed / apart, said, wider))


def _tried(points: Array, kernel: Kernel, alpha: float) -> tuple[Graph, Graph, float] | None:
    """The graphs of two searches among some of `points`, and the share of the weight that only the second missed."""
    some = points[spread(len(points), TRIED)]
    search = Search.of(some, kernel.of_some(len(some) / len(points)))
    seen = search.seen()
    share, narrow = seen.shares()
    if narrow is None:
        return None
    apart = seen.missed(narrow) - seen.missed(share)
    return partial(search.operator, share, alpha), partial(search.operator, narrow, alpha), apart


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """Points cell by cell, and how to find the neighbours of each among those of the nearest cells."""

    points: Matrix
    candidates: Candidates | None
    cells: Cells
    kernel: Kernel
    unit: float
    rank: int
    reach: float

    @classmethod
    def of(cls, points: Array, kernel: Kernel) -> Search:
        """The `points` (n, d) cell by cell."""
        scaled, unit = unit_scaled(points)
        rank, reach = kernel.within(len(scaled))
        cells = Cells.of(scaled)
        ordered(scaled, cells.order)
        return cls(scaled, Candidates.of(scaled), cells, kernel, unit, rank, reach)

    def operator(self, share: float, alpha: float) -> Triangle:
        """The operator of the graph where a search goes through that `share` of all points."""
        cells, found = len(self.cells.starts) - 1, []
        for start in range(0, cells, TOGETHER):
            some = range(start, min(start + TOGETHER, cells))
            found.append(joined(parallel_map(partial(self._of_cell, share=share), some)))
        return triangle_diffusion(mean_of(found), alpha)

    def seen(self) -> Seen:
        """What some points have of neighbours among all, and how far a search has to go for each."""
        places = spread(len(self.points), SAMPLE)
        step = max(ROWS, BLOCK_ELEMENTS // len(self.points))
        parts = parallel_map(lambda start: self._weights(places[start : start + step]), range(0, len(places), step))
        counts, columns, weights = joined(parts)
        met = self.cells.share_for(np.repeat(places, counts), columns)
        order = np.argsort(met)
        point = np.repeat(np.arange(len(places)), counts)[order]
        return Seen(met[order], weights[order], point, len(places), len(self.points))

    def _of_cell(self, cell: int, share: float) -> Directed:
        """The weights of the points in a cell."""
        among = self.cells.around(cell, share, least=2 * (self.rank + 1))
        first, last = self.cells.starts[cell : cell + 2]
        step = as_many(max(1, BLOCK_ELEMENTS // len(among)), BYTES_IN_BLOCK * len(among))
        blocks = [np.arange(start, min(start + step, last)) for start in range(first, last, step)]
        return joined([self._weights(rows, among, np.float32) for rows in blocks])

    def _weights(self, rows: Matrix, among: Matrix | slice = slice(None), dtype: Any = np.float64) -> Directed:
        (i, j), squared, kth = around(self.points, self.candidates, rows, self.rank, self.reach, among=among)
        return kept(i, j, self.kernel.weigh(squared, kth[i], self.unit).astype(dtype, copy=False), len(rows))


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The weights of some points with all others, by how far a search has to go until it finds them."""

    met: Matrix
    """The share of all points that is searched by then, ascending."""
    weights: Matrix
    point: Matrix
    """Whose weight it is."""
    points: int
    n: int
    """Of all points."""

    @property
    def per_point(self) -> float:
        """Weights of a point, on average."""
        return len(self.weights) / self.points

    def shares(self) -> tuple[float, float | None]:
        """The share of all points that is to be searched so that hardly any weight is missed, and one that misses more.

        1 and None where all have to be; None where these points have all their neighbours in their own cells.
        """
        if self.points == self.n:
            return 1.0, None
        steps = np.unique(self.met)
        missed = np.array([self.missed(step) for step in steps])
        enough = min(int(np.argmax(missed <= MISSED)), len(steps) - 1)
        if steps[enough] > WORTH:
            return 1.0, None
        if len(steps) == 1:
            return float(steps[0]), None
        enough = max(enough, 1)
        least = NARROWER * (missed[enough] + self.error(steps[enough]))
        narrow = np.flatnonzero(missed[:enough] >= least)
        return float(steps[enough]), float(steps[narrow[-1] if len(narrow) else 0])

    def missed(self, share: float) -> float:
        """The share of the weight that a search misses."""
        return float(self.weights[self._lost(share)].sum() / self.weights.sum())

    def error(self, share: float) -> float:
        """The standard error of `missed`: at least what one more point would add of which all is missed."""
        lost, total = np.where(self._lost(share), self.weights, 0.0), self.weights.sum()
        spread = np.bincount(self.point, lost - lost.sum() / total * self.weights, minlength=self.points)
        return float(max(np.linalg.norm(spread) / total, 1.0 / self.points))

    def _lost(self, share: float) -> Matrix:
        return np.asarray(self.met > share * (1.0 + 1e-12))
