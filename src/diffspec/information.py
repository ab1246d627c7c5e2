"""Diffusion spectral mutual information: how much smaller the entropy is within groups than it would be by chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np

from diffspec._arrays import Array, as_points, from_numpy, is_numpy, namespace, take_square
from diffspec._threads import cores, parallel_map
from diffspec.blocked import filled
from diffspec.choice import bytes_of, choose, memory_for, operator_in, operator_of, operator_on, tiles_of
from diffspec.entropy import Seed, check_walk, settings_of
from diffspec.errors import InputError
from diffspec.groups import Grouping, Partition, partition_of
from diffspec.kernels import Gaussian, Kernel
from diffspec.operators import Operator, check_alpha
from diffspec.result import BIT, NATS_PER, Estimate, Group
from diffspec.solvers import Exact, Solver
from diffspec.spectrum import check_time, shannon, shannon_stderr
from diffspec.tiles import GaussianTiles
from diffspec.verdicts import judge

__all__ = ["Literal", "Matched", "dsmi"]

Indices: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Entropy:
    """The entropy of one set of points: at the time asked, in nats, and at t = 1 as a share of log n."""

    n: int
    nats: float
    share: float
    error: float | None
    """Standard error of `nats` from the solver's probes."""


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
        Random subsets per group, drawn independently for every group; the standard error comes from their spread, so
        one repetition has none.
    """

    repetitions: int = 5

    def __post_init__(self) -> None:
        if not (isinstance(self.repetitions, int) and self.repetitions >= 1):
            raise InputError(f"repetitions must be an integer of at least 1, got {self.repetitions!r}")

    def subsets(self, partition: Partition, rng: np.random.Generator) -> list[list[Indices]]:
        """`repetitions` independent subsets per group, without replacement."""
        n = len(partition.codes)
        return [
            [np.sort(rng.choice(n, size=size, replace=False)) for _ in range(self.repetitions)]
            for size in partition.sizes
        ]


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


def dsmi(
    points: Array,
    reference: Any,
    *,
    groups: Grouping | None = None,
    estimator: Estimator = Matched(),
    kernel: Kernel = Gaussian(),
    alpha: float = 0.5,
    t: float = 1.0,
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
        How the reference becomes groups: `Labels()`, `Bins(10)`, `Clusters(10, seed=0)`.
    estimator : Matched or Literal
        `Matched(repetitions=5)` (default) or `Literal()`.
    kernel, alpha, t, solver, memory, tol
        As for `dse`; without a solver each set of points gets the one that `choose` gives for its size. A bandwidth
        rule is resolved once, on all points, and holds for every group.
    rng : int or numpy.random.Generator
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
    The affinity is computed once, O(n^2 d), and sliced; where it does not fit into `memory`, or the solver is
    stochastic and all sets together have fewer pairs, every set computes its own. Then (repetitions + 1) eigenproblems
    per group, in parallel.
    I(A; A) is not the entropy of A: the reference only enters through its groups.

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
    0.94 0.00
    """
    points = as_points(points)
    alpha, time = check_alpha(alpha), check_time(t)
    check_walk(kernel, solver or Exact())
    partition = partition_of(reference, groups, points.shape[0])
    generator = np.random.default_rng(rng)
    resolved = kernel.resolve(points, generator)
    members = partition.members()
    compared = estimator.subsets(partition, generator)
    sizes = [len(indices) for row in [members, *compared] for indices in row]
    walk = _walk_of(points, resolved, memory=memory, sizes=sizes, alpha=alpha, t=time, solver=solver, tol=tol)
    conditional, matched = _measure(walk, members, compared, generator)
    largest = max((row[0] for row in matched), key=lambda entropy: entropy.n)
    settings = settings_of(points, kernel, resolved, alpha, walk.solver_for(max(2, largest.n)), rng)
    value, stderr = _combine(partition.sizes, conditional, matched)
    return Estimate(
        measure="DSMI",
        value=value / NATS_PER[BIT],
        unit=BIT,
        n=points.shape[0],
        stderr=None if stderr is None else stderr / NATS_PER[BIT],
        ceiling=partition.entropy / NATS_PER[BIT],
        settings=replace(settings, t=time, estimator=repr(estimator), partition=partition.origin),
        verdict=_verdict(partition, largest, points, resolved, alpha, generator),
        groups=_table(partition, conditional, matched),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Walk:
    """From a set of indices to the entropy of those points."""

    points: Array
    affinity: Any
    """Of all points, to be sliced; None where it does not fit or the sets need less, which then compute their own."""
    tiles: GaussianTiles | None
    """The points as tiles that the sets take their rows from, where there is no affinity and the solver allows."""
    kernel: Kernel
    alpha: float
    t: float
    solver: Solver | None
    memory: float
    tol: float
    sets: int

    def __call__(self, drawn: tuple[Indices, np.random.Generator]) -> Entropy:
        indices, rng = drawn
        n = len(indices)
        if n == 1:
            return Entropy(1, 0.0, 0.0, None)
        solver = self.solver_for(n)
        found = solver(self._operator(indices, solver), rng)
        nats = shannon(found, self.t)
        share = (nats if self.t == 1 else shannon(found)) / math.log(n)
        return Entropy(n, nats, share, shannon_stderr(found, self.t))

    def solver_for(self, n: int) -> Solver:
        """The solver given, or the one chosen for `n` of these points."""
        d = self.points.shape[1]
        return self.solver or choose(n, d, t=self.t, memory=self.memory, tol=self.tol, sets=self.sets).solver

    def _operator(self, indices: Indices, solver: Solver) -> Operator:
        if self.affinity is not None:
            return operator_on(take_square(self.affinity, indices), self.kernel, self.alpha)
        if self.tiles is not None:
            return operator_in(self.tiles.some(from_numpy(indices, self.points)), self.alpha, self.memory)
        own = namespace(self.points).take(self.points, from_numpy(indices, self.points), axis=0)
        return operator_of(own, self.kernel, self.alpha, solver=solver, memory=self.memory)


def _walk_of(points: Array, kernel: Kernel, *, memory: float | None, sizes: Sequence[int], **rest: Any) -> _Walk:
    """The walk on one affinity that all sets share, or, where it does not fit, on the points of each set."""
    budget = memory_for(memory, points)
    walk = _Walk(points, None, None, kernel, memory=budget / cores(), sets=len(sizes), **rest)
    exact = all(isinstance(walk.solver_for(size), Exact) for size in set(sizes) if size > 1)
    n, tiled = points.shape[0], hasattr(kernel, "in_widths")
    if exact or not tiled:
        fits = 8.0 * n * n <= budget or not tiled
        return replace(walk, affinity=kernel(points) if fits else None)
    tiles = tiles_of(points, kernel)
    shared = bytes_of(tiles) <= budget and n * n <= sum(size * size for size in sizes)
    return replace(walk, affinity=filled(tiles)) if shared else replace(walk, tiles=tiles)


def _measure(
    walk: _Walk,
    members: Sequence[Indices],
    compared: Sequence[Sequence[Indices]],
    rng: np.random.Generator,
) -> tuple[list[Entropy], list[list[Entropy]]]:
    """Entropies of the groups and of what each is compared with; every distinct set of points is decomposed once."""
    distinct = {id(indices): indices for row in [*compared, members] for indices in row}
    drawn = list(zip(distinct.values(), rng.spawn(len(distinct)), strict=True))
    many = len(distinct) > 2 and is_numpy(walk.points)
    found = parallel_map(walk, drawn) if many else [walk(each) for each in drawn]
    by_set = dict(zip(distinct, found, strict=True))
    return [by_set[id(m)] for m in members], [[by_set[id(s)] for s in row] for row in compared]


def _combine(
    sizes: Sequence[int], conditional: Sequence[Entropy], matched: Sequence[Sequence[Entropy]]
) -> tuple[float, float | None]:
    """The information and its standard error, in nats: the spread over matched subsets and the solver's probes."""
    n = sum(sizes)
    value = variance = 0.0
    share: dict[int, float] = {}
    known = {id(entropy): entropy for entropy in [*conditional, *(row[0] for row in matched)]}
    for size, group, row in zip(sizes, conditional, matched, strict=True):
        nats = [entropy.nats for entropy in row]
        value += size / n * (math.fsum(nats) / len(nats) - group.nats)
        share[id(group)] = share.get(id(group), 0.0) - size / n
        if len(nats) > 1:
            # The probes of the subsets are part of their spread already.
            variance += (size / n) ** 2 * float(np.var(nats, ddof=1)) / len(nats)
        else:
            share[id(row[0])] = share.get(id(row[0]), 0.0) + size / n
    probed = {key: known[key].error for key in share if known[key].error is not None}
    variance += math.fsum((share[key] * (error or 0.0)) ** 2 for key, error in probed.items())
    return value, math.sqrt(variance) if probed or len(matched[0]) > 1 else None


def _table(
    partition: Partition, conditional: Sequence[Entropy], matched: Sequence[Sequence[Entropy]]
) -> tuple[Group, ...]:
    return tuple(
        Group(
            name=name,
            n=group.n,
            conditional=group.nats / NATS_PER[BIT],
            matched=math.fsum(entropy.nats for entropy in row) / len(row) / NATS_PER[BIT],
        )
        for name, group, row in zip(partition.names, conditional, matched, strict=True)
    )


def _verdict(
    partition: Partition, largest: Entropy, points: Array, kernel: Kernel, alpha: float, rng: np.random.Generator
) -> str:
    if len(partition.names) == 1:
        return "unknown: there is a single group, so there is nothing to tell apart and the value is 0"
    if largest.n == 1:
        return "unknown: every group holds one point, so the value is 0 by construction; use fewer groups"
    return judge(largest.share, points, kernel, alpha, rng)
