"""What to do about a kernel that did not tell the points apart: which widths would."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from diffspec._arrays import Array, namespace, some_of
from diffspec.kernels import Cosine, Gaussian, Kernel
from diffspec.kernels.graphs import NearestNeighbors, Thresholded
from diffspec.machine.threads import parallel_map
from diffspec.operators.dense import diffusion
from diffspec.results.verdicts import EQUAL, HIGH, LOW
from diffspec.solvers import Exact
from diffspec.spectra.spectrum import shannon

__all__ = ["advice", "informative_range"]

_SUBSET = 400  # points on which the range of sigma is sought: 30 eigenproblems of this size take about a second


def advice(points: Array, kernel: Kernel, alpha: float, t: float, rng: np.random.Generator) -> str:
    """How to measure `points` where the entropy at time `t` under `kernel` is saturated or collapsed."""
    if _all_equal(points):
        return EQUAL
    if isinstance(kernel, Thresholded):
        kernel = Gaussian(kernel.sigma)
    if isinstance(kernel, NearestNeighbors):
        return "measure with another sigma or more neighbours"
    if not isinstance(kernel, Gaussian | Cosine):
        return "measure with Gaussian(), whose sigma can be chosen"
    low, high = (float(f"{edge:.2g}") for edge in informative_range(points, kernel, alpha, t, rng))
    return f"informative for sigma between about {low:g} and {high:g}"


def informative_range(
    points: Array, kernel: Gaussian | Cosine, alpha: float, t: float, rng: np.random.Generator
) -> tuple[float, float]:
    """The widths between which the entropy at time `t` lies within 1 % and 99 % of log n, on at most 400 points.

    Notes
    -----
    The entropy falls as sigma grows, so each edge is found by bisection of log sigma to about 5 %: some 30
    eigenproblems of order 400, one thread each: LAPACK with several is no faster at this size, and tens of times
    slower when something else wants the cores.
    """
    subset = some_of(points, _SUBSET, rng)
    centre = kernel.__class__("median").resolve(subset, rng)
    narrow, wide = parallel_map(lambda share: _edge(subset, centre, alpha, t, share), (HIGH, LOW))
    return narrow, wide


def _edge(points: Array, kernel: Gaussian | Cosine, alpha: float, t: float, share: float) -> float:
    """The width at which the normalised entropy crosses `share`, by bisection on log2 sigma around `kernel`'s."""
    centre = math.log2(float(kernel.sigma))  # type: ignore[arg-type]  # resolved: a number
    low, high = max(centre - 30.0, -1074.0), min(centre + 30.0, 1023.0)  # where the numbers of float64 end
    while high - low > 0.07:
        middle = (low + high) / 2.0
        if _share(points, replace(kernel, sigma=math.exp2(middle)), alpha, t) > share:
            low = middle
        else:
            high = middle
    return math.exp2((low + high) / 2.0)


def _share(points: Array, kernel: Gaussian | Cosine, alpha: float, t: float) -> float:
    operator = diffusion(kernel(points), alpha, overwrite=True)
    return float(shannon(Exact()(operator, np.random.default_rng(0)), t) / math.log(operator.n))


def _all_equal(points: Array) -> bool:
    return bool(namespace(points).all(points == points[:1, :]))
