"""Stochastic Lanczos quadrature: the spectrum as a measure, with a standard error for everything read off it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from diffspec._arrays import namespace, number
from diffspec._checks import integer, positive, shown, store
from diffspec.errors import InputError
from diffspec.machine.threads import single_threaded_blas
from diffspec.operators.dense import Operator, in_float32, rounding_is_harmless
from diffspec.operators.pieces import work_of
from diffspec.results.estimate import BIT, NATS_PER
from diffspec.solvers._calibrate import Known, measure
from diffspec.solvers._krylov import (
    Krylov,
    Matrix,
    gaussian,
    holds,
    too_large,
    whole_spectrum,
    work_of_whole,
)
from diffspec.solvers._whole import are_held, by_pieces, spectrum_of
from diffspec.spectra.spectrum import Spectrum, check_time, padded, shannon_stderr, truncation

__all__ = ["Lanczos"]

Rule: TypeAlias = tuple[Matrix, Matrix]
"""Nodes (k,), and the weights that each direction gives them: the squares of the first rows of the eigenvectors."""

# One rule is compared with another after about this many steps, and then ever more seldom.
FIRST_CHECK = 4
# All eigenvalues take no longer than a round whose space is this share of the order, or of the order of one array that
# costs as much as all pieces: small eigenproblems have all their vectors, two of them at every check, or seven of an
# indefinite operator.
SPACE, SPACE_INDEFINITE = 1.0 / 3.0, 1.0 / 4.0

# All eigenvalues of pieces of this order cost as much as a round does, per point.
PIECE = 2000.0

SHORT = "memory= holds no more vectors of the solver"

# A product in float32 leaves about this, as a share of the largest eigenvalue, in place of smaller ones.
NOISE, EPS32 = 2e-8, float(np.finfo(np.float32).eps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanczos:
    """A few hundred products with the operator instead of all eigenvalues, with a stated standard error.

    The trace of f(A) is split. On a block Krylov space Q that a random start spans after `power` products, tr Q'f(A)Q
    needs no sampling; the rest is estimated by quadratic forms z'f(A)z with random orthonormal z orthogonal to Q. Both
    are read off one block Krylov space (Gauss rule). tr A and tr A^2 are known exactly and correct every probe by
    regression on the other probes, which keeps it unbiased. Of a graph of neighbours the eigenvectors of eigenvalue 1
    are known too, one for each of its pieces; Q and z are orthogonal to them.

    Parameters
    ----------
    tol : float or None
        Standard error, in bits, that the entropy shall reach at all `times`. Probes and deflating vectors are doubled
        until it does, or until `most` probes are used: the verdict of the estimate then says that it did not. None: one
        round with the numbers given.
    probes, deflation : int
        Random probes, at least 2, and vectors that start the deflating space, in the first round.
    power : int
        Products that build the deflating space; its dimension is deflation * (power + 1).
    steps : int
        Most products after that. With `tol` they stop as soon as other rules, and half of the steps where the operator
        is indefinite, tell that what is left is below half of the standard error, or a two-hundredth of `tol`.
    times : tuple of float
        Diffusion times at which `tol` is to hold; the spectrum answers every time, with the error that it then has.
    most : int
        Most probes.

    Notes
    -----
    Time (power + steps) products with about deflation + probes vectors, memory n (deflation (power + steps) + probes
    steps) float64. An operator no larger than the space asked for is solved exactly, and so is one that falls into
    pieces of up to some 2000 points. So is one whose next round would cost as much, where memory holds 2 n^2 float64 or
    as much of the largest piece for each core: n^3 operations, at t = 1 often up to 10,000 points. For a positive
    semi-definite operator and t = 1 the Gauss rule lies above and the Gauss-Radau rule below the exact quadratic forms.
    So their difference, kept as `check`, bounds what few steps cost. For other t, Renyi orders and counts it only
    indicates it. For an indefinite operator it does so too: |x| has its kink among the eigenvalues, and the estimate is
    the mean of four rules whose nodes interlace, which at t = 3 takes about half of the steps.

    When *not* to use it: below about 2000 points, where `Exact` is as fast; and for counts at a floor inside the bulk
    of the spectrum, whose nodes are few.

    References
    ----------
    ubaru2017slq, meyer2021hutchpp, chen2022krylov, golub2010matrices, fenu2013block.
    """

    tol: float | None = 1e-3
    probes: int = 16
    deflation: int = 16
    power: int = 3
    steps: int = 24
    times: tuple[float, ...] = (1.0,)
    most: int = 128

    def __post_init__(self) -> None:
        if self.tol is not None:
            store(self, tol=positive(self.tol, "tol", hint="it is a standard error in bits; None takes one round"))
        for name, least in (("probes", 2), ("deflation", 1), ("power", 0), ("steps", 2), ("most", 2)):
            store(self, **{name: integer(getattr(self, name), name, least=least)})
        if isinstance(self.times, str) or not isinstance(self.times, Iterable):
            raise InputError(f"times must be a tuple of positive numbers, got {shown(self.times)}; write times=(1.0,)")
        store(self, times=tuple(check_time(t) for t in self.times))

    def __call__(self, operator: Operator, rng: np.random.Generator) -> Spectrum:
        """The spectrum of `operator` as nodes and calibrated weights; probes come from `rng`."""
        return padded(self._solved(operator, rng), operator.n)

    def _solved(self, operator: Operator, rng: np.random.Generator) -> Spectrum:
        """The same without eigenvalues that are known to be 0: a rule of few nodes would spread them."""
        pieces = operator.pieces()
        if pieces is not None and work_of(pieces) <= PIECE**2 * operator.n and are_held(pieces):
            return spectrum_of(by_pieces(operator, pieces), operator)
        operator, given = operator.ready(), operator
        steady = operator.steady(pieces if operator is given else operator.pieces())
        wide = replace(Known.of(operator), steady=steady)
        known = replace(wide, rounding=EPS32) if in_float32(operator) else wide
        settings = self
        while True:
            found, width = settings._round(operator, known, rng)
            if known is not wide and not rounding_is_harmless(operator) and self._rounded(found):
                known = wide
                continue
            if found.samples is None or self.tol is None:
                return found
            enough, last = _within(shannon_stderr, found, self, self.tol), 2 * settings.probes > self.most
            exactly = not (last or (enough and _within(truncation, found, self, self.tol)))
            if exactly and work_of_whole(operator) <= (2 * width / _share(found)) ** 3:
                return whole_spectrum(operator)
            if enough or last:
                return replace(found, tol=self.tol)
            settings = replace(settings, probes=2 * settings.probes, deflation=2 * settings.deflation)
            if not holds(operator, settings._width()):
                return replace(found, tol=self.tol, remark=SHORT)

    @property
    def _fixed(self) -> int:
        """The dimension of the deflating space."""
        return self.deflation * (self.power + 1)

    def _width(self) -> int:
        """About how many basis vectors a round ends with."""
        return self._fixed + (self.deflation + self.probes) * 10

    def _round(self, operator: Operator, known: Known, rng: np.random.Generator) -> tuple[Spectrum, int]:
        """One estimate with these numbers of probes and deflating vectors, and how many basis vectors it took."""
        if self._fixed + self.deflation + self.probes >= known.unknown:
            return whole_spectrum(operator), operator.n
        short = known.rounding == EPS32
        space = Krylov(operator, gaussian(operator, self.deflation, rng), in_float32=short, beside=known.steady)
        for _ in range(self.power):
            space.step()
        space.step(join=gaussian(operator, self.probes, rng))
        if not holds(operator, space.width + FIRST_CHECK * (self.deflation + self.probes)):
            raise too_large(operator, self._width())
        for steps in self._checks():
            while space.steps < self.power + 1 + steps and (space.fits() or space.steps < self.power + FIRST_CHECK):
                if space.width + self.deflation + self.probes > known.unknown:
                    return whole_spectrum(operator), operator.n
                space.step()
            with single_threaded_blas():
                found = self._read(space, known)
            if (self.tol is not None and self._resolved(found)) or space.steps < self.power + 1 + steps:
                break
        return found, space.width

    def _read(self, space: Krylov, known: Known) -> Spectrum:
        """The spectrum by the Gauss rule and, as its `check`, by the Gauss-Radau rule.

        If indefinite, |x| has its kink inside the spectrum: the mean of four rules; as checks the mean of two of them
        and the Gauss rule; and `halved`.
        """
        fixed = self._fixed
        rows = slice(fixed + self.probes)

        def solved(small: Matrix) -> Rule:
            nodes, vectors = np.linalg.eigh(small)
            return nodes, vectors[rows] ** 2

        gauss = space.gauss()
        nodes, vectors = np.linalg.eigh(gauss)
        found = _measured(known, [(nodes, vectors[rows] ** 2)], fixed)
        if nodes[0] >= -found.floor:
            return replace(found, check=_measured(known, [solved(space.radau(gauss, nodes, vectors))], fixed))
        del vectors
        alone = self.power + 1
        half = alone + max(2, (space.steps - alone) // 2)
        # One after another: side by side each core would hold arrays of its own.
        rules = [solved(small) for steps in (space.steps, half) for small in space.interlaced(steps)]
        return replace(
            _measured(known, rules[:4], fixed),
            negative=float(nodes[0]),
            check=replace(_measured(known, rules[:2], fixed), check=found),
            halved=_measured(known, rules[4:], fixed),
        )

    def _resolved(self, found: Spectrum) -> bool:
        """Whether few steps cost less than the probes do, so that the stated error is the whole error."""
        return all(truncation(found, t) <= self._negligible(found, t) for t in self.times)

    def _rounded(self, found: Spectrum) -> bool:
        """Whether products in float32 may have cost more than that."""
        return any(_noise(found, t) > self._negligible(found, t) for t in self.times)

    def _negligible(self, found: Spectrum, t: float) -> float:
        """Nats that do not count beside the standard error, or beside the tolerance."""
        return max((self.tol or 1e-3) / 200.0 * NATS_PER[BIT], (shannon_stderr(found, t) or 0.0) / 2.0)

    def _checks(self) -> list[int]:
        """Numbers of steps after which the rules are compared; without a tolerance only the last."""
        checks = [self.steps]
        while self.tol is not None and checks[0] > FIRST_CHECK + 1:
            checks.insert(0, max(FIRST_CHECK, 3 * checks[0] // 4))
        return checks


def _noise(found: Spectrum, t: float) -> float:
    """What the entropy, in nats, gains where NOISE stands in place of every smaller eigenvalue."""
    xp = namespace(found.nodes)
    largest = float(xp.max(found.nodes))
    lost = number(xp.sum(xp.where(found.nodes < 1e3 * NOISE * largest, found.weights, xp.zeros_like(found.weights))))
    total = number(xp.sum(found.weights * (found.nodes / largest) ** t))
    return abs(lost) * math.pow(NOISE, t) * t * -math.log(NOISE) / total


def _within(error: Callable[[Spectrum, float], float | None], found: Spectrum, solver: Lanczos, bits: float) -> bool:
    return all((error(found, t) or 0.0) <= bits * NATS_PER[BIT] for t in solver.times)


def _share(found: Spectrum) -> float:
    """The share of the order at which a space costs as much as all eigenvalues."""
    return SPACE_INDEFINITE if found.negative else SPACE


def _measured(known: Known, rules: Sequence[Rule], fixed: int) -> Spectrum:
    """The spectrum from the mean of rules; of their directions the first `fixed` deflate, the others are probes."""
    nodes = np.concatenate([nodes for nodes, _weights in rules])
    weights = np.concatenate([weights for _nodes, weights in rules], axis=1) / len(rules)
    exact, sampled = weights[:fixed].sum(axis=0), (known.unknown - fixed) * weights[fixed:]
    if steady := known.n - known.unknown:
        nodes, exact = np.append(nodes, 1.0), np.append(exact, float(steady))
        sampled = np.pad(sampled, ((0, 0), (0, 1)))
    return measure(known, nodes, exact, sampled)
