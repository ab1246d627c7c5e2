"""Entropy and information over a whole range of widths: no sigma has to be chosen, and every summary is scale-free."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diffspec._arrays import Array, as_points, is_numpy, memory_for, namespace, take_rows, to_numpy
from diffspec._checks import Seed
from diffspec.errors import InputError, TooLargeError
from diffspec.kernels import Gaussian
from diffspec.kernels.bandwidth import Sigma
from diffspec.kernels.scales import Distances
from diffspec.machine.memory import in_words, within_memory
from diffspec.machine.threads import cores, parallel_map
from diffspec.measures.asked import Asked, asked
from diffspec.measures.entropy import settings_of
from diffspec.measures.estimators import Estimator, Matched, check_estimator
from diffspec.measures.parts import Parts
from diffspec.measures.profiles.curves import Curve, Profile
from diffspec.measures.profiles.widths import WIDTHS, narrowest, widest, widths, widths_asked
from diffspec.measures.subsets import Entropy, Indices
from diffspec.operators.build import Plan, build, distances_of, widened
from diffspec.points.distances import unit_scaled
from diffspec.points.groups import Grouping, Partition, check_grouping, partition_of
from diffspec.results.estimate import BIT, NATS_PER
from diffspec.solvers import Solver
from diffspec.solvers.choice import choose, planned_for_widths

__all__ = ["profile"]


@within_memory
def profile(
    points: Array,
    reference: Any = None,
    *,
    sigmas: int | Sequence[float] = WIDTHS,
    sigma: Sigma = Gaussian().sigma,
    groups: Grouping | None = None,
    estimator: Estimator = Matched(),
    alpha: float = 0.5,
    t: float = 1.0,
    solver: Solver | None = None,
    memory: float | None = None,
    tol: float = 1e-2,
    rng: Seed = 0,
) -> Profile:
    """DSE of `points`, and DSMI with a `reference`, over a grid of kernel widths, from one set of distances.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`; not all equal.
    reference, groups, estimator
        As for `dsmi`; left out, only the entropy is measured. Every width sees the same groups and matched subsets.
    sigmas : int or sequence of float
        How many widths, spaced evenly in log sigma so that they reach from one plateau (kernel the identity) to the
        other (kernel constant), or the widths themselves. At least 2.
    sigma : float or str or rule
        The width to be marked in tables and figures: what `Gaussian` takes. Changes nothing else.
    alpha, t, memory, rng
        As for `dse`.
    solver : Solver, optional
        Default: what `choose` gives for so many entropies, which is exact up to some 800 points.
    tol : float
        Standard error in bits that the chosen solver shall reach at every width, where it is not exact.

    Returns
    -------
    Profile
        The curves with their standard errors, the plateaus, the informative range, and summaries without a scale.

    Raises
    ------
    InputError
        Input that `dse` or `dsmi` refuse; all points equal; fewer than two widths.
    TooLargeError
        The distances and one affinity, n x n numbers each, do not fit into `memory`.

    Notes
    -----
    Values do not change, but for rounding, when the points are moved, rotated, put in another order or scaled
    together with given `sigmas`: points are taken in an order of their own (by distance from the mean) before
    anything random is drawn. Widths use the same probes and subsets, so their errors are alike and the curves smooth.

    Time O(n^2 d) for the distances, then per width one affinity and a few dozen products with it: at n = 2000, 30
    widths take 2 to 7 times as long as one `dse`. With a reference, one small eigenproblem per set and width besides:
    with ten classes of unequal size together 5 to 8 times one `dse` and one `dsmi`. Memory: one n x n array, float32
    where the solver is not exact, and one more per core. Affinities from float32 may add 1e-4 bits where the entropy is
    nearly 0.

    References
    ----------
    liao2024dse, Definitions 4.1 and 4.2; coifman2008graph, for the growth of the kernel's sum.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import profile
    >>> plane = np.random.default_rng(0).uniform(size=(400, 2)) @ np.random.default_rng(1).normal(size=(2, 20))
    >>> found = profile(plane)
    >>> print(f"dimension {found.dimension:.1f}; {profile(1000 * plane).dimension:.1f} at 1000 times the size")
    dimension 1.7; 1.7 at 1000 times the size
    """
    points = as_points(points)
    how = asked(Gaussian(sigma), alpha=alpha, t=t, solver=solver, memory=memory, tol=tol, rng=rng)
    check_estimator(estimator)
    check_grouping(groups)
    partition = None if reference is None else partition_of(reference, groups, points.shape[0])
    points, partition = _in_own_order(points, partition)
    sweep = _sweep(points, sigmas, how)
    generator = how.rng
    marked = Gaussian(sigma).resolve(points, generator)
    settings = settings_of(
        points, Gaussian(sigma), marked, alpha=sweep.alpha, solver=sweep.solver_for(sweep.n), rng=rng
    )
    members = [] if partition is None else [*partition.members(), *estimator.whole(partition)]
    compared = [] if partition is None else estimator.subsets(partition, generator)
    entropies, growth, rows = sweep.measured([*members, *(drawn for row in compared for drawn in row)], generator)
    found = Profile(
        sigmas=sweep.sigmas,
        entropy=_curve([(entropy.nats, entropy.error) for entropy in entropies]),
        growth=tuple(growth),
        scale=sweep.scale,
        n=sweep.n,
        distinct=sweep.distinct,
        settings=replace(settings, t=sweep.t),
    )
    if partition is None:
        return found
    return replace(
        found,
        information=_information(estimator, partition, [members, *compared], rows),
        ceiling=partition.entropy / NATS_PER[BIT],
        settings=replace(found.settings, estimator=repr(estimator), partition=partition.origin),
    )


@dataclass(frozen=True, slots=True)
class _Task:
    """Some points (None: all), at some widths, with the same probes at all of them."""

    indices: Indices | None
    sigmas: tuple[float, ...]
    seed: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Sweep:
    """What every width has in common."""

    distances: Distances
    plan: Plan
    features: int
    sigmas: tuple[float, ...]
    scale: float
    distinct: int
    alpha: float
    t: float
    solver: Solver | None
    memory: float
    tol: float

    @property
    def n(self) -> int:
        return self.distances.n

    def solver_for(self, n: int) -> Solver:
        """The solver given, or the one chosen for `n` of the points at all widths."""
        count = len(self.sigmas)
        return (
            self.solver
            or choose(
                n, self.features, kernel=Gaussian(), t=self.t, memory=self.memory, tol=self.tol, sets=count
            ).solver
        )

    def measured(
        self, sets: Sequence[Indices], rng: np.random.Generator
    ) -> tuple[list[Entropy], list[float], dict[int, list[Entropy]]]:
        """Entropies of all points and growth of their kernel, per width; and by id of a set its entropies."""
        seed, *seeds = rng.integers(2**63, size=1 + len(sets)).tolist()
        tasks = [_Task(None, (sigma,), seed) for sigma in self.sigmas]
        smaller = {id(indices): indices for indices in sets if 1 < len(indices) < self.n}
        tasks += [_Task(indices, self.sigmas, seed) for indices, seed in zip(smaller.values(), seeds, strict=False)]
        found = parallel_map(self, tasks) if self._side_by_side() else [self(task) for task in tasks]
        whole, rest = found[: len(self.sigmas)], found[len(self.sigmas) :]
        entropies = [entropy for ((entropy, _growth),) in whole]
        single = [Entropy(1, 0.0, 0.0, None)] * len(self.sigmas)
        rows = {id(indices): single if len(indices) == 1 else entropies for indices in sets}
        rows |= {key: [entropy for entropy, _none in row] for key, row in zip(smaller, rest, strict=True)}
        return entropies, [growth for ((_entropy, growth),) in whole], rows

    def __call__(self, task: _Task) -> list[tuple[Entropy, float]]:
        """The entropy, and of all points the growth of the kernel's sum, at every width of a task."""
        part = self.distances if task.indices is None else self.distances.some(task.indices)
        solver, found = self.solver_for(part.n), []
        for sigma in task.sigmas:
            affinity = part.affinity(sigma)
            growth = part.growth(affinity, sigma) if task.indices is None else 0.0
            # The same probes at every width: what they miss is alike, and the curve is smooth.
            rng = np.random.default_rng(task.seed)
            known = lambda _storage, affinity=affinity: affinity  # noqa: E731
            operator = widened(build(part, Gaussian(sigma), self.alpha, self.plan, rng=rng, known=known))
            del affinity, known  # where the operator is a copy in float64
            spectrum = solver(operator, rng)
            found.append((Entropy.of(spectrum, self.t), growth))
        return found

    def _side_by_side(self) -> bool:
        """Whether one affinity per core fits, and a copy of it in float64."""
        return is_numpy(self.distances.squared) and (1 + 3 * cores()) * _bytes(self.distances) <= self.memory


def _sweep(points: Array, sigmas: int | Sequence[float], how: Asked) -> _Sweep:
    """The distances of `points` and the widths."""
    n, d = points.shape
    budget, t = memory_for(how.memory, points), how.t
    given = widths_asked(sigmas)
    count = given if isinstance(given, int) else len(given)
    need = 16.0 * n * n  # both in float64, or in float32 and a copy of the affinity in float64
    if need > budget:
        raise TooLargeError(
            f"a profile keeps {n} x {n} distances and one affinity, {in_words(need)}, and {in_words(budget)} are "
            "allowed; give more memory or measure a random subset of the points"
        )
    choice = planned_for_widths(points, solver=how.solver, t=t, memory=budget, tol=how.tol, widths=count)
    distances = distances_of(points, choice.plan.precision)
    nearest, copies, farthest = distances.extent()
    if not math.isfinite(farthest):
        raise InputError("points are too large for their distances to be float64 numbers; divide all of them by 1e10")
    if farthest == 0:
        raise InputError("all points are equal: they have no scale to profile, and their DSE is 0 at every sigma")
    distinct = round(float(np.sum(1.0 / copies)))
    scaled, unit = unit_scaled(points)
    xp = namespace(points)
    mean = xp.mean(scaled, axis=0)  # 0 but for rounding, unless one row lies very far out
    scale = unit * math.sqrt(float(xp.sum(scaled * scaled) - n * xp.sum(mean * mean)) / (n - 1))
    return _Sweep(
        distances=distances,
        plan=choice.plan,
        features=d,
        sigmas=widths(given, narrowest(nearest, t), widest(scale, farthest, distinct=distinct, t=t)),
        scale=scale,
        distinct=distinct,
        alpha=how.alpha,
        t=t,
        solver=how.solver,
        memory=budget,
        tol=how.tol,
    )


def _information(
    estimator: Estimator, partition: Partition, sets: Sequence[Sequence[Indices]], rows: dict[int, list[Entropy]]
) -> Curve:
    """The information at every width, from the entropies of the groups and of what each is compared with."""

    def at(place: int) -> tuple[float, float | None]:
        members, *compared = [[rows[id(indices)][place] for indices in row] for row in sets]
        found = estimator.information(Parts.of(partition.sizes, members, compared))
        return found.value, found.stderr

    return _curve([at(place) for place in range(len(next(iter(rows.values()))))])


def _curve(nats: Sequence[tuple[float, float | None]]) -> Curve:
    """Values with their standard errors, in bits."""
    bit = NATS_PER[BIT]
    random = any(error is not None for _value, error in nats)
    return Curve(
        values=tuple(value / bit for value, _error in nats),
        stderr=tuple((error or 0.0) / bit for _value, error in nats) if random else None,
    )


def _in_own_order(points: Array, partition: Partition | None) -> tuple[Array, Partition | None]:
    """Points and groups by distance from the mean, so that what is drawn does not depend on the order given."""
    scaled, _unit = unit_scaled(points)
    order = np.argsort(to_numpy(namespace(points).sum(scaled * scaled, axis=1)), kind="stable")
    ordered = take_rows(points, order)
    return ordered, None if partition is None else replace(partition, codes=np.asarray(partition.codes)[order])


def _bytes(distances: Distances) -> float:
    return distances.n**2 * float(namespace(distances.squared).finfo(distances.squared.dtype).bits) / 8.0
