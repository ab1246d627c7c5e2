"""Entropy of PHATE's potential distances against the dimension (unpublished).

Claim: none was published. The research code puts the distances between PHATE's diffusion potentials in the place of
the diffusion matrix. It normalises them by the row sums on both sides, and takes the entropy of the eigenvalues.

Command: `python -m recipes phate --paper`. Expected time: 3 s smoke, 2 min paper on one core.

The clouds are those of the recipe `chebyshev`: 500 points of intrinsic dimension 128 to 512 in 512 dimensions, without
noise. PHATE's graph has 10 neighbours. It is taken at t = 1 and at the t that its rule takes, the knee of the entropy
curve. Beside it stands DSE with sigma = 10, t = 1, and with the same graph at t = 3. What we find:

- The entropy of the PHATE matrix hardly sees the dimension. From 128 to 512 it moves by .2 bits at the knee, where t
  itself falls from 8 to 5. At t = 1 it moves by .02, where DSE with sigma = 10 moves by 2 to 4.
- A matrix of Euclidean distances has trace 0 and one positive eigenvalue. So that one has half of all absolute
  eigenvalues, whatever the points: 1 bit for that choice and half the entropy of the rest.
- DSE of the graph *falls* here, by 2 bits. Beyond some hundred dimensions a few points become neighbours of most others
  (hubs), and more points do not help (docs/bandwidth.md). It is in order up to 100 (recipe `bandwidth`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diffspec import AlphaDecay, Exact, Gaussian, Precomputed, choose_time, dse, potential_distances, spectrum
from diffspec.baselines import adjacency_entropy
from diffspec.synthetic import cloud
from recipes.lab.drawing import COLOURS, panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, mean, select
from recipes.lab.spectra import RELEASED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAWS = ("uniform", "gaussian")
GRAPH = AlphaDecay(10)
LINES = {
    "PHATE, knee": "PHATE matrix, t at the knee",
    "PHATE, t = 1": "PHATE matrix, t = 1",
    "DSE": "DSE, sigma = 10, t = 1",
    "DSE, graph": "DSE, 10 neighbours, t = 3",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Points, dimensions and draws."""

    n: int
    ambient: int
    dimensions: tuple[int, ...]
    seeds: int


SMOKE = Settings(n=150, ambient=128, dimensions=(32, 128), seeds=1)
PAPER = Settings(n=500, ambient=512, dimensions=(128, 256, 384, 512), seeds=2)


def run(settings: Settings, log: Log) -> None:
    """One cell per cloud."""
    for seed in range(settings.seeds):
        for law in LAWS:
            for d in settings.dimensions:
                log.cell(measure, law=law, d=d, n=settings.n, ambient=settings.ambient, seed=seed)


def measure(*, law: Any, d: int, n: int, ambient: int, seed: int) -> dict[str, float]:
    """All entropies of one cloud in bits, and the t at the knee."""
    points = cloud(n, d, ambient=ambient, law=law, rng=seed)
    knee = round(choose_time(spectrum(points, kernel=GRAPH, alpha=RELEASED, solver=Exact()), "knee"))
    found = {"knee": float(knee)}
    for name, t in (("PHATE, knee", knee), ("PHATE, t = 1", 1)):
        distances = potential_distances(points, t, kernel=GRAPH, alpha=RELEASED)
        found[name] = adjacency_entropy(distances, graph=Precomputed(), alpha=0.5).value
    found["DSE"] = dse(points, kernel=Gaussian(10.0), alpha=RELEASED, t=1.0).value
    found["DSE, graph"] = dse(points, kernel=GRAPH, alpha=RELEASED, t=3.0).value
    return found


def figure(cells: list[Cell]) -> Figure:
    """One panel per law: every entropy against the intrinsic dimension."""
    drawn, axes = panels(1, len(LAWS), size=(3.8, 3.0), sharey=True)
    for axis, law in zip(axes[0], LAWS, strict=True):
        found = select(cells, law=law)
        x = sorted({cell.key["d"] for cell in found})
        for (value, label), colour in zip(LINES.items(), COLOURS, strict=False):
            axis.plot(x, [mean(select(found, d=d), value) for d in x], "o-", ms=3, lw=1.2, color=colour, label=label)
        for n in {cell.key["n"] for cell in found}:
            axis.axhline(math.log2(n), color="black", lw=0.6, ls=":")
        axis.set(title=law, xlabel="intrinsic dimension")
    axes[0, 0].set_ylabel("entropy [bits]")
    drawn.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=7, frameon=False
    )
    return drawn


def check(cells: list[Cell]) -> list[Verdict]:
    """Our numbers against expected.toml: how much each entropy tells dimensions apart."""
    return compare("phate", cells, _derived(cells))


def _derived(cells: list[Cell]) -> dict[str, float]:
    """How far each entropy moves from the smallest dimension to the largest."""
    found: dict[str, float] = {}
    for law in LAWS:
        chosen = select(cells, law=law)
        dimensions = sorted({cell.key["d"] for cell in chosen})
        for name in LINES if dimensions else ():
            ends = [mean(select(chosen, d=d), name) for d in (dimensions[0], dimensions[-1])]
            found[f"{law}, {name}"] = ends[1] - ends[0]
    return found
