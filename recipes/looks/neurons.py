"""How the units of an embedding go together.

Claim: no figure was published. The research code drew histograms of Spearman's correlation between units, and the
correlation of their activations and of their on and off states, against the epoch.

Command: `python -m recipes neurons --paper`. Expected time: 30 s smoke, 90 min a seed cpu, days of a GPU paper; 2 min
a seed where the cells of `training` are there.

All pairs of different units over held-out images. A unit that is on, or off, for every image has no on-off state: its
share is given, and pairs with it are left out. What we find:

- Memorising decouples units: pairs with |Spearman| > 0.5 go from 7-43 % to 0-12 %, in all cells but three of 54.
- Contrastive learning couples them in most networks. Supervised learning first couples and then decouples them. In
  convolutional networks it ends a little above where it began, in transformers (which begin at .35) below.
- Before training 20 to 95 % of the units of most networks (not of convnext) are on, or off, for every image. At the
  end next to none are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from recipes.lab.drawing import panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, select
from recipes.lab.many import measure_all
from recipes.looks import kept
from recipes.training import drawing, training

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Points: TypeAlias = np.ndarray[Any, Any]

EDGES = np.linspace(-1, 1, 41)
ABOVE = (0.75, 0.5, 0.25)
STRONG = "|Spearman| > 0.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Which cells of `training`, and how many images of each look."""

    cells: training.Settings
    images: int


SMOKE = Settings(cells=replace(training.SMOKE, conditions=("supervised", "wrong labels")), images=30)
CPU = Settings(cells=training.CPU, images=500)
PAPER = Settings(cells=training.PAPER, images=10_000)


def run(settings: Settings, log: Log) -> None:
    """One cell per cell of `training`."""
    keys = [{**key, "images": settings.images} for key in training.plan(settings.cells)]
    measure_all(log, partial(measure, results=kept.beside(log)), keys, lambda key: 1.0)


def measure(results: str, images: int, **key: Any) -> dict[str, Any]:
    """The numbers of `coupling` at every look, histograms in thousandths at the first and the last."""
    curves, folder = kept.trained(key, results)
    looks = list(kept.embeddings(folder, curves["looks"]))
    found: dict[str, Any] = {"looks": [epoch for epoch, _look in looks], "units": looks[0][1][0].shape[1]}
    for _epoch, (points, _labels) in looks:
        for name, value in coupling(points[:images]).items():
            found.setdefault(name, []).append(value)
    at = [curves["looks"].index(epoch) for epoch in found["looks"]]
    found["accuracy"] = [curves["accuracy"][k] for k in at]
    for name, look in (("before", looks[0]), ("at the end", looks[-1])):
        shares, _edges = np.histogram(pairs(ranked(look[1][0][:images])), EDGES)
        found[f"histogram {name}"] = np.round(1000 * shares / max(1, shares.sum())).astype(int).tolist()
    return found


def coupling(points: Points) -> dict[str, float]:
    """Of the correlations between units: shares of strong ones, mean, spread and quartiles, of states too."""
    on = (points > 0).astype(float)
    spearman = pairs(ranked(points))
    found = {f"|Spearman| > {bar:g}": float(np.mean(np.abs(spearman) > bar)) if len(spearman) else 0.0 for bar in ABOVE}
    for name, values in (("activations", pairs(points)), ("states", pairs(on))):
        quartiles = np.percentile(values, (25, 50, 75)) if len(values) else np.zeros(3)
        found[f"{name}: mean"] = float(values.mean()) if len(values) else 0.0
        found[f"{name}: mean size"] = float(np.abs(values).mean()) if len(values) else 0.0
        found[f"{name}: spread"] = float(values.std()) if len(values) else 0.0
        found |= {f"{name}: {part}": float(x) for part, x in zip(("25 %", "median", "75 %"), quartiles, strict=True)}
    found["units without states"] = float(np.mean(on.std(axis=0) == 0))
    return {name: float(f"{value:.4g}") for name, value in found.items()}


def ranked(points: Points) -> Points:
    """The ranks of every unit's values, ties at their mean."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(points, axis=0))


def pairs(values: Points) -> Points:
    """Pearson's correlation of every two different columns that are not constant."""
    varied = values[:, values.std(axis=0) > 0]
    if varied.shape[1] < 2:
        return np.zeros(0)
    return np.asarray(np.corrcoef(varied, rowvar=False)[np.triu_indices(varied.shape[1], 1)])


def figure(cells: list[Cell]) -> Figure:
    """Strong rank correlations, and the correlations of states, against the epoch."""
    return drawing.against_epoch(cells, (STRONG, "states: mean size"))


def histograms(cells: list[Cell]) -> Figure:
    """A row per data set, a column per network: Spearman between units before training (grey) and at its end."""
    data = list(dict.fromkeys(cell.key["data"] for cell in cells))
    networks = list(dict.fromkeys(cell.key["network"] for cell in cells))
    drawn, axes = panels(len(data), len(networks), size=(2.0, 1.6), sharex=True)
    middles = (EDGES[1:] + EDGES[:-1]) / 2
    for row, name in zip(axes, data, strict=True):
        for axis, network in zip(row, networks, strict=True):
            some = select(cells, data=name, network=network)
            axis.fill_between(middles, _mean(some, "before"), color="#bbbbbb", lw=0, label="before training")
            for condition, (colour, _mark) in drawing.LOOKS.items():
                ends = select(some, condition=condition)
                if ends:
                    axis.plot(middles, _mean(ends, "at the end"), color=colour, lw=1.0, label=condition)
            axis.set_title(f"{network}, {name}", fontsize=6)
    for axis in axes[-1]:
        axis.set_xlabel("Spearman of two units", fontsize=7)
    axes[0][0].legend(fontsize=5, frameon=False)
    return drawn


def _mean(cells: Sequence[Cell], when: str) -> Points:
    """The mean histogram, as shares of all pairs."""
    return np.mean([cell.values[f"histogram {when}"] for cell in cells], axis=0) / 1000


FURTHER: Mapping[str, Callable[[list[Cell]], Figure]] = {"histograms": histograms}
"""Spearman between units before training and at its end."""


SHOWN = (STRONG, "activations: mean size", "states: mean size", "units without states")


def table(cells: list[Cell]) -> str:
    """The numbers before training and at its end, by network and condition; means over data sets and seeds."""
    names = [name.replace("|", "\\|") for name in SHOWN]
    lines = [f"| network, condition | {' | '.join(names)} |", "|---|" + "---|" * len(SHOWN)]
    for network in dict.fromkeys(cell.key["network"] for cell in cells):
        for condition in dict.fromkeys(cell.key["condition"] for cell in cells):
            some = select(cells, network=network, condition=condition)
            if some:
                values = [[np.mean([cell.values[name][at] for cell in some]) for at in (0, -1)] for name in SHOWN]
                told = " | ".join(f"{first:.2f} → {last:.2f}" for first, last in values)
                lines.append(f"| {network}, {condition} | {told} |")
    return "Before training and at its end, means over data sets and seeds:\n\n" + "\n".join(lines)


def check(cells: list[Cell]) -> list[Verdict]:
    """Against expected.toml."""
    whole = [cell for cell in cells if cell.key["train"] != SMOKE.cells.common["train"]]
    return compare("neurons", cells, numbers(whole) if whole else {})


def numbers(cells: Sequence[Cell]) -> dict[str, float]:
    """By condition: the mean change from before training to its end, and in which share of cells it is a rise."""
    found = {}
    for condition in dict.fromkeys(cell.key["condition"] for cell in cells):
        for name in SHOWN:
            changes = [cell.values[name][-1] - cell.values[name][0] for cell in select(cells, condition=condition)]
            found[f"change of {name}, {condition}"] = float(np.mean(changes))
            found[f"rises of {name}, {condition}"] = float(np.mean(np.array(changes) > 0))
    return found
