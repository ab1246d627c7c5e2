"""The entropies that an information is made of, and what a weighted sum of them is off by."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from scipy.special import stdtrit

from diffspec.measures.subsets import Entropy, moved_to

__all__ = [
    "Information",
    "Matrix",
    "Parts",
    "Term",
    "combined",
    "difference",
    "differences",
    "error_of",
    "variance",
    "widened",
]

Matrix: TypeAlias = np.ndarray[Any, Any]
Term: TypeAlias = tuple[float, Sequence[Entropy]]
"""A weight, and the sets whose mean entropy it multiplies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The entropies that an information is made of."""

    sizes: Sequence[int]
    """Points per group."""
    groups: Sequence[Entropy]
    compared: Sequence[Sequence[Entropy]]
    """Per group, of the sets that it is compared with."""
    whole: Entropy | None = None
    """Of all points, where the estimator wants it."""

    @classmethod
    def of(cls, sizes: Sequence[int], sets: Sequence[Entropy], compared: Sequence[Sequence[Entropy]]) -> Parts:
        """From the entropies of the groups, with that of all points last where it is there."""
        count = len(sizes)
        return cls(sizes=sizes, groups=sets[:count], compared=compared, whole=(*sets[count:], None)[0])

    def at(self, t: float) -> Parts:
        """At another time, where the spectra were kept; sets that groups share stay shared."""
        distinct = list({id(one): one for one in self._all()}.values())
        moved = dict(zip(map(id, distinct), moved_to(distinct, t), strict=True))
        return replace(
            self,
            groups=[moved[id(one)] for one in self.groups],
            compared=[[moved[id(one)] for one in row] for row in self.compared],
            whole=None if self.whole is None else moved[id(self.whole)],
        )

    def _all(self) -> list[Entropy]:
        return [*self.groups, *(one for row in self.compared for one in row), *filter(None, [self.whole])]

    @property
    def check(self) -> Parts | None:
        """The same by the second rule of each spectrum that has one; None where none has."""
        return self._by(lambda one: one.check)

    @property
    def halved(self) -> Parts | None:
        """The same with half of the solver's steps."""
        return self._by(lambda one: one.halved)

    def _by(self, other: Callable[[Entropy], Entropy | None]) -> Parts | None:
        if not any(map(other, self._all())):
            return None
        return replace(
            self,
            groups=[other(one) or one for one in self.groups],
            compared=[[other(one) or one for one in row] for row in self.compared],
            whole=self.whole and (other(self.whole) or self.whole),
        )

    @property
    def shares(self) -> Matrix:
        """Of the points, what lies in each group."""
        return np.asarray(self.sizes) / sum(self.sizes)

    @property
    def most(self) -> float:
        """The entropy of the groups, in nats."""
        return float(-np.sum(self.shares * np.log(self.shares)))


@dataclass(frozen=True, slots=True)
class Information:
    """An information in nats, its standard error by the subsets and probes, and what makes it worth nothing."""

    value: float
    stderr: float | None
    doubt: str = ""


def combined(
    sizes: Sequence[int], conditional: Sequence[Entropy], matched: Sequence[Sequence[Entropy]]
) -> tuple[float, float | None]:
    """The matched or literal information and its standard error, in nats."""
    n = sum(sizes)
    terms: list[Term] = []
    for size, group, row in zip(sizes, conditional, matched, strict=True):
        terms += [(-size / n, (group,)), (size / n, row)]
    return difference(sizes, conditional, matched), error_of(terms)


def difference(sizes: Sequence[int], conditional: Sequence[Entropy], matched: Sequence[Sequence[Entropy]]) -> float:
    """The matched or literal information alone, in nats."""
    n, value = sum(sizes), 0.0
    for size, group, row in zip(sizes, conditional, matched, strict=True):
        value += size / n * (math.fsum(entropy.nats for entropy in row) / len(row) - group.nats)
    return value


def error_of(terms: Sequence[Term]) -> float | None:
    """Of a weighted sum of mean entropies: the spread over several sets, and the solver's probes in single ones."""
    share: dict[tuple[int, ...], float] = {}
    rows: dict[tuple[int, ...], Sequence[Entropy]] = {}
    for weight, sets in terms:
        key = tuple(map(id, sets))
        share[key], rows[key] = share.get(key, 0.0) + weight, sets
    # The probes of several subsets are part of their spread already.
    probed = [(share[key] * row[0].error) ** 2 for key, row in rows.items() if len(row) == 1 and row[0].error]
    spread = [(share[key] ** 2 * variance(row), len(row) - 1) for key, row in rows.items() if len(row) > 1]
    if not probed and not spread:
        return None
    return math.sqrt(math.fsum(probed) + widened(spread))


def variance(row: Sequence[Entropy]) -> float:
    """Of the mean entropy of a row of subsets."""
    return float(np.var([entropy.nats for entropy in row], ddof=1)) / len(row)


def widened(spread: Sequence[tuple[float, int]]) -> float:
    """The sum of variances, each with its degrees of freedom, such that 1.96 of its root is a 95 % interval.

    Student's t with the degrees of freedom of Welch and Satterthwaite.
    """
    total = math.fsum(variance for variance, _freedom in spread)
    if total == 0:
        return 0.0
    freedom = 1.0 / math.fsum((variance / total) ** 2 / each for variance, each in spread)  # squares may be nearly 0
    return total * (float(stdtrit(freedom, 0.975)) / 1.959964) ** 2


def differences(parts: Parts) -> Matrix:
    """The matched or literal information by each repetition of the subsets alone, in nats."""
    reached = np.array([[entropy.nats for entropy in row] for row in parts.compared])
    own = np.array([entropy.nats for entropy in parts.groups])
    return np.asarray(parts.shares @ (reached - own[:, None]))
