"""Graphs in which no point is the neighbour of most others: distances or weights that are corrected for hubs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from diffspec import AlphaDecay
from diffspec.kernels import Kernel
from diffspec.points.distances import pairwise

__all__ = ["CORRECTED"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

ROUNDS = 200
"""Of the scaling to equal sums, which are then equal to 1e-6."""


@dataclass(frozen=True, slots=True)
class Corrected(Kernel):
    """The graph of `AlphaDecay`, k = sqrt(n) / 3, by the correction `name`: O(n^2 (d + log n)) time, n x n arrays."""

    name: str

    def resolve(self, points: Floats, rng: np.random.Generator) -> Corrected:
        """The kernel itself."""
        return self

    def __call__(self, points: Floats) -> Floats:
        """The affinity (n, n) of points (n, d)."""
        squared, _unit = pairwise(points, lambda some, _unit: np.maximum(some, 0.0))
        return CORRECTIONS[self.name](squared, max(1, round(math.sqrt(len(points)) / 3.0)))


def mutual_neighbours(squared: Floats, k: int) -> Floats:
    """The smaller of both directions' weights in place of their mean: a hub does not choose those who choose it."""
    weights = _one_way(squared, k)
    return np.minimum(weights, weights.T)


def local_scaling(squared: Floats, k: int) -> Floats:
    """Distances over the geometric mean of both points' own widths (Zelnik-Manor and Perona 2004)."""
    width = np.sqrt(_least(squared, k)[:, k])
    return np.asarray(AlphaDecay(neighbors=k).weigh(squared, np.outer(width, width), 1.0))


def mutual_proximity(squared: Floats, k: int) -> Floats:
    """1 less the share of points farther from both, as if the two were independent (Schnitzer et al. 2012)."""
    farther = (len(squared) - 1 - np.argsort(np.argsort(squared, axis=1), axis=1)) / len(squared)
    distance = 1.0 - farther * farther.T
    np.fill_diagonal(distance, 0.0)
    return _both_ways(distance**2, k)


def csls(squared: Floats, k: int) -> Floats:
    """Squared distances less half their means over the k neighbours of either point (Conneau et al. 2018).

    They may be negative, so every point is joined to its k least ones, with one weight for all.
    """
    near = _least(squared, k)[:, 1 : k + 1].mean(1)
    corrected = squared - (near[:, None] + near[None, :]) / 2.0
    np.fill_diagonal(corrected, np.inf)
    joined = (corrected <= np.partition(corrected, k - 1, axis=1)[:, k - 1, None]).astype(float)
    np.fill_diagonal(joined, 1.0)
    return (joined + joined.T) / 2.0


def equal_sums(squared: Floats, k: int) -> Floats:
    """The default's graph with its rows and columns scaled to one sum (Landa, Coifman and Kluger 2021)."""
    weights = _both_ways(squared, k)
    scale = 1.0 / np.sqrt(weights.sum(1))
    for _ in range(ROUNDS):
        scale = np.sqrt(scale / (weights @ scale))
    return scale[:, None] * weights * scale[None, :]


CORRECTIONS = {
    "mutual neighbours": mutual_neighbours,
    "local scaling": local_scaling,
    "mutual proximity": mutual_proximity,
    "CSLS": csls,
    "equal sums": equal_sums,
}
CORRECTED = {name: Corrected(name) for name in CORRECTIONS}


def _both_ways(squared: Floats, k: int) -> Floats:
    weights = _one_way(squared, k)
    return (weights + weights.T) / 2.0


def _one_way(squared: Floats, k: int) -> Floats:
    return np.asarray(AlphaDecay(neighbors=k).weigh(squared, _least(squared, k)[:, k, None], 1.0))


def _least(squared: Floats, k: int) -> Floats:
    """The k + 1 least of every row first, in order; the point itself is the first."""
    return np.partition(squared, np.arange(k + 1), axis=1)
