"""What entropy or information does as part of the loss.

Claim: none is published. The paper's code adds the entropy of a batch to the loss. Its authors plan the information on
labels, to be kept high (weight -0.1). A weight below 0 encourages the measure, one above 0 keeps it low.

Command: `python -m recipes loss --paper`. Expected time: 20 s smoke, 15 min cpu, 15 days of a GPU paper.

What we find, with a small residual network on CIFAR-10, 3 seeds:

- Nothing gains accuracy. A weight of -.1 costs none and calibrates a little better (4.7 to 5.8 % for 6.2 %).
- Entropy at sigma = 10 does as it is told, from .1 to 6.3 bits, by the scale of the embedding: 1.1 to 20.
- So does the entropy under the median rule. The rule is held constant in the gradient, which then rewards growth that
  the value does not have. Kept low it ends in a point, at chance.
- Information that is encouraged rises (.43 to .57 bits), and costs 7 points of accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.lab.drawing import COLOURS, panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, select
from recipes.lab.many import measure_all
from recipes.training import cells as _cells

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NONE = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is added to the loss, and how the networks are trained."""

    auxiliary: tuple[str, ...] = ("DSE, sigma = 10", "DSE, median", "DSMI, median")
    """Measures of a batch's encodings; the bandwidth rule "median" is resolved on every batch."""
    weights: tuple[float, ...] = (-1.0, -0.1, 0.1, 1.0)
    """The mean cross-entropy (nats) has the weight 1, measures are in bits; 0 is trained once for all."""
    seeds: tuple[int, ...] = (0, 1, 2)
    common: Mapping[str, Any]
    """Of every cell."""


TRAINED = {
    "network": "resnet",
    "data": "CIFAR-10",
    "condition": "supervised",
    "small": True,
    "initialiser": "kaiming",
    "rate": 1e-3,
    "decay": 1e-2,
    "loss": "usual",
    "probing": "ridge",
}
SMOKE = Settings(
    auxiliary=("DSE, sigma = 10", "DSMI, median"),
    weights=(-0.1,),
    seeds=(0,),
    common={
        **TRAINED,
        "data": "digits",
        "train": 32,
        "held": 40,
        "measured": 30,
        "pixels": 16,
        "batch": 16,
        "warmup": 1,
        "epochs": 1,
        "looks": [1],
        "whole looks": [],
    },
)
CPU = Settings(
    common={
        **TRAINED,
        "train": 2560,
        "held": 1500,
        "measured": 500,
        "pixels": 32,
        "batch": 64,
        "warmup": 1,
        "epochs": 5,
        "looks": [5],
        "whole looks": [],
    },
)
PAPER = Settings(
    auxiliary=("DSE, sigma = 10", "DSE, median", "DSMI, sigma = 10", "DSMI, median"),
    weights=(-1.0, -0.3, -0.1, 0.1, 0.3, 1.0),
    seeds=(1, 2, 3),
    common={
        **TRAINED,
        "initialiser": "paper",
        "small": False,
        "train": None,
        "held": None,
        "measured": 10_000,
        "pixels": 224,
        "batch": 128,
        "rate": 1e-4,
        "warmup": 10,
        "epochs": 199,
        "weights": True,
        "looks": list(range(0, 200, 5)),
        "whole looks": [],
    },
)


def plan(settings: Settings) -> list[dict[str, Any]]:
    """The keys of all cells, a whole seed before the next."""
    arms = [(NONE, 0.0), *((name, weight) for name in settings.auxiliary for weight in settings.weights)]
    return [
        {**settings.common, "seed": seed, "auxiliary": name, "weight": weight}
        for seed in settings.seeds
        for name, weight in arms
    ]


def run(settings: Settings, log: Log) -> None:
    """Cell by cell, a bar between them."""
    say = None if log.cluster else log.say
    measure_all(log, partial(_cells.measure, say=say) if say else _cells.measure, plan(settings), price)


def price(key: Mapping[str, Any]) -> float:
    """About how many seconds of a core a small cell takes."""
    return 1e-3 * (key["train"] or 50_000) * key["epochs"] + len(key["looks"])


NUMBERS: dict[str, Callable[[Cell], float]] = {
    "accuracy, %": lambda cell: 100 * float(cell.values["accuracy by epoch"][-1]),
    "calibration error, %": lambda cell: 100 * float(cell.values["calibration error by epoch"][-1]),
    "DSE, sigma = 10": lambda cell: float(cell.values["DSE(Z), sigma = 10"][-1]),
    "DSE, median": lambda cell: float(cell.values["DSE(Z), median"][-1]),
    "DSMI, sigma = 10": lambda cell: float(cell.values["DSMI(Z;Y), sigma = 10"][-1]),
    "DSMI, median": lambda cell: float(cell.values["DSMI(Z;Y), median"][-1]),
    "median distance": lambda cell: float(cell.values["median distance"][-1]),
}
"""Of held-out images after the last epoch; bits where nothing else is said."""

DRAWN = ("accuracy, %", "calibration error, %", "DSE, sigma = 10", "DSE, median")


def figure(cells: list[Cell]) -> Figure:
    """Accuracy, calibration and entropy against the weight, a line per measure; mean and standard error over seeds."""
    figure, (line,) = panels(1, len(DRAWN), size=(2.7, 2.5))
    names = [name for name in dict.fromkeys(cell.key["auxiliary"] for cell in cells) if name != NONE]
    weights = sorted({cell.key["weight"] for cell in cells})
    for axis, number in zip(line, DRAWN, strict=True):
        for shift, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
            some = [_arm(cells, name, weight) for weight in weights]
            found = [_mean([NUMBERS[number](cell) for cell in arm]) for arm in some]
            places = [place + 0.08 * shift for place in range(len(weights))]
            axis.errorbar(places, *zip(*found, strict=True), color=colour, marker="o", ms=3, lw=1, label=name)
        axis.set_xticks(range(len(weights)), [f"{weight:+g}" if weight else "0" for weight in weights], fontsize=7)
        axis.set_xlabel("weight in the loss", fontsize=8)
        axis.set_title(number, fontsize=9)
    line[0].legend(fontsize=6, frameon=False)
    return figure


def table(cells: list[Cell]) -> str:
    """Every arm: mean and standard error over seeds."""
    lines = [f"| added | weight | {' | '.join(NUMBERS)} |", "|---|---|" + "---|" * len(NUMBERS)]
    for name, weight in dict.fromkeys((cell.key["auxiliary"], cell.key["weight"]) for cell in cells):
        means = [_mean([number(cell) for cell in _arm(cells, name, weight)]) for number in NUMBERS.values()]
        lines.append(
            f"| {name} | {weight:+g} | " + " | ".join(f"{mean:.2f} ± {error:.2f}" for mean, error in means) + " |"
        )
    return "\n".join(lines)


def check(cells: list[Cell]) -> list[Verdict]:
    """Against expected.toml."""
    whole = [cell for cell in cells if cell.key["train"] != SMOKE.common["train"]]
    return compare("loss", cells, _numbers(whole) if whole else {})


def _arm(cells: Sequence[Cell], name: str, weight: float) -> list[Cell]:
    """The seeds of one arm; with the weight 0, of all measures the same."""
    return select(cells, auxiliary=name if weight else NONE, weight=weight)


def _mean(values: Sequence[float]) -> tuple[float, float]:
    """With its standard error, 0 for fewer than two."""
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return (float(np.mean(values)) if values else math.nan), error


def _numbers(cells: Sequence[Cell]) -> dict[str, float]:
    """What expected.toml compares: each arm less that without, seed by seed, and how many standard errors that is."""
    found = {}
    without = _arm(cells, NONE, 0.0)
    for name, weight in dict.fromkeys((cell.key["auxiliary"], cell.key["weight"]) for cell in cells):
        for words, number in NUMBERS.items():
            plain = {cell.key["seed"]: number(cell) for cell in without}
            pairs = [(number(cell), plain.get(cell.key["seed"])) for cell in _arm(cells, name, weight)]
            mean, error = _mean([ours - theirs for ours, theirs in pairs if theirs is not None])
            found[f"{name} {weight:+g}: {words}"] = mean
            found[f"{name} {weight:+g}: {words}, errors"] = mean / error if error else math.nan
    gains = [value for key, value in found.items() if key.endswith(": accuracy, %, errors") and not math.isnan(value)]
    found["clear gains of accuracy"] = float(sum(value > 2 for value in gains)) if gains else math.nan
    return found
