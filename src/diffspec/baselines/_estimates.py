"""The way out of every baseline: its unit, how it was called, and never a NaN."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from diffspec.errors import InputError
from diffspec.results.estimate import BIT, NATS_PER, Estimate, Settings

__all__ = ["call", "finite", "in_bits", "in_unit"]


def in_bits(
    measure: str, nats: float, *, n: int, settings: Settings, ceiling: float | None = None, verdict: str = ""
) -> Estimate:
    """The estimate, in bits, of a value and its ceiling in nats; raises as `finite`."""
    bits = finite(nats, measure, n) / NATS_PER[BIT]
    ceiling = None if ceiling is None else ceiling / NATS_PER[BIT]
    return in_unit(measure, bits, unit=BIT, n=n, settings=settings, ceiling=ceiling, verdict=verdict)


def in_unit(
    measure: str,
    value: float,
    *,
    unit: str,
    n: int,
    settings: Settings,
    ceiling: float | None = None,
    verdict: str = "",
) -> Estimate:
    """The estimate of a value in `unit`; raises as `finite`."""
    value = finite(value, measure, n)
    return Estimate(measure=measure, value=value, unit=unit, n=n, ceiling=ceiling, settings=settings, verdict=verdict)


def finite(value: float, measure: str, n: int) -> float:
    """`value`, which no estimator may return as NaN or infinity.

    Raises
    ------
    InputError
        It is not finite: the data lie outside what the estimator can handle in float64.
    """
    if not math.isfinite(value):
        raise InputError(f"{measure} of these {n} points is {value} in float64; bring the features to similar scales")
    return float(value)


def call(name: str, options: Mapping[str, Any]) -> str:
    """How a baseline was called, as Python: ``ksg(neighbors=3, variant=1)``."""
    plain = {key: value.item() if isinstance(value, np.generic) else value for key, value in options.items()}
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in plain.items())})"
