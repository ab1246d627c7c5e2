"""Affinities to symmetric diffusion operators.

The diffusion matrix P of the paper is row-stochastic and not symmetric; the operator here is its symmetric conjugate
A = D^(1/2) P D^(-1/2), which has the same eigenvalues: real, at most 1, and at least 0 for a positive semi-definite
kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from diffspec._arrays import Array, as_float64, from_numpy, namespace
from diffspec.errors import InputError

__all__ = ["Dense", "Entrywise", "Operator", "check_alpha", "diffusion"]


@runtime_checkable
class Operator(Protocol):
    """A symmetric operator whose spectrum is wanted; all that a solver may see."""

    @property
    def n(self) -> int:
        """Its order: the number of points."""
        ...

    @property
    def like(self) -> Array:
        """Any array of the library, device and dtype that `matmul` works in."""
        ...

    def matmul(self, vectors: Array) -> Array:
        """Its product with `vectors` of shape (n, k)."""
        ...

    def dense(self) -> Array:
        """The operator as an (n, n) array."""
        ...

    def trace(self) -> float:
        """The sum of its eigenvalues."""
        ...

    def frobenius2(self) -> float:
        """The sum of its squared eigenvalues."""
        ...


@runtime_checkable
class Entrywise(Operator, Protocol):
    """An operator whose entries can be asked for: what a low-rank factorisation needs."""

    def diagonal(self) -> Array:
        """Its diagonal, shape (n,)."""
        ...

    def columns(self, indices: np.ndarray[Any, Any]) -> Array:
        """Its columns at the integers `indices`, shape (n, k)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """An operator that holds its (n, n) matrix.

    Parameters
    ----------
    matrix : array (n, n)
        Symmetric.
    disposable : bool
        Whether a solver may overwrite the matrix, which saves a copy; the operator is used up then.
    """

    matrix: Array
    disposable: bool = False

    @property
    def n(self) -> int:
        """Its order: the number of points."""
        return int(self.matrix.shape[0])

    @property
    def like(self) -> Array:
        """The matrix: its library, device and dtype are those of the products."""
        return self.matrix

    def matmul(self, vectors: Array) -> Array:
        """Its product with `vectors` of shape (n, k); O(n^2 k)."""
        return self.matrix @ vectors

    def dense(self) -> Array:
        """The (n, n) matrix itself."""
        return self.matrix

    def trace(self) -> float:
        """The sum of its eigenvalues; O(n)."""
        return float(namespace(self.matrix).sum(as_float64(self.diagonal())))

    def frobenius2(self) -> float:
        """The sum of its squared eigenvalues; O(n^2)."""
        xp = namespace(self.matrix)
        return float(xp.sum(as_float64(xp.vecdot(self.matrix, self.matrix, axis=-1))))

    def diagonal(self) -> Array:
        """Its diagonal, shape (n,)."""
        return namespace(self.matrix).linalg.diagonal(self.matrix)

    def columns(self, indices: np.ndarray[Any, Any]) -> Array:
        """A copy of the columns `indices`, shape (n, k)."""
        # Rows of a symmetric matrix are its columns, and lie together in memory.
        return namespace(self.matrix).take(self.matrix, from_numpy(indices, self.matrix), axis=0).T


def check_alpha(alpha: float) -> float:
    """`alpha` as a float, or InputError where it does not lie in [0, 1]."""
    try:
        number = float(alpha)
    except (TypeError, ValueError):
        number = -1.0
    if not 0.0 <= number <= 1.0:
        raise InputError(f"alpha must lie in [0, 1], got {alpha!r}; the paper uses 0.5")
    return number


def diffusion(affinity: Array, alpha: float, *, overwrite: bool = False) -> Dense:
    """The symmetric conjugate of the diffusion matrix of `affinity` with anisotropic normalisation `alpha`.

    With q = G 1: K = diag(q^-alpha) G diag(q^-alpha), d = K 1, A = diag(d^-1/2) K diag(d^-1/2) (Eqn 1 and Section IV
    of the paper). alpha = 1/2 is the paper's operator, alpha = 0 what the released package computes.

    Parameters
    ----------
    affinity : array (n, n)
        Symmetric, non-negative, every row sum positive.
    alpha : float
        In [0, 1]: how far the density of the points is divided out.
    overwrite : bool
        Whether `affinity` may be overwritten: then no second n x n array is made.
    """
    xp = namespace(affinity)
    inverse_density = xp.sum(affinity, axis=1) ** -alpha
    degree = inverse_density * (affinity @ inverse_density)
    weight = inverse_density / xp.sqrt(degree)
    if not overwrite:
        return Dense(affinity * weight[:, None] * weight[None, :], disposable=True)
    affinity *= weight[:, None]
    affinity *= weight[None, :]
    return Dense(affinity, disposable=True)
