"""What the released functions compute of one set of points: absolute eigenvalues of three matrices, three entropies.

All are frozen values that are called on points of shape (n, d); their repr says which numbers they used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np

from diffspec._checks import generator_of, integer, real, store
from diffspec.errors import InputError
from diffspec.kernels import Gaussian
from diffspec.operators.dense import Dense, Operator, diffusion
from diffspec.points.bins import equal_bins
from diffspec.points.distances import pairwise
from diffspec.results.estimate import BIT, NATS_PER
from diffspec.solvers import Chebyshev, Exact
from diffspec.spectra.spectrum import Spectrum, check_time, shannon, shannon_stderr, truncation

__all__ = [
    "Adjacency",
    "BinEntropy",
    "ChebyshevEntropy",
    "EntryEntropy",
    "Floats",
    "Matrix",
    "Measure",
    "Nearest",
    "SpectralEntropy",
    "Walk",
]

Floats: TypeAlias = np.ndarray[Any, Any]

EPS = float(np.finfo(float).eps)
BLOCK_ROWS = 256
CHEBYSHEV_ERROR = 0.05
"""Bits within which a Chebyshev entropy is to track the exact one."""


class Matrix(Protocol):
    """Points to the absolute eigenvalues of one of their matrices."""

    def __call__(self, points: Floats) -> Floats:
        """The absolute eigenvalues, shape (n,), of points (n, d)."""
        ...


class Measure(Protocol):
    """Points to an entropy."""

    def __call__(self, points: Floats) -> float:
        """The entropy of points (n, d), in bits."""
        ...


@dataclass(frozen=True, slots=True)
class Walk:
    """The diffusion matrix of the released package: the random walk on the Gaussian affinity, alpha = 0."""

    sigma: float

    def __call__(self, points: Floats) -> Floats:
        """Absolute eigenvalues; O(n^2 d + n^3), one n x n array."""
        return _absolute(diffusion(_affinity(points, self.sigma), 0.0, overwrite=True))


@dataclass(frozen=True, slots=True)
class Adjacency:
    """The Gaussian affinity itself."""

    sigma: float

    def __call__(self, points: Floats) -> Floats:
        """Absolute eigenvalues; O(n^2 d + n^3), one n x n array."""
        return _absolute(Dense(_affinity(points, self.sigma), disposable=True))


@dataclass(frozen=True, slots=True)
class Nearest:
    """1 where a point is among the `knn` nearest of another, itself counted, else 0; not symmetric.

    Many of its eigenvalues are defective, so rounding moves the entropy by up to 1e-6 bit: with the BLAS, its number of
    threads and the order of the points, here as in the released package.
    """

    knn: int

    def __post_init__(self) -> None:
        store(self, knn=integer(self.knn, "knn", least=1))

    def __call__(self, points: Floats) -> Floats:
        """Absolute values of the complex eigenvalues; O(n^2 d + n^3), about ten times a symmetric matrix."""
        moduli: Floats = np.abs(np.linalg.eigvals(self.adjacency(points)))
        return moduli

    def adjacency(self, points: Floats) -> Floats:
        """The matrix (n, n) of 0 and 1; O(n^2 d)."""
        n = len(points)
        if self.knn > n:
            raise InputError(
                f"knn must lie in 1..{n} for {n} points, got {self.knn!r}; lower knn or merge small groups"
            )
        squared, _unit = pairwise(points, lambda squared, _unit: squared)
        kth = np.partition(squared, self.knn - 1, axis=1)[:, self.knn - 1]
        return np.asarray(np.less_equal(squared, kth[:, None], out=squared))


@dataclass(frozen=True, slots=True)
class SpectralEntropy:
    """Entropy of the absolute eigenvalues of `matrix`, each to the power `t`."""

    matrix: Matrix
    t: float = 1.0

    def __post_init__(self) -> None:
        if real(self.t) != 0:  # no step at all: every eigenvalue weighs the same, and the entropy is log2 n
            check_time(self.t)

    def __call__(self, points: Floats) -> float:
        """The entropy of points (n, d), in bits."""
        return self.of_eigenvalues(self.matrix(points))

    def of_eigenvalues(self, eigenvalues: Floats) -> float:
        """The entropy of absolute eigenvalues found before, in bits."""
        with np.errstate(over="ignore"):
            powers = eigenvalues**self.t
            total = powers.sum()
        if not 0.0 < total < np.inf:  # at huge t rounding alone takes powers of the largest, 1, to 0 or infinity
            powers = (eigenvalues / eigenvalues.max()) ** self.t
            total = powers.sum()
        return _plug_in(powers / total)


@dataclass(frozen=True, slots=True)
class ChebyshevEntropy:
    """`SpectralEntropy` of `Walk` from damped Chebyshev moments, to within CHEBYSHEV_ERROR of it.

    Moments and probes are doubled until the blur of the damping and twice the standard error of the probes together
    stay below it. Where that takes as many of either as there are points, all eigenvalues are computed instead.
    """

    sigma: float
    t: float
    seed: int

    def __post_init__(self) -> None:
        if self.t != 0:
            check_time(self.t)

    def __call__(self, points: Floats) -> float:
        """The entropy of points (n, d), in bits; O(n^2 d) and moments / 2 products, one n x n array."""
        if self.t == 0:
            return math.log2(len(points))
        operator = diffusion(_affinity(points, self.sigma), 0.0, overwrite=True)
        return shannon(self._tracking(operator), self.t) / NATS_PER[BIT]

    def _tracking(self, operator: Operator) -> Spectrum:
        solver, coarser = Chebyshev(moments=64), math.inf
        tolerance = CHEBYSHEV_ERROR * NATS_PER[BIT]
        while True:
            found = solver(operator, generator_of(self.seed, name="random_seed"))
            noise = 2.0 * (shannon_stderr(found, self.t) or 0.0)
            blur = truncation(found, self.t)
            # The blur falls at least by three with twice the moments; one that is small by a change of sign does not.
            if found.samples is None or max(blur, coarser / 3.0) + noise <= tolerance:
                return found
            if noise > tolerance / 2.0:
                solver = replace(solver, probes=2 * solver.probes)
            else:
                solver, coarser = replace(solver, moments=2 * solver.moments), blur


@dataclass(frozen=True, slots=True)
class BinEntropy:
    """Classic Shannon entropy: every feature is cut into `bins` equal bins, and distinct rows of bins are counted."""

    bins: int

    def __post_init__(self) -> None:
        store(self, bins=integer(self.bins, "num_bins_per_dim", least=1))

    def __call__(self, points: Floats) -> float:
        """The entropy of points (n, d), in bits; O(n d log n)."""
        _rows, counts = np.unique(equal_bins(points, self.bins), axis=0, return_counts=True)
        return _plug_in(counts / len(points))


@dataclass(frozen=True, slots=True)
class EntryEntropy:
    """Entropy of the n^2 entries of the row-stochastic diffusion matrix with alpha = 1/2."""

    sigma: float

    def __call__(self, points: Floats) -> float:
        """The entropy of points (n, d), in bits; O(n^2 d), one n x n array."""
        entries = _affinity(points, self.sigma)
        entries *= entries.sum(axis=1) ** -0.5  # columns only: the factor of a row falls out below
        entries /= entries.sum(axis=1)[:, None]
        n = len(points)
        blocks = (entries[start : start + BLOCK_ROWS] / n for start in range(0, n, BLOCK_ROWS))
        return float(sum(_plug_in(block) for block in blocks))


def _plug_in(probabilities: Floats) -> float:
    """-sum p log2 p in bits, with the released package's eps on every p."""
    shifted = probabilities + EPS
    return -float(np.vdot(shifted, np.log2(shifted)))


def _affinity(points: Floats, sigma: float) -> Floats:
    affinity: Floats = Gaussian(sigma)(points)
    return affinity


def _absolute(operator: Operator) -> Floats:
    nodes: Floats = Exact()(operator, np.random.default_rng(0)).nodes
    return nodes
