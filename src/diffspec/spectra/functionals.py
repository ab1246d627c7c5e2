"""Functionals of a spectrum, as plain functions in nats: every entropy is one of a discrete measure.

A spectrum is nodes theta_k with weights w_k. Every function holds over its whole range of arguments: at extreme times,
orders and floors it gives its limit.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any, Protocol

from diffspec._arrays import Array, namespace, number
from diffspec._checks import positive, real, shown
from diffspec.errors import InputError
from diffspec.spectra.powers import Measure, logs_of_powers, sums

__all__ = [
    "Measure",
    "above",
    "check_floor",
    "check_order",
    "check_time",
    "count",
    "count_stderr",
    "entropy_of",
    "log_sum",
    "log_sum_stderr",
    "moved",
    "renyi",
    "renyi_stderr",
    "renyi_truncation",
    "shannon",
    "shannon_and_log_sum",
    "shannon_stderr",
    "truncation",
]

# Orders this near to 1 are taken by the series around Shannon's; logarithms below this have no exponential.
NEAR_1, LEAST_LOG = 1e-3, -745.0
# What is lost at lower powers is not told by fewer steps, and at higher ones nothing is.
SLOWEST, FASTEST = 0.25, 32.0
MOST = sys.float_info.max


class Ruled(Protocol):
    """What a value is read off, and the same by a second rule and with half of the steps, or None."""

    @property
    def check(self) -> Any:
        """By a second rule."""
        ...

    @property
    def halved(self) -> Any:
        """With half of the steps."""
        ...


def shannon(spectrum: Measure, t: float = 1.0) -> float:
    """-sum p log p in nats, with p = |lambda|^t / sum |lambda|^t (Eqn 6 of the paper); 0 log 0 = 0.

    Written as two spectral sums, H = log Z - G/Z with Z = sum r^t, G = sum r^t log r^t and r = |lambda| / max, so that
    one non-zero eigenvalue gives exactly 0 and n equal ones exactly log n. For t to infinity the log of how many
    eigenvalues are the largest, to rounding. O(k).
    """
    t = check_time(t)
    return _possible(_shannon(spectrum, t), spectrum)


def entropy_of(spectrum: Measure, t: float = 1.0) -> Array:
    """`shannon` as a 0-d array of the spectrum's library, which keeps its gradient where there is one."""
    total, weighted = sums(logs_of_powers(spectrum, check_time(t), rounding=0.0))
    return namespace(total).log(total) - weighted / total


def shannon_and_log_sum(spectrum: Measure, t: float = 1.0) -> tuple[float, float]:
    """`shannon` and `log_sum`, in nats, by one pass, for the many small sets that an information is made of. O(k)."""
    nats, total = _shannon_and_log_sum(spectrum, check_time(t))
    return _possible(nats, spectrum), total


def log_sum(spectrum: Measure, t: float = 1.0) -> float:
    """Log of sum (|lambda| / max)^t: by how much a spectrum outweighs others, of which it is a part. O(k)."""
    return math.log(number(sums(logs_of_powers(spectrum, check_time(t)))[0]))


def log_sum_stderr(spectrum: Measure, t: float = 1.0) -> float | None:
    """Standard error of `log_sum` by the probes, None where nothing is random."""
    if spectrum.samples is None:
        return None
    log_powers, weights = logs_of_powers(spectrum, check_time(t))
    powers = namespace(log_powers).exp(log_powers)
    return _spread(spectrum, powers / namespace(powers).sum(weights * powers))


def renyi(spectrum: Measure, q: float, t: float = 1.0) -> float:
    """log(sum p^q) / (1 - q) in nats, q >= 0; q = 1 is Shannon's and q = inf the min-entropy, as limits. O(k)."""
    t = check_time(t)
    return _possible(_renyi(spectrum, check_order(q), t), spectrum)


def count(spectrum: Measure, t: float = 1.0, floor: float = 0.01) -> float:
    """The weight of the nodes with |lambda|^t > floor; within 0 and n, also where weights are estimates. O(k)."""
    xp = namespace(spectrum.nodes)
    kept = xp.where(above(spectrum, t, floor), spectrum.weights, xp.zeros_like(spectrum.weights))
    return max(0.0, min(float(xp.sum(kept)), float(xp.sum(spectrum.weights))))


def shannon_stderr(spectrum: Measure, t: float = 1.0) -> float | None:
    """Standard error of `shannon` in nats, None where nothing is random.

    To first order H moves by sum_k dw_k r_k^t (1 - log r_k^t + G/Z) / Z; Z and G are estimated by the same probes, and
    this keeps their covariance.
    """
    t = check_time(t)
    if spectrum.samples is None:
        return None
    log_powers, weights = logs_of_powers(spectrum, t)
    xp = namespace(log_powers)
    powers = xp.exp(log_powers)
    total = xp.sum(weights * powers)
    mean = xp.sum(weights * powers * log_powers) / total
    return _spread(spectrum, powers * (1.0 - log_powers + mean) / total)


def renyi_stderr(spectrum: Measure, q: float, t: float = 1.0) -> float | None:
    """Standard error of `renyi` in nats to first order, None where nothing is random."""
    q = check_order(q)
    if abs(q - 1.0) < NEAR_1:
        return shannon_stderr(spectrum, t)
    if spectrum.samples is None:
        return None
    log_powers, weights = logs_of_powers(spectrum, check_time(t))
    xp = namespace(log_powers)
    slope = xp.exp(log_powers) / xp.sum(weights * xp.exp(log_powers))
    if q == math.inf:
        return _spread(spectrum, slope)
    power = xp.exp(logs_of_powers(spectrum, min(q * t, MOST))[0])
    return _spread(spectrum, (power / xp.sum(weights * power) / (1.0 - q) + slope * (q / (q - 1.0))))


def count_stderr(spectrum: Measure, t: float = 1.0, floor: float = 0.01) -> float | None:
    """Standard error of `count` by the probes alone, None where nothing is random."""
    over = above(spectrum, t, floor)[spectrum.nodes > 0]
    return _spread(spectrum, namespace(over).astype(over, spectrum.nodes.dtype))


def truncation(spectrum: Measure, t: float = 1.0) -> float:
    """How far `shannon` moves, in nats, when the solver's second quadrature rule replaces its first; 0 if exact."""
    return moved(spectrum, lambda one: _shannon(one, t), check_time(t))


def renyi_truncation(spectrum: Measure, q: float, t: float = 1.0) -> float:
    """`truncation` of `renyi`."""
    q, t = check_order(q), check_time(t)
    return moved(spectrum, lambda one: _renyi(one, q, t), min(1.0, q) * t)


def moved(spectrum: Ruled, value: Callable[[Any], float], power: float) -> float:
    """How far `value` moves to the second rule; at least a third of how far that moves to its own.

    An error that changes its sign with the number of moments would else pass for none. Eigenvalues that pile up at 0
    are off the same way by every rule. In a sum of |lambda|^power that error falls as steps^-power, so half of the
    steps tell its size.
    """
    if spectrum.check is None:
        return 0.0
    found = max(abs(value(spectrum) - value(spectrum.check)), moved(spectrum.check, value, power) / 3.0)
    if spectrum.halved is None:
        return found
    fell = math.pow(2.0, min(max(power, SLOWEST), FASTEST))
    return max(found, abs(value(spectrum) - value(spectrum.halved)) / (fell - 1.0))


def _spread(spectrum: Measure, slopes: Array) -> float | None:
    """Standard error of the mean over the samples of sum_k w_k slope_k, with one slope per non-zero node."""
    if spectrum.samples is None:
        return None
    xp = namespace(slopes)
    positive = xp.nonzero(spectrum.nodes > 0)[0]
    values = xp.take(spectrum.samples, positive, axis=1) @ slopes
    return float(xp.std(values, correction=1)) / math.sqrt(values.shape[0])


def check_time(t: float) -> float:
    """`t` as a float, or InputError where it is no positive number."""
    return positive(t, "t", hint="t = 1 is one step of diffusion")


def check_floor(floor: float) -> float:
    """`floor` as a float, or InputError where it does not lie in [0, 1)."""
    if not 0.0 <= real(floor) < 1.0:
        raise InputError(f"floor must lie in [0, 1), got {shown(floor)}")
    return float(floor)


def check_order(q: float) -> float:
    """`q` as a float, or InputError where it is no order of a Renyi entropy."""
    order = real(q)
    if not order >= 0:
        raise InputError(f"q must be at least 0, got {shown(q)}; q = 1 is Shannon's entropy")
    return order


def _shannon(spectrum: Measure, t: float) -> float:
    return _shannon_and_log_sum(spectrum, t)[0]


def _shannon_and_log_sum(spectrum: Measure, t: float) -> tuple[float, float]:
    total, weighted = (number(value) for value in sums(logs_of_powers(spectrum, t)))
    return math.log(total) - weighted / total, math.log(total)


def _renyi(spectrum: Measure, q: float, t: float) -> float:
    if q == 1:
        return _shannon(spectrum, t)
    log_powers, weights = logs_of_powers(spectrum, t)
    xp = namespace(log_powers)
    log_total = math.log(float(xp.sum(weights * xp.exp(log_powers))))
    if q == math.inf:
        return log_total
    if abs(q - 1.0) < NEAR_1:
        # sum p^q = 1 + sum p (p^(q - 1) - 1), without the difference of two numbers that are nearly equal.
        logs = xp.clip(log_powers - log_total, LEAST_LOG, None)
        excess = float(xp.sum(weights * xp.exp(logs) * xp.expm1((q - 1.0) * logs)))
        return -math.log1p(excess) / (q - 1.0)
    raised, _weights = logs_of_powers(spectrum, min(q * t, MOST))
    log_raised = math.log(float(xp.sum(weights * xp.exp(raised))))
    return log_total * (q / (q - 1.0)) - log_raised / (q - 1.0)


def _possible(nats: float, spectrum: Measure) -> float:
    """`nats` within [0, log of the number of non-zero eigenvalues]: weights that are estimates may lead out of it."""
    rank = number(namespace(spectrum.nodes).sum(spectrum.weights[spectrum.nodes > 0]))
    return max(0.0, min(nats, math.log(max(rank, 1.0))))


def above(spectrum: Measure, t: float, floor: float) -> Array:
    """Which nodes have |lambda|^t > floor."""
    t, floor = check_time(t), check_floor(floor)
    if floor == 0.0:
        return spectrum.nodes > 0  # however small the power: it must not underflow
    xp = namespace(spectrum.nodes)
    # What is 1 to rounding, or more, stays above at every t.
    ones = spectrum.nodes >= 1.0 - float(spectrum.floor)
    return ones | (xp.where(ones, xp.ones_like(spectrum.nodes), spectrum.nodes) ** t > floor)
