"""Chebyshev estimates of the entropy against the exact value.

Claim: the approximation gives the entropy of all eigenvalues from Chebyshev moments. The released one does not: it is
off by bits and hardly sees the data. Ours stays within the error that it states.

Command: `python -m recipes chebyshev --paper`. Expected time: 4 s smoke, 1 min paper.

500 points of intrinsic dimension 128 to 512 in 512 dimensions, sigma 10, t = 1, the released package's convention.
Identity/SPD mixes of order 400 to 500 beside them.

"As released" is written anew from a description of what that package does. Entries below a threshold are set to 0.
There are 50 moments of 100 random sign vectors on [-1, 1], without damping. The cumulative density on 1001 nodes is
rounded to a number of eigenvalues each.

`Chebyshev(moments=m)` is ours. Its stated error is twice the standard error of the probes, plus the change from half as
many moments or a third of the change before that one.

"Drop-in" is `diffspec.released` with `chebyshev_approx=True`, which promises 0.05 bits, and takes all eigenvalues where
that is the only way. Matrices with PHATE's potential distances in the place of the affinity: recipe `phate`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from diffspec import Chebyshev, Exact, Gaussian
from diffspec.operators.dense import Dense, diffusion
from diffspec.released import diffusion_spectral_entropy
from diffspec.results.estimate import BIT, NATS_PER
from diffspec.spectra.spectrum import shannon_stderr, truncation
from diffspec.synthetic import cloud, spd_mix
from recipes.lab.drawing import COLOURS, panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, mean, select
from recipes.lab.spectra import RELEASED, bits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

THRESHOLDS = (0.0, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2)
MOMENTS = (64, 128, 256)
DEFAULT = 1e-3
"""The released package's threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Points, dimensions, orders of the mixes with their shares of the identity, repetitions."""

    n: int
    ambient: int
    dimensions: tuple[int, ...]
    orders: tuple[int, ...]
    shares: tuple[float, ...]
    seeds: int


SMOKE = Settings(n=100, ambient=128, dimensions=(32, 128), orders=(100,), shares=(0.0, 1.0), seeds=1)
PAPER = Settings(
    n=500,
    ambient=512,
    dimensions=(128, 256, 384, 512),
    orders=(400, 425, 450, 475, 500),
    shares=(0.0, 0.25, 0.5, 0.75, 1.0),
    seeds=2,
)


def run(settings: Settings, log: Log) -> None:
    """One cell per cloud and per mix."""
    for seed in range(settings.seeds):
        for law in ("uniform", "gaussian"):
            for d in settings.dimensions:
                log.cell(of_cloud, data=law, d=d, n=settings.n, ambient=settings.ambient, seed=seed)
    for seed in range(settings.seeds):
        for n in settings.orders:
            for share in settings.shares:
                log.cell(of_mix, data="mix", n=n, identity=share, seed=seed)


def of_cloud(data: Any, d: int, n: int, ambient: int, seed: int) -> dict[str, float]:
    """All estimates of one cloud, and the drop-in's."""
    points = cloud(n, d, ambient=ambient, law=data, rng=seed)
    drop_in = diffusion_spectral_entropy(points, gaussian_kernel_sigma=10, chebyshev_approx=True, random_seed=seed)
    found = estimates(diffusion(Gaussian(10.0)(points), RELEASED).matrix, seed)
    return found | {"drop-in": drop_in, "drop-in off by": abs(drop_in - found["exact"])}


def of_mix(data: str, n: int, identity: float, seed: int) -> dict[str, float]:
    """All estimates of one identity/SPD mix, scaled to a largest eigenvalue of 1 as Chebyshev moments need it."""
    matrix = spd_mix(n, identity, rng=seed)
    return estimates(matrix / np.linalg.eigvalsh(matrix)[-1], seed)


def estimates(matrix: np.ndarray[Any, Any], seed: int) -> dict[str, float]:
    """The exact entropy of `matrix` in bits; ours per number of moments with its stated error; those as released."""
    operator = Dense(matrix)
    found = {"exact": bits(Exact()(operator, np.random.default_rng(seed)), 1.0)}
    for moments in MOMENTS:
        spectrum = Chebyshev(moments=moments)(operator, np.random.default_rng(seed))
        stated = (2.0 * (shannon_stderr(spectrum) or 0.0) + truncation(spectrum)) / NATS_PER[BIT]
        found |= {f"moments={moments}": bits(spectrum, 1.0), f"stated={moments}": stated}
    for threshold in THRESHOLDS:
        found[f"released {threshold:g}"] = as_released(matrix, threshold, np.random.default_rng(seed))
    return found


def as_released(matrix: np.ndarray[Any, Any], threshold: float, rng: np.random.Generator) -> float:
    """The entropy in bits that the released package's description gives: undamped moments, rounded counts."""
    sparse = np.where(np.abs(matrix) < threshold, 0.0, matrix)
    n = len(sparse)
    moments = _sign_moments(sparse, 50, rng.choice([-1.0, 1.0], size=(n, 100)))
    nodes = np.linspace(-1.0, 1.0, 1001)
    angles, order = np.arccos(nodes), np.arange(1, len(moments))
    waves = np.sin(np.outer(angles, order)) @ (moments[1:] / order)
    cumulative = moments[0] * (1.0 - angles / math.pi) - 2.0 / math.pi * waves
    counts = np.maximum(0.0, np.round(n * np.diff(cumulative)))
    mass = counts * np.abs(nodes[1:])
    if not mass.any():
        return 0.0
    shares = np.abs(nodes[1:])[mass > 0] / mass.sum()
    return float(-(counts[mass > 0] * shares) @ np.log2(shares))


def _sign_moments(matrix: np.ndarray[Any, Any], count: int, signs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Estimates of tr T_m / n for m < count by random vectors of signs."""
    before, now = signs, matrix @ signs
    moments = [1.0, float(np.mean(signs * now))]
    while len(moments) < count:
        before, now = now, 2.0 * (matrix @ now) - before
        moments.append(float(np.mean(signs * now)))
    return np.array(moments)


def figure(cells: list[Cell]) -> Figure:
    """Estimate against exact value for mixes and clouds, and the error of ours against what it states."""
    drawn, axes = panels(1, 3, size=(3.8, 3.4))
    mixes, clouds = select(cells, data="mix"), [cell for cell in cells if "d" in cell.key]
    for place, chosen, title in ((axes[0, 0], mixes, "identity/SPD mixes"), (axes[0, 1], clouds, "clouds")):
        _tracking(place, chosen, title)
    _honest(axes[0, 2], cells)
    return drawn


def _tracking(axes: Axes, cells: list[Cell], title: str) -> None:
    """Estimates against the exact value; the diagonal is where they should be."""
    for threshold, colour in zip(THRESHOLDS, COLOURS, strict=False):
        name = f"as released, threshold {threshold:g}"
        _dots(axes, cells, f"released {threshold:g}", "x", color=colour, label=name)
    for moments, marker in zip(MOMENTS, "^so", strict=True):
        _dots(axes, cells, f"moments={moments}", marker, color="black", mfc="none", label=f"ours, {moments} moments")
    _dots(axes, cells, "drop-in", "*", color="#d62728", label="ours, drop-in")
    limits = [cell.values["exact"] for cell in cells] or [0.0, 1.0]
    axes.plot([min(limits), max(limits)], [min(limits), max(limits)], color="black", lw=0.7)
    axes.set(xlabel="exact [bits]", ylabel="estimate [bits]", title=title)
    axes.legend(fontsize=5, frameon=False)


def _dots(axes: Axes, cells: list[Cell], name: str, marker: str, **style: Any) -> None:
    dots = [(cell.values["exact"], cell.values[name]) for cell in cells if name in cell.values]
    if dots:
        axes.plot(*zip(*dots, strict=True), marker, ms=4, mew=0.8, **style)


def _honest(axes: Axes, cells: list[Cell]) -> None:
    """The error of ours against the error that it states."""
    for moments, colour in zip(MOMENTS, COLOURS, strict=False):
        dots = [(cell.values[f"stated={moments}"], _error(cell, moments)) for cell in cells]
        shown = [(max(x, 1e-6), max(y, 1e-6)) for x, y in dots]
        if shown:
            axes.plot(*zip(*shown, strict=True), "o", ms=3, color=colour, label=f"{moments} moments")
    axes.plot([1e-6, 10.0], [1e-6, 10.0], color="black", lw=0.7)
    axes.set(xscale="log", yscale="log", xlabel="stated error [bits]", ylabel="error [bits]", title="ours, all data")
    axes.legend(fontsize=6, frameon=False)


def _error(cell: Cell, moments: int) -> float:
    return abs(float(cell.values[f"moments={moments}"]) - float(cell.values["exact"]))


def check(cells: list[Cell]) -> list[Verdict]:
    """Our numbers against expected.toml: how far each estimate is off, and whether ours said so."""
    return compare("chebyshev", cells, _derived(cells))


def _derived(cells: list[Cell]) -> dict[str, float]:
    clouds = [cell for cell in cells if "d" in cell.key]
    found: dict[str, float] = {"drop-in worst": max((c.values["drop-in off by"] for c in clouds), default=math.nan)}
    for moments in MOMENTS:
        within = [_error(cell, moments) <= cell.values[f"stated={moments}"] + 1e-9 for cell in cells]
        found[f"within stated, {moments}"] = float(np.mean(within)) if within else math.nan
        found[f"worst, {moments}"] = max((_error(cell, moments) for cell in cells), default=math.nan)
    default = [abs(c.values[f"released {DEFAULT:g}"] - c.values["exact"]) for c in select(clouds, data="uniform")]
    spans = (
        [
            [mean(select(clouds, data="uniform", d=d), name) for d in sorted({c.key["d"] for c in clouds})]
            for name in ("exact", f"released {DEFAULT:g}")
        ]
        if clouds
        else []
    )
    found["released off by"] = max(default, default=math.nan)
    found["exact rises"], found["released rises"] = (max(s) - min(s) for s in spans) if spans else (math.nan, math.nan)
    return found
