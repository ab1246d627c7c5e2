"""A spectrum is a discrete measure; every entropy is a plain function of it.

A solver returns nodes theta_k and weights w_k with sum_k w_k f(theta_k) ~ tr f(A). For exact eigenvalues all weights
are 1. One decomposition answers every question: any diffusion time, any Renyi order, counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from diffspec._arrays import Array, namespace, number, to_numpy
from diffspec.errors import InputError
from diffspec.results.estimate import BIT, COUNT, NATS_PER, Estimate, Settings
from diffspec.results.records import Told
from diffspec.results.verdicts import beside, few_points, few_steps, kernel_state
from diffspec.spectra.extremes import Extremes
from diffspec.spectra.functionals import (
    above,
    check_floor,
    check_order,
    check_time,
    count,
    count_stderr,
    entropy_of,
    renyi,
    renyi_stderr,
    renyi_truncation,
    shannon,
    shannon_stderr,
    truncation,
)
from diffspec.spectra.missed import Missed, missed
from diffspec.spectra.perturbation import Perturbation
from diffspec.spectra.rounding import renyi_rounding, shannon_rounding, whole_error

__all__ = [
    "Spectrum",
    "check_time",
    "count",
    "count_stderr",
    "entropy_of",
    "padded",
    "renyi",
    "renyi_stderr",
    "shannon",
    "shannon_stderr",
    "truncation",
    "whole_error",
]


# The 95 % interval of a count was found to cover 94 % of exact values where a node beside the floor stands for 1.3 to
# 1.5 eigenvalues, 89 % at 1.5 to 2 and 79 % at 2 to 3.
MOST_PER_NODE = 1.5


EPS = 2.0**-52

# Bits that rounding may cost before the verdict speaks of it.
ROUNDING = 1e-3


@dataclass(frozen=True, slots=True)
class Errors:
    """What an entropy may be off by, in nats, by cause."""

    probes: float | None
    """Standard error from random probes, None where there are none."""
    rounding: float
    """The same from float32 affinities, 0 where there are none."""
    truncation: float
    """What few steps or moments may have cost."""
    missed: float = 0.0
    """Standard error from neighbours that a search missed, 0 where it missed none."""

    @property
    def stderr(self) -> float | None:
        """Probes, rounding and missed neighbours together, None where none is there."""
        if self.probes is None and self.rounding == 0.0 and self.missed == 0.0:
            return None
        return math.hypot(self.probes or 0.0, self.rounding, self.missed)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spectrum(Told):
    """Eigenvalues of a diffusion operator, as nodes with weights, and the settings that led to them.

    The methods give Estimates in bits, at the time that the spectrum was asked for unless given another; the functions
    of this module of the same names give nats as plain floats.
    """

    nodes: Array
    """Absolute eigenvalues, shape (k,), descending; what lies under the floor of rounding is exactly 0."""
    weights: Array
    """How many eigenvalues each node stands for, shape (k,)."""
    n: int
    """Order of the operator: the number of points; the weights sum to it."""
    floor: float = 0.0
    """Absolute eigenvalues at or below this were rounding noise of the solver and were set to 0."""
    rounding: float = 0.0
    """About how far an eigenvalue is off because the affinities were computed in float32; 0 where they were not."""
    negative: float = 0.0
    """The lowest eigenvalue before absolute values were taken, if below 0; 0 for a kernel that is known for it."""
    settings: Settings | None = None
    remark: str = ""
    """What the solver has to say of its error, besides."""
    advice: str = ""
    """What to do where the kernel told nothing at the time that the spectrum was asked for."""
    samples: Array | None = None
    """Of a stochastic solver: p independent estimates of the weights, shape (p, k). The weights are their mean, and
    value +- 1.96 standard errors of that mean is a 95 % interval."""
    check: Spectrum | None = None
    """The same probes by a second rule: the difference shows what few steps (or few moments) may have cost."""
    halved: Spectrum | None = None
    """The same with half of the steps (or moments), which spreads eigenvalues that pile up at 0 further."""
    perturbation: Perturbation | None = None
    """How far the operator may be from the one it stands for (a thresholded kernel), which gives guaranteed bounds."""
    missed: Missed | None = None
    """Where a search for neighbours missed some: what a narrower one gives, from which their cost is seen."""
    extremes: Extremes | None = None
    """Of a low-rank solver: what its unresolved trace leaves open, which gives guaranteed bounds."""
    tol: float | None = None
    """The standard error, in bits, that the solver was asked to reach."""

    def __str__(self) -> str:
        largest, least = number(self.nodes[0]), number(self.nodes[-1])
        how = "" if self.settings is None else f" by {self.settings.solver}, {self.settings.kernel}"
        return f"spectrum of {self.n} eigenvalues in {self.nodes.shape[0]} nodes from {largest:.4g} to {least:.4g}{how}"

    def shannon(self, t: float | None = None) -> Estimate:
        """Diffusion spectral entropy at diffusion time `t`, in bits (Eqn 6 of the paper)."""
        t = self._time(t)
        nats, probes, rounding = shannon(self, t), shannon_stderr(self, t), shannon_rounding(self, t)
        lost = missed(self, lambda one: shannon(one, t))
        errors = Errors(probes, rounding, truncation(self, t), lost)
        return self._entropy("DSE", nats, t, errors=errors, bounds=self._bounds(nats, t))

    def renyi(self, q: float, t: float | None = None) -> Estimate:
        """Renyi entropy of order `q` of the same probabilities, in bits; q = 1 is `shannon`."""
        q, t = check_order(q), self._time(t)
        lost = missed(self, lambda one: renyi(one, q, t))
        errors = Errors(renyi_stderr(self, q, t), renyi_rounding(self, q, t), renyi_truncation(self, q, t), lost)
        bounds = None if self.extremes is None else self.extremes.renyi(q, t)
        measure = f"Renyi entropy (q = {q:g})"
        return self._entropy(measure, renyi(self, q, t), t, errors=errors, bounds=bounds)

    def count(self, t: float | None = None, floor: float = 0.01) -> Estimate:
        """How many |eigenvalue|^t lie above `floor`; at large t the number of well-separated clusters.

        From a stochastic solver it has a standard error where the nodes beside the floor stand for one eigenvalue each.
        Elsewhere the error is that of the quadrature, of unknown size: then there is none, and the verdict says so.
        """
        t = self._time(t)
        floor = check_floor(floor)
        blur = self._blur(t, floor)
        return Estimate(
            measure=f"eigenvalues above {floor:g}",
            value=count(self, t, floor),
            unit=COUNT,
            n=self.n,
            stderr=None if blur else count_stderr(self, t, floor),
            bounds=None if self.extremes is None else self.extremes.count(t, floor),
            ceiling=float(self.n),
            settings=self._settings(t),
            verdict="; ".join(filter(None, [self._told(shannon(self, t), t), blur])),
            spectrum=self,
        )

    def effective_rank(self, t: float | None = None) -> float:
        """exp(entropy): how many equal eigenvalues would have the entropy at time `t`."""
        return math.exp(shannon(self, self._time(t)))

    def _entropy(
        self, measure: str, nats: float, t: float, *, errors: Errors, bounds: tuple[float, float] | None
    ) -> Estimate:
        bit = NATS_PER[BIT]
        return Estimate(
            measure=measure,
            value=nats / bit,
            unit=BIT,
            n=self.n,
            stderr=None if errors.stderr is None else errors.stderr / bit,
            bounds=None if bounds is None else (bounds[0] / bit, bounds[1] / bit),
            ceiling=math.log2(self.n),
            settings=self._settings(t),
            verdict="; ".join([self._told(nats, t), *self._errors(errors)]),
            spectrum=self,
        )

    def _bounds(self, nats: float, t: float) -> tuple[float, float] | None:
        """What the Shannon entropy is guaranteed to lie within, its standard error apart; None for an exact solver."""
        low, high = (nats, nats) if self.extremes is None else self.extremes.shannon(t)
        if self.perturbation is None:
            return None if self.extremes is None else (low, high)
        xp = namespace(self.nodes)
        below_1 = xp.clip(self.nodes, None, 1.0)  # as the operator's eigenvalues are, but for rounding
        known = 0.0 if self.samples is not None else number(xp.sum(self.weights * below_1 ** float(t)))
        # Whoever sums the same eigenvalues in another order is off by so much.
        rounding = EPS * self.n * math.log(self.n)
        gap = self.perturbation.entropy(t, known) + rounding
        return max(0.0, low - gap), min(math.log(self.n), high + gap)

    def _blur(self, t: float, floor: float) -> str:
        """In words, how many eigenvalues one node beside the floor of a count stands for, where that is many."""
        if self.samples is None:
            return ""
        # Chebyshev, Markov and Stieltjes: quadrature gives a distribution function to within the weight of a node.
        last = int(np.count_nonzero(to_numpy(above(self, t, floor))))
        largest = float(np.max(to_numpy(self.weights)[max(0, last - 1) : last + 1]))
        if largest <= MOST_PER_NODE:
            return ""
        return f"a single node at the floor stands for {largest:.1f} eigenvalues, so the count has no standard error"

    def _told(self, nats: float, t: float) -> str:
        """The verdict on an entropy of `nats` at time `t`."""
        limit = math.log(self.n) or 1.0
        asked = t == self._time(None)
        state = kernel_state(nats / limit, t, first=shannon(self) / limit, advice=lambda: self.advice if asked else "")
        return beside(few_points(self.n), state)

    def _errors(self, errors: Errors) -> list[str]:
        """In words where the tolerance was not reached or another error is larger."""
        bit, tol = NATS_PER[BIT], self.tol or 0.0
        error, truncated, rounding = (errors.probes or 0.0) / bit, errors.truncation / bit, errors.rounding / bit
        parts = [self.remark] if self.remark else []
        if self.negative:
            parts.append(f"the operator has negative eigenvalues (to {self.negative:.2g}): absolute values are used")
        if self.tol is not None and error > self.tol:
            parts.append(f"tolerance not reached: standard error {error:.2g} above tol = {self.tol:g}, use more probes")
        if rounding > max(tol, ROUNDING, error):
            parts.append(f"affinities in float32 cost about {rounding:.2g} bit of the stated error, use Exact()")
        if self.missed is not None and errors.missed / bit > max(tol, ROUNDING, error):
            parts.append(f"{self.missed.said}, which costs about {errors.missed / bit:.2g} bit of the stated error")
        return [*parts, *filter(None, [few_steps(truncated, tol, error)])]

    def _time(self, t: float | None) -> float:
        """`t`, or where it is None the time that the spectrum was asked for, or 1."""
        if t is not None:
            return check_time(t)
        return 1.0 if self.settings is None or self.settings.t is None else self.settings.t

    def _settings(self, t: float) -> Settings:
        if self.settings is None:
            raise InputError(
                "this spectrum has no settings; take it from diffspec.spectrum(points), or use the functions"
            )
        return replace(self.settings, t=float(t))


def padded(found: Spectrum, n: int) -> Spectrum:
    """The spectrum of all `n` points: what was `found` of the different ones, and zeros."""
    if found.n == n:
        return found
    xp = namespace(found.nodes)
    zeros = float(n - found.n)
    column = None if found.samples is None else xp.full((found.samples.shape[0], 1), zeros, dtype=found.samples.dtype)
    return replace(
        found,
        n=n,
        nodes=xp.concat([found.nodes, xp.zeros(1, dtype=found.nodes.dtype)]),
        weights=xp.concat([found.weights, xp.full(1, zeros, dtype=found.weights.dtype)]),
        samples=None if column is None else xp.concat([found.samples, column], axis=1),
        check=None if found.check is None else padded(found.check, n),
        halved=None if found.halved is None else padded(found.halved, n),
    )
