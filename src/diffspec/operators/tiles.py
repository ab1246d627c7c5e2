"""Pieces of a Gaussian affinity, computed when they are needed: nothing of size n x n is stored.

In float32 the exponent -|x - y|^2 / (2 sigma^2) comes out of one matrix product of points with two extra columns, so a
tile costs one product, one clip and one exponential.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from diffspec._arrays import Array, is_numpy, namespace, product, row_dot

__all__ = ["EPS32", "GaussianTiles", "Tiles", "exponent_error", "exponential"]

EPS32 = 2.0**-23


class Tiles(Protocol):
    """An affinity of which rectangles can be computed; 1 on its diagonal."""

    @property
    def n(self) -> int:
        """Number of points."""
        ...

    @property
    def like(self) -> Array:
        """An array of the library, device and dtype of the tiles."""
        ...

    @property
    def entry_error(self) -> float:
        """Root mean square of the relative rounding of the affinities."""
        ...

    def __call__(self, rows: slice, columns: slice) -> Array:
        """The affinities of the points in two ranges, shape (rows, columns), a new array."""
        ...

    def columns(self, indices: Array) -> Array:
        """The affinities of all points with those at `indices`, shape (n, len(indices))."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class GaussianTiles:
    """exp(-|x_i - x_j|^2 / 2) for points in units of sigma, one rectangle of pairs at a time.

    Parameters
    ----------
    left, right : array (n, d + 2)
        Points with the extra columns (-|x|^2 / 2, 1) and (1, -|x|^2 / 2), so that left_i . right_j is the exponent.
    """

    left: Array
    right: Array

    @classmethod
    def of(cls, points: Array, dtype: Any) -> GaussianTiles:
        """The tiles of centred `points` in units of sigma, computed in `dtype`."""
        xp = namespace(points)
        half = xp.astype(-0.5 * row_dot(points, points)[:, None], dtype)
        one, points = xp.ones_like(half), xp.astype(points, dtype)
        return cls(xp.concat([points, half, one], axis=1), xp.concat([points, one, half], axis=1))

    def some(self, indices: Array) -> GaussianTiles:
        """The tiles of the points at `indices` alone."""
        xp = namespace(self.left)
        return GaussianTiles(xp.take(self.left, indices, axis=0), xp.take(self.right, indices, axis=0))

    @property
    def n(self) -> int:
        """Number of points."""
        return int(self.left.shape[0])

    @property
    def like(self) -> Array:
        """An array of the library, device and dtype of the tiles."""
        return self.left

    @property
    def entry_error(self) -> float:
        """About the root mean square of the relative rounding of the affinities: that of their exponents.

        An exponent is a sum of numbers as large as |x|^2, each with its rounding; a quarter of their mean was found.
        """
        xp = namespace(self.left)
        eps = float(xp.finfo(self.left.dtype).eps)
        return eps * (0.5 - 0.5 * float(xp.mean(self.left[:, -2])))

    def __call__(self, rows: slice, columns: slice) -> Array:
        """The affinities of the points in two ranges, shape (rows, columns); 1 on the diagonal."""
        if rows == columns:
            return _among(self.left[rows, :-2], self.left[rows, -2:-1])
        return exponential(product(self.left[rows, :], self.right[columns, :].T))

    def columns(self, indices: Array) -> Array:
        """The affinities of all points with those at `indices`, shape (n, len(indices))."""
        xp = namespace(self.left)
        return exponential(product(self.left, xp.take(self.right, indices, axis=0).T))


def _among(points: Array, half: Array) -> Array:
    """The affinities of `points` with one another, symmetric to the last bit; `half` (n, 1) holds -|x|^2 / 2."""
    exponent = product(points, points.T)
    if is_numpy(exponent):  # which sees that the factors are one, and takes half the sums
        exponent += half + half.T
        tile = exponential(exponent)
        np.fill_diagonal(tile, 1.0)
        return tile
    xp = namespace(exponent)
    tile = exponential((exponent + exponent.T) / 2.0 + (half + half.T))
    return xp.where(xp.eye(tile.shape[0], dtype=xp.bool, device=tile.device), xp.ones_like(tile), tile)


def exponent_error(points: Array) -> float:
    """The largest rounding error of the exponent of a float32 tile, for centred `points` in units of sigma.

    The relative error of an affinity is the same.
    """
    xp = namespace(points)
    return EPS32 * float(xp.max(row_dot(points, points)))


def exponential(exponent: Array) -> Array:
    """The exponential of `exponent`, which rounding may have made positive, overwriting it where it can be."""
    xp = namespace(exponent)
    if is_numpy(exponent):
        np.minimum(exponent, 0.0, out=exponent)
        return np.exp(exponent, out=exponent)
    return xp.exp(xp.minimum(exponent, xp.zeros_like(exponent)))
