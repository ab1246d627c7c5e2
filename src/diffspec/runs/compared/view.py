"""A run log as the report and `diffspec watch` see it: conditions, layers, measures, times, and the lines of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from diffspec.runs.compared.conditions import Condition, conditions
from diffspec.runs.compared.lines import Line, drawn
from diffspec.runs.log import Record
from diffspec.runs.plots.looks import SCALE_FREE, Style, styles
from diffspec.runs.plots.series import DISTANCE, STEP, Curve, Log

__all__ = ["View"]

AT_TIME = re.compile(r"(.+) t=(\d{1,9}(?:\.\d{1,9})?)")
"""A measure at a diffusion time of its own, as recipes call it."""

TELLING = ("adjusted DSMI(Z;Y)", "DSMI(Z;Y)")
"""What a layer tells of the labels: the first that the log holds stands in the opening picture."""


@dataclass(frozen=True)
class View:
    """What a log holds, in the order it is drawn in."""

    log: Log
    axis: str
    """What a step is called."""
    against: str
    """The scalar that measures are drawn against; empty where there is none."""

    @cached_property
    def conditions(self) -> list[Condition]:
        """Runs, those of one condition together."""
        return conditions(self.log)

    @cached_property
    def looks(self) -> dict[str, Style]:
        """Per condition its colour and sign."""
        return styles([condition.name for condition in self.conditions])

    @cached_property
    def layers(self) -> dict[str, Log]:
        """Per layer what was measured there."""
        return {layer: self.log.at(layer) for layer in self.log.layers}

    @cached_property
    def short(self) -> dict[str, str]:
        """Names of layers without the part before a dot that all begin with; none is a number alone."""
        names, common = list(self.layers), 0
        while len(names) > 1 and all(len(name) > common and name[common] == names[0][common] for name in names):
            common += 1
        start = names[0].rfind(".", 0, common) + 1 if common else 0
        while start and any(name[start : start + 1].isdigit() for name in names):  # blocks.0, and not 0
            start = names[0].rfind(".", 0, start - 1) + 1
        return {name: f"layer {name}" if name[:1].isdigit() else name[start:] for name in names}

    @cached_property
    def rules(self) -> list[str]:
        """Bandwidth rules, those that are free of scale first; the empty one of numbers without a rule last."""
        order = {rule: place for place, rule in enumerate(SCALE_FREE)}
        return sorted(self.log.rules(), key=lambda rule: (not rule, order.get(rule, len(order))))

    def measures(self, rule: str) -> list[str]:
        """What was measured under `rule`, without what is drawn over the diffusion times."""
        return [name for name in self.log.measures if not AT_TIME.fullmatch(name) and self.log.has(name, rule)]

    def lines(self, name: str, rule: str | None, against: str = STEP) -> list[Line]:
        """One line per layer and condition."""
        what = (name, rule, against)
        if what not in self._lines:
            self._lines[what] = [
                line
                for layer, log in self.layers.items()
                for line in drawn(log.curves(name, rule=rule, against=against), self.conditions, layer)
            ]
        return self._lines[what]

    @cached_property
    def _lines(self) -> dict[tuple[str, str | None, str], list[Line]]:
        """Those that were asked for: pictures and findings ask for the same."""
        return {}

    def scalar(self, name: str) -> list[Line]:
        """One line per condition for a number that the user passed in."""
        return drawn(self.log.scalar(name), self.conditions, "")

    @cached_property
    def distance(self) -> list[Line]:
        """The scale of the embedding."""
        return self.lines(DISTANCE, None)

    @cached_property
    def opening(self) -> list[tuple[str, str]]:
        """Measure and rule of the opening pictures: what layers tell of the labels, and how far their points spread."""
        for rule in self.rules:
            names = self.measures(rule)
            telling = next((name for name in TELLING if name in names), None)
            found = [(name, rule) for name in (telling, "DSE(Z)") if name in names and name]
            if found:
                return found
        return [(name, rule) for rule in self.rules[:1] for name in self.measures(rule)[:2]]

    def over_time(self, layer: str, rule: str, condition: Condition) -> dict[float, list[Record]]:
        """Per diffusion time the entropies of the first run of `condition`; empty where there is none."""
        log, found = self.layers[layer], dict[float, list[Record]]()
        for run in condition.runs[:1]:
            for record in _of(log.curves("DSE(Z)", rule=rule), run):
                for time, value in (record.get("times") or {}).items():
                    found.setdefault(float(time), []).append({**record, "value": value})
            if found:
                break
            for name in self.log.measures:
                at = AT_TIME.fullmatch(name)
                if at and at[1] == "DSE(Z)":
                    found[float(at[2])] = _of(log.curves(name, rule=rule), run)
        return {time: found[time] for time in sorted(found) if found[time]}


def _of(curves: Sequence[Curve], run: str) -> list[Record]:
    return [record for curve in curves if curve.run == run for record in curve.records]
