"""A diffusion operator that stores the few entries that matter, and how much the others could have mattered.

SciPy only: other array libraries have no sparse format in common.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

from diffspec._arrays import Array, require_memory
from diffspec.machine.threads import as_many, cores, parallel_map
from diffspec.operators.dense import Operator
from diffspec.operators.pieces import kinds_of_rows, pieces_of, steady_of
from diffspec.spectra.missed import Narrower
from diffspec.spectra.perturbation import Perturbation

__all__ = ["Sparse", "nearby", "sparse_diffusion"]

# Entries beyond which the order of the points matters to the caches, and a product is worth several threads.
LARGE = 2**20
# The square of an operator is worth this many multiplications (about half a minute), some at a time, each of which may
# give an entry of so many bytes.
SQUARE, SQUARED, BYTES_PER_PRODUCT = 1e10, 20_000_000, 40
# Strips of rows of the square: with more less is multiplied, and the matrix is sliced more often.
STRIPS = 8

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
    root : array (n,) or None
        The roots of the degrees.

    Notes
    -----
    May be indefinite, if only slightly: a truncated positive semi-definite kernel is not positive semi-definite.
    """

    matrix: Any
    perturbation: Perturbation | None = None
    narrower: Narrower | None = None
    root: Vector | None = None

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
        """Its product with `vectors` of shape (n, k); O(k) per stored entry, on all cores."""
        if self.matrix.nnz < LARGE:
            return self.matrix @ vectors
        cuts = np.linspace(0, self.n, cores() + 1).astype(np.int64)
        return np.concatenate(parallel_map(lambda cut: self._some(*cut) @ vectors, itertools.pairwise(cuts)))

    def _some(self, first: int, last: int) -> csr_array:
        """The rows of a range; slicing the matrix itself would look at every entry."""
        a = self.matrix
        some = slice(a.indptr[first], a.indptr[last])
        rows = (a.data[some], a.indices[some], a.indptr[first : last + 1] - a.indptr[first])
        return csr_array(rows, shape=(last - first, self.n))

    def dense(self) -> Array:
        """The operator as a new (n, n) array."""
        require_memory(8.0 * self.n**2, f"the sparse operator as a dense {self.n} x {self.n} array", self.like)
        return self.matrix.toarray()

    def ready(self) -> Sparse:
        """The same, but for eigenvalues 0, of one row of each kind; near points stand next to one another."""
        if self.narrower:
            return self
        kinds = kinds_of_rows(self.matrix)
        made = self if kinds is None else self._of(kinds[0], np.sqrt(kinds[1]))
        order = nearby(made.matrix)
        return made if order is None else made._of(order)

    def _of(self, rows: Vector, weight: Vector | None = None) -> Sparse:
        """Some rows and columns, multiplied by a `weight` each."""
        matrix, root = self.matrix[rows, :][:, rows], None if self.root is None else self.root[rows]
        if weight is not None:
            _scale(matrix, weight)
            root = None if root is None else root * weight
        return Sparse(matrix, self.perturbation, root=root)

    def pieces(self) -> list[Vector] | None:
        """The indices of its pieces; O(entries)."""
        return pieces_of(self.matrix)

    def steady(self, pieces: list[Vector] | None) -> Vector | None:
        """Orthonormal eigenvectors of eigenvalue 1, shape (n, c)."""
        return None if self.root is None else steady_of(self.root, pieces)

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
        strips = itertools.pairwise(_cuts(work, 0, self.n, work[-1] / max(STRIPS, cores())))
        third, fourth = np.sum(parallel_map(partial(self._moments, work=work), strips), axis=0).tolist()
        return third, fourth

    def _moments(self, strip: tuple[int, int], work: Vector) -> Vector:
        """What a strip of rows adds to the traces of A^3 and A^4, with the columns that mirror what is right of it.

        The square is symmetric: only what stands right of the first column of the strip is multiplied out.
        """
        right, inside, found = self.matrix[:, strip[0] :], strip[1] - strip[0], np.zeros(2)
        for first, last in itertools.pairwise(_cuts(work, *strip, as_many(SQUARED, BYTES_PER_PRODUCT))):
            some = self.matrix[first:last, :]
            square = some @ right
            cube = square.multiply(some[:, strip[0] :]).tocsr()
            found[0] += cube.data @ np.where(cube.indices < inside, 1.0, 2.0)
            found[1] += square.data**2 @ np.where(square.indices < inside, 1.0, 2.0)
        return found

    def diagonal(self) -> Array:
        """Its diagonal, shape (n,)."""
        return self.matrix.diagonal()

    def columns(self, indices: Vector) -> Array:
        """Its columns at the integers `indices`, as a dense array of shape (n, k)."""
        # Rows of a symmetric matrix are its columns, and lie together in memory.
        return self.matrix[indices, :].toarray().T


def _cuts(work: Vector, first: int, last: int, most: float) -> list[int]:
    """Where the rows from `first` to `last` are cut so that `work`, summed up over all rows, grows by about `most`."""
    before = work[first - 1] if first else 0.0
    inner = np.searchsorted(work, np.arange(before + most, work[last - 1], most)) + 1
    return [*dict.fromkeys([first, *np.clip(inner, first, last).tolist(), last])]


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
    _scale(affinity, weight)
    operator = Sparse(affinity, root=inverse / weight)
    if size is None:
        return operator
    known = Perturbation(size=size, n=operator.n, trace=operator.trace(), frobenius2=operator.frobenius2())
    return replace(operator, perturbation=known)


def _scale(affinity: Any, weight: Vector) -> None:
    """Multiply every entry by the weights of its row and column, some rows at a time: no copy of all entries."""
    ends = affinity.indptr
    cuts = np.searchsorted(ends, np.arange(0, ends[-1] + LARGE, LARGE))
    for first, last in itertools.pairwise(dict.fromkeys([0, *np.clip(cuts, 0, len(weight)).tolist(), len(weight)])):
        some = slice(ends[first], ends[last])
        affinity.data[some] *= np.repeat(weight[first:last], np.diff(ends[first : last + 1]))
        affinity.data[some] *= weight[affinity.indices[some]]


def nearby(affinity: Any) -> Vector | None:
    """An order of the points of a large sparse `affinity` in which neighbours stand close together; else None.

    The spectrum is the same, and a product finds what it needs in the caches: half the time at 40,000 points. Reverse
    Cuthill-McKee, O(entries).
    """
    if affinity.nnz < LARGE:
        return None
    order: Vector = reverse_cuthill_mckee(affinity, symmetric_mode=True)
    return order


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
