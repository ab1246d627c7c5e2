"""A spectrum is a discrete measure; every entropy is a plain function of it.

A solver returns nodes theta_k and weights w_k with sum_k w_k f(theta_k) ~ tr f(A). For exact eigenvalues all weights
are 1. One decomposition answers every question: any diffusion time, any Renyi order, counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from diffspec._arrays import Array, namespace
from diffspec.errors import InputError
from diffspec.result import BIT, COUNT, NATS_PER, Estimate, Settings

__all__ = ["Spectrum", "check_time", "count", "renyi", "shannon"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spectrum:
    """Eigenvalues of a diffusion operator, as nodes with weights, and the settings that led to them.

    The methods give Estimates in bits; the functions of this module of the same names give nats as plain floats.
    """

    nodes: Array
    """Absolute eigenvalues, shape (k,), descending; what lies under the floor of rounding is exactly 0."""
    weights: Array
    """How many eigenvalues each node stands for, shape (k,)."""
    n: int
    """Order of the operator: the number of points; the weights sum to it."""
    floor: float = 0.0
    """Absolute eigenvalues at or below this were rounding noise of the solver and were set to 0."""
    settings: Settings | None = None
    verdict: str = ""

    def shannon(self, t: float = 1.0) -> Estimate:
        """Diffusion spectral entropy at diffusion time `t`, in bits (Eqn 6 of the paper)."""
        return self._entropy("DSE", shannon(self, t), t)

    def renyi(self, q: float, t: float = 1.0) -> Estimate:
        """Renyi entropy of order `q` of the same probabilities, in bits; q = 1 is `shannon`."""
        return self._entropy(f"Renyi entropy (q = {q:g})", renyi(self, q, t), t)

    def count(self, t: float = 1.0, floor: float = 0.01) -> Estimate:
        """How many |eigenvalue|^t lie above `floor`; at large t the number of well-separated clusters."""
        return Estimate(
            measure=f"eigenvalues above {floor:g}",
            value=count(self, t, floor),
            unit=COUNT,
            n=self.n,
            ceiling=float(self.n),
            settings=self._settings(t),
            verdict=self.verdict,
            spectrum=self,
        )

    def effective_rank(self, t: float = 1.0) -> float:
        """exp(entropy): how many equal eigenvalues would have the entropy at time `t`."""
        return math.exp(shannon(self, t))

    def _entropy(self, measure: str, nats: float, t: float) -> Estimate:
        return Estimate(
            measure=measure,
            value=nats / NATS_PER[BIT],
            unit=BIT,
            n=self.n,
            ceiling=math.log2(self.n),
            settings=self._settings(t),
            verdict=self.verdict,
            spectrum=self,
        )

    def _settings(self, t: float) -> Settings:
        if self.settings is None:
            raise InputError(
                "this spectrum has no settings; take it from diffspec.spectrum(points), or use the functions"
            )
        return replace(self.settings, t=float(t))


def shannon(spectrum: Spectrum, t: float = 1.0) -> float:
    """-sum p log p in nats, with p = |lambda|^t / sum |lambda|^t (Eqn 6 of the paper); 0 log 0 = 0.

    Written as two spectral sums, H = log Z - G/Z with Z = sum r^t, G = sum r^t log r^t and r = |lambda| / max, so that
    one non-zero eigenvalue gives exactly 0 and n equal ones exactly log n. O(k).
    """
    log_powers, weights = _log_powers(spectrum, t)
    xp = namespace(log_powers)
    powers = weights * xp.exp(log_powers)
    total = float(xp.sum(powers))
    return math.log(total) - float(xp.sum(powers * log_powers)) / total


def renyi(spectrum: Spectrum, q: float, t: float = 1.0) -> float:
    """log(sum p^q) / (1 - q) in nats, q >= 0; q = 1 is Shannon's and q = inf the min-entropy, as limits. O(k)."""
    if not q >= 0:
        raise InputError(f"q must be at least 0, got {q!r}")
    if q == 1:
        return shannon(spectrum, t)
    log_powers, weights = _log_powers(spectrum, t)
    xp = namespace(log_powers)
    log_total = math.log(float(xp.sum(weights * xp.exp(log_powers))))
    if q == math.inf:
        return log_total
    return (math.log(float(xp.sum(weights * xp.exp(q * log_powers)))) - q * log_total) / (1.0 - q)


def count(spectrum: Spectrum, t: float = 1.0, floor: float = 0.01) -> float:
    """The weight of the nodes with |lambda|^t > floor. O(k)."""
    check_time(t)
    if not 0.0 <= floor < 1.0:
        raise InputError(f"floor must lie in [0, 1), got {floor!r}")
    xp = namespace(spectrum.nodes)
    above = spectrum.nodes**t > floor
    return float(xp.sum(xp.where(above, spectrum.weights, xp.zeros_like(spectrum.weights))))


def check_time(t: float) -> float:
    """`t` as a float, or InputError where it is no positive number."""
    try:
        good = 0.0 < float(t) < math.inf
    except (TypeError, ValueError):
        good = False
    if not good:
        raise InputError(f"t must be a positive number, got {t!r}; t = 1 is one step of diffusion")
    return float(t)


def _log_powers(spectrum: Spectrum, t: float) -> tuple[Array, Array]:
    """T log(|lambda| / max) of the non-zero nodes, and their weights."""
    check_time(t)
    xp = namespace(spectrum.nodes)
    positive = spectrum.nodes > 0
    nodes = spectrum.nodes[positive]
    return float(t) * xp.log(nodes / xp.max(nodes)), spectrum.weights[positive]
