"""Maps of the report: layers by looks, and diffusion times by looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diffspec.runs.compared.lines import Line
from diffspec.runs.compared.view import View
from diffspec.runs.log import Record
from diffspec.runs.plots.looks import briefly, rule_words, unit_words
from diffspec.runs.plots.thinning import evenly
from diffspec.runs.report.charts.colours import literal
from diffspec.runs.report.charts.layout import Chart, Trace

__all__ = ["mapped", "times"]

MOST = 200
"""Columns of a map: each is some three pixels wide then."""

WIDEST = 20  # letters of a name beside a map


def mapped(view: View, lines: Sequence[Line], *, title: str, subtitle: str) -> Chart:
    """Layers by looks, one panel per condition."""
    steps = _columns(sorted({step for line in lines for step in line.steps}))
    layers = list(dict.fromkeys(line.layer for line in lines))
    panels = [c.name for c in view.conditions if any(line.condition == c.name for line in lines)]
    names = briefly((view.short[layer] for layer in layers), WIDEST)
    traces: list[Trace] = []
    for place, condition in enumerate(panels):
        own = {line.layer: line for line in lines if line.condition == condition}
        traces += _panel(view, [own.get(layer) for layer in layers], layers, steps, {"panel": place, "meta": condition})
    return Chart(
        title=title,
        subtitle=subtitle,
        kind="map",
        panels=panels if len(panels) > 1 else [""],
        traces=traces,
        x=view.axis,
        y=unit_words(lines[0].unit),
        looks=[f"{step:g}" for step in steps],
        rows={literal(layer): literal(names[view.short[layer]]) for layer in layers},
    )


def times(view: View) -> list[Chart]:
    """Per rule the clusters that are seen at each diffusion time, at the last layer: one panel per condition."""
    charts = []
    for rule in view.rules:
        for layer in list(view.layers)[::-1]:
            found = {c.name: view.over_time(layer, rule, c) for c in view.conditions}
            found = {name: at for name, at in found.items() if len(at) > 1}
            if found:
                charts.append(_times(view, found, (layer, rule)))
                break
    return charts


def _times(view: View, found: dict[str, dict[float, list[Record]]], where: tuple[str, str]) -> Chart:
    layer, rule = where
    steps = _columns(sorted({r["step"] for at in found.values() for rs in at.values() for r in rs}))
    known = sorted({time for at in found.values() for time in at})
    rows = {f"t = {time:g}": f"t = {time:g}" for time in known}
    traces = []
    for place, (condition, at) in enumerate(found.items()):
        values = {time: {r["step"]: r["value"] for r in at.get(time, ())} for time in known}
        z = [[_short(values[time].get(step)) for step in steps] for time in known]
        who = f"<b>{literal(condition)}</b>, %{{y}}, {literal(view.axis)} %{{customdata}}"
        hover = f"{who}<br>DSE(Z) = %{{z:.4g}} bits<extra></extra>"
        traces.append(_heat(z, list(rows), steps, {"panel": place, "meta": condition, "hovertemplate": hover}))
    return Chart(
        title="Clusters that are seen at each diffusion time",
        subtitle=", ".join(filter(None, ["2 to the power of DSE(Z)", layer and f"layer {layer}", rule_words(rule)])),
        kind="map",
        panels=list(found) if len(found) > 1 else [""],
        traces=traces,
        x=view.axis,
        y="clusters",
        powers=True,
        looks=[f"{step:g}" for step in steps],
        rows=rows,
    )


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")


def _columns(steps: Sequence[float]) -> list[float]:
    return [steps[k] for k in evenly(len(steps), MOST)]


def _panel(
    view: View, lines: Sequence[Line | None], layers: Sequence[str], steps: Sequence[float], where: dict[str, Any]
) -> list[Trace]:
    """The map of one condition, and a mark on every value that says nothing about the points."""
    at = [{} if line is None else {step: k for k, step in enumerate(line.steps)} for line in lines]
    z, tops, marks = [], [], []
    for row, (line, places) in enumerate(zip(lines, at, strict=True)):
        found = [places.get(step) for step in steps]
        z.append([None if line is None or k is None else float(f"{line.y[k]:.5g}") for k in found])
        tops.append([None if line is None or k is None else line.tops[k] for k in found])
        marks += [(c, row) for c, k in enumerate(found) if line is not None and k is not None and line.nothing[k]]
    name = next(line.name for line in lines if line is not None)
    who = f"<b>{literal(where['meta'])}</b>, %{{y}}, {literal(view.axis)} %{{customdata}}"
    shares = {top for row in tops for top in row if top is not None}
    top = {"top": shares.pop()} if len(shares) == 1 else {"top": tops} if shares else {}
    hover = f"{who}<br>{literal(name)} = %{{z:.4g}}<extra></extra>"
    names = [literal(layer) for layer in layers]
    return [
        _heat(z, names, steps, {**where, **top, "hovertemplate": hover}),
        *([_marks(marks, names, where)] if marks else []),
    ]


def _heat(z: list[list[float | None]], rows: list[str], steps: Sequence[float], more: dict[str, Any]) -> Trace:
    columns = list(range(len(steps)))
    return {"type": "heatmap", "x": columns, "y": rows, "z": z, "coloraxis": "coloraxis", **more}


def _marks(marks: Sequence[tuple[int, int]], rows: Sequence[str], where: dict[str, Any]) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        **where,
        "x": [column for column, _row in marks],
        "y": [rows[row] for _column, row in marks],
        "marker": {"symbol": "circle-open", "size": 5, "color": "#ffffff", "line": {"width": 1}},
        "hoverinfo": "skip",
    }
