"""Rules that choose sigma, the width of a Gaussian kernel, from the data.

A rule is a small value that is called on points and returns sigma in the points' own unit. Every rule scales with the
data, so a measure that uses one does not change when the embedding is multiplied by a constant. The number that a rule
gave always goes into the settings of the result.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from diffspec._arrays import Array, from_numpy, namespace, order_statistics
from diffspec.distances import cross_squared_distances, unit_scaled
from diffspec.errors import InputError

__all__ = ["Median", "Neighbors", "Rule", "Sigma", "check_sigma", "median_sigma", "resolve_sigma"]

Rule: TypeAlias = Callable[[Array, np.random.Generator], float]
"""Points (n, d) and a generator for subsamples, to sigma."""

Sigma: TypeAlias = float | str | Rule
"""A number, the name of a rule, or a rule."""


TINY = sys.float_info.min


@dataclass(frozen=True, slots=True)
class Median:
    """sigma = sqrt(median of d^2 / 2) over all pairs: the kernel is exp(-1) at the median distance.

    The smallest positive number where more than half of the pairs coincide: the kernel is then the indicator of equal
    points, the limit of a narrow kernel.

    Parameters
    ----------
    most : int
        Beyond this many points the pairs of a random subset of this size are used (error of sigma well below 1 %).
    """

    most: int = 4096

    def __call__(self, points: Array, rng: np.random.Generator) -> float:
        """Sigma for `points` of shape (n, d), in their unit; O(min(n, most)^2 d)."""
        scaled, unit = unit_scaled(_subset(points, self.most, rng))
        squared = cross_squared_distances(scaled, scaled)
        return median_sigma(namespace(points).reshape(squared, (-1,)), scaled.shape[0]) * unit or TINY


@dataclass(frozen=True, slots=True)
class Neighbors:
    """sigma = mean distance of a point to its k-th nearest neighbour.

    Follows the density where the data lie instead of the distance between clusters, so it resolves clusters that the
    median rule merges; it shrinks as n grows.

    Parameters
    ----------
    k : int
        Which neighbour, the point itself not counted.
    most : int
        Beyond this many points the mean runs over a random subset of this size; neighbours are sought among all.
    """

    k: int = 10
    most: int = 4096

    def __call__(self, points: Array, rng: np.random.Generator) -> float:
        """Sigma for `points` of shape (n, d), in their unit; O(n min(n, most) d)."""
        n = points.shape[0]
        if n <= self.k:
            raise InputError(
                f"the rule 'knn' needs more than k = {self.k} points, got {n}; use sigma='median' or a number"
            )
        xp = namespace(points)
        scaled, unit = unit_scaled(points)
        queries = _subset(scaled, self.most, rng)
        total = 0.0
        for start in range(0, queries.shape[0], 256):
            stop = min(start + 256, queries.shape[0])
            squared = cross_squared_distances(queries[start:stop, :], scaled)
            (kth,) = order_statistics(squared, (self.k,))
            total += float(xp.sum(xp.sqrt(kth)))
        return total / queries.shape[0] * unit or TINY


NAMED: dict[str, Rule] = {"median": Median(), "knn": Neighbors()}


def resolve_sigma(sigma: Sigma, points: Array, rng: np.random.Generator) -> float:
    """The number that `sigma` (a number, a rule's name or a rule) stands for on `points`."""
    if isinstance(sigma, str):
        return NAMED[sigma](points, rng)
    return sigma(points, rng) if callable(sigma) else float(sigma)


def median_sigma(squared: Array, n: int) -> float:
    """sqrt(median d^2 / 2) of the full n x n matrix of squared distances, given flat."""
    # The flat matrix holds n zeros from the diagonal and every pair twice; the two middle ranks of the pairs follow.
    pairs = n * (n - 1) // 2
    low, high = order_statistics(squared, (n + pairs - 1, n + pairs))
    return math.sqrt((float(low) + float(high)) / 4.0)


def check_sigma(sigma: Sigma) -> None:
    """Raise InputError unless `sigma` is a positive number, the name of a rule or a rule."""
    if isinstance(sigma, str):
        if sigma not in NAMED:
            raise InputError(f"sigma must be a positive number or one of {', '.join(sorted(NAMED))}, got {sigma!r}")
    elif not callable(sigma):
        _check_number(sigma)


def _check_number(sigma: float) -> None:
    try:
        good = 0.0 < float(sigma) < math.inf
    except (TypeError, ValueError):
        good = False
    if not good:
        raise InputError(f"sigma must be a positive number, got {sigma!r}; use sigma='median' to take it from the data")


def _subset(points: Array, most: int, rng: np.random.Generator) -> Array:
    n = points.shape[0]
    if n <= most:
        return points
    chosen = np.sort(rng.choice(n, size=most, replace=False))
    return namespace(points).take(points, from_numpy(chosen, points), axis=0)
