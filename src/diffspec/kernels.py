"""Kernels: points to affinities.

A kernel is a frozen value. `resolve` replaces a bandwidth rule by the number it gives on some points; calling the
resolved kernel gives the affinity matrix: symmetric, non-negative, a new array that the caller may overwrite.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from diffspec._arrays import Array, namespace, order_statistics
from diffspec.bandwidth import Sigma, check_sigma, median_sigma, resolve_sigma
from diffspec.distances import pairwise, unit_scaled
from diffspec.errors import InputError

__all__ = ["Cosine", "Gaussian", "Kernel", "Precomputed", "SelfTuning"]


@runtime_checkable
class Kernel(Protocol):
    """What the walk from points to entropy needs of a kernel.

    One that is positive semi-definite on all points says so by a class variable ``semidefinite = True``; guaranteed
    bounds are given for no other.
    """

    def resolve(self, points: Array, rng: np.random.Generator) -> Kernel:
        """The same kernel with every rule replaced by its number on `points`."""
        ...

    def __call__(self, points: Array) -> Array:
        """The (n, n) affinity of `points`."""
        ...


@dataclass(frozen=True, slots=True)
class Gaussian:
    """exp(-d^2 / (2 sigma^2)), Eqn 1 of the paper with sigma_paper = 2 sigma^2.

    Parameters
    ----------
    sigma : float or str or rule
        Width in the unit of the points, or ``"median"`` (default), ``"knn"`` or a rule of `diffspec.bandwidth`.

    Raises
    ------
    InputError
        sigma is not positive, NaN or an unknown name.
    """

    sigma: Sigma = "median"
    semidefinite: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_sigma(self.sigma)

    def resolve(self, points: Array, rng: np.random.Generator) -> Gaussian:
        """The kernel with sigma as a number."""
        return replace(self, sigma=resolve_sigma(self.sigma, points, rng))

    def __call__(self, points: Array) -> Array:
        """The affinity (n, n) of points (n, d): O(n^2 d) time, one n x n array."""
        scaled, unit = unit_scaled(points)
        return _gaussian(scaled, _number(self.sigma) / unit)

    def in_widths(self, points: Array) -> Array:
        """`points` centred and divided by sigma: the affinity is exp(-|x - y|^2 / 2) of them."""
        scaled, unit = unit_scaled(points)
        scaled *= 1.0 / max(_number(self.sigma) / unit, SMALLEST)
        return scaled


@dataclass(frozen=True, slots=True)
class Cosine:
    """The Gaussian kernel of directions: exp(-(1 - cos) / sigma^2), blind to the length of each point.

    With u = x/|x| the squared chord |u - v|^2 is 2 (1 - cos), so this is `Gaussian` on normalised points and stays
    positive semi-definite.

    Parameters
    ----------
    sigma : float or str or rule
        Width on the unit sphere (all chords are at most 2), or a rule, default ``"median"``.

    Raises
    ------
    InputError
        A point is the zero vector, which has no direction.
    """

    sigma: Sigma = "median"
    semidefinite: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_sigma(self.sigma)

    def resolve(self, points: Array, rng: np.random.Generator) -> Cosine:
        """The kernel with sigma as a number."""
        return replace(self, sigma=resolve_sigma(self.sigma, _directions(points), rng))

    def __call__(self, points: Array) -> Array:
        """The affinity (n, n) of points (n, d): O(n^2 d) time, one n x n array."""
        return Gaussian(self.sigma)(_directions(points))

    def in_widths(self, points: Array) -> Array:
        """Directions centred and divided by sigma: the affinity is exp(-|x - y|^2 / 2) of them."""
        return Gaussian(self.sigma).in_widths(_directions(points))


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
        if self.neighbors < 1:
            raise InputError(f"neighbors must be at least 1, got {self.neighbors}")

    def resolve(self, points: Array, rng: np.random.Generator) -> SelfTuning:
        """The kernel itself: its local widths are part of the affinity."""
        return self

    def __call__(self, points: Array) -> Array:
        """The affinity (n, n) of points (n, d): O(n^2 d) time, two n x n arrays."""
        n = points.shape[0]
        if n <= self.neighbors:
            raise InputError(f"{self!r} needs more than {self.neighbors} points, got {n}; lower neighbors")
        xp = namespace(points)
        scaled, _unit = unit_scaled(points)
        squared = pairwise(scaled, lambda squared: squared)
        (kth,) = order_statistics(squared, (self.neighbors,))
        width = xp.sqrt(kth)
        product = width[:, None] * width[None, :]
        safe = xp.where(product > 0, product, xp.ones_like(product))
        far = xp.asarray(xp.inf, dtype=squared.dtype, device=squared.device)
        exponent = xp.where(product > 0, squared / safe, xp.where(squared > 0, far, xp.zeros_like(squared)))
        return xp.exp(-exponent)


@dataclass(frozen=True, slots=True)
class Precomputed:
    """Affinities or distances that were computed before; the points are then the (n, n) matrix itself.

    Parameters
    ----------
    of : {"affinities", "distances"}
        What the matrix holds. Distances go through the Gaussian of width `sigma`.
    sigma : float or "median"
        Only for distances: a number, or sqrt(median d^2 / 2) over pairs.

    Raises
    ------
    InputError
        The matrix is not square, not symmetric (relative 1e-8) or has a negative entry; an affinity has a zero row.

    Notes
    -----
    An affinity that is not positive semi-definite has negative eigenvalues; entropies use their absolute values, and
    bounds that rest on a spectrum within [0, 1] do not hold.
    """

    of: str = "affinities"
    sigma: Sigma = "median"

    def __post_init__(self) -> None:
        if self.of not in ("affinities", "distances"):
            raise InputError(f"of must be 'affinities' or 'distances', got {self.of!r}")
        if (isinstance(self.sigma, str) and self.sigma != "median") or callable(self.sigma):
            raise InputError(f"sigma of Precomputed must be a positive number or 'median', got {self.sigma!r}")
        check_sigma(self.sigma)

    def resolve(self, points: Array, rng: np.random.Generator) -> Precomputed:
        """The kernel with sigma as a number (for distances)."""
        _check_square(points, self.of)
        if self.of == "affinities" or not isinstance(self.sigma, str):
            return self
        return replace(self, sigma=median_sigma(namespace(points).reshape(points * points, (-1,)), points.shape[0]))

    def __call__(self, points: Array) -> Array:
        """The affinity (n, n), a copy."""
        xp = namespace(points)
        if self.of == "affinities":
            return (points + points.T) / 2.0
        ratio = (points + points.T) / 2.0 / max(_number(self.sigma), SMALLEST)
        return xp.exp(-0.5 * ratio * ratio)


# Below this width (in units where the points are of order 1) the kernel is its limit, 1 between equal points and 0
# between all others: float64 resolves no differences under 1e-16. Keeps 1 / sigma^2 finite.
SMALLEST = 1e-150


def _gaussian(scaled: Array, sigma: float) -> Array:
    """exp(-d^2 / (2 sigma^2)) of unit-scaled points, sigma in the same unit."""
    width = max(sigma, SMALLEST)
    factor = -0.5 / (width * width)
    xp = namespace(scaled)
    return pairwise(scaled, lambda squared: xp.exp(factor * squared))


def _directions(points: Array) -> Array:
    xp = namespace(points)
    largest = xp.max(xp.abs(points), axis=1, keepdims=True)
    zeros = int(xp.count_nonzero(largest == 0))
    if zeros:
        raise InputError(f"Cosine needs a direction for every point, got {zeros} zero vectors; remove them")
    scaled = points / largest
    return scaled / xp.sqrt(xp.sum(scaled * scaled, axis=1, keepdims=True))


def _number(sigma: Sigma) -> float:
    if isinstance(sigma, str) or callable(sigma):
        raise InputError(f"sigma is still the rule {sigma!r}; call kernel.resolve(points, rng) first")
    return float(sigma)


def _check_square(matrix: Array, of: str) -> None:
    xp = namespace(matrix)
    if matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"Precomputed {of} must be a square (n, n) matrix, got shape {tuple(matrix.shape)}")
    largest = float(xp.max(xp.abs(matrix)))
    skew = float(xp.max(xp.abs(matrix - matrix.T)))
    if skew > 1e-8 * largest:
        raise InputError(
            f"Precomputed {of} must be symmetric, got entries that differ by {skew:.3g} from their mirror; "
            "use (matrix + matrix.T) / 2 if that is what you mean"
        )
    if float(xp.min(matrix)) < 0:
        raise InputError(f"Precomputed {of} must be non-negative, got a minimum of {float(xp.min(matrix)):.3g}")
    if of == "affinities" and float(xp.min(xp.sum(matrix, axis=1))) <= 0:
        raise InputError("Precomputed affinities must have a positive sum in every row; remove isolated points")
    if of == "distances" and float(xp.max(xp.abs(xp.linalg.diagonal(matrix)))) > 0:
        raise InputError("Precomputed distances must have a zero diagonal")
