"""What a monitor measures of a layer, as small values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from diffspec.conventions import Walk, default, paper
from diffspec.errors import InputError
from diffspec.measures.entropy import dse
from diffspec.measures.estimators import Adjusted, Estimator, Matched, check_estimator
from diffspec.measures.information import dsmi
from diffspec.measures.several import Several
from diffspec.points.groups import Partition
from diffspec.spectra.result import Estimate
from diffspec.training.probe import Probe

__all__ = ["DSE", "DSMI", "RULES", "TIMES", "Measure", "Sharing", "fields_of", "standard", "times_of"]

RULES: Mapping[str, Walk] = {"sigma = 10": paper, "neighbors": default}
"""The paper's fixed width, under which values follow the scale of the embedding, and the scale-free neighbour graph."""


TIMES = (1.0, 3.0, 10.0, 30.0, 100.0)
"""Diffusion times that every value is given at besides its own: from single points to the largest clusters."""


class Measure(Protocol):
    """Anything that turns the points of a layer into an Estimate."""

    @property
    def name(self) -> str:
        """What the record is called."""
        ...

    def check(self, probe: Probe) -> None:
        """Raise InputError where `probe` lacks what is needed; called once, before training."""
        ...

    def __call__(self, points: np.ndarray[Any, Any], probe: Probe, walk: Walk) -> Estimate:
        """The estimate of `points` (n, d) with the kernel, alpha and t of `walk`."""
        ...


@runtime_checkable
class Sharing(Measure, Protocol):
    """A measure that takes its value from what several of one rule share: one graph, every set decomposed once."""

    def taken(self, several: Several, probe: Probe) -> Estimate:
        """What the measure gives of the points and walk of `several`."""
        ...

    def taken_at(self, several: Several, probe: Probe, t: float) -> float:
        """The value at another diffusion time, in the unit of the measure."""
        ...


@dataclass(frozen=True, slots=True)
class DSE:
    """Diffusion spectral entropy of a layer; its spectrum goes into the log too."""

    @property
    def name(self) -> str:
        """``DSE(Z)``."""
        return "DSE(Z)"

    def check(self, probe: Probe) -> None:
        """Nothing is needed but points."""

    def __call__(self, points: np.ndarray[Any, Any], probe: Probe, walk: Walk) -> Estimate:
        """The entropy of `points`; O(n^3)."""
        return dse(points, **walk)

    def taken(self, several: Several, probe: Probe) -> Estimate:
        """The same, of what several measures share."""
        return several.entropy()

    def taken_at(self, several: Several, probe: Probe, t: float) -> float:
        """The value at another time."""
        return several.entropy_at(t)


@dataclass(frozen=True, slots=True)
class DSMI:
    """Diffusion spectral mutual information of a layer with the labels or with the inputs.

    Parameters
    ----------
    of : {"Y", "X"}
        The labels, or the inputs (clustered once, see `Probe`).
    estimator
        As for `diffspec.dsmi`. The matched subsets are the same at every step, so a curve moves with the layer only.
    """

    of: str = "Y"
    estimator: Estimator = Matched()

    def __post_init__(self) -> None:
        if self.of not in ("Y", "X"):
            raise InputError(f"of must be 'Y' (labels) or 'X' (inputs), got {self.of!r}")
        check_estimator(self.estimator)

    @property
    def name(self) -> str:
        """``DSMI(Z;Y)`` or ``DSMI(Z;X)``, and with ``Adjusted()`` ``adjusted DSMI(Z;Y)``."""
        return f"{self.estimator.measure}(Z;{self.of})"

    def check(self, probe: Probe) -> None:
        """Find the groups, which fails where there are none."""
        self._groups(probe)

    def __call__(self, points: np.ndarray[Any, Any], probe: Probe, walk: Walk) -> Estimate:
        """The information of `points` and the groups; some 60 eigenproblems of a tenth of the points each."""
        return dsmi(points, self._groups(probe), estimator=self.estimator, **walk)

    def taken(self, several: Several, probe: Probe) -> Estimate:
        """The same, of what several measures share."""
        return several.information(self._groups(probe), self.estimator)

    def taken_at(self, several: Several, probe: Probe, t: float) -> float:
        """The value at another time."""
        return several.information_at(self._groups(probe), self.estimator, t)

    def _groups(self, probe: Probe) -> Partition:
        return probe.label_groups if self.of == "Y" else probe.input_groups


def standard(probe: Probe) -> tuple[Measure, ...]:
    """DSE(Z), DSMI(Z;Y) and its adjusted form where there are labels, DSMI(Z;X) where the inputs are one tensor."""
    with_labels = () if probe.labels is None else (DSMI("Y"), DSMI("Y", Adjusted()))
    with_inputs = () if isinstance(probe.inputs, Mapping) else (DSMI("X"),)
    return (DSE(), *with_labels, *with_inputs)


def fields_of(estimate: Estimate) -> dict[str, Any]:
    """The fields of a number record that an estimate has."""
    record = estimate.to_dict()
    return {key: record[key] for key in ("value", "unit", "stderr", "n", "ceiling", "verdict", "settings")}


def times_of(measure: Sharing, several: Several, probe: Probe) -> dict[str, float]:
    """The value at all `TIMES`, to five digits."""
    return {f"{t:g}": float(f"{measure.taken_at(several, probe, t):.5g}") for t in TIMES}
