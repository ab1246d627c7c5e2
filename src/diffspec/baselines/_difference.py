"""An information as a difference of any entropy: all points, or matched subsets, against the groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from diffspec.baselines._estimates import finite
from diffspec.machine.threads import parallel_map
from diffspec.measures.estimators import Estimator, check_difference
from diffspec.measures.information import table_of
from diffspec.measures.parts import combined
from diffspec.measures.subsets import Entropy, Indices
from diffspec.points.groups import Partition
from diffspec.results.estimate import BIT, NATS_PER, Estimate, Settings

__all__ = ["EntropyOf", "difference"]

EntropyOf: TypeAlias = Callable[[Indices], float]
"""Indices of some points to the entropy of those points, in nats."""


def difference(
    measure: str,
    entropy: EntropyOf,
    partition: Partition,
    *,
    estimator: Estimator,
    settings: Settings,
    rng: np.random.Generator,
    verdict: str = "",
) -> Estimate:
    """sum_g (n_g / n) (mean entropy of what group g is compared with - entropy of group g), in bits.

    Every distinct set of points is measured once, on all cores; `stderr` is the spread over matched subsets.
    """
    members = partition.members()
    compared = check_difference(estimator).subsets(partition, rng)
    distinct = {id(indices): indices for row in [members, *compared] for indices in row}

    def measured(indices: Indices) -> Entropy:
        n = len(indices)
        return Entropy(n, finite(entropy(indices), measure, n) if n > 1 else 0.0, 0.0, None)

    found = dict(zip(distinct, parallel_map(measured, distinct.values()), strict=True))
    conditional = [found[id(indices)] for indices in members]
    matched = [[found[id(indices)] for indices in row] for row in compared]
    nats, error = combined(partition.sizes, conditional, matched)
    return Estimate(
        measure=measure,
        value=nats / NATS_PER[BIT],
        unit=BIT,
        n=len(partition.codes),
        stderr=None if error is None else error / NATS_PER[BIT],
        ceiling=partition.entropy / NATS_PER[BIT],
        settings=replace(settings, estimator=repr(estimator), partition=partition.origin),
        verdict=verdict,
        groups=table_of(partition, conditional, matched),
    )
