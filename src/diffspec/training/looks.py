"""What is measured of the points of a layer at one look, and written."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from diffspec._arrays import as_points
from diffspec.conventions import Walk
from diffspec.kernels.bandwidth import TINY, Median
from diffspec.machine.threads import single_threaded_blas
from diffspec.results.estimate import Estimate
from diffspec.runs.writing import Writer
from diffspec.training.ahead import Taken, Under, ahead, side_by_side, taken
from diffspec.training.alerts.alarms import DISTANCE, Alarms
from diffspec.training.alerts.rules import Alert
from diffspec.training.changes import Changes, is_fixed
from diffspec.training.measures import Measure, fields_of
from diffspec.training.network.hooks import look
from diffspec.training.network.layers import Watched
from diffspec.training.network.reductions import Points
from diffspec.training.pictures import LEADING, Album, plane, short
from diffspec.training.probe import Probe
from diffspec.training.settings import number_of
from diffspec.training.sinks.aftermath import Aftermath
from diffspec.training.sinks.keys import Keys

__all__ = ["Looks", "Plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured at every look."""

    probe: Probe
    measures: tuple[Measure, ...]
    rules: Mapping[str, Walk]
    changes: Changes | None
    pictures: Album

    def by_how_often(self) -> tuple[list[Measure], list[Measure]]:
        """The measures that are taken once per look, and those that are under each rule."""
        once = [measure for measure in self.measures if getattr(measure, "once", False)]
        return once, [measure for measure in self.measures if measure not in once]


@dataclass(slots=True)
class Looks:
    """Measures layers by `plan` and writes records; the numbers of a look by their keys are kept until the next."""

    plan: Plan
    writer: Writer
    strict: bool
    keys: Keys
    alarms: Alarms
    after: Aftermath
    numbers: dict[str, float] = field(default_factory=dict)
    step: int = 0
    _given: set[str] = field(default_factory=set)
    """The scalars that came with the look."""
    _advised: set[tuple[str, str | None]] = field(default_factory=set)
    """Where a kernel told nothing at the look before: which widths would is said once, since it takes long."""
    _waits: bool = False
    """Whether looks are left out since the last that was made."""

    def begin(self, step: int) -> None:
        """What comes now is of `step`, and its numbers are kept."""
        self.numbers, self.step, self._given = {}, step, set()
        self.alarms.begin()

    def scalar(self, name: str, value: Any) -> None:
        """A number of the caller's; a failure where it is none, or not finite."""
        self._given.add(name)
        with self._attempt(layer=None, name=name):
            number = number_of(name, value)
            if math.isfinite(number):
                self.writer.write("scalar", step=self.step, name=name, value=number)
                self.numbers[name] = number
                self.alarms.scalar(name, number)
            else:
                text = f"the value was {number}"
                self.writer.write("failure", step=self.step, layer=None, name=name, error=text)

    def late(self, step: int | None, scalars: Mapping[str, Any]) -> None:
        """Scalars of the last look that come after it under names that it had not, as of a second evaluation."""
        new = [name for name in scalars if step == self.step and name not in self._given]
        if not new:
            return
        self.numbers = {}
        for name in new:
            self.scalar(name, scalars[name])
        with self._attempt(layer=self.alarms.last, name="alert"):
            self._alert(self.alarms.end())
        self.send()
        self.after.speak()

    def left_out(self, why: str) -> None:
        """No look is made now; written down once until the next that is."""
        if not self._waits:
            self.writer.write("skipped", step=self.step, text=why)
        self._waits = True
        self.after.warn("budget", f"the look at step {self.step} is left out: {why}")

    def look(self, network: Any, layers: Sequence[Watched]) -> None:
        """All that the plan says of all layers."""
        self._waits = False
        self.plan.pictures.begin()
        found: dict[str, Points] = {}
        names = ", ".join(layer.label for layer in layers)
        with self._attempt(layer=names, name="forward pass"):
            found = look(network, layers, self.plan.probe.batches())
        unders, each = self._unders(found), self.plan.by_how_often()[1]
        done = list(unders.values())
        together = side_by_side(done, each)
        # Threads of BLAS wait for more work some 30 ms, on the cores that the other layers need.
        with single_threaded_blas() if together else nullcontext():
            if together:
                done = ahead(done, each, self.plan.probe)
            for layer, points in found.items():
                pairs = zip(unders, done, strict=True)
                self._layer(layer, points, {rule: under for (own, rule), under in pairs if own == layer})
        with self._attempt(layer=layers[-1].label, name="alert"):
            self._alert(self.alarms.end())

    def finish(self) -> None:
        """Pictures of the last look, where it has none yet."""
        for layer, (step, points) in self.plan.pictures.rest().items():
            with self._attempt(layer=layer, name="picture"):
                self._picture(points, layer, step)

    def send(self) -> None:
        """The numbers to all sinks."""
        for name, error in self.after.send(self.numbers, self.step) if self.numbers else ():
            if self.strict:
                raise error
            self._failed(error, layer=None, name=name)

    def _layer(self, layer: str, points: Points, by_rule: Mapping[str, Under]) -> None:
        plan, scale = self.plan, None
        with self._attempt(layer=layer, name=DISTANCE):
            scale = self._distance(points, layer)
        fixed: dict[str, Estimate] = {}
        once, each = plan.by_how_often()
        ruled: list[tuple[str | None, Under]] = [(None, Under(points, {})), *by_rule.items()]
        for rule, under in ruled:
            # Let go with the rule, before the next has its own.
            own = replace(under)
            for place, measure in enumerate(once if rule is None else each):
                fields = {"layer": layer, "name": measure.name, "rule": rule}
                with self._attempt(**fields):
                    taken_ahead = own.found[place] if own.found else None
                    estimate = self._measure(taken_ahead or taken(measure, own, plan.probe), own, fields)
                    if rule is not None and is_fixed(measure, own.walk):
                        fixed[rule] = estimate
        if scale is None:  # these are no points, of which every record above tells
            return
        if fixed and plan.changes is not None:
            with self._attempt(layer=layer, name="DSE(Z) change"):
                self._change(plan.changes, layer, {"points": points, "scale": scale, "ends": fixed})
        if plan.pictures.due(self.step, layer, points):
            with self._attempt(layer=layer, name="picture"):
                self._picture(points, layer, self.step)

    def _unders(self, found: Mapping[str, Points]) -> dict[tuple[str, str], Under]:
        """The points of every layer under every rule."""
        rules = self.plan.rules.items()
        return {
            (layer, rule): Under(points, walk, advises=(layer, rule) not in self._advised)
            for layer, points in found.items()
            for rule, walk in rules
        }

    def _failed(self, error: Exception, **fields: Any) -> None:
        """A record of what did not work."""
        self.writer.write("failure", step=self.step, **fields, error=f"{type(error).__name__}: {error}")

    @contextmanager
    def _attempt(self, **fields: Any) -> Iterator[None]:
        """A failure inside becomes a record, and the first of its kind a warning, unless strict."""
        try:
            yield
        except Exception as error:
            if self.strict:
                raise
            self._failed(error, **fields)
            name, layer = fields["name"], fields["layer"]
            where = "" if layer is None or name == "forward pass" else f" of layer {layer!r}"
            what = f"{name}{where} failed at step {self.step}: {type(error).__name__}: {error}"
            kind = name if name in ("forward pass", "alert") else "measure"
            self.after.warn(kind, f"{what}; the training goes on, and the run log has every failure")

    def _measure(self, found: Taken, under: Under, fields: dict[str, Any]) -> Any:
        """Write down what a measure gave, which this returns, or fail as it did."""
        if found.error is not None:
            raise found.error
        estimate = found.estimate
        self._number(**fields, **fields_of(estimate, under.points), seconds=found.seconds, **found.times)
        if getattr(estimate, "spectrum", None) is not None and fields["rule"] is not None:
            where = {key: fields[key] for key in ("layer", "rule")}
            self.writer.write("spectrum", step=self.step, **where, values=short(estimate.spectrum.nodes[:LEADING]))
        return estimate

    def _change(self, changes: Changes, layer: str, now: dict[str, Any]) -> None:
        """Since the first look, what scale and what shape did to the entropies at fixed widths."""
        started = time.perf_counter()
        found = changes.since_first(self.step, layer, **now)
        seconds = round((time.perf_counter() - started) / max(len(found), 1), 4)
        for rule, record in found:
            self._number(layer=layer, rule=rule, **record, seconds=seconds)

    def _distance(self, points: Points, layer: str) -> float:
        """The scale of the embedding, as a width: without it a value at a fixed sigma cannot be read. And its rank."""
        started = time.perf_counter()
        sigma = Median()(as_points(points), np.random.default_rng(0))
        seconds, alerts = round(time.perf_counter() - started, 4), list[Alert]()
        with self._attempt(layer=layer, name="alert"):
            alerts = self.alarms.points(layer, points)
        self._number(
            layer=layer,
            name=DISTANCE,
            rule=None,
            value=sigma * math.sqrt(2.0) if sigma > TINY else 0.0,  # a width is never 0, a distance may be
            unit="distance",
            stderr=None,
            n=len(points),
            ceiling=None,
            verdict="",
            settings={"sigma": sigma, **self.alarms.rank(layer)},
            seconds=seconds,
        )
        self._alert(alerts)
        return sigma

    def _picture(self, points: Points, layer: str, step: int) -> None:
        x, y = plane(points)
        probe, classes = self.plan.probe, list[str]()
        if probe.labels is not None:
            groups = probe.label_groups
            classes = [groups.names[code] for code in groups.codes]
        where = {"step": step, "layer": layer}
        self.writer.write("picture", **where, method="PCA", x=short(x), y=short(y), classes=classes)

    def _number(self, **fields: Any) -> None:
        self.writer.write("number", step=self.step, **fields)
        self.numbers[self.keys.of(fields)] = float(fields["value"])
        if fields["name"] == "DSE(Z)":
            silent = fields["verdict"].startswith(("saturated", "collapsed"))
            (self._advised.add if silent else self._advised.discard)((fields["layer"], fields["rule"]))
        self._alert(self.alarms.number(fields))

    def _alert(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            fields = {"layer": alert.layer, "rule": alert.rule, "name": alert.name}
            self.writer.write("alert", step=self.step, **fields, text=alert.text)
            self.numbers[self.keys.of({**fields, "name": f"alert {alert.name}"})] = 1.0
            with self._attempt(layer=alert.layer, name="alert"):
                self.after.heed(replace(alert, step=self.step))
