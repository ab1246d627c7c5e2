"""What the fair test of initialisations says: differences between arms, and rules for choosing one.

An arm is an initialisation with a size of step, with batch norms or without. A rule is a number that is known before
training; it survives if it orders the arms by accuracy in the same direction with batch norms and without.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from recipes.lab.log import Cell, select

__all__ = ["ARMS", "HIGH", "KAIMING", "LOW", "RULES", "SWEPT", "accuracy", "correlation", "name_of", "numbers", "table"]

LOW, HIGH, KAIMING = "conv std 0.01", "conv std 0.1", "paper"
"""The paper's two spreads of the weights of convolutions, and its ordinary initialisation."""

STEPS = (None, 0.01, 0.1)
ARMS = tuple(
    (how, step) for step in STEPS for how in (LOW, HIGH, KAIMING) if (how, step) not in ((LOW, 0.01), (HIGH, 0.1))
)
"""Each as it is, and with the relative step of the other two; that of its own spread is as it is."""

CLEAR, ORDERS = 2.0, 0.7
"""Standard errors that a difference must have, and the rank correlation that a rule must have."""

DSE, FREE = "DSE(Z), sigma = 10", "DSE(Z), neighbors"
RULES: dict[str, Callable[[Cell], float]] = {
    "DSE, sigma = 10": lambda cell: float(cell.values[DSE][0]),
    "DSE, default": lambda cell: float(cell.values[FREE][0]),
    "median distance": lambda cell: float(cell.values["median distance"][0]),
    "relative step": lambda cell: float(f"{cell.values['relative step']:.2g}"),
}
"""What is known of an arm before training; steps to two digits, as the spread of drawn weights is off by a per cent."""

SWEPT = {
    "sigma = 10": lambda cell: cell.values[DSE][0],
    "sigma = 10, calibrated": lambda cell: cell.values["calibrated"][DSE],
    "default": lambda cell: cell.values[FREE][0],
    "default, calibrated": lambda cell: cell.values["calibrated"][FREE],
}
"""The entropy before training, as it is and when batch norms know the data."""


def name_of(how: str) -> str:
    """An initialisation for people."""
    return "Kaiming" if how == KAIMING else how.removeprefix("conv ")


def accuracy(cell: Cell) -> float:
    """Of held-out images after the last epoch."""
    return float(cell.values["accuracy by epoch"][-1])


def final(cell: Cell) -> float:
    """DSE at sigma = 10 after the last epoch."""
    return float(cell.values[DSE][-1])


def arm(cells: Iterable[Cell], how: str, step: float | None, *, norms: bool) -> list[Cell]:
    """The seeds of one arm of the fair test."""
    return select(cells, part="test", initialiser=how, norms=norms, **{"step of": step})


def difference(
    one: Sequence[Cell], other: Sequence[Cell], number: Callable[[Cell], float] = accuracy
) -> tuple[float, float]:
    """The mean over the seeds of both of `number` of one arm less that of the other, and its standard error."""
    of_other = {cell.key["seed"]: number(cell) for cell in other}
    apart = [number(cell) - of_other[cell.key["seed"]] for cell in one if cell.key["seed"] in of_other]
    if len(apart) < 2:
        return (apart[0] if apart else math.nan), math.nan
    return float(np.mean(apart)), float(np.std(apart, ddof=1)) / math.sqrt(len(apart))


def correlation(cells: Sequence[Cell], rule: Callable[[Cell], float]) -> float:
    """The rank correlation of a rule with the accuracy, over arms and seeds."""
    from scipy.stats import spearmanr

    values = [round(rule(cell), 6) for cell in cells]
    if len(set(values)) < 2:
        return math.nan
    return float(spearmanr(values, [accuracy(cell) for cell in cells]).statistic)


def judged(cells: Sequence[Cell]) -> dict[str, tuple[float, float, bool]]:
    """Every rule's correlation with batch norms and without, and whether it survives."""
    halves = [select(cells, part="test", norms=norms) for norms in (True, False)]
    found = {}
    for name, rule in RULES.items():
        with_norms, without = (correlation(half, rule) for half in halves)
        same = with_norms * without > 0
        found[name] = with_norms, without, same and min(abs(with_norms), abs(without)) >= ORDERS
    return found


def numbers(cells: Sequence[Cell]) -> dict[str, float]:
    """What expected.toml compares."""
    cells = [cell for cell in cells if cell.key["data"] == "CIFAR-10"]
    pairs = {
        "plain": (arm(cells, LOW, None, norms=True), arm(cells, HIGH, None, norms=True)),
        "swapped": (arm(cells, LOW, 0.1, norms=True), arm(cells, HIGH, 0.01, norms=True)),
        "without norms": (arm(cells, LOW, None, norms=False), arm(cells, HIGH, None, norms=False)),
        "small steps": (arm(cells, LOW, 0.1, norms=True), arm(cells, HIGH, None, norms=True)),
        "large steps": (arm(cells, LOW, None, norms=True), arm(cells, HIGH, 0.01, norms=True)),
    }
    found = {}
    for name, (low, high) in pairs.items():
        value, error = difference(low, high)
        found |= {f"{name}, points": 100 * value, f"{name}, errors": value / error if error else math.nan}
        found[f"{name}, DSE"] = difference(low, high, final)[0]
    rules = judged(cells)
    for name, (with_norms, without, _survives) in rules.items():
        found |= {f"{name}, with norms": with_norms, f"{name}, without norms": without}
    survivors = sum(survives for _with, _without, survives in rules.values())
    found["surviving"] = float(survivors) if select(cells, part="test", norms=False) else math.nan
    longer = [select(cells, part="longer", initialiser=how) for how in (LOW, HIGH)]
    found["longer, points"] = 100 * difference(*longer)[0]
    return found | _before(cells)


def _before(cells: Sequence[Cell]) -> dict[str, float]:
    """Of the sweep: the entropy by spread, and how much of it batch norms leave."""
    swept = select(cells, part="sweep")
    found = {
        f"{name}, {name_of(how)}": float(np.mean([value(cell) for cell in select(swept, initialiser=how)]))
        for how in dict.fromkeys(cell.key["initialiser"] for cell in swept)
        for name, value in SWEPT.items()
    }
    for name in SWEPT:
        values = [
            value for key, value in found.items() if key.rpartition(", ")[0] == name and not key.endswith(" 0.001")
        ]
        if values:
            found[f"{name}, range"] = max(values) - min(values)
    return found


def table(cells: Sequence[Cell]) -> str:
    """Of each data set the arms, a row each, and the rules."""
    test = select(cells, part="test")
    names = dict.fromkeys(cell.key["data"] for cell in test)
    return "\n\n".join(part for name in names for part in _tables(name, select(test, data=name)))


def _tables(data: str, test: Sequence[Cell]) -> tuple[str, str, str]:
    arms = ["| initialisation | steps | batch norms | accuracy, % | DSE before | DSE after | relative step |"]
    arms.append("|---|---|---|---|---|---|---|")
    for norms in (True, False):
        found = [(how, step, arm(test, how, step, norms=norms)) for how, step in ARMS]
        arms += [_row(how, step, norms, some) for how, step, some in found if some]
    told = judged(test)
    rules = ["| known before training | with batch norms | without | survives |", "|---|---|---|---|"]
    for name, (with_norms, without, survives) in told.items():
        rules.append(f"| {name} | {with_norms:+.2f} | {without:+.2f} | {'yes' if survives else 'no'} |")
    words = (
        f"**Rules for choosing, {data}.** Rank correlation with the accuracy over arms and {_seeds(test)}; one survives"
    )
    words += f" with {ORDERS:g} or more in both columns and one sign."
    if not any(survives for _with, _without, survives in told.values()):
        words += " None does, so `diffspec` has no function that chooses an initialisation by them."
    return f"**The fair test, {data}.**\n\n" + "\n".join(arms), words, "\n".join(rules)


def _seeds(cells: Sequence[Cell]) -> str:
    count = len({cell.key["seed"] for cell in cells})
    return "one seed" if count == 1 else f"{count} seeds"


def _row(how: str, step: float | None, norms: bool, some: Sequence[Cell]) -> str:
    steps = "its own" if step is None else f"as of std {step:g}"
    before, after = (np.mean([cell.values[DSE][k] for cell in some]) for k in (0, -1))
    relative = np.mean([cell.values["relative step"] for cell in some])
    percent = _mean_and_error([100 * accuracy(cell) for cell in some])
    kept = "with" if norms else "without"
    return f"| {name_of(how)} | {steps} | {kept} | {percent} | {before:.2f} | {after:.2f} | {relative:.2g} |"


def _mean_and_error(values: Sequence[Any]) -> str:
    error = f" ± {np.std(values, ddof=1) / math.sqrt(len(values)):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{error}"
