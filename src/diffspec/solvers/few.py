"""Eigenvalues of many small sets of about one size at once: beside those of order 30 a call for each costs most.

The same operators and eigenvalues as by `Exact`, of all sets in one array.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diffspec._arrays import take_square
from diffspec.spectra.stacked import HELD, Stack

__all__ = ["alike", "eigenvalues_of"]

# Larger sets gain nothing.
MOST = 100
# Sets up to so many times as large as the smallest are filled up to one size: fewer calls, in which other threads run.
LIKE = 1.25


def alike(sizes: Sequence[int]) -> list[list[int]]:
    """The places of small sets of these `sizes`, those of about one size together as far as one array holds them."""
    together: list[list[int]] = []
    smallest = 0
    for place in sorted(range(len(sizes)), key=sizes.__getitem__):
        size = sizes[place]
        if not 1 < size <= MOST:
            continue
        if not together or size > LIKE * smallest or (len(together[-1]) + 1) * size**2 > HELD:
            together.append([])
            smallest = size
        together[-1].append(place)
    return together


def eigenvalues_of(affinity: Stack, sets: Sequence[Stack], alpha: float) -> tuple[Stack, Stack]:
    """Of every set of indices the absolute eigenvalues, descending, and the floor under which they are 0.

    From an `affinity` (n, n) of NumPy in float64 and k sets of up to m points: shapes (k, m), filled up with 0, and
    (k,).
    """
    sizes = np.array([len(indices) for indices in sets])
    inside = np.arange(sizes.max()) < sizes[:, None]
    index = np.zeros(inside.shape, dtype=np.int64)
    index[inside] = np.concatenate(sets)
    matrix = take_square(affinity, index)
    if not inside.all():
        matrix *= inside[:, :, None] & inside[:, None, :]
    # Sums of short rows as products: NumPy's own take three times as long.
    inverse = np.where(inside, matrix @ np.ones(inside.shape[1]), 1.0) ** -alpha
    degree = np.where(inside, inverse * (matrix @ inverse[:, :, None])[:, :, 0], 1.0)
    weight = inverse / np.sqrt(degree)
    matrix *= weight[:, :, None]
    matrix *= weight[:, None, :]
    nodes = -np.sort(-np.abs(np.linalg.eigvalsh(matrix)), axis=1)
    floors = nodes[:, 0] * sizes * float(np.finfo(np.float64).eps)
    nodes[nodes <= floors[:, None]] = 0.0
    return nodes, floors
