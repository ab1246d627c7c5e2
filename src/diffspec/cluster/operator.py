"""A diffusion operator whose row blocks live on the workers of a Dask cluster."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from diffspec._arrays import check_shape
from diffspec._foreign import not_real
from diffspec.cluster.graph import GraphOnCluster
from diffspec.cluster.session import Session
from diffspec.cluster.tasks import added, cross, named, squared_tile, survey_block, tile_parts
from diffspec.errors import InputError
from diffspec.kernels import Cosine, Kernel
from diffspec.operators.dense import Operator
from diffspec.operators.elsewhere import Elsewhere
from diffspec.operators.streaming.affinities import Frame, Rows, StoredTiles, Survey, frame_of
from diffspec.operators.streaming.graph import with_width
from diffspec.operators.streaming.operator import in_widths, resolve, rule_within, sample
from diffspec.points.sources import HeldRows, Source, Values, open_source

__all__ = ["Distributed", "OnCluster", "on_cluster"]

LARGEST_BLOCK = 4096
# Numbers that this process, which only looks at samples, reads at a time, and bytes for their distances.
LOCAL_PIECE, LOCAL_BYTES = 2**22, 2.0**30
# Columns of vectors at a time, so that a message to the scheduler stays below the 10 MB that it takes well.
WIDEST = 256
NOTHING = np.empty((0, 0))


@dataclass(frozen=True, slots=True, eq=False)
class Distributed(Operator):
    """The symmetric conjugate of the diffusion matrix of points on a cluster, in tiles that workers compute.

    Parameters
    ----------
    session : Session
        The cluster that holds the rows.
    tiles : StoredTiles
        The affinity as this process sees it.
    ranges : sequence of slice
        The points of each block.
    blocks : sequence of pairs of futures
        Of each block on the cluster: the rows, or the source to read them from, and a `Rows` without its source.
    frame : future
        Of the `Frame` on the cluster.
    weight : array (n,)
        float64; A_ij = weight_i G_ij weight_j.

    Notes
    -----
    A product with (n, k) vectors sends them to the workers, one block to each task; every tile above the diagonal
    serves twice, and the parts of a block are added in the order of the blocks, in float64. K = n / b blocks make
    K (K + 1) / 2 tasks of O(b^2 (d + k)) time, and K n k float64 over the whole cluster.
    """

    session: Session
    tiles: StoredTiles
    ranges: Sequence[slice]
    blocks: Sequence[tuple[Any, Any]]
    frame: Any
    weight: Values

    @property
    def n(self) -> int:
        """Its order: the number of points."""
        return len(self.weight)

    @property
    def like(self) -> Values:
        """An array of the library and dtype of the products."""
        return self.weight

    @property
    def entries(self) -> Values:
        """An array of the precision of the tiles."""
        return self.tiles.like

    def matmul(self, vectors: Values) -> Values:
        """Its product with `vectors` of shape (n, k), float64."""
        scale = self.weight[:, None]
        return scale * self._product(scale * vectors, squared=False)

    def dense(self) -> Values:
        """The operator as an (n, n) array, brought here: for small n."""
        return self.matmul(np.eye(self.n))

    def trace(self) -> float:
        """The sum of its eigenvalues; O(n), since the affinity of a point with itself is 1."""
        return float(np.sum(self.diagonal()))

    def frobenius2(self) -> float:
        """The sum of its squared eigenvalues; one product."""
        squared = self.diagonal()
        return float(np.sum(squared * self._product(squared[:, None], squared=True)[:, 0]))

    def diagonal(self) -> Values:
        """Its diagonal, shape (n,)."""
        return self.weight * self.weight

    def columns(self, indices: Values) -> Values:
        """Its columns at the integers `indices`, shape (n, k), float64."""
        order = np.argsort(indices)
        some = self.tiles.some(indices[order])
        raw = some.source.take(indices[order], slice(0, self.tiles.rows.source.shape[1]))
        chosen = Rows(HeldRows(raw, len(raw)), np.arange(len(raw)), some.size, some.half)
        work = named(cross, "columns")
        there = self.session.put(chosen, "chosen")
        parts = [work(i)(block, there, self.frame) for i, block in enumerate(self.blocks)]
        found = np.empty((self.n, len(indices)))
        found[:, order] = np.concatenate(self.session.results(self.session.start(parts)))
        return self.weight[:, None] * found * self.weight[indices][None, :]

    def _product(self, vectors: Values, *, squared: bool) -> Values:
        """The product of the affinity, or of its squared entries, with `vectors` (n, k)."""
        wide = [vectors[:, start : start + WIDEST] for start in range(0, vectors.shape[1], WIDEST)]
        return np.concatenate([self._sums(some, squared) for some in wide], axis=1)

    def _sums(self, vectors: Values, squared: bool) -> Values:
        count = len(self.blocks)
        tile, add = named(squared_tile if squared else tile_parts, "tile"), named(added, "sum")
        parts = [self.session.put(vectors[some], "vectors") for some in self.ranges]
        tiles = {
            (i, j): tile(i, j)(self.blocks[i], self.blocks[j], parts[i], parts[j], self.frame)
            for i in range(count)
            for j in range(i, count)
        }
        # The part of tile (i, j) that belongs to block i is its first, to block j its second.
        sums = [
            add(i)([tiles[min(i, j), max(i, j)] for j in range(count)], [int(j < i) for j in range(count)])
            for i in range(count)
        ]
        return np.concatenate(self.session.results(self.session.start(sums)))


@dataclass(frozen=True, slots=True, eq=False)
class OnCluster(Elsewhere):
    """Points that the workers of a cluster hold or read."""

    affinity: Distributed

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points and of features."""
        return self.affinity.tiles.rows.source.shape

    def operator(self, alpha: float) -> Distributed:
        """Two products with the affinity make its weights; one for alpha = 0."""
        density = self.affinity.matmul(np.ones((self.affinity.n, 1)))
        inverse = density**-alpha
        degree = density if alpha == 0 else inverse * self.affinity.matmul(inverse)
        return replace(self.affinity, weight=(inverse / np.sqrt(degree))[:, 0])


def on_cluster(
    session: Session, points: Any, kernel: Kernel, *, rng: np.random.Generator, block: int | None = None
) -> OnCluster | GraphOnCluster:
    """`points` on a cluster, surveyed, and the width of `kernel` found.

    Parameters
    ----------
    session : Session
        The cluster.
    points : dask.array.Array, str, Path, numpy.memmap or zarr.Array
        Shape (n, d). A file is opened by every worker at the same path and read again for every tile; the blocks of a
        dask array stay on the workers (and spill to their disks where they have to).
    kernel : AlphaDecay, NearestNeighbors, Gaussian or Cosine
        The sigma of the last two is a number, ``"median"`` or `Median`, of `NearestNeighbors` a number or a rule of
        neighbours.
    rng : numpy.random.Generator
        Chooses the points for the median and for the verdict.
    block : int, optional
        Points per block. By default from the number of workers and their memory; the last bits of a product depend on
        it.

    Raises
    ------
    InputError
        Points, kernel or client that cannot be used.
    ClusterError
        The cluster died.
    """
    slots, memory = session.workers()
    source = _DaskRows.of(session, points) if _is_dask(points) else open_source(points)
    n, near = source.shape[0], {"graph", "cluster"} <= set(kernel.storages)
    size = block or _block_size(source, slots, memory, near)
    ranges = [slice(start, min(start + size, n)) for start in range(0, n, size)]
    if isinstance(source, _DaskRows):
        source = source.in_blocks(size)
        held = source.blocks()
    else:
        held = [session.put(source, "source")] * len(ranges)
    here = frame_of(source, isinstance(kernel, Cosine), LOCAL_PIECE)
    there = replace(here, piece=max(1, int(memory / 256)), features=max(1, int(memory / 4 / (2 * size * 8))))
    rows = Rows(source, slice(0, n), *_surveyed(session, held, ranges, there))
    if near:
        blocks, frame = _blocks(session, rows, held, ranges), session.put(there, "frame")
        graph = GraphOnCluster(kernel, kernel, NOTHING, session, rows, ranges, blocks, frame, there.unit, memory)
        resolved = with_width(kernel, source, there.unit, rng, kth=graph.kth)
        return replace(graph, kernel=resolved, sample=sample(source, LOCAL_BYTES, rng))
    asked = rule_within(kernel, n, LOCAL_BYTES)
    resolved = resolve(asked, rows, replace(here, features=2048), rng)
    affinity = _spread(session, in_widths(rows, there, resolved), held, ranges)
    return OnCluster(resolved, asked, sample(source, LOCAL_BYTES, rng), affinity)


def _block_size(source: Source, slots: int, memory: float, near: bool) -> int:
    """Points per block: a tile takes a quarter of the memory of a slot, and there is work for every slot.

    Of a graph a tile is in float64 and takes copies, and the tiles of one block follow one another.
    """
    n, d = source.shape
    most = min(LARGEST_BLOCK, math.isqrt(int(memory / 4 / ((9 if near else 3) * 8))))
    if isinstance(source, _DaskRows):
        most = min(most, int(memory / 4 / (2 * 8 * d)))
    return max(1, min(most, math.ceil(n / (2 * slots if near else math.ceil(math.sqrt(8 * slots))))))


def _surveyed(session: Session, held: Sequence[Any], ranges: Sequence[slice], frame: Frame) -> tuple[Values, Values]:
    look, shared = named(survey_block, "survey"), session.put(frame, "frame")
    tasks = [look(i)(block, some, shared) for i, (block, some) in enumerate(zip(held, ranges, strict=True))]
    return Survey.joined(session.results(session.start(tasks)), frame)


def _blocks(session: Session, rows: Rows, held: Sequence[Any], ranges: Sequence[slice]) -> list[tuple[Any, Any]]:
    """Of each block what is held of it, and on the cluster a `Rows` without its source."""
    places = [Rows(HeldRows(NOTHING, 0), some, rows.size[some], rows.half[some]) for some in ranges]
    return list(zip(held, [session.put(place, "place") for place in places], strict=True))


def _spread(session: Session, tiles: StoredTiles, held: Sequence[Any], ranges: Sequence[slice]) -> Distributed:
    """The affinity itself as an operator on the cluster: all weights 1."""
    blocks = _blocks(session, tiles.rows, held, ranges)
    return Distributed(session, tiles, ranges, blocks, session.put(tiles.frame, "frame"), np.ones(tiles.n))


@dataclass(frozen=True, slots=True, eq=False)
class _DaskRows:
    """The points in a dask array, asked for through its cluster."""

    session: Session
    array: Any
    grain: ClassVar[tuple[int, int]] = (1, 1)

    @classmethod
    def of(cls, session: Session, array: Any) -> _DaskRows:
        """`array`, whose shape must be known."""
        if any(math.isnan(size) for size in array.shape):
            raise InputError(f"a dask array must know its shape, got {array.shape}; call compute_chunk_sizes() on it")
        check_shape(array.shape, "points")
        if array.dtype.kind not in "fiub":
            raise not_real(str(array.dtype), "points")
        return cls(session, array)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points, number of features."""
        n, d = self.array.shape
        return int(n), int(d)

    def read(self, rows: slice, columns: slice) -> Values:
        """The features `columns` of the points in the range `rows`."""
        return self._get(self.array[rows, columns])

    def take(self, indices: Values, columns: slice) -> Values:
        """The features `columns` of the points at `indices`."""
        return self._get(self.array[indices, columns])

    def in_blocks(self, size: int) -> _DaskRows:
        """The same points in blocks of `size` whole rows, which are computed now and stay on the workers."""
        return _DaskRows(self.session, self.session.client.persist(self.array.rechunk({0: size, 1: -1})))

    def blocks(self) -> list[Any]:
        """The futures of the blocks."""
        return [self.array.dask[key] for (key,) in self.array.__dask_keys__()]

    def _get(self, part: Any) -> Values:
        found: Values = np.asarray(self.session.result(self.session.client.compute(part)))
        return found


def _is_dask(points: Any) -> bool:
    return type(points).__module__.startswith("dask.array")
