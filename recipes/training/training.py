"""Six networks while they learn and memorise (main figures).

Claim: DSE rises in training. DSMI(Z;Y) rises where learning generalises and stays where it memorises. DSMI(Z;X) rises
on MNIST and falls on CIFAR-10 and STL-10.

The networks learn three data sets with labels, without labels, and wrong labels by heart. Besides, CIFAR-10 is learnt
with labels that people gave (CIFAR-10N), where the folder of data holds CIFAR-10_human.pt. These cells are in the
results and in no figure.

Command: `python -m recipes training --paper`. Expected time: 40 s smoke, 90 min a seed cpu, 10 days of a GPU paper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from recipes.lab.data import folder
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, select
from recipes.lab.many import measure_all
from recipes.training import cells as _cells
from recipes.training import claims, drawing
from recipes.training.inputs.published import PEOPLE
from recipes.training.networks.families import CONVOLUTIONAL, TRANSFORMERS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NETWORKS = ("resnet", "convnext", "xcit", "vit", "swin", "resnext")
DATA = ("MNIST", "CIFAR-10", "Imagenette at 96x96")
CONDITIONS = ("supervised", "wrong labels", "contrastive")


MILLISECONDS = {
    "resnet": (0.8, 1.7),
    "resnext": (1.4, 2.7),
    "convnext": (0.8, 2.2),
    "vit": (0.5, 1.1),
    "swin": (1.2, 2.7),
    "xcit": (1.1, 2.1),
}
"""Forward and backward for one image of 32 and of 96 pixels by the small networks, on one core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Which cells, and how each is trained."""

    networks: tuple[str, ...] = NETWORKS
    data: tuple[str, ...] = DATA
    conditions: tuple[str, ...] = CONDITIONS
    seeds: tuple[int, ...] = (0, 1, 2)
    common: Mapping[str, Any]
    """Of every cell."""
    of_condition: Mapping[str, Mapping[str, Any]]
    of_data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    of_network: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    """By network and condition."""


TRAINED = {
    "small": True,
    "initialiser": "timm",
    "rate": 1e-3,
    "decay": 1e-2,
    "warmup": 2,
    "loss": "usual",
    "probing": "ridge",
}
LOOKS = {
    "supervised": {"epochs": 15, "looks": [0, 1, 2, 3, 4, 6, 9, 12, 15], "whole looks": [0, 1, 4]},
    "contrastive": {"epochs": 12, "looks": [0, 1, 2, 3, 4, 6, 9, 12], "whole looks": [0, 1, 4]},
    "wrong labels": {
        "epochs": 40,
        "looks": [0, 1, 2, 4, 7, 10, 15, 20, 30, 40, 60, 80],
        "whole looks": [0, 1, 10],
    },
}
SMOKE = Settings(
    networks=("resnet",),
    data=("digits",),
    seeds=(0,),
    common={**TRAINED, "train": 32, "held": 40, "pixels": 16, "measured": 30, "batch": 16},
    of_condition={name: {"epochs": 2, "looks": [0, 1, 2], "whole looks": [2]} for name in CONDITIONS},
)
CPU = Settings(
    common={**TRAINED, "held": 1500, "pixels": 32, "batch": 32},
    of_condition={
        "supervised": {**LOOKS["supervised"], "train": 4000},
        "contrastive": {**LOOKS["contrastive"], "train": 3000, "batch": 64},
        "wrong labels": {**LOOKS["wrong labels"], "train": 1000, "batch": 20},
    },
    of_data={"Imagenette at 96x96": {"pixels": 96, "held": 800}},
    of_network={
        **{(name, condition): {"initialiser": "kaiming"} for name in CONVOLUTIONAL for condition in CONDITIONS},
        **{(name, "wrong labels"): {"epochs": 80} for name in TRANSFORMERS},
    },
)
EVERY, EVERY_FIFTH = list(range(200)), list(range(0, 200, 5))
PAPER = Settings(
    data=("MNIST", "CIFAR-10", "STL-10"),
    seeds=(1, 2, 3),
    common={
        "small": False,
        "initialiser": "paper",
        "train": None,
        "held": None,
        "measured": 10_000,
        "pixels": 224,
        "batch": 128,
        "rate": 1e-4,
        "decay": 1e-2,
        "warmup": 10,
        "epochs": 199,
        "loss": "published",
        "probing": "published",
        "weights": True,
        "blocks": True,
    },
    of_condition={
        "supervised": {"looks": EVERY, "whole looks": EVERY_FIFTH},
        "contrastive": {"looks": EVERY_FIFTH, "whole looks": EVERY_FIFTH},
        "wrong labels": {"looks": EVERY, "whole looks": EVERY_FIFTH},
    },
    of_data={"MNIST": {"rate": 1e-5}, "STL-10": {"extended": 50_000}},
)


def plan(settings: Settings) -> list[dict[str, Any]]:
    """The keys of all cells: a whole seed before the next, and of it what learns labels, network by network, first."""
    keys = [
        _key(settings, network=network, data=data, condition=condition, seed=seed)
        for seed in settings.seeds
        for network in settings.networks
        for condition in settings.conditions
        for data in settings.data
    ]
    return sorted(keys, key=lambda key: (key["seed"], key["condition"] == "contrastive"))


def run(settings: Settings, log: Log) -> None:
    """Cell by cell, a bar between them."""
    say = None if log.cluster else log.say
    keys = plan(settings) + of_people(settings)
    measure_all(log, partial(_cells.measure, say=say) if say else _cells.measure, keys, price)


def of_people(settings: Settings) -> list[dict[str, Any]]:
    """The keys of cells that learn CIFAR-10 with labels that people gave, as they do the true ones; where these are."""
    if "CIFAR-10" not in settings.data or not (folder() / PEOPLE).is_file():
        return []
    true = [key for key in plan(settings) if (key["data"], key["condition"]) == ("CIFAR-10", "supervised")]
    return [key | {"condition": "human labels"} for key in true]


def price(key: Mapping[str, Any]) -> float:
    """About how many seconds of a core a small cell takes."""
    views = 2 if key["condition"] == "contrastive" else 1
    passes = (key["train"] or 50_000) * key["epochs"] * views
    return 1e-3 * passes * MILLISECONDS[key["network"]][key["pixels"] > 32] + 1.5 * len(key["looks"])


def _key(settings: Settings, **where: Any) -> dict[str, Any]:
    condition, data = where["condition"], where["data"]
    of_data = dict(settings.of_data.get(data, {}))
    if condition == "wrong labels":
        of_data.pop("extended", None)
    key = {**settings.common, **settings.of_condition[condition], **of_data}
    key |= settings.of_network.get((where["network"], condition), {})
    if data.startswith("Imagenette") and key["train"]:
        key["train"] = key["train"] // 2
    return {**where, **key}


PUBLISHED = ("DSE(Z), sigma = 10", "DSMI(Z;Y), sigma = 10", "DSMI(Z;X), sigma = 10")
SCALE_FREE = ("DSE(Z), neighbors", "adjusted DSMI(Z;Y), neighbors", "adjusted DSMI(Z;X), neighbors")
CLASSIC = ("CSE(Z)", "CSMI(Z;Y)", "CSMI(Z;X)")
GIVEN = ("H(Z given Y), sigma = 10", "H(Z given Y), neighbors", "median distance")


def figure(cells: list[Cell]) -> Figure:
    """The paper's three measures against the accuracy."""
    return drawing.against_accuracy(cells, PUBLISHED)


FURTHER: Mapping[str, Callable[[list[Cell]], Figure]] = {
    "accuracy-scale-free": partial(drawing.against_accuracy, measures=SCALE_FREE),
    "accuracy-classic": partial(drawing.against_accuracy, measures=CLASSIC),
    "epoch": partial(drawing.against_epoch, measures=PUBLISHED),
    "epoch-scale-free": partial(drawing.against_epoch, measures=SCALE_FREE),
    "epoch-given": partial(drawing.against_epoch, measures=GIVEN),
}
"""The same without a scale, with classic entropies; all against the epoch, H(Z given Y) among them."""


def table(cells: list[Cell]) -> str:
    """Every claim's verdict on every panel."""
    return claims.table(cells)


def check(cells: list[Cell]) -> list[Verdict]:
    """Against expected.toml."""
    whole = [cell for cell in cells if cell.key["train"] != SMOKE.common["train"]]
    return compare("training", cells, _numbers(whole) if whole else {})


def _numbers(cells: list[Cell]) -> dict[str, float]:
    """What expected.toml compares of the cells that are no smoke test."""
    wrong = select(cells, condition="wrong labels")
    spent = [[cell.values[f"cpu seconds, {what}"] for cell in cells] for what in ("looks", "all")]
    return {
        **claims.shares(cells),
        "cells": float(len(cells)),
        "dearest": max(spent[1]),
        "overhead": 100 * sum(spent[0]) / sum(spent[1]),
        "memorised": sum(cell.values["memorised"] for cell in wrong) / max(1, len(wrong)),
        **{f"scale, {rule}": claims.scale(cells, f"DSE(Z), {rule}") for rule in ("sigma = 10", "neighbors")},
    }
