"""What happens with what a look found: numbers and alerts go to sinks and to the caller."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from diffspec._checks import shown
from diffspec.errors import InputError, LayersWarning
from diffspec.training.alerts.rules import Alert
from diffspec.training.sinks.loggers import Sinks

__all__ = ["Aftermath", "Listener", "checked_listener"]

Listener: TypeAlias = Callable[[Alert], Any]


def checked_listener(on_alert: Any) -> Listener | None:
    """`on_alert`, a function of an Alert, or None."""
    if on_alert is not None and (isinstance(on_alert, type) or not callable(on_alert)):
        raise InputError(f"on_alert must be a function of an Alert, such as print, got {shown(on_alert)}")
    return on_alert


@dataclass(slots=True)
class Aftermath:
    """Who is told, and of what already."""

    sinks: Sinks
    on_alert: Listener | None
    stop_on: frozenset[str]
    should_stop: bool = False
    _warned: set[str] = field(default_factory=set)
    _texts: list[str] = field(default_factory=list)

    def heed(self, alert: Alert) -> None:
        """What an alert asks for, and then the caller's function, whose error is its own."""
        self.should_stop = self.should_stop or alert.name in self.stop_on
        self.sinks.tell(alert)
        if self.on_alert is not None:
            self.on_alert(alert)

    def send(self, numbers: Mapping[str, float], step: int) -> list[tuple[str, Exception]]:
        """Numbers to all sinks; returned are those that failed."""
        return self.sinks.send(numbers, step)

    def warn(self, kind: str, text: str) -> None:
        """One warning of each kind, given by `speak`: it may be an error, and all records are to be written before."""
        if kind not in self._warned:
            self._warned.add(kind)
            self._texts.append(text)

    def speak(self) -> None:
        """Give the warnings."""
        while self._texts:
            warnings.warn(self._texts.pop(0), LayersWarning, stacklevel=3)
