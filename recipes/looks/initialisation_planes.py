"""Networks of three initialisations in a plane while they learn.

Claim: a network that starts at a low DSE unfolds into classes, one that starts high stays behind.

Command: `python -m recipes initialisation-planes --paper`. Expected time: 30 s smoke, 10 min cpu, days of a GPU paper;
1 min where the longer trainings of `initialisation` are there.

Held-out images by PHATE's potential distances (t = 10) and multidimensional scaling, at epochs of the longer trainings.
Differences are of std .01 less std .1.

What we find (one seed): the published course. Small weights start at DSE 0 and pass the others within an epoch. They
unfold first and farthest. Why is told by the fair test of `initialisation`: their steps are larger beside the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.lab.drawing import panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log
from recipes.lab.many import measure_all
from recipes.looks import embedding, kept, unfolding
from recipes.studies import initialisation
from recipes.studies.rules import HIGH, LOW, name_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DSE = "DSE(Z), sigma = 10"
BETWEEN = "potential: between classes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Which trainings of `initialisation`, at which epochs, and how many points of a look."""

    cells: initialisation.Settings
    epochs: tuple[int, ...]
    points: int


SMOKE = Settings(cells=initialisation.SMOKE, epochs=(0, 2), points=30)
CPU = Settings(cells=replace(initialisation.CPU, seeds=(0,)), epochs=(0, 1, 2, 4, 12), points=300)
PAPER = Settings(cells=initialisation.PAPER, epochs=(0, 1, 2, 3, 4, 10, 20, 50, 100, 200), points=5000)


def run(settings: Settings, log: Log) -> None:
    """One cell per longer training."""
    keys = [
        {**key, "at": list(settings.epochs), "points": settings.points}
        for key in initialisation.plan(settings.cells)
        if key["part"] == "longer"
    ]
    measure_all(log, partial(measure, results=kept.beside(log, "initialisation")), keys, lambda key: 1.0)


def measure(results: str, at: list[int], points: int, **key: Any) -> dict[str, Any]:
    """What `embedding` keeps of a look, at the epochs `at`; with the accuracy and the DSE of each."""
    curves, folder = kept.trained(key, results)
    found: dict[str, list[Any]] = {"looks": []}
    for epoch, (some, labels) in kept.embeddings(folder, at):
        found["looks"].append(epoch)
        for name, value in embedding.look(some[:points], labels[:points], drawn=points).items():
            found.setdefault(name, []).append(value)
    places = [curves["looks"].index(epoch) for epoch in found["looks"]]
    return found | {name: [curves[name][place] for place in places] for name in ("accuracy", DSE)}


def figure(cells: list[Cell]) -> Figure:
    """A row per initialisation, a column per epoch: points by their class, extrema in red, DSE above."""
    figure, axes = panels(len(cells), max(len(cell.values["looks"]) for cell in cells), size=(1.9, 1.8))
    for row, cell in zip(axes, cells, strict=True):
        for axis, place in zip(row, range(len(cell.values["looks"])), strict=False):
            unfolding.plane(axis, cell, "potential", place)
            told = f"DSE {cell.values[DSE][place]:.2f}, {cell.values['accuracy'][place]:.0%} right"
            axis.set_title(f"epoch {cell.values['looks'][place]}\n{told}", fontsize=6)
        row[0].set_ylabel(name_of(cell.key["initialiser"]), fontsize=7)
    return figure


FURTHER: Mapping[str, Callable[[list[Cell]], Figure]] = {}


def table(cells: list[Cell]) -> str:
    """DSE, the share of the plane between classes and the accuracy, by initialisation and epoch."""
    lines = [
        "| initialisation | epoch | DSE, sigma = 10 | share between classes | accuracy, % |",
        "|---|---|---|---|---|",
    ]
    for cell in cells:
        values = cell.values
        for epoch, *numbers in zip(values["looks"], values[DSE], values[BETWEEN], values["accuracy"], strict=True):
            entropy, share, right = numbers
            name = name_of(cell.key["initialiser"])
            lines.append(f"| {name} | {epoch} | {entropy:.2f} | {share:.2f} | {100 * right:.1f} |")
    return "\n".join(lines)


def check(cells: list[Cell]) -> list[Verdict]:
    """Against expected.toml."""
    whole = [cell for cell in cells if cell.key["train"] != initialisation.SMOKE.common["train"]]
    return compare("initialisation-planes", cells, _numbers(whole) if whole else {})


def _numbers(cells: list[Cell]) -> dict[str, float]:
    """Small weights (std .01) less large ones (std .1): DSE before training, after an epoch, and how far unfolded."""
    small, large = (_mean(cells, how) for how in (LOW, HIGH))
    return {
        "DSE before, std .01": small[DSE][0],
        "DSE before, less": small[DSE][0] - large[DSE][0],
        "DSE after an epoch, less": small[DSE][1] - large[DSE][1],
        "DSE at the end, less": small[DSE][-1] - large[DSE][-1],
        "unfolded, less": small[BETWEEN][-1] - large[BETWEEN][-1],
    }


def _mean(cells: list[Cell], how: str) -> dict[str, list[float]]:
    """Means over the seeds of one initialisation, look by look."""
    some = [cell.values for cell in cells if cell.key["initialiser"] == how]
    return {name: np.mean([values[name] for values in some], axis=0).tolist() for name in (DSE, BETWEEN)}
