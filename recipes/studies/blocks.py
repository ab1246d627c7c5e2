"""What every block of a network does while it learns.

Claim: none is published. The paper's code draws the information plane, where depth and time could be read. Beside it
stands what theory says of true information: deeper blocks cannot know more, neither of labels nor of inputs.

Command: `python -m recipes blocks --paper`. Expected time: 20 s smoke, 15 min cpu, 10 days of a GPU paper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, select
from recipes.lab.many import measure_all
from recipes.studies import block_figures as figures
from recipes.training import cells as _cells
from recipes.training import training
from recipes.training.claims import CHANCE, change, curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RULES = figures.RULES
SMALLEST = 200
"""Training images of a cell that is no smoke test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The cells: those of the study of training, each with its blocks."""

    parts: tuple[training.Settings, ...]


def _every_look_is_whole(looks: list[int], **rest: Any) -> dict[str, Any]:
    return {"epochs": looks[-1], "looks": looks, "whole looks": looks, **rest}


COMMON = {**training.TRAINED, "pixels": 32, "batch": 32, "blocks": True}
SMOKE = Settings(
    parts=(
        training.Settings(
            networks=("resnet",),
            data=("digits",),
            conditions=("supervised", "wrong labels"),
            seeds=(0,),
            common={**COMMON, "train": 32, "held": 40, "measured": 30, "batch": 16, "pixels": 16},
            of_condition={name: _every_look_is_whole([0, 1]) for name in ("supervised", "wrong labels")},
        ),
    )
)
MEMBERS = {"data": ("MNIST", "CIFAR-10"), "common": {**COMMON, "held": 1000, "measured": 500}}
CPU = Settings(
    parts=(
        training.Settings(
            networks=("resnet", "vit"),
            conditions=("supervised",),
            of_condition={"supervised": _every_look_is_whole([0, 1, 2, 4, 6, 8], train=2000)},
            **MEMBERS,
        ),
        training.Settings(
            networks=("resnet",),
            conditions=("wrong labels",),
            of_condition={"wrong labels": _every_look_is_whole([0, 1, 2, 4, 7, 10, 15, 20], train=600, batch=20)},
            **MEMBERS,
        ),
    )
)
PAPER = Settings(parts=(training.PAPER,))


def plan(settings: Settings) -> list[dict[str, Any]]:
    """The keys of all cells, a whole seed before the next."""
    keys = [key for part in settings.parts for key in training.plan(part)]
    return sorted(keys, key=lambda key: int(key["seed"]))


def run(settings: Settings, log: Log) -> None:
    """Cell by cell; those that the study of training has measured, at its published size, are taken from it."""
    keys = plan(settings)
    beside = Log(log.path.parents[1] / "training" / log.path.name)
    log.take(cell for cell in beside.cells if cell.key in keys)
    say = None if log.cluster else log.say
    measure_all(log, partial(_cells.measure, say=say) if say else _cells.measure, keys, training.price)


def figure(cells: list[Cell]) -> Figure:
    """Every block's entropy and information against the epoch, at the paper's width."""
    return figures.against_epoch(cells, "sigma = 10")


FURTHER: Mapping[str, Callable[[list[Cell]], Figure]] = {
    "default": partial(figures.against_epoch, rule="neighbors"),
    "plane": figures.plane,
}
"""The same without a scale; the information plane."""


def table(cells: list[Cell]) -> str:
    """How each block's information changes from the first epoch to the last, mean over seeds."""
    parts = []
    for measure in figures.MEASURES[1:]:
        for rule in RULES:
            lines = [f"**{measure}, {rule}** of every block, first to last: the change after epoch 1, and the end."]
            lines += ["", "| network, data, condition | change, bits | end, bits |", "|---|---|---|"]
            for words, some in figures.groups(cells).items():
                names = [f"{block}: {measure}, {rule}" for block in figures.blocks_of(some[0])]
                changes = ", ".join(f"{np.mean([change(cell, name) for cell in some]):+.2f}" for name in names)
                ends = ", ".join(f"{np.mean([_end(cell, name) for cell in some]):.2f}" for name in names)
                lines.append(f"| {words} | {changes} | {ends} |")
            parts.append("\n".join(lines))
    return "\n\n".join(parts)


def check(cells: list[Cell]) -> list[Verdict]:
    """Against expected.toml."""
    whole = [cell for cell in cells if (cell.key["train"] or SMALLEST) >= SMALLEST]
    return compare("blocks", cells, _numbers(whole) if whole else {})


def _numbers(cells: Sequence[Cell]) -> dict[str, float]:
    """What expected.toml compares: means over cells, and shares of cells or of pairs of blocks."""
    found = {}
    for rule in RULES:
        for condition in ("supervised", "wrong labels"):
            some = select(cells, condition=condition)
            last = [figures.blocks_of(cell)[-1] for cell in some]
            of_y = [change(cell, f"{block}: DSMI(Z;Y), {rule}") for cell, block in zip(some, last, strict=True)]
            found[f"last block learns, {rule}, {condition}"] = _mean(of_y)
            found[f"deeper knows more, {rule}, {condition}"] = _mean([_gain(cell, rule) for cell in some])
        for of in "YX":
            found[f"processing, {of}, {rule}"] = _mean([_obeys(cell, f"DSMI(Z;{of}), {rule}") for cell in cells])
        found[f"compresses, {rule}"] = _mean(
            [_compresses(cell, rule) for cell in select(cells, condition="supervised")]
        )
    return found


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _end(cell: Cell, name: str) -> float:
    return float(curve(cell, name)[1][-1])


def _gain(cell: Cell, rule: str) -> float:
    """DSMI(Z;Y) of the last block less that of the first, after training."""
    first, *_, last = (_end(cell, f"{block}: DSMI(Z;Y), {rule}") for block in figures.blocks_of(cell))
    return last - first


def _obeys(cell: Cell, measure: str) -> float:
    """The share of pairs of neighbouring blocks, over looks, whose deeper one knows no more but for chance."""
    rows = np.array([curve(cell, f"{block}: {measure}")[1] for block in figures.blocks_of(cell)])
    return float(np.mean(np.diff(rows, axis=0) <= CHANCE))


def _compresses(cell: Cell, rule: str) -> float:
    """1 where DSMI(Z;X) of the last block ends below its peak after epoch 1 by more than chance, else 0."""
    epochs, values = curve(cell, f"{figures.blocks_of(cell)[-1]}: DSMI(Z;X), {rule}")
    later = values[epochs >= 1]
    return float(later.max() - later[-1] > CHANCE)
