"""Charts that are not over the steps: the information plane, spectra, and pictures of the embedding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from diffspec.runs.compared.lines import Line
from diffspec.runs.compared.view import View
from diffspec.runs.log import Record
from diffspec.runs.plots.looks import rule_words
from diffspec.runs.plots.series import Log, by_step, class_numbers
from diffspec.runs.plots.thinning import evenly, log_spaced
from diffspec.runs.report.charts.colours import classes, in_order, literal
from diffspec.runs.report.charts.layout import Chart, Chip, Trace
from diffspec.runs.report.charts.measures import FEW_LAYERS, look_of, panels_of

__all__ = ["information_planes", "pictures", "spectra"]

PAIRS = (("DSMI(Z;X)", "DSMI(Z;Y)"), ("adjusted DSMI(Z;X)", "adjusted DSMI(Z;Y)"))

FEW_LOOKS = 8  # of each of many layers in one plane
SPECTRA = 6  # of one chart: as many as can be told apart

PICTURES, DOTS = 5, 1000  # side by side, and points of each
CHIPS = 24  # more classes make no legend
ALL_PICTURES = 300  # of a page: each is about 8 kB

GRAIN = 1000
"""A picture is some 250 pixels wide, so its places are whole thousandths of that."""


def information_planes(view: View) -> list[Chart]:
    """What layers tell of the inputs and of the labels, look by look."""
    charts = []
    for x_name, y_name in PAIRS:
        for rule in view.rules:
            x = {(line.condition, line.layer): line for line in view.lines(x_name, rule)}
            y = [line for line in view.lines(y_name, rule) if (line.condition, line.layer) in x]
            if any(len(line.y) > 1 for line in y) or len(y) > 1:
                charts.append(_plane(view, x, y, rule))
    return charts


def _plane(view: View, x: dict[tuple[str, str], Line], y: Sequence[Line], rule: str) -> Chart:
    panels = panels_of(view, y)
    crowded, layered = len(y) > FEW_LAYERS * len(panels), len({line.layer for line in y}) > 1
    traces = [
        {
            "panel": panels.index(line.condition) if len(panels) > 1 else 0,
            **_path(view, x[line.condition, line.layer], line, crowded=crowded, layered=layered),
        }
        for line in y
    ]
    return Chart(
        title="Information plane" + (", adjusted" if y[0].name.startswith("adjusted") else ""),
        subtitle=rule_words(rule),
        panels=panels,
        traces=traces,
        x=f"{x[y[0].condition, y[0].layer].name}, bits",
        y=f"{y[0].name}, bits",
    )


def _path(view: View, x: Line, y: Line, *, crowded: bool, layered: bool) -> dict[str, Any]:
    """One layer's way through the plane: hollow at its first look, large at its last."""
    known = dict(zip(x.steps, x.y, strict=True))
    places = [k for k, step in enumerate(y.steps) if step in known]
    few = log_spaced([y.steps[k] for k in places], FEW_LOOKS) if crowded else evenly(len(places))
    kept = [places[k] for k in few]
    colour, look = look_of(view, y, layered=layered)
    who = ", ".join(literal(part) for part in (y.condition, y.layer) if part)
    values = "X: %{x:.3g}, Y: %{y:.3g} bits<extra></extra>"
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "meta": y.condition,
        "name": literal(y.layer or y.condition),
        "x": [float(f"{known[y.steps[k]]:.5g}") for k in kept],
        "y": [float(f"{y.y[k]:.5g}") for k in kept],
        "customdata": [y.steps[k] for k in kept],
        "line": {"color": colour, "width": 1.2},
        "marker": {
            "symbol": look.symbol,
            "color": ["@ground"] + [colour] * (len(kept) - 1) if len(kept) > 1 else colour,
            "size": [6, *[0 if crowded else 4] * (len(kept) - 2), 10] if len(kept) > 1 else 9,
            "line": {"color": colour, "width": 1.3},
            "opacity": 1,
        },
        "hovertemplate": f"<b>{who}</b>, {literal(view.axis)} %{{customdata}}<br>{values}",
    }


def spectra(view: View, layer: str) -> list[Chart]:
    """Leading eigenvalues at the first look, log-spaced ones and the last: one chart per rule."""
    log = view.layers[layer]
    charts = []
    for rule in log.rules("spectrum"):
        found = {c.name: by_step(log.of("spectrum", rule=rule, run=c.runs[0])) for c in view.conditions}
        found = {name: records for name, records in found.items() if records}
        rows = {name: [rs[k] for k in log_spaced([r["step"] for r in rs], SPECTRA)] for name, rs in found.items()}
        if rows:
            charts.append(_spectra(view, rows, rule))
    return charts


def _spectra(view: View, rows: dict[str, list[Record]], rule: str) -> Chart:
    alike = len({tuple(record["step"] for record in records) for records in rows.values()}) == 1
    traces = [
        _spectrum(view, record, {"panel": place, "meta": name, "showlegend": alike and place == 0}, colour)
        for place, (name, records) in enumerate(rows.items())
        for record, colour in zip(records, in_order(len(records)), strict=True)
    ]
    return Chart(
        title="Eigenvalues",
        subtitle=rule_words(rule) + ("" if alike else f", from the first {view.axis} in violet to the last in red"),
        kind="log",
        panels=list(rows) if len(rows) > 1 else [""],
        traces=traces,
        x="rank",
        y="eigenvalue",
        legend=alike,
    )


def _spectrum(view: View, record: Record, where: dict[str, Any], colour: str) -> Trace:
    when = f"{literal(view.axis)} {record['step']:g}"
    return {
        "type": "scatter",
        "mode": "lines",
        "name": when,
        **where,
        "x": list(range(1, len(record["values"]) + 1)),
        "y": [float(f"{value:.4g}") for value in record["values"]],
        "line": {"color": colour, "width": 1.7},
        "hovertemplate": f"<b>{literal(where['meta'])}</b>, {when}<br>eigenvalue %{{x}}: %{{y:.4g}}<extra></extra>",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """The pictures of one layer, a chart per condition, what was left out, and the legend of the classes."""

    charts: list[Chart]
    chips: list[Chip]
    note: str


def pictures(view: View, layer: str) -> Pictures:
    """The embedding at the first look, log-spaced ones and the last."""
    most = max(2, min(PICTURES, ALL_PICTURES // max(1, len(view.layers) * len(view.conditions))))
    log = view.layers[layer]
    rows = {c.name: _chosen(log, c.runs[0], most) for c in view.conditions}
    shown = [record for records in rows.values() for record in records]
    numbers = class_numbers(shown)
    palette = classes(list(numbers))
    charts = [_picture_row(view, name, records, (numbers, palette)) for name, records in rows.items() if records]
    methods = sorted({str(record.get("method") or "") for record in shown} - {""})
    coloured = ", coloured by class" if numbers else ""
    words = [f"{' and '.join(methods) or 'Points'}{coloured}; every picture in its own scale."]
    if any(len(record["x"]) > DOTS for record in shown):
        words.append(f"Of each {DOTS} points are drawn.")
    if len(palette) > CHIPS:
        words.append(f"{len(palette)} classes: point at a dot for its name.")
    chips = [Chip(name, colour) for name, colour in palette.items()] if len(palette) <= CHIPS else []
    return Pictures(charts=charts, chips=chips, note=" ".join(words))


def _chosen(log: Log, run: str, most: int) -> list[Record]:
    records = by_step(log.of("picture", run=run))
    return [records[k] for k in log_spaced([record["step"] for record in records], most)]


def _picture_row(
    view: View, condition: str, records: Sequence[Record], colours: tuple[dict[str, int], dict[str, str]]
) -> Chart:
    numbers, palette = colours
    return Chart(
        title=condition,
        subtitle="",
        kind="plane",
        panels=[f"{view.axis} {record['step']:g}" for record in records],
        traces=[_picture(record, condition, k, numbers) for k, record in enumerate(records)],
        only=condition,
        classes={literal(name): colour for name, colour in palette.items()},
    )


def _picture(record: Record, condition: str, panel: int, numbers: dict[str, int]) -> Trace:
    names = [str(name) for name in record.get("classes") or ()]
    kept = evenly(len(record["x"]), DOTS)
    x, y = _grains([record["x"][k] for k in kept], [record["y"][k] for k in kept])
    coloured = len(names) == len(record["x"])
    return {
        "type": "scatter",
        "mode": "markers",
        "panel": panel,
        "meta": condition,
        "x": x,
        "y": y,
        "marker": {"size": 4, "opacity": 0.8, "color": "#7f8894"},
        **({"classes": [numbers[names[k]] for k in kept]} if coloured else {}),
        "hovertemplate": "%{text}<extra></extra>" if coloured else "<extra></extra>",
    }


def _grains(x: Sequence[float], y: Sequence[float]) -> tuple[list[int], list[int]]:
    """Both coordinates as whole numbers of one unit, from their lowest on."""
    if not x:
        return [], []
    unit = max(max(x) - min(x), max(y) - min(y)) / GRAIN or 1.0
    low_x, low_y = min(x), min(y)
    return [round((value - low_x) / unit) for value in x], [round((value - low_y) / unit) for value in y]
