"""The released package's convention against the paper's.

Claim: the released package says that its matrix has "the exact same eigenvalues" as the diffusion matrix of the paper.
It has not. Its eigenvalues are those of the plain random walk (alpha = 0). The paper's are of the walk with the density
divided out (alpha = 1/2). How much that moves the numbers is shown here.

Command: `python -m recipes convention --paper`. Expected time: 2 s smoke, 8 min paper on one core.

Every data set of the paper's simulated experiments that has a kernel (the identity/SPD mixes have none), and those on
which the difference was first seen. Both conventions use the same affinity, exp(-d^2 / (2 sigma^2)) with the sigma of
the experiment. "Misread" is a third reading, that of somebody who puts the package's sigma into the paper's formula
exp(-d^2 / sigma). Then the kernel itself is another, and the difference is of another size altogether.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from diffspec import Spectrum
from recipes.lab.drawing import COLOURS, panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log
from recipes.lab.spectra import PAPER as ANISOTROPIC
from recipes.lab.spectra import RELEASED, at_times, bits, exact, matched_sets, weighted
from recipes.toy.convention_data import DATA, made

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TIMES = (1, 2, 3, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Which data, every how many-th point of them, and how often they are drawn."""

    names: tuple[str, ...]
    every: int
    seeds: int


SMOKE = Settings(names=("normal 2-D", "separated 2-D", "uniform d=102, 1 %", "tree, 5 branches"), every=5, seeds=1)
PAPER = Settings(names=tuple(DATA), every=1, seeds=1)


def run(settings: Settings, log: Log) -> None:
    """One cell per data set and draw."""
    for seed in range(settings.seeds):
        for name in settings.names:
            log.cell(measure, data=name, every=settings.every, seed=seed)


def measure(data: str, every: int, seed: int) -> dict[str, float]:
    """Entropies and, with labels, informations in bits by both conventions, and by the misread sigma."""
    points, sigma, labels = made(data, seed)
    points, labels = points[::every], None if labels is None else labels[::every]
    paper, released = exact(points, sigma, ANISOTROPIC), exact(points, sigma, RELEASED)
    found = {"n": float(len(points)), "sigma": sigma, "gap": float(np.abs(paper.nodes - released.nodes).max())}
    found |= _both("DSE", at_times(paper, TIMES), at_times(released, TIMES))
    found |= _prefixed("misread DSE", at_times(exact(points, math.sqrt(sigma / 2.0), ANISOTROPIC), TIMES))
    if labels is None:
        return found
    informations = (_information(points, labels, sigma, alpha, seed) for alpha in (ANISOTROPIC, RELEASED))
    return found | _both("DSMI", *informations)


def _information(points: Any, labels: Any, sigma: float, alpha: float, seed: int) -> dict[str, float]:
    """The matched estimator with three subsets per size of group, the same for both conventions."""
    groups, subsets = matched_sets(labels, 3, np.random.default_rng(seed))

    def mean_of(sets: list[Any]) -> dict[str, float]:
        spectra: list[tuple[int, Spectrum]] = [(len(each), exact(points[each], sigma, alpha)) for each in sets]
        sizes = {n: [spectrum for m, spectrum in spectra if m == n] for n, _spectrum in spectra}
        return {
            f"t={t}": weighted(groups, {n: [bits(one, t) for one in row] for n, row in sizes.items()}) for t in TIMES
        }

    matched, conditional = mean_of(subsets), mean_of(groups)
    return {t: matched[t] - conditional[t] for t in matched}


def _both(measure: str, paper: dict[str, float], released: dict[str, float]) -> dict[str, float]:
    differences = {t: paper[t] - released[t] for t in paper}
    named = (("paper", paper), ("released", released), ("change of", differences))
    return {f"{prefix} {measure} {t}": value for prefix, found in named for t, value in found.items()}


def _prefixed(prefix: str, found: dict[str, float]) -> dict[str, float]:
    return {f"{prefix} {t}": value for t, value in found.items()}


def figure(cells: list[Cell]) -> Figure:
    """Paper's minus released value per data set (rows) and t (colour): entropy, information, and the misread sigma."""
    drawn, axes = panels(1, 3, size=(3.4, 1.2 + 0.17 * len(cells)), sharey=True)
    titles = ("DSE: paper - released", "DSMI: paper - released", "DSE: sigma misread - paper")
    for place, start, title in zip(axes[0], ("change of DSE", "change of DSMI", "misread DSE"), titles, strict=True):
        _dots(place, cells, start)
        place.set_title(title, fontsize=9)
        place.set_xlabel("bits", fontsize=8)
        place.axvline(0.0, color="black", lw=0.7)
        place.grid(axis="y", lw=0.3)
    axes[0, 0].set_yticks(range(len(cells)), [cell.key["data"] for cell in cells], fontsize=7)
    axes[0, 0].set_ylim(len(cells) - 0.5, -0.5)
    axes[0, 0].legend(fontsize=7, frameon=False)
    return drawn


def _dots(axes: Axes, cells: list[Cell], start: str) -> None:
    for t, colour in zip(TIMES, COLOURS, strict=False):
        name = f"{start} t={t}"
        dots = [(_shown(cell, name, t), row) for row, cell in enumerate(cells) if name in cell.values]
        if dots:
            axes.plot(*zip(*dots, strict=True), "o", ms=4, alpha=0.8, color=colour, label=f"t = {t}")


def _shown(cell: Cell, name: str, t: int) -> float:
    """A change as it is; a misread value less the paper's."""
    less = cell.values[f"paper DSE t={t}"] if name.startswith("misread") else 0.0
    return float(cell.values[name] - less)


def check(cells: list[Cell]) -> list[Verdict]:
    """Our numbers against expected.toml: the table of definitions.md, and the largest change over data sets."""
    return compare("convention", cells, _derived(cells))


def _derived(cells: list[Cell]) -> dict[str, float]:
    """The largest absolute change at each t: over the paper's toy clouds, and over all data."""
    toys = [cell for cell in cells if cell.key["data"].startswith(("uniform", "gaussian"))]
    found: dict[str, float] = {}
    for t in TIMES:
        found[f"toy t={t}"] = _largest(toys, f"change of DSE t={t}", t)
        found[f"all t={t}"] = _largest(cells, f"change of DSE t={t}", t)
        found[f"DSMI t={t}"] = _largest(cells, f"change of DSMI t={t}", t)
        found[f"misread t={t}"] = _largest(cells, f"misread DSE t={t}", t)
    return found


def _largest(cells: list[Cell], name: str, t: int) -> float:
    return max((abs(_shown(cell, name, t)) for cell in cells if name in cell.values), default=math.nan)
