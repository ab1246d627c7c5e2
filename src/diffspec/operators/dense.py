"""Affinities to symmetric diffusion operators.

The diffusion matrix P of the paper is row-stochastic and not symmetric; the operator here is its symmetric conjugate
A = D^(1/2) P D^(-1/2), which has the same eigenvalues: real, at most 1, and at least 0 for a positive semi-definite
kernel.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from diffspec._arrays import Array, as_float64, from_numpy, is_numpy, namespace, product, row_dot
from diffspec.machine.threads import parallel_map
from diffspec.operators.pieces import Indices, pieces_of
from diffspec.spectra.missed import Narrower
from diffspec.spectra.perturbation import Perturbation

__all__ = [
    "Dense",
    "Entrywise",
    "Operator",
    "diffusion",
    "eigenvalue_rounding",
    "in_float32",
    "product_eps",
    "rounding_is_harmless",
]


class Operator(ABC):
    """A symmetric operator whose spectrum is wanted; all that a solver may see."""

    __slots__ = ()

    @property
    @abstractmethod
    def n(self) -> int:
        """Its order: the number of points."""

    @property
    @abstractmethod
    def like(self) -> Array:
        """Any array of the library, device and dtype that `matmul` works in."""

    @abstractmethod
    def matmul(self, vectors: Array) -> Array:
        """Its product with `vectors` of shape (n, k)."""

    @abstractmethod
    def dense(self) -> Array:
        """The operator as an (n, n) array."""

    @abstractmethod
    def trace(self) -> float:
        """The sum of its eigenvalues."""

    @abstractmethod
    def frobenius2(self) -> float:
        """The sum of its squared eigenvalues."""

    @property
    def entries(self) -> Array:
        """Any array of the precision in which its entries are computed."""
        return self.like

    @property
    def semidefinite(self) -> bool:
        """Whether no eigenvalue is negative for certain: guaranteed bounds rest on it."""
        return True

    @property
    def disposable(self) -> bool:
        """Whether a solver may overwrite what `dense` gives."""
        return False

    @property
    def perturbation(self) -> Perturbation | None:
        """How far it may be from the operator that it stands for; None where it stands for itself."""
        return None

    @property
    def narrower(self) -> Narrower | None:
        """The same from a narrower search for neighbours; None where none were missed."""
        return None

    @property
    def entry_error(self) -> float:
        """Root mean square of the relative rounding of its entries; what their own precision leaves is added to it."""
        return 0.0

    def higher_moments(self) -> tuple[float, ...]:
        """Traces of its third, fourth, ... power, as many as are cheap."""
        return ()

    def ready(self) -> Operator:
        """An operator of the same spectrum, but for eigenvalues 0, that is laid out for many products."""
        return self

    def pieces(self) -> list[Indices] | None:
        """The indices of operators whose eigenvalues together are its own, where they cost less; else None."""
        return None

    def steady(self, pieces: list[Indices] | None) -> Array | None:
        """Orthonormal eigenvectors of eigenvalue 1, shape (n, c), where its `pieces` tell them; else None."""
        return None

    def piece(self, indices: Indices) -> np.ndarray[Any, Any]:
        """The rows and columns of one of its `pieces`, a new float64 array."""
        raise NotImplementedError(f"{type(self).__name__} has pieces and no piece")


@runtime_checkable
class Entrywise(Protocol):
    """An operator whose entries can be asked for: what a low-rank factorisation needs."""

    @property
    def n(self) -> int:
        """Its order: the number of points."""
        ...

    @property
    def like(self) -> Array:
        """Any array of the library, device and dtype of its columns."""
        ...

    def trace(self) -> float:
        """The sum of its eigenvalues."""
        ...

    def diagonal(self) -> Array:
        """Its diagonal, shape (n,)."""
        ...

    def columns(self, indices: np.ndarray[Any, Any]) -> Array:
        """Its columns at the integers `indices`, shape (n, k)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Dense(Operator):
    """An operator that holds its (n, n) matrix.

    Parameters
    ----------
    matrix : array (n, n)
        Symmetric.
    disposable : bool
        Whether a solver may overwrite the matrix, which saves a copy; the operator is used up then.
    semidefinite : bool
        Whether no eigenvalue is negative for certain: guaranteed bounds rest on it, and nothing can check it cheaply.
    entry_error : float
        Root mean square of the relative rounding of the entries, beyond that of their own precision.
    """

    matrix: Array
    disposable: bool = False
    semidefinite: bool = True
    entry_error: float = 0.0

    @property
    def n(self) -> int:
        """Its order: the number of points."""
        return int(self.matrix.shape[0])

    @property
    def like(self) -> Array:
        """The matrix: its library, device and dtype are those of the products."""
        return self.matrix

    def matmul(self, vectors: Array) -> Array:
        """Its product with `vectors` of shape (n, k), in their dtype; O(n^2 k).

        float32 vectors are multiplied in float32 where the matrix is. float64 vectors too where that is harmless, else
        in float64, a block of rows at a time.
        """
        if vectors.dtype == self.matrix.dtype:
            return product(self.matrix, vectors)
        xp = namespace(vectors)
        if rounding_is_harmless(self):
            return xp.astype(product(self.matrix, xp.astype(vectors, self.matrix.dtype)), vectors.dtype)
        return xp.concat([as_float64(self.matrix[rows, :]) @ vectors for rows in self._rows()], axis=0)

    def _rows(self) -> Iterator[slice]:
        return _some_rows(self.n)

    def dense(self) -> Array:
        """The (n, n) matrix itself."""
        return self.matrix

    def pieces(self) -> list[Indices] | None:
        """The indices of its pieces, of NumPy, where some affinities are 0; O(n^2)."""
        return pieces_of(self.matrix) if is_numpy(self.matrix) else None

    def piece(self, indices: Indices) -> np.ndarray[Any, Any]:
        """A copy of some rows and columns, float64."""
        return np.asarray(self.matrix[np.ix_(indices, indices)], dtype=np.float64)

    def trace(self) -> float:
        """The sum of its eigenvalues; O(n)."""
        return float(namespace(self.matrix).sum(as_float64(self.diagonal())))

    def frobenius2(self) -> float:
        """The sum of its squared eigenvalues, in float64; O(n^2)."""
        xp = namespace(self.matrix)

        # Solvers subtract from it what they have resolved: float32 sums would leave rounding instead of the rest.
        def squares(rows: slice) -> float:
            block = as_float64(self.matrix[rows, :])
            return float(xp.sum(row_dot(block, block)))

        return math.fsum(parallel_map(squares, self._rows()) if is_numpy(self.matrix) else map(squares, self._rows()))

    def diagonal(self) -> Array:
        """Its diagonal, shape (n,)."""
        return namespace(self.matrix).linalg.diagonal(self.matrix)

    def columns(self, indices: np.ndarray[Any, Any]) -> Array:
        """A copy of the columns `indices`, shape (n, k)."""
        # Rows of a symmetric matrix are its columns, and lie together in memory.
        return namespace(self.matrix).take(self.matrix, from_numpy(indices, self.matrix), axis=0).T


# Elements, and least rows, of a float32 matrix that are widened at a time.
WIDENED, SMALLEST = 2**19, 16
# A product in float32 leaves noise of about 2e-8 in place of each smaller eigenvalue: n of them move the entropy by
# about n 2e-8 26 / trace bits, under 1e-4 where the mean eigenvalue is above this.
MEAN_EIGENVALUE = 6e-3
EPS32 = float(np.finfo(np.float32).eps)


def _some_rows(n: int) -> Iterator[slice]:
    """The `n` rows, some at a time: as many as stay in a cache when they are widened to float64."""
    size = max(SMALLEST, WIDENED // n)
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def rounding_is_harmless(operator: Operator) -> bool:
    """Whether products in float32 cost the entropy less than about 1e-4 bits: not where the spectrum decays far."""
    return operator.trace() >= MEAN_EIGENVALUE * operator.n


def in_float32(operator: Operator) -> bool:
    """Whether `operator` multiplies float32 vectors in float32, which takes a third of the time."""
    return bool(operator.like.dtype == namespace(operator.like).float32)


def eigenvalue_rounding(operator: Operator, frobenius2: float) -> float:
    """About how far, root mean square, an eigenvalue moves because the entries were computed in float32.

    Independent errors of the entries make a matrix whose eigenvalues fill a semicircle: its Frobenius norm / sqrt(n).
    """
    if not in_float32(operator):
        return 0.0
    return max(operator.entry_error, EPS32 / 2.0) * math.sqrt(frobenius2 / operator.n)


def product_eps(operator: Operator) -> float:
    """The relative rounding of products with `operator` and float64 vectors."""
    xp = namespace(operator.like)
    narrow = in_float32(operator) and rounding_is_harmless(operator)
    return float(xp.finfo(xp.float32 if narrow else xp.float64).eps)


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
    degree = inverse_density * product(affinity, inverse_density)
    weight = inverse_density / xp.sqrt(degree)
    # float32 in an order that leaves the result symmetric to the last bit: else a Krylov space of it misses moments.
    narrow = affinity.dtype == xp.float32
    if not overwrite:
        row, column = weight[:, None], weight[None, :]
        return Dense(affinity * (row * column) if narrow else affinity * row * column, disposable=True)
    if narrow:
        for rows in _some_rows(int(affinity.shape[0])):
            affinity[rows, :] *= weight[rows, None] * weight[None, :]
        return Dense(affinity, disposable=True)
    affinity *= weight[:, None]
    affinity *= weight[None, :]
    return Dense(affinity, disposable=True)
