"""Entropies of one set of points at several diffusion times, in bits, without the verdicts that no figure needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from diffspec import Exact, Gaussian, Spectrum
from diffspec.operators.dense import diffusion
from diffspec.results.estimate import BIT, NATS_PER
from diffspec.spectra.spectrum import shannon

PAPER, RELEASED = 0.5, 0.0
"""The anisotropy alpha of the two conventions; docs/conventions.md tells them apart."""


def exact(points: np.ndarray[Any, Any], sigma: float, alpha: float) -> Spectrum:
    """All eigenvalues of the diffusion matrix of `points` with the affinity exp(-d^2 / (2 sigma^2))."""
    return Exact()(diffusion(Gaussian(sigma)(points), alpha, overwrite=True), np.random.default_rng(0))


def bits(spectrum: Spectrum, t: float) -> float:
    """The entropy of `spectrum` at time `t`, in bits."""
    return shannon(spectrum, t) / NATS_PER[BIT]


def at_times(spectrum: Spectrum, times: Iterable[float]) -> dict[str, float]:
    """The entropy of `spectrum` in bits, by the name of the time: ``{"t=1": ...}``."""
    return {f"t={t:g}": bits(spectrum, t) for t in times}


def matched_sets(
    labels: np.ndarray[Any, Any], repetitions: int, rng: np.random.Generator
) -> tuple[list[Any], list[Any]]:
    """The groups, and `repetitions` random sets of each size of group: (size, points) and (size, points)."""
    groups = [np.flatnonzero(labels == name) for name in np.unique(labels)]
    sizes = sorted({len(group) for group in groups})
    return groups, [np.sort(rng.choice(len(labels), n, replace=False)) for n in sizes for _ in range(repetitions)]


def weighted(groups: Sequence[Any], found: dict[int, list[float]]) -> float:
    """The mean over groups, by their number of points, of the mean of what was `found` for their size."""
    n = sum(len(group) for group in groups)
    return sum(len(group) / n * float(np.mean(found[len(group)])) for group in groups)
