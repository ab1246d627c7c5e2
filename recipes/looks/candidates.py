"""Numbers that a person could watch in a training: each says something of the spectrum itself.

Those of one spectrum are in the curves of `training` already; those of other graphs are measured here, of few points.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from diffspec import AlphaDecay, Exact, Precomputed, Spectrum, spectrum
from diffspec.baselines import effective_rank
from diffspec.conventions import default, paper
from diffspec.spectra.spectrum import shannon

__all__ = ["NAMES", "measure", "of_curves", "of_points"]

Points: TypeAlias = np.ndarray[Any, Any]

TIMES = (1, 3, 10, 30, 100)
NEIGHBORS = (5, 10, 20, 40)
"""k of the profile."""

FEWER = 250
"""Points that the profile and the rank are measured of: enough for a slope."""

NAMES = (
    *(f"DSE, t = {t}" for t in TIMES),
    "log2 t at log2(classes)",
    "DSE / log2 n",
    "H(Z given Y)",
    "H(Z given Y) / log2(n / classes)",
    "H(Z given Y) / DSE",
    "DSE, k = 5",
    "DSE, k = 40",
    "fall per doubling of k",
    "log2 effective rank",
    "DSE, sigma = 10",
)
"""All but the last have no scale; H(Z given Y) needs labels."""


def of_curves(curves: Mapping[str, Any], at: int, *, classes: int, n: int) -> dict[str, float]:
    """What the curves of a cell of `training` hold at their look number `at`, of `n` points."""
    entropies = [curves[f"DSE(Z) t={t}, neighbors"][at] for t in TIMES]
    inside, whole = curves["H(Z given Y), neighbors"][at], entropies[TIMES.index(3)]
    return {
        **{f"DSE, t = {t}": entropy for t, entropy in zip(TIMES, entropies, strict=True)},
        "log2 t at log2(classes)": passes(entropies, math.log2(classes)),
        "DSE / log2 n": whole / math.log2(n),
        "H(Z given Y)": inside,
        "H(Z given Y) / log2(n / classes)": inside / math.log2(n / classes),
        "H(Z given Y) / DSE": inside / max(whole, 1e-9),
        "DSE, sigma = 10": curves["DSE(Z), sigma = 10"][at],
    }


def of_points(points: Points) -> dict[str, float]:
    """The entropy over the number of neighbours, what a doubling of it takes away, and the rank of the cloud."""
    some = points[:FEWER]
    ks = [k for k in NEIGHBORS if k < len(some)]
    found = [_bits(_spectrum(_affinity(some, k)), default["t"]) for k in ks]
    slope = np.polyfit(np.log2(ks), found, 1)[0]
    rank = math.log2(effective_rank(some, centered=True).value)
    profile = {"DSE, k = 5": found[0], "DSE, k = 40": found[-1], "fall per doubling of k": -float(slope)}
    return {**profile, "log2 effective rank": rank}


def measure(points: Points, labels: Points, classes: int) -> dict[str, float]:
    """Every number of NAMES, of points alone: in bits but for the time, which is log2 t, and shares."""
    affinity = _affinity(points)
    whole, at_ten = _spectrum(affinity), spectrum(points, **paper, solver=Exact())
    curves = {f"DSE(Z) t={t}, neighbors": [_bits(whole, t)] for t in TIMES}
    curves["H(Z given Y), neighbors"] = [given(affinity, labels)]
    curves["DSE(Z), sigma = 10"] = [_bits(at_ten, paper["t"])]
    found = of_curves(curves, 0, classes=classes, n=len(points)) | of_points(points)
    return {name: found[name] for name in NAMES}


def passes(entropies: Sequence[float], bits: float) -> float:
    """log2 of the time at which the entropy falls to `bits`, linear between TIMES, and no further than they go."""
    falling = np.minimum.accumulate(entropies)
    return float(np.interp(bits, falling[::-1], np.log2(TIMES)[::-1]))


def given(affinity: Points, labels: Points) -> float:
    """The mean entropy of the classes by their sizes, each walked alone, in bits."""
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    parts = [
        len(some) * _bits(_spectrum(affinity[np.ix_(some, some)]), default["t"]) for some in members if len(some) > 1
    ]
    return sum(parts) / len(labels)


def _affinity(points: Points, neighbors: int | None = None) -> Points:
    kernel = AlphaDecay(neighbors) if neighbors else default["kernel"]
    found = np.asarray(kernel.resolve(points, np.random.default_rng(0))(points))
    return (found + found.T) / 2  # equal but for rounding


def _spectrum(affinity: Points) -> Spectrum:
    return spectrum(affinity, kernel=Precomputed(), alpha=default["alpha"], solver=Exact())


def _bits(found: Spectrum, t: float) -> float:
    return shannon(found, t) / math.log(2)
