"""A diffusion operator that stores the few entries that matter, and how much the others could have mattered.

SciPy only: other array libraries have no sparse format in common.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

from diffspec._arrays import Array, require_memory
from diffspec.machine.threads import as_many, parallel_map
from diffspec.operators.dense import Operator
from diffspec.operators.pieces import pieces_of
from diffspec.spectra.missed import Narrower
from diffspec.spectra.perturbation import Perturbation

__all__ = ["Sparse", "nearby", "sparse_diffusion"]

# Entries beyond which the order of the points matters to the caches.
LARGE = 2**20
# The square of an operator is worth this many multiplications (about half a minute), some at a time, each of which may
# give an entry of so many bytes.
SQUARE, SQUARED, BYTES_PER_PRODUCT = 1e10, 20_000_000, 40

Vector: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Sparse(Operator):
    """The symmetric conjugate of the diffusion matrix of a sparse affinity.

    Parameters
    ----------
    matrix : csr_array (n, n)
        Symmetric, float64.
    perturbation : Perturbation or None
        How far the operator may be from the one that it stands for; None where it stands for itself.
    narrower : Narrower or None
        Where neighbours may have been missed; its points then stand near their neighbours.

    Notes
    -----
    May be indefinite, if only slightly: a truncated positive semi-definite kernel is not positive semi-definite.
    """

    matrix: Any
    perturbation: Perturbation | None = None
    narrower: Narrower | None = None

    @property
    def n(self) -> int:
        """Its order: the number of points."""
        return int(self.matrix.shape[0])

    @property
    def like(self) -> Array:
        """The stored entries: products come in NumPy's float64 as they do."""
        return self.matrix.data

    @property
    def disposable(self) -> bool:
        """True: `dense` makes a new array, which a solver may overwrite."""
        return True

    @property
    def semidefinite(self) -> bool:
        """False: see the notes of the class."""
        return False

    def matmul(self, vectors: Array) -> Array:
        """Its product with `vectors` of shape (n, k); O(k) per stored entry."""
        return self.matrix @ vectors

    def dense(self) -> Array:
        """The operator as a new (n, n) array."""
        require_memory(8.0 * self.n**2, f"the sparse operator as a dense {self.n} x {self.n} array", self.like)
        return self.matrix.toarray()

    def ready(self) -> Sparse:
        """The same with points that are near one another next to one another."""
        return self if self.narrower else Sparse(nearby(self.matrix), self.perturbation)

    def pieces(self) -> list[Vector] | None:
        """The indices of its pieces; O(entries)."""
        return pieces_of(self.matrix)

    def piece(self, indices: Vector) -> Vector:
        """Some rows and columns as an array, where those rows have no entries in other columns."""
        rows, order = self.matrix[indices, :], len(indices)
        place = np.empty(self.n, np.int64)
        place[indices] = np.arange(order)
        out = np.zeros((order, order))
        out[np.repeat(np.arange(order), np.diff(rows.indptr)), place[rows.indices]] = rows.data
        return out

    def trace(self) -> float:
        """The sum of its eigenvalues; O(n)."""
        return float(self.diagonal().sum())

    def frobenius2(self) -> float:
        """The sum of its squared eigenvalues."""
        return float(self.matrix.data @ self.matrix.data)

    def higher_moments(self) -> tuple[float, ...]:
        """Traces of the third and fourth power, or nothing where the square has too much work.

        They take most of the variance off a stochastic solver at t = 3 (see `diffspec.solvers._calibrate`).
        """
        filled = np.diff(self.matrix.indptr)
        work = np.cumsum(np.add.reduceat(filled[self.matrix.indices], self.matrix.indptr[:-1]))
        if work[-1] > SQUARE:
            return ()
        starts = np.searchsorted(work, np.arange(0.0, work[-1], as_many(SQUARED, BYTES_PER_PRODUCT)))
        cuts = [*dict.fromkeys(starts.tolist()), self.n]
        found = np.array(parallel_map(lambda cut: self._third_and_fourth(slice(*cut)), itertools.pairwise(cuts)))
        return float(found[:, 0].sum()), float(found[:, 1].sum())

    def _third_and_fourth(self, rows: slice) -> tuple[float, float]:
        """What some rows add to the traces of A^3 and A^4."""
        some = self.matrix[rows, :]
        square = some @ self.matrix
        return float(square.multiply(some).sum()), float(square.data @ square.data)

    def diagonal(self) -> Array:
        """Its diagonal, shape (n,)."""
        return self.matrix.diagonal()

    def columns(self, indices: Vector) -> Array:
        """Its columns at the integers `indices`, as a dense array of shape (n, k)."""
        # Rows of a symmetric matrix are its columns, and lie together in memory.
        return self.matrix[indices, :].toarray().T


def sparse_diffusion(affinity: Any, alpha: float, *, dropped: float = 0.0) -> Sparse:
    """The symmetric conjugate of the diffusion matrix of a sparse `affinity`; as `diffspec.operators.diffusion`.

    Parameters
    ----------
    affinity : csr_array (n, n)
        Symmetric, non-negative, unit diagonal, no duplicate entries; overwritten.
    alpha : float
        In [0, 1]: how far the density of the points is divided out.
    dropped : float
        Where the affinity is a positive semi-definite kernel without its small entries: none of those was larger than
        this. The operator then carries a `perturbation`. 0: nothing was dropped.

    Notes
    -----
    Time and memory are proportional to the number of stored entries.
    """
    density = np.asarray(affinity.sum(axis=1))
    inverse = density**-alpha
    weight = np.sqrt(inverse / (affinity @ inverse))
    size = _moved(affinity, density, alpha, dropped) if dropped else None
    affinity.data *= np.repeat(weight, np.diff(affinity.indptr))
    affinity.data *= weight[affinity.indices]
    operator = Sparse(affinity)
    if size is None:
        return operator
    known = Perturbation(size=size, n=operator.n, trace=operator.trace(), frobenius2=operator.frobenius2())
    return Sparse(affinity, known)


def nearby(affinity: Any) -> Any:
    """A large sparse `affinity` with its points in an order in which neighbours stand close together.

    The spectrum is the same, and a product finds what it needs in the caches: half the time at 40,000 points. Reverse
    Cuthill-McKee, O(entries).
    """
    if affinity.nnz < LARGE:
        return affinity
    order = reverse_cuthill_mckee(affinity, symmetric_mode=True)
    return affinity[order, :][:, order]


def _moved(kept: Any, density: Vector, alpha: float, dropped: float) -> float:
    """At least the trace norm of A - A~ for the operators of the whole affinity G and of its `kept` entries G~.

    With weights w^2 = q^-alpha / (G q^-alpha), W = diag(w) and D = W / W~: A - A~ = (D B D - B) + W~ (G - G~) W~, where
    B = W~ G W~ is positive semi-definite with trace Z = sum w~^2. With |D - 1| <= e, Cauchy-Schwarz for the trace norm
    gives (2 m + m^2) Z for the first term, m^2 = sum e^2 w~^2 / Z. The second has rank n and entries below
    `dropped` w~_i w~_j, so its trace norm is at most sqrt(n) times its Frobenius norm.
    """
    pattern = csr_array((np.ones_like(kept.data), kept.indices, kept.indptr), shape=kept.shape)
    n = len(density)
    inverse = density**-alpha
    spread = kept @ inverse
    # Growth of the density by what was dropped, then the least and most that w^2 / w~^2 can be.
    growth = (1.0 + dropped * (n - np.diff(kept.indptr)) / density) ** -alpha
    extra = dropped * np.maximum(inverse.sum() - pattern @ inverse, 0.0)
    least = growth / (1.0 + extra / spread)
    most = spread / (kept @ (inverse * growth))
    error = np.maximum(np.sqrt(most) - 1.0, 1.0 - np.sqrt(least))
    squared = inverse / spread
    total = squared.sum()
    relative = math.sqrt(error**2 @ squared / total)
    absent = max(total**2 - squared @ (pattern @ squared), 0.0)
    return float((2.0 + relative) * relative * total + math.sqrt(n * absent) * dropped)
