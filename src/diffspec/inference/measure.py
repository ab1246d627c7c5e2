"""A DSE, or with a partition a DSMI, taken on all points or on subsets that several representations share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from diffspec._arrays import Array, memory_for, namespace, take_rows, take_square
from diffspec._checks import Seed, generator_of
from diffspec.errors import InputError
from diffspec.kernels import Kernel, Precomputed, Storage
from diffspec.kernels.local import Local
from diffspec.machine.threads import cores, single_threaded_blas
from diffspec.measures.asked import Asked
from diffspec.measures.entropy import dse
from diffspec.measures.estimators import Estimator
from diffspec.measures.information import informed
from diffspec.measures.parts import Parts
from diffspec.measures.subsets import Indices, measured, walk_of
from diffspec.operators.build import affinity_of
from diffspec.points.distances import pairwise
from diffspec.points.groups import Partition
from diffspec.results.estimate import BIT, NATS_PER, Estimate
from diffspec.results.lines import one_line
from diffspec.solvers.storing import DENSE

__all__ = ["Matrix", "Measure", "Subset", "told_of"]

Matrix: TypeAlias = np.ndarray[Any, Any]

# Arrays of all pairs that memory must hold for one of them, the squared distances, to stay.
HELD = 6.0


@dataclass(slots=True, eq=False)
class Subset:
    """Some of the points, with all that does not depend on the representation: it is found once."""

    kept: Matrix
    groups: Partition | None
    members: list[Indices]
    """Of every group the places among the points kept; without groups all of them."""
    seed: int
    _drawn: list[tuple[Mapping[str, Any], list[list[Indices]], Mapping[str, Any]]] = field(default_factory=list)
    """The random sets of an estimator, with the states of the generator before and after."""

    @classmethod
    def of(cls, partition: Partition | None, kept: Matrix, seed: int) -> Subset:
        """The subset of the points `kept`, in the groups of `partition` that any of them is in."""
        if partition is None:
            return cls(kept, None, [np.arange(len(kept))], seed)
        present, codes = np.unique(partition.codes[kept], return_inverse=True)
        groups = replace(partition, codes=codes, names=tuple(partition.names[code] for code in present))
        return cls(kept, groups, groups.members(), seed)

    def compared(self, estimator: Estimator, rng: np.random.Generator) -> list[list[Indices]]:
        """What `estimator` compares the groups with, drawn from `rng`: nothing without groups."""
        if self.groups is None:
            return []
        state = rng.bit_generator.state
        for before, sets, after in self._drawn:
            if before == state:
                rng.bit_generator.state = after
                return sets
        sets = estimator.subsets(self.groups, rng)
        self._drawn.append((state, sets, rng.bit_generator.state))
        return sets


@dataclass(frozen=True, slots=True)
class Measure:
    """A DSE, or with a partition a DSMI, that can be taken on subsets of the points."""

    estimator: Estimator
    how: Asked

    def estimate(self, points: Array, partition: Partition | None, rng: Seed, squared: Array | None = None) -> Estimate:
        """The measure on all points, whose distances are known where `squared` holds them."""
        if partition is None:
            names = ("kernel", "alpha", "t", "solver", "memory", "tol")
            return dse(points, rng=rng, **{name: getattr(self.how, name) for name in names})
        how = replace(self.how, rng=generator_of(rng))
        affinity = None if squared is None else partial(_affinity, points, squared, None)
        return informed(points, partition, self.estimator, how, seed=rng, affinity=affinity)

    def shares_distances(self, points: Array, subsets: Sequence[Subset]) -> bool:
        """Whether the `subsets` take their distances from those of all `points`.

        Where the kernel asks for nothing else, those of every subset would cost more, and memory holds them.
        """
        n, sizes = points.shape[0], [len(subset.kept) for subset in subsets]
        pays = max(sizes) <= DENSE and (n <= DENSE or n * n <= sum(size**2 for size in sizes))
        return _by_distances(self.how.kernel) and pays and HELD * 8.0 * n * n <= memory_for(self.how.memory, points)

    def squared(self, points: Array, subsets: Sequence[Subset]) -> Array | None:
        """The squared distances of all `points` where the `subsets` share them, else None."""
        if not self.shares_distances(points, subsets):
            return None
        with single_threaded_blas():  # its threads wait for more work, on the cores that the blocks need
            return pairwise(points, lambda some, _unit: some)[0]

    def on_one_core(self, points: Array) -> Measure:
        """The same within what one core may use of the memory, for many subsets: what is free is asked for once."""
        return replace(self, how=replace(self.how, memory=memory_for(self.how.memory, points) / cores()))

    def __call__(self, points: Array, subset: Subset, squared: Array | None = None) -> Matrix:
        """The measure on a subset, always with the same estimator, in bits: one value per repetition of that.

        `squared` are the distances of all points, where they are known.
        """
        rng = np.random.default_rng(subset.seed)
        own, groups = self._some(points, subset.kept), subset.groups
        kernel = self.how.kernel.resolve(own, rng)
        compared = subset.compared(self.estimator, rng)
        members = subset.members if groups is None else [*subset.members, *self.estimator.whole(groups)]
        sizes = [len(indices) for row in [members, *compared] for indices in row]
        known = None if squared is None else partial(_affinity, own, squared, subset.kept, kernel)
        walk = walk_of(own, kernel, self.how, sizes=sizes, known=known)
        entropies, matched = measured(walk, members, compared, rng)
        if groups is None:
            return np.array([entropies[0].nats]) / NATS_PER[BIT]
        return self.estimator.repeated(Parts.of(groups.sizes, entropies, matched)) / NATS_PER[BIT]

    def _some(self, points: Array, kept: Matrix) -> Array:
        if isinstance(self.how.kernel, Precomputed):
            return take_square(points, kept)
        return take_rows(points, kept)


@contextmanager
def told_of(name: str) -> Iterator[None]:
    """Inside, an error on what is measured says of which of several representations."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{one_line(name)}: {error}") from None


def _by_distances(kernel: Kernel) -> TypeGuard[Local]:
    """Whether squared distances are all that `kernel` asks: one that somebody calls in another way may look at more."""
    return isinstance(kernel, Local) and type(kernel).__call__ is Local.__call__


def _affinity(points: Array, squared: Array, kept: Indices | None, kernel: Kernel, storage: Storage) -> Any:
    """That of `points`, of which the squared distances are those `kept` of `squared`, or all; it is left as it is."""
    if storage != "dense" or not _by_distances(kernel):
        return affinity_of(points, kernel, storage)
    return kernel.of_squared(
        namespace(squared).asarray(squared, copy=True) if kept is None else take_square(squared, kept)
    )
