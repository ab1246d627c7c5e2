"""A run log as series: which runs, layers and measures it holds, in the order and the colours they are drawn in.

Both the matplotlib figures and the HTML report are drawn from here. Nothing is computed: values are sorted by step, and
of two records of the same measurement the later one counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from diffspec.errors import InputError
from diffspec.runlog import Record, read

__all__ = [
    "ACCURACY",
    "BY_SCALE",
    "BY_SHAPE",
    "DISTANCE",
    "STEP",
    "Curve",
    "Log",
    "Source",
    "Style",
    "by_step",
    "class_numbers",
    "evenly",
    "open_log",
    "quantity",
    "rule_words",
    "styles",
    "unit_words",
]

# Rules whose values do not follow the scale of the embedding; logs of older versions have the second.
SCALE_FREE = ("neighbors", "median")
STEP, ACCURACY, DISTANCE = "step", "accuracy", "median distance"
"""What measures are drawn against: the step, a scalar, and the measure of the embedding's scale."""

BY_SCALE, BY_SHAPE = "DSE(Z) change by scale", "DSE(Z) change by shape"
"""Of the change of the entropy since the first look, what scale and what shape contributed."""

Source: TypeAlias = str | Path | Sequence[Record]

MEASURES = ("DSE(Z)", "DSMI(Z;Y)", "DSMI(Z;X)")  # the order of the paper's figures; others follow as logged

TEXT, NUMBER, LIST, TABLE = (str, "a text"), ((int, float), "a number"), (list, "a list"), (dict, "an object")
NEEDED: dict[str, dict[str, tuple[Any, str]]] = {
    "number": {"run": TEXT, "step": NUMBER, "name": TEXT, "value": NUMBER},
    "scalar": {"run": TEXT, "step": NUMBER, "name": TEXT, "value": NUMBER},
    "spectrum": {"run": TEXT, "step": NUMBER, "values": LIST},
    "picture": {"run": TEXT, "step": NUMBER, "x": LIST, "y": LIST},
    "settings": {"run": TEXT, "values": TABLE},
    "failure": {"run": TEXT, "step": NUMBER, "error": TEXT},
}
OPTIONAL: dict[str, dict[str, tuple[Any, str]]] = {
    "number": {"stderr": NUMBER, "ceiling": NUMBER, "verdict": TEXT, "settings": TABLE},
    "picture": {"classes": LIST},
}
LAYERED = ("number", "spectrum", "picture")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How one run is drawn: its colour, its marker in matplotlib and in plotly, and as a sign in text."""

    colour: str
    marker: str
    symbol: str
    sign: str


# The paper's colours and markers for its three conditions, found by a word in the name of the run.
PAPER = (
    (("wrong", "overfit", "memor", "random label"), Style(colour="#c62f3b", marker="*", symbol="star", sign="★")),
    (("contrastive", "simclr"), Style(colour="#23262b", marker="s", symbol="square", sign="■")),
    (("supervised",), Style(colour="#2a6fbb", marker="o", symbol="circle", sign="●")),
)
OTHERS = (
    Style(colour="#c9771c", marker="D", symbol="diamond", sign="◆"),
    Style(colour="#2c8a57", marker="^", symbol="triangle-up", sign="▲"),
    Style(colour="#7b59a8", marker="v", symbol="triangle-down", sign="▼"),
    Style(colour="#14878c", marker="P", symbol="cross", sign="✚"),
    Style(colour="#b34f87", marker="X", symbol="x", sign="✖"),
    Style(colour="#86653c", marker="p", symbol="pentagon", sign="⬟"),
)


def styles(runs: Iterable[str]) -> dict[str, Style]:
    """A style for every run: the paper's for its conditions (the first run of each), others in turn."""
    chosen: dict[str, Style] = {}
    others = 0
    for run in runs:
        style = next((style for words, style in PAPER if any(word in run.lower() for word in words)), None)
        if style is None or style in chosen.values():
            style, others = OTHERS[others % len(OTHERS)], others + 1
        chosen[run] = style
    return chosen


def rule_words(rule: str) -> str:
    """A bandwidth rule in words, for captions."""
    if rule == "sigma = 10":
        return "fixed sigma = 10, as published"
    if rule == "neighbors":
        return "scale-free neighbour graph, t = 3"
    if rule == "median":
        return "scale-free sigma, median rule"
    return rule


def quantity(name: str) -> str:
    """The name of a measure or scalar as a title."""
    words = name.replace("_", " ")
    return words if "(" in words else words[:1].upper() + words[1:]


def unit_words(unit: str) -> str:
    """A unit as the title of an axis."""
    return "bits" if unit == "bit" else unit


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
        """Whether the kernel was saturated or collapsed, so that the value says nothing about the points."""
        return [str(record.get("verdict") or "").startswith(("saturated", "collapsed")) for record in self.records]


@dataclass(frozen=True, slots=True)
class Log:
    """The records of a run log, checked, with what they hold in the order of first appearance."""

    records: tuple[Record, ...]

    def of(self, kind: str, **fields: str) -> list[Record]:
        """The records of `kind` whose fields have the given values."""
        return [
            record
            for record in self.records
            if record.get("kind") == kind and all(_field(record, key) == value for key, value in fields.items())
        ]

    @property
    def runs(self) -> list[str]:
        """The conditions."""
        return _distinct(record["run"] for record in self.records if record.get("kind") in NEEDED)

    @property
    def layers(self) -> list[str]:
        """The layers that were measured; one empty name where there is no layer at all."""
        return _distinct(_field(record, "layer") for record in self.records if record.get("kind") in LAYERED) or [""]

    def at(self, layer: str) -> Log:
        """What was measured at `layer`, and all that belongs to no layer."""
        records = self.records
        return Log(tuple(r for r in records if r.get("kind") not in LAYERED or _field(r, "layer") == layer))

    @property
    def measures(self) -> list[str]:
        """The measures in the paper's order; without the median distance and the parts of changes."""
        names = _distinct(record["name"] for record in self.of("number"))
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

    @property
    def scalars(self) -> list[str]:
        """The numbers that the user passed in."""
        return _distinct(record["name"] for record in self.of("scalar"))

    def rules(self, kind: str = "number") -> list[str]:
        """The bandwidth rules: fixed widths first, what is free of scale after them."""
        records = [record for record in self.of(kind) if record.get("name") != DISTANCE]
        return sorted(_distinct(_field(record, "rule") for record in records), key=lambda rule: rule in SCALE_FREE)

    def curves(self, name: str, *, rule: str | None = None, against: str = STEP) -> list[Curve]:
        """One curve per run for a measure; `rule` None takes any.

        `against` is ``"step"``, ``"accuracy"`` or ``"median distance"``; steps without such a value are left out.
        """
        found = [r for r in self.of("number", name=name) if rule is None or _field(r, "rule") == rule]
        return self._per_run(found, against)

    def scalar(self, name: str) -> list[Curve]:
        """One curve per run for a number that the user passed in."""
        return self._per_run(self.of("scalar", name=name), STEP)

    def ends(self, kind: str, **fields: str) -> list[Record]:
        """For every run its first and its last record of `kind`."""
        found = [by_step(self.of(kind, run=run, **fields)) for run in self.runs]
        return [record for records in found for record in by_step(records[:1] + records[-1:])]

    def _per_run(self, records: list[Record], against: str) -> list[Curve]:
        curves = []
        for run in self.runs:
            places = self._places(run, against)
            own = by_step([r for r in records if r["run"] == run and (places is None or r["step"] in places)])
            if own:
                x = tuple(record["step"] if places is None else places[record["step"]] for record in own)
                curves.append(Curve(run=run, unit=_field(own[-1], "unit"), x=x, records=tuple(own)))
        return curves

    def _places(self, run: str, against: str) -> dict[float, float] | None:
        """For each step of a run where it lies on the horizontal axis; None where the step itself is drawn."""
        if against == STEP:
            return None
        found = self.of("scalar" if against == ACCURACY else "number", run=run, name=against)
        return {record["step"]: record["value"] for record in found}


def open_log(source: Source) -> Log:
    """The run log at a path, or given as records.

    Raises
    ------
    InputError
        No run log, a record without the fields of its kind, or nothing measured yet.
    """
    if isinstance(source, str | Path):
        records, name = read(source), str(source)
    else:
        records, name = list(source), "the list of records"
    for record in records:
        _check(record, name)
    if not any(record.get("kind") in NEEDED and record.get("kind") != "settings" for record in records):
        raise InputError(f"nothing has been measured yet in {name}; observe at least one step, then draw")
    return Log(tuple(records))


def evenly(items: Sequence[Record], most: int) -> list[Record]:
    """At most `most` of the items, evenly spaced, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(place * (len(items) - 1) / (most - 1))] for place in range(most)]


def class_numbers(pictures: Sequence[Record]) -> dict[str, int]:
    """A number for every class of the pictures, in their natural order, the same for all of them."""
    names = {str(name) for record in pictures for name in record.get("classes") or ()}
    return {name: number for number, name in enumerate(sorted(names, key=lambda name: (len(name), name)))}


def by_step(records: Sequence[Record]) -> list[Record]:
    """Sorted by step; of several records of one step the last written."""
    latest = {record["step"]: record for record in records}
    return [latest[step] for step in sorted(latest)]


def _check(record: Record, name: str) -> None:
    kind = str(record.get("kind"))
    given = {field: words for field, words in OPTIONAL.get(kind, {}).items() if record.get(field) is not None}
    for field, (expected, words) in {**NEEDED.get(kind, {}), **given}.items():
        value = record.get(field)
        if not isinstance(value, expected) or isinstance(value, bool) or not _finite(value):
            raise InputError(f"{name}: a record of kind {kind} needs {words} as {field}, got {value!r}; mend the log")
    if kind == "picture" and len(record["x"]) != len(record["y"]):
        lengths = f"{len(record['x'])} and {len(record['y'])}"
        raise InputError(f"{name}: a picture needs as many x as y, got {lengths}; mend the log")


def _finite(value: Any) -> bool:
    """Whether every number in `value` is finite: NaN passes the reader, and would break the page."""
    if isinstance(value, list | dict):
        return all(map(_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)


def _field(record: Record, key: str) -> str:
    return str(record.get(key) or "")


def _distinct(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))
