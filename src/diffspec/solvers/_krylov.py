"""Block Krylov spaces: an orthonormal basis V that grows by one block a step, and the small matrix T = V' A V.

All directions share one space, so every quadratic form v' f(A) v with v in the space is read off one small
eigenproblem, and each form profits from the directions of all the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import Array, as_float64, from_numpy, is_numpy, namespace, to_numpy
from diffspec.errors import TooLargeError
from diffspec.machine.memory import allowed, in_words
from diffspec.machine.threads import parallel_map, shared, single_threaded_blas
from diffspec.operators.dense import Operator
from diffspec.operators.pieces import work_of
from diffspec.solvers._whole import FLOOR, pieces_that_fit, signed_eigenvalues, spectrum_of
from diffspec.spectra.spectrum import Spectrum

__all__ = [
    "Krylov",
    "Matrix",
    "gaussian",
    "holds",
    "inner",
    "orthonormal",
    "too_large",
    "whole_spectrum",
    "work_of_whole",
]

Matrix: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

PASSES = 6
# Unit vectors whose parts in the basis are smaller are orthogonal to it.
NOTHING = 1e-13
CLEAN = 1e-6  # a unit vector with a smaller part in the basis is orthogonal to it to rounding after one more pass
# Rows that a core works on at a time while all blocks pass over them: of 32 vectors half a megabyte, which stays in a
# cache. Products of long thin arrays would read every array from memory again, on one core.
ROWS = 2048
# Up to this many numbers whole arrays are faster: 8192 rows of 32 vectors.
SHORT = 2**18
# Blocks of vectors that a step makes beside the one that it keeps.
COPIES = 4
# Arrays of the order of the basis that are held at once when it is read off, with those that LAPACK works in.
SMALL = 10.0


class Krylov:
    """A growing block Krylov space of `operator`, in float64 but for the products.

    Parameters
    ----------
    operator : Operator
    start : array (n, k)
        Spans the first block.
    in_float32 : bool
        Whether the operator gets float32 vectors.
    beside : array (n, c), optional
        Orthonormal eigenvectors of the operator that all blocks are kept orthogonal to.

    Notes
    -----
    A step with blocks of width b on a basis of c vectors costs one product of the operator with b vectors and 8 n b c
    operations of full re-orthogonalisation. Directions that are exhausted (invariant subspaces, repeated eigenvalues)
    are replaced by new ones that are orthogonal to the rest, so the width never shrinks.
    """

    def __init__(
        self, operator: Operator, start: Array, *, in_float32: bool = False, beside: Array | None = None
    ) -> None:
        self.operator = operator
        self.in_float32 = in_float32
        self._beside = [] if beside is None else [beside]
        self.blocks: list[Array] = [orthonormal(start, self._beside)]
        self._diagonals: list[Matrix] = []
        self._couplings: list[Matrix] = []

    @property
    def width(self) -> int:
        """Number of basis vectors, the last block, not multiplied yet, included."""
        return sum(int(block.shape[1]) for block in self.blocks)

    @property
    def steps(self) -> int:
        """Number of blocks multiplied so far."""
        return len(self._diagonals)

    def step(self, join: Array | None = None) -> None:
        """Multiply the last block and append the next; `join` (n, p) are further directions that enter with it.

        What `join` adds is made orthogonal to everything multiplied so far and comes first in the new block.
        """
        last = self.blocks[-1]
        xp = namespace(last)
        product = as_float64(self.operator.matmul(xp.astype(last, xp.float32) if self.in_float32 else last))
        # Many small products: threads wait for one another longer than they compute, on a busy machine tenfold.
        with single_threaded_blas():
            block = product if join is None else xp.concat([join, product], axis=1)
            self._diagonals.append(_symmetric(to_numpy(inner(last, product))))
            # A symmetric operator turns the last block only into what lies before and after it, to rounding.
            near = self.blocks[-2:] if join is None else None
            self.blocks.append(orthonormal(block, [*self._beside, *self.blocks], near))
            self._couplings.append(to_numpy(inner(self.blocks[-1], product)))

    def fits(self) -> bool:
        """Whether the memory that is allowed holds another step."""
        beside = sum(int(block.shape[1]) for block in self._beside)
        return holds(self.operator, beside + self.width + COPIES * int(self.blocks[-1].shape[1]))

    def gauss(self, steps: int | None = None) -> Matrix:
        """T over the multiplied blocks, or the first: its eigenvalues are the nodes of the (block) Gauss rule."""
        diagonals = self._diagonals[:steps]
        offsets = np.cumsum([0, *map(len, diagonals)])
        small = np.zeros((offsets[-1], offsets[-1]))
        for i, diagonal in enumerate(diagonals):
            here = slice(offsets[i], offsets[i + 1])
            small[here, here] = diagonal
            if i + 1 < len(diagonals):
                after = slice(offsets[i + 1], offsets[i + 2])
                small[after, here] = self._couplings[i]
                small[here, after] = self._couplings[i].T
        return small

    def radau(self, gauss: Matrix, nodes: Matrix, vectors: Matrix) -> Matrix:
        """T bordered by the last block so that it is singular: the (block) Gauss-Radau rule with nodes at 0.

        It is the Nystrom approximation, from T, of T one step later; `nodes`, `vectors` are the eigenpairs of `gauss`.
        """
        coupling = self._couplings[-1]
        tail = vectors[-coupling.shape[1] :, :]
        keep = nodes > len(nodes) * np.finfo(np.float64).eps * np.abs(nodes).max()
        corner = coupling @ (tail[:, keep] / nodes[keep]) @ tail[:, keep].T @ coupling.T
        side = np.zeros((len(coupling), len(gauss)))
        side[:, -coupling.shape[1] :] = coupling
        return np.block([[gauss, side.T], [side, _symmetric(corner)]])

    def interlaced(self, steps: int) -> list[Matrix]:
        """Four matrices like T after so many steps, whose nodes lie between one another's.

        The mean of their rules is as exact as Gauss's. First T of one block less, and T with its last coupling times
        sqrt(2), whose errors have the other sign (anti-Gauss, fenu2013block). Then T plus and minus the size of the
        coupling to the next block. Each pair alone integrates what the Gauss rule does, and sees a kink inside the
        spectrum as a rule with twice the nodes.
        """
        gauss, start = self.gauss(steps), -len(self._diagonals[steps - 1])
        anti, above, below = gauss.copy(), gauss.copy(), gauss.copy()
        anti[start:, :start] *= math.sqrt(2.0)
        anti[:start, start:] *= math.sqrt(2.0)
        _left, sizes, right = np.linalg.svd(self._couplings[steps - 1])
        size = right.T * sizes @ right
        above[start:, start:] += size
        below[start:, start:] -= size
        return [gauss[:start, :start], anti, above, below]

    def residual(self) -> float:
        """The norm of what A moves the basis out of itself: no eigenvalue lies further from the Ritz values' range."""
        return float(np.linalg.norm(self._couplings[-1], 2))


def gaussian(operator: Operator, count: int, rng: np.random.Generator) -> Array:
    """`count` standard normal vectors, shape (n, count): drawn by NumPy, so the same for every array library."""
    return as_float64(from_numpy(rng.standard_normal((operator.n, count)), operator.like))


def _bytes_of(operator: Operator, vectors: float) -> float:
    """What a basis takes, with the eigenvectors of its small matrix by two rules and their squares."""
    return 8.0 * vectors * (operator.n + SMALL * vectors)


def holds(operator: Operator, vectors: float) -> bool:
    """Whether so many float64 vectors may be kept beside the array of an operator, or beside its tiles."""
    if allowed() == math.inf:
        return True
    like = operator.like
    stored = math.prod(like.shape) * float(namespace(like).finfo(like.dtype).bits) / 8.0
    return bool(_bytes_of(operator, vectors) <= shared(FLOOR) + allowed() - max(stored, allowed() / 2.0))


def too_large(operator: Operator, vectors: float) -> TooLargeError:
    """The error where not even so many vectors are held."""
    need = _bytes_of(operator, vectors)
    return TooLargeError(
        f"{vectors:.0f} vectors of {operator.n} numbers, which the solver keeps, need {in_words(need)}, and memory= "
        f"allows {in_words(allowed())} in all; give at least memory={2.0 * need:.3g}, fewer probes or fewer points"
    )


def work_of_whole(operator: Operator) -> float:
    """What all eigenvalues cost, n^3 for one array; inf where memory holds neither its pieces nor it and a copy."""
    pieces = pieces_that_fit(operator)
    if pieces is not None:
        return work_of(pieces)
    return float(operator.n) ** 3 if 16.0 * operator.n**2 <= shared(FLOOR) + allowed() else math.inf


def whole_spectrum(operator: Operator) -> Spectrum:
    """All eigenvalues: what a stochastic solver gives where they cost no more than its space."""
    if work_of_whole(operator) == math.inf:
        raise too_large(operator, operator.n)
    return spectrum_of(signed_eigenvalues(operator), operator)


def orthonormal(vectors: Array, blocks: list[Array], near: list[Array] | None = None) -> Array:
    """An orthonormal basis of `vectors` (n, k) made orthogonal to orthonormal `blocks`.

    `near` are those of the blocks in which the vectors lie but for rounding, if that is known: the first pass takes out
    no others.

    Twice is enough where every direction is new. An exhausted one is rounding noise after the first pass, and its
    normalised noise may lie in the blocks again: passes go on until a unit vector had no part left to take out.
    """
    long = is_numpy(vectors) and vectors.size > SHORT
    without, basis = (_without_by_rows, _basis_by_rows) if long else (_without, _basis)
    for number in range(PASSES):
        vectors, largest = without(vectors, blocks if near is None or number else near)
        if number > 0 and largest < NOTHING:
            break
        vectors = basis(vectors)
        if not blocks or (number > 0 and largest < CLEAN):
            break
    return vectors


def inner(first: Array, second: Array) -> Array:
    """The products of all vectors of `first` (n, j) with those of `second` (n, k), shape (j, k)."""
    if not is_numpy(first) or first.size <= SHORT:
        return first.T @ second
    return sum(_by_rows(lambda rows: first[rows].T @ second[rows], len(first)))


def _without(vectors: Array, blocks: list[Array]) -> tuple[Array, float]:
    """`vectors` less their parts in `blocks` where these are not NOTHING, and the largest of those."""
    xp = namespace(vectors)
    overlaps = [block.T @ vectors for block in blocks]
    largest = max((float(xp.max(xp.abs(overlap))) for overlap in overlaps), default=0.0)
    if largest >= NOTHING:
        for block, overlap in zip(blocks, overlaps, strict=True):
            vectors = vectors - block @ overlap
    return vectors, largest


def _without_by_rows(vectors: Array, blocks: list[Array]) -> tuple[Array, float]:
    """The same, of all blocks at once."""
    if not blocks:
        return vectors, 0.0
    n, out = len(vectors), np.empty_like(vectors)
    parts = _by_rows(lambda rows: np.concatenate([block[rows].T @ vectors[rows] for block in blocks]), n)
    overlap = sum(parts)
    largest = float(np.abs(overlap).max())
    if largest < NOTHING:
        return vectors, largest
    each = np.split(overlap, np.cumsum([block.shape[1] for block in blocks])[:-1])

    def subtract(rows: slice) -> None:
        left = vectors[rows].copy()
        for block, own in zip(blocks, each, strict=True):
            left -= block[rows] @ own
        out[rows] = left

    _by_rows(subtract, n)
    return out, largest


def _basis(vectors: Array) -> Array:
    return namespace(vectors).linalg.qr(vectors)[0]


def _basis_by_rows(vectors: Array) -> Array:
    """An orthonormal basis of `vectors`: of some rows each, and of what those leave (demmel2012communication, TSQR)."""
    n, out = len(vectors), np.empty_like(vectors)
    pairs = dict(_by_rows(lambda rows: (rows.start, np.linalg.qr(vectors[rows])), n))
    triangles = [triangle for _own, triangle in pairs.values()]
    mixed = np.linalg.qr(np.concatenate(triangles))[0]
    starts = np.cumsum([0, *map(len, triangles)])
    turns = dict(zip(pairs, map(slice, starts[:-1], starts[1:]), strict=True))

    def turn(rows: slice) -> None:
        out[rows] = pairs.pop(rows.start)[0] @ mixed[turns[rows.start]]

    _by_rows(turn, n)
    return out


def _by_rows(work: Callable[[slice], Any], n: int) -> list[Any]:
    """What `work` gives for some of `n` rows at a time, in order."""
    return parallel_map(work, [slice(start, min(start + ROWS, n)) for start in range(0, n, ROWS)])


def _symmetric(matrix: Matrix) -> Matrix:
    return (matrix + matrix.T) / 2.0
