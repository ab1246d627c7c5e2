"""What every functional of a spectrum is made of: powers of its nodes, as shares of the largest, and their sums."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from diffspec._arrays import Array, from_numpy, namespace, number, to_numpy

__all__ = ["HUGE_TIME", "Measure", "logs_of_powers", "sums"]

# Beyond this time products with logarithms may overflow, in float32 too.
HUGE_TIME = 1e30


class Measure(Protocol):
    """What is read of a `diffspec.spectra.spectrum.Spectrum`."""

    @property
    def nodes(self) -> Array:
        """Absolute eigenvalues, shape (k,), descending."""
        ...

    @property
    def weights(self) -> Array:
        """How many eigenvalues each node stands for, shape (k,)."""
        ...

    @property
    def floor(self) -> float:
        """The rounding of the nodes."""
        ...

    @property
    def rounding(self) -> float:
        """About how far a node is off for affinities in float32."""
        ...

    @property
    def samples(self) -> Array | None:
        """Independent estimates of the weights, shape (p, k)."""
        ...

    @property
    def check(self) -> Any:
        """The same by a second rule, or None."""
        ...

    @property
    def halved(self) -> Any:
        """The same with half of the steps, or None."""
        ...

    @property
    def missed(self) -> Any:
        """The same of a graph that lacks more neighbours (`diffspec.spectra.missed.Missed`), or None."""
        ...


def sums(measure: tuple[Array, Array]) -> tuple[Array, Array]:
    """Z = sum w r^t and G = sum w r^t log r^t, as 0-d arrays."""
    log_powers, weights = measure
    xp = namespace(log_powers)
    powers = weights * xp.exp(log_powers)
    return xp.sum(powers), xp.sum(powers * log_powers)


def logs_of_powers(spectrum: Measure, t: float, *, rounding: float | None = None) -> tuple[Array, Array]:
    """T log(|lambda| / max) of the non-zero nodes, and their weights; what is the largest to `rounding` counts as it.

    Rounding is the floor of the solver unless given: at large t equal eigenvalues would else part.
    """
    xp = namespace(spectrum.nodes)
    positive = spectrum.nodes > 0
    nodes, weights = spectrum.nodes[positive], spectrum.weights[positive]
    rounding = float(spectrum.floor) if rounding is None else rounding
    log_powers = _scaled_logs(nodes, t, rounding)
    if spectrum.samples is not None and not float(xp.sum(weights * xp.exp(log_powers))) > 0:
        log_powers = _scaled_logs(_pooled(nodes, weights), t, rounding)
    return log_powers, weights


def _scaled_logs(nodes: Array, t: float, rounding: float) -> Array:
    """T log(node / largest), finite, so that 0 log 0 is 0; 0 for the largest and what is the largest to `rounding`."""
    xp = namespace(nodes)
    largest = xp.max(nodes)
    if rounding > 0:
        nodes = xp.where(nodes >= largest - rounding, largest, nodes)
    logs = xp.log(nodes / largest)
    # Logarithms of float64 lie above -1500, or at -inf where the quotient of the last node, the smallest, is 0.
    if t > HUGE_TIME or number(logs[-1]) == -math.inf:
        logs = xp.clip(logs, float(xp.finfo(logs.dtype).min) / 2.0 / max(t, 1.0), None)
    return float(t) * logs


def _pooled(nodes: Array, weights: Array) -> Array:
    """`nodes`, each moved down to the next one up to which the weights, from the top, sum to more than 0.

    Weights that are estimates may be negative. Then every sum of w node^t is positive, whatever t (Abel's summation).
    """
    sums = np.cumsum(to_numpy(weights))
    ends = np.where(sums > 0, np.arange(len(sums)), len(sums) - 1)
    return from_numpy(to_numpy(nodes)[np.minimum.accumulate(ends[::-1])[::-1]], nodes)
