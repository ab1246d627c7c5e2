"""What is measured of the points of a layer at one look, and written."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from diffspec._arrays import as_points
from diffspec.conventions import Walk
from diffspec.kernels.bandwidth import Median
from diffspec.measures.several import Several
from diffspec.runs.writing import Writer
from diffspec.spectra.result import Estimate
from diffspec.training.changes import Changes, is_fixed
from diffspec.training.keys import Keys
from diffspec.training.measures import Measure, Sharing, fields_of, times_of
from diffspec.training.network.reductions import Points
from diffspec.training.pictures import LEADING, plane, short
from diffspec.training.probe import Probe
from diffspec.training.settings import number_of

__all__ = ["Looks", "Plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured at every look."""

    probe: Probe
    measures: tuple[Measure, ...]
    rules: Mapping[str, Walk]
    changes: Changes | None
    pictures: Collection[int]


@dataclass(frozen=True)
class _Under:
    """The points of a layer under one rule."""

    points: Points
    walk: Walk

    @cached_property
    def several(self) -> Several:
        """What its measures share; made at the first use, so that its failure is theirs."""
        return Several(self.points, **self.walk)


@dataclass(slots=True)
class Looks:
    """Measures layers by `plan` and writes records; the numbers of a look by their keys are kept until the next."""

    plan: Plan
    writer: Writer
    strict: bool
    keys: Keys
    numbers: dict[str, float] = field(default_factory=dict)

    def begin(self) -> None:
        """Of what comes now the numbers are kept."""
        self.numbers = {}

    def scalar(self, step: int, name: str, value: Any) -> None:
        """A number of the caller's; a failure where it is none, or not finite."""
        with self._attempt(step=step, layer=None, name=name):
            number = number_of(name, value)
            if math.isfinite(number):
                self.writer.write("scalar", step=step, name=name, value=number)
                self.numbers[name] = number
            else:
                self.writer.write("failure", step=step, layer=None, name=name, error=f"the value was {number}")

    def layer(self, step: int, layer: str, points: Points) -> None:
        """All that the plan says of the points of a layer."""
        where, plan = {"step": step, "layer": layer}, self.plan
        scale = None
        with self._attempt(**where, name="median distance"):
            scale = self._distance(points, where)
        fixed: dict[str, Estimate] = {}
        for rule, walk in plan.rules.items():
            under = _Under(points, walk)
            for measure in plan.measures:
                fields = {**where, "name": measure.name, "rule": rule}
                with self._attempt(**fields):
                    estimate = self._measure(measure, under, fields)
                    if is_fixed(measure, walk):
                        fixed[rule] = estimate
        if fixed and scale is not None and plan.changes is not None:
            with self._attempt(**where, name="DSE(Z) change"):
                self._change(plan.changes, points, {"scale": scale, "ends": fixed}, where)
        if step in plan.pictures:
            with self._attempt(**where, name="picture"):
                self._picture(points, where)

    def failed(self, error: Exception, **fields: Any) -> None:
        """A record of what did not work."""
        self.writer.write("failure", **fields, error=f"{type(error).__name__}: {error}")

    @contextmanager
    def _attempt(self, **fields: Any) -> Iterator[None]:
        """A failure inside becomes a record, unless strict."""
        try:
            yield
        except Exception as error:
            if self.strict:
                raise
            self.failed(error, **fields)

    def _measure(self, measure: Measure, under: _Under, fields: dict[str, Any]) -> Estimate:
        started, probe = time.perf_counter(), self.plan.probe
        times: dict[str, Any] = {}
        if isinstance(measure, Sharing):
            estimate = measure.taken(under.several, probe)
            times = {"times": times_of(measure, under.several, probe)}
        else:
            estimate = measure(under.points, probe, under.walk)
        seconds = round(time.perf_counter() - started, 4)
        self._number(**fields, **fields_of(estimate), seconds=seconds, **times)
        if estimate.spectrum is not None:
            where = {key: fields[key] for key in ("step", "layer", "rule")}
            self.writer.write("spectrum", **where, values=short(estimate.spectrum.nodes[:LEADING]))
        return estimate

    def _change(self, changes: Changes, points: Points, now: dict[str, Any], where: dict[str, Any]) -> None:
        """Since the first look, what scale and what shape did to the entropies at fixed widths."""
        started = time.perf_counter()
        found = changes.since_first(points=points, **now, **where)
        seconds = round((time.perf_counter() - started) / max(len(found), 1), 4)
        for rule, record in found:
            self._number(**where, rule=rule, **record, seconds=seconds)

    def _distance(self, points: Points, where: dict[str, Any]) -> float:
        """The scale of the embedding, as a width: without it a value at a fixed sigma cannot be read."""
        started = time.perf_counter()
        sigma = Median()(as_points(points), np.random.default_rng(0))
        self._number(
            **where,
            name="median distance",
            rule=None,
            value=sigma * math.sqrt(2.0),
            unit="distance",
            stderr=None,
            n=len(points),
            ceiling=None,
            verdict="",
            settings={"sigma": sigma},
            seconds=round(time.perf_counter() - started, 4),
        )
        return sigma

    def _picture(self, points: Points, where: dict[str, Any]) -> None:
        x, y = plane(points)
        probe, classes = self.plan.probe, list[str]()
        if probe.labels is not None:
            groups = probe.label_groups
            classes = [groups.names[code] for code in groups.codes]
        self.writer.write("picture", **where, method="PCA", x=short(x), y=short(y), classes=classes)

    def _number(self, **fields: Any) -> None:
        self.writer.write("number", **fields)
        self.numbers[self.keys.of(fields)] = float(fields["value"])
