"""Rules that could tell memorising from learning, and what became of each over many trainings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from diffspec.training import Memorisation
from recipes.lab.log import Cell

__all__ = ["ADJUSTED", "ENTROPY", "FAMILIES", "SIGNALS", "Family", "Outcome", "chosen", "onset", "outcome", "told"]

ADJUSTED, MATCHED = "adjusted DSMI(Z;Y), neighbors", "DSMI(Z;Y), neighbors"
AT_TEN, ENTROPY = "adjusted DSMI(Z;Y), sigma = 10", "DSE(Z) t=30, neighbors"
SIGNALS = (ADJUSTED, MATCHED, AT_TEN, ENTROPY)
CHANCE, CLEAR = 0.1, 0.1
"""A label of ten is right by chance; memorising has begun where the training accuracy is clearly above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One training up to a look: shares that were right, and a signal at all looks so far."""

    train: tuple[float, ...]
    """From the first epoch that was looked at on; empty where there is no accuracy in training."""
    held: float
    signal: tuple[float, ...]
    ceiling: float


Rule: TypeAlias = Callable[[Seen, tuple[float, ...]], bool]
Parameters: TypeAlias = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A rule with open limits, ascending in how much they ask for."""

    what: str
    rule: Rule
    signal: str
    limits: tuple[tuple[float, ...], ...]

    def choices(self) -> list[Parameters]:
        """Every combination of limits."""
        return list(itertools.product(*self.limits))

    def below(self, limits: Parameters) -> Parameters | None:
        """One step less of every limit; None at the end of a list."""
        places = [row.index(value) for row, value in zip(self.limits, limits, strict=True)]
        if min(places) == 0:
            return None
        return tuple(row[place - 1] for row, place in zip(self.limits, places, strict=True))


def _risen(seen: Seen) -> float:
    return seen.train[-1] - min(seen.train) if seen.train else -math.inf


def _fallen(seen: Seen, limits: Parameters) -> bool:
    return _risen(seen) >= limits[0] and (max(seen.signal) - seen.signal[-1]) / seen.ceiling >= limits[1]


def _ahead(seen: Seen, limits: Parameters) -> bool:
    return bool(seen.train) and seen.train[-1] - seen.signal[-1] / seen.ceiling >= limits[0]


def _memorises(seen: Seen, limits: Parameters) -> bool:
    return bool(seen.train and Memorisation(limits[0])(seen.train[-1], seen.signal, ceiling=seen.ceiling))


def _of_held(seen: Seen, limits: Parameters) -> bool:
    return bool(seen.train) and seen.train[-1] - seen.held >= limits[0]


def _entropy_fallen(seen: Seen, limits: Parameters) -> bool:
    return _risen(seen) >= limits[0] and max(seen.signal) - seen.signal[-1] >= limits[1]


def _entropy_alone(seen: Seen, limits: Parameters) -> bool:
    return max(seen.signal) - seen.signal[-1] >= limits[0]


AHEAD = tuple(round(0.05 * k, 2) for k in range(1, 13))
RISEN, SHARES, BITS = (0.05, 0.1, 0.2, 0.3), (0.01, 0.02, 0.03, 0.05, 0.1), (0.25, 0.5, 1.0, 1.5, 2.0)
FAMILIES = {
    "fallen": Family(
        what="accuracy up {:g}, adjusted DSMI down {:g} of H(Y)",
        rule=_fallen,
        signal=ADJUSTED,
        limits=(RISEN, SHARES),
    ),
    "ahead": Family(what="accuracy {:g} ahead of adjusted DSMI / H(Y)", rule=_ahead, signal=ADJUSTED, limits=(AHEAD,)),
    "ahead, no higher": Family(
        what="ahead of it by {:g}, and it has not risen",
        rule=_memorises,
        signal=ADJUSTED,
        limits=(AHEAD,),
    ),
    "ahead, matched": Family(what="accuracy {:g} ahead of DSMI / H(Y)", rule=_ahead, signal=MATCHED, limits=(AHEAD,)),
    "ahead, sigma = 10": Family(
        what="accuracy {:g} ahead of adjusted DSMI, sigma = 10",
        rule=_ahead,
        signal=AT_TEN,
        limits=(AHEAD,),
    ),
    "held-out accuracy": Family(
        what="accuracy {:g} ahead of the held-out accuracy",
        rule=_of_held,
        signal=ADJUSTED,
        limits=(AHEAD,),
    ),
    "entropy, no labels": Family(
        what="accuracy up by {:g}, DSE, t = 30, down by {:g}",
        rule=_entropy_fallen,
        signal=ENTROPY,
        limits=(RISEN, BITS),
    ),
    "entropy alone": Family(
        what="DSE, t = 30, down by {:g} bit (no accuracy)",
        rule=_entropy_alone,
        signal=ENTROPY,
        limits=(BITS,),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a rule did over trainings."""

    false: Mapping[str, tuple[int, int]]
    """Alarms in trainings that do not memorise, and how many of these there were, by condition."""
    missed: int
    memorising: int
    delay: float
    """Epochs from the onset to the alarm, the mean over alarms; NaN where there was none."""
    latest: float
    known: float
    """The median share of labels that was known by heart by then."""

    @property
    def wrong(self) -> int:
        """False alarms of all conditions."""
        return sum(alarms for alarms, _of in self.false.values())


def told(cell: Cell, family: Family, limits: Parameters) -> int | None:
    """The epoch of the first alarm, None where there is none. Before training there is none."""
    looks, train = cell.values["looks"], cell.values.get("train accuracy by epoch")
    for at in range(1, len(looks)):
        seen = Seen(
            train=tuple(train[epoch] for epoch in looks[1 : at + 1]) if train else (),
            held=cell.values["accuracy"][at],
            signal=tuple(cell.values[family.signal][: at + 1]),
            ceiling=math.log2(cell.values["classes"]),
        )
        if family.rule(seen, limits):
            return int(looks[at])
    return None


def onset(cell: Cell) -> int:
    """The epoch from which on wrong labels are learned: the training accuracy is clearly above chance."""
    train: Sequence[Any] = cell.values["train accuracy by epoch"]
    return next((k for k, share in enumerate(train) if share is not None and share >= CHANCE + CLEAR), len(train) - 1)


def outcome(cells: Sequence[Cell], family: Family, limits: Parameters) -> Outcome:
    """What the rule did over `cells`."""
    false: dict[str, tuple[int, int]] = {}
    delays, known, memorising = [], [], 0
    for cell in cells:
        alarm, condition = told(cell, family, limits), cell.key["condition"]
        if condition != "wrong labels":
            alarms, of = false.get(condition, (0, 0))
            false[condition] = (alarms + (alarm is not None), of + 1)
            continue
        memorising += 1
        if alarm is not None:
            delays.append(alarm - onset(cell))
            known.append(cell.values["train accuracy by epoch"][alarm])
    return Outcome(
        false=false,
        missed=memorising - len(delays),
        memorising=memorising,
        delay=float(np.mean(delays)) if delays else math.nan,
        latest=float(max(delays)) if delays else math.nan,
        known=float(np.median(known)) if known else math.nan,
    )


def chosen(cells: Sequence[Cell], family: Family) -> Parameters:
    """The limits with the fewest false alarms, then the fewest missed, then the shortest delay on `cells`.

    With a margin: false alarms are counted at one step less of every limit, so that the best is not on an edge.
    """

    def cost(limits: Parameters) -> tuple[float, ...]:
        found, less = outcome(cells, family, limits), family.below(limits)
        edge = math.inf if less is None else outcome(cells, family, less).wrong
        return edge, found.missed, found.delay if not math.isnan(found.delay) else math.inf

    return min(family.choices(), key=cost)
