"""Whether the entropy before training says how well it goes.

Claim: convolutions of small weights start at a low DSE and learn better than those of large ones, which start high.
The fair test trains the same initialisations with steps scaled to their weights, and without batch norms. Differences
are of std .01 less std .1.

Command: `python -m recipes initialisation --paper`. Expected time: 30 s smoke, 30 min cpu, 10 days of a GPU paper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log
from recipes.lab.many import measure_all
from recipes.studies import initialisation_figures as figures
from recipes.studies import rules
from recipes.training import cells as _cells

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOW, HIGH, KAIMING = rules.LOW, rules.HIGH, rules.KAIMING
STDS = tuple(f"conv std {std:g}" for std in (0.001, 0.01, 0.02, 0.03, 0.04, 0.05, 0.08, 0.1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is looked at, what is compared fairly, and what is trained for longer."""

    data: tuple[str, ...] = ("CIFAR-10",)
    seeds: tuple[int, ...] = (0, 1, 2)
    sweep: tuple[str, ...] = (*STDS, KAIMING)
    """Initialisations that are looked at before training."""
    arms: tuple[tuple[str, float | None], ...] = rules.ARMS
    """Initialisations of the fair test, each with the spread of weights whose relative step it takes; None: its own."""
    longer: tuple[str, ...] = (LOW, HIGH, KAIMING)
    """Initialisations that are trained for longer, as they are."""
    common: Mapping[str, Any]
    """Of every cell."""
    test: Mapping[str, Any]
    """Of the cells of the fair test."""
    long: Mapping[str, Any]
    """Of the cells that are trained for longer."""
    of_data: Mapping[str, Mapping[str, Any]]


TRAINED = {
    "network": "resnet",
    "condition": "supervised",
    "small": True,
    "rate": 1e-4,
    "decay": 1e-2,
    "loss": "usual",
    "probing": "ridge",
}
SMOKE = Settings(
    data=("digits",),
    seeds=(0,),
    sweep=(LOW,),
    arms=((HIGH, None), (LOW, 0.1)),
    longer=(LOW,),
    common={**TRAINED, "train": 32, "held": 40, "pixels": 16, "measured": 30, "batch": 16, "warmup": 1},
    test={"epochs": 1, "looks": [0, 1], "whole looks": []},
    long={"epochs": 2, "looks": [0, 2], "whole looks": []},
    of_data={},
)
CPU = Settings(
    common={**TRAINED, "train": 2560, "held": 1500, "pixels": 32, "measured": 500, "batch": 32, "warmup": 1},
    test={"epochs": 4, "looks": [0, 4], "whole looks": []},
    long={"epochs": 12, "looks": [0, 1, 2, 3, 4, 6, 9, 12], "whole looks": []},
    of_data={},
)
PAPER = Settings(
    data=("CIFAR-10", "STL-10"),
    seeds=(1, 2, 3),
    common={
        **TRAINED,
        "small": False,
        "train": None,
        "held": None,
        "measured": 10_000,
        "pixels": 224,
        "batch": 128,
        "warmup": 10,
        "weights": True,
    },
    test={"epochs": 20, "looks": [0, 1, 5, 20], "whole looks": []},
    long={"epochs": 200, "looks": [*range(15), 20, 50, 100, 200], "whole looks": [0, 1, 2, 3, 4, 10, 20, 50, 100, 200]},
    of_data={"STL-10": {"extended": 50_000}},
)


def plan(settings: Settings) -> list[dict[str, Any]]:
    """The keys of all cells: the fair test a seed at a time, the sweep before training, what is trained for longer."""
    seen = {"epochs": 0, "looks": [0], "whole looks": []}
    sweep = [
        _key(settings, "sweep", seen, data=data, seed=seed, initialiser=how)
        for data in settings.data
        for seed in settings.seeds
        for how in settings.sweep
    ]
    test = [
        _key(settings, "test", settings.test, data=data, seed=seed, initialiser=how, norms=norms, **{"step of": step})
        for seed in settings.seeds
        for data in settings.data
        for norms in (True, False)
        for how, step in settings.arms
    ]
    longer = [
        _key(settings, "longer", settings.long, data=data, seed=seed, initialiser=how)
        for seed in settings.seeds
        for data in settings.data
        for how in settings.longer
    ]
    return [*test, *sweep, *longer]


def run(settings: Settings, log: Log) -> None:
    """Cell by cell, a bar between them."""
    say = None if log.cluster else log.say
    measure_all(log, partial(_cells.measure, say=say) if say else _cells.measure, plan(settings), price)


def price(key: Mapping[str, Any]) -> float:
    """About how many seconds of a core a small cell takes."""
    return 1e-3 * (key["train"] or 50_000) * key["epochs"] + 2.0 * (1 + len(key["looks"]))


def _key(settings: Settings, part: str, trained: Mapping[str, Any], **where: Any) -> dict[str, Any]:
    return {"part": part, **where, **settings.common, **settings.of_data.get(where["data"], {}), **trained}


def figure(cells: list[Cell]) -> Figure:
    """The fair test: accuracy by arm, against the entropy before training, and against the relative step."""
    return figures.fair(cells)


FURTHER: Mapping[str, Callable[[list[Cell]], Figure]] = {"sweep": figures.sweep, "longer": figures.longer}
"""The entropy before training against the spread of the weights; what is trained for longer."""


def table(cells: list[Cell]) -> str:
    """The arms of the fair test, and what each rule for choosing among them is worth."""
    return rules.table(cells)


def check(cells: list[Cell]) -> list[Verdict]:
    """Against expected.toml."""
    whole = [cell for cell in cells if cell.key["train"] != SMOKE.common["train"]]
    return compare("initialisation", cells, rules.numbers(whole) if whole else {})
