"""Entropy of the eigenvalues of identity/SPD mixes (toy data).

Claim: let S be a random symmetric positive definite matrix. The spectral entropy of a I + (1 - a) S rises almost
linearly with the share a of the identity, and reaches log2 n at a = 1. It counts the directions that the matrix
distinguishes.

Command: `python -m recipes matrix-mix --paper`. Expected time: 1 s smoke, 1 min paper.

There is no kernel here and so no choice of convention: eigenvalues go straight into the entropy (t = 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diffspec import Exact
from diffspec.operators.dense import Dense
from diffspec.spectra.spectrum import shannon
from diffspec.synthetic import spd_mix
from recipes.lab.drawing import COLOURS, panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, mean, select

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Orders of the matrices, shares of the identity, random matrices per cell."""

    sizes: tuple[int, ...]
    shares: tuple[float, ...]
    seeds: int


SMOKE = Settings(sizes=(64, 128), shares=(0.0, 0.25, 0.5, 0.75, 1.0), seeds=1)
PAPER = Settings(
    sizes=(64, 128, 256, 512, 1024, 2048),
    shares=tuple(sorted({*(round(i / 19, 4) for i in range(20)), 0.25, 0.5, 0.75})),
    seeds=3,
)


def run(settings: Settings, log: Log) -> None:
    """One cell per matrix."""
    for n in settings.sizes:
        for seed in range(settings.seeds):
            for share in settings.shares:
                log.cell(measure, n=n, identity=share, seed=seed)


def measure(n: int, identity: float, seed: int) -> dict[str, float]:
    """The entropy of one mix, in bits."""
    matrix = spd_mix(n, identity, rng=seed)
    return {"DSE": shannon(Exact()(Dense(matrix), np.random.default_rng(seed))) / math.log(2.0)}


def figure(cells: list[Cell]) -> Figure:
    """Entropy against the share of the identity, one line per order."""
    drawn, axes = panels(1, 1, size=(4.2, 3.2))
    for n, colour in zip(sorted({cell.key["n"] for cell in cells}), COLOURS, strict=False):
        shares = sorted({cell.key["identity"] for cell in cells if cell.key["n"] == n})
        line = [mean(select(cells, n=n, identity=share), "DSE") for share in shares]
        axes[0, 0].plot(shares, line, "o-", ms=3, color=colour, label=f"n = {n}")
        axes[0, 0].axhline(math.log2(n), color=colour, lw=0.6, ls=":")
    axes[0, 0].set(xlabel="share of the identity", ylabel="spectral entropy [bits]", title="a I + (1 - a) SPD")
    axes[0, 0].legend(fontsize=7, frameon=False)
    return drawn


def check(cells: list[Cell]) -> list[Verdict]:
    """Our numbers against expected.toml."""
    return compare("matrix-mix", cells)
