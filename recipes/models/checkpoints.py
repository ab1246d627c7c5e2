"""Whether information tells how well an encoder is tuned.

Claim: none was published. The research code draws DSE, DSMI(Z;Y) and H(Z given Y) of 17 public checkpoints of seven
families against the accuracy after a linear probe or fine-tuning.

Command: `python -m recipes checkpoints --paper`. Expected time: 30 s smoke, 15 min cpu, a day of a GPU paper.

A public checkpoint is looked at where its file lies in a folder `checkpoints` in that of the data, named as in
`loading.VERSIONS` with the ending .pth. None can be had here. What stands in is our own: encoders that SimCLR trains on
two data sets, saved after some epochs and loaded as the public ones are. Each is measured on held-out images. Then a
linear classifier is trained on its features, and the whole network is fine-tuned.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from diffspec import Gaussian, dse, dsmi
from recipes.lab.data import folder
from recipes.lab.drawing import COLOURS, panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log
from recipes.lab.many import measure_all
from recipes.models.agreeing import Row, spearman, table_of
from recipes.models.loading import VERSIONS, load
from recipes.models.measures import ADJUSTED, FEW, measured
from recipes.models.tuning import fine_tuned, probed, trained
from recipes.training.inputs.data import Data
from recipes.training.inputs.data import load as images_of
from recipes.training.networks.families import Network, build, device
from recipes.training.probing import encoded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: Mapping[str, Any] = {"kernel": Gaussian(20.0), "alpha": 0.5, "t": 2.0}
"""Of the research code, for DSE and DSMI."""

GIVEN, ENTROPY, INFORMATION = "H(Z given Y), sigma = 20", "DSE(Z), sigma = 20", "DSMI(Z;Y), sigma = 20"
ASKED = (GIVEN, ENTROPY, INFORMATION, *FEW)
TUNED = {"probe": "linear probe", "fine-tuned": "fine-tuned"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Which encoders on which images, and how each is tuned."""

    data: tuple[str, ...]
    pixels: int
    train: int
    held: int
    measured: int
    own: tuple[int, ...] = ()
    """Epochs of our own training after which the encoder is saved; 0 is before it."""
    seeds: tuple[int, ...] = (0,)
    epochs: int = 50
    """Of fine-tuning."""
    batch: int = 512
    rate: float = 1e-4


SMOKE = Settings(data=("digits",), pixels=32, train=60, held=60, measured=50, own=(0, 1), epochs=1, batch=20, rate=1e-3)
CPU = Settings(
    data=("MNIST", "CIFAR-10"),
    pixels=32,
    train=1000,
    held=1000,
    measured=800,
    own=(0, 1, 2, 4, 8),
    epochs=4,
    batch=50,
    rate=1e-3,
)
PAPER = Settings(
    data=("CIFAR-10", "CIFAR-100", "STL-10", "Food101", "Flowers102"),
    pixels=224,
    train=50_000,
    held=10_000,
    measured=10_000,
)


def run(settings: Settings, log: Log) -> None:
    """One cell per encoder and data set."""
    shared = {
        name: getattr(settings, name) for name in ("pixels", "train", "held", "measured", "epochs", "batch", "rate")
    }
    own = [{"encoder": "ours", "after": epoch, "seed": seed} for seed in settings.seeds for epoch in settings.own]
    public = [{"encoder": name} for name in VERSIONS if not settings.own and _file(name).exists()]
    keys = [{**one, "data": data, **shared} for data in settings.data for one in (*own, *public)]
    most = max(settings.own, default=0)
    measure_all(log, measure, [{**key, "own epochs": most} if "after" in key else key for key in keys], lambda key: 1.0)


def _file(name: str) -> Path:
    return folder() / "checkpoints" / f"{name}.pth"


def measure(**key: Any) -> dict[str, Any]:
    """What is measured of an encoder, and its accuracy after a linear probe and after fine-tuning."""
    data = images_of(key["data"], key["train"], key["held"])
    points = encoded(_network(key, data), _pixels(data, key["measured"], key["pixels"])).double().cpu().numpy()
    labels = data.held.labels[: key["measured"]].numpy()
    values = of_research(points, labels) | measured(points, labels, FEW)
    return {
        **values,
        "d": points.shape[1],
        "probe": probed(_network(key, data), data, key),
        "fine-tuned": fine_tuned(_network(key, data), data, key),
    }


def of_research(points: Any, labels: Any) -> dict[str, float]:
    """H(Z given Y), H(Z) and their difference, by the settings of the research code."""
    found = dsmi(points, labels, **SETTINGS)
    given = math.fsum(group.n * group.conditional for group in found.groups) / found.n
    numbers = {GIVEN: given, ENTROPY: float(dse(points, **SETTINGS)), INFORMATION: float(found)}
    return {name: float(f"{value:.6g}") for name, value in numbers.items()}


def _network(key: Mapping[str, Any], data: Data) -> Network:
    """The encoder of `key`, loaded from its file, with a fresh linear layer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if key["encoder"] != "ours":
            return Network(load(_file(key["encoder"])), 2048, data.classes).to(device())
        path = trained(key["data"], key["own epochs"], key["seed"], data, key)[key["after"]]
        network = build("resnet", data.classes, key["pixels"], small=True)
        load(path, network.encoder)
        return network.to(device())


def _pixels(data: Data, count: int, size: int) -> Any:
    return data.normal(data.pixels(data.held, slice(count), size)).to(device())


def rows(cells: list[Cell], tuned: str) -> list[Row]:
    """A row per encoder and data set; its accuracy is that after being `tuned`."""
    return [
        Row(
            name=_name(cell),
            group=cell.key["data"],
            family=VERSIONS[cell.key["encoder"]].family if cell.key["encoder"] in VERSIONS else "ours",
            accuracy=cell.values[tuned],
            values={name: cell.values[name] for name in ASKED if name in cell.values},
        )
        for cell in cells
    ]


def _name(cell: Cell) -> str:
    return f"ours after {cell.key['after']} epochs" if "after" in cell.key else cell.key["encoder"]


def figure(cells: list[Cell]) -> Figure:
    """A row per way of tuning; the four panels of the research code, a colour per data set."""
    shown = (None, GIVEN, INFORMATION, ENTROPY)
    figure, axes = panels(len(TUNED), len(shown), size=(2.8, 2.3))
    data = list(dict.fromkeys(cell.key["data"] for cell in cells))
    for line, (tuned, words) in zip(axes, TUNED.items(), strict=True):
        for axis, measure in zip(line, shown, strict=True):
            for name, colour in zip(data, COLOURS, strict=False):
                own = [cell for cell in cells if cell.key["data"] == name]
                places = [_nominal(cell) if measure is None else cell.values[measure] for cell in own]
                accuracy = [cell.values[tuned] for cell in own]
                axis.scatter(
                    places, accuracy, s=[8 + 3 * _epochs(cell) ** 0.5 for cell in own], color=colour, label=name
                )
                _fitted(axis, places, accuracy, colour)
            axis.set_xlabel("nominal: epochs of ours, top-1 of public ones" if measure is None else measure, fontsize=7)
        line[0].set_ylabel(f"accuracy, {words}", fontsize=8)
    axes[0, 0].legend(fontsize=6, frameon=False)
    return figure


def _nominal(cell: Cell) -> float:
    return float(cell.key["after"]) if "after" in cell.key else VERSIONS[cell.key["encoder"]].top1


def _epochs(cell: Cell) -> float:
    return float(cell.key["after"]) if "after" in cell.key else VERSIONS[cell.key["encoder"]].epochs


def _fitted(axis: Any, x: list[float], y: list[float], colour: str) -> None:
    if len(set(x)) > 1:
        line = np.polyfit(x, y, 1)
        ends = np.array([min(x), max(x)])
        axis.plot(ends, np.polyval(line, ends), color=colour, lw=0.8)


def table(cells: list[Cell]) -> str:
    """Every encoder, and the rank correlations over the encoders of each data set."""
    shown = (INFORMATION, GIVEN, ENTROPY, ADJUSTED)
    lines = [
        f"| encoder | data | linear probe | fine-tuned | {' | '.join(shown)} |",
        "|---|---|---|---|" + "---|" * len(shown),
    ]
    for cell in cells:
        told = " | ".join(f"{cell.values[name]:.3f}" for name in shown)
        right = f"{cell.values['probe']:.3f} | {cell.values['fine-tuned']:.3f}"
        lines.append(f"| {_name(cell)} | {cell.key['data']} | {right} | {told} |")
    parts = ["\n".join(lines)]
    for tuned, words in TUNED.items():
        found = rows(cells, tuned)
        groups = {
            name: [row for row in found if row.group == name] for name in dict.fromkeys(row.group for row in found)
        }
        parts += [f"Spearman with the accuracy, {words}:", table_of(groups, ASKED)]
    return "\n\n".join(parts)


def check(cells: list[Cell]) -> list[Verdict]:
    """Against expected.toml."""
    found = {}
    for data in dict.fromkeys(cell.key["data"] for cell in cells if cell.key["data"] not in SMOKE.data):
        for tuned in TUNED:
            some = [row for row in rows(cells, tuned) if row.group == data]
            found |= {f"{name}, {tuned}: {data}": spearman(some, name).value for name in ASKED}
    return compare("checkpoints", cells, found)
