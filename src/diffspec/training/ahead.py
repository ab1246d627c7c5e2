"""What is measured of the points of a layer under one rule; of several layers and rules side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from diffspec._arrays import memory_for
from diffspec.conventions import Walk
from diffspec.machine.threads import cores, parallel_map
from diffspec.measures.several import Several
from diffspec.training.measures import DSE, DSMI, Measure, shares, times_of
from diffspec.training.network.reductions import Points
from diffspec.training.probe import Probe

__all__ = ["Taken", "Under", "ahead", "side_by_side", "taken"]

# What others write may draw from the global generators, or not bear threads.
OURS = (DSE, DSMI)
# Arrays of all pairs that the measures of one rule may take at a time.
AFFINITIES = 4.0


@dataclass(frozen=True, slots=True)
class Taken:
    """What a measure gave, or the error that it raised."""

    estimate: Any = None
    times: Mapping[str, Any] = field(default_factory=dict)
    """The field of the record that holds its values at other times; empty of a measure that has none."""
    seconds: float = 0.0
    error: Exception | None = None


@dataclass(frozen=True)
class Under:
    """The points of a layer under one rule."""

    points: Points
    walk: Walk
    advises: bool = True
    found: tuple[Taken, ...] = ()
    """What its measures gave, in their order, where that was found ahead."""

    @cached_property
    def several(self) -> Several:
        """What its measures share; made at the first use, so that its failure is theirs."""
        return Several(self.points, **self.walk, advises=self.advises)


def taken(measure: Measure, under: Under, probe: Probe) -> Taken:
    """What `measure` gives of the points `under` a rule, and how long it takes."""
    started = time.perf_counter()
    times: dict[str, Any] = {}
    try:
        if shares(measure):
            estimate = measure.taken(under.several, probe)
            found = times_of(measure, under.several, probe)
            times = {} if found is None else {"times": found}
        else:
            estimate = measure(under.points, probe, under.walk)
    except Exception as error:
        return Taken(error=error)
    return Taken(estimate, times, round(time.perf_counter() - started, 4))


def ahead(unders: Sequence[Under], measures: Sequence[Measure], probe: Probe) -> list[Under]:
    """The same with what `measures` give of each, on all cores, one layer and rule a thread."""
    return parallel_map(lambda under: _with_all(under, measures, probe), unders)


def _with_all(under: Under, measures: Sequence[Measure], probe: Probe) -> Under:
    own = replace(under)  # lets go what its measures share
    return replace(under, found=tuple(taken(measure, own, probe) for measure in measures))


def side_by_side(unders: Sequence[Under], measures: Sequence[Measure]) -> bool:
    """Whether `ahead` will do: not with measures of others, and where memory does not hold so many graphs."""
    if len(unders) < 2 or cores() < 2 or not all(type(measure) in OURS for measure in measures):
        return False
    need = AFFINITIES * 8.0 * max(len(under.points) for under in unders) ** 2
    return need <= memory_for(None) / cores()
