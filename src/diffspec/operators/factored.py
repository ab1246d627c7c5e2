"""A diffusion operator of low rank that never sees all pairs of points: linear in n, with a guaranteed error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import Array, from_numpy, namespace, row_dot, to_numpy
from diffspec.operators.cholesky import partial_cholesky
from diffspec.operators.dense import Operator
from diffspec.operators.tiles import Tiles
from diffspec.spectra.perturbation import Perturbation

__all__ = ["Factored", "factored_diffusion"]

Vector: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

# What rounding may leave of a diagonal entry of 1 without its being seen.
ROUNDING = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class Factored(Operator):
    """F F' with F of shape (n, r), and how far it is from the operator that it stands for.

    Parameters
    ----------
    factor : array (n, r)
    values : array (r,)
        Its non-zero eigenvalues, descending; the largest is 1.
    perturbation : Perturbation
    """

    factor: Array
    values: Vector
    perturbation: Perturbation
    semidefinite: bool = True

    @property
    def n(self) -> int:
        """Its order: the number of points."""
        return int(self.factor.shape[0])

    @property
    def like(self) -> Array:
        """The factor: its library, device and dtype are those of the products."""
        return self.factor

    def matmul(self, vectors: Array) -> Array:
        """Its product with `vectors` of shape (n, k); O(n r k)."""
        return self.factor @ (self.factor.T @ vectors)

    def dense(self) -> Array:
        """The operator as an (n, n) array: n^2 numbers, for tests and small n."""
        return self.factor @ self.factor.T

    def trace(self) -> float:
        """The sum of its eigenvalues."""
        return float(self.values.sum())

    def frobenius2(self) -> float:
        """The sum of its squared eigenvalues."""
        return float(self.values @ self.values)

    def diagonal(self) -> Array:
        """Its diagonal, shape (n,)."""
        return row_dot(self.factor, self.factor)

    def columns(self, indices: np.ndarray[Any, Any]) -> Array:
        """Its columns at the integers `indices`, shape (n, k); O(n r k)."""
        return self.factor @ namespace(self.factor).take(self.factor, from_numpy(indices, self.factor), axis=0).T


def factored_diffusion(tiles: Tiles, alpha: float, rank: int, rng: np.random.Generator) -> Factored:
    """The operator of `tiles` with anisotropic normalisation `alpha`, from `rank` columns of the affinity.

    Raises
    ------
    InputError
        The affinity is not positive semi-definite.

    Notes
    -----
    The affinity G = L L' + R has a rest R >= 0 with a known diagonal r, so |R_ij| <= sqrt(r_i r_j): every sum over a
    row of G lies in an interval known from L and r alone, and no pass over all pairs is needed. O(n rank (rank + d)).
    """
    factor, left = partial_cholesky(_Ones(tiles), rank, rng)
    rest = np.maximum(left, 0.0) + ROUNDING
    sums = _Sums(factor, np.sqrt(rest))
    weight, error = _weights(sums, alpha)
    # Weights w^2 that are off by a factor within 1 +- error move the operator by (2 m + m^2) Z in trace norm, with
    # m^2 = sum error^2 w^2 / Z and Z = sum w^2 (see `diffspec.operators.sparse`); the rest adds its own trace.
    squared = weight * weight
    total = float(squared.sum())
    mean = float(np.sqrt(error**2 @ squared / total))
    size = (2.0 * mean + mean**2) * total + float(squared @ rest)
    factor *= from_numpy(weight, factor)[:, None]
    values = np.maximum(np.linalg.eigvalsh(to_numpy(factor.T @ factor))[::-1], 0.0)
    # The top eigenvalue of the operator is 1, and is made so here: powers of both then differ as `Perturbation` says.
    size += abs(1.0 - float(values[0])) / float(values[0]) * float(values.sum())
    factor /= float(np.sqrt(values[0]))
    values /= values[0]
    known = Perturbation(size=size, n=tiles.n, trace=float(values.sum()), frobenius2=float(values @ values))
    return Factored(factor, values, known)


@dataclass(frozen=True, slots=True, eq=False)
class _Ones:
    """An affinity with its diagonal of ones, for the factorisation."""

    tiles: Tiles

    @property
    def n(self) -> int:
        return self.tiles.n

    @property
    def like(self) -> Array:
        return self.tiles.like

    def diagonal(self) -> Array:
        xp = namespace(self.like)
        return xp.ones(self.n, dtype=self.like.dtype, device=self.like.device)

    def columns(self, indices: np.ndarray[Any, Any]) -> Array:
        return self.tiles.columns(from_numpy(indices, self.like))


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Products of the affinity with positive vectors, as intervals."""

    factor: Array
    root: Vector
    """Square roots of the diagonal of the rest."""

    def __call__(self, vector: Vector) -> tuple[Vector, Vector]:
        """G v without the rest, and how much the rest can change it."""
        product = to_numpy(self.factor @ (self.factor.T @ from_numpy(vector, self.factor)))
        return product, self.root * float(self.root @ vector)


def _weights(sums: _Sums, alpha: float) -> tuple[Vector, Vector]:
    """Weights w with A = diag(w) G diag(w), and by what share each may be off."""
    product, open_ = sums(np.ones(len(sums.root)))
    # No entry of an affinity is negative and its diagonal is 1: a row sums to at least 1.
    density = np.maximum(product, 1.0)
    most, least = (product + open_).clip(1.0), (product - open_).clip(1.0)
    chosen, low, high = density**-alpha, most**-alpha, least**-alpha
    degree = np.maximum(sums(chosen)[0], chosen)
    below, above = sums(low), sums(high)
    weight = np.sqrt(chosen / degree)
    largest = np.sqrt(high / np.maximum(below[0] - below[1], low))
    smallest = np.sqrt(low / np.maximum(above[0] + above[1], high))
    return weight, np.maximum(largest / weight - 1.0, 1.0 - smallest / weight)
