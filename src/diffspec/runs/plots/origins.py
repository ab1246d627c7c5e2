"""Changes since a step, in stretches that count from the same one."""

from __future__ import annotations

from diffspec.runs.log import Record
from diffspec.runs.plots.series import Curve

__all__ = ["origins"]


def origins(scale: Curve, shape: Curve) -> list[tuple[float, list[tuple[float, float, float]]]]:
    """The steps that changes are counted from, each with its stretch: x, change by scale, change by shape.

    A run that was continued may count from a later step than before; its two stretches are two curves.
    """
    by_shape = {x: (value, _since(r)) for x, value, r in zip(shape.x, shape.values, shape.records, strict=True)}
    found: list[tuple[float, list[tuple[float, float, float]]]] = []
    for x, value, record in zip(scale.x, scale.values, scale.records, strict=True):
        other, since = by_shape.get(x, (0.0, None))
        if since != _since(record):
            continue  # one part of the two is missing
        if not found or found[-1][0] != since:
            found.append((since, []))
        found[-1][1].append((x, value, other))
    return found


def _since(record: Record) -> float:
    since = (record.get("settings") or {}).get("since", 0)
    return since if isinstance(since, int | float) else 0
