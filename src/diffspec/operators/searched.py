"""The graph of a kernel of local width among very many points: neighbours are sought in the nearest cells only.

What the search missed is counted on some points that are compared with all. What that costs is seen from a second
graph, whose search is narrower: an entropy moves about in proportion to the weight that is missed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import Array, require_memory
from diffspec.kernels import Kernel
from diffspec.kernels.directed import Directed, kept, of_blocks
from diffspec.machine.threads import as_many, parallel_map
from diffspec.operators.sparse import Sparse, sparse_diffusion
from diffspec.points.candidates import Candidates, around, ordered, spread
from diffspec.points.cells import Cells
from diffspec.points.distances import BLOCK_ELEMENTS, BYTES_IN_BLOCK, unit_scaled
from diffspec.spectra.missed import Narrower

__all__ = ["Search", "searched_diffusion"]

Matrix: TypeAlias = np.ndarray[Any, Any]

# Points that are compared with all, the share of their weight that may be missed, and how many times as much the second
# search misses.
SAMPLE, MISSED, NARROWER = 1024, 0.005, 4.0
# A search through more than this share of all points goes through all.
WORTH = 0.5
# Measured peak of building the graph, per weight of one direction.
BYTES_PER_WEIGHT = 50.0


def searched_diffusion(points: Array, kernel: Kernel, alpha: float) -> Sparse:
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
    scaled, unit = unit_scaled(points)
    n = len(scaled)
    rank, reach = kernel.within(n)
    cells = Cells.of(scaled)
    ordered(scaled, cells.order)
    search = Search(scaled, Candidates.of(scaled), cells, kernel, unit, rank, reach)
    seen = search.seen(spread(n, SAMPLE))
    need = BYTES_PER_WEIGHT * seen.per_point * n
    require_memory(need, f"the graph of {n} points, {seen.per_point / n:.1%} of all pairs,", scaled)
    share, narrow = seen.shares() if n > SAMPLE else (1.0, None)
    operator = search.operator(share, alpha)
    if narrow is None:
        return operator
    missed = seen.missed(share) + seen.error(share)
    said = f"neighbours sought among {share:.1%} of all points, {missed:.2%} of their weight missed"
    part = missed / (seen.missed(narrow) - seen.missed(share))
    return replace(operator, narrower=Narrower(partial(search.operator, narrow, alpha), part, said))


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

    def operator(self, share: float, alpha: float) -> Sparse:
        """The operator of the graph where a search goes through that `share` of all points."""
        cells = range(len(self.cells.starts) - 1)
        directed = of_blocks(parallel_map(partial(self._of_cell, share=share), cells))
        return sparse_diffusion(self.kernel.joined(directed), alpha)

    def seen(self, places: Matrix) -> Seen:
        """What the points at `places` have of neighbours among all, and how far a search has to go for each."""
        step = max(1, BLOCK_ELEMENTS // len(self.points))
        parts = parallel_map(lambda start: self._weights(places[start : start + step]), range(0, len(places), step))
        counts, columns, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
        met = self.cells.share_for(np.repeat(places, counts), columns)
        order = np.argsort(met)
        return Seen(met[order], weights[order], np.repeat(np.arange(len(places)), counts)[order], len(places))

    def _of_cell(self, cell: int, share: float) -> Directed:
        """The weights of the points in a cell."""
        among = self.cells.around(cell, share, least=2 * (self.rank + 1))
        first, last = self.cells.starts[cell : cell + 2]
        step = as_many(max(1, BLOCK_ELEMENTS // len(among)), BYTES_IN_BLOCK * len(among))
        blocks = [np.arange(start, min(start + step, last)) for start in range(first, last, step)]
        parts = [self._weights(rows, among) for rows in blocks]
        counts, columns, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
        return counts, columns, weights

    def _weights(self, rows: Matrix, among: Matrix | slice = slice(None)) -> Directed:
        (i, j), squared, kth = around(self.points, self.candidates, rows, self.rank, self.reach, among=among)
        return kept(i, j, self.kernel.weigh(squared, kth[i], self.unit), len(rows))


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The weights of some points with all others, by how far a search has to go until it finds them."""

    met: Matrix
    """The share of all points that is searched by then, ascending."""
    weights: Matrix
    point: Matrix
    """Whose weight it is."""
    points: int

    @property
    def per_point(self) -> float:
        """Weights of a point, on average."""
        return len(self.weights) / self.points

    def shares(self) -> tuple[float, float | None]:
        """The share of all points that is to be searched so that hardly any weight is missed, and one that misses more.

        1 and None where all have to be; None where these points have all their neighbours in their own cells.
        """
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
