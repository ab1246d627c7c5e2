"""What a partly resolved spectrum leaves open: guaranteed bounds of every functional.

Let A be positive semi-definite, B <= A with known eigenvalues, and the trace of A - B known. By Weyl's inequality the
sorted eigenvalues of A are those of B plus increments that are at least 0 and sum to that trace. Among all such
spectra one is majorised by every other (the smallest eigenvalues raised to a common level) and one majorises every
other (the increments put on the largest eigenvalues, as far as they may go). A Schur-concave or Schur-convex function,
and the entropies at t = 1 are, takes its extreme values at these two (Marshall, Olkin and Arnold 2011).
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Extremes"]

Matrix = np.ndarray[Any, np.dtype[np.float64]]
Measure = tuple[Matrix, Matrix]
Bounds = tuple[float, float]

MOST, EPS, NEAR_1 = sys.float_info.max, 8.0 * sys.float_info.epsilon, 1e-3
# Nats that the sums below may be off by rounding; a guaranteed bound is moved outwards by it.
ROUNDING = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Extremes:
    """The spectra that fit what a low-rank factorisation knows.

    Parameters
    ----------
    values : array (r,)
        Eigenvalues of the resolved part, at least 0, descending; the other n - r are 0.
    n : int
    rest : float
        Trace that is not resolved.
    largest : float
        No eigenvalue is larger.
    """

    values: Matrix
    n: int
    rest: float
    largest: float

    def mixed(self) -> Measure:
        """Nodes and weights of the spectrum that every other one majorises: the smallest values at one level."""
        rising = self.values[::-1]
        raised = self.n - len(rising) + np.arange(len(rising) + 1)
        below = np.concatenate([[0.0], np.cumsum(rising)])
        cost = rising * raised[:-1] - below[:-1]
        i = max(int(np.searchsorted(cost, self.rest, side="right")), int(raised[0] == 0))
        level = (self.rest + below[i]) / raised[i]
        return np.concatenate([rising[i:], [level]]), np.concatenate([np.ones(len(rising) - i), [float(raised[i])]])

    def concentrated(self) -> Measure:
        """Nodes and weights of the spectrum that majorises every other one: the largest values raised, in order."""
        room = self.largest - self.values
        used = np.clip(self.rest - np.concatenate([[0.0], np.cumsum(room)[:-1]]), 0.0, room)
        over = max(0.0, self.rest - float(used.sum())) if math.isfinite(self.largest) else 0.0
        whole = math.floor(over / self.largest)
        more = [self.largest, over - whole * self.largest] if whole else [0.0, over]
        return np.concatenate([self.values + used, more]), np.concatenate(
            [np.ones(len(self.values)), [float(whole), 1.0]]
        )

    def log_power_sum(self, a: float) -> Bounds:
        """Bounds of log sum lambda^a, a > 0: the sum is Schur-convex for a >= 1, Schur-concave below."""
        sums = [_log_power_sum(self.mixed(), a), _log_power_sum(self.concentrated(), a)]
        return min(sums), max(sums)

    def shannon(self, t: float) -> Bounds:
        """Bounds of the entropy at time `t`, in nats.

        At t = 1 the two extreme spectra. Otherwise |dH| <= T log(n - 1) + h(T) (Audenaert 2007) around the resolved
        part, with the trace distance T <= 1 - Z(resolved) / Z(largest possible), since eigenvalues only grow.
        """
        if t == 1:
            return self._clip(_shannon(self.concentrated(), 1.0), _shannon(self.mixed(), 1.0))
        resolved = (self.values, np.ones(len(self.values)))
        distance = -math.expm1(_log_power_sum(resolved, t) - self.log_power_sum(t)[1])
        if distance >= 1.0 - 1.0 / self.n:
            return 0.0, math.log(self.n)
        gap = distance * math.log(max(self.n - 1, 1)) + _binary_entropy(distance)
        centre = _shannon(resolved, t)
        return self._clip(centre - gap, centre + gap)

    def renyi(self, q: float, t: float) -> Bounds:
        """Bounds of the Renyi entropy, in nats, from those of its power sums; q = 1 is `shannon`."""
        if q == 1:
            return self.shannon(t)
        if t == 1:
            ends = [_renyi(measure, q) for measure in (self.concentrated(), self.mixed())]
            return self._clip(min(ends), max(ends))
        if q * t == 0.0 or q * t > MOST:
            return 0.0, math.log(self.n)
        (low_q, high_q), (low_1, high_1) = self.log_power_sum(q * t), self.log_power_sum(t)
        share = q / (1.0 - q)
        ends = [low_q / (1.0 - q) - share * high_1, high_q / (1.0 - q) - share * low_1]
        # Near q = 1 the two terms are large and nearly cancel.
        rounding = EPS * (abs(low_q) / abs(1.0 - q) + abs(share * low_1))
        return self._clip(min(ends) - rounding, max(ends) + rounding)

    def count(self, t: float, floor: float) -> Bounds:
        """Bounds of the number of eigenvalues with lambda^t > floor: how many more the rest could lift above it."""
        threshold = floor ** min(1.0 / t, MOST)
        least = int(np.count_nonzero(self.values > threshold))
        missing = np.concatenate([threshold - self.values[least:], np.full(self.n - len(self.values), threshold)])
        return float(least), float(least + np.count_nonzero(np.cumsum(missing) <= self.rest))

    def _clip(self, low: float, high: float) -> Bounds:
        return max(0.0, low - ROUNDING), min(math.log(self.n), high + ROUNDING)


def _positive(measure: Measure) -> Measure:
    nodes, weights = measure
    return nodes[nodes > 0], weights[nodes > 0]


def _log_power_sum(measure: Measure, a: float) -> float:
    nodes, weights = _positive(measure)
    return a * math.log(nodes.max()) + math.log(float(weights @ np.exp(_logs(nodes, a))))


def _logs(nodes: Matrix, a: float) -> Matrix:
    """A log of the nodes over the largest, finite, so that 0 log 0 is 0."""
    logs: Matrix = a * np.maximum(np.log(nodes / nodes.max()), -MOST / 2.0 / max(a, 1.0))
    return logs


def _shannon(measure: Measure, t: float) -> float:
    nodes, weights = _positive(measure)
    logs = _logs(nodes, t)
    total = float(weights @ np.exp(logs))
    return math.log(total) - float(weights @ (np.exp(logs) * logs)) / total


def _renyi(measure: Measure, q: float) -> float:
    nodes, weights = _positive(measure)
    log_largest = math.log(float(nodes.max() / (weights @ nodes)))
    if q == math.inf:
        return -log_largest
    if abs(q - 1.0) < NEAR_1:
        logs = _logs(nodes, 1.0) + log_largest
        return -math.log1p(float(weights @ (np.exp(logs) * np.expm1((q - 1.0) * logs)))) / (q - 1.0)
    return log_largest * (q / (1.0 - q)) + math.log(float(weights @ np.exp(_logs(nodes, q)))) / (1.0 - q)


def _binary_entropy(x: float) -> float:
    return 0.0 if x <= 0.0 else -x * math.log(x) - (1.0 - x) * math.log(1.0 - x)
