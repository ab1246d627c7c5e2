"""Weights from random probes, corrected by what is known exactly about the spectrum, with their spread."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from diffspec._arrays import Array, from_numpy
from diffspec.operators import Operator, product_eps
from diffspec.solvers._krylov import Matrix
from diffspec.spectrum import Spectrum

__all__ = ["Known", "calibrated", "measure"]


@dataclass(frozen=True, slots=True)
class Known:
    """What an operator tells about its spectrum without a product, and how exactly its products come out."""

    n: int
    trace: float
    frobenius2: float
    rounding: float
    like: Array

    @classmethod
    def of(cls, operator: Operator) -> Known:
        """All of it, asked once."""
        return cls(operator.n, operator.trace(), operator.frobenius2(), product_eps(operator), operator.like)


def measure(known: Known, nodes: Matrix, fixed: Matrix, probes: Matrix) -> Spectrum:
    """The spectrum from signed `nodes` (k,), exact weights `fixed` (k,) and one row of weights per probe (p, k).

    `probes` estimate what `fixed` leaves out; each row sums to n minus the sum of `fixed`.
    """
    rest = known.n - float(fixed.sum())
    rows: Matrix = fixed + calibrated(
        nodes,
        probes,
        (rest, known.trace - float(fixed @ nodes), known.frobenius2 - float(fixed @ nodes**2)),
        known.rounding * np.array([known.n, np.abs(known.trace), known.frobenius2]),
    )
    weights = rows.mean(axis=0)
    order = np.argsort(-np.abs(nodes), kind="stable")
    size = np.abs(nodes)[order]
    floor = float(size[0]) * max(known.n * np.finfo(np.float64).eps, 8.0 * known.rounding)
    samples = weights + _widening(len(probes), rest) * (rows - weights)
    return Spectrum(
        nodes=from_numpy(np.where(size > floor, size, 0.0), known.like),
        weights=from_numpy(weights[order], known.like),
        samples=from_numpy(samples[:, order], known.like),
        n=known.n,
        floor=floor,
    )


def calibrated(nodes: Matrix, probes: Matrix, target: tuple[float, float, float], noise: Matrix) -> Matrix:
    """`probes` with weights moved so that their first three moments are those of `target`: sum, trace, squares.

    Every spectral sum of row j is corrected by c_j (moments of row j - target), where c_j regresses the function on 1,
    x, x^2 in the spectral weights of the *other* rows: so the correction has expectation 0 and adds no bias. A moment
    whose spread among the rows could be rounding (`noise`, one per moment) is left alone.
    """
    total = probes.sum(axis=0)
    centre = total @ nodes / total.sum()
    scale = math.sqrt(total @ (nodes - centre) ** 2 / total.sum())
    spread = math.sqrt(target[0]) * np.array([scale, scale**2])
    degree = int(np.argmin([*(spread > 10.0 * noise[1:]), False]))
    if degree == 0:
        return probes
    x = (nodes - centre) / scale
    powers = np.stack([np.ones_like(x), x, x * x])[: degree + 1]
    first = target[1] - centre * target[0]
    second = target[2] - 2.0 * centre * target[1] + centre**2 * target[0]
    excess = probes @ powers.T - np.array([target[0], first / scale, second / scale**2])[: degree + 1]
    own = np.einsum("pk,ak,bk->pab", probes, powers, powers)
    inverse = np.linalg.pinv(own.sum(axis=0) - own, rcond=1e-10, hermitian=True)
    corrected: Matrix = probes - (np.einsum("pa,pab->pb", excess, inverse) @ powers) * (total - probes)
    return corrected


def _widening(count: int, rest: float) -> float:
    """What turns the spread of `count` rows into a standard error whose 1.96-fold is a 95 % interval.

    Probes are orthogonal, so their mean varies less than that of independent ones (finite population); and with few of
    them the spread itself is uncertain (Student's t).
    """
    return math.sqrt(max(0.0, 1.0 - count / rest)) * float(stdtrit(count - 1, 0.975)) / 1.959964
