"""Eigenvalues of many small sets of one size at once: beside those of order 30 a call for each costs most.

The same operators and eigenvalues as by `Exact`, of all sets in one array.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diffspec.spectra.stacked import HELD, Stack

__all__ = ["alike", "eigenvalues_of"]

# Larger sets gain nothing.
MOST = 100


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


def eigenvalues_of(affinity: Stack, sets: Stack, alpha: float) -> tuple[Stack, Stack]:
    """Of every row of indices the absolute eigenvalues, descending, and the floor under which they are 0.

    From an `affinity` (n, n) of NumPy in float64 and sets of shape (k, m): shapes (k, m) and (k,).
    """
    matrix, m = affinity[sets[:, :, None], sets[:, None, :]], sets.shape[1]
    inverse = matrix.sum(axis=2) ** -alpha
    weight = inverse / np.sqrt(inverse * np.einsum("kij,kj->ki", matrix, inverse))
    matrix *= weight[:, :, None]
    matrix *= weight[:, None, :]
    nodes = -np.sort(-np.abs(np.linalg.eigvalsh(matrix)), axis=1)
    floors = nodes[:, 0] * m * float(np.finfo(np.float64).eps)
    nodes[nodes <= floors[:, None]] = 0.0
    return nodes, floors
