"""A run log as series: which runs, layers and measures it holds, in the order they are drawn in.

Both the matplotlib figures and the HTML report are drawn from here. Nothing is computed: values are sorted by step, and
of two records of the same measurement the later one counts.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import lt
from pathlib import Path
from typing import Any, TypeAlias

from diffspec._checks import shown
from diffspec.errors import InputError, RunLogWarning
from diffspec.results.verdicts import tells_nothing
from diffspec.runs.format import fault
from diffspec.runs.log import Record, read
from diffspec.runs.plots.looks import SCALE_FREE

__all__ = [
    "ACCURACY",
    "BY_SCALE",
    "BY_SHAPE",
    "DISTANCE",
    "STEP",
    "Curve",
    "Log",
    "Source",
    "by_step",
    "class_numbers",
    "open_log",
]

STEP, ACCURACY, DISTANCE = "step", "accuracy", "median distance"
"""What measures are drawn against: the step, a scalar, and the measure of the embedding's scale."""

# What people call an accuracy: val_acc, acc1, eval_accuracy, Accuracy@1, top1; of several the one that was held out.
ACCURATE = re.compile(r"acc(uracy)?(?![a-z])|(?<![a-z])top[-_]?1(?![0-9])", re.IGNORECASE)
HELD, TRAIN = re.compile("val|test|eval|held", re.IGNORECASE), re.compile("train|fit", re.IGNORECASE)

BY_SCALE, BY_SHAPE = "DSE(Z) change by scale", "DSE(Z) change by shape"
"""Of the change of the entropy since the first look, what scale and what shape contributed."""

Source: TypeAlias = str | Path | Sequence[str | Path] | Sequence[Record]

MEASURES = ("DSE(Z)", "DSMI(Z;Y)", "DSMI(Z;X)")  # the order of the paper's figures; others follow as logged

LAYERED = ("number", "spectrum", "picture")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One measure of one run: its records, and where each is drawn on the horizontal axis."""

    run: str
    unit: str
    x: tuple[float, ...]
    records: tuple[Record, ...]

    @property
    def values(self) -> list[float]:
        """The measured values, in `unit`."""
        return [record["value"] for record in self.records]

    @property
    def errors(self) -> list[float]:
        """The standard errors, 0 where there is none."""
        return [record.get("stderr") or 0.0 for record in self.records]

    @property
    def uninformative(self) -> list[bool]:
        """Whether the verdict is that the value says nothing about the points."""
        return [tells_nothing(str(record.get("verdict") or "")) for record in self.records]


@dataclass(frozen=True)
class Log:
    """The records of a run log, checked, with what they hold in the order of first appearance."""

    records: tuple[Record, ...]
    order: tuple[str, ...] = ()
    """Of the runs, where these are records of one layer: a run has the same place, and colour, in all layers."""

    def of(self, kind: str, **fields: str) -> list[Record]:
        """The records of `kind` whose fields have the given values."""
        records = self._kinds.get(kind, []) if "name" not in fields else self._named.get((kind, fields.pop("name")), [])
        for key, value in fields.items():
            records = [record for record in records if (record.get(key) or "") == value]
        return records

    @cached_property
    def runs(self) -> list[str]:
        """The conditions."""
        found = dict.fromkeys(record["run"] for record in self.records)
        return [run for run in self.order or found if run in found]

    @cached_property
    def layers(self) -> list[str]:
        """The layers that were measured; one empty name where there is no layer at all."""
        return list(self._layers) or [""]

    def at(self, layer: str) -> Log:
        """What was measured at `layer`, and all that belongs to no layer."""
        if self.layers == [layer]:
            return self
        others = (record for kind, records in self._kinds.items() if kind not in LAYERED for record in records)
        return Log((*self._layers.get(layer, ()), *others), tuple(self.order or self.runs))

    @cached_property
    def measures(self) -> list[str]:
        """The measures in the paper's order; without the median distance and the parts of changes."""
        names = [name for kind, name in self._named if kind == "number"]
        others = (*MEASURES, DISTANCE, BY_SCALE, BY_SHAPE)
        return [name for name in MEASURES if name in names] + [name for name in names if name not in others]

    def changes(self) -> list[tuple[str, Curve, Curve]]:
        """Per fixed width and run: the rule, and what scale and what shape contributed to the change of the entropy."""
        found = []
        for rule in self.rules():
            shapes = {curve.run: curve for curve in self.curves(BY_SHAPE, rule=rule)}
            scales = self.curves(BY_SCALE, rule=rule)
            found += [(rule, curve, shapes[curve.run]) for curve in scales if curve.run in shapes]
        return found

    @cached_property
    def scalars(self) -> list[str]:
        """The numbers that the user passed in."""
        return [name for kind, name in self._named if kind == "scalar"]

    @cached_property
    def axis(self) -> str:
        """What the user calls a step, where all runs that say so call it alike; else "step"."""
        named = {record["axis"] for record in self._kinds.get("settings", ()) if record.get("axis")}
        return named.pop() if len(named) == 1 else STEP

    @cached_property
    def accuracy(self) -> str:
        """The scalar that "accuracy" means: of that name, or of one such as val_acc; empty where there is none."""
        found = [name for name in self.scalars if ACCURATE.search(name)]
        ranked = sorted(found, key=lambda name: (name != ACCURACY, bool(TRAIN.search(name)), not HELD.search(name)))
        return ranked[0] if ranked else ""

    def rules(self, kind: str = "number") -> list[str]:
        """The bandwidth rules: fixed widths first, what is free of scale after them."""
        return self._rules.get(kind, [])

    def has(self, name: str, rule: str) -> bool:
        """Whether a number of this name was measured under `rule`."""
        return (name, rule) in self._series

    def curves(self, name: str, *, rule: str | None = None, against: str = STEP) -> list[Curve]:
        """One curve per run for a measure; `rule` None takes any.

        `against` is ``"step"``, ``"accuracy"``, another scalar or ``"median distance"``; steps without such a value are
        left out.
        """
        if rule is None:
            return self._per_run(_grouped(self.of("number", name=name), "run"), against)
        return self._per_run(self._series.get((name, rule), {}), against)

    def scalar(self, name: str) -> list[Curve]:
        """One curve per run for a number that the user passed in."""
        return self._per_run(_grouped(self.of("scalar", name=name), "run"), STEP)

    def ends(self, kind: str, **fields: str) -> list[Record]:
        """For every run its first and its last record of `kind`."""
        found = _grouped(self.of(kind, **fields), "run")
        ordered = [by_step(found[run]) for run in self.runs if run in found]
        return [record for records in ordered for record in by_step(records[:1] + records[-1:])]

    def _per_run(self, found: Mapping[str, list[Record]], against: str) -> list[Curve]:
        curves = []
        for run in [run for run in self.runs if run in found]:
            places = self._places(run, against)
            own = [r for r in by_step(found[run]) if places is None or r["step"] in places]
            if own:
                x = tuple(record["step"] if places is None else places[record["step"]] for record in own)
                curves.append(Curve(run=run, unit=_field(own[-1], "unit"), x=x, records=tuple(own)))
        return curves

    def _places(self, run: str, against: str) -> dict[float, float] | None:
        """For each step of a run where it lies on the horizontal axis; None where the step itself is drawn."""
        if against == STEP:
            return None
        kind, name = ("number", against) if against == DISTANCE else ("scalar", against)
        if name == ACCURACY:
            name = self.accuracy or name
        return {record["step"]: record["value"] for record in self.of(kind, run=run, name=name)}

    # A log of a hundred thousand records is asked some hundred questions: each looks at what it needs only.

    @cached_property
    def _kinds(self) -> dict[str, list[Record]]:
        return _grouped(self.records, "kind")

    @cached_property
    def _layers(self) -> dict[str, list[Record]]:
        return _grouped((record for record in self.records if record["kind"] in LAYERED), "layer")

    @cached_property
    def _series(self) -> dict[tuple[str, str], dict[str, list[Record]]]:
        """Per measure and rule the records of every run."""
        found: dict[tuple[str, str], dict[str, list[Record]]] = {}
        for record in self._kinds.get("number", ()):
            runs = found.setdefault((record["name"], record.get("rule") or ""), {})
            runs.setdefault(record["run"], []).append(record)
        return found

    @cached_property
    def _rules(self) -> dict[str, list[str]]:
        found = {kind: _grouped(records, "rule") for kind, records in self._kinds.items() if kind in LAYERED}
        found["number"] = {rule: [] for name, rule in self._series if name != DISTANCE}
        return {kind: sorted(rules, key=lambda rule: rule in SCALE_FREE) for kind, rules in found.items()}

    @cached_property
    def _named(self) -> dict[tuple[str, str], list[Record]]:
        names: dict[tuple[str, str], list[Record]] = {}
        for kind in ("number", "scalar"):
            found = _grouped(self._kinds.get(kind, ()), "name")
            names |= {(kind, name): records for name, records in found.items()}
        return names


def open_log(source: Source) -> Log:
    """The run log at a path, several of them as one, or what was read from them.

    Records without the fields of their kind are left out with a RunLogWarning.

    Raises
    ------
    InputError
        No run log, or nothing measured yet.
    """
    given = _given(source)
    paths = [item for item in given if isinstance(item, str | Path)]
    name = ", ".join(map(str, paths)) or "the list of records"
    records = read(*paths) if paths else _whole([item for item in given if not isinstance(item, str | Path)])
    if not any(record["kind"] != "settings" for record in records):
        raise InputError(f"nothing has been measured yet in {name}; observe at least one step, then draw")
    return Log(tuple(records))


def _given(source: Any) -> list[Any]:
    """The paths, or the records, that `source` holds."""
    several = isinstance(source, Sequence) and not isinstance(source, str | bytes)
    given, kinds = (list(source), str | Path | dict) if several else ([source], str | Path)
    if wrong := [item for item in given if not isinstance(item, kinds)]:
        raise InputError(f"log must be a path, several, or the records of one as `read` gives, got {shown(wrong[0])}")
    return given


def _whole(records: list[Record]) -> list[Record]:
    faults = [fault(record) for record in records]
    wrong = [why for why in faults if why]
    if wrong:
        text = f"{len(wrong)} of {len(records)} records are left out, the first is {wrong[0]}"
        warnings.warn(text, RunLogWarning, stacklevel=4)
    return [record for record, why in zip(records, faults, strict=True) if not why]


def class_numbers(pictures: Sequence[Record]) -> dict[str, int]:
    """A number for every class of the pictures, in their natural order, the same for all of them."""
    names = {str(name) for record in pictures for name in record.get("classes") or ()}
    return {name: number for number, name in enumerate(sorted(names, key=lambda name: (len(name), name)))}


def by_step(records: Sequence[Record]) -> list[Record]:
    """Sorted by step; of several records of one step the last written."""
    steps = [record["step"] for record in records]
    if all(map(lt, steps, steps[1:])):  # the usual case
        return list(records)
    latest = dict(zip(steps, records, strict=True))
    return [latest[step] for step in sorted(latest)]


def _field(record: Record, key: str) -> str:
    return record.get(key) or ""


def _grouped(records: Iterable[Record], key: str) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.get(key) or "", []).append(record)
    return groups
