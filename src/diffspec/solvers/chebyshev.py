"""The kernel polynomial method: Chebyshev moments of the spectral density, damped so that it stays non-negative."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from diffspec._arrays import Array, as_float64, namespace, to_numpy
from diffspec._checks import integer, store
from diffspec.operators.dense import Operator
from diffspec.solvers._calibrate import Known, measure
from diffspec.solvers._krylov import Krylov, Matrix, gaussian, whole_spectrum
from diffspec.spectra.spectrum import Spectrum, padded

__all__ = ["Chebyshev"]

Interval: TypeAlias = tuple[float, float]

BOUND_STEPS = 12  # block Lanczos steps, from two random vectors, that bound the spectrum


@dataclass(frozen=True, slots=True, kw_only=True)
class Chebyshev:
    """The spectral density on Chebyshev nodes, from moments tr T_m(A) that random probes estimate.

    Jackson's damping makes the density a true one (no negative weights but for the small corrections that restore tr A
    and tr A^2). It blurs every eigenvalue by about pi / moments of the half-width of the spectrum, a bias that no
    number of probes removes. The difference from half as many moments, and a third of that between a half and a quarter
    of them, tell its size; `stderr` is the probes' only.

    Parameters
    ----------
    moments : int
        Number of Chebyshev moments, at least 8.
    probes : int
        Random orthonormal probes, at least 2.

    Notes
    -----
    Time moments / 2 products with `probes` vectors, memory n probes. `Lanczos` is more accurate at the same cost, by
    orders of magnitude where the spectrum decays; this is for comparison with the literature and for smooth densities.

    References
    ----------
    weisse2006kpm, Eqns 31, 38 and 71.
    """

    moments: int = 128
    probes: int = 16

    def __post_init__(self) -> None:
        for name, least in (("moments", 8), ("probes", 2)):
            store(self, **{name: integer(getattr(self, name), name, least=least)})

    def __call__(self, operator: Operator, rng: np.random.Generator) -> Spectrum:
        """The spectrum of `operator`; probes come from `rng`."""
        return padded(self._solved(operator.ready(), rng), operator.n)

    def _solved(self, operator: Operator, rng: np.random.Generator) -> Spectrum:
        """The same without eigenvalues that are known to be 0, which damping would blur."""
        if max(self.probes + 1, 2 * (BOUND_STEPS + 1), self.moments) >= operator.n:
            return whole_spectrum(operator)
        known = Known.of(operator)
        interval, moments = self._measured(operator, rng)
        found, half, quarter = (_density(known, moments[:, : self.moments // share], interval) for share in (1, 2, 4))
        return replace(found, check=replace(half, check=quarter), halved=half)

    def _measured(self, operator: Operator, rng: np.random.Generator) -> tuple[Interval, Matrix]:
        """An interval that holds the spectrum, and the moments on it; those of every probe lie in [-1, 1] then."""
        start, _triangle = namespace(operator.like).linalg.qr(gaussian(operator, self.probes, rng))
        for interval in _intervals(operator, rng):
            moments = _moments(operator, start, interval, self.moments)
            if np.abs(moments).max() <= 1.001:
                break
        return interval, operator.n * moments


def _intervals(operator: Operator, rng: np.random.Generator) -> list[Interval]:
    """Intervals to try: within [0, ...) where no Ritz value is negative, then safer ones.

    The extreme Ritz values are moved out by the residual (Zhou and Li 2011).
    """
    space = Krylov(operator, gaussian(operator, 2, rng))
    for _ in range(BOUND_STEPS):
        space.step()
    ritz = np.linalg.eigvalsh(space.gauss())
    low, high = float(ritz[0]) - space.residual(), float(ritz[-1]) + space.residual()
    rounding = 1e3 * float(np.finfo(np.float32).eps) * high
    size = max(abs(low), abs(high), rounding)
    semidefinite = [(max(0.0, low - rounding), high + rounding)] if ritz[0] > -1e-12 * size else []
    return [*semidefinite, (low - rounding, high + rounding), (-2.0 * size, 2.0 * size)]


def _moments(operator: Operator, start: Array, interval: Interval, count: int) -> Matrix:
    """Moments z' T_m(A) z per column z of `start` and m < count, shape (p, count); one product gives two."""
    centre, half = (interval[0] + interval[1]) / 2.0, (interval[1] - interval[0]) / 2.0
    xp = namespace(start)

    def scaled(vectors: Array) -> Array:
        product = operator.matmul(as_float64(vectors))
        return (as_float64(product) - centre * vectors) / half

    before, now = start, scaled(start)
    first = xp.sum(start * now, axis=0)
    moments = [xp.ones_like(first), first]
    while len(moments) < count:
        moments.append(2.0 * xp.sum(now * now, axis=0) - moments[0])
        before, now = now, 2.0 * scaled(now) - before
        moments.append(2.0 * xp.sum(before * now, axis=0) - first)
    return to_numpy(xp.stack(moments[:count], axis=1))


def _density(known: Known, moments: Matrix, interval: Interval) -> Spectrum:
    """The damped density as weights on 2 M Chebyshev nodes of the interval (Gauss-Chebyshev quadrature)."""
    count = moments.shape[1]
    angles = math.pi * (np.arange(2 * count) + 0.5) / (2 * count)
    order = np.arange(count)
    factors = np.where(order == 0, 1.0, 2.0) * _jackson(count) / (2 * count)
    weights = (moments * factors) @ np.cos(np.outer(order, angles))
    nodes = (interval[0] + interval[1]) / 2.0 + (interval[1] - interval[0]) / 2.0 * np.cos(angles)
    return measure(known, nodes, np.zeros_like(nodes), weights)


def _jackson(count: int) -> Matrix:
    """Jackson's damping factors g_0 .. g_(M-1) (Weisse et al. 2006, Eqn 71)."""
    m, step = np.arange(count), math.pi / (count + 1)
    factors: Matrix = ((count - m + 1) * np.cos(step * m) + np.sin(step * m) / math.tan(step)) / (count + 1)
    return factors
