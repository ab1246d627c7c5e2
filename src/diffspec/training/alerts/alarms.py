"""Rules applied to what looks see: each alert is told once, when it begins."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from diffspec._arrays import Array
from diffspec._checks import shown
from diffspec.baselines import effective_rank
from diffspec.conventions import Walk, default
from diffspec.errors import InputError
from diffspec.runs.log import RunLog
from diffspec.training.alerts.rules import KINDS, Alert, Collapse, Memorisation, Rule, Saturation

__all__ = ["ALERTS", "Alarms", "checked_alerts", "checked_kinds"]

ALERTS: tuple[Rule, ...] = (Collapse(), Saturation(), Memorisation())
"""What a monitor tells by default."""

ADJUSTED = "adjusted DSMI(Z;Y)"
"""What memorising is told from."""

DISTANCE, RANK = "median distance", "effective rank"
"""The record of a layer that holds its rank, and under which name among its settings."""

SOME = 512
"""Points that the effective rank is taken of: near 1 it is that of all."""

ACCURACY, TRAIN = r"acc(uracy)?(?-i:(?![a-z]))", "(?<!s)train"  # no accumulated loss, and no constraint
TRAINED = re.compile(f"{TRAIN}.*{ACCURACY}|{ACCURACY}.*{TRAIN}", re.IGNORECASE)
"""Names of the accuracy in training: ``train_accuracy``, ``train/acc``, ``acc_train``."""


def checked_alerts(alerts: Any) -> tuple[Rule, ...]:
    """`alerts`, at most one of each kind."""
    rules = tuple(alerts) if isinstance(alerts, Iterable) and not isinstance(alerts, str) else None
    if rules is None or not all(isinstance(rule, Rule) for rule in rules):
        kinds = "Collapse(), Saturation() and Memorisation()"
        raise InputError(f"alerts must be a list of {kinds}, or () for none, got {shown(alerts)}")
    names = [rule.name for rule in rules]
    if twice := [name for name in KINDS if names.count(name) > 1]:
        raise InputError(f"alerts holds two rules of {twice[0]}, got {shown(alerts)}; leave one out")
    return rules


def checked_kinds(stop_on: Any, rules: Iterable[Rule]) -> frozenset[str]:
    """`stop_on`, the names of some of `rules`."""
    names = (stop_on,) if isinstance(stop_on, str) else stop_on
    known = [rule.name for rule in rules]
    if not isinstance(names, Collection) or not all(isinstance(name, str) and name in known for name in names):
        raise InputError(f"stop_on must be some of {', '.join(known) or 'no alert at all'}, got {shown(stop_on)}")
    return frozenset(names)


@dataclass(slots=True)
class Alarms:
    """What `rules` say of the looks of one run.

    Parameters
    ----------
    rules : sequence of Rule
        At most one of each kind.
    walks : mapping of str to walk
        Memorisation is told from the one that `diffspec.dse` takes by default, under which it was measured.
    last : str
        The layer that memorisation is told from: the last of those that are watched.
    """

    rules: tuple[Rule, ...]
    walks: Mapping[str, Walk]
    last: str
    _before: float | None = None
    """Adjusted DSMI of the last layer at the first look of the run."""
    _now: float | None = None
    """And at this look; None where it was not measured, or could not be."""
    _accuracy: float | None = None
    _ceiling: float = 0.0
    _most: dict[str, float] = field(default_factory=dict)
    """Per layer the largest effective rank that was seen."""
    _ranks: dict[str, float] = field(default_factory=dict)
    """And that of this look."""
    _on: set[tuple[str, str, str | None]] = field(default_factory=set)
    """What was wrong at the last look: an alert is not told again while it lasts."""

    def recall(self, log: RunLog, run: str) -> None:
        """What the run began with, and how large its ranks were, where it is continued."""
        with suppress(OSError, InputError):  # the writer says what is wrong with the log
            for record in log.numbers(run, DISTANCE):
                rank = (record.get("settings") or {}).get(RANK)
                if isinstance(rank, float):
                    layer = str(record.get("layer"))
                    self._most[layer] = max(rank, self._most.get(layer, rank))
            rule = self._rule()
            if rule is not None:
                self._before = log.first(run, name=ADJUSTED, layer=self.last, rule=rule)

    def begin(self) -> None:
        """A look begins."""
        self._before = self._now if self._before is None else self._before
        self._accuracy = self._now = None
        self._ranks.clear()

    def scalar(self, name: str, value: float) -> None:
        """A number of the caller's."""
        if TRAINED.search(name):
            self._accuracy = value

    def points(self, layer: str, points: Array) -> list[Alert]:
        """What is wrong with the points of a layer."""
        found = [rule for rule in self.rules if isinstance(rule, Collapse)]
        if not found:
            return []
        now = effective_rank(points[:: math.ceil(len(points) / SOME)]).value
        most = self._most[layer] = max(now, self._most.get(layer, now))
        self._ranks[layer] = now
        return self._told(found[0], found[0]([most, now]), layer, None)

    def rank(self, layer: str) -> dict[str, float]:
        """What a record of this look holds of the layer, for a run that continues this one."""
        return {RANK: float(f"{self._ranks[layer]:.5g}")} if layer in self._ranks else {}

    def number(self, record: Mapping[str, Any]) -> list[Alert]:
        """What is wrong with a number."""
        name, layer, rule = record["name"], record["layer"], record["rule"]
        if name == ADJUSTED and layer == self.last and rule is not None and rule == self._rule():
            self._now, self._ceiling = record["value"], record["ceiling"]
        found = [one for one in self.rules if isinstance(one, Saturation) and name == "DSE(Z)"]
        return [alert for one in found for alert in self._told(one, one(record["verdict"]), layer, rule)]

    def end(self) -> list[Alert]:
        """What is wrong with a look as a whole; the first has none before it to be compared with."""
        found = [rule for rule in self.rules if isinstance(rule, Memorisation)]
        if self._accuracy is None or self._now is None or not self._ceiling or not found:
            return []
        looks = [self._now] if self._before is None else [self._before, self._now]
        said = found[0](self._accuracy, looks, ceiling=self._ceiling)  # an accuracy that is none is told at once
        if self._before is None:
            return []
        return self._told(found[0], said, self.last, self._rule())

    def _told(self, rule: Rule, said: str, layer: str, walk: str | None) -> list[Alert]:
        """An alert where `said` is not empty, and was at the last look."""
        what = (rule.name, layer, walk)
        known = what in self._on
        (self._on.add if said else self._on.discard)(what)
        return [Alert(rule.name, said, layer=layer, rule=walk)] if said and not known else []

    def _rule(self) -> str | None:
        return next((name for name, walk in self.walks.items() if dict(walk) == dict(default)), None)
