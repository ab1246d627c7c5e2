"""Diffusion spectral mutual information: how much smaller the entropy is within groups than it would be by chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from diffspec._arrays import Array, as_points
from diffspec._checks import Seed
from diffspec.kernels import AlphaDecay, Kernel, Storage
from diffspec.machine.memory import within_memory
from diffspec.measures.advice import advice
from diffspec.measures.asked import Asked, asked
from diffspec.measures.entropy import settings_of
from diffspec.measures.estimators import Estimator, Matched, check_estimator
from diffspec.measures.parts import Information, Parts, combined, variance, widened
from diffspec.measures.subsets import Entropy, Walk, measured, walk_of
from diffspec.points.groups import Grouping, Partition, partition_of
from diffspec.results.estimate import BIT, NATS_PER, Estimate, Group
from diffspec.results.verdicts import above_groups, beside, by_chance, few_points, few_steps, kernel_state
from diffspec.solvers import Solver
from diffspec.spectra.functionals import moved

__all__ = ["Grouped", "dsmi", "informed", "kernel_doubts", "steps_doubt", "table_of"]


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
    estimator : Matched, Adjusted or Literal
        `Matched(repetitions=5)` (default); `Adjusted(repetitions=5)`, which does not depend on the number of dimensions
        and ranks representations; or `Literal()`.
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
    check_estimator(estimator, kernel)
    return informed(points, partition_of(reference, groups, points.shape[0]), estimator, how, seed=rng)


def informed(
    points: Array,
    partition: Partition,
    estimator: Estimator,
    how: Asked,
    *,
    seed: Seed,
    affinity: Callable[[Kernel, Storage], Any] | None = None,
) -> Estimate:
    """As `dsmi`, of what is checked; `affinity` gives that of all points where something needed for it is known."""
    resolved = how.kernel.resolve(points, how.rng)
    known = None if affinity is None else partial(affinity, resolved)
    members = [*partition.members(), *estimator.whole(partition)]
    compared = estimator.subsets(partition, how.rng)
    sizes = [len(indices) for row in [members, *compared] for indices in row]
    walk = walk_of(points, resolved, how, sizes=sizes, known=known)
    parts = Parts.of(partition.sizes, *measured(walk, members, compared, how.rng))
    return Grouped(walk, partition, parts, how.kernel, seed).told(estimator, how.rng)


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """The entropies of groups and of what they are compared with, from which an estimator makes an information."""

    walk: Walk
    partition: Partition
    parts: Parts
    kernel: Kernel
    """As it was asked for."""
    seed: Seed
    advised: Callable[[], str] | None = None
    """What to do where the kernel is at fault, where it has been found out for something else too."""
    moved: dict[float, Parts] = field(default_factory=dict, repr=False)

    def at(self, t: float) -> Parts:
        """The entropies at another time, where their spectra were kept; found once."""
        if t not in self.moved:
            self.moved[t] = self.parts.at(t)
        return self.moved[t]

    def told(self, estimator: Estimator, rng: np.random.Generator) -> Estimate:
        """What `estimator` says of them; `rng` draws what a verdict needs besides."""
        walk, partition, parts = self.walk, self.partition, self.parts
        sets = [*(row[0].n for row in parts.compared), *([] if parts.whole is None else [parts.whole.n])]
        solver = walk.solver_for(max(2, *sets))
        settings = settings_of(walk.points, self.kernel, walk.kernel, alpha=walk.alpha, solver=solver, rng=self.seed)
        found = estimator.information(parts)
        return Estimate(
            measure=estimator.measure,
            value=found.value / NATS_PER[BIT],
            unit=BIT,
            n=walk.points.shape[0],
            stderr=None if found.stderr is None else found.stderr / NATS_PER[BIT],
            ceiling=partition.entropy / NATS_PER[BIT],
            settings=replace(settings, t=walk.t, estimator=repr(estimator), partition=partition.origin),
            verdict=self._verdict(found, estimator, rng),
            groups=table_of(partition, parts.groups, parts.compared),
        )

    def _verdict(self, found: Information, estimator: Estimator, rng: np.random.Generator) -> str:
        walk, partition, parts = self.walk, self.partition, self.parts
        bit, most = NATS_PER[BIT], partition.entropy / NATS_PER[BIT]
        error = None if found.stderr is None else found.stderr / bit
        told = beside(
            _void(partition),
            *kernel_doubts(walk, parts.compared, partition.sizes, rng, self.advised),
            _chance(partition.sizes, parts.groups, _dealt(partition, walk, parts.compared, rng)),
            above_groups(found.value / bit, most, error, adjusted=parts.whole is not None),
        )
        return "; ".join(filter(None, [found.doubt, told, steps_doubt(walk, parts, estimator, error)]))


def steps_doubt(walk: Walk, parts: Parts, estimator: Estimator, error: float | None) -> str:
    """What few steps of the solver may have cost an information of this standard error in bits, or nothing."""
    # What the sets have in common cancels here, as it does in the value.
    cost = moved(parts, lambda one: estimator.information(one).value, walk.t)
    return few_steps(cost / NATS_PER[BIT], walk.tol, error)


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
    walk: Walk,
    compared: Sequence[Sequence[Entropy]],
    sizes: Sequence[int],
    rng: np.random.Generator,
    advised: Callable[[], str] | None = None,
) -> Iterator[str]:
    """What speaks against a value of groups of these sizes, compared with these entropies, whatever it is."""
    yield few_points(sum(sizes), sizes)
    largest = max(compared, key=lambda row: row[0].n)
    share, first = np.mean([(one.share, one.first) for one in largest], axis=0).tolist()

    def remedy() -> str:
        return advice(walk.points, walk.kernel, walk.alpha, walk.t, rng)

    yield kernel_state(share, walk.t, first=first, advice=advised or remedy)


def _void(partition: Partition) -> str:
    if len(partition.names) == 1:
        return "unknown: there is a single group, so there is nothing to tell apart and the value is 0"
    if max(partition.sizes) == 1:
        return "unknown: every group holds one point, so the value is 0 by construction; use fewer groups"
    return ""


def _dealt(
    partition: Partition, walk: Walk, matched: Sequence[Sequence[Entropy]], rng: np.random.Generator
) -> Sequence[Sequence[Entropy]]:
    """Entropies of random subsets of the size of each group: `matched` where it holds them."""
    if all(row[0].n == size for row, size in zip(matched, partition.sizes, strict=True)):
        return matched
    return measured(walk, [], Matched().subsets(partition, rng), rng)[1]


def _chance(sizes: Sequence[int], conditional: Sequence[Entropy], dealt: Sequence[Sequence[Entropy]]) -> str:
    """Whether groups are more compact than random ones, from the spread of random ones.

    Under chance a group is one more random subset, so its entropy varies as those of its size do.
    """
    n, bit = sum(sizes), NATS_PER[BIT]
    if min(map(len, dealt)) == 1:
        return "unknown: one repetition does not show what chance gives; use Matched(5)"
    excess, error = combined(sizes, conditional, dealt)
    pairs = zip(sizes, dealt, strict=True)
    spread = [((size / n) ** 2 * len(row) * variance(row), len(row) - 1) for size, row in pairs]
    return by_chance(excess / bit, math.sqrt((error or 0.0) ** 2 + widened(spread)) / bit)
