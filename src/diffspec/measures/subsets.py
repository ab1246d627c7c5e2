"""Entropies of many sets of the same points: on one shared affinity, on shared tiles, or each on its own points."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import Array, device_name, from_numpy, is_numpy, memory_for, take_rows, take_square
from diffspec.kernels import Kernel, Storage
from diffspec.machine.threads import cores, parallel_map
from diffspec.measures.asked import Asked
from diffspec.operators.blocked import filled
from diffspec.operators.build import affinity_of, build, operator_on, tiles_of
from diffspec.operators.dense import Operator
from diffspec.operators.tiles import GaussianTiles
from diffspec.solvers import Exact, Solver
from diffspec.solvers.choice import choose, plan
from diffspec.solvers.few import alike, eigenvalues_of
from diffspec.solvers.storing import Size, plan_for_sets, plan_in
from diffspec.spectra.functionals import shannon_and_log_sum
from diffspec.spectra.powers import HUGE_TIME
from diffspec.spectra.rounding import log_sum_error
from diffspec.spectra.spectrum import Spectrum, shannon, whole_error
from diffspec.spectra.stacked import Stacked, shannon_and_log_sums

__all__ = ["Entropy", "Indices", "Walk", "measured", "moved_to", "walk_of"]

# Less work (n^3, over all sets) than this is done before threads have started.
SMALL = 10**7

Indices: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Entropy:
    """The entropy of one set of points: at the time asked, in nats, and at t = 1 as a share of log n."""

    n: int
    nats: float
    first: float
    error: float | None
    """Standard error of `nats` from the solver's probes."""
    log_sum: float = 0.0
    """Log of the sum of |eigenvalue|^t at the time asked."""
    log_sum_error: float = 0.0
    """Standard error of `log_sum` from the solver's probes."""
    spectrum: Spectrum | None = field(default=None, repr=False, compare=False)
    """Where it was kept: the same set at other times follows from it."""
    check: Entropy | None = None
    """The same by the second rule of the spectrum, where it has one."""
    halved: Entropy | None = None
    """The same with half of the solver's steps."""

    @classmethod
    def of(cls, found: Spectrum, t: float) -> Entropy:
        """What the spectrum of a set says at time `t`."""
        nats, total = shannon_and_log_sum(found, t)
        first = (nats if t == 1 else shannon(found)) / math.log(found.n)
        error = whole_error(found, t)
        spread = 0.0 if error is None else log_sum_error(found, t)
        check, halved = (None if one is None else cls.of(one, t) for one in (found.check, found.halved))
        return cls(found.n, nats, first, error, total, spread, check=check, halved=halved)

    @property
    def share(self) -> float:
        """The entropy at the time asked as a share of log n."""
        return self.nats / math.log(self.n) if self.n > 1 else 0.0


def moved_to(entropies: Sequence[Entropy], t: float) -> list[Entropy]:
    """At another time, from the spectra that were kept; `error` and `first` are as before."""
    kept = [(place, one.spectrum) for place, one in enumerate(entropies) if one.spectrum is not None]
    found, moved = shannon_and_log_sums([spectrum for _place, spectrum in kept], t), list(entropies)
    for (place, _spectrum), (nats, total) in zip(kept, found, strict=True):
        moved[place] = replace(entropies[place], nats=nats, log_sum=total)
    return moved


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
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
    chosen: dict[int, Solver] = field(default_factory=dict, repr=False)
    """The solver by the number of points, as it is asked for."""
    keeps: bool = False
    """Whether entropies come with their spectra."""
    entry_error: float = 0.0
    """Root mean square of the relative rounding of `affinity` where tiles filled it."""

    def __call__(self, drawn: tuple[Indices, np.random.Generator]) -> Entropy:
        """The entropy of the points at some indices, with the generator of the solver's probes."""
        indices, rng = drawn
        n = len(indices)
        if n == 1:
            return Entropy(1, 0.0, 0.0, None)
        solver = self.solver_for(n)
        found = solver(self._operator(indices, solver, rng), rng)
        entropy = Entropy.of(found, self.t)
        return replace(entropy, spectrum=found) if self.keeps else entropy

    def jobs(self, sizes: Sequence[int]) -> list[list[int]]:
        """The places of sets of these `sizes`, those that are solved together in one list."""
        whole = isinstance(self.affinity, np.ndarray) and self.affinity.dtype == np.float64
        plain = whole and self.t < HUGE_TIME
        exact = {size for size in set(sizes) if plain and size > 1 and isinstance(self.solver_for(size), Exact)}
        few = alike([size if size in exact else 0 for size in sizes])
        rest = set(range(len(sizes))).difference(*few)
        return [*few, *([place] for place in sorted(rest))]

    def together(self, drawn: Sequence[tuple[Indices, np.random.Generator]]) -> list[Entropy]:
        """The entropies of the sets of one job."""
        if len(drawn) == 1:
            return [self(drawn[0])]
        sets = [indices for indices, _rng in drawn]
        nodes, floors = eigenvalues_of(self.affinity, sets, self.alpha)
        found, sizes = Stacked.of(nodes, floors), [len(indices) for indices in sets]
        spectra = [
            Spectrum(nodes=own[:n], weights=np.ones(n), n=n, floor=floor) if self.keeps else None
            for own, n, floor in zip(nodes, sizes, floors.tolist(), strict=True)
        ]
        firsts, _sums = found.shannon_and_log_sum(1.0)
        rows = zip(sizes, *found.shannon_and_log_sum(self.t), firsts, spectra, strict=True)
        return [Entropy(n, nats, first / math.log(n), None, total, spectrum=own) for n, nats, total, first, own in rows]

    def solver_for(self, n: int) -> Solver:
        """The solver given, or the one chosen for `n` of these points; all of them are one set."""
        if self.solver is not None:
            return self.solver
        if n not in self.chosen:
            whole, d = self.points.shape
            sets = 1 if n == whole else self.sets
            asked: dict[str, Any] = {"t": self.t, "memory": self.memory, "tol": self.tol, "sets": sets}
            self.chosen[n] = choose(n, d, kernel=self.kernel, **asked).solver
        return self.chosen[n]

    def draws(self, n: int) -> bool:
        """Whether the solver of `n` of these points may use its generator."""
        return n > 1 and not isinstance(self.solver_for(n), Exact)

    def _operator(self, indices: Indices, solver: Solver, rng: np.random.Generator) -> Operator:
        if self.affinity is not None:
            # All points are taken for their eigenvalues, whose order does not matter.
            whole = len(indices) == self.points.shape[0] and is_numpy(self.affinity)
            own = self.affinity.copy() if whole else take_square(self.affinity, indices)
            return operator_on(own, self.kernel, self.alpha, self.entry_error)
        if self.tiles is not None:
            tiles = self.tiles.some(from_numpy(indices, self.points))
            return build(tiles, self.kernel, self.alpha, plan_in(tiles, self.memory), rng=rng)
        points = take_rows(self.points, indices)
        (n, d), widths = points.shape, partial(self.kernel.in_widths, points)
        asked: dict[str, Any] = {"t": self.t, "memory": self.memory, "tol": self.tol}
        size = Size(n, d, host=device_name(points) == "cpu")
        made = plan(size, self.kernel, solver=solver, widths=widths, **asked).plan
        return build(points, self.kernel, self.alpha, made, rng=rng, memory=self.memory, why=f"{solver!r} with ")


def walk_of(
    points: Array, kernel: Kernel, how: Asked, *, sizes: Sequence[int], known: Callable[[Storage], Any] | None = None
) -> Walk:
    """The walk on one affinity that all sets share, or, where it does not fit, on the points of each set.

    `kernel` is resolved on `points`; all else is as was asked. `known` gives the affinity of all points where it has
    been computed for something else too.
    """
    budget = memory_for(how.memory, points)
    rest: dict[str, Any] = {"alpha": how.alpha, "t": how.t, "solver": how.solver, "tol": how.tol}
    walk = Walk(points, None, None, kernel, memory=budget / cores(), sets=len(sizes), **rest)
    solvers = [walk.solver_for(size) for size in set(sizes) if size > 1]
    # Centring and scaling costs a tenth of the whole where the sets are small.
    widths = cache(partial(kernel.in_widths, points))
    common = plan_for_sets(points, kernel, solvers=solvers, sizes=sizes, memory=budget, widths=widths)
    if common is None:
        return walk
    if common.precision == "kernel":
        return replace(walk, affinity=known(common.storage) if known else affinity_of(points, kernel, common.storage))
    tiles = tiles_of(widths(), common.precision)
    if common.storage == "dense":
        return replace(walk, affinity=filled(tiles), entry_error=tiles.entry_error)
    return replace(walk, tiles=tiles)


def measured(
    walk: Walk,
    members: Sequence[Indices],
    compared: Sequence[Sequence[Indices]],
    rng: np.random.Generator,
) -> tuple[list[Entropy], list[list[Entropy]]]:
    """Entropies of the groups and of what each is compared with; every distinct set of points is decomposed once."""
    distinct = {id(indices): indices for row in [*compared, members] for indices in row}
    sets = list(distinct.values())
    # Fifty generators take as long as the eigenvalues of thirty points ten times.
    own = rng.spawn(len(sets)) if any(map(walk.draws, set(map(len, sets)))) else [rng] * len(sets)
    drawn = list(zip(sets, own, strict=True))
    jobs = walk.jobs([len(indices) for indices in sets])

    def run(places: list[int]) -> list[Entropy]:
        return walk.together([drawn[place] for place in places])

    work = sum(len(indices) ** 3 for indices in distinct.values())
    many = len(jobs) > 2 and work > SMALL and is_numpy(walk.points)
    found = itertools.chain(*(parallel_map(run, jobs) if many else map(run, jobs)))
    by_place = dict(zip(itertools.chain(*jobs), found, strict=True))
    by_set = {key: by_place[place] for place, key in enumerate(distinct)}
    return [by_set[id(m)] for m in members], [[by_set[id(s)] for s in row] for row in compared]
