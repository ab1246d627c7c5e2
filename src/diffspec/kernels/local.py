"""Kernels of local width: each point's own distance to its k-th neighbour is the unit."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from diffspec._arrays import Array, namespace, order_statistics
from diffspec.distances import pairwise, unit_scaled
from diffspec.errors import InputError
from diffspec.kernels.protocol import Kernel

__all__ = ["AlphaDecay", "SelfTuning"]


@dataclass(frozen=True, slots=True)
class SelfTuning:
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
        _check_neighbors(self.neighbors)

    def resolve(self, points: Array, rng: np.random.Generator) -> SelfTuning:
        """The kernel itself: its local widths are part of the affinity."""
        return self

    def __call__(self, points: Array) -> Array:
        """The affinity (n, n) of points (n, d): O(n^2 d) time, two n x n arrays."""
        squared, kth = _local(points, self.neighbors, self)
        xp = namespace(points)
        width = xp.sqrt(kth)
        return xp.exp(-_ratio(squared, width[:, None] * width[None, :]))


@dataclass(frozen=True, slots=True)
class AlphaDecay:
    """(a_ij + a_ji) / 2 with a_ij = exp(-(d_ij / s_i)^decay) and s_i the distance of point i to its k-th neighbour.

    The kernel of PHATE (Moon et al. 2019). At its decay of 40 it is nearly the graph that joins every point to its k
    nearest neighbours, so the value does not depend on the size or the density of the cloud, and noise that lengthens
    all distances alike hardly matters. Not positive semi-definite in general, so absolute eigenvalues matter. Points
    with s_i = 0 (more than k copies) are joined to their copies only, the limit of the formula.

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

    def __post_init__(self) -> None:
        if self.neighbors is not None:
            _check_neighbors(self.neighbors)
        if not 0.0 < self.decay < math.inf:
            raise InputError(f"decay must be a positive number, got {self.decay!r}; 40 is PHATE's, 2 a Gaussian")

    def resolve(self, points: Array, rng: np.random.Generator) -> AlphaDecay:
        """The kernel with the number of neighbours that `points` have; their local widths are part of the affinity."""
        return replace(self, neighbors=self._neighbors(points.shape[0]))

    def __call__(self, points: Array) -> Array:
        """The affinity (n, n) of points (n, d): O(n^2 d) time, two n x n arrays."""
        squared, kth = _local(points, self._neighbors(points.shape[0]), self)
        xp = namespace(points)
        # exp(-800) is 0 in float64: beyond, the power could only overflow.
        largest = 800.0 ** (2.0 / self.decay)
        affinity = xp.exp(-(xp.clip(_ratio(squared, kth[:, None]), max=largest) ** (self.decay / 2.0)))
        return 0.5 * (affinity + affinity.T)

    def _neighbors(self, n: int) -> int:
        return self.neighbors or max(1, round(math.sqrt(n) / 3.0))


def _check_neighbors(neighbors: int) -> None:
    if not (isinstance(neighbors, int) and neighbors >= 1):
        raise InputError(f"neighbors must be an integer of at least 1, got {neighbors!r}")


def _local(points: Array, neighbors: int, kernel: Kernel) -> tuple[Array, Array]:
    """Squared distances (n, n), and each point's to its neighbour of that rank (n,), in a common unit."""
    n = points.shape[0]
    if n <= neighbors:
        raise InputError(f"{kernel!r} needs more than {neighbors} points, got {n}; lower neighbors")
    scaled, _unit = unit_scaled(points)
    squared = pairwise(scaled, lambda squared: squared)
    (kth,) = order_statistics(squared, (neighbors,))
    return squared, kth


def _ratio(squared: Array, width: Array) -> Array:
    """`squared` over `width`, where that is 0 its limit: 0 between equal points and infinite between others."""
    xp = namespace(squared)
    positive = width > 0
    safe = xp.where(positive, width, xp.ones_like(width))
    far = xp.asarray(xp.inf, dtype=squared.dtype, device=squared.device)
    return xp.where(positive, squared / safe, xp.where(squared > 0, far, xp.zeros_like(squared)))
