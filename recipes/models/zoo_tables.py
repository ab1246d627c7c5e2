"""The tables of `zoo`: rank correlations of measures with accuracy, over all networks and over every kind of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from recipes.lab.log import Cell
from recipes.models.agreeing import FEWEST, Row, banded, difference, kendall, pearson, spearman, table_of
from recipes.models.measures import ADJUSTED, FEW, MEASURES, PUBLISHED

__all__ = ["by_points", "by_wrong_labels", "networks", "numbers", "of_transfer", "table"]

HERE = "drawn here"
BASELINES = tuple(name for name in MEASURES if not name.startswith(("DS", "adjusted")))
FOR_TRANSFER = (*FEW, "N-LEEP", "label overlap", "LEEP", "NCE")
FEWEST_OF_FAMILY = 10
AT_LEAST = {"CIFAR-10": 0.95, "MNIST": 0.85}
"""The aim of the issue, for networks that nobody chose a setting by."""


def networks(cells: Sequence[Cell]) -> list[Row]:
    """Every network that was measured, with all measures of it."""
    trained = {_name(cell.key): cell.values for cell in cells if "number" in cell.key}
    found = []
    for cell in cells:
        network = cell.key.get("network")
        if network is None or "counts" in cell.key:
            continue
        values = {name: cell.values[name] for name in MEASURES if name in cell.values}
        facts = _facts(network, cell.values, trained)
        found.append(Row(name=_name(network), values=values, **facts))
    return found


def probed(cells: Sequence[Cell]) -> dict[str, list[Row]]:
    """By data set, networks drawn here with what a linear probe on their own features reaches as their accuracy."""
    asked = [cell for cell in cells if "network" in cell.key and "probe" in cell.values]
    reached = {_name(cell.key["network"]): cell.values["probe"] for cell in asked}
    own = [row for row in networks(cells) if row.here and row.name in reached]
    found: dict[str, list[Row]] = {}
    for row in own:
        values = {**row.values, "accuracy of its classifier": row.accuracy}
        found.setdefault(row.group, []).append(replace(row, accuracy=reached[row.name], values=values))
    return {name: rows for name, rows in found.items() if len(rows) >= FEWEST}


def _facts(network: Mapping[str, Any], values: Mapping[str, Any], trained: Mapping[str, Any]) -> dict[str, Any]:
    if "drawn" not in network:
        return {"group": values["data"], "family": values["family"], "accuracy": values["accuracy"], "here": False}
    own = trained[_name(network["drawn"])]
    family, data = own["drawn"]["family"], network["drawn"]["data"]
    return {"group": data, "family": family, "accuracy": own["accuracy"], "here": True}


def _name(key: Mapping[str, Any]) -> str:
    return json.dumps(key, sort_keys=True)


def groups(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Networks by data set, drawn here, other people's, and joined."""
    found: dict[str, list[Row]] = {}
    for data in dict.fromkeys(row.group for row in rows):
        some = [row for row in rows if row.group == data]
        ours, theirs = ([row for row in some if row.here is here] for here in (True, False))
        found |= {f"{data}, {HERE}": ours, f"{data}, others'": theirs, f"{data}, all": some}
    return {name: some for name, some in found.items() if len(some) >= FEWEST}


def families(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The networks of each family that has at least ten on one data set."""
    names = dict.fromkeys((row.group, row.family) for row in rows)
    found = {f"{data}, {family}": [r for r in rows if (r.group, r.family) == (data, family)] for data, family in names}
    return {name: some for name, some in found.items() if len(some) >= FEWEST_OF_FAMILY}


def curves(cells: Sequence[Cell], which: str) -> dict[str, dict[Any, dict[str, float]]]:
    """By data set and place (points or share of wrong labels): the Spearman of every measure, the mean over draws."""
    facts = {row.name: row for row in networks(cells)}
    some = [cell for cell in cells if "counts" in cell.key and _name(cell.key["network"]) in facts]
    found: dict[str, dict[Any, dict[str, float]]] = {}
    for data in dict.fromkeys(facts[_name(cell.key["network"])].group for cell in some):
        own = [cell for cell in some if facts[_name(cell.key["network"])].group == data]
        if len(own) < FEWEST:
            continue
        places = own[0].key["counts" if which == "by points" else "shares"]
        found[data] = {place: {name: _at(own, facts, which, name, k) for name in FEW} for k, place in enumerate(places)}
    return found


def _at(cells: Sequence[Cell], facts: Mapping[str, Row], which: str, measure: str, at: int) -> float:
    given = [np.atleast_1d(cell.values[which][measure][at]) for cell in cells]
    draws = max(map(len, given))
    rhos = []
    for draw in range(draws):
        rows = [
            replace(facts[_name(cell.key["network"])], values={measure: values[draw]})
            for cell, values in zip(cells, given, strict=True)
            if draw < len(values) and values[draw] is not None
        ]
        rhos.append(spearman(rows, measure).value)
    known = [rho for rho in rhos if not math.isnan(rho)]
    return float(np.mean(known)) if known else math.nan


def by_points(cells: Sequence[Cell]) -> dict[str, dict[Any, dict[str, float]]]:
    """Against the number of points."""
    return curves(cells, "by points")


def by_wrong_labels(cells: Sequence[Cell]) -> dict[str, dict[Any, dict[str, float]]]:
    """Against the share of labels that are wrong."""
    return curves(cells, "by wrong labels")


def of_transfer(cells: Sequence[Cell]) -> dict[str, list[Row]]:
    """By data set that a network was not trained on: the accuracy of a linear probe, and what foretells it."""
    source = {_name(cell.key): cell.values["accuracy"] for cell in cells if "number" in cell.key}
    found: dict[str, list[Row]] = {}
    for cell in cells:
        if "other" not in cell.key:
            continue
        name, other = _name(cell.key["drawn"]), cell.key["other"]
        values = {measure: cell.values[measure] for measure in FOR_TRANSFER if measure in cell.values}
        row = Row(
            name=name,
            group=other,
            family="",
            accuracy=cell.values["probe"],
            values={**values, "accuracy on its own data": source[name]},
        )
        found.setdefault(f"{cell.key['drawn']['data']} to {other}", []).append(row)
    return {name: rows for name, rows in found.items() if len(rows) >= FEWEST}


def numbers(cells: Sequence[Cell]) -> dict[str, float]:
    """Under the names of expected.toml."""
    rows = networks(cells)
    found: dict[str, float] = {"networks": float(sum(row.here for row in rows))}
    for name, some in groups(rows).items():
        for measure in MEASURES:
            found[f"{measure}: {name}"] = spearman(some, measure).value
        found[f"within thirds, {ADJUSTED}: {name}"] = banded(some, ADJUSTED)
        found[f"adjusted less the best: {name}"] = spearman(some, ADJUSTED).value - _best(some)[1]
        found[f"pearson {PUBLISHED}: {name}"] = pearson(some, PUBLISHED)
    worst = [spearman(some, ADJUSTED).value - _best(some)[1] for some in families(rows).values()]
    found["adjusted less the best, worst family"] = min(worst, default=math.nan)
    for name, some in probed(cells).items():
        found[f"{ADJUSTED} with a probe: {name}"] = spearman(some, ADJUSTED).value
        found[f"adjusted less the best with a probe: {name}"] = spearman(some, ADJUSTED).value - _best(some)[1]
    for name, some in of_transfer(cells).items():
        found |= {f"{measure}: {name}": spearman(some, measure).value for measure in FOR_TRANSFER}
    return found


def _best(rows: Sequence[Row]) -> tuple[str, float]:
    """The baseline with the largest Spearman."""
    known = {name: spearman(rows, name).value for name in BASELINES}
    name = max(known, key=lambda each: -math.inf if math.isnan(known[each]) else known[each])
    return name, known[name]


def table(cells: Sequence[Cell]) -> str:
    """All of it as Markdown."""
    rows = networks(cells)
    parts = [
        "Spearman with test accuracy, 95 % intervals in brackets:",
        table_of(groups(rows), tuple(MEASURES)),
        "Drawn here, Spearman with the accuracy of a linear probe that learns from 1,000 features of its own:",
        table_of(probed(cells), (*MEASURES, "accuracy of its classifier")),
        "Among alike networks: Kendall's tau over all, and Spearman within thirds of equal accuracy (mean of three):",
        _alike(groups(rows)),
        f"Adjusted DSMI less the best baseline, over the same networks ({FEWEST_OF_FAMILY} of a family at least):",
        _verdicts(
            {**groups(rows), **families(rows), **{f"{data}, by a probe": r for data, r in probed(cells).items()}}
        ),
        *_curve("Spearman by the number of points (means over draws):", by_points(cells), "{}"),
        *_curve("Spearman by the share of wrong labels:", by_wrong_labels(cells), "{:.0%}"),
    ]
    if moved := of_transfer(cells):
        parts += [
            "What foretells the accuracy of a linear probe on data that a network was not trained on (Spearman):",
            table_of(moved, (*FOR_TRANSFER, "accuracy on its own data")),
        ]
    return "\n\n".join(parts)


def _alike(found: Mapping[str, Sequence[Row]]) -> str:
    lines = [f"| measure | {' | '.join(found)} |", "|---|" + "---|" * len(found)]
    for measure in MEASURES:
        told = [f"{_short(kendall(some, measure))} / {_short(banded(some, measure))}" for some in found.values()]
        lines.append(f"| {measure} | {' | '.join(told)} |")
    return "\n".join(lines)


def _short(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _verdicts(found: Mapping[str, Sequence[Row]]) -> str:
    lines = ["| networks | adjusted | best baseline | difference | DSMI |", "|---|---|---|---|---|"]
    for name, rows in found.items():
        other, value = _best(rows)
        apart = difference(rows, ADJUSTED, other)
        verdict = "wins" if apart.low > 0 else "loses" if apart.high < 0 else "level"
        ours = spearman(rows, ADJUSTED).value
        lines.append(f"| {name} ({len(rows)}) | {ours:.2f} | {other} {value:.2f} | {apart} | {verdict} |")
    return "\n".join(lines)


def _curve(title: str, found: Mapping[str, Mapping[Any, Mapping[str, float]]], form: str) -> list[str]:
    parts = [title] if found else []
    for data, places in found.items():
        lines = [f"| {data} | {' | '.join(form.format(place) for place in places)} |", "|---|" + "---|" * len(places)]
        lines += [f"| {name} | {' | '.join(_short(each[name]) for each in places.values())} |" for name in FEW]
        parts.append("\n".join(lines))
    return parts
