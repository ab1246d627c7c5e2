"""Kernels of local width: each point's own distance to its k-th neighbour is the unit."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import csr_array

from diffspec._arrays import Array, is_numpy, namespace, order_statistics, require_memory
from diffspec._checks import integer, positive, store
from diffspec.errors import InputError
from diffspec.kernels.directed import Directed, kept, of_blocks
from diffspec.kernels.protocol import Kernel, Storage
from diffspec.machine.threads import as_many, parallel_map, single_threaded_blas
from diffspec.points.blocks import BLOCK_ELEMENTS, BYTES_IN_BLOCK, in_blocks, row_slices, symmetrized
from diffspec.points.candidates import Candidates, around, arranged, reached
from diffspec.points.distances import pairwise, unit_scaled
from diffspec.points.selecting import of_rank, places

__all__ = ["AlphaDecay", "Local", "SelfTuning"]

# Smaller weights of `AlphaDecay` are 0, as in PHATE.
BELOW = 1e-4
# A graph with more than this share of all pairs is no faster than the whole array; seen on about SAMPLE rows, at least
# so many PARTS of them side by side.
SPARSE_SHARE, SAMPLE, PARTS = 0.1, 256, 4
# Rows that a core searches at a time, where a block would hold more: what is made of them stays in a cache.
ROWS = 192
# Points in float32 may take this share of the memory; where they would take more the search is in float64.
FLOAT32_SHARE = 0.25
# Measured peak of building it, per weight.
BYTES_PER_WEIGHT = 50.0


class Local(Kernel):
    """A kernel whose unit is a distance between points: squared distances in any unit are all that it needs of them."""

    __slots__ = ()
    semidefinite: ClassVar[bool | None] = False

    def __call__(self, points: Array) -> Array:
        """The affinity (n, n) of points (n, d): O(n^2 d) time, one n x n array."""
        self._check_count(points.shape[0])
        return self.of_squared(pairwise(points, lambda squared, _unit: squared)[0])

    def of_squared(self, squared: Array) -> Array:
        """The affinity from the squared distances (n, n) of all points, which are used up: O(n^2)."""
        rank = self._check_count(squared.shape[0])
        ranked = of_rank if is_numpy(squared) else lambda some, rank: order_statistics(some, (rank,))[0]
        kth = [ranked(squared[rows, :], rank) for rows in row_slices(squared)]
        return self._weighed(squared, namespace(squared).concat(kth))

    def of_distinct(self, points: np.ndarray[Any, Any], counts: np.ndarray[Any, Any]) -> Array:
        """The affinity of different points, whose copies are neighbours too."""
        rank = self._check_count(int(counts.sum()))
        squared, _unit = pairwise(points, lambda squared, _unit: squared)
        kth = [_weighted_rank(squared[rows, :], rank, counts) for rows in row_slices(squared)]
        return self._weighed(squared, np.concatenate(kth))

    def _check_count(self, n: int) -> int:
        """The rank of the neighbour that gives the width, or InputError where n points have none of that rank."""
        neighbors = self._neighbors(n)
        if n <= neighbors:
            raise InputError(f"{self!r} needs more than {neighbors} points, got {n}; lower neighbors")
        return neighbors

    @abstractmethod
    def _neighbors(self, n: int) -> int:
        """The rank of the neighbour that gives the width among n points."""

    @abstractmethod
    def _weighed(self, squared: Array, kth: Array) -> Array:
        """The affinity from squared distances (n, n) and each point's to its neighbour of that rank (n,)."""


@dataclass(frozen=True, slots=True)
class SelfTuning(Local):
    """exp(-d_ij^2 / (s_i s_j)) with s_i the distance of point i to its k-th nearest neighbour.

    Has no bandwidth to choose and follows density; not positive semi-definite in general, so absolute eigenvalues
    matter. Points with s_i = 0 (more than k copies) are joined to their copies only, the limit of the formula.

    Parameters
    ----------
    neighbors : int
        k, default 7 as in Zelnik-Manor and Perona (2004).
    """

    neighbors: int = 7

    def __post_init__(self) -> None:
        store(self, neighbors=integer(self.neighbors, "neighbors", least=1))

    def _neighbors(self, n: int) -> int:
        return self.neighbors

    def _weighed(self, squared: Array, kth: Array) -> Array:
        xp = namespace(squared)
        width = _power(kth, 0.5)
        return in_blocks(lambda some, rows: xp.exp(-_ratio(some, width[rows, None] * width[None, :])), squared)


@dataclass(frozen=True, slots=True)
class AlphaDecay(Local):
    """(a_ij + a_ji) / 2 with a_ij = exp(-(d_ij / s_i)^decay) and s_i the distance of point i to its k-th neighbour.

    The kernel of PHATE (Moon et al. 2019). At its decay of 40 it is nearly the graph that joins every point to its k
    nearest neighbours. So the value does not depend on the size or the density of the cloud, and noise that lengthens
    all distances alike hardly matters. Weights a_ij under 1e-4 are 0, as in PHATE, which makes the affinity of many
    points a sparse graph. Not positive semi-definite in general, so absolute eigenvalues matter. Points with s_i = 0
    (more than k copies) are joined to their copies only, the limit of the formula.

    Parameters
    ----------
    neighbors : int, optional
        k, the point itself not counted. Default sqrt(n) / 3, rounded (11 for 1000 points), with which the entropy as a
        share of log n hardly depends on n; PHATE takes 5.
    decay : float
        How sharply the affinity ends at the k-th neighbour (the alpha of PHATE); 2 is a Gaussian of local width, 40
        (default, as in PHATE) nearly a step.

    Raises
    ------
    InputError
        neighbors is below 1, decay is not positive, or there are no more than `neighbors` points.
    """

    neighbors: int | None = None
    decay: float = 40.0
    storages: ClassVar[tuple[Storage, ...]] = ("dense", "merged", "graph", "cells", "disk", "cluster")
    time: ClassVar[float] = 3.0  # a sparse graph has many small eigenvalues, mostly noise, and larger times forget them

    def __post_init__(self) -> None:
        if self.neighbors is not None:
            store(self, neighbors=integer(self.neighbors, "neighbors", least=1))
        store(self, decay=positive(self.decay, "decay", hint="40 is PHATE's, 2 a Gaussian"))

    def resolve(self, points: Array, rng: np.random.Generator) -> AlphaDecay:
        """The kernel with the number of neighbours that `points` have; their local widths are part of the affinity."""
        return replace(self, neighbors=self._neighbors(points.shape[0]))

    def _weighed(self, squared: Array, kth: Array) -> Array:
        return symmetrized(in_blocks(lambda some, rows: self._weights(some, kth[rows, None]), squared))

    def within(self, n: int) -> tuple[int, float]:
        """The rank of the neighbour that gives the width among n points; the largest squared distance in its own."""
        return self._check_count(n), self._reach()

    def of_some(self, share: float) -> AlphaDecay:
        """The kernel of a random `share` of the points: its neighbours grow with the root of n, as the default's do."""
        return replace(self, neighbors=self.neighbors and max(1, round(self.neighbors * math.sqrt(share))))

    def weigh(self, squared: Array, kth: Array, unit: float) -> Array:
        """The weights of one direction, from squared distances and those to the neighbour of that rank, in any unit."""
        return self._powers(squared, kth)

    def near(self, points: Array, memory: float = math.inf) -> Any:
        """The affinity as a CSR array, or None where a tenth of all pairs or more have a weight.

        Neither where it would take more than `memory` bytes. Points on a device are searched there, block by block.

        O(n^2 d) time by brute force, about 50 bytes per weight; 3 k weights per point in few dimensions, more in many.
        """
        if not is_numpy(points):
            return self._near(points, memory)
        with single_threaded_blas():  # its threads wait for more work some 30 ms, on the cores that the search needs
            return self._near(points, memory)

    def _near(self, points: Array, memory: float) -> Any:
        n, scaled = points.shape[0], unit_scaled(points)[0]
        self._check_count(n)
        order, search, most = np.arange(n), None, max(1, BLOCK_ELEMENTS // n)
        if is_numpy(points):
            order, search = arranged(scaled, in_float32=4.0 * points.size <= FLOAT32_SHARE * memory)
            most = min(most, ROWS)
        size = as_many(most, BYTES_IN_BLOCK * n)
        sample = np.flatnonzero(order % max(1, n // SAMPLE) == 0)
        every = parallel_map if is_numpy(points) else map
        parts = np.array_split(sample, min(len(sample), max(PARTS, -(-len(sample) // size))))
        seen = sum(every(lambda rows: len(self._rows(rows, scaled, search)[2]), parts))
        share = seen / n / len(sample)
        need = BYTES_PER_WEIGHT * share * n * n
        if share > SPARSE_SHARE or need > memory:
            return None
        require_memory(need, f"the graph of {n} points, {share:.1%} of all pairs,", order)
        blocks = [np.arange(start, min(start + size, n)) for start in range(0, n, size)]
        both = self.joined(of_blocks(every(lambda rows: self._rows(rows, scaled, search), blocks)))
        both = both[np.argsort(order), :]
        return csr_array((both.data, order.astype(both.indices.dtype)[both.indices], both.indptr), shape=(n, n))

    def _rows(self, rows: Array, scaled: Array, search: Candidates | None) -> Directed:
        """The weights a_ij between `rows` and all points."""
        (i, j), squared, kth = around(scaled, search, rows, self._neighbors(scaled.shape[0]), self._reach())
        return kept(i, j, self._powers(squared, kth[i]), len(rows))

    def _weights(self, squared: Array, kth: Array) -> Array:
        """The weights a_ij for squared distances, and squared distances to the neighbour of rank k."""
        if not is_numpy(squared):
            return self._powers(squared, kth)
        # Most of an array of all pairs is far: no power is taken there.
        near = places(squared <= reached(kth, self._reach() * (1.0 + 1e-12)))
        weights = np.zeros_like(squared)
        weights[near] = self._powers(squared[near], kth[near[0], 0])
        return weights

    def _powers(self, squared: Array, kth: Array) -> Array:
        xp = namespace(squared)
        ratio = _ratio(squared, kth)
        near = ratio <= self._reach()
        # Beyond, the power could overflow.
        weights = xp.exp(-_power(xp.where(near, ratio, xp.zeros_like(ratio)), self.decay / 2.0))
        return xp.where(near & (weights >= BELOW), weights, xp.zeros_like(weights))

    def _reach(self) -> float:
        """The largest squared distance with a weight, in those to the neighbour of rank k, rounded up."""
        power = 2.0 / self.decay * math.log(math.log(1.0 / BELOW))
        return math.pow(math.log(1.0 / BELOW), 2.0 / self.decay) + 1e-12 if power < 700.0 else math.inf

    def _neighbors(self, n: int) -> int:
        return self.neighbors or max(1, round(math.sqrt(n) / 3.0))


def _weighted_rank(squared: Array, rank: int, counts: Any) -> Array:
    """The value at zero-based `rank` of each row in which every value occurs `counts` times."""
    order = np.argsort(squared, axis=-1)
    place = np.argmax(np.cumsum(counts[order], axis=-1) > rank, axis=-1)
    return np.take_along_axis(squared, np.take_along_axis(order, place[:, None], -1), -1)[:, 0]


def _ratio(squared: Array, width: Array) -> Array:
    """`squared` over `width`, where that is 0 its limit: 0 between equal points and infinite between others."""
    xp = namespace(squared)
    positive = width > 0
    safe = xp.where(positive, width, xp.ones_like(width))
    far = xp.asarray(xp.inf, dtype=squared.dtype, device=squared.device)
    return xp.where(positive, squared / safe, xp.where(squared > 0, far, xp.zeros_like(squared)))


def _power(values: Array, exponent: float) -> Array:
    """`values` to a power; the gradient at 0, infinite for an exponent below 1, is taken to be 0."""
    if is_numpy(values):
        with np.errstate(over="ignore"):  # exp(-inf) is 0
            return values**exponent
    xp = namespace(values)
    positive = values > 0
    return xp.where(positive, xp.where(positive, values, xp.ones_like(values)) ** exponent, xp.zeros_like(values))
