"""Entropies of many small sets of one size at once: beside eigenvalues of order 30 a call for each costs most.

The same operators, eigenvalues and sums as by `Exact`, of all sets in one array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

__all__ = ["alike", "entropies_of"]

Stack: TypeAlias = np.ndarray[Any, Any]

# Larger sets gain nothing; so many numbers are in one array at a time.
MOST, HELD = 100, 2**19


def alike(sizes: Sequence[int]) -> list[list[int]]:
    """The places of small sets of these `sizes`, those of one size together as far as one array holds them."""
    by_size: dict[int, list[int]] = {}
    for place, size in enumerate(sizes):
        if 1 < size <= MOST:
            by_size.setdefault(size, []).append(place)
    together = []
    for size, places in by_size.items():
        step = max(1, HELD // size**2)
        together += [places[k : k + step] for k in range(0, len(places), step)]
    return together


def entropies_of(affinity: Stack, sets: Stack, alpha: float, t: float) -> list[tuple[float, float, float]]:
    """Of every row of indices the entropy at time `t` and at 1 and the log of the sum of |eigenvalue|^t, in nats.

    From an `affinity` (n, n) of NumPy in float64.
    """
    matrix, n = affinity[sets[:, :, None], sets[:, None, :]], sets.shape[1]
    inverse = matrix.sum(axis=2) ** -alpha
    weight = inverse / np.sqrt(inverse * np.einsum("kij,kj->ki", matrix, inverse))
    matrix *= weight[:, :, None]
    matrix *= weight[:, None, :]
    nodes = -np.sort(-np.abs(np.linalg.eigvalsh(matrix)), axis=1)
    largest = nodes[:, :1]
    floor = largest * n * float(np.finfo(np.float64).eps)
    kept = nodes > floor
    shares = np.where(kept, np.where(nodes >= largest - floor, largest, nodes), largest) / largest
    logs, rank = np.log(shares), np.log(kept.sum(axis=1))
    totals = {time: _sums(time * logs, kept) for time in {t, 1.0}}
    values = {time: np.clip(np.log(z) - g / z, 0.0, rank) for time, (z, g) in totals.items()}
    return list(zip(values[t].tolist(), values[1.0].tolist(), np.log(totals[t][0]).tolist(), strict=True))


def _sums(logs: Stack, kept: Stack) -> tuple[Stack, Stack]:
    """Z = sum r^t and G = sum r^t log r^t of every row."""
    powers = np.where(kept, np.exp(logs), 0.0)
    return powers.sum(axis=1), (powers * logs).sum(axis=1)
