"""What is measured of a network at every look, by two monitors: under all rules, and what needs one rule only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from diffspec import Estimate, Gaussian, Matched, Partition, Precomputed, paper, spectrum
from diffspec.baselines import binned_entropy, binned_information
from diffspec.conventions import default, released
from diffspec.runs.log import read
from diffspec.spectra.result import BIT, NATS_PER
from diffspec.spectra.spectrum import shannon
from diffspec.training import DSE, DSMI, Measure, Monitor, Probe

__all__ = ["RULES", "TIMES", "Monitors", "collected", "name_of"]

RULES = {"sigma = 10": paper, "neighbors": default, "median": {"kernel": Gaussian(), "alpha": 0.5, "t": 1.0}}
"""At every look; the convention of the released package at some."""

RELEASED = {"released": released}
OF_BLOCKS = {name: RULES[name] for name in ("sigma = 10", "neighbors")}
TIMES = (1.0, 3.0, 10.0, 30.0, 100.0)
BINS = 2


class Remembered:
    """A measure that, asked again for the same points and rule, does not compute anew."""

    def __init__(self, measure: Measure) -> None:
        self.measure, self._points, self._walk, self._found = measure, None, None, None

    @property
    def name(self) -> str:
        """That of the measure."""
        return self.measure.name

    def __repr__(self) -> str:
        return repr(self.measure)

    def check(self, probe: Probe) -> None:
        """As the measure does."""
        self.measure.check(probe)

    def __call__(self, points: np.ndarray[Any, Any], probe: Probe, walk: Mapping[str, Any]) -> Any:
        """The estimate, kept until other points or another rule come."""
        if points is not self._points or walk is not self._walk:
            self._points, self._walk, self._found = points, walk, self.measure(points, probe, walk)
        return self._found


@dataclass(frozen=True, slots=True)
class AtTime:
    """The entropy at another time, from the spectrum that is there."""

    t: float
    entropy: Remembered = field(repr=False)

    @property
    def name(self) -> str:
        """``DSE(Z) t=10``."""
        return f"DSE(Z) t={self.t:g}"

    def check(self, probe: Probe) -> None:
        """Nothing is needed but points."""

    def __call__(self, points: np.ndarray[Any, Any], probe: Probe, walk: Mapping[str, Any]) -> Estimate:
        """In bits."""
        found = self.entropy(points, probe, walk)
        value = shannon(found.spectrum, self.t) / NATS_PER[BIT]
        return replace(found, value=value, settings=replace(found.settings, t=self.t), verdict="")


@dataclass(frozen=True, slots=True)
class Conditional:
    """H(Z given the labels or the inputs): the mean entropy of the groups, by their sizes."""

    information: Remembered = field(repr=False)
    of: str = "Y"

    @property
    def name(self) -> str:
        """``H(Z given Y)``."""
        return f"H(Z given {self.of})"

    def check(self, probe: Probe) -> None:
        """What the information needs."""
        self.information.check(probe)

    def __call__(self, points: np.ndarray[Any, Any], probe: Probe, walk: Mapping[str, Any]) -> Estimate:
        """In bits."""
        found = self.information(points, probe, walk)
        value = sum(group.n * group.conditional for group in found.groups) / found.n
        return replace(found, value=value, stderr=None, ceiling=None, verdict="", groups=())


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The information as a share of what groups that are cut apart would give, times their entropy.

    As `diffspec.adjusted_dsmi`, from the estimates that are there: the spectrum of the cut graph is that of its groups.
    """

    entropy: Remembered = field(repr=False)
    information: Remembered = field(repr=False)
    of: str = "Y"

    @property
    def name(self) -> str:
        """``adjusted DSMI(Z;Y)``."""
        return f"adjusted DSMI(Z;{self.of})"

    def check(self, probe: Probe) -> None:
        """What the information needs."""
        self.information.check(probe)

    def __call__(self, points: np.ndarray[Any, Any], probe: Probe, walk: Mapping[str, Any]) -> Estimate:
        """In bits; 0 where whole and cut are one to rounding."""
        whole, matched = self.entropy(points, probe, walk), self.information(points, probe, walk)
        groups = probe.label_groups if self.of == "Y" else probe.input_groups
        gain = _cut(points, groups, walk) - whole.value
        room, most = matched.value + gain, matched.ceiling or 0.0
        value = most * matched.value / room if room > 1e-9 else 0.0
        error = gain * (matched.stderr or 0.0) * most / room**2 if room > 1e-9 else most
        return replace(matched, value=value, stderr=abs(error), verdict="", groups=())


def _cut(points: np.ndarray[Any, Any], groups: Partition, walk: Mapping[str, Any]) -> float:
    """The entropy of all groups together, without any affinity between them, in bits."""
    points = points.astype(np.float64)
    affinity = np.asarray(walk["kernel"].resolve(points, np.random.default_rng(0))(points))
    affinity = (affinity + affinity.T) / 2  # equal but for rounding
    codes, t = np.asarray(groups.codes), walk["t"]
    log_z, entropies = [], []
    for code in np.unique(codes):
        some = np.flatnonzero(codes == code)
        if len(some) == 1:
            log_z.append(0.0)
            entropies.append(0.0)
            continue
        found = spectrum(affinity[np.ix_(some, some)], kernel=Precomputed(), alpha=walk["alpha"], t=t)
        log_z.append(float(np.log(np.sum(np.asarray(found.nodes) ** t * np.asarray(found.weights)))))
        entropies.append(shannon(found, t))
    shares = np.exp(np.array(log_z) - np.logaddexp.reduce(log_z))
    return float(np.sum(shares * (np.array(entropies) - np.log(shares)))) / NATS_PER[BIT]


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
        entropy, of_y, of_x = (Remembered(measure) for measure in (DSE(), DSMI("Y"), DSMI("X")))
        times = [AtTime(t, entropy) for t in TIMES]
        always = [entropy, *times, of_y, Conditional(of_y), of_x, Adjusted(entropy, of_y), Adjusted(entropy, of_x, "X")]
        once = [DSE(), DSMI("Y"), DSMI("X"), Binned(), Binned("Y"), Binned("X")]
        shared: dict[str, Any] = {"probe": probe, "log": path, "changes": False, "pictures": (), "settings": settings}
        top = {"layers": ["encoder"], **shared}
        self.always = Monitor(network, run=run, measures=always, rules=RULES, **top)
        self.whole = [Monitor(network, run=f"{run}, released", measures=once, rules=RELEASED, **top)]
        if blocks:
            self.whole.append(Monitor(network, run=f"{run}, blocks", layers=blocks, rules=OF_BLOCKS, **shared))

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
    return {curve: record["value"], **error}


def _failure(record: Mapping[str, Any]) -> str:
    return f"{record['name']} at {record['step']}: {record['error']}"


def _short(value: float) -> float:
    return float(f"{value:.5g}")
