"""The rate of an epoch: a linear rise, then half a cosine that is 0 after the last."""

from __future__ import annotations

import math

__all__ = ["rate_at"]


def rate_at(epoch: int, epochs: int, warmup: int) -> float:
    """The rate of `epoch` = 1, 2, ..., as a share of the highest, which is that of the epoch `warmup`."""
    if epoch <= warmup:
        return epoch / warmup
    return (1 + math.cos(math.pi * (epoch - warmup) / (epochs + 1 - warmup))) / 2
