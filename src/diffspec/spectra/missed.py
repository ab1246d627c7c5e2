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


@dataclass(frozen=True, slots=True, eq=False)
class Missed:
    """The spectrum of that graph."""

    spectrum: Measure
    share: float
    said: str


def missed(spectrum: Measure, value: Callable[[Measure], float]) -> float:
    """Standard error of `value` of a `spectrum` whose graph lacks some neighbours; 0 where none was missed."""
    narrower = spectrum.missed
    return 0.0 if narrower is None else narrower.share * abs(value(narrower.spectrum) - value(spectrum))
