"""A measure of several representations of the same points: on all points, and on the subsets that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import Array, is_numpy, memory_for
from diffspec.inference.measure import HELD, Matrix, Measure, Subset, told_of
from diffspec.inference.resampling import ALONE, drawn
from diffspec.machine.threads import cores, parallel_both
from diffspec.points.groups import Partition
from diffspec.results.estimate import Estimate

__all__ = ["measured_together"]

# Arrays of all pairs that one value may take at a time.
AFFINITIES = 3.0

Known: TypeAlias = tuple[str, Array, Array | None]
"""A representation by its name, with the squared distances of its points where its subsets take theirs from them."""


def measured_together(
    measure: Measure, given: Mapping[str, Array], partition: Partition | None, seed: int, subsets: Sequence[Subset]
) -> tuple[list[Estimate], Matrix]:
    """The measure of every representation, and on every subset: (subsets, representations, repetitions).

    Side by side where that is faster and one core's share of the memory holds the affinity of a representation. Where
    the subsets take their distances from those of all points, a few representations at a time, and the distances of the
    next few beside them: the eigenvalues of all points take long on one core, and no core is to wait for another.
    """
    named, every = list(given.items()), all(map(is_numpy, given.values()))
    n, part = named[0][1].shape[0], measure.on_one_core(named[0][1])
    held = AFFINITIES * 8.0 * n * n <= float(part.how.memory or 0.0)
    beside = every and held and len(subsets[0].kept) > ALONE
    found: list[Estimate] = []
    draws: list[Matrix] = []

    def whole(name: str, points: Array, squared: Array | None) -> Estimate:
        with told_of(name):
            return measure.estimate(points, partition, seed, squared)

    def some(subset: Subset, known: Sequence[Known]) -> Matrix:
        return np.stack([own(subset, *one) for one in known])

    def own(subset: Subset, name: str, points: Array, squared: Array | None) -> Matrix:
        try:
            with told_of(name):
                return part(points, subset, squared)
        except Exception:
            whole(name, points, squared)  # what is wrong with all points is told of them, not of a subset
            raise

    batch = _batch(measure, [points for _name, points in named], subsets)
    known = [(name, points, measure.squared(points, subsets)) for name, points in named[:batch]]
    for start in range(0, len(named), batch):
        following = named[start + batch : start + 2 * batch]
        large: list[Any] = [partial(whole, *one) for one in known]
        large += [partial(measure.squared, points, subsets) for _name, points in following]
        if beside:
            done, rows = parallel_both(large, [partial(some, subset, known) for subset in subsets])
        else:
            done = [one() for one in large]
            rows = list(drawn(partial(some, known=known), subsets, together=every))
        found += done[: len(known)]
        draws.append(np.array(rows))
        known = [(*one, squared) for one, squared in zip(following, done[len(known) :], strict=True)]
    return found, np.concatenate(draws, axis=1)


def _batch(measure: Measure, given: Sequence[Array], subsets: Sequence[Subset]) -> int:
    """How many representations are measured at a time: all where no distances are held, else one for every core."""
    first = given[0]
    if not measure.shares_distances(first, subsets):
        return len(given)
    if not is_numpy(first):
        return 1
    return max(1, min(cores(), int(memory_for(measure.how.memory, first) / (HELD * 8.0 * first.shape[0] ** 2))))
