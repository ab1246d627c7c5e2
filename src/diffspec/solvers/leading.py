"""The symmetric conjugate of the diffusion matrix with its degrees, and its leading eigenvectors, in NumPy or SciPy.

An entropy needs eigenvalues alone; what acts on points needs degrees and eigenvectors too.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import diags_array, issparse
from scipy.sparse.linalg import LinearOperator, eigsh

from diffspec._arrays import require_memory

__all__ = ["Floats", "as_dense", "conjugate_of", "leading", "scaled"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

# Fewer points than this, or more than a third of all eigenvectors: a dense eigensolver takes no longer.
SMALL = 300


def conjugate_of(affinity: Any, alpha: float) -> tuple[Any, Floats]:
    """A = D^(1/2) P D^(-1/2) of a dense or sparse `affinity`, and the square roots of the degrees D."""
    inverse_density = affinity.sum(axis=1) ** -alpha
    root = np.sqrt(inverse_density * (affinity @ inverse_density))
    return scaled(affinity, inverse_density / root, inverse_density / root), root


def scaled(matrix: Any, rows: Floats, columns: Floats) -> Any:
    """The rows and columns of a dense or sparse `matrix` times numbers."""
    if issparse(matrix):
        return (diags_array(rows) @ matrix @ diags_array(columns)).tocsr()
    return rows[:, None] * matrix * columns


def leading(conjugate: Any, root: Floats, count: int) -> tuple[Floats, Floats]:
    """The `count` eigenvalues of largest size, without the trivial one of eigenvector `root`, and eigenvectors."""
    n, trivial = len(root), root / math.sqrt(root @ root)
    if n <= SMALL or 3 * count > n:
        values, vectors = np.linalg.eigh(as_dense(conjugate) - np.outer(trivial, trivial))
    else:

        def product(vector: Floats) -> Floats:
            flat = vector.ravel()
            return np.asarray(conjugate @ flat - trivial * (trivial @ flat))

        deflated = LinearOperator((n, n), matvec=product, dtype=np.float64)
        start = np.random.default_rng(0).normal(size=n)
        values, vectors = eigsh(deflated, k=count, which="LM", v0=start)
    order = np.argsort(-np.abs(values), kind="stable")[:count]
    return values[order], vectors[:, order]


def as_dense(matrix: Any) -> Floats:
    """A dense or sparse `matrix` as an array, where three such arrays fit: one is in the making of every use."""
    n = matrix.shape[0]
    require_memory(24.0 * n * n, f"the walk of {n} points as dense {n} x {n} arrays", matrix)
    return np.asarray(matrix.toarray() if issparse(matrix) else matrix)
