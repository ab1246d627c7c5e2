"""Which measure of an embedding tells the accuracy of its network? Hundreds of networks drawn at random (3.17).

Claim: DSMI(Z;Y) of penultimate features predicts the accuracy of 962 ImageNet models (Pearson .216, "strong").

Command: `python -m recipes zoo --paper`. Expected time: 40 s smoke, 2 CPU hours cpu, 10 CPU hours paper.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log
from recipes.lab.many import measure_all
from recipes.models.trained import train

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How many networks of each data set are drawn, on what, and what is kept of them."""

    data: tuple[str, ...]
    networks: int
    """Of each data set."""
    seen: dict[str, tuple[int, int]]
    """Training images that pass through a network, the least and the most."""
    images: int
    """Different training images, at most."""
    held: int
    kept: int
    """Held-out images, and those of which features are kept."""
    transfer: dict[str, tuple[str, ...]]
    """Data sets whose images are shown to the networks of another."""
    probed: int


SMOKE = Settings(
    data=("digits",),
    networks=8,
    seen={"digits": (400, 4000)},
    images=800,
    held=400,
    kept=300,
    transfer={"digits": ("digits",)},
    probed=200,
)
CPU = Settings(
    data=("MNIST", "CIFAR-10"),
    networks=100,
    seen={"MNIST": (400, 8000), "CIFAR-10": (2000, 40_000)},
    images=10_000,
    held=5000,
    kept=2000,
    transfer={"MNIST": (), "CIFAR-10": ("MNIST", "Imagenette at 96x96")},
    probed=1000,
)
PAPER = replace(CPU, networks=500, seen={"MNIST": (500, 60_000), "CIFAR-10": (3000, 1_000_000)}, images=50_000)


def plan(settings: Settings) -> list[dict[str, Any]]:
    """The trainings, data set by turns, so that whatever part of them is done is balanced."""
    return [
        {
            "data": data,
            "number": number,
            "seen": settings.seen[data],
            "images": settings.images,
            "held": settings.held,
            "kept": settings.kept,
            "transfer": settings.transfer[data],
            "probed": settings.probed,
        }
        for number in range(settings.networks)
        for data in settings.data
    ]


def run(settings: Settings, log: Log) -> None:
    """Train, then ask the networks that are there, and other people's."""
    measure_all(log, train, plan(settings), lambda key: sum(key["seen"]))


def figure(cells: list[Cell]) -> Figure:
    raise NotImplementedError


def check(cells: list[Cell]) -> list[Verdict]:
    """Against expected.toml."""
    return compare("zoo", cells)
