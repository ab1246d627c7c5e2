"""Rows of a sample: a random key in two halves, a label, and the features of a point."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import torch

from diffspec._checks import shown
from diffspec.errors import InputError

__all__ = ["DIGITS", "LEADING", "checked", "parts", "smallest"]

Tensor: TypeAlias = Any

DIGITS = 2**24
"""A float32 holds whole numbers up to here: labels, and each half of the key of a row."""

LEADING = 3
"""Columns of a row before its features: two halves of its key, and its label."""


def smallest(rows: Tensor, size: int) -> Tensor:
    """The `size` rows of the smallest keys, in their order: the same however they were brought together."""
    keys = rows[:, 0].double() * DIGITS + rows[:, 1].double()
    return rows[keys.argsort(stable=True)[:size]]


def checked(points: Any, labels: Any, *, needed: bool) -> tuple[Tensor, Tensor]:
    """Points (n, d) and their labels, 0 where none are needed; InputError where they cannot be used."""
    if not isinstance(points, torch.Tensor) or points.ndim != 2 or not points.is_floating_point():
        got = f"{tuple(points.shape)}, {points.dtype}" if isinstance(points, torch.Tensor) else shown(points)
        raise InputError(f"points must be a floating tensor (n, d), got {got}; flatten or average further axes")
    points = points.detach()
    if not bool(points.isfinite().all()):
        raise InputError("points must be finite, got NaN or infinity; look at the network that gave them")
    if labels is None and needed:
        raise InputError("labels are needed; write update(points, labels)")
    if labels is None or not needed:
        return points, torch.zeros(len(points), dtype=torch.int64, device=points.device)
    if not isinstance(labels, torch.Tensor) or labels.is_floating_point() or labels.shape != points.shape[:1]:
        got = f"{tuple(labels.shape)}, {labels.dtype}" if isinstance(labels, torch.Tensor) else shown(labels)
        raise InputError(f"labels must be whole numbers, one per point ({len(points)}), got {got}")
    if len(labels) and int(labels.abs().max()) >= DIGITS:
        raise InputError(f"labels must lie below {DIGITS}, got {int(labels.abs().max())}; number the classes")
    return points, labels.detach().to(points.device)


def parts(rows: Tensor) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Points and labels of rows."""
    table = rows.detach().cpu().numpy()
    return table[:, LEADING:], table[:, LEADING - 1].astype(np.int64)
