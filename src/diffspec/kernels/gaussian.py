"""Gaussian kernels: of the points, and of their directions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from diffspec._arrays import Array, namespace
from diffspec.errors import InputError
from diffspec.kernels.bandwidth import Sigma, check_sigma, resolve_sigma
from diffspec.kernels.protocol import Kernel, Storage
from diffspec.points.distances import pairwise, unit_scaled

__all__ = ["SMALLEST", "Cosine", "Gaussian"]


@dataclass(frozen=True, slots=True)
class Gaussian(Kernel):
    """exp(-d^2 / (2 sigma^2)), Eqn 1 of the paper with sigma_paper = 2 sigma^2.

    Parameters
    ----------
    sigma : float or str or rule
        Width in the unit of the points, or ``"median"`` (default), ``"knn"`` or a rule of `diffspec.kernels.bandwidth`.

    Raises
    ------
    InputError
        sigma is not positive, NaN or an unknown name.
    """

    sigma: Sigma = "median"
    semidefinite: ClassVar[bool | None] = True
    storages: ClassVar[tuple[Storage, ...]] = ("dense", "merged", "tiles", "factor", "distances", "disk", "cluster")

    def __post_init__(self) -> None:
        check_sigma(self.sigma)

    def resolve(self, points: Array, rng: np.random.Generator) -> Gaussian:
        """The kernel with sigma as a number."""
        return replace(self, sigma=resolve_sigma(self.sigma, points, rng))

    def __call__(self, points: Array) -> Array:
        """The affinity (n, n) of points (n, d): O(n^2 d) time, one n x n array."""
        sigma, xp = resolved_number(self.sigma), namespace(points)
        return pairwise(points, lambda squared, unit: xp.exp(_factor(sigma / unit) * squared))[0]

    def of_distinct(self, points: np.ndarray[Any, Any], counts: np.ndarray[Any, Any]) -> Array:
        """The affinity of different points, which their copies do not change."""
        return self(points)

    def in_widths(self, points: Array) -> Array:
        """`points` centred and divided by sigma: the affinity is exp(-|x - y|^2 / 2) of them."""
        scaled, unit = unit_scaled(points)
        scaled *= 1.0 / max(resolved_number(self.sigma) / unit, SMALLEST)
        return scaled


@dataclass(frozen=True, slots=True)
class Cosine(Kernel):
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
    semidefinite: ClassVar[bool | None] = True
    storages: ClassVar[tuple[Storage, ...]] = ("dense", "merged", "tiles", "factor", "disk", "cluster")

    def __post_init__(self) -> None:
        check_sigma(self.sigma)

    def resolve(self, points: Array, rng: np.random.Generator) -> Cosine:
        """The kernel with sigma as a number."""
        return replace(self, sigma=resolve_sigma(self.sigma, _directions(points), rng))

    def __call__(self, points: Array) -> Array:
        """The affinity (n, n) of points (n, d): O(n^2 d) time, one n x n array."""
        return Gaussian(self.sigma)(_directions(points))

    def of_distinct(self, points: np.ndarray[Any, Any], counts: np.ndarray[Any, Any]) -> Array:
        """The affinity of different points, which their copies do not change."""
        return self(points)

    def in_widths(self, points: Array) -> Array:
        """Directions centred and divided by sigma: the affinity is exp(-|x - y|^2 / 2) of them."""
        return Gaussian(self.sigma).in_widths(_directions(points))


# Below this width (in units where the points are of order 1) the kernel is its limit, 1 between equal points and 0
# between all others: float64 resolves no differences under 1e-16. Keeps 1 / sigma^2 finite.
SMALLEST = 1e-150


def _factor(sigma: float) -> float:
    """-1 / (2 sigma^2)."""
    width = max(sigma, SMALLEST)
    return -0.5 / (width * width)


def _directions(points: Array) -> Array:
    xp = namespace(points)
    largest = xp.max(xp.abs(points), axis=1, keepdims=True)
    zeros = int(xp.count_nonzero(largest == 0))
    if zeros:
        raise InputError(f"Cosine needs a direction for every point, got {zeros} zero vectors; remove them")
    scaled = points / largest
    return scaled / xp.sqrt(xp.sum(scaled * scaled, axis=1, keepdims=True))


def resolved_number(sigma: Sigma) -> float:
    """`sigma` as the number it is, or InputError where it is still a rule."""
    if isinstance(sigma, str) or callable(sigma):
        raise InputError(f"sigma is still the rule {sigma!r}; call kernel.resolve(points, rng) first")
    return float(sigma)
