"""Is a mutual information more than chance? Its distribution over all ways to deal the points to the groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import Array, as_points
from diffspec._checks import Seed, integer, real, shown
from diffspec.errors import InputError
from diffspec.kernels import AlphaDecay, Kernel
from diffspec.machine.memory import within_memory
from diffspec.measures.asked import asked
from diffspec.measures.entropy import settings_of
from diffspec.measures.estimators import Estimator, Matched, check_estimator
from diffspec.measures.information import kernel_doubts, steps_doubt
from diffspec.measures.parts import Parts
from diffspec.measures.subsets import Entropy, Walk, measured, walk_of
from diffspec.points.groups import Grouping, Partition, partition_of
from diffspec.results.estimate import BIT, NATS_PER, Settings
from diffspec.results.records import Record
from diffspec.results.verdicts import above_groups, beside, by_p_value
from diffspec.solvers import Solver

__all__ = ["GroupTest", "PermutationTest", "check_permutations", "p_value_of", "permutation_test"]

Matrix: TypeAlias = np.ndarray[Any, Any]

# Entropies that differ by less, in bits, are equal up to the rounding of the eigenvalues.
ROUNDING = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTest:
    """One group against random sets of its size; entropies in the unit of the test it belongs to."""

    name: str
    n: int
    conditional: float
    """Entropy of the points in the group."""
    null_mean: float
    """Mean entropy of as many points dealt at random."""
    null_sd: float
    p_value: float
    """How often a random set is at least as compact as the group. One test per group: for a statement about all k
    groups compare with level / k."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermutationTest(Record):
    """A mutual information beside its distribution over random groups of the same sizes. `float` is the p-value."""

    measure: str
    value: float
    """The observed information, in `unit`, by the estimator of the settings."""
    unit: str
    n: int
    p_value: float
    """(1 + number of permutations with at least the observed value) / (1 + permutations); exact under the null."""
    level: float
    permutations: int
    null_mean: float
    """What groups that know nothing of the points would give: the bias of the estimator."""
    null_sd: float
    ceiling: float
    """The entropy of the groups, in `unit`."""
    settings: Settings
    verdict: str = ""
    groups: tuple[GroupTest, ...] = ()

    def __float__(self) -> float:
        return self.p_value

    def __str__(self) -> str:
        text = f"{self.measure} = {self.value:.4g} {self.unit}, {self.corrected:.4g} above chance"
        text += f" ({self.null_mean:.4g} ± {self.null_sd:.2g}), p = {self.p_value:.2g}"
        return text if self.verdict in ("", "informative") else f"{text}; {self.verdict}"

    @property
    def corrected(self) -> float:
        """The value less the mean under permutation, in `unit`: 0 on average for groups that know nothing."""
        return self.value - self.null_mean

    @property
    def corrected_stderr(self) -> float:
        """Standard error of `corrected` from the finite number of permutations, in `unit`."""
        return self.null_sd / math.sqrt(self.permutations)

    @property
    def normalized(self) -> float:
        """`corrected` as a share of the entropy of the groups; 0 for a single group."""
        return self.corrected / self.ceiling if self.ceiling else 0.0

    @property
    def significant(self) -> bool:
        """Whether the p-value is at most `level`."""
        return self.p_value <= self.level


@within_memory
def permutation_test(
    points: Array,
    reference: Any,
    permutations: int = 199,
    *,
    level: float = 0.05,
    groups: Grouping | None = None,
    estimator: Estimator = Matched(),
    kernel: Kernel = AlphaDecay(),
    alpha: float = 0.5,
    t: float | None = None,
    solver: Solver | None = None,
    memory: float | None = None,
    tol: float = 1e-3,
    rng: Seed = 0,
) -> PermutationTest:
    """Whether the points in each group are more compact than chance: p-value, bias and bias-corrected information.

    The null hypothesis is that the groups were dealt to the points at random. It is drawn from by permuting the
    groups; the points, the kernel, the sizes of the groups and what the estimator compares with stay as they are. The
    p-value is therefore exact for every sample size, and the same for `Matched` and `Literal`.

    Parameters
    ----------
    points, reference, groups, estimator, kernel, alpha, t, solver, memory, tol
        As for `dsmi`.
    permutations : int
        Random deals of the groups. The smallest possible p-value is 1 / (permutations + 1).
    level : float
        The p-value that shall count as significant; only used to refuse too few permutations and for `significant`.
    rng : int or numpy.random.Generator or RandomState or None
        Draws the matched subsets, the permutations and the solver's probes.

    Returns
    -------
    PermutationTest
        In bits. A single group, or groups of one point each, carry 0 bits whoever is in them: p-value 1.

    Raises
    ------
    InputError
        Input that cannot be used, or permutations so few that no p-value can reach `level`.
    TooLargeError
        The affinity of the largest set that has to be stored does not fit.

    Notes
    -----
    The affinity is computed once and sliced: O(n^2 d), then one set of eigenproblems of the groups' sizes per
    permutation, in parallel. Of `Matched` and `Literal` `corrected` is the same: what the groups are compared with
    cancels. It is the matched estimator with `permutations` repetitions.

    References
    ----------
    phipson2010permutation.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import permutation_test
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat(["cat", "dog"], 30)
    >>> points = rng.normal(size=(60, 2)) + 2 * (labels == "dog")[:, None]
    >>> print(permutation_test(points, labels, 99))
    DSMI = 0.3743 bit, 0.3834 above chance (-0.009109 ± 0.076), p = 0.01
    >>> print(permutation_test(points, rng.permutation(labels), 99).significant)
    False
    """
    check_permutations(permutations, level)
    points = as_points(points)
    how = asked(kernel, alpha=alpha, t=t, solver=solver, memory=memory, tol=tol, rng=rng)
    check_estimator(estimator, kernel)
    partition = partition_of(reference, groups, points.shape[0])
    generator = how.rng
    resolved = kernel.resolve(points, generator)
    compared = estimator.subsets(partition, generator)
    members = [indices for deal in _deals(partition, permutations, generator) for indices in deal.members()]
    members += estimator.whole(partition)
    sizes = [len(indices) for indices in [*members, *(indices for row in compared for indices in row)]]
    walk = walk_of(points, resolved, how, sizes=sizes)
    conditional, matched = measured(walk, members, compared, generator)
    used = walk.solver_for(max(2, *(len(row[0]) for row in compared)))
    settings = settings_of(points, kernel, resolved, alpha=walk.alpha, solver=used, rng=rng)
    return _tested(
        walk,
        partition,
        conditional,
        matched,
        estimator=estimator,
        level=level,
        settings=replace(settings, t=walk.t, estimator=repr(estimator), partition=partition.origin),
        told=[_void(partition), *kernel_doubts(walk, matched, partition.sizes, generator)],
    )


def _tested(
    walk: Walk,
    partition: Partition,
    conditional: Sequence[Entropy],
    matched: Sequence[Sequence[Entropy]],
    *,
    estimator: Estimator,
    level: float,
    settings: Settings,
    told: Sequence[str],
) -> PermutationTest:
    """The test from the entropies of the groups of every deal, one deal after the other, the observed one first.

    Behind them all stands the entropy of all points, where the estimator wants it.
    """
    bit, n, count = NATS_PER[BIT], len(partition.codes), len(partition.names)
    last = len(conditional) - len(estimator.whole(partition))
    deals, whole = [conditional[k : k + count] for k in range(0, last, count)], conditional[last:]
    parts = [Parts.of(partition.sizes, [*deal, *whole], matched) for deal in deals]
    values = np.array([estimator.information(one).value for one in parts]) / bit
    entropies = np.array([[entropy.nats for entropy in deal] for deal in deals]) / bit
    p_value, ceiling = p_value_of(values), partition.entropy / bit
    verdict = beside(
        *told, by_p_value(p_value, level), above_groups(float(values[0]), ceiling, None, adjusted=bool(whole))
    )
    return PermutationTest(
        measure=estimator.measure,
        value=float(values[0]),
        unit=BIT,
        n=n,
        p_value=p_value,
        level=float(level),
        permutations=len(values) - 1,
        null_mean=float(np.mean(values[1:])),
        null_sd=float(np.std(values[1:], ddof=1)),
        ceiling=ceiling,
        settings=settings,
        verdict="; ".join(filter(None, [verdict, steps_doubt(walk, parts[0], estimator, None)])),
        groups=tuple(map(_group_test, partition.names, partition.sizes, entropies.T)),
    )


def _group_test(name: str, n: int, entropies: Matrix) -> GroupTest:
    """One group from its entropy under every deal, the observed one first."""
    return GroupTest(
        name=name,
        n=n,
        conditional=float(entropies[0]),
        null_mean=float(np.mean(entropies[1:])),
        null_sd=float(np.std(entropies[1:], ddof=1)),
        p_value=p_value_of(-entropies),
    )


def p_value_of(values: Matrix) -> float:
    """The share of all deals, the observed first one included, with at least its value."""
    # Phipson and Smyth 2010: without the observed deal a p-value could be 0, and the test would be too bold.
    return float(np.mean(values >= values[0] - ROUNDING))


def _deals(partition: Partition, permutations: int, rng: np.random.Generator) -> list[Partition]:
    """The groups as observed, then dealt at random, the same way whatever the estimator has drawn."""
    (own,) = rng.spawn(1)
    dealt = [replace(partition, codes=own.permutation(partition.codes)) for _ in range(permutations)]
    return [partition, *dealt]


def _void(partition: Partition) -> str:
    """Why every deal gives the same value, or nothing."""
    if len(partition.names) == 1:
        return "unknown: there is a single group, so there is nothing to permute and the p-value is 1"
    if max(partition.sizes) == 1:
        return "unknown: every group holds one point, so every permutation gives 0 and the p-value is 1"
    return ""


def check_permutations(permutations: int, level: float) -> None:
    """Raise InputError where so few permutations can give no p-value of `level`."""
    if not 0.0 < real(level) < 1.0:
        raise InputError(f"level must lie in (0, 1), got {shown(level)}; 0.05 is usual")
    # More permutations than this nobody can wait for, and 1 / level may be beyond float64.
    least = max(2, math.ceil(1.0 / max(float(level), 1e-15) - 1e-9) - 1)
    hint = f"a p-value of {level:g} needs as many; give more permutations or a larger level"
    integer(permutations, "permutations", least=least, hint=hint)
