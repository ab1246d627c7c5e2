"""All eigenvalues of an operator on the host: of one array, or piece by piece where it falls apart."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import as_float64, dtype_name, to_numpy
from diffspec.machine.memory import allowed
from diffspec.machine.threads import cores, parallel_map, shared
from diffspec.operators.dense import Operator
from diffspec.operators.pieces import Indices, work_of
from diffspec.points.blocks import symmetrized
from diffspec.solvers._lapack import eigenvalues

__all__ = ["FLOOR", "are_held", "by_pieces", "pieces_that_fit", "signed_eigenvalues"]

Matrix: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

# Vectors and small matrices may always take this much beside the affinity.
FLOOR = 40.0 * 2**20
# Less work (n^3, over all pieces) than this is done before threads have started.
SMALL = 1e7


def pieces_that_fit(operator: Operator) -> list[Indices] | None:
    """Its pieces, where there are some and memory holds the largest."""
    pieces = operator.pieces()
    return pieces if pieces is not None and are_held(pieces) else None


def are_held(pieces: list[Indices]) -> bool:
    """Whether memory holds the largest of `pieces`, once per core and with room to work in."""
    return bool(16.0 * cores() * max(map(len, pieces)) ** 2 <= shared(FLOOR) + allowed())


def by_pieces(operator: Operator, pieces: list[Indices]) -> Matrix:
    """All eigenvalues of an operator that falls into `pieces`, in any order; side by side where they are many."""

    def solved(indices: Indices) -> Matrix:
        return eigenvalues(operator.piece(indices), overwrite=True)

    work, largest = work_of(pieces), float(len(max(pieces, key=len))) ** 3
    # One that is most of the work gets the threads of BLAS.
    found = parallel_map(solved, pieces) if work > SMALL and largest < work / 2.0 else map(solved, pieces)
    return np.concatenate(list(found))


def signed_eigenvalues(operator: Operator) -> Matrix:
    """All eigenvalues, in any order."""
    pieces = pieces_that_fit(operator)
    if pieces is not None:
        return by_pieces(operator, pieces)
    stored = operator.dense()
    matrix = to_numpy(as_float64(stored))
    if dtype_name(stored) == "float64" and not operator.disposable:
        matrix = matrix.copy()
    return eigenvalues(symmetrized(matrix), overwrite=True)
