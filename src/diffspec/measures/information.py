"""Diffusion spectral mutual information: how much smaller the entropy is within groups than it would be by chance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from scipy.special import stdtrit

from diffspec._arrays import Array, as_points
from diffspec._checks import Seed, integer, shown, store
from diffspec._memory import within_memory
from diffspec.errors import InputError
from diffspec.kernels import AlphaDecay, Kernel
from diffspec.measures.advice import advice
from diffspec.measures.asked import asked
from diffspec.measures.entropy import settings_of
from diffspec.measures.subsets import Entropy, Indices, Walk, measured, walk_of
from diffspec.points.groups import Grouping, Partition, partition_of
from diffspec.solvers import Solver
from diffspec.spectra.result import BIT, NATS_PER, Estimate, Group
from diffspec.spectra.verdicts import above_groups, beside, by_chance, few_points, kernel_state

__all__ = ["Literal", "Matched", "check_estimator", "dsmi"]


class Estimator(Protocol):
    """How conditional entropies are turned into an information."""

    def subsets(self, partition: Partition, rng: np.random.Generator) -> list[list[Indices]]:
        """Per group, the sets of points whose mean entropy the group's entropy is compared with."""
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
        eigenproblems and not 60. The standard error knows it: it comes from the spread of the subsets of a size, with
        the weight of all groups of that size, and is widened by Student's t so that 1.96 of it are a 95 % interval. One
        repetition has none.
    """

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


@dataclass(frozen=True, slots=True)
class Literal:
    """The definition: I = H(all points) - sum_g (n_g / n) H(group g) (Definition 4.2, Eqn 7 of the paper).

    Gives exactly the entropy of the groups for well-separated ones, but is biased upwards for independent labels (the
    entropy of few points is smaller than that of many). Costs one decomposition of all points.
    """

    def subsets(self, partition: Partition, rng: np.random.Generator) -> list[list[Indices]]:
        """All points, for every group."""
        everything = np.arange(len(partition.codes))
        return [[everything] for _ in partition.names]


@within_memory
def dsmi(
    points: Array,
    reference: Any,
    *,
    groups: Grouping | None = None,
    estimator: Estimator = Matched(),
    kernel: Kernel = AlphaDecay(),
    alpha: float = 0.5,
    t: float | None = None,
    solver: Solver | None = None,
    memory: float | None = None,
    tol: float = 1e-3,
    rng: Seed = 0,
) -> Estimate:
    """Diffusion spectral mutual information of points and a reference, in bits (Definition 4.2 of the paper).

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    reference : array (n,) or (n, m) or Partition
        Class labels (integers, booleans, strings); with `groups` also continuous scalars or vectors; or a partition
        made before.
    groups : Grouping, optional
        How the reference becomes groups: `Labels()`, `Bins(10)`, `Clusters(10, seed=0)`, `KMeans(10, seed=0)`.
    estimator : Matched or Literal
        `Matched(repetitions=5)` (default) or `Literal()`.
    kernel, alpha, t, solver, memory, tol
        As for `dse`; without a solver each set of points gets the one that `choose` gives for its size. A bandwidth
        rule is resolved once, on all points, and holds for every group.
    rng : int or numpy.random.Generator or RandomState or None
        Draws the matched subsets and the solver's probes.

    Returns
    -------
    Estimate
        Value in bits, `stderr` from the matched subsets and the solver's probes, `groups` with one row per group,
        `normalized` as a share of the entropy of the groups. May be slightly negative: then the groups are no more
        compact than chance. A single group, or groups of one point each, carry 0 bits.

    Raises
    ------
    InputError
        Input that cannot be used, unequal lengths, an ambiguous reference.
    TooLargeError
        The affinity of the largest set that has to be stored does not fit.

    Notes
    -----
    One affinity, O(n^2 d), is sliced; where `memory` does not hold it, or all sets of a stochastic solver have fewer
    pairs, every set has its own. Then one eigenproblem per group and `repetitions` per size of group, in parallel. Of
    the default kernel the sets are parts of one graph. I(A; A) is not the entropy of A: it enters by its groups only.

    References
    ----------
    liao2024dse, Definition 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import dsmi
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat(["cat", "dog"], 50)
    >>> points = rng.normal(size=(100, 2)) + 20 * (labels == "dog")[:, None]
    >>> print(f"{dsmi(points, labels):.2f} {dsmi(points, rng.permutation(labels)):.2f}")
    0.64 0.00
    """
    points = as_points(points)
    how = asked(kernel, alpha=alpha, t=t, solver=solver, memory=memory, tol=tol, rng=rng)
    check_estimator(estimator)
    partition = partition_of(reference, groups, points.shape[0])
    generator = how.rng
    resolved = kernel.resolve(points, generator)
    members = partition.members()
    compared = estimator.subsets(partition, generator)
    sizes = [len(indices) for row in [members, *compared] for indices in row]
    walk = walk_of(points, resolved, how, sizes=sizes)
    conditional, matched = measured(walk, members, compared, generator)
    largest = max(len(row[0]) for row in compared)
    settings = settings_of(points, kernel, resolved, alpha=how.alpha, solver=walk.solver_for(max(2, largest)), rng=rng)
    value, stderr = combined(partition.sizes, conditional, matched)
    return Estimate(
        measure="DSMI",
        value=value / NATS_PER[BIT],
        unit=BIT,
        n=points.shape[0],
        stderr=None if stderr is None else stderr / NATS_PER[BIT],
        ceiling=partition.entropy / NATS_PER[BIT],
        settings=replace(settings, t=how.t, estimator=repr(estimator), partition=partition.origin),
        verdict=_verdict(walk, partition, conditional, matched, rng=generator),
        groups=table_of(partition, conditional, matched),
    )


def check_estimator(estimator: Estimator) -> Estimator:
    """`estimator`, or InputError where it is none, for example its name or a class that was not called."""
    if isinstance(estimator, type) or not callable(getattr(estimator, "subsets", None)):
        raise InputError(f"estimator must be Matched() or Literal(), got {shown(estimator)}")
    return estimator


def combined(
    sizes: Sequence[int], conditional: Sequence[Entropy], matched: Sequence[Sequence[Entropy]]
) -> tuple[float, float | None]:
    """The information and its standard error, in nats: the spread over matched subsets and the solver's probes."""
    n = sum(sizes)
    value = 0.0
    share: dict[tuple[int, ...], float] = {}
    rows: dict[tuple[int, ...], Sequence[Entropy]] = {}
    for size, group, row in zip(sizes, conditional, matched, strict=True):
        value += size / n * (math.fsum(entropy.nats for entropy in row) / len(row) - group.nats)
        for sets, weight in (((group,), -size / n), (row, size / n)):
            key = tuple(map(id, sets))
            share[key], rows[key] = share.get(key, 0.0) + weight, sets
    # The probes of several subsets are part of their spread already.
    probed = [(share[key] * row[0].error) ** 2 for key, row in rows.items() if len(row) == 1 and row[0].error]
    spread = [(share[key] ** 2 * _variance(row), len(row) - 1) for key, row in rows.items() if len(row) > 1]
    if not probed and not spread:
        return value, None
    return value, math.sqrt(math.fsum(probed) + _widened(spread))


def _variance(row: Sequence[Entropy]) -> float:
    """Of the mean entropy of a row of subsets."""
    return float(np.var([entropy.nats for entropy in row], ddof=1)) / len(row)


def _widened(spread: Sequence[tuple[float, int]]) -> float:
    """The sum of variances, each with its degrees of freedom, such that 1.96 of its root is a 95 % interval.

    Student's t with the degrees of freedom of Welch and Satterthwaite.
    """
    total = math.fsum(variance for variance, _freedom in spread)
    if total == 0:
        return 0.0
    freedom = total**2 / math.fsum(variance**2 / each for variance, each in spread)
    return total * (float(stdtrit(freedom, 0.975)) / 1.959964) ** 2


def table_of(
    partition: Partition, conditional: Sequence[Entropy], matched: Sequence[Sequence[Entropy]]
) -> tuple[Group, ...]:
    """One row per group, in bits."""
    return tuple(
        Group(
            name=name,
            n=group.n,
            conditional=group.nats / NATS_PER[BIT],
            matched=math.fsum(entropy.nats for entropy in row) / len(row) / NATS_PER[BIT],
        )
        for name, group, row in zip(partition.names, conditional, matched, strict=True)
    )


def kernel_doubts(
    walk: Walk, compared: Sequence[Sequence[Entropy]], sizes: Sequence[int], rng: np.random.Generator
) -> Iterator[str]:
    """What speaks against a value of groups of these sizes, compared with these entropies, whatever it is."""
    yield few_points(sum(sizes), sizes)
    largest = max(compared, key=lambda row: row[0].n)
    share, first = np.mean([(one.share, one.first) for one in largest], axis=0).tolist()

    def remedy() -> str:
        return advice(walk.points, walk.kernel, walk.alpha, walk.t, rng)

    yield kernel_state(share, walk.t, first=first, advice=remedy)


def _void(partition: Partition) -> str:
    if len(partition.names) == 1:
        return "unknown: there is a single group, so there is nothing to tell apart and the value is 0"
    if max(partition.sizes) == 1:
        return "unknown: every group holds one point, so the value is 0 by construction; use fewer groups"
    return ""


def _dealt(
    partition: Partition, walk: Walk, matched: list[list[Entropy]], rng: np.random.Generator
) -> list[list[Entropy]]:
    """Entropies of random subsets of the size of each group: `matched` where it holds them."""
    if all(row[0].n == size for row, size in zip(matched, partition.sizes, strict=True)):
        return matched
    return measured(walk, [], Matched().subsets(partition, rng), rng)[1]


def _verdict(
    walk: Walk,
    partition: Partition,
    conditional: Sequence[Entropy],
    matched: list[list[Entropy]],
    *,
    rng: np.random.Generator,
) -> str:
    value, stderr = combined(partition.sizes, conditional, matched)
    bit, most = NATS_PER[BIT], partition.entropy / NATS_PER[BIT]
    return beside(
        _void(partition),
        *kernel_doubts(walk, matched, partition.sizes, rng),
        _chance(partition.sizes, conditional, _dealt(partition, walk, matched, rng)),
        above_groups(value / bit, most, None if stderr is None else stderr / bit),
    )


def _chance(sizes: Sequence[int], conditional: Sequence[Entropy], dealt: Sequence[Sequence[Entropy]]) -> str:
    """Whether groups are more compact than random ones, from the spread of random ones.

    Under chance a group is one more random subset, so its entropy varies as those of its size do.
    """
    n, bit = sum(sizes), NATS_PER[BIT]
    if min(map(len, dealt)) == 1:
        return "unknown: one repetition does not show what chance gives; use Matched(5)"
    excess, error = combined(sizes, conditional, dealt)
    pairs = zip(sizes, dealt, strict=True)
    spread = [((size / n) ** 2 * len(row) * _variance(row), len(row) - 1) for size, row in pairs]
    return by_chance(excess / bit, math.sqrt((error or 0.0) ** 2 + _widened(spread)) / bit)
