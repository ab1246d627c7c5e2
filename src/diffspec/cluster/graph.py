"""The graph of nearest neighbours of points on a cluster: every block is compared with all blocks, one after the other.

What is near comes to this process, which puts the graph together and solves it. A comparison is a task that can be done
again from the blocks, and those of one block follow one another, so a worker that dies changes no weight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diffspec._arrays import free_memory
from diffspec.cluster.session import Session
from diffspec.cluster.tasks import compared, counted, named, nearest, weighed
from diffspec.errors import TooLargeError
from diffspec.kernels.directed import of_blocks
from diffspec.operators.elsewhere import Elsewhere
from diffspec.operators.sparse import Sparse, sparse_diffusion
from diffspec.operators.streaming.affinities import Rows
from diffspec.operators.streaming.graph import Neighbourhood
from diffspec.points.sources import HeldRows, Values

__all__ = ["GraphOnCluster"]


@dataclass(frozen=True, slots=True, eq=False)
class GraphOnCluster(Elsewhere):
    """Points that the workers of a cluster hold or read, under a kernel that joins near ones."""

    session: Session
    rows: Rows
    """All points, as this process sees them."""
    ranges: Sequence[slice]
    """The points of each block."""
    blocks: Sequence[tuple[Any, Any]]
    """On the cluster: of each block the rows, or the source to read them from, and a `Rows` without its source."""
    frame: Any
    """Of the `Frame` on the cluster."""
    unit: float
    """That of the distances, in the points' own."""
    memory: float
    """Bytes that a worker may use for a task."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points and of features."""
        return self.rows.source.shape

    def operator(self, alpha: float) -> Sparse:
        """The graph of all points: with K blocks K^2 tasks of O((n / K)^2 d) time.

        Raises
        ------
        TooLargeError
            The graph is larger than half of the memory that is free here, or that of one block than a worker holds.
        """
        n = self.shape[0]
        around = Neighbourhood(n, *self.kernel.within(n), free_memory(self.rows.half) / 2.0)
        # A block by itself has to fit where it is compared too.
        there = self.session.put(replace(around, memory=min(around.memory, self.memory)), "neighbourhood")
        near = self.session.start(
            [self._through(compared, "near", i, block, there) for i, block in enumerate(self.blocks)]
        )
        self._require_memory(around, near)
        weigh, kernel = named(weighed, "weights"), self.session.put(self.kernel, "kernel")
        weights = self.session.start([weigh(i)(one, there, kernel, self.unit) for i, one in enumerate(near)])
        del near  # what the weights were made of may go
        found = self.session.results(weights)
        return sparse_diffusion(self.kernel.joined(of_blocks(found)), alpha)

    def _require_memory(self, around: Neighbourhood, near: Sequence[Any]) -> None:
        """Raise TooLargeError where all that is `near` does not fit here, before it comes here, and let go of it there.

        Of all blocks together: one of copies says nothing of the others.
        """
        count = named(counted, "count")
        found = self.session.results(self.session.start([count(i)(one) for i, one in enumerate(near)]))
        try:
            if refused := next((one for one in found if isinstance(one, str)), None):
                raise TooLargeError(refused)
            around.require_memory(sum(found))
        except TooLargeError:
            self.session.client.cancel(near)
            raise

    def kth(self, chosen: Values, rank: int) -> Values:
        """The squared distances, in units, of the points at ascending indices `chosen` to their neighbour of `rank`."""
        source = self.rows.source
        size = max(some.stop - some.start for some in self.ranges)
        tasks = []
        for place, start in enumerate(range(0, len(chosen), size)):
            some = chosen[start : start + size]
            raw = source.take(some, slice(0, source.shape[1]))
            rows = Rows(HeldRows(raw, len(raw)), np.arange(len(raw)), self.rows.size[some], self.rows.half[some])
            there = self.session.put(rows.source, "chosen"), self.session.put(rows, "chosen")
            tasks.append(self._through(nearest, "nearest", place, there, rank + 1))
        return np.concatenate([least.max(axis=1) for least in self.session.results(self.session.start(tasks))])

    def _through(self, work: Callable[..., Any], name: str, place: int, block: tuple[Any, Any], wanted: Any) -> Any:
        """The task that ends a chain: `work` of a block with every block in turn."""
        found, make = None, named(work, name)
        for j, other in enumerate(self.blocks):
            found = make(place, j)(found, block, other, wanted, self.frame)
        return found
