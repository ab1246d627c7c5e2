"""A measure of several representations of the same points: on all points, and on the subsets that they share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from diffspec._arrays import Array, is_numpy, memory_for
from diffspec.inference.measure import HELD, Matrix, Measure, Subset
from diffspec.inference.resampling import drawn
from diffspec.machine.threads import cores, parallel_both
from diffspec.points.groups import Partition
from diffspec.results.estimate import Estimate

__all__ = ["measured_together"]

# Arrays of all pairs that one value may take at a time.
AFFINITIES = 3.0


def measured_together(
    measure: Measure, given: Sequence[Array], partition: Partition, seed: int, subsets: Sequence[Subset]
) -> tuple[list[Estimate], Matrix]:
    """The measure of every representation, and on every subset: (subsets, representations, repetitions).

    Side by side where one core's share of the memory holds the affinity of a representation. Where the subsets take
    their distances from those of all points, a few representations at a time, and the distances of the next few beside
    them: the eigenvalues of all points take long on one core, and no core is to wait for another.
    """
    n, part, every = len(partition.codes), measure.on_one_core(given[0]), all(map(is_numpy, given))
    beside = every and AFFINITIES * 8.0 * n * n <= float(part.how.memory or 0.0)
    found: list[Estimate] = []
    draws: list[Matrix] = []

    def some(subset: Subset, known: Sequence[tuple[Array, Array | None]]) -> Matrix:
        return np.stack([part(points, subset, squared) for points, squared in known])

    batch = _batch(measure, given, subsets)
    known = [(points, measure.squared(points, subsets)) for points in given[:batch]]
    for start in range(0, len(given), batch):
        following = given[start + batch : start + 2 * batch]
        large: list[Any] = [partial(measure.estimate, points, partition, seed, squared) for points, squared in known]
        large += [partial(measure.squared, points, subsets) for points in following]
        if beside:
            done, rows = parallel_both(large, [partial(some, subset, known) for subset in subsets])
        else:
            done = [one() for one in large]
            rows = list(drawn(partial(some, known=known), subsets, together=every))
        found += done[: len(known)]
        draws.append(np.array(rows))
        known = list(zip(following, done[len(known) :], strict=True))
    return found, np.concatenate(draws, axis=1)


def _batch(measure: Measure, given: Sequence[Array], subsets: Sequence[Subset]) -> int:
    """How many representations are measured at a time: all where no distances are held, else one for every core."""
    first = given[0]
    if not measure.shares_distances(first, subsets):
        return len(given)
    if not is_numpy(first):
        return 1
    return max(1, min(cores(), int(memory_for(measure.how.memory, first) / (HELD * 8.0 * first.shape[0] ** 2))))
