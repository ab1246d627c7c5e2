"""DSMI of branching trees with partly wrong labels (toy data).

Claim: DSMI falls steadily to 0 as the labels of the branches are corrupted, for 2, 5 and 10 branches alike and
whatever the noise. Classic Shannon information of binned coordinates does not.

Command: `python -m recipes tree --paper`. Expected time: 5 s smoke, 8 min paper.

Three trees of 100 points a branch in 20 dimensions, sigma = 10. The published figure has one tree. What we find:

- The fall of DSMI to 0 is reproduced, for all numbers of branches, and the noise does next to nothing.
- How much the labels share with a tree is a matter of the tree. Over 20 trees of 5 branches DSMI lies between .56 and
  1.72 bits at t = 5, between 1.63 and 1.85 at t = 1. One corruption of the labels differs from another by .02 to .07
  bits.
- At t = 1 alpha = 1/2 makes no difference. At t of 2 to 5 and partly wrong labels it is .1 to .4 bits lower: few wrong
  labels weigh more.
- That CSMI is not monotone is not the fault of classic Shannon information but of cutting every subset into bins of
  its own, as published. With the bins of all points it falls as steadily as DSMI (last row, red), from about half of
  H(Y).
- `adjusted_dsmi` reaches .84, 2.03 and 2.92 of 1, 2.32 and 3.32 bits for clean labels at t = 1: branches touch, so
  some is lost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from diffspec import Exact, Gaussian, Precomputed, adjusted_dsmi, dsmi
from diffspec.baselines import binned_information
from diffspec.measures.estimators import Matched
from diffspec.released import diffusion_spectral_mutual_information as released_information
from diffspec.synthetic import corrupt, tree
from recipes.information.compared import truth
from recipes.lab.curves import bands, key
from recipes.lab.drawing import panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, mean, select
from recipes.lab.spectra import PAPER as ANISOTROPIC
from recipes.lab.spectra import RELEASED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TIMES = (1, 2, 3, 5)
SIGMA = 10.0
CLASSIC = {"CSMI": "as published", "CSMI, common bins": "bins of all points"}
SHOWN = (0.0, 0.5, 1.0)
"""Shares of corrupted labels at which the tree itself is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Numbers and length of branches, half-widths of the noise in percent, shares of corrupted labels, trees."""

    branches: tuple[int, ...]
    length: int
    noises: tuple[float, ...]
    shares: tuple[float, ...]
    permutations: int
    """Of the labels of one tree: how far a single corruption is from another."""
    seeds: int


SMOKE = Settings(branches=(2, 5), length=25, noises=(1.0, 50.0), shares=(0.0, 0.25, 0.5, 1.0), permutations=3, seeds=1)
PAPER = Settings(
    branches=(2, 5, 10),
    length=100,
    noises=(1.0, 10.0, 50.0),
    shares=tuple(sorted({*(round(i / 19, 4) for i in range(20)), 0.1, 0.25, 0.5})),
    permutations=30,
    seeds=3,
)


def run(settings: Settings, log: Log) -> None:
    """One cell per tree, noise, number of branches and share; then the permutations of one tree."""
    grid = product(range(settings.seeds), settings.noises, settings.branches, settings.shares)
    for seed, noise, k, share in grid:
        log.cell(measure, branches=k, share=share, noise=noise, length=settings.length, seed=seed)
    for k, share in product(settings.branches, settings.shares):
        if 0.0 < share < 1.0:
            log.cell(permuted, branches=k, share=share, length=settings.length, permutations=settings.permutations)


def measure(branches: int, share: float, noise: float, length: int, seed: int) -> dict[str, float]:
    """DSMI at all TIMES by both conventions, adjusted DSMI, and CSMI as published and with common bins; in bits."""
    points, labels = tree(branches, length, noise_percent=noise, rng=seed)
    labels = corrupt(labels, share, rng=seed)
    affinity, found = Gaussian(SIGMA)(points), {}
    given: dict[str, Any] = {"kernel": Precomputed(), "solver": Exact(), "rng": seed}
    for t in TIMES:
        found[f"t={t}"] = dsmi(affinity, labels, alpha=RELEASED, t=t, **given).value
        found[f"alpha 1/2, t={t}"] = dsmi(affinity, labels, alpha=ANISOTROPIC, t=t, **given).value
        found[f"adjusted, t={t}"] = adjusted_dsmi(affinity, labels, alpha=RELEASED, t=t, **given).value
    found["CSMI"], _groups = released_information(
        points, labels, reference_discrete=True, classic_shannon_entropy=True, random_seed=seed
    )
    found["CSMI, common bins"] = binned_information(points, labels, bins=2, estimator=Matched(5), rng=seed).value
    return found


def permuted(branches: int, share: float, length: int, permutations: int) -> dict[str, float]:
    """DSMI at t = 1 of one tree at 1 % noise over corruptions of its labels: lowest, mean, highest, in bits."""
    points, labels = tree(branches, length, noise_percent=1.0, rng=0)
    affinity = Gaussian(SIGMA)(points)
    given: dict[str, Any] = {"kernel": Precomputed(), "solver": Exact(), "alpha": RELEASED, "t": 1}
    found = [dsmi(affinity, corrupt(labels, share, rng=k), rng=k, **given).value for k in range(permutations)]
    return {"lowest": min(found), "mean": float(np.mean(found)), "highest": max(found), "std": float(np.std(found))}


def figure(cells: list[Cell]) -> Figure:
    """A column per number of branches: DSMI, adjusted DSMI and CSMI against the share of corrupted labels."""
    branches = sorted({cell.key["branches"] for cell in cells})
    drawn, axes = panels(3, len(branches), size=(3.5, 2.6), sharex=True)
    for column, k in enumerate(branches):
        found = [cell for cell in select(cells, branches=k) if "seed" in cell.key]
        shares = np.linspace(0.0, 1.0, 51)
        limit = [truth(float(share), k) for share in shares]
        for row, prefix in enumerate(("", "adjusted, ")):
            axes[row, column].plot(shares, limit, ":", color="black", lw=0.8, label="entropy that is left")
            bands(axes[row, column], found, {f"{prefix}t={t}": f"t = {t}" for t in TIMES}, along="share")
            axes[row, column].set_ylim(-0.15, 1.08 * math.log2(k))
        bands(
            axes[2, column], found, {"CSMI": "as published", "CSMI, common bins": "bins of all points"}, along="share"
        )
        axes[2, column].set(ylim=(-1.5, 2.5))
        axes[2, column].set_xlabel("share of corrupted labels", fontsize=8)
        axes[0, column].set_title(f"{k} branches", fontsize=9)
        _insets(axes[0, column], k)
    for row, label in enumerate(("DSMI [bits]", "adjusted DSMI [bits]", "CSMI, 2 bins [bits]")):
        axes[row, 0].set_ylabel(label, fontsize=8)
    key(axes[1, 0], cells, axes[1, 0], axes[2, 0])
    return drawn


def _insets(axis: Axes, branches: int) -> None:
    """The first tree in its first two principal components, its labels corrupted ever more."""
    points, labels = tree(branches, 100, noise_percent=1.0, rng=0)
    centred = points - points.mean(axis=0)
    flat = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    for number, share in enumerate(SHOWN):
        inset = axis.inset_axes((0.25 + 0.25 * number, 0.66, 0.24, 0.32))
        inset.scatter(*flat.T, s=1, lw=0, c=corrupt(labels, share, rng=0), cmap="tab10")
        inset.set(xticks=[], yticks=[])
        inset.set_title(f"r = {share:g}", fontsize=6, pad=1)


def check(cells: list[Cell]) -> list[Verdict]:
    """Our numbers against expected.toml: the replicated draw, the readings, and the steadiness of the fall."""
    return compare("tree", cells, _derived(cells))


def _derived(cells: list[Cell]) -> dict[str, float]:
    """The largest effect of noise, and the largest rise of a mean with the share of corrupted labels."""
    cells = [cell for cell in cells if "seed" in cell.key]
    branches = sorted({cell.key["branches"] for cell in cells})
    found = {"effect of noise": max((_effect(select(cells, branches=k)) for k in branches), default=math.nan)}
    for name, value in (("DSMI", "t=1"), ("adjusted", "adjusted, t=1"), ("CSMI", "CSMI")):
        for k in branches:
            own = select(cells, branches=k)
            line = [mean(select(own, share=share), value) for share in sorted({c.key["share"] for c in own})]
            found[f"rise of {name}, {k} branches"] = max((b - a for a, b in _pairs(line)), default=math.nan)
    return found


def _effect(cells: list[Cell]) -> float:
    """The largest difference of the mean DSMI at any t between noises, over shares."""
    shares, noises = ({cell.key[name] for cell in cells} for name in ("share", "noise"))
    lines = [
        [mean(select(cells, share=share, noise=noise), f"t={t}") for noise in noises] for share in shares for t in TIMES
    ]
    return max((max(line) - min(line) for line in lines), default=math.nan)


def _pairs(line: list[float]) -> list[tuple[float, float]]:
    """Every value with every later one."""
    return [(a, b) for i, a in enumerate(line) for b in line[i + 1 :]]
