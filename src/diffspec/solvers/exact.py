"""All eigenvalues by a dense symmetric eigensolver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffspec._arrays import Array, as_float64, is_numpy, namespace, number
from diffspec.operators.dense import Operator
from diffspec.solvers import _lapack
from diffspec.solvers._whole import by_pieces, pieces_that_fit
from diffspec.spectra.spectrum import Spectrum

__all__ = ["Exact"]


@dataclass(frozen=True, slots=True)
class Exact:
    """Every eigenvalue, exact to rounding.

    Notes
    -----
    Time O(n^3), about 2.5 s at n = 4000 on two cores; memory one n x n array where the operator may be used up, else
    two. A graph that falls into pieces costs only what they do. An eigenvalue of absolute size at most
    ``n * eps * largest`` cannot be told from 0 (the usual rank decision) and is counted as 0; the floor is kept in the
    result. It only matters at t well below 1, where tiny eigenvalues weigh.
    """

    def __call__(self, operator: Operator, rng: np.random.Generator) -> Spectrum:
        """The spectrum of `operator`, all weights 1; `rng` is not used."""
        nodes = _eigenvalues(operator)
        xp = namespace(nodes)
        nodes = xp.sort(xp.abs(nodes), descending=True)
        floor = number(nodes[0]) * operator.n * float(xp.finfo(nodes.dtype).eps)
        nodes = xp.where(nodes > floor, nodes, xp.zeros_like(nodes))
        return Spectrum(nodes=nodes, weights=xp.ones_like(nodes), n=operator.n, floor=floor)


def _eigenvalues(operator: Operator) -> Array:
    pieces = pieces_that_fit(operator)
    if pieces is not None:
        return by_pieces(operator, pieces)
    stored = operator.dense()
    matrix = as_float64(stored)  # in float32 the many small eigenvalues of a wide kernel would drown in rounding
    if is_numpy(matrix):
        own = matrix is not stored or operator.disposable
        return _lapack.eigenvalues(matrix, overwrite=own)
    return namespace(matrix).linalg.eigvalsh(matrix)
