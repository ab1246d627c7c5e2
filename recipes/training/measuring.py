"""What is measured of a network at every look, by two monitors: under all rules, and what needs one rule only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from diffspec import Adjusted, Estimate, Gaussian, Matched, paper
from diffspec.baselines import binned_entropy, binned_information
from diffspec.conventions import default, released
from diffspec.measures.several import Several
from diffspec.runs.log import read
from diffspec.training import DSE, DSMI, Monitor, Probe

__all__ = ["RULES", "Monitors", "collected", "name_of"]

RULES = {"sigma = 10": paper, "neighbors": default, "median": {"kernel": Gaussian(), "alpha": 0.5, "t": 1.0}}
"""At every look; the convention of the released package at some."""

RELEASED = {"released": released}
OF_BLOCKS = {name: RULES[name] for name in ("sigma = 10", "neighbors")}
BINS = 2


@dataclass(frozen=True, slots=True)
class Conditional:
    """H(Z given the labels): the mean entropy of the groups, by their sizes."""

    name: ClassVar[str] = "H(Z given Y)"

    def check(self, probe: Probe) -> None:
        """Labels are needed."""
        DSMI("Y").check(probe)

    def __call__(self, points: np.ndarray[Any, Any], probe: Probe, walk: Mapping[str, Any]) -> Estimate:
        """In bits."""
        return self.taken(Several(points, **walk), probe)

    def taken(self, several: Several, probe: Probe) -> Estimate:
        """The same, of the sets that the information of the labels has too."""
        found = several.information(probe.label_groups, Matched())
        value = sum(group.n * group.conditional for group in found.groups) / found.n
        return replace(found, value=value, stderr=None, ceiling=None, verdict="", groups=())


@dataclass(frozen=True, slots=True)
class Binned:
    """The classic entropy (CSE) or information (CSMI) of the paper: two bins per feature."""

    of: str = ""

    @property
    def name(self) -> str:
        """``CSE(Z)`` or ``CSMI(Z;Y)``."""
        return f"CSMI(Z;{self.of})" if self.of else "CSE(Z)"

    def check(self, probe: Probe) -> None:
        """Nothing that the other measures do not need."""

    def __call__(self, points: np.ndarray[Any, Any], probe: Probe, walk: Mapping[str, Any]) -> Estimate:
        """In bits; the rule plays no part."""
        if not self.of:
            return binned_entropy(points, bins=BINS)
        groups = probe.label_groups if self.of == "Y" else probe.input_groups
        return binned_information(points, groups, bins=BINS, estimator=Matched())


class Monitors:
    """Monitors of one encoder, and of its `blocks` where they are given, that write into one log."""

    def __init__(
        self,
        network: Any,
        probe: Probe,
        path: Path,
        *,
        run: str,
        settings: Mapping[str, Any],
        blocks: Mapping[str, str] | None = None,
    ) -> None:
        plain = [DSE(), DSMI("Y"), DSMI("X")]
        always = [*plain, Conditional(), DSMI("Y", Adjusted()), DSMI("X", Adjusted())]
        once = [*plain, Binned(), Binned("Y"), Binned("X")]
        shared: dict[str, Any] = {"probe": probe, "log": path, "changes": False, "pictures": (), "settings": settings}
        top = {"layers": ["encoder"], **shared}
        self.always = Monitor(network, run=run, measures=always, rules=RULES, **top)
        self.whole = [Monitor(network, run=f"{run}, released", measures=once, rules=RELEASED, **top)]
        if blocks:
            self.whole.append(
                Monitor(network, run=f"{run}, blocks", layers=blocks, measures=plain, rules=OF_BLOCKS, **shared)
            )

    def look(self, step: int, *, whole: bool, **scalars: float) -> None:
        """Measure now, and if `whole` by the released convention, in bins and block by block too."""
        self.always.observe(step, **scalars)
        for monitor in self.whole if whole else ():
            monitor.observe(step)


def name_of(measure: str, rule: str | None) -> str:
    """What a curve is called: ``DSE(Z), sigma = 10``; binned measures have no rule."""
    return measure if rule is None or measure.startswith("CS") else f"{measure}, {rule}"


def collected(path: Path, run: str) -> dict[str, Any]:
    """The curves of `run` in the log at `path`: a list of numbers each, None where there is none, over ``looks``.

    Those of blocks are called by the block too: ``encoder.layer1: DSE(Z), sigma = 10``.
    """
    records = [record for record in read(path) if record.get("run") in (run, f"{run}, released", f"{run}, blocks")]
    looks = sorted({record["step"] for record in records if "step" in record})
    if not looks:
        return {}
    table: dict[str, dict[int, Any]] = {}
    for record in records:
        for curve, value in _numbers(record, run).items():
            table.setdefault(curve, {})[record["step"]] = _short(value)
    curves = {name: [found.get(step) for step in looks] for name, found in table.items()}
    failures = [_failure(record) for record in records if record["kind"] == "failure"]
    return {"looks": looks, **curves, **({"failures": failures} if failures else {})}


def _numbers(record: Mapping[str, Any], run: str) -> dict[str, float]:
    """What a record says, by the name of the curve."""
    if record["kind"] == "scalar":
        return {record["name"]: record["value"]}
    if record["kind"] != "number":
        return {}
    curve = name_of(record["name"], record["rule"])
    if record["run"] == f"{run}, blocks":
        curve = f"{record['layer']}: {curve}"
    error = {} if record["stderr"] is None else {f"{curve}, stderr": record["stderr"]}
    late = (record.get("times") or {}) if record["name"] == "DSE(Z)" and record["run"] == run else {}
    times = {name_of(f"DSE(Z) t={t}", record["rule"]): value for t, value in late.items()}
    return {curve: record["value"], **error, **times}


def _failure(record: Mapping[str, Any]) -> str:
    return f"{record['name']} at {record['step']}: {record['error']}"


def _short(value: float) -> float:
    return float(f"{value:.5g}")
