"""The rule that tells memorising from learning, and its rates.

Claim: DSMI(Z;Y) of held-out images stays near 0 where a network learns wrong labels by heart, so its course beside the
training accuracy tells memorising while it happens.

Command: `python -m recipes memorising --paper`. Expected time: 30 s smoke, 90 min a seed cpu, days of a GPU paper; 10 s
where the cells of `training` are there.

Rules are chosen on the first seed and checked on the others. They are also chosen on all data sets but one and checked
on that. Chosen is what has fewest false alarms at one step less of every limit, then fewest missed, then the shortest
delay. Looks are 1 to 20 epochs apart, so delays are in steps. What we find:

- The fall of the information alone is a poor rule: on colour images it starts at .5 bit and has little to lose.
- How far the training accuracy is ahead of adjusted DSMI / H(Y) tells every memorising network, and no other, over a
  wide range of limits. With the condition that the information is no higher than before training, a network that
  learns and memorises the rest is spared. That is `diffspec.training.Memorisation`.
- It tells some 5 to 6 epochs after the wrong labels begin to be learned, when half of them are known. On MNIST, whose
  classes random weights tell, it takes 10. The fixed width and matched DSMI need higher limits and 2 to 4 epochs more.
  The entropy without labels misses a fifth to two fifths.
- The held-out accuracy in its place tells one to two epochs earlier, and as surely. The rule is for where
  there is none: no classifier yet, a layer inside, or labels that are not those of the training.
- Contrastive cells have no training accuracy, so rules that need one cannot tell of them, rightly or wrongly.
- Not tried: labels of which only some are wrong, and networks that overfit true labels (here augmentation holds the
  training accuracy at the held-out one).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from diffspec.training import Memorisation
from recipes.lab.drawing import COLOURS, panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, select
from recipes.lab.many import measure_all
from recipes.looks import kept
from recipes.looks.rules import ADJUSTED, FAMILIES, SIGNALS, Outcome, chosen, outcome
from recipes.training import training
from recipes.training.drawing import LOOKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS = "ahead, no higher"
"""The family of `diffspec.training.Memorisation`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Which cells of `training`."""

    cells: training.Settings


SMOKE = Settings(cells=replace(training.SMOKE, conditions=("supervised", "wrong labels")))
CPU = Settings(cells=training.CPU)
PAPER = Settings(cells=training.PAPER)


def run(settings: Settings, log: Log) -> None:
    """One cell per cell of `training`."""
    measure_all(log, partial(measure, results=kept.beside(log)), training.plan(settings.cells), lambda key: 1.0)


def measure(results: str, **key: Any) -> dict[str, Any]:
    """The curves that rules look at."""
    curves = kept.curves(key, results)
    names = ("looks", "accuracy", "train accuracy by epoch", *SIGNALS)
    found = {name: curves[name] for name in names if name in curves}
    return {**found, "classes": len(curves["class accuracy by epoch"][-1])}


def first_seed(cells: Sequence[Cell]) -> tuple[list[Cell], list[Cell]]:
    """The cells that rules are chosen on, and those of the other seeds, that they are checked on."""
    first = min((cell.key["seed"] for cell in cells), default=0)
    return select(cells, seed=first), [cell for cell in cells if cell.key["seed"] != first]


def left_out(cells: Sequence[Cell], name: str) -> list[tuple[str, Outcome]]:
    """By data set: what the rule does there whose limits were chosen on the others."""
    found = []
    for data in dict.fromkeys(cell.key["data"] for cell in cells):
        others = [cell for cell in cells if cell.key["data"] != data]
        if others:
            limits = chosen(others, FAMILIES[name])
            found.append((f"{data} | {limits[0]:g}", outcome(select(cells, data=data), FAMILIES[name], limits)))
    return found


def figure(cells: list[Cell]) -> Figure:
    """Training accuracy less adjusted DSMI / H(Y) by epoch, a panel per data set; and delays by limit."""
    data = list(dict.fromkeys(cell.key["data"] for cell in cells))
    drawn, axes = panels(2, len(data), size=(3.2, 2.4))
    for (top, low), name in zip(axes.T, data, strict=True):
        for cell in select(cells, data=name):
            _gap(top, cell)
        top.axhline(Memorisation().ahead, ls="--", lw=0.8, color="black")
        top.set_title(name, fontsize=9)
        top.set_xlabel("epoch", fontsize=8)
        _delays(low, select(cells, data=name))
        low.set_xlabel("limit; open where there are false alarms", fontsize=8)
    axes[0][0].set_ylabel("training accuracy\nless adjusted DSMI / H(Y)", fontsize=7)
    axes[1][0].set_ylabel("epochs from the onset\nto the alarm, mean", fontsize=7)
    for condition in ("supervised", "wrong labels"):
        axes[0][0].plot([], [], color=LOOKS[condition][0], label=condition)
    axes[0][0].legend(fontsize=6, frameon=False)
    axes[1][0].legend(fontsize=6, frameon=False)
    return drawn


def _gap(axis: Axes, cell: Cell) -> None:
    train = cell.values.get("train accuracy by epoch")
    if train is None:
        return
    looks = cell.values["looks"][1:]
    shares = np.array(cell.values[ADJUSTED][1:]) / np.log2(cell.values["classes"])
    colour = LOOKS[cell.key["condition"]][0]
    axis.plot(looks, np.array([train[epoch] for epoch in looks]) - shares, color=colour, lw=0.7, alpha=0.7)


def _delays(axis: Axes, cells: Sequence[Cell]) -> None:
    """Of the rule, and of the held-out accuracy's."""
    for (name, mark), colour in zip(((OURS, "o"), ("held-out accuracy", "s")), COLOURS, strict=False):
        family = FAMILIES[name]
        limits = np.array(family.limits[0])
        found = [outcome(cells, family, each) for each in family.choices()]
        delays = np.array([one.delay for one in found])
        clean = np.array([one.wrong == 0 for one in found])
        axis.plot(limits, delays, lw=0.8, color=colour, label=f"ahead of {SHORT[name]}")
        axis.scatter(limits[clean], delays[clean], s=14, marker=mark, color=colour)
        axis.scatter(limits[~clean], delays[~clean], s=14, marker=mark, facecolor="none", edgecolor=colour)


SHORT = {OURS: "adjusted DSMI / H(Y)", "held-out accuracy": "the held-out accuracy"}


def table(cells: list[Cell]) -> str:
    """Every family: chosen on the first seed, checked on the others; and ours with each data set left out."""
    first, others = first_seed(cells)
    parts = [
        "Chosen on the first seed, checked on the others. *Accuracy* is of training, *down* since the highest:",
        _head("rule", "seed"),
    ]
    for name, family in FAMILIES.items():
        limits = chosen(first, family)
        parts[-1] += "\n" + _line(f"{_words(name, limits)} | first", outcome(first, family, limits))
        parts[-1] += "\n" + _line("the same | others", outcome(others, family, limits)) if others else ""
    if found := left_out(cells, OURS):
        parts += [
            "Of the default rule, with limits chosen on the other data sets, all seeds:",
            _head("data set", "ahead by"),
        ]
        parts[-1] += "".join("\n" + _line(what, one) for what, one in found)
    return "\n\n".join(parts)


def _words(name: str, limits: Sequence[float]) -> str:
    return FAMILIES[name].what.format(*limits)


def _head(*what: str) -> str:
    columns = (*what, "false alarms", "missed", "delay, epochs", "latest", "known by heart then")
    return f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"


def _line(what: str, found: Outcome) -> str:
    false = ", ".join(f"{alarms} of {of} {condition}" for condition, (alarms, of) in found.false.items())
    missed = f"{found.missed} of {found.memorising}"
    late = (
        f"{found.delay:.1f} | {found.latest:.0f} | {found.known:.0%}"
        if found.missed < found.memorising
        else "- | - | -"
    )
    return f"| {what} | {false} | {missed} | {late} |"


def check(cells: list[Cell]) -> list[Verdict]:
    """Against expected.toml."""
    whole = [cell for cell in cells if cell.key["train"] != SMOKE.cells.common["train"]]
    return compare("memorising", cells, numbers(whole) if whole else {})


def numbers(cells: Sequence[Cell]) -> dict[str, float]:
    """The rule of the package on the seeds that it was not chosen on, and what it was chosen as."""
    first, others = first_seed(cells)
    family = FAMILIES[OURS]
    found: dict[str, float] = {"limit": chosen(first, family)[0]}
    for name in FAMILIES:
        limits = (Memorisation().ahead,) if name == OURS else chosen(first, FAMILIES[name])
        one = outcome(others, FAMILIES[name], limits)
        found |= {f"false, {name}": one.wrong / max(1, sum(of for _alarms, of in one.false.values()))}
        found |= {f"missed, {name}": one.missed / max(1, one.memorising), f"delay, {name}": one.delay}
        found |= {f"known, {name}": one.known}
    found["later than the accuracy"] = found[f"delay, {OURS}"] - found["delay, held-out accuracy"]
    apart = [one for _what, one in left_out(cells, OURS)]
    found["false, left out"] = float(sum(one.wrong for one in apart))
    found["missed, left out"] = float(sum(one.missed for one in apart))
    return found
