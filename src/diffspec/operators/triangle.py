"""The diffusion operator of a very large graph of neighbours, of which half is stored, in float32.

The affinity is symmetric with ones on its diagonal, so what stands right of the diagonal is all of it. It stays as the
kernel gave it: the weights of the points that make it an operator are multiplied into the vectors. A pair of points
takes 8 bytes so, where a whole float64 graph takes 24. Rounding to float32 moves an eigenvalue by about 1e-8.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from diffspec._arrays import Array, require_memory
from diffspec.kernels.directed import Directed
from diffspec.machine.threads import as_many, cores, parallel_map
from diffspec.operators.dense import Operator
from diffspec.operators.pieces import Indices, gathered, steady_of
from diffspec.spectra.missed import Narrower

__all__ = ["Triangle", "mean_of", "triangle_diffusion"]

Vector: TypeAlias = np.ndarray[Any, Any]
Strip: TypeAlias = tuple[int, csr_array]
"""The first of some rows, and what they have right of the diagonal, shape (rows, n), float32."""

# Weights of a strip, and what each takes while the strip is put together or multiplied.
WEIGHTS, BYTES_PER_WEIGHT = 2**24, 24.0
NOTHING: Directed = (np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Triangle(Operator):
    """The symmetric conjugate of the diffusion matrix of an affinity with ones on its diagonal.

    Parameters
    ----------
    strips : list
        Rows of the affinity, in turn, with what they have right of the diagonal.
    weight : array (n,)
        What row and column of each point are multiplied by, float64.
    root : array (n,)
        The roots of the degrees.
    narrower : Narrower or None
        Where neighbours may have been missed.
    """

    strips: list[Strip]
    weight: Vector
    root: Vector
    narrower: Narrower | None = None

    @property
    def n(self) -> int:
        """Its order: the number of points."""
        return len(self.weight)

    @property
    def like(self) -> Array:
        """The weights of the points: products are in float64 as they are."""
        return self.weight

    @property
    def disposable(self) -> bool:
        """True: `dense` makes a new array, which a solver may overwrite."""
        return True

    @property
    def semidefinite(self) -> bool:
        """False: a kernel of local width is not."""
        return False

    def matmul(self, vectors: Array) -> Array:
        """Its product with `vectors` of shape (n, k); O(k) per stored weight, on all cores."""
        product = _times(self.strips, self.weight[:, None] * vectors)
        product *= self.weight[:, None]
        return product

    def dense(self) -> Array:
        """The operator as a new (n, n) array."""
        require_memory(8.0 * self.n**2, f"the sparse operator as a dense {self.n} x {self.n} array", self.like)
        return self.matmul(np.eye(self.n))

    def pieces(self) -> list[Indices] | None:
        """The indices of its pieces; O(weights), strip by strip."""
        piece = np.arange(self.n)
        for first, strip in self.strips:
            rows = np.repeat(piece[first : first + strip.shape[0]], np.diff(strip.indptr))
            joined = coo_array((strip.data, (rows, piece[strip.indices])), shape=(self.n, self.n))
            piece = connected_components(joined, directed=False)[1][piece]
        return gathered(piece)

    def steady(self, pieces: list[Indices] | None) -> Vector:
        """Orthonormal eigenvectors of eigenvalue 1, shape (n, c)."""
        return steady_of(self.root, pieces)

    def piece(self, indices: Indices) -> Vector:
        """Some rows and columns as an array, where those rows have no entries in other columns."""
        order = np.argsort(indices)
        place, out = np.full(self.n, -1), np.zeros((len(indices), len(indices)))
        place[indices] = np.arange(len(indices))
        for first, strip in self.strips:
            start, stop = np.searchsorted(indices[order], (first, first + strip.shape[0]))
            some = strip[indices[order[start:stop]] - first, :]
            out[np.repeat(order[start:stop], np.diff(some.indptr)), place[some.indices]] = some.data
        weight = self.weight[indices]
        return (out + out.T + np.eye(len(indices))) * weight * weight[:, None]

    def trace(self) -> float:
        """The sum of its eigenvalues; O(n)."""
        return float(self.weight @ self.weight)

    def frobenius2(self) -> float:
        """The sum of its squared eigenvalues."""
        squared = self.weight**2

        def half(strip: Strip) -> float:
            first, right = strip
            squares = csr_array((right.data.astype(np.float64) ** 2, right.indices, right.indptr), shape=right.shape)
            return float(squared[first : first + right.shape[0]] @ (squares @ squared))

        return float(squared @ squared) + 2.0 * sum(parallel_map(half, self.strips))

    def diagonal(self) -> Array:
        """Its diagonal, shape (n,)."""
        return self.weight**2

    def columns(self, indices: Vector) -> Array:
        """Its columns at the integers `indices`, as an array of shape (n, k)."""
        unit = np.zeros((self.n, len(indices)))
        unit[indices, np.arange(len(indices))] = 1.0
        return self.matmul(unit)


def triangle_diffusion(strips: list[Strip], alpha: float) -> Triangle:
    """The symmetric conjugate of the diffusion matrix of `strips`; as `diffspec.operators.dense.diffusion`."""
    density = _times(strips, np.ones((strips[-1][1].shape[1], 1)))
    inverse = density**-alpha
    weight = np.sqrt(inverse / _times(strips, inverse))
    return Triangle(strips, weight[:, 0], (inverse / weight)[:, 0])


def mean_of(directed: list[Directed]) -> list[Strip]:
    """The mean of the weights of both directions, from blocks of rows of one that are used up, in turn.

    A strip takes its rows, and from all later ones what stands in its columns. Then its rows are not needed any more,
    so all memory is what the rows take and one strip for each core.
    """
    starts = np.cumsum([0, *(len(counts) for counts, _columns, _weights in directed)])
    ends = np.cumsum([len(columns) for _counts, columns, _weights in directed])
    step = as_many(WEIGHTS, BYTES_PER_WEIGHT)
    cuts = [*dict.fromkeys([0, *(np.searchsorted(ends, np.arange(step, ends[-1], step)) + 1).tolist(), len(directed)])]
    strips: list[Strip] = []
    for place in range(0, len(cuts) - 1, cores()):
        some = cuts[place : place + cores() + 1]
        strips += parallel_map(partial(_strip, directed, starts), itertools.pairwise(some))
        directed[some[0] : some[-1]] = [NOTHING] * (some[-1] - some[0])
    return strips


def _strip(directed: list[Directed], starts: Vector, blocks: tuple[int, int]) -> Strip:
    """Half of what the rows of some `blocks` give those after them, and half of what those give them."""
    first, last = (int(starts[place]) for place in blocks)
    shape = (last - first, int(starts[-1]))
    there, back = zip(*_met(directed, starts, blocks), strict=True)
    rows, columns, weights = (np.concatenate(part) for part in zip(*there, *back, strict=True))
    del there, back
    weights *= np.float32(0.5)
    # Pairs that both name each other are summed up; what that leaves is a view of arrays with room for all.
    summed = coo_array((weights, (rows - np.int32(first), columns)), shape=shape).tocsr()
    return first, csr_array((summed.data.copy(), summed.indices.copy(), summed.indptr), shape=shape)


def _met(directed: list[Directed], starts: Vector, blocks: tuple[int, int]) -> Iterator[tuple[Directed, Directed]]:
    """Pairs of the rows of `blocks` with later ones, as (row, column, weight): their own, and those of the other."""
    first, last = starts[list(blocks)]
    for place in range(blocks[0], len(directed)):
        counts, columns, weights = directed[place]
        near = np.flatnonzero((columns >= first) & (columns < last)) if place >= blocks[1] else np.arange(len(columns))
        rows = np.repeat(np.arange(starts[place], starts[place + 1], dtype=np.int32), counts)[near]
        columns, weights = columns[near], weights[near]
        right, left = columns > rows, (columns < rows) & (columns >= first)
        own = right if place < blocks[1] else np.zeros_like(right)
        yield (rows[own], columns[own], weights[own]), (columns[left], rows[left], weights[left])


def _times(strips: list[Strip], vectors: Vector) -> Vector:
    """The affinity of `strips` times `vectors`: every core adds up what some of them give."""
    parts = [strips[place :: cores()] for place in range(min(cores(), len(strips)))]
    total, *others = parallel_map(partial(_sum, vectors=vectors), parts)
    for other in others:
        total += other
    total += vectors
    return total


def _sum(strips: list[Strip], vectors: Vector) -> Vector:
    out = np.zeros_like(vectors)
    for first, right in strips:
        rows = slice(first, first + right.shape[0])
        out[rows] += right @ vectors
        out += right.T @ vectors[rows]
    return out
