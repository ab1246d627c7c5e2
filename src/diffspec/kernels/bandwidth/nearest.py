"""Rules that look at nearest neighbours: local widths, that of the density where the data lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffspec._arrays import Array, as_points, namespace, order_statistics, some_of
from diffspec._checks import generator_of, integer, real, shown, store
from diffspec.errors import InputError
from diffspec.kernels.bandwidth.protocol import MOST, TINY, rows_of
from diffspec.points.distances import unit_scaled

__all__ = ["NeighborShare", "Neighbors"]


@dataclass(frozen=True, slots=True)
class Neighbors:
    """sigma = mean distance of a point to its k-th nearest neighbour.

    Follows the density where the data lie instead of the distance between clusters, so it resolves clusters that the
    median rule merges; it shrinks as n grows. With k = 1 it is the rule of Lafon (2004). The smallest positive number
    where every point has k copies.

    Parameters
    ----------
    k : int
        Which neighbour, the point itself not counted.
    most : int
        Beyond this many points the mean runs over a random subset of this size; neighbours are sought among all.

    Raises
    ------
    InputError
        k is not a positive integer, or there are no more than k points.
    """

    k: int = 10
    most: int = MOST

    def __post_init__(self) -> None:
        store(self, k=integer(self.k, "k", least=1), most=integer(self.most, "most", least=2))

    def __call__(self, points: Array, rng: np.random.Generator) -> float:
        """Sigma for `points` of shape (n, d), in their unit; O(n min(n, most) d)."""
        points, rng = as_points(points), generator_of(rng)
        return _mean_distance(points, self.rank(points.shape[0]), self.most, rng)

    def rank(self, n: int) -> int:
        """k, where there are more than so many points."""
        if n <= self.k:
            raise InputError(
                f"the rule 'knn' needs more than k = {self.k} points, got {n}; use sigma='median' or a number"
            )
        return self.k


@dataclass(frozen=True, slots=True)
class NeighborShare:
    """sigma = mean distance of a point to its k-th nearest neighbour, k a share of the number of points.

    Up to sampling the same for 500 and for 10,000 points of one distribution, where that of `Neighbors` shrinks.

    Parameters
    ----------
    share : float
        k / (n - 1), in (0, 1]; at least the nearest neighbour is taken.
    most : int
        As for `Neighbors`.

    Raises
    ------
    InputError
        share does not lie in (0, 1].
    """

    share: float = 0.01
    most: int = MOST

    def __post_init__(self) -> None:
        store(self, most=integer(self.most, "most", least=2))
        if not 0.0 < real(self.share) <= 1.0:
            raise InputError(f"share must lie in (0, 1], got {shown(self.share)}; 0.01 is the nearest hundredth")

    def __call__(self, points: Array, rng: np.random.Generator) -> float:
        """Sigma for `points` of shape (n, d), in their unit; O(n min(n, most) d)."""
        points, rng = as_points(points), generator_of(rng)
        return _mean_distance(points, self.rank(points.shape[0]), self.most, rng)

    def rank(self, n: int) -> int:
        """Which neighbour among n points."""
        return max(1, round(self.share * (n - 1)))


def _mean_distance(points: Array, k: int, most: int, rng: np.random.Generator) -> float:
    xp = namespace(points)
    scaled, unit = unit_scaled(points)
    queries = some_of(scaled, most, rng)
    kth = (order_statistics(squared, (k,))[0] for squared in rows_of(queries, scaled))
    return sum(float(xp.sum(xp.sqrt(squared))) for squared in kth) / queries.shape[0] * unit or TINY
