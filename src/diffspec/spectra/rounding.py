"""What affinities in float32 cost an entropy, from how far they move an eigenvalue: part of every stated error.

Beside it here: how far affinities may be off, and all causes of an error together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from diffspec._arrays import Array, namespace
from diffspec.spectra.functionals import Measure, log_sum, log_sum_stderr, renyi, shannon, shannon_stderr
from diffspec.spectra.missed import missed

__all__ = ["harmless", "log_sum_error", "renyi_rounding", "shannon_rounding", "whole_error"]

# Eigenvalues that float32 hides below its floor are on average about a third of it; and what it costs at least, per t.
LOST, LEAST_ROUNDING, SHARE = 3.0, 3e-8, 0.625
# Affinities may be rounded by so much: the errors of different pairs are independent, so the entropy moves far less.
ROUNDING = 1e-4


def harmless(rounding: float) -> bool:
    """Whether the entropy hardly moves where affinities are off by `rounding`, relatively; of points on disk too."""
    return rounding <= ROUNDING


def shannon_rounding(spectrum: Measure, t: float = 1.0) -> float:
    """Standard error of `shannon`, in nats, from affinities that were computed in float32; 0 where they were not."""
    return _rounded(spectrum, lambda one: shannon(one, t), t)


def renyi_rounding(spectrum: Measure, q: float, t: float = 1.0) -> float:
    """`shannon_rounding` of `renyi`."""
    return _rounded(spectrum, lambda one: renyi(one, q, t), t)


def whole_error(spectrum: Measure, t: float = 1.0) -> float | None:
    """Standard error of `shannon` from probes, rounding and missed neighbours, in nats; None where none is there."""
    probes = shannon_stderr(spectrum, t)
    others = math.hypot(shannon_rounding(spectrum, t), missed(spectrum, lambda one: shannon(one, t)))
    return None if probes is None and others == 0.0 else math.hypot(probes or 0.0, others)


def log_sum_error(spectrum: Measure, t: float = 1.0) -> float:
    """Standard error of `log_sum` from probes, rounding and missed neighbours together."""

    def value(one: Measure) -> float:
        return log_sum(one, t)

    return math.hypot(log_sum_stderr(spectrum, t) or 0.0, _rounded(spectrum, value, t), missed(spectrum, value))


def _rounded(spectrum: Measure, value: Callable[[Measure], float], t: float) -> float:
    """A share of how far `value` moves with all eigenvalues raised, or lowered, by their rounding: the larger.

    What lies under the floor may have been anything up to it, what lies within twice the rounding may be nothing else.
    The share is such that 1.96 of it holds 95 % of the errors on data sets of all kinds.
    """
    if spectrum.rounding == 0.0:
        return 0.0
    xp = namespace(spectrum.nodes)
    nodes, zero, by = spectrum.nodes, xp.zeros_like(spectrum.nodes), float(spectrum.rounding)
    raised = xp.where(nodes > 0, nodes + by, zero + max(by, float(spectrum.floor) / LOST))
    lowered = xp.where(nodes > 2.0 * by, nodes - by, zero)
    here = value(spectrum)
    moved = [abs(value(Raised(each, spectrum.weights, spectrum.samples)) - here) for each in (raised, lowered)]
    return SHARE * max(moved) + LEAST_ROUNDING * t


@dataclass(frozen=True, slots=True, eq=False)
class Raised:
    """A spectrum with its nodes moved."""

    nodes: Array
    weights: Array
    samples: Array | None
    floor: float = 0.0
    rounding: float = 0.0
    check: Any = None
    halved: Any = None
    missed: Any = None
