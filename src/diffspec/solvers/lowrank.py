"""Randomly pivoted Cholesky: a few columns of the operator, and bounds that are guaranteed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from diffspec._arrays import from_numpy, namespace, to_numpy
from diffspec._checks import integer, positive, real, store
from diffspec.errors import InputError
from diffspec.operators.cholesky import partial_cholesky
from diffspec.operators.dense import Entrywise, Operator
from diffspec.operators.factored import Factored
from diffspec.spectra.extremes import Extremes, Matrix
from diffspec.spectra.spectrum import Spectrum

__all__ = ["LowRank"]


# Beyond, a bound on eigenvalues tells nothing and sums of it overflow.
LARGEST = 1e200


@dataclass(frozen=True, slots=True, kw_only=True)
class LowRank:
    """A factor F with F F' <= A from `rank` columns, and the entropies that the rest of the trace still allows.

    Columns are drawn with probability proportional to what is left of the diagonal. The eigenvalues of F F' are lower
    bounds of those of A and the trace of the rest is known exactly, so every functional gets `bounds` that hold for
    certain. The value spreads the rest evenly over the eigenvalues that were not resolved.

    Parameters
    ----------
    rank : int
        Most columns used; fewer where nothing is left before.
    largest : float
        No eigenvalue of the operator is larger: 1 for a diffusion operator; math.inf where it is not known, which
        widens the bounds downwards.

    Raises
    ------
    InputError
        The operator is not known to be positive semi-definite or seen not to be, exceeds `largest`, or gives no
        columns.

    Notes
    -----
    Time O(n rank^2) and `rank` columns of the operator, memory O(n rank). The bounds are narrow where the spectrum
    decays within `rank` eigenvalues (wide kernels, clusters, low dimension) and say nothing useful where it is flat:
    use `Lanczos` there. They hold for positive semi-definite operators only, so operators of other kernels than the
    Gaussian and the cosine are refused: a factor of few columns need not show that an operator is indefinite. A
    `diffspec.operators.Dense` made by hand is taken at its word (`semidefinite`).

    References
    ----------
    chen2025rpcholesky, audenaert2007sharp.
    """

    rank: int = 256
    largest: float = 1.0

    def __post_init__(self) -> None:
        store(self, rank=integer(self.rank, "rank", least=1))
        if real(self.largest) != math.inf:
            hint = "1 holds for every diffusion operator, math.inf for all"
            largest = positive(self.largest, "largest", hint=hint)
            store(self, largest=largest if largest < LARGEST else math.inf)

    def __call__(self, operator: Operator, rng: np.random.Generator) -> Spectrum:
        """The spectrum of `operator` with its `extremes`; pivots are drawn from `rng`."""
        entrywise = _usable(operator)
        n, trace = operator.n, operator.trace()
        values = _resolved(entrywise, min(self.rank, n), rng)
        slack = n * float(namespace(operator.like).finfo(operator.like.dtype).eps) * trace
        if values[0] > self.largest * (1.0 + 1e-6):
            raise InputError(
                f"the operator has an eigenvalue of at least {values[0]:.6g}, above largest = {self.largest:g}; "
                "pass LowRank(largest=math.inf)"
            )
        floor = float(values[0]) * n * float(np.finfo(np.float64).eps)
        values = np.where(values > floor, values, 0.0)
        rest = max(0.0, trace - float(values.sum()))
        nodes = np.append(values, rest / max(n - len(values), 1))
        weights = np.append(np.ones(len(values)), float(n - len(values)))
        order = np.argsort(-nodes, kind="stable")
        # Moved by their rounding, the values are lower bounds and the cap an upper bound for certain.
        certain = np.maximum(values - floor, 0.0)
        rest_at_most = trace - float(certain.sum()) + slack
        return Spectrum(
            nodes=from_numpy(nodes[order], operator.like),
            weights=from_numpy(weights[order], operator.like),
            n=n,
            floor=floor,
            extremes=Extremes(certain, n, rest_at_most, max(self.largest, float(values[0])) + 2.0 * slack),
        )


def _usable(operator: Operator) -> Entrywise:
    """`operator`, where it has columns and its kernel is positive semi-definite for certain."""
    if not operator.semidefinite:
        raise InputError(
            "LowRank's bounds hold for positive semi-definite operators only, which this one is not known to be; "
            "use Lanczos() or Exact(), or a Gaussian or cosine kernel"
        )
    if not isinstance(operator, Entrywise):
        raise InputError(
            f"LowRank needs an operator with columns() and diagonal(), got {type(operator).__name__}; use Lanczos()"
        )
    return operator


def _resolved(operator: Entrywise, rank: int, rng: np.random.Generator) -> Matrix:
    """Eigenvalues of F F', descending, of a factor with at most `rank` columns."""
    if isinstance(operator, Factored):
        return operator.values
    factor, _left = partial_cholesky(operator, rank, rng)
    return np.maximum(np.linalg.eigvalsh(to_numpy(factor.T @ factor))[::-1], 0.0)
