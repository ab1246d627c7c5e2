"""How far an entropy or an information would move with other points of the same kind: intervals from subsets.

The bootstrap is no help here: a point that is drawn twice is a pair at distance 0, which no fresh sample holds, and the
graph of such points has another spectrum. So subsets are drawn without replacement (the delete-d jackknife).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from diffspec._arrays import Array, as_points, is_numpy
from diffspec._checks import Seed, integer, real, seed_of, shown, store
from diffspec.errors import InputError
from diffspec.inference.measure import Matrix, Measure, Subset
from diffspec.kernels import AlphaDecay, Kernel
from diffspec.machine.memory import within_memory
from diffspec.machine.threads import one_by_one, parallel_map
from diffspec.measures.asked import asked
from diffspec.measures.estimators import Adjusted, Estimator, Matched, check_estimator
from diffspec.points.groups import Grouping, Partition, check_grouping, partition_of
from diffspec.results.estimate import Estimate, Settings
from diffspec.results.records import Record
from diffspec.results.verdicts import INFORMATIVE, by_chance, in_percent
from diffspec.solvers import Solver

__all__ = ["Interval", "Resamples", "drawn", "interval", "is_local", "share_for"]

# A value of a graph is a sum of local parts, and subsets differ by more than the sampling does: larger ones by more (a
# variance 2 to 3 times too large at 0.8). A width is a property of all points, and wants large subsets.
LOCAL_SHARE, GLOBAL_SHARE = 0.5, 0.8
# By which power of 1 - share the variance between subsets of a sample is less than that of fresh ones: 1 of a sum over
# points, 0 of a sum of what many points give together. The adjusted information lies between, up to the first of these
# numbers of points, and comes to the former by the second, as the neighbourhoods become a smaller share of the points
# (benchmarks/coverage.py).
SHARED, BETWEEN = 1.0 / 3.0, (400, 2000)
# n times its variance grows with n where few points lie between groups, threefold from 300 to 2000 points, and falls a
# little elsewhere. By this power of n in the mean over six sets; halves were right without.
GROWN = 0.2
FEWEST = 20
"""Points below which no interval is given: a fifth of them left out would be fewer than four."""
# Points of a subset up to which cores only wait for one another: most of the work is the interpreter's.
ALONE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval(Record):
    """A value with the interval that its expectation over fresh samples of the same size lies in."""

    measure: str
    value: float
    low: float
    high: float
    unit: str
    level: float
    stderr: float
    """Standard error from the sampling of the points and, of an information, of the matched subsets."""
    n: int
    resamples: int
    share: float
    """Of the points, how many each resample kept."""
    settings: Settings
    verdict: str = ""

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        text = f"{self.measure} = {self.value:.4g} {self.unit}, {in_percent(self.level)} interval"
        text += f" {self.low:.4g} to {self.high:.4g} (n = {self.n})"
        return text if self.verdict in ("", "informative") else f"{text}; {self.verdict}"


@within_memory
def interval(
    points: Array,
    reference: Any = None,
    *,
    level: float = 0.95,
    resamples: int = 50,
    share: float | None = None,
    groups: Grouping | None = None,
    estimator: Estimator = Matched(),
    kernel: Kernel = AlphaDecay(),
    alpha: float = 0.5,
    t: float | None = None,
    solver: Solver | None = None,
    memory: float | None = None,
    tol: float = 1e-3,
    rng: Seed = 0,
) -> Interval:
    """A confidence interval of the DSE of `points`, or with a `reference` of their DSMI, from resampling the points.

    Delete-d jackknife: the measure is taken again on random subsets of m = share n points, without replacement, with
    the bandwidth rule resolved anew on each. Their variance times m / (n - m) estimates the variance of the value over
    fresh samples of n points; the interval is value +- Student's t times its root. It covers the mean of the measure
    over such samples, not its limit for n to infinity: the entropy grows with n.

    Parameters
    ----------
    points, groups, estimator, kernel, alpha, t, solver, memory, tol
        As for `dse` and `dsmi`.
    reference : optional
        As for `dsmi`; without it the measure is the DSE. Groups are found once, on all points.
    level : float
        Confidence in (0, 1).
    resamples : int
        Subsets, at least 10; 50 give the width to about 10 %.
    share : float, optional
        Of the points in each subset, up to 0.95. Default 0.5 for graphs of neighbours and 0.8 for kernels of one
        width, with which intervals were found to be neither too wide nor too narrow.
    rng : int or numpy.random.Generator or RandomState or None
        Draws the subsets of points, the matched subsets and the solver's probes.

    Returns
    -------
    Interval
        In bits; its value is that of `dse` or `dsmi` with the same seed.

    Raises
    ------
    InputError
        Input that cannot be used, or fewer than 20 points.

    Notes
    -----
    `resamples` times the cost of the measure on a fifth fewer points, side by side where those are over 100: about 25
    eigenproblems of order n for a DSE with `share` 0.8. Of kernels of local width one (n, n) array of distances is kept
    for all subsets, where memory holds six. Coverage over many seeds is in docs/significance.md: 94 to 100
    % for a nominal 95 % on the neighbour graph (DSMI: 93 to 98 %); with a rule for the width of one kernel mostly 92 to
    98 %, but too narrow (65 to 80 %) where a few points decide it: heavy tails, a far cluster of 5 % of the points. The
    probes of a stochastic solver are not told from the sampling and widen the interval.

    References
    ----------
    shao1989jackknife.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import interval
    >>> print(interval(np.random.default_rng(0).normal(size=(100, 3))))
    DSE = 5.155 bit, 95% interval 5.09 to 5.219 (n = 100)
    """
    points = as_points(points)
    how = asked(kernel, alpha=alpha, t=t, solver=solver, memory=memory, tol=tol)
    check_estimator(estimator, kernel)
    check_grouping(groups)
    partition = None if reference is None else partition_of(reference, groups, points.shape[0])
    local = partition is not None and is_local(estimator, kernel)
    resampled = Resamples(points.shape[0], resamples, share_for(kernel, share), level, local)
    measure = Measure(estimator, how)
    seed, part = seed_of(rng), measure.on_one_core(points)
    subsets = resampled.subsets(partition, seed)
    squared = measure.squared(points, subsets)
    found = measure.estimate(points, partition, seed, squared)
    draws = drawn(lambda subset: part(points, subset, squared), subsets, together=is_numpy(points))
    return _around(found, resampled, draws)


def _around(found: Estimate, resampled: Resamples, draws: Matrix) -> Interval:
    """The interval around an estimate, from the measure on subsets of its points."""
    stderr, hidden = resampled.stderr(draws)
    reach = resampled.quantile * stderr
    # An interval knows more of the error than the estimate did.
    doubt = "" if found.settings.partition is None else by_chance(found.value, stderr)
    told = found.verdict
    if doubt and told.startswith(INFORMATIVE):  # what follows, as of the error of the solver, stays
        told = doubt + told.removeprefix(INFORMATIVE)
    return Interval(
        measure=found.measure,
        value=found.value,
        low=found.value - reach,
        high=found.value + reach,
        unit=found.unit,
        level=resampled.level,
        stderr=stderr,
        n=found.n,
        resamples=resampled.count,
        share=resampled.share,
        settings=found.settings,
        verdict="; ".join(filter(None, [told, hidden])),
    )


@dataclass(frozen=True, slots=True)
class Resamples:
    """Random subsets of n points without replacement, and what the spread of a measure over them says."""

    n: int
    count: int
    share: float
    level: float
    local: bool = False
    """Whether the measure is mostly a sum of what many points give together (SHARED), not one over points."""

    def __post_init__(self) -> None:
        if not 0.0 < real(self.level) < 1.0:
            raise InputError(f"level must lie in (0, 1), got {shown(self.level)}; 0.95 is usual")
        if not 0.0 < real(self.share) <= 0.95:
            raise InputError(f"share must lie in (0, 0.95], got {shown(self.share)}; 0.5 to 0.8 is usual")
        count = integer(self.count, "resamples", least=10, hint="50 are usual")
        store(self, count=count, level=float(self.level), share=float(self.share))
        if self.n < FEWEST:
            raise InputError(f"resampling needs at least {FEWEST} points, got {self.n}; measure more points")
        if self.size < FEWEST / 2:
            raise InputError(f"share must keep at least {FEWEST // 2} points, got {self.size} of {self.n}; give more")

    @property
    def size(self) -> int:
        """Points in each subset."""
        return round(self.share * self.n)

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the standard error."""
        return self.count - 1

    @property
    def quantile(self) -> float:
        """By how many standard errors the interval reaches to each side."""
        return float(stdtrit(self.freedom, 0.5 + self.level / 2.0))

    @property
    def _summed(self) -> float:
        """How far the measure is a sum over points, from SHARED to 1: the power of 1 - share."""
        if not self.local:
            return 1.0
        return float(np.interp(math.log(self.n), np.log(BETWEEN), (SHARED, 1.0)))

    def subsets(self, partition: Partition | None, seed: int) -> list[Subset]:
        """The subsets, each with a seed of its own."""
        (generator,) = np.random.default_rng(seed).spawn(1)
        kept = [np.sort(generator.choice(self.n, size=self.size, replace=False)) for _ in range(self.count)]
        seeds = generator.integers(2**63, size=self.count).tolist()
        return [Subset.of(partition, *drawn) for drawn in zip(kept, seeds, strict=True)]

    def stderr(self, draws: Matrix) -> tuple[float, str]:
        """Standard error of the measure on all n points, and a word where the noise of the measure hides it.

        Every row of `draws` holds independent repetitions on one subset of points. Their noise is part of the spread
        between subsets but does not shrink as that does: it is taken out, and added again for n points.
        """
        repetitions = draws.shape[1]
        noise = float(np.mean(np.var(draws, axis=1, ddof=1))) / repetitions if repetitions > 1 else 0.0
        between = float(np.var(np.mean(draws, axis=1), ddof=1)) - noise
        fresh = (1.0 - self.share) ** self._summed
        if self.local:
            fresh *= min(1.0, self.share / LOCAL_SHARE) ** GROWN
        hidden = "the matched subsets' noise hides that of the points, give Matched more repetitions"
        variance = self.size / self.n * (max(0.0, between) / fresh + noise)
        return math.sqrt(variance), hidden if between < 0 else ""


def drawn(measure: Callable[[Subset], Matrix], subsets: Sequence[Subset], *, together: bool) -> Matrix:
    """`measure` of every subset, shape (subsets, repetitions); `together` on all cores where that is faster."""
    every = parallel_map if len(subsets[0].kept) > ALONE else one_by_one
    return np.array(every(measure, subsets) if together else list(map(measure, subsets)))


def is_local(estimator: Estimator, kernel: Kernel) -> bool:
    """Whether an information has the spread of a `local` measure: found so of the adjusted one on neighbour graphs."""
    return isinstance(estimator, Adjusted) and kernel.semidefinite is False


def share_for(kernel: Kernel, share: float | None) -> float:
    """`share`, or the one for `kernel` where it is None."""
    if share is not None:
        return share
    return LOCAL_SHARE if kernel.semidefinite is False else GLOBAL_SHARE
