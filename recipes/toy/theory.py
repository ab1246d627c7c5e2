"""Propositions 4.1 to 4.4: limits and bounds.

Claim: as t grows the entropy of one ergodic cloud falls to 0 (4.1), that of k separated clusters to log k (4.2). The
entropy of N(0, I_d) at t = 1 stays below a closed bound (4.3). k separated clusters raise that bound by beta log k
(4.4).

Command: `python -m recipes theory --paper`. Expected time: 3 s smoke, 2 min paper.

The paper's kernel (alpha = 1/2) throughout, the released package's (alpha = 0) beside it. sigma is the paper's here,
exp(-d^2 / sigma), which is 2 sigma^2 of the library's. 4.3 and 4.4 are in nats, as in the paper.

The bound of 4.3 is exactly the entropy of the matrix with 1 on and beta off the diagonal. That matrix replaces every
affinity by its mean. The word "approximate" in the paper is this step, not a further one. 4.4 is measured on such block
matrices, and again on points: clusters far apart, each N(0, I_d), against the bound of one cluster plus beta log k.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from diffspec import Exact
from diffspec.operators.dense import diffusion
from diffspec.spectra.spectrum import shannon
from diffspec.synthetic import cloud, sphere, swiss_roll
from recipes.lab.drawing import COLOURS, panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, mean, select
from recipes.lab.spectra import PAPER as ANISOTROPIC
from recipes.lab.spectra import RELEASED, at_times, exact

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TIMES = (1, 2, 5, 10, 100, 1000, 10**4, 10**5, 10**6, 10**7)
SHAPES = ("normal", "cube", "sphere", "swiss roll")
PUBLISHED = ((200, 2, 1), (200, 2, 20), (500, 10, 10), (500, 50, 100), (500, 50, 20), (500, 512, 200), (1000, 20, 40))
"""The n, d and sigma of the paper's convention in the table of definitions.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Grids of the four propositions."""

    clusters: tuple[int, ...]
    sizes: tuple[int, ...]
    dimensions: tuple[int, ...]
    widths: tuple[float, ...]
    """Sigma of the paper's convention as a multiple of d."""
    published: tuple[tuple[int, int, float], ...]
    blocks: tuple[int, ...]
    """Orders of the block matrices of 4.4."""
    betas: tuple[float, ...]
    seeds: int


SMOKE = Settings(
    clusters=(3,),
    sizes=(100,),
    dimensions=(2, 20),
    widths=(0.5, 2.0),
    published=PUBLISHED[:2],
    blocks=(200,),
    betas=(0.1, 0.5),
    seeds=2,
)
PAPER = Settings(
    clusters=(2, 3, 5, 10),
    sizes=(100, 300, 1000),
    dimensions=(1, 2, 5, 10, 20, 50, 200, 512),
    widths=(0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0),
    published=PUBLISHED,
    blocks=(500, 1000, 2000),
    betas=(0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99),
    seeds=5,
)


def run(settings: Settings, log: Log) -> None:
    """One cell per cloud, per number of clusters, per point of the grid and per block matrix."""
    for seed, shape in product(range(settings.seeds), SHAPES):
        log.cell(ergodic, proposition="4.1", shape=shape, n=300, seed=seed)
    for seed, k in product(range(settings.seeds), settings.clusters):
        log.cell(separated, proposition="4.2", k=k, each=100, seed=seed)
    grid = product(settings.sizes, settings.dimensions, settings.widths)
    for n, d, sigma in (*settings.published, *((n, d, width * d) for n, d, width in grid)):
        log.cell(bounded, proposition="4.3", n=n, d=d, sigma=float(sigma), seeds=settings.seeds)
    for beta, k, n in product(settings.betas, (2, 5, 10, 20), settings.blocks):
        log.cell(block, proposition="4.4", n=n, k=k, beta=beta)
    for d, width in product(settings.dimensions, settings.widths):
        log.cell(clustered, proposition="4.4", n=10 * settings.sizes[0], k=10, d=d, sigma=width * d, seed=0)


def ergodic(proposition: str, shape: str, n: int, seed: int) -> dict[str, float]:
    """The entropy in bits of one connected cloud at all TIMES; sigma is half of the cloud's spread."""
    points = {
        "normal": lambda: cloud(n, 2, law="gaussian", rng=seed),
        "cube": lambda: cloud(n, 3, rng=seed),
        "sphere": lambda: sphere(n, 2, rng=seed),
        "swiss roll": lambda: swiss_roll(n, rng=seed),
    }[shape]()
    return at_times(exact(points, 0.5 * float(points.std()), ANISOTROPIC), TIMES)


def separated(proposition: str, k: int, each: int, seed: int) -> dict[str, float]:
    """The entropy in bits of k clusters N(0, I_2) whose centres are 50 apart, sigma 1, by both conventions."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(k * each, 2)) + np.repeat([[50.0 * i, 0.0] for i in range(k)], each, axis=0)
    released = at_times(exact(points, 1.0, RELEASED), TIMES)
    far = exact(1e6 * points, 1.0, ANISOTROPIC)
    both = at_times(exact(points, 1.0, ANISOTROPIC), TIMES) | {f"released {t}": h for t, h in released.items()}
    return both | {"isolated": at_times(far, (1,))["t=1"], "log2 n": math.log2(k * each)}


def bounded(proposition: str, n: int, d: int, sigma: float, seeds: int) -> dict[str, float]:
    """The mean entropy in nats of n points N(0, I_d) by both conventions, and the bound of Proposition 4.3."""
    draws = [np.random.default_rng(seed).normal(size=(n, d)) for seed in range(seeds)]
    found = {
        name: float(np.mean([shannon(exact(points, math.sqrt(sigma / 2.0), alpha)) for points in draws]))
        for name, alpha in (("P", ANISOTROPIC), ("K", RELEASED))
    }
    beta = beta_of(d, sigma)
    exceeds = {f"{name} above the bound": value - bound(n, beta) for name, value in found.items()}
    return (
        found | exceeds | {"beta": beta, "bound": bound(n, beta), "bound of the matrix": _entropy(_mixed(n, 1, beta))}
    )


def block(proposition: str, n: int, k: int, beta: float) -> dict[str, float]:
    """By how many nats k blocks of affinity beta have more entropy than one of the same order."""
    gain = _entropy(_mixed(n, k, beta)) - bound(n, beta)
    return {"gain": gain, "beta log k": beta * math.log(k), "above": gain - beta * math.log(k)}


def clustered(proposition: str, n: int, k: int, d: int, sigma: float, seed: int) -> dict[str, float]:
    """The entropy in nats of n points in k clusters N(0, I_d) far apart, and the bound of Proposition 4.4."""
    points = np.random.default_rng(seed).normal(size=(n, d))
    points[:, 0] += np.arange(n) % k * 100.0 * math.sqrt(sigma + d)
    found, beta = shannon(exact(points, math.sqrt(sigma / 2.0), ANISOTROPIC)), beta_of(d, sigma)
    limit = bound(n, beta) + beta * math.log(k)
    return {"P": found, "limit": limit, "P above the limit": found - limit}


def beta_of(d: int, sigma: float) -> float:
    """The mean affinity of two points N(0, I_d)."""
    return (1.0 + 4.0 / sigma) ** (-d / 2.0)


def bound(n: int, beta: float) -> float:
    """The right-hand side of Proposition 4.3, in nats."""
    return math.log(n / (1.0 - beta)) - (1.0 / n + (n - 1.0) / n * beta) * math.log1p(beta * n / (1.0 - beta))


def _mixed(n: int, k: int, beta: float) -> np.ndarray[Any, Any]:
    """An affinity with 1 on the diagonal, beta within each of k blocks and 0 between them."""
    block = np.arange(n) * k // n
    affinity = np.where(block[:, None] == block[None, :], beta, 0.0)
    np.fill_diagonal(affinity, 1.0)
    return affinity


def _entropy(affinity: np.ndarray[Any, Any]) -> float:
    return shannon(Exact()(diffusion(affinity, ANISOTROPIC, overwrite=True), np.random.default_rng(0)))


def figure(cells: list[Cell]) -> Figure:
    """Entropy against t, against the bound of 4.3 and its width, and the gain of 4.4."""
    drawn, axes = panels(2, 2, size=(4.4, 3.3))
    _limits(axes[0, 0], cells)
    grid = [cell for cell in cells if "bound" in cell.values]
    _against(
        axes[0, 1], [(c.values["bound"], c.values["P"], c.key["d"]) for c in grid], "d", "bound of Proposition 4.3"
    )
    axes[0, 1].set(title="4.3: N(0, I) in d dimensions, t = 1")
    blocks = [cell for cell in cells if "gain" in cell.values]
    _against(axes[1, 0], [(c.values["beta log k"], c.values["gain"], c.key["n"]) for c in blocks], "n", "beta log k")
    axes[1, 0].set(title="4.4: k blocks minus one", ylabel="gain [nats]")
    far = [cell for cell in cells if "limit" in cell.values]
    _against(
        axes[1, 1], [(c.values["limit"], c.values["P"], c.key["d"]) for c in far], "d", "bound of 4.3 + beta log k"
    )
    axes[1, 1].set(title="4.4: ten clusters N(0, I), far apart")
    return drawn


def _limits(axes: Axes, cells: list[Cell]) -> None:
    """DSE against t: connected clouds in grey, clusters in colour."""
    for shape in SHAPES:
        found = select(cells, shape=shape)
        axes.plot(TIMES, [mean(found, f"t={t:g}") for t in TIMES], color="#999999", lw=0.9)
    for k, colour in zip(sorted({c.key["k"] for c in select(cells, proposition="4.2")}), COLOURS, strict=False):
        found = select(cells, proposition="4.2", k=k)
        axes.plot(TIMES, [mean(found, f"t={t:g}") for t in TIMES], "o-", ms=3, color=colour, label=f"k = {k}")
        axes.axhline(math.log2(k), color=colour, lw=0.6, ls=":")
    axes.plot([], [], color="#999999", lw=0.9, label="connected")
    axes.set(xscale="log", xlabel="t", ylabel="DSE [bits]", title="4.1 and 4.2: dotted is log2 k")
    axes.legend(fontsize=7, frameon=False)


def _against(axes: Axes, dots: list[tuple[float, float, int]], kinds: str, xlabel: str) -> None:
    """What was measured against the limit it should stay below, which is the diagonal; colour by a third number."""
    for kind, colour in zip(sorted({kind for _x, _y, kind in dots}), COLOURS, strict=False):
        chosen = [(x, y) for x, y, other in dots if other == kind]
        axes.plot(*zip(*chosen, strict=True), "o", ms=3, color=colour, label=str(kind))
    most = max((x for x, _y, _kind in dots), default=1.0)
    axes.plot([0.0, most], [0.0, most], color="black", lw=0.8)
    axes.set(xlabel=f"{xlabel} [nats]", ylabel="DSE [nats]")
    axes.legend(title=kinds, title_fontsize=7, fontsize=6, frameon=False)


def check(cells: list[Cell]) -> list[Verdict]:
    """Our numbers against expected.toml: limits, the table of definitions.md and the worst of every grid."""
    return compare("theory", cells, _worst(cells))


def _worst(cells: list[Cell]) -> dict[str, float]:
    """The largest value that a bound has to hold down, over all cells that have it."""

    def most(name: str, **where: Any) -> float:
        return max((cell.values[name] for cell in select(cells, **where) if name in cell.values), default=math.nan)

    late = [abs(c.values[f"t={TIMES[-1]:g}"] - math.log2(c.key["k"])) for c in select(cells, proposition="4.2")]
    matrices = [abs(c.values["bound"] - c.values["bound of the matrix"]) for c in cells if "bound" in c.values]
    short = [c.values["log2 n"] - c.values["isolated"] for c in cells if "isolated" in c.values]
    return {
        "4.1 late": most(f"t={TIMES[-1]:g}", proposition="4.1"),
        "4.2 late": max(late, default=math.nan),
        "isolated": max(map(abs, short), default=math.nan),
        "4.3 P": most("P above the bound"),
        "4.3 K": most("K above the bound"),
        "4.3 matrix": max(matrices, default=math.nan),
        "4.4 blocks": most("above"),
        "4.4 points": most("P above the limit"),
    }
