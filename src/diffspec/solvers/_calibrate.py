"""Weights from random probes, corrected by what is known exactly about the spectrum, with their spread."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from diffspec._arrays import Array, from_numpy
from diffspec.operators.dense import Operator, eigenvalue_rounding, product_eps
from diffspec.solvers._krylov import Matrix
from diffspec.spectra.spectrum import Spectrum

__all__ = ["Known", "calibrated", "measure"]

# A power of which less than this share lies outside the lower powers is one of them, to rounding.
DISTINCT = 1e-7
# A product in float32 leaves about this, as a share of the largest eigenvalue, in place of smaller ones.
PRODUCT, WIDE = 2e-8, 1e-10


@dataclass(frozen=True, slots=True)
class Known:
    """What an operator tells about its spectrum without a product, and how exactly its products come out."""

    n: int
    moments: tuple[float, ...]
    """Traces of A, A^2 and as many higher powers as are cheap."""
    rounding: float
    like: Array
    moved: float = 0.0
    """About how far an eigenvalue is off for the rounding of the entries."""
    steady: Array | None = None
    """Orthonormal eigenvectors of eigenvalue 1, shape (n, c)."""

    @property
    def unknown(self) -> int:
        """How many eigenvalues are not known."""
        return self.n - (0 if self.steady is None else int(self.steady.shape[1]))

    @classmethod
    def of(cls, operator: Operator) -> Known:
        """All of it, asked once, but for what is `steady`."""
        moments = (operator.trace(), operator.frobenius2(), *operator.higher_moments())
        moved = eigenvalue_rounding(operator, moments[1])
        return cls(operator.n, moments, product_eps(operator), operator.like, moved)


def measure(known: Known, nodes: Matrix, fixed: Matrix, probes: Matrix) -> Spectrum:
    """The spectrum from signed `nodes` (k,), exact weights `fixed` (k,) and one row of weights per probe (p, k).

    `probes` estimate what `fixed` leaves out; each row sums to n minus the sum of `fixed`.
    """
    whole = np.array([known.n, *known.moments])
    left = whole - fixed @ np.vander(nodes, len(whole), increasing=True)
    rest = float(left[0])
    rows: Matrix = fixed + calibrated(nodes, probes, left, known.rounding * np.abs(whole))
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
        rounding=max(known.moved, PRODUCT * float(size[0]) if known.rounding > WIDE else 0.0),
    )


def calibrated(nodes: Matrix, probes: Matrix, target: Matrix, noise: Matrix) -> Matrix:
    """`probes` with weights moved so that their moments are those of `target`: sum, trace, squares and so on.

    Every spectral sum of row j is corrected by c_j (moments of row j - target), where c_j regresses the function on
    1, x, x^2, ... in the spectral weights of the *other* rows: so the correction has expectation 0 and adds no bias. A
    moment whose spread among the rows could be rounding (`noise`, one per moment) is left alone, and all above it.
    """
    total = probes.sum(axis=0)
    centre = float(total @ nodes / total.sum())
    scale = math.sqrt(float(total @ (nodes - centre) ** 2 / total.sum()))
    spread = math.sqrt(target[0]) * scale ** np.arange(1, len(target))
    degree = min(int(np.argmin([*(spread > 10.0 * noise[1:]), False])), len(nodes) - 1)
    if degree == 0:
        return probes
    basis = np.vander((nodes - centre) / scale, degree + 1, increasing=True)
    # Monomials are nearly collinear: their orthonormal combinations in the weights of all rows are regressed on.
    _orthonormal, triangle = np.linalg.qr(np.sqrt(total)[:, None] * basis)
    apart = np.abs(np.diagonal(triangle)) > DISTINCT * np.linalg.norm(triangle, axis=0)
    if not apart.all():  # fewer nodes that differ than moments
        return calibrated(nodes, probes, target[: int(np.argmin(apart))], noise[: int(np.argmin(apart))])
    powers = np.linalg.solve(triangle.T, basis.T)
    excess = probes @ powers.T - np.linalg.solve(triangle.T, _standardised(target[: degree + 1], centre, scale))
    own = np.einsum("pk,ak,bk->pab", probes, powers, powers)
    inverse = np.linalg.pinv(own.sum(axis=0) - own, rcond=1e-10, hermitian=True)
    corrected: Matrix = probes - (np.einsum("pa,pab->pb", excess, inverse) @ powers) * (total - probes)
    return corrected


def _standardised(moments: Matrix, centre: float, scale: float) -> Matrix:
    """The moments of (x - centre) / scale from those of x."""
    rows = [
        math.fsum(math.comb(k, j) * (-centre) ** (k - j) * moments[j] for j in range(k + 1)) / scale**k
        for k in range(len(moments))
    ]
    return np.array(rows)


def _widening(count: int, rest: float) -> float:
    """What turns the spread of `count` rows into a standard error whose 1.96-fold is a 95 % interval.

    Probes are orthogonal, so their mean varies less than that of independent ones (finite population); and with few of
    them the spread itself is uncertain (Student's t).
    """
    return math.sqrt(max(0.0, 1.0 - count / rest)) * float(stdtrit(count - 1, 0.975)) / 1.959964
