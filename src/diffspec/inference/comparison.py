"""Do two representations of the same points differ? Their difference with a paired interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scipy.special import stdtr

from diffspec._arrays import Array, as_points
from diffspec._checks import Seed, seed_of
from diffspec.errors import InputError
from diffspec.inference.measure import Matrix, Measure
from diffspec.inference.resampling import Resamples, is_local, share_for
from diffspec.inference.together import measured_together
from diffspec.kernels import AlphaDecay, Kernel
from diffspec.machine.memory import within_memory
from diffspec.measures.asked import asked
from diffspec.measures.estimators import Estimator, Matched, check_estimator
from diffspec.points.groups import Grouping, check_grouping, partition_of
from diffspec.results.estimate import Estimate, Settings
from diffspec.results.records import Record
from diffspec.solvers import Solver

__all__ = ["Comparison", "compare", "p_value_between"]

# Values that differ by less, in bits, are equal up to the rounding of the eigenvalues.
ROUNDING = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Record):
    """Two representations of the same points: first - second, and what the sampling of the points leaves of it."""

    measure: str
    first: float
    second: float
    difference: float
    """first - second, in `unit`."""
    low: float
    high: float
    unit: str
    level: float
    stderr: float
    """Standard error of the difference, from resampling the points of both at once."""
    p_value: float
    """Two-sided, of the hypothesis that the two measures are equal on average over samples of n points."""
    n: int
    resamples: int
    first_settings: Settings
    second_settings: Settings
    verdict: str = ""

    def __float__(self) -> float:
        return self.difference

    def __str__(self) -> str:
        return self.verdict

    @property
    def differ(self) -> bool:
        """Whether 0 lies outside the interval."""
        return self.p_value < 1.0 - self.level


@within_memory
def compare(
    a: Array,
    b: Array,
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
) -> Comparison:
    """Whether two representations of the same points differ in DSE, or with a `reference` in DSMI.

    Both are measured on the same random subsets of the points (and with the same matched subsets), so that what they
    share cancels: the interval of the difference is far narrower than that of either value.

    Parameters
    ----------
    a, b : array (n, d), (n, e)
        Row i of both stands for the same point; two layers, two epochs, two networks.
    reference : optional
        As for `dsmi`; without it the measure is the DSE.
    level : float
        Confidence of the interval; the two differ where the p-value is below 1 - level.
    resamples, share, groups, estimator, kernel, alpha, t, solver, memory, tol, rng
        As for `interval`. A bandwidth rule is resolved on each representation by itself.

    Returns
    -------
    Comparison
        Difference in bits with interval, p-value and a verdict of one line.

    Raises
    ------
    InputError
        Unequal numbers of points, fewer than 20, or input that cannot be used.

    Notes
    -----
    Twice the cost of `interval`. Where the points of the two differ too (two data sets), there is no pairing: take an
    `interval` of each, at the same n, since DSE and DSMI grow with n (docs/choosing.md). With a bandwidth rule the
    scale of each representation drops out; give `Gaussian(sigma)` to keep it in. Among many comparisons some p-values
    are small by chance: divide 1 - level by their number.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import compare
    >>> rng = np.random.default_rng(0)
    >>> points = rng.normal(size=(100, 3))
    >>> print(compare(points, points[:, ::-1] + 0.01 * rng.normal(size=(100, 3))))
    no difference of DSE shown (0.0088 ± 0.022 bit, p = 0.43)
    >>> print(compare(points, points[:, :1]))
    a has the larger DSE (0.16 ± 0.071 bit, p = 3e-05)
    """
    a, b = as_points(a, name="a"), as_points(b, name="b")
    if a.shape[0] != b.shape[0]:
        raise InputError(
            f"a and b must hold the same points, got {a.shape[0]} and {b.shape[0]}; give two representations of "
            "one set, since values at different n are not comparable"
        )
    how = asked(kernel, alpha=alpha, t=t, solver=solver, memory=memory, tol=tol)
    check_estimator(estimator, kernel)
    check_grouping(groups)
    partition = None if reference is None else partition_of(reference, groups, a.shape[0])
    local = partition is not None and is_local(estimator, kernel)
    resampled = Resamples(a.shape[0], resamples, share_for(kernel, share), level, local)
    measure = Measure(estimator, how)
    seed = seed_of(rng)
    both = {"a": a, "b": b}
    (first, second), draws = measured_together(measure, both, partition, seed, resampled.subsets(partition, seed))
    return _compared(first, second, resampled, draws[:, 0] - draws[:, 1])


def _compared(first: Estimate, second: Estimate, resampled: Resamples, draws: Matrix) -> Comparison:
    """The comparison of two estimates, from their differences on subsets of the points."""
    stderr, hidden = resampled.stderr(draws)
    difference, reach = first.value - second.value, resampled.quantile * stderr
    p_value = p_value_between(difference, stderr, resampled.freedom)
    sentence = _sentence(first.measure, difference, reach, p_value, level=resampled.level)
    return Comparison(
        measure=first.measure,
        first=first.value,
        second=second.value,
        difference=difference,
        low=difference - reach,
        high=difference + reach,
        unit=first.unit,
        level=resampled.level,
        stderr=stderr,
        p_value=p_value,
        n=first.n,
        resamples=resampled.count,
        first_settings=first.settings,
        second_settings=second.settings,
        verdict="; ".join(filter(None, [sentence, hidden, *_doubts(first, second)])),
    )


def p_value_between(difference: float, stderr: float, freedom: int) -> float:
    """Two-sided p-value of Student's t; 1 where there is no difference but rounding."""
    if abs(difference) < ROUNDING:
        return 1.0
    return 2.0 * float(stdtr(freedom, -abs(difference) / stderr)) if stderr > 0 else 0.0


def _sentence(measure: str, difference: float, reach: float, p_value: float, *, level: float) -> str:
    """Which is larger, if any, by how much, and how sure that is."""
    how = f"{abs(difference):.2g} ± {reach:.2g} bit, p = {p_value:.2g}"
    if p_value >= 1.0 - level:
        return f"no difference of {measure} shown ({how})"
    return f"{'a' if difference > 0 else 'b'} has the larger {measure} ({how})"


def _doubts(first: Estimate, second: Estimate) -> list[str]:
    """What is wrong with either value, in words."""
    named = (("a", first.verdict), ("b", second.verdict))
    return [f"{name} is {verdict}" for name, verdict in named if verdict not in ("", "informative")]
