"""How the entropies of groups become an information: three estimators, each with the error of its random subsets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from diffspec._checks import integer, shown, store
from diffspec.errors import InputError
from diffspec.kernels import Kernel
from diffspec.measures.parts import Information, Matrix, Parts, Term, combined, difference, differences, error_of
from diffspec.measures.subsets import Entropy, Indices
from diffspec.points.groups import Partition
from diffspec.results.estimate import BIT, NATS_PER

__all__ = ["Adjusted", "Estimator", "Literal", "Matched", "check_difference", "check_estimator"]

# A room between chance and separation below this, in bits, is rounding: the kernel is the identity.
ROUNDING = 1e-9


class Estimator(Protocol):
    """How conditional entropies are turned into an information."""

    measure: ClassVar[str]
    """What the number is called."""

    def subsets(self, partition: Partition, rng: np.random.Generator) -> list[list[Indices]]:
        """Per group, the sets of points whose mean entropy the group's entropy is compared with."""
        ...

    def whole(self, partition: Partition) -> list[Indices]:
        """All points as one set where its entropy is wanted besides, else nothing."""
        ...

    def information(self, parts: Parts) -> Information:
        """What the entropies say."""
        ...

    def repeated(self, parts: Parts) -> Matrix:
        """The value once per repetition of the subsets, in nats: their mean is the value, to first order."""
        ...


@dataclass(frozen=True, slots=True)
class Matched:
    """Compares every group with random subsets of all points of the same size, as in all published figures.

    I = sum_g (n_g / n) (mean_r H(random n_g points) - H(group g)). About 0 for independent labels, since both terms
    have the same bias; below the entropy of the groups even when they are well separated, and the more so the more
    dimensions the data have.

    Parameters
    ----------
    repetitions : int
        Random subsets per size of group: groups of equal size share theirs, so ten balanced classes cost 15
        eigenproblems and not 60. The standard error knows it. It comes from the spread of the subsets of a size, with
        the weight of all groups of that size. Student's t widens it, so that 1.96 of it are a 95 % interval. One
        repetition has none.
    """

    measure: ClassVar[str] = "DSMI"
    repetitions: int = 5

    def __post_init__(self) -> None:
        store(self, repetitions=integer(self.repetitions, "repetitions", least=1))

    def subsets(self, partition: Partition, rng: np.random.Generator) -> list[list[Indices]]:
        """`repetitions` independent subsets per size of group, without replacement; the same list for equal sizes."""
        n = len(partition.codes)
        by_size = {
            size: [np.sort(rng.choice(n, size=size, replace=False)) for _ in range(self.repetitions)]
            for size in sorted(set(partition.sizes))
        }
        return [by_size[size] for size in partition.sizes]

    def whole(self, partition: Partition) -> list[Indices]:
        """Nothing besides."""
        return []

    def information(self, parts: Parts) -> Information:
        """The difference, and the spread over the subsets."""
        return Information(*combined(parts.sizes, parts.groups, parts.compared))

    def repeated(self, parts: Parts) -> Matrix:
        """The difference for every repetition."""
        return differences(parts)


@dataclass(frozen=True, slots=True)
class Literal:
    """The definition: I = H(all points) - sum_g (n_g / n) H(group g) (Definition 4.2, Eqn 7 of the paper).

    Gives exactly the entropy of the groups for well-separated ones, but is biased upwards for independent labels (the
    entropy of few points is smaller than that of many). Costs one decomposition of all points.
    """

    measure: ClassVar[str] = "DSMI"

    def subsets(self, partition: Partition, rng: np.random.Generator) -> list[list[Indices]]:
        """All points, for every group."""
        everything = np.arange(len(partition.codes))
        return [[everything] for _ in partition.names]

    def whole(self, partition: Partition) -> list[Indices]:
        """Nothing besides: all points are what each group is compared with."""
        return []

    def information(self, parts: Parts) -> Information:
        """The difference, and the error of the solver."""
        return Information(*combined(parts.sizes, parts.groups, parts.compared))

    def repeated(self, parts: Parts) -> Matrix:
        """The one difference."""
        return differences(parts)


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The matched information as a share of what the same groups would give if they were cut apart, times H(Y).

    I = H(Y) M / (M + C) with M the matched information and C = S(cut) - S(all) the entropy that all points gain when
    every affinity between groups is set to 0. M is the literal information less its mean under chance, M + C the same
    of the cut graph, so this is the form of the adjusted mutual information of clusterings: 0 on average for
    independent labels, H(Y) exactly for groups without affinity between them, whatever the dimension, the sizes of the
    groups and the width of the kernel. The one to compare representations of different width by.

    Parameters
    ----------
    repetitions : int
        Random subsets per size of group of the matched information. The standard error is theirs and the solver's, not
        that of the sampling of the points, which is up to tens of times as large and which `interval` gives.

    Notes
    -----
    One decomposition of all points beside those of `Matched`: the spectrum of the cut graph is that of its groups. Not
    for `NearestNeighbors`, which makes every set of points a graph of its own.

    References
    ----------
    liao2024dse, Definition 4.2; vinh2010adjusted, Eqn 4.
    """

    measure: ClassVar[str] = "adjusted DSMI"
    repetitions: int = 5

    def __post_init__(self) -> None:
        store(self, repetitions=Matched(self.repetitions).repetitions)

    def subsets(self, partition: Partition, rng: np.random.Generator) -> list[list[Indices]]:
        """Those of the matched information."""
        return Matched(self.repetitions).subsets(partition, rng)

    def whole(self, partition: Partition) -> list[Indices]:
        """All points."""
        return [np.arange(len(partition.codes))]

    def information(self, parts: Parts) -> Information:
        """H M / (M + C) with its standard error to first order."""
        matched, plain = combined(parts.sizes, parts.groups, parts.compared)
        if _is_void(parts):
            return Information(0.0, plain)
        if _is_lost(parts, matched):
            doubt = "unknown: cut groups are no further from chance than whole ones; use a wider kernel"
            return Information(0.0, parts.most, doubt)
        return Information(parts.most * matched / _room(parts, matched), _adjusted_error(parts, matched))

    def _value(self, parts: Parts) -> float:
        """H M / (M + C) alone."""
        matched = difference(parts.sizes, parts.groups, parts.compared)
        if _is_void(parts) or _is_lost(parts, matched):
            return 0.0
        return parts.most * matched / _room(parts, matched)

    def repeated(self, parts: Parts) -> Matrix:
        """The value moved along its tangent by how far the matched information of each repetition is off."""
        found, each = self._value(parts), differences(parts)
        if found == 0.0:
            return np.zeros(len(each))
        matched = float(np.mean(each))
        room = _room(parts, matched)
        slope = parts.most * (room - matched) / room**2
        return found + slope * (each - matched)


def check_estimator(estimator: Estimator, kernel: Kernel | None = None) -> Estimator:
    """`estimator`, or InputError where it is none, for example a class that was not called, or none for `kernel`."""
    if isinstance(estimator, type) or not callable(getattr(estimator, "information", None)):
        raise InputError(f"estimator must be Matched(), Literal() or Adjusted(), got {shown(estimator)}")
    if kernel is not None and kernel.own_graph and isinstance(estimator, Adjusted):
        raise InputError(
            f"{estimator!r} cuts the graph of all points into its groups, and {shown(kernel)} makes every group a "
            "graph of its own; use AlphaDecay() or SelfTuning()"
        )
    return estimator


def check_difference(estimator: Estimator) -> Estimator:
    """`check_estimator` for entropies that no spectrum is behind: a difference of them is all that can be had."""
    wrong = isinstance(estimator, type | Adjusted) or not callable(getattr(estimator, "subsets", None))
    if wrong:
        raise InputError(f"estimator must be Matched() or Literal(), got {shown(estimator)}")
    return estimator


def _mixture(parts: Parts) -> Matrix:
    """Of the spectrum of the cut graph, which is that of all groups together, what lies in each group."""
    # The largest eigenvalue of every diffusion operator is 1, so the sums of the groups are on one scale.
    sums = np.array([group.log_sum for group in parts.groups])
    return np.asarray(np.exp(sums - np.logaddexp.reduce(sums)))


def _surprises(parts: Parts) -> Matrix:
    """By how many nats each group adds to the entropy of the cut graph for its share of that."""
    return np.array([group.nats for group in parts.groups]) - np.log(_mixture(parts))


def _room(parts: Parts, matched: float) -> float:
    """M + C: the matched information that the groups would have if they were cut apart."""
    assert parts.whole is not None
    return matched + float(_mixture(parts) @ _surprises(parts)) - parts.whole.nats


def _is_void(parts: Parts) -> bool:
    """Whether the groups tell nothing apart: there is one, or each is a point."""
    return parts.most == 0.0 or max(parts.sizes) == 1


def _is_lost(parts: Parts, matched: float) -> bool:
    """Whether there is no room between chance and groups that are cut apart."""
    return _room(parts, matched) < ROUNDING * NATS_PER[BIT]


def _adjusted_error(parts: Parts, matched: float) -> float | None:
    """The standard error of H M / (M + C), from its slope along every entropy that it is made of."""
    assert parts.whole is not None
    room, mixture = _room(parts, matched), _mixture(parts)
    gain, surprise = room - matched, _surprises(parts)
    terms: list[Term] = [(matched, (parts.whole,))]
    excess = surprise - float(mixture @ surprise)
    for size, group, row, own, far in zip(parts.shares, parts.groups, parts.compared, mixture, excess, strict=True):
        # One set of probes moves a group's entropy and its share of the cut graph: at worst both ways at once.
        probes = (
            abs(gain * size + matched * own) * (group.error or 0.0) + abs(matched * own * far) * group.log_sum_error
        )
        terms += [(gain * size, row), (1.0, (Entropy(group.n, group.nats, 0.0, probes),))]
    error = error_of(terms)
    return None if error is None else error * parts.most / room**2
