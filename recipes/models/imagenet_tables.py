"""Tables and figure of `imagenet-models`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from diffspec import agreement
from recipes.lab.drawing import panels
from recipes.lab.log import Cell
from recipes.models.agreeing import FEWEST, Row, pearson, spearman, table_of
from recipes.models.measures import ADJUSTED, MEASURES, PUBLISHED
from recipes.models.timm_table import Model, family_of, models

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figure", "numbers", "rows", "table"]

OF_INPUTS = "DSMI(Z;X), sigma = sqrt(d)"
SHOWN = ("DSE(Z), sigma = sqrt(d)", OF_INPUTS, PUBLISHED)
ASKED = (*MEASURES, OF_INPUTS, "CSE(Z)", "CSMI(Z;Y)", "CSMI(Z;X)", "LEEP", "NCE")
ACCURACIES = {"top1": "val top-1", "top5": "val top-5", "real_top1": "ReaL top-1", "real_top5": "ReaL top-5"}


def rows(cells: Sequence[Cell], accuracy: str = "top1") -> list[Row]:
    """Every trained model that was measured, with one of its accuracies in percent."""
    found = []
    for cell in cells:
        values = {name: cell.values[name] for name in ASKED if name in cell.values}
        if "stored" in cell.key and accuracy == "top1":
            name = cell.key["stored"]
            family = family_of(name.removeprefix("i_"))
            found.append(Row(name=name, group="stored", family=family, accuracy=cell.values["top1"], values=values))
        elif "model" in cell.key and "skipped" not in cell.values:
            known = _known(cell)
            right = getattr(known, accuracy)
            found.append(Row(name=cell.key["model"], group="timm", family=known.family, accuracy=right, values=values))
    return found


def _known(cell: Cell) -> Model:
    return models(cell.key["age"])[cell.key["model"]]


def figure(cells: list[Cell]) -> Figure:
    """Measures down, accuracies across; the area of a mark is its parameters, transformers blue, others red."""
    there = [name for name in ACCURACIES if rows(cells, name)] or ["top1"]
    figure, axes = panels(len(SHOWN), len(there), size=(2.8, 2.3))
    parameters = {cell.key["model"]: _known(cell) for cell in cells if "model" in cell.key}
    for line, measure in zip(axes, SHOWN, strict=True):
        for axis, accuracy in zip(line, there, strict=True):
            some = [row for row in rows(cells, accuracy) if measure in row.values]
            for row in some:
                known = parameters.get(row.name)
                size = 12.0 if known is None else max(2.0, known.parameters / 2)
                colour = "tab:blue" if known is not None and known.transformer else "tab:red"
                axis.scatter(row.values[measure], row.accuracy, s=size, color=colour, alpha=0.4, lw=0)
            axis.set_title(f"P.R {pearson(some, measure):.2f}, S.R {spearman(some, measure).value:.2f}", fontsize=7)
            axis.set_xlabel(measure, fontsize=7)
            axis.set_ylabel(ACCURACIES[accuracy], fontsize=7)
    return figure


def numbers(cells: Sequence[Cell]) -> Mapping[str, float]:
    """Under the names of expected.toml."""
    heads = [cell.values["whole"] for cell in cells if "path" in cell.key]
    found = {"families": float(sum(heads)) if heads else math.nan}
    for group in ("stored", "timm"):
        some = [row for row in rows(cells) if row.group == group]
        for measure in ASKED:
            found[f"{group}: {measure}, Pearson"] = pearson(some, measure)
            found[f"{group}: {measure}, Spearman"] = spearman(some, measure).value
    return found


def table(cells: Sequence[Cell]) -> str:
    """What was measured, in Markdown."""
    some = rows(cells)
    families = dict.fromkeys(row.family for row in some)
    groups = {"all": some} | {name: found for name in families if len(found := _of(some, name)) >= 10}
    parts = [_models(some), "Spearman with top-1, 95 % intervals in brackets:", table_of(groups, ASKED)]
    parts.append("All rank correlations of some:\n\n" + "\n".join(_agreements(some)))
    if skipped := [f"{cell.key['model']}: {cell.values['skipped']}" for cell in cells if "skipped" in cell.values]:
        parts.append("Skipped:\n\n" + "\n".join(f"- {line}" for line in skipped))
    if paths := [cell for cell in cells if "path" in cell.key]:
        parts.append("Random weights, one batch each: what the classifier is called and what it is given.")
        parts.append(_heads(paths))
    return "\n\n".join(parts)


def _agreements(some: Sequence[Row]) -> list[str]:
    lines = []
    for measure in (ADJUSTED, PUBLISHED, "10-NN probe", "LogME"):
        known = {row.name: row.values[measure] for row in some if measure in row.values}
        if len(known) >= FEWEST:
            accuracy = {row.name: row.accuracy for row in some}
            lines.append(f"- {measure}: {agreement(known, accuracy, resamples=400)}")
    return lines


def _of(some: Sequence[Row], family: str) -> list[Row]:
    return [row for row in some if row.family == family]


def _models(some: Sequence[Row]) -> str:
    shown = (ADJUSTED, PUBLISHED, "10-NN probe", "LogME")
    lines = [f"| network | top-1 | {' | '.join(shown)} |", "|---|---|" + "---|" * len(shown)]
    for row in sorted(some, key=lambda row: -row.accuracy)[:40]:
        told = " | ".join(f"{row.values[name]:.3f}" if name in row.values else "" for name in shown)
        lines.append(f"| {row.name} | {row.accuracy:.1f} | {told} |")
    return "\n".join(lines)


def _heads(cells: Sequence[Cell]) -> str:
    lines = ["| network | classifier | width |", "|---|---|---|"]
    lines += [f"| {cell.key['path']} | `{cell.values['head']}` | {cell.values['d']} |" for cell in cells]
    return "\n".join(lines)
