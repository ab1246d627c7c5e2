"""What a monitor measures of a layer, as small values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeGuard

import numpy as np

from diffspec._checks import is_word, shown, takes
from diffspec.conventions import Walk, default, paper
from diffspec.errors import InputError
from diffspec.measures.entropy import dse
from diffspec.measures.estimators import Adjusted, Estimator, Matched, check_estimator
from diffspec.measures.information import dsmi
from diffspec.measures.several import Several
from diffspec.points.groups import Partition
from diffspec.results.estimate import Estimate
from diffspec.training.probe import Probe

__all__ = [
    "DSE",
    "DSMI",
    "RULES",
    "TIMES",
    "Measure",
    "Sharing",
    "fields_of",
    "shares",
    "standard",
    "times_of",
]

RULES: Mapping[str, Walk] = {"sigma = 10": paper, "neighbors": default}
"""The paper's fixed width, under which values follow the scale of the embedding, and the scale-free neighbour graph."""


TIMES = (1.0, 3.0, 10.0, 30.0, 100.0)
"""Diffusion times that every value is given at besides its own: from single points to the largest clusters."""


class Measure(Protocol):
    """Anything that turns the points of a layer into an Estimate, or a number.

    One with a true attribute `once` is taken once per look, with an empty walk; others once per rule. Functions need
    nothing of this: a monitor takes those of the points, or of points and labels, as they are, once per look.
    """

    @property
    def name(self) -> str:
        """What the record is called."""
        ...

    def check(self, probe: Probe) -> None:
        """Raise InputError where `probe` lacks what is needed; called once, before training."""
        ...

    def __call__(self, points: np.ndarray[Any, Any], probe: Probe, walk: Walk) -> Any:
        """An Estimate of `points` (n, d) with the kernel, alpha and t of `walk`, or a number."""
        ...


class Sharing(Measure, Protocol):
    """A measure that takes its value from what several of one rule share: one graph, every set decomposed once.

    With a method ``taken_at(several, probe, t)`` it is given at `TIMES` too.
    """

    def taken(self, several: Several, probe: Probe) -> Estimate:
        """What the measure gives of the points and walk of `several`."""
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
        if not is_word(self.of, ("Y", "X")):
            raise InputError(f"of must be 'Y' (labels) or 'X' (inputs), got {shown(self.of)}")
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


@dataclass(frozen=True, slots=True)
class OfPoints:
    """A function of the points, or of the points and the numbers of their classes, as a measure."""

    function: Callable[..., Any]
    once: ClassVar[bool] = True

    def __repr__(self) -> str:
        return f"{getattr(self.function, '__module__', '')}.{self.name}"

    @property
    def name(self) -> str:
        """That of the function."""
        return str(getattr(self.function, "__name__", ""))

    def check(self, probe: Probe) -> None:
        """Labels, where it takes them."""
        if self._takes_labels and probe.labels is None:
            raise InputError(f"{self.name} takes points and labels; give Probe(inputs, labels) or leave it out")

    def __call__(self, points: np.ndarray[Any, Any], probe: Probe, walk: Walk) -> Any:
        """What the function gives."""
        rest = (np.asarray(probe.label_groups.codes),) if self._takes_labels else ()
        return self.function(points, *rest)

    @property
    def _takes_labels(self) -> bool:
        return takes(self.function, 2) and not takes(self.function, 1)


def standard(probe: Probe) -> tuple[Measure, ...]:
    """DSE(Z), DSMI(Z;Y) and its adjusted form where there are labels, DSMI(Z;X) where the inputs are one tensor."""
    with_labels = () if probe.labels is None else (DSMI("Y"), DSMI("Y", Adjusted()))
    with_inputs = () if isinstance(probe.inputs, Mapping) else (DSMI("X"),)
    return (DSE(), *with_labels, *with_inputs)


def fields_of(found: Any, points: np.ndarray[Any, Any]) -> dict[str, Any]:
    """The fields of a number record of an estimate or a number.

    Raises
    ------
    InputError
        Neither, or a number that is not finite.
    """
    names = ("value", "unit", "stderr", "n", "ceiling", "verdict", "settings")
    if isinstance(found, Estimate):
        record = found.to_dict()
        return {key: record[key] for key in names}
    try:
        value = float(found)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"a measure must give an Estimate or a number, got {shown(found)}") from None
    if not math.isfinite(value):
        raise InputError(f"the value was {value}")
    return dict.fromkeys(names) | {"value": value, "n": len(points), "verdict": "", "settings": {}}


def shares(measure: Measure) -> TypeGuard[Sharing]:
    """Whether `measure` is a Sharing one; a subclass that overrides `__call__` alone is asked by that."""
    owners = [_owner(measure, name) for name in ("taken", "__call__")]
    return owners[0] is not None and owners[0] is owners[1]


def times_of(measure: Sharing, several: Several, probe: Probe) -> dict[str, float] | None:
    """The value at all `TIMES`, to five digits; None of a measure that has none."""
    at = getattr(measure, "taken_at", None)
    return None if at is None else {f"{t:g}": float(f"{at(several, probe, t):.5g}") for t in TIMES}


def _owner(measure: Measure, name: str) -> type | None:
    return next((one for one in type(measure).__mro__ if name in vars(one)), None)
