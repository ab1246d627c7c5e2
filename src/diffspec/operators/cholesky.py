"""Randomly pivoted Cholesky: a factor L with L L' <= G from a few columns of a positive semi-definite G."""

from __future__ import annotations

import math
from typing import Any, Protocol, TypeAlias

import numpy as np

from diffspec._arrays import Array, as_float64, from_numpy, namespace, to_numpy
from diffspec.errors import InputError

__all__ = ["Columns", "partial_cholesky"]

Matrix: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

BLOCK = 32  # pivots drawn at once: few enough to stay near the one-by-one algorithm, enough for matrix products


class Columns(Protocol):
    """A symmetric matrix whose columns can be asked for, at NumPy's indices."""

    @property
    def n(self) -> int:
        """Its order."""
        ...

    @property
    def like(self) -> Array:
        """An array of the library, device and dtype of the columns."""
        ...

    def diagonal(self) -> Array:
        """Its diagonal, shape (n,)."""
        ...

    def columns(self, indices: np.ndarray[Any, Any]) -> Array:
        """Its columns at `indices`, shape (n, k)."""
        ...


def partial_cholesky(matrix: Columns, rank: int, rng: np.random.Generator) -> tuple[Array, Matrix]:
    """A factor L (n, r), float64, r <= `rank`, and what it leaves of the diagonal, shape (n,).

    Columns are drawn with probability proportional to what is left of the diagonal; it ends early where no more is left
    than rounding. O(n rank^2) time and memory for one factor.

    Raises
    ------
    InputError
        A pivot is negative: the matrix is not positive semi-definite.

    References
    ----------
    chen2025rpcholesky.
    """
    xp = namespace(matrix.like)
    left = to_numpy(as_float64(matrix.diagonal())).astype(np.float64)
    scale = float(left.max())
    cutoff = 1e2 * math.sqrt(matrix.n) * float(xp.finfo(matrix.like.dtype).eps) * scale
    factor = as_float64(xp.zeros((matrix.n, rank), dtype=matrix.like.dtype, device=matrix.like.device))
    fresh = np.ones(matrix.n, dtype=bool)
    found = 0
    while (size := min(BLOCK, rank - found, int(np.count_nonzero(fresh & (left > cutoff))))) > 0:
        share = np.where(fresh & (left > cutoff), left, 0.0)
        pivots = np.sort(rng.choice(matrix.n, size=size, replace=False, p=share / share.sum()))
        more = _extension(matrix, factor[:, :found], pivots, cutoff, scale)
        factor[:, found : found + more.shape[1]] = more
        found += int(more.shape[1])
        left -= to_numpy(xp.sum(more * more, axis=1))
        _require_semidefinite(float(left.min()), scale)
        fresh[pivots] = False
    return factor[:, :found], left


def _extension(matrix: Columns, factor: Array, pivots: np.ndarray[Any, Any], cutoff: float, scale: float) -> Array:
    """The columns that `factor` grows by when the columns of the matrix at `pivots` are added."""
    xp = namespace(factor)
    where = from_numpy(pivots, factor)
    columns = as_float64(matrix.columns(pivots)) - factor @ xp.take(factor, where, axis=0).T
    core, turn = np.linalg.eigh(to_numpy(xp.take(columns, where, axis=0)))
    _require_semidefinite(core[0], scale)
    keep = core > cutoff
    return columns @ from_numpy(turn[:, keep] / np.sqrt(core[keep]), factor)


def _require_semidefinite(smallest: float, scale: float) -> None:
    if smallest < -1e-4 * scale:
        raise InputError(
            f"the operator is not positive semi-definite (a pivot of {smallest:.2g}), so LowRank's bounds do not hold; "
            "use Lanczos() or Exact(), or a Gaussian or cosine kernel"
        )
