"""The three claims of the paper, panel by panel: what was claimed of a curve, and what it does.

A panel is one network on one data set under one condition. A change is that from the first epoch to the last; before
the first, a network shows its weights and not its learning. It counts where it is larger than the chance level of the
measure and than twice its standard error over seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recipes.lab.log import Cell, select

__all__ = ["CLAIMS", "Claim", "curve", "scale", "shares", "table", "verdict"]

CHANCE = 0.05
"""Bits that DSMI of a thousand points moves by chance; less than this is no change."""

NEAR_ZERO = 0.1
RISES, FALLS, ZERO, LEVEL = "rises", "falls", "zero", "level"
COLOURED = ("CIFAR-10", "Imagenette at 96x96", "STL-10")
LEARNING, WRONG = ("supervised", "contrastive"), "wrong labels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One claim: what the curve `measure` does by rule, for a data set and a condition."""

    what: str
    measure: str
    rules: tuple[str, ...]
    """What follows the measure's name: ``", sigma = 10"``; the first is the paper's."""
    expected: Mapping[tuple[str, str], str]

    def curves(self) -> dict[str, str]:
        """The name of the curve by rule."""
        return {rule: rule if "(" in rule else f"{self.measure}, {rule}" for rule in self.rules}


def _everywhere(
    what: str, conditions: Iterable[str], data: Iterable[str] = ("MNIST", *COLOURED)
) -> dict[tuple[str, str], str]:
    return {(name, condition): what for name in data for condition in conditions}


CLAIMS = (
    Claim(
        what="DSE rises in training",
        measure="DSE(Z)",
        rules=("sigma = 10", "median", "neighbors"),
        expected=_everywhere(RISES, (*LEARNING, WRONG)),
    ),
    Claim(
        what="DSMI(Z;Y) rises where learning generalises and stays at 0 where it memorises",
        measure="DSMI(Z;Y)",
        rules=("sigma = 10", "neighbors", "adjusted DSMI(Z;Y), neighbors"),
        expected=_everywhere(RISES, LEARNING) | _everywhere(ZERO, (WRONG,)),
    ),
    Claim(
        what="DSMI(Z;X) rises on MNIST and falls on colour images",
        measure="DSMI(Z;X)",
        rules=("sigma = 10", "neighbors", "adjusted DSMI(Z;X), neighbors"),
        expected=_everywhere(RISES, LEARNING, ("MNIST",)) | _everywhere(FALLS, LEARNING, COLOURED),
    ),
)


def curve(cell: Cell, name: str, *, along: str = "looks") -> tuple[np.ndarray, np.ndarray]:
    """Where and what the numbers called `name` of a cell are, without those that were not taken."""
    pairs = zip(cell.values[along], cell.values.get(name, []), strict=False)
    known = np.array([(x, y) for x, y in pairs if x is not None and y is not None], dtype=float).reshape(-1, 2)
    return known[:, 0], known[:, 1]


def change(cell: Cell, name: str) -> float:
    """The last value less that of the first epoch; NaN where there is none."""
    epochs, values = curve(cell, name)
    later = values[epochs >= 1]
    return float(later[-1] - later[0]) if len(later) > 1 else math.nan


def last(cell: Cell, name: str) -> float:
    """The last value; NaN where there is none."""
    values = curve(cell, name)[1]
    return float(values[-1]) if len(values) else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a curve does in one panel: the change, or where 0 was claimed the end, over seeds."""

    value: float
    error: float
    does: str
    claimed: str

    @property
    def holds(self) -> bool:
        """Whether it does what was claimed."""
        return self.does == self.claimed

    def __str__(self) -> str:
        error = "" if math.isnan(self.error) else f" ± {self.error:.2f}"
        return f"{'yes' if self.holds else 'no'}: {self.value:+.2f}{error}"


def verdict(cells: Sequence[Cell], name: str, claimed: str) -> Found | None:
    """What the curve `name` does in `cells`, the seeds of one panel; None where there is no such cell."""
    function = last if claimed == ZERO else change
    values = [value for value in (function(cell, name) for cell in cells) if not math.isnan(value)]
    if not values:
        return None
    mean = float(np.mean(values))
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    if claimed == ZERO:
        does = ZERO if abs(mean) <= NEAR_ZERO else RISES if mean > 0 else FALLS
    else:
        clear = abs(mean) > max(CHANCE, 0.0 if math.isnan(error) else 2 * error)
        does = LEVEL if not clear else RISES if mean > 0 else FALLS
    return Found(value=mean, error=error, does=does, claimed=claimed)


def panels(cells: Sequence[Cell], claim: Claim, rule: str) -> dict[tuple[str, str, str], Found]:
    """The verdict on every panel (network, data, condition) of which there are cells."""
    found = {}
    for (data, condition), claimed in claim.expected.items():
        for network in dict.fromkeys(cell.key["network"] for cell in cells):
            some = select(cells, network=network, data=data, condition=condition)
            one = verdict(some, claim.curves()[rule], claimed)
            if one is not None:
                found[network, data, condition] = one
    return found


def shares(cells: Sequence[Cell]) -> dict[str, float]:
    """Of which share of the networks a claim holds, by claim, data set, condition and rule."""
    held: dict[str, list[bool]] = {}
    for claim in CLAIMS:
        for rule in claim.rules:
            for (_network, data, condition), found in panels(cells, claim, rule).items():
                held.setdefault(f"{claim.curves()[rule]}: {data}, {condition}", []).append(found.holds)
    return {name: sum(some) / len(some) for name, some in held.items()}


def scale(cells: Sequence[Cell], name: str) -> float:
    """The median over cells of the rank correlation of the curve `name` with the median distance, over looks."""
    from scipy.stats import spearmanr

    found = []
    for cell in cells:
        pairs = [
            (x, y) for x, y in zip(cell.values["median distance"], cell.values[name], strict=True) if None not in (x, y)
        ]
        if len(pairs) > 3 and len({y for _x, y in pairs}) > 1:
            found.append(float(spearmanr(*zip(*pairs, strict=True)).statistic))
    return float(np.median(found)) if found else math.nan


def table(cells: Sequence[Cell]) -> str:
    """Every claim under every rule, a row per network and data set, a column per condition."""
    parts = []
    for claim in CLAIMS:
        conditions = list(dict.fromkeys(condition for _data, condition in claim.expected))
        for rule in claim.rules:
            found = panels(cells, claim, rule)
            held = sum(one.holds for one in found.values())
            parts.append(f"**{claim.what}** ({claim.curves()[rule]}): holds in {held} of {len(found)} panels.")
            lines = [f"| network, data | {' | '.join(conditions)} |", "|---|" + "---|" * len(conditions)]
            for network, data in dict.fromkeys((network, data) for network, data, _condition in found):
                row = [str(found.get((network, data, condition), "")) for condition in conditions]
                lines.append(f"| {network}, {data} | {' | '.join(row)} |")
            parts.append("\n".join(lines))
    return "\n\n".join(parts)
