"""The charts of the report: sections of plotly.js traces and layouts as plain dictionaries.

The colours of grid, text and axes are the same in every chart and are set by the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import Any

from diffspec.runs.log import Record
from diffspec.runs.plots.looks import Style, quantity, rule_words, styles, unit_words
from diffspec.runs.plots.series import ACCURACY, DISTANCE, STEP, Curve, Log, by_step, class_numbers, evenly
from diffspec.runs.report.layout import Chart, Section, Trace
from diffspec.runs.report.parts import changes

__all__ = ["sections"]

PICTURES = 5  # per condition: as many as fit side by side and can still be told apart

CLASSES = (
    *("#3b76af", "#e08834", "#4d9a4a", "#c63c3b", "#8a68b5"),
    *("#84594e", "#d279b9", "#7f7f7f", "#b8ba3f", "#55b9cb"),
)


def sections(log: Log) -> list[Section]:
    """The sections of one layer; those that the log has nothing for are left out."""
    found = (_against_step(log), _against_accuracy(log), changes(log), _scale(log), _spectra(log), _pictures(log))
    return [section for section in found if any(section.charts)]


def _against_step(log: Log) -> Section:
    return Section(
        key="step",
        title="While training",
        note="Left the fixed kernel width, right what does not follow the scale. Hollow markers: the kernel was "
        "saturated or collapsed, so the value says nothing about the points. Bars: one standard error.",
        columns=len(log.rules()),
        charts=_measured(log, STEP),
    )


def _against_accuracy(log: Log) -> Section:
    return Section(
        key="accuracy",
        title="Against accuracy",
        note="The same values over the accuracy of the same epoch; the faint line joins the epochs in order.",
        columns=len(log.rules()),
        charts=_measured(log, ACCURACY),
    )


def _measured(log: Log, against: str) -> list[Chart | None]:
    """One row per measure, one column per bandwidth rule; rules without the measure leave their place empty."""
    looks = styles(log.runs)
    charts: list[Chart | None] = []
    for name in log.measures:
        found = {rule: log.curves(name, rule=rule, against=against) for rule in log.rules()}
        if any(found.values()):
            charts += [_chart(name, rule_words(r), c, looks, against) if c else None for r, c in found.items()]
    return charts


def _chart(name: str, subtitle: str, curves: list[Curve], looks: dict[str, Style], against: str) -> Chart:
    return Chart(
        title=quantity(name),
        subtitle=subtitle,
        traces=[_curve(curve, looks[curve.run], faint=against != STEP) for curve in curves],
        x="epoch" if against == STEP else against,
        y=unit_words(curves[0].unit),
    )


def _scale(log: Log) -> Section:
    """The scale of the embedding, without which a fixed width cannot be read, and what the user passed in."""
    looks = styles(log.runs)
    distance = log.curves(DISTANCE)
    shown = [(DISTANCE, "between pairs of points", distance)] if distance else []
    shown += [(name, "passed in by the training loop", log.scalar(name)) for name in log.scalars]
    charts: list[Chart | None] = [_chart(name, subtitle, curves, looks, STEP) for name, subtitle, curves in shown]
    return Section(
        key="scale",
        title="Scale of the embedding, and training",
        note="A value at a fixed kernel width has to be read beside the median distance.",
        columns=min(2, len(charts)),
        charts=charts,
    )


def _spectra(log: Log) -> Section:
    looks = styles(log.runs)
    charts: list[Chart | None] = []
    for rule in log.rules("spectrum"):
        ends = log.ends("spectrum", rule=rule)
        last = {record["run"]: record["step"] for record in ends}
        traces = [_spectrum(r, looks[r["run"]], first=r["step"] != last[r["run"]]) for r in ends]
        charts.append(
            Chart(title="Eigenvalues", subtitle=rule_words(rule), traces=traces, x="rank", y="eigenvalue", scale="log")
        )
    return Section(
        key="spectrum",
        title="Spectrum, first and last",
        note="Leading eigenvalues of the diffusion operator. Dotted: first epoch; solid: last epoch.",
        columns=len(charts),
        charts=charts,
    )


def _pictures(log: Log) -> Section:
    rows = [evenly(by_step(log.of("picture", run=run)), PICTURES) for run in log.runs]
    shown = [record for row in rows for record in row]
    classes, methods = class_numbers(shown), sorted({str(record.get("method") or "") for record in shown})
    columns = max(map(len, rows), default=1)
    charts: list[Chart | None] = []
    for row in filter(None, rows):
        charts += [_picture(record, classes) for record in row] + [None] * (columns - len(row))
    return Section(
        key="picture",
        title="The embedding in the plane",
        note=f"{' and '.join(filter(None, methods)) or 'Points'}, coloured by class; every picture in its own scale.",
        columns=columns,
        charts=charts,
    )


def _curve(curve: Curve, look: Style, *, faint: bool) -> Trace:
    """One condition; hollow markers where the kernel was saturated or collapsed."""
    few = len(curve.x) <= 40
    ceilings = {record.get("ceiling") for record in curve.records}
    errors = {"type": "data", "width": 0, "thickness": 1.2, "color": look.colour}
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": escape(curve.run),
        "meta": curve.run,
        "x": [_digits(x) for x in curve.x],
        "y": [_digits(value) for value in curve.values],
        **({"error_y": errors | {"array": [_digits(error) for error in curve.errors]}} if any(curve.errors) else {}),
        "line": {"color": look.colour + ("40" if faint else ""), "width": 1.2 if faint else 1.8},
        "marker": {
            "symbol": look.symbol,
            "size": (10 if look.symbol == "star" else 7) if few else 4,
            **_filling(curve, look),
            "opacity": 1,
            "line": {"color": look.colour, "width": 1.3},
        },
        "text": [_hover(curve, record, alone=len(ceilings) > 1) for record in curve.records],
        "hovertemplate": _hover_all(curve, None if len(ceilings) > 1 else ceilings.pop(), faint=faint),
        **({"customdata": [record["step"] for record in curve.records]} if faint else {}),
    }


def _digits(value: float) -> float:
    """Seven digits: a chart shows three, and a log may hold a hundred thousand values."""
    return value if isinstance(value, int) else float(f"{value:.7g}")


def _filling(curve: Curve, look: Style) -> dict[str, Any]:
    if not any(curve.uninformative):
        return {"color": look.colour}
    scale = [[0, look.colour], [1, "#ffffff"]]
    return {"color": [int(flag) for flag in curve.uninformative], "colorscale": scale, "cmin": 0, "cmax": 1}


def _hover_all(curve: Curve, ceiling: float | None, *, faint: bool) -> str:
    """What the pointer shows of every value of a curve; each adds its own text."""
    step = "%{customdata}" if faint else "%{x}"
    name, unit = _literal(curve.records[-1]["name"]), _literal(curve.unit)
    most = f"<br>of at most {ceiling:.4g} {unit}" if ceiling else ""
    return f"<b>{_literal(curve.run)}</b>, epoch {step}<br>{name} = %{{y:.4g}}%{{text}}{most}<extra></extra>"


def _literal(text: str) -> str:
    """A text of the log inside a template: neither mark-up nor a place to fill."""
    return escape(text).replace("%{", "%&#123;")


def _hover(curve: Curve, record: Record, *, alone: bool) -> str:
    """What the pointer shows of one value only."""
    error = f" ± {record['stderr']:.2g}" if record.get("stderr") else ""
    lines = [f"{error} {escape(curve.unit)}"]
    if alone and record.get("ceiling"):
        lines.append(f"of at most {record['ceiling']:.4g} {escape(curve.unit)}")
    sigma = (record.get("settings") or {}).get("sigma")
    if isinstance(sigma, int | float) and record["name"] != DISTANCE:
        lines.append(f"sigma = {sigma:.4g}")
    verdict = record.get("verdict") or ""
    if verdict and verdict != "informative":
        lines += [f"<i>{escape(line)}</i>" for line in wrap(verdict, 52)]
    return "<br>".join(lines)


def _spectrum(record: Record, look: Style, *, first: bool) -> Trace:
    run, when = str(record["run"]), f"epoch {record['step']:g}"
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escape(run),
        "meta": run,
        "x": list(range(1, len(record["values"]) + 1)),
        "y": record["values"],
        "line": {"color": look.colour, "width": 1.4 if first else 2, "dash": "dot" if first else "solid"},
        "hovertemplate": f"<b>{_literal(run)}</b>, {when}<br>eigenvalue %{{x}}: %{{y:.4g}}<extra></extra>",
    }


def _picture(record: Record, classes: dict[str, int]) -> Chart:
    names = [str(name) for name in record.get("classes") or ()]
    if len(names) != len(record["x"]):
        names = []
    trace = {
        "type": "scatter",
        "mode": "markers",
        "meta": record["run"],
        "x": record["x"],
        "y": record["y"],
        "marker": {"size": 3.5, "opacity": 0.8, "color": _colours(names, classes)},
        "text": [f"class {escape(name)}" for name in names],
        "hovertemplate": ("%{text}" if names else "%{x:.3g}, %{y:.3g}") + "<extra></extra>",
    }
    return Chart(
        title=str(record["run"]),
        subtitle=f"epoch {record['step']:g}",
        traces=[trace],
        plane=True,
        run=str(record["run"]),
    )


def _colours(names: Sequence[str], classes: dict[str, int]) -> list[str] | str:
    return [CLASSES[classes[name] % len(CLASSES)] for name in names] or "#5f6670"
