"""All squared distances of some points, computed once: affinities and spectra of every width follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from diffspec._arrays import Array, as_float64, namespace, row_dot, take_square, to_numpy
from diffspec.kernels.bandwidth import TINY
from diffspec.points.distances import pairwise

__all__ = ["Distances"]

ROWS = 512  # looked at together: copies of some rows, not of the whole matrix
# 1 / (2 sigma^2) where float32 or float64 ends: the kernel is the indicator of equality long before.
STEEPEST, STEEPEST64 = 1e37, 1e290


@dataclass(frozen=True, slots=True, eq=False)
class Distances:
    """Squared distances between points, each pair once for all widths.

    Parameters
    ----------
    squared : array (n, n)
        In units of `unit`^2. In float32 an exponent up to 16 is off by 1e-6, at every width: an entropy moves less.
    unit : float
        Power of two; sigma / unit is the width in the unit of `squared`.
    """

    squared: Array
    unit: float

    @classmethod
    def of(cls, points: Array, dtype: Any) -> Distances:
        """The distances of `points` (n, d) in `dtype`; O(n^2 d) time, one n x n array."""
        xp = namespace(points)
        return cls(*pairwise(points, lambda squared, _unit: xp.astype(squared, dtype, copy=False), dtype=dtype))

    @property
    def n(self) -> int:
        """Number of points."""
        return int(self.squared.shape[0])

    def some(self, indices: np.ndarray[Any, Any]) -> Distances:
        """Those between the points at `indices`, a copy."""
        return Distances(take_square(self.squared, indices), self.unit)

    def affinity(self, sigma: float) -> Array:
        """exp(-d^2 / (2 sigma^2)), (n, n), a new array."""
        xp = namespace(self.squared)
        width = sigma / self.unit or TINY
        steepest = STEEPEST if self.squared.dtype == xp.float32 else STEEPEST64
        exponent = self.squared * -min(0.5 / width / width, steepest)
        return np.exp(exponent, out=exponent) if isinstance(exponent, np.ndarray) else xp.exp(exponent)

    def extent(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], float]:
        """Per point the distance to the nearest that differs and the number of its copies (itself one); the largest.

        In units of the points; the nearest is infinite where all points are equal. O(n^2).
        """
        xp = namespace(self.squared)
        nearest, copies, largest = [], [], 0.0
        for start in range(0, self.n, ROWS):
            rows = self.squared[start : min(start + ROWS, self.n), :]
            apart = rows > 0
            nearest.append(to_numpy(xp.min(xp.where(apart, rows, xp.full_like(rows, xp.inf)), axis=1)))
            copies.append(self.n - to_numpy(xp.count_nonzero(apart, axis=1)))
            largest = max(largest, float(xp.max(rows)))
        with np.errstate(over="ignore"):  # infinite distances are refused
            near = self.unit * np.sqrt(np.concatenate(nearest).astype(np.float64))
        return (
            near,
            np.concatenate(copies),
            self.unit * largest**0.5,
        )

    def growth(self, affinity: Array, sigma: float) -> float:
        """The slope d log(sum of the affinity) / d log sigma: for points of dimension d about d, off the plateaus."""
        xp = namespace(affinity)
        total = float(xp.sum(as_float64(xp.sum(affinity, axis=1))))
        moment = float(xp.sum(as_float64(row_dot(affinity, self.squared))))
        # Not the square of the ratio, which may overflow where the moment is 0.
        return moment / total * (self.unit / sigma) * (self.unit / sigma) if moment else 0.0
