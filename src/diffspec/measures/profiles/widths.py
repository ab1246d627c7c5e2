"""The widths of a profile: those asked for, or from where every point stands alone to where all are one."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from diffspec._checks import integer, positive
from diffspec.errors import InputError

__all__ = ["WIDTHS", "narrowest", "widest", "widths", "widths_asked"]

WIDTHS = 30


def widths_asked(sigmas: int | Iterable[float]) -> int | tuple[float, ...]:
    """How many widths, or the widths themselves, ascending and each once; InputError where they are none."""
    if not isinstance(sigmas, Iterable) or isinstance(sigmas, str) or getattr(sigmas, "ndim", 1) == 0:
        return integer(sigmas, "sigmas", least=2, hint=f"the default is {WIDTHS}; or give the widths themselves")
    found = tuple(sorted({positive(sigma, "each of sigmas") for sigma in sigmas}))
    if len(found) < 2:
        raise InputError(f"sigmas must hold at least 2 different widths, got {list(found)}; for one width use dse")
    return found


def widths(sigmas: int | Sequence[float], narrow: float, wide: float) -> tuple[float, ...]:
    """`sigmas` widths spaced evenly in log sigma between two, or the widths given, ascending and each once."""
    if not isinstance(sigmas, int):
        return tuple(sigmas)
    if not math.isfinite(wide):
        raise InputError("points are too large for the widths to be float64 numbers; divide all of them by 1e10")
    return tuple(np.geomspace(narrow, wide, sigmas).tolist())


def narrowest(nearest: np.ndarray[Any, Any], t: float) -> float:
    """The width at which all but 2 % of the points have an affinity below 1 % / t with the nearest other."""
    near = float(np.quantile(nearest, 0.02, method="lower"))
    return near / math.sqrt(2.0 * (4.6 + math.log(max(t, 1.0))))


def widest(scale: float, farthest: float, *, distinct: int, t: float) -> float:
    """The width at which the entropy is below 1 % of log `distinct`, and no point stands alone.

    The eigenvalues after the first add up to about r = (scale / sigma)^2, their powers to at most r^t for t >= 1 and
    (distinct - 1)^(1 - t) r^t below; a sum z of them carries at most z (log distinct + log 1 / z + 1) nats.
    """
    carried = 0.01 * math.log(distinct) / (math.log(distinct) + 9.0)
    rest = min(0.05, math.pow(carried * math.pow(distinct - 1, min(0.0, t - 1.0)), 1.0 / t))
    return max(scale / math.sqrt(max(rest, sys.float_info.min)), farthest)
