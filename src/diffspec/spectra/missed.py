"""What neighbours that a search missed cost a value: seen from the graph of a narrower search, which missed more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from diffspec.spectra.powers import Measure

__all__ = ["Missed", "Narrower", "missed"]


@dataclass(frozen=True, slots=True, eq=False)
class Narrower:
    """The graph of a narrower search for neighbours, beside the one of a search that missed some itself."""

    operator: Callable[[], Any]
    share: float
    """Of what values of the two differ by: about what was missed has cost the better one."""
    said: str
    """In words, what the better search went through and missed."""
    wider: Callable[[], Any] | None = None
    """What it is beside, where both are graphs of a part of the points; None: beside that of all."""


@dataclass(frozen=True, slots=True, eq=False)
class Missed:
    """The spectrum of that graph, and where both are of a part of the points that of the wider one."""

    spectrum: Measure
    share: float
    said: str
    wider: Measure | None = None


def missed(spectrum: Measure, value: Callable[[Measure], float]) -> float:
    """Standard error of `value` of a `spectrum` whose graph lacks some neighbours; 0 where none was missed."""
    narrower = spectrum.missed
    if narrower is None:
        return 0.0
    wider = spectrum if narrower.wider is None else narrower.wider
    return float(narrower.share * abs(value(narrower.spectrum) - value(wider)))
