"""A share of the training's time that measuring may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from diffspec._checks import real, shown
from diffspec.errors import InputError

__all__ = ["Budget", "checked_budget"]


def checked_budget(budget: Any) -> float | None:
    """`budget` as a share, or None: no limit."""
    if budget is None:
        return None
    if not 0.0 < real(budget) <= 1.0:
        raise InputError(f"budget must be a share of the training's time such as 0.01, or None, got {shown(budget)}")
    return float(budget)


@dataclass(slots=True)
class Budget:
    """Times looks, and says where one more would take longer than `share` of the time between them.

    Fewer looks, and not fewer points: values of different numbers of points are not comparable.
    """

    share: float | None
    clock: Callable[[], float] = field(default=time.perf_counter, repr=False)
    spent: float = 0.0
    """Seconds of all looks."""
    last: float = 0.0
    """Of the last look: what the next one is expected to take."""
    began: float | None = None
    """When the first look did."""

    @contextmanager
    def look(self) -> Iterator[None]:
        """What happens inside is a look."""
        start = self.clock()
        self.began = start if self.began is None else self.began
        try:
            yield
        finally:
            self.last = self.clock() - start
            self.spent += self.last

    def why_not(self) -> str:
        """Why no look is to be made now, ``""`` where one may; the first always may."""
        if self.share is None or self.began is None:
            return ""
        trained = self.clock() - self.began - self.spent
        if self.spent + self.last <= self.share * trained:
            return ""
        return (
            f"looks have taken {self.spent:.3g} s beside {trained:.3g} s of training, and one more, of some "
            f"{self.last:.2g} s, would pass budget={self.share:g}; all until there is time for one are left out"
        )
