"""Which measure tells the accuracy of its network.

Claim: DSMI(Z;Y) of penultimate features predicts the accuracy of 962 ImageNet models (Pearson .216, "strong").

Command: `python -m recipes zoo --paper`. Expected time: 40 s smoke, 1 CPU hour cpu, 20 CPU hours paper.

The stand-in for two cores: 200 networks whose architecture, width, depth, step, data, augmentation and wrong labels are
drawn at random, trained here on MNIST and CIFAR-10, and 35 of other people. Penultimate features of 1,000 held-out
images are measured. The accuracy is that of 4,000 (of other people's networks, of all). What we find:

- Adjusted DSMI orders 120 CIFAR-10 networks (accuracy .18 to .93) with Spearman .96, and 113 MNIST networks with .94.
  The k-NN probe has .96 and .94, N-LEEP .96 and .95, the overlap of labels .97 and .96.
- Against the best baseline of each of 16 groups it is level in 13, and loses in three by .03 to .29. It wins none.
- The three are MNIST networks. They were trained least: the features of a vision transformer at 11 % hold 1.6 of 3.3
  bits of the digits, which its own classifier cannot use yet. What a linear probe makes of the features it foretells
  with .95 (MNIST) and .89 (CIFAR-10). The accuracy of the classifier foretells it with .84 and .93.
- The paper's width sqrt(d) has .45 on CIFAR-10 and .73 on MNIST. On other people's networks, which are alike in
  nothing, it has .17 and .02. That may be why 962 models gave .216.
- On CIFAR-10 LogME, the H-score and NC1 order well what others trained to the end (.91 to .97), and worse what is half
  trained (.81, .72, .64). LiDAR and RankMe have .33 and .41 over all.
- With few images adjusted DSMI is ahead. With 50, 100 and 200 images of CIFAR-10 it has .75, .85 and .89. The k-NN
  probe cannot be asked with 50, and has .81 and .86. With 60 % of the labels wrong adjusted DSMI keeps .70 (k-NN .63,
  LogME .51). On MNIST the k-NN probe keeps more (.95, adjusted .83).
- Other data: how well is foretold what a linear probe reaches there? On MNIST with .94 by adjusted DSMI there, .95 by
  LogME, .54 by the accuracy on CIFAR-10. On Imagenette with .68 by the overlap of labels, .61 by adjusted DSMI.
- RankMe and DSE, which see no labels, tell little of accuracy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log
from recipes.lab.many import measure_all
from recipes.models import zoo_figures, zoo_tables
from recipes.models.asked import curves, transferred, whole
from recipes.models.sources import others
from recipes.models.trained import train

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How many networks of each data set are drawn, on what, what is kept of them and what is asked."""

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
    transfer: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Data sets whose images are shown to the networks of another."""
    probed: int = 0
    others: int | None = None
    """Networks of other people, all by default."""
    measured: int = 1000
    """Images that every measure sees."""
    counts: tuple[int, ...] = (50, 100, 200, 500, 1000)
    shares: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8)
    """Wrong labels, of `noisy` points."""
    noisy: int = 500


SMOKE = Settings(
    data=("digits",),
    networks=5,
    seen={"digits": (100, 300)},
    images=200,
    held=150,
    kept=120,
    transfer={"digits": ("digits",)},
    probed=80,
    others=0,
    measured=60,
    counts=(30, 120),
    shares=(0.0, 0.5),
    noisy=60,
)
CPU = Settings(
    data=("MNIST", "CIFAR-10"),
    networks=100,
    seen={"MNIST": (1000, 25_000), "CIFAR-10": (5000, 60_000)},
    images=10_000,
    held=4000,
    kept=2000,
    transfer={"MNIST": (), "CIFAR-10": ("MNIST", "Imagenette at 96x96")},
    probed=500,
)
PAPER = replace(CPU, networks=500, seen={"MNIST": (1000, 60_000), "CIFAR-10": (5000, 1_000_000)}, images=50_000)


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
            "transfer": settings.transfer.get(data, ()),
            "probed": settings.probed,
        }
        for number in range(settings.networks)
        for data in settings.data
    ]


def run(settings: Settings, log: Log) -> None:
    """Train, then ask the networks that are there, and other people's."""
    measure_all(log, train, plan(settings), lambda key: sum(key["seen"]))
    ask(settings, log)


def ask(settings: Settings, log: Log) -> None:
    """Every measure of the networks that were trained so far, and of other people's."""
    drawn = [dict(cell.key) for cell in log.cells if "number" in cell.key]
    networks = [{"drawn": key} for key in drawn] + [row["network"] for row in others()[: settings.others]]
    asked = [{"network": network, "n": settings.measured} for network in networks]
    measure_all(log, whole, asked, lambda key: 1.0)
    numbers = {"counts": settings.counts, "shares": settings.shares, "n": settings.noisy}
    measure_all(log, curves, [{"network": network, **numbers} for network in networks], lambda key: 1.0)
    pairs = [{"drawn": key, "other": other} for key in drawn for other in key["transfer"]]
    measure_all(log, transferred, pairs, lambda key: 1.0)


def figure(cells: list[Cell]) -> Figure:
    """Accuracy against four measures, a row per data set."""
    return zoo_figures.against_accuracy(zoo_tables.networks(cells))


FURTHER: Mapping[str, Callable[[list[Cell]], Figure]] = {
    "curves": zoo_figures.curves,
    "transfer": zoo_figures.transfer,
}
"""Rank correlation against the number of points and wrong labels; what is foretold of other data sets."""


def table(cells: list[Cell]) -> str:
    """Rank correlations by group, within bands, by family, by points and wrong labels, and of transfer."""
    return zoo_tables.table(cells)


def check(cells: list[Cell]) -> list[Verdict]:
    """Against expected.toml."""
    small = any(cell.key.get("data") == SMOKE.data[0] for cell in cells)
    return compare("zoo", cells, {} if small or not cells else zoo_tables.numbers(cells))
