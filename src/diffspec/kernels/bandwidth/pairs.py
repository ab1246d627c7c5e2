"""Rules that look at the distances of all pairs: global widths, that of the cloud as a whole."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from diffspec._arrays import Array, as_points, order_statistics, some_of
from diffspec._checks import generator_of, integer, real, shown, store
from diffspec.errors import InputError
from diffspec.kernels.bandwidth.protocol import MOST, TINY
from diffspec.kernels.bandwidth.ranks import of_pairs

__all__ = ["Median", "Quantile", "median_ranks", "median_sigma"]


@dataclass(frozen=True, slots=True)
class Median:
    """sigma = sqrt(median of d^2 / 2) over all pairs: the kernel is exp(-1) at the median distance.

    The smallest positive number where more than half of the pairs coincide: the kernel is then the indicator of equal
    points, the limit of a narrow kernel.

    Parameters
    ----------
    most : int
        Beyond this many points the pairs of a random subset of this size are used (error of sigma well below 1 %).

    Notes
    -----
    Where the distances of all pairs at once do not fit into `memory=` they are computed four times, in blocks.

    Between two far clusters the median lies within or between them as their sizes have it, and the value with it.
    """

    most: int = MOST

    def __post_init__(self) -> None:
        store(self, most=integer(self.most, "most", least=2))

    def __call__(self, points: Array, rng: np.random.Generator) -> float:
        """Sigma for `points` of shape (n, d), in their unit; O(min(n, most)^2 d)."""
        points, rng = as_points(points), generator_of(rng)
        some = some_of(points, self.most, rng)
        (low, high), unit = of_pairs(some, median_ranks(some.shape[0]))
        return math.sqrt((low + high) / 4.0) * unit or TINY


@dataclass(frozen=True, slots=True)
class Quantile:
    """sigma = sqrt(q-quantile of d^2 / 2) over all pairs: the kernel is exp(-1) at that distance.

    Parameters
    ----------
    q : float
        Share of the pairs that are closer, in (0, 1); 0.5 is the median rule, small values look at neighbours.
    most : int
        As for `Median`.

    Raises
    ------
    InputError
        q does not lie between 0 and 1.
    """

    q: float = 0.1
    most: int = MOST

    def __post_init__(self) -> None:
        store(self, most=integer(self.most, "most", least=2))
        if not 0.0 < real(self.q) < 1.0:
            raise InputError(f"q must lie between 0 and 1, got {shown(self.q)}; 0.5 is the median")

    def __call__(self, points: Array, rng: np.random.Generator) -> float:
        """Sigma for `points` of shape (n, d), in their unit; O(min(n, most)^2 d)."""
        points, rng = as_points(points), generator_of(rng)
        some = some_of(points, self.most, rng)
        n = some.shape[0]
        # Of the flat matrix the first n ranks are its diagonal, and every pair follows twice.
        (squared,), unit = of_pairs(some, [n + 2 * int(self.q * (n * (n - 1) // 2))])
        return math.sqrt(squared / 2.0) * unit or TINY


def median_sigma(squared: Array, n: int) -> float:
    """sqrt(median d^2 / 2) of the full n x n matrix of squared distances, given flat."""
    low, high = order_statistics(squared, median_ranks(n))
    return math.sqrt((float(low) + float(high)) / 4.0)


def median_ranks(n: int) -> tuple[int, int]:
    """The two middle ranks of the pairs in a flat n x n matrix: n zeros of the diagonal, then every pair twice."""
    pairs = n * (n - 1) // 2
    return n + pairs - 1, n + pairs
