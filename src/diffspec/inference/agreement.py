"""How well one order of some things agrees with another: rank correlations with intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffspec._checks import Seed, generator_of, integer, real, shown
from diffspec.errors import InputError
from diffspec.machine.memory import within_memory
from diffspec.results.records import Record
from diffspec.results.verdicts import in_percent

__all__ = ["Agreement", "Correlation", "agreement"]

FEWEST = 4
"""Names below which a rank correlation says nothing: three have six orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation(Record):
    """One rank correlation with its bootstrap interval."""

    name: str
    value: float
    low: float
    high: float

    def __float__(self) -> float:
        return self.value

    def __format__(self, spec: str) -> str:
        return format(self.value, spec) if spec else str(self)

    def __str__(self) -> str:
        return f"{self.name} {self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement(Record):
    """Rank correlations of two numbers of the same things."""

    count: int
    """How many things have both."""
    level: float
    spearman: Correlation
    kendall: Correlation
    weighted_tau: Correlation
    """Kendall's, with more weight on the pairs at the top of either order."""
    missing: tuple[str, ...] = ()
    """What has a value but nothing to compare it with."""

    def __str__(self) -> str:
        found = ", ".join(map(str, (self.spearman, self.kendall, self.weighted_tau)))
        return f"{found} ({self.count} names, {in_percent(self.level)} bootstrap intervals)"


@within_memory
def agreement(
    values: Mapping[str, float],
    against: Mapping[str, float],
    *,
    level: float = 0.95,
    resamples: int = 1000,
    rng: Seed = 0,
) -> Agreement:
    """Rank correlations of `values` and `against` over the names that both hold: Spearman, Kendall, weighted tau.

    Parameters
    ----------
    values, against : mapping of str to float
        For example ``ranking.values`` and the test accuracies.
    level : float
        Of the percentile bootstrap over the names.
    resamples : int
        Of the bootstrap.
    rng : int or numpy.random.Generator or RandomState or None
        Draws them.

    Returns
    -------
    Agreement
        Three rank correlations with their intervals, and the names that one side lacks.

    Raises
    ------
    InputError
        Fewer than 4 names in common, numbers that are not finite, or all of them equal on either side.

    Notes
    -----
    The interval is over networks as if they were drawn anew, and holds nothing of the error of each value.

    References
    ----------
    vigna2015weighted.

    Examples
    --------
    >>> from diffspec import agreement
    >>> accuracy = {"a": 0.9, "b": 0.8, "c": 0.5, "d": 0.6}
    >>> print(f"{agreement({'a': 3, 'b': 2, 'c': 1, 'd': 0}, accuracy, resamples=100).spearman:.2f}")
    0.80
    """
    resamples, generator = integer(resamples, "resamples", least=10), generator_of(rng)
    if not 0.0 < real(level) < 1.0:
        raise InputError(f"level must lie in (0, 1), got {shown(level)}; 0.95 is usual")
    common = [name for name in values if name in against]
    if len(common) < FEWEST:
        listed = ", ".join(map(repr, list(against)[:6]))
        raise InputError(
            f"a rank correlation needs at least {FEWEST} names with both numbers, got {len(common)} of {len(values)}; "
            f"the other side has {listed or 'none'}"
        )
    numbers = np.array([[real(side[name]) for side in (values, against)] for name in common])
    if not np.isfinite(numbers).all() or any(len(set(column)) == 1 for column in numbers.T.tolist()):
        raise InputError("numbers to correlate must be finite and not all equal; leave out what has none")
    from scipy.stats import kendalltau, rankdata, weightedtau  # slow to import, needed here only

    pairs = rankdata(numbers, axis=0)
    drawn = generator.integers(len(pairs), size=(resamples, len(pairs)))
    tail = (1.0 - float(level)) / 2.0

    def correlation(name: str, statistic: Callable[[Any, Any], Any]) -> Correlation:
        again = [_of(statistic, pairs[chosen]) for chosen in drawn]
        low, high = np.nanquantile(again, [tail, 1.0 - tail]).tolist()
        return Correlation(name=name, value=_of(statistic, pairs), low=low, high=high)

    return Agreement(
        count=len(common),
        level=float(level),
        spearman=correlation("Spearman", _spearman),
        kendall=correlation("Kendall", kendalltau),
        weighted_tau=correlation("weighted tau", weightedtau),
        missing=tuple(name for name in values if name not in against),
    )


def _of(statistic: Callable[[Any, Any], Any], pairs: np.ndarray[Any, Any]) -> float:
    """The statistic, NaN where one name was drawn so often that there is no order left."""
    if (np.ptp(pairs, axis=0) == 0.0).any():
        return math.nan
    return float(statistic(pairs[:, 0], pairs[:, 1])[0])


def _spearman(first: Any, second: Any) -> tuple[float]:
    from scipy.stats import rankdata

    ranks = [rankdata(each) for each in (first, second)]
    return (float(np.corrcoef(ranks[0], ranks[1])[0, 1]),)
