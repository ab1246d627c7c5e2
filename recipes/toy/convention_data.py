"""The data sets of the simulated experiments that have a kernel, each with its sigma and, if it has any, its labels."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from diffspec.synthetic import blobs, cloud, tree

Points: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Labelled: TypeAlias = tuple[Points, float, np.ndarray[Any, Any] | None]


def made(name: str, seed: int) -> Labelled:
    """The points, sigma and labels of the data set `name`, drawn with `seed`."""
    return DATA[name](seed)


def _normal(seed: int, n: int, d: int, sigma: float) -> Labelled:
    return np.random.default_rng(seed).normal(size=(n, d)), sigma, None


def _lognormal(seed: int) -> Labelled:
    return np.random.default_rng(seed).lognormal(size=(500, 10)), 2.0, None


def _groups(seed: int, d: int, sizes: tuple[int, ...], stds: tuple[float, ...], sigma: float) -> Labelled:
    """Blobs of unequal size or spread, centres uniform in [-10, 10]^d."""
    rng = np.random.default_rng(seed)
    parts = [rng.uniform(-10.0, 10.0, d) + s * rng.normal(size=(n, d)) for n, s in zip(sizes, stds, strict=True)]
    return np.concatenate(parts), sigma, np.repeat(np.arange(len(sizes)), sizes)


def _core(seed: int) -> Labelled:
    """400 points N(0, I/25) within a halo of 100 points N(0, 9 I), in 5 dimensions."""
    rng = np.random.default_rng(seed)
    return np.concatenate([0.2 * rng.normal(size=(400, 5)), 3.0 * rng.normal(size=(100, 5))]), 1.0, None


def _intuition(seed: int, d: int, centres: int) -> Labelled:
    """The blobs of the intuition figure: first axis stretched by 3, then divided by sqrt(d)."""
    width = 30.0 if centres > 1 else 10.0
    points, labels = blobs(3000, centres, dimension=d, box=(-width, width), rng=seed)
    points[:, 0] *= 3.0
    if centres == 1:
        labels = np.random.default_rng(seed).permutation(np.arange(len(points)) % 3)
    return points / math.sqrt(d), math.sqrt(d), labels


def _toy(seed: int, law: Any, d: int, noise: float) -> Labelled:
    return cloud(500, d, ambient=2048, law=law, noise_percent=noise, rng=seed), 10.0, None


def _short(seed: int, law: Any, d: int) -> Labelled:
    return cloud(500, d, ambient=512, law=law, rng=seed), 10.0, None


def _tree(seed: int, branches: int, length: int, d: int, sigma: float) -> Labelled:
    points, labels = tree(branches, length, dimension=d, noise_percent=1.0, rng=seed)
    return points, sigma, labels


def _subsampled(seed: int, d: int) -> Labelled:
    points, _branches = tree(3, 2000, dimension=d, rng=seed)
    return points, 10.0, None


def _blobs(seed: int, d: int) -> Labelled:
    points, labels = blobs(5000, 3, dimension=d, noise_percent=1.0, rng=seed)
    return points, math.sqrt(d), labels


ROOT20 = math.sqrt(20.0)

DATA: dict[str, Callable[[int], Labelled]] = {
    "normal 20-D": partial(_normal, n=500, d=20, sigma=ROOT20),
    "normal 2-D": partial(_normal, n=500, d=2, sigma=1.0),
    "blobs of spread .5, 1, 3": partial(_groups, d=2, sizes=(200, 200, 200), stds=(0.5, 1.0, 3.0), sigma=1.0),
    "blobs of 500, 80, 20": partial(_groups, d=20, sizes=(500, 80, 20), stds=(1.0, 1.0, 1.0), sigma=ROOT20),
    "core and halo": _core,
    "lognormal 10-D": _lognormal,
    **{f"uniform d={d}, {p} %": partial(_toy, law="uniform", d=d, noise=p) for d in (102, 512, 2048) for p in (1, 50)},
    **{f"gaussian d={d}, {p} %": partial(_toy, law="gaussian", d=d, noise=p) for d in (102, 512) for p in (1, 50)},
    **{f"{law} d={d} in 512": partial(_short, law=law, d=d) for law in ("uniform", "gaussian") for d in (128, 512)},
    **{f"tree, {k} branches": partial(_tree, branches=k, length=100, d=20, sigma=10.0) for k in (2, 5, 10)},
    **{f"separated {d}-D": partial(_intuition, d=d, centres=3) for d in (2, 3)},
    **{f"single {d}-D": partial(_intuition, d=d, centres=1) for d in (2, 3)},
    **{f"blobs d={d}": partial(_blobs, d=d) for d in (20, 100, 1000)},
    **{f"long tree d={d}": partial(_tree, branches=5, length=1000, d=d, sigma=math.sqrt(d)) for d in (20, 100)},
    **{f"three branches d={d}": partial(_subsampled, d=d) for d in (2, 8, 30)},
}
"""In the order of the figure: the table of definitions.md, then sections 3.3, 3.11, 3.5, 3.1, 3.6, 3.7 and 3.10."""
