"""Lines: one measure of one condition at one layer, look by look; of several seeds the mean and the range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import TypeAlias

from diffspec.results.verdicts import tells_nothing
from diffspec.runs.compared.conditions import Condition
from diffspec.runs.log import Record
from diffspec.runs.plots.series import Curve

__all__ = ["Line", "drawn"]

Numbers: TypeAlias = list[float]


@dataclass(frozen=True, kw_only=True)
class Line:
    """What is drawn of one measure; every list has an item per look."""

    condition: str
    layer: str
    name: str
    unit: str
    steps: Numbers
    x: Numbers
    y: Numbers
    errors: Numbers
    """Standard errors, 0 where there is none, and for the mean of several seeds."""
    verdicts: list[str]
    tops: list[float | None]
    """The most that each value can be."""
    sizes: list[float | None]
    """How many points each was measured on."""
    sigmas: list[float | None]
    low: Numbers
    high: Numbers
    """Over the seeds; empty where there is one."""
    seeds: int

    @cached_property
    def nothing(self) -> list[bool]:
        """Whether each value says nothing about the points."""
        return [tells_nothing(verdict) for verdict in self.verdicts]

    @cached_property
    def top(self) -> float | None:
        """The most that all values can be; None where it is not known, or not the same for all."""
        found = set(self.tops)
        return found.pop() if len(found) == 1 else None


def drawn(curves: Sequence[Curve], conditions: Sequence[Condition], layer: str) -> list[Line]:
    """One line per condition that has a curve."""
    by_run = {curve.run: curve for curve in curves}
    found = []
    for condition in conditions:
        own = [by_run[run] for run in condition.runs if run in by_run]
        if own:
            found.append(_line(own, condition.name, layer))
    return found


def _line(curves: Sequence[Curve], condition: str, layer: str) -> Line:
    first = curves[0]
    if len(curves) > 1 and (several := _over_seeds(curves)):
        records, x, y, low, high = several
    else:
        records, x, y, low, high = list(first.records), list(first.x), first.values, [], []
    return Line(
        condition=condition,
        layer=layer,
        name=str(first.records[0]["name"]),
        unit=first.unit,
        steps=[record["step"] for record in records],
        x=x,
        y=y,
        errors=[0.0] * len(y) if low else first.errors,
        verdicts=[str(record.get("verdict") or "") for record in records],
        tops=[record.get("ceiling") for record in records],
        sizes=[record.get("n") for record in records],
        sigmas=[_sigma(record) for record in records],
        low=low,
        high=high,
        seeds=len(curves) if low else 1,
    )


def _over_seeds(curves: Sequence[Curve]) -> tuple[list[Record], Numbers, Numbers, Numbers, Numbers] | None:
    """Records of the first run, places, means, lowest and highest at the steps that all have; None without any."""
    at = [{r["step"]: (x, r) for x, r in zip(curve.x, curve.records, strict=True)} for curve in curves]
    steps = [step for step in at[0] if all(step in places for places in at)]
    if not steps:
        return None
    values = [[places[step][1]["value"] for places in at] for step in steps]
    x = [fmean(places[step][0] for places in at) for step in steps]
    records = [at[0][step][1] for step in steps]
    return records, x, [fmean(each) for each in values], [min(each) for each in values], [max(each) for each in values]


def _sigma(record: Record) -> float | None:
    sigma = (record.get("settings") or {}).get("sigma")
    return sigma if isinstance(sigma, int | float) and not isinstance(sigma, bool) else None
