"""Entropies and informations of one data set under one kernel, at several times, from one affinity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from scipy.linalg import eigvalsh

from diffspec import AlphaDecay, Cosine, Gaussian, SelfTuning, spectrum
from diffspec.kernels.bandwidth import (
    Fixed,
    GeometricMean,
    LogSum,
    Median,
    Neighbors,
    NeighborShare,
    Quantile,
    RootDimension,
    Scaled,
)
from diffspec.operators.dense import diffusion
from diffspec.spectra.spectrum import shannon
from recipes.bandwidth.corrected import CORRECTED
from recipes.bandwidth.data import labelled, load

__all__ = ["KERNELS", "TIMES", "WINNER", "corruption", "measure", "measure_large", "moved"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Indices: TypeAlias = np.ndarray[Any, Any]

WINNER = "alpha-decay, k = sqrt(n) / 3, decay 40"
TIMES = (1.0, 2.0, 3.0, 5.0)
ALPHA = 0.5
KERNELS = {
    WINNER: AlphaDecay(neighbors=None, decay=40.0),
    "alpha-decay, k = 5, decay 40": AlphaDecay(neighbors=5, decay=40.0),
    "alpha-decay, k = 10, decay 40": AlphaDecay(neighbors=10, decay=40.0),
    "alpha-decay, k = 5, decay 10": AlphaDecay(neighbors=5, decay=10.0),
    "alpha-decay, k = 10, decay 2": AlphaDecay(neighbors=10, decay=2.0),
    "Gaussian, sigma = 10": Gaussian(Fixed(10.0)),
    "Gaussian, sqrt(d)": Gaussian(RootDimension()),
    "Gaussian, median": Gaussian(Median()),
    "Gaussian, half the median": Gaussian(Scaled(Median(), 0.5)),
    "Gaussian, 10 % quantile": Gaussian(Quantile(0.1)),
    "Gaussian, 1 % quantile": Gaussian(Quantile(0.01)),
    "Gaussian, nearest neighbour (Lafon)": Gaussian(Neighbors(1)),
    "Gaussian, 10th neighbour": Gaussian(Neighbors(10)),
    "Gaussian, 10th neighbour / sqrt 2": Gaussian(Scaled(Neighbors(10), math.sqrt(0.5))),
    "Gaussian, neighbour of rank n / 100": Gaussian(NeighborShare(0.01)),
    "Gaussian, median x 10th neighbour": Gaussian(GeometricMean(Median(), Neighbors(10))),
    "Gaussian, log-sum": Gaussian(LogSum()),
    "self-tuning, k = 7": SelfTuning(7),
    "self-tuning, k = 20": SelfTuning(20),
    "cosine, median": Cosine(Median()),
    "cosine, half the median": Cosine(Scaled(Median(), 0.5)),
    "cosine, 10th neighbour": Cosine(Neighbors(10)),
}
REPETITIONS = 5


def measure(data: str, kernel: str, n: int, seed: int) -> dict[str, Any]:
    """Normalised entropy, and of labelled data the three informations in bits, at every one of TIMES."""
    points, labels = load(data, n, seed)
    affinity, sigma = _affinity(points, kernel)
    whole = _nodes(affinity)
    entropy = _entropies(whole)
    values: dict[str, Any] = {"share": _plain(entropy / math.log2(len(points)))}
    if sigma is not None:
        values["sigma"] = sigma
    if labelled(data):
        values |= _information(affinity, labels, entropy, np.random.default_rng(seed))
    return values


def measure_large(data: str, kernel: str, n: int, seed: int) -> dict[str, Any]:
    """Normalised entropy of many points by the library's own choice of solver, at every one of TIMES."""
    points, _labels = load(data, n, seed)
    found = spectrum(points, kernel=KERNELS[kernel], alpha=ALPHA, t=3.0)
    return {"share": [round(shannon(found, t) / math.log(n), 5) for t in TIMES]}


def corruption(data: str, kernel: str, n: int, shares: Sequence[float], seeds: int) -> dict[str, Any]:
    """The matched information with a share of the labels permuted: mean over `seeds`, and its standard error."""
    points, labels = load(data, n)
    affinity, _sigma = _affinity(points, kernel)
    table = []
    for share in shares:
        for seed in range(seeds):
            rng = np.random.default_rng([seed, int(1000 * share)])
            some = rng.permutation(n)[: int(share * n)]
            changed = labels.copy()
            changed[some] = labels[rng.permutation(some)]
            table.append(_matched(affinity, changed, rng)[0])
    found = np.reshape(table, (len(shares), seeds, len(TIMES)))
    error = found.std(1, ddof=1) / math.sqrt(seeds)
    return {"shares": list(shares), "matched": _plain(found.mean(1).T), "error": _plain(error.T)}


def moved(data: str, kernel: str, n: int) -> dict[str, float]:
    """The largest change of the entropy, in bits, when the points are turned, moved, reordered and scaled."""
    points, _labels = load(data, n)
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.normal(size=(points.shape[1],) * 2))
    still = _entropies(_nodes(_affinity(points, kernel)[0]))
    ways = {
        "rotation": points @ turn,
        "translation": points + 3.0,
        "permutation": points[rng.permutation(n)],
        "scaling": points * 1000.0,
    }
    return {
        way: float(np.max(np.abs(_entropies(_nodes(_affinity(new, kernel)[0])) - still))) for way, new in ways.items()
    }


def _affinity(points: Floats, kernel: str) -> tuple[Floats, float | None]:
    resolved = {**KERNELS, **CORRECTED}[kernel].resolve(points, np.random.default_rng(0))
    return np.asarray(resolved(points)), getattr(resolved, "sigma", None)


def _information(affinity: Floats, labels: Indices, entropy: Floats, rng: np.random.Generator) -> dict[str, Any]:
    """Matched, literal and adjusted, with the standard errors of the first and last."""
    matched, error, groups = _matched(affinity, labels, rng)
    sizes = np.array([len(nodes) for nodes in groups]) / len(labels)
    ceiling = float(-(sizes * np.log2(sizes)).sum())
    conditional = sum(size * _entropies(nodes) for size, nodes in zip(sizes, groups, strict=True))
    gain = _entropies(np.concatenate(groups)) - entropy
    room = np.maximum(matched + gain, 1e-9)
    return {
        "matched": _plain(matched),
        "matched error": _plain(error),
        "literal": _plain(entropy - conditional),
        "adjusted": _plain(ceiling * matched / room),
        "adjusted error": _plain(ceiling * np.abs(gain) * error / room**2),
        "ceiling": ceiling,
    }


def _matched(affinity: Floats, labels: Indices, rng: np.random.Generator) -> tuple[Floats, Floats, list[Floats]]:
    """The estimator of `diffspec.Matched` with subsets of their own for every group, its error, each group's nodes."""
    n = len(labels)
    value, variance, groups = np.zeros(len(TIMES)), np.zeros(len(TIMES)), []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        groups.append(_nodes(affinity[np.ix_(members, members)]))
        drawn = [np.sort(rng.choice(n, len(members), replace=False)) for _ in range(REPETITIONS)]
        chance = np.array([_entropies(_nodes(affinity[np.ix_(some, some)])) for some in drawn])
        share = len(members) / n
        value += share * (chance.mean(0) - _entropies(groups[-1]))
        variance += share**2 * chance.var(0, ddof=1) / REPETITIONS
    return value, np.sqrt(variance), groups


def _nodes(affinity: Floats) -> Floats:
    matrix = np.asarray(diffusion(affinity.copy(), ALPHA, overwrite=True).matrix)
    nodes = np.abs(eigvalsh(matrix, overwrite_a=True, check_finite=False))
    return np.where(nodes > len(nodes) * np.finfo(float).eps, nodes, 0.0)


def _entropies(nodes: Floats) -> Floats:
    """In bits, at every one of TIMES."""
    powers = nodes[nodes > 0][None, :] ** np.array(TIMES)[:, None]
    shares = powers / powers.sum(1, keepdims=True)
    return np.asarray(-np.sum(shares * np.log2(np.maximum(shares, 1e-300)), axis=1))


def _plain(values: Floats) -> list[Any]:
    return np.round(values, 5).tolist()
