"""All eigenvalues of an operator on the host: of one array, or piece by piece where it falls apart."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import as_float64, dtype_name, from_numpy, namespace, to_numpy
from diffspec.machine.memory import allowed
from diffspec.machine.threads import cores, parallel_map, shared
from diffspec.operators.dense import Operator, eigenvalue_rounding, in_float32
from diffspec.operators.pieces import Indices, work_of
from diffspec.points.blocks import symmetrized
from diffspec.solvers._lapack import eigenvalues
from diffspec.spectra.spectrum import Spectrum

__all__ = ["FLOOR", "are_held", "by_pieces", "pieces_that_fit", "signed_eigenvalues", "spectrum_of"]

Matrix: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

EPS, EPS32 = float(np.finfo(np.float64).eps), float(np.finfo(np.float32).eps)

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


def spectrum_of(signed: Matrix, operator: Operator) -> Spectrum:
    """The spectrum from all eigenvalues of `operator`, in any order."""
    nodes, lowest = np.sort(np.abs(signed))[::-1], float(signed.min())
    # Of a float32 matrix the entries are rounded independently: their errors move no eigenvalue by more than one eps.
    floor = float(nodes[0]) * max(operator.n * EPS, EPS32 if in_float32(operator) else 0.0)
    nodes = from_numpy(np.where(nodes > floor, nodes, 0.0), operator.like)
    weights = namespace(nodes).ones_like(nodes)
    return Spectrum(
        nodes=nodes,
        weights=weights,
        n=operator.n,
        floor=floor,
        rounding=eigenvalue_rounding(operator, float(signed @ signed)),
        negative=lowest if lowest < -floor else 0.0,
    )
