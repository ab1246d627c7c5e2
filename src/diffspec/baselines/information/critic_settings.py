"""How a critic is trained, and in what parts it is read off."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from diffspec._checks import integer, positive, real, shown, store
from diffspec.errors import InputError

__all__ = ["DEFAULT", "Training", "blocks_of"]

MOST = 1024  # held-out pairs are scored with every partner among so many: 10^6 pairs at once
MOST_RATE = 1e37  # where float32 ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How a critic is trained.

    Parameters
    ----------
    hidden : tuple of int
        Widths of its hidden layers (ReLU).
    batch : int
        Pairs per step, each scored with every partner in the batch.
    rate : float
        Step size of Adam.
    steps : int
        The most steps.
    every, patience : int
        The stop set is looked at every so many steps; after `patience` looks without a better value training ends.
    shares : tuple of float
        Shares of the points to train on and to stop by; the rest is held out and gives the value.
    device : str
        A torch device.
    """

    hidden: tuple[int, ...] = (128,)
    batch: int = 64
    rate: float = 5e-3
    steps: int = 2000
    every: int = 50
    patience: int = 8
    shares: tuple[float, float] = (0.6, 0.2)
    device: str = "cpu"

    def __post_init__(self) -> None:
        counts = {"batch": self.batch, "steps": self.steps, "every": self.every, "patience": self.patience}
        store(self, **{name: integer(count, name, least=2 if name == "batch" else 1) for name, count in counts.items()})
        if isinstance(self.hidden, str) or not np.ndim(self.hidden) == 1 or not len(self.hidden):
            raise InputError(f"hidden must name the width of at least one layer, got {shown(self.hidden)}")
        store(self, hidden=tuple(integer(width, "hidden", least=1) for width in self.hidden))
        store(self, rate=positive(self.rate, "rate"))
        if not self.rate <= MOST_RATE:
            raise InputError(f"rate must be at most {MOST_RATE:g}, got {self.rate!r}; 0.005 is usual")
        shares = tuple(real(share) for share in self.shares) if isinstance(self.shares, list | tuple) else ()
        if len(shares) != 2 or not (min(shares) > 0.0 and sum(shares) < 1.0):
            raise InputError(f"shares must be two positive numbers that sum to less than 1, got {shown(self.shares)}")
        if not isinstance(self.device, str):
            raise InputError(f"device must be the name of a torch device such as 'cpu', got {shown(self.device)}")
        store(self, shares=shares)


DEFAULT = Training()


def blocks_of(pairs: int) -> int:
    """In how many parts, of nearly equal size, held-out pairs are scored."""
    return math.ceil(pairs / MOST)
