"""The charts of what changed an entropy: scale told apart from shape."""

from __future__ import annotations

from html import escape

from diffspec.runs.plots.looks import Style, rule_words, styles, unit_words
from diffspec.runs.plots.series import Curve, Log, origins
from diffspec.runs.report.layout import Chart, Section, Trace

__all__ = ["changes"]


def changes(log: Log) -> Section:
    """What scale and what shape did to the entropy at a fixed width, one chart per condition."""
    looks = styles(log.runs)
    found = [(rule, scale, stretches) for rule, scale, shape in log.changes() if (stretches := origins(scale, shape))]
    charts: list[Chart | None] = [
        Chart(
            title=scale.run,
            subtitle=f"DSE(Z), {rule_words(rule)}: change {_words([since for since, _stretch in stretches])}",
            traces=[
                trace  # one area per stretch: over a gap, plotly would fill on
                for place, (_since, stretch) in enumerate(stretches)
                for trace in _parts(stretch, scale, looks[scale.run], named=place == 0)
            ],
            x="epoch",
            y=unit_words(scale.unit),
            run=scale.run,
            legend=True,
        )
        for rule, scale, stretches in found
    ]
    return Section(
        key="change",
        title="Scale told apart from shape",
        note="How far the entropy at a fixed kernel width has moved, and why. Grey: what growth of the embedding alone "
        "does to it. Coloured: what is left, the change of shape. The two add up to the whole change, dotted.",
        columns=max(1, min(3, len(charts))),
        charts=charts,
    )


def _words(since: list[float]) -> str:
    """The steps of the snapshots that changes are counted from."""
    steps = [f"{step:g}" for step in dict.fromkeys(since)]
    if len(steps) < 2:
        return f"since epoch {''.join(steps)}"
    return f"since epochs {', '.join(steps[:-1])} and {steps[-1]}, each in a curve of its own"


def _parts(stretch: list[tuple[float, float, float]], scale: Curve, look: Style, *, named: bool) -> list[Trace]:
    """The two parts as areas down to 0, and their sum."""
    drawn = (
        ("by scale", [part for _x, part, _shape in stretch], {"color": "#8b929c", "width": 1.8}, "#8b929c33"),
        ("by shape", [part for _x, _scale, part in stretch], {"color": look.colour, "width": 1.8}, look.colour + "33"),
        ("both", [one + other for _x, one, other in stretch], {"color": "#1d2126", "width": 1.4, "dash": "dot"}, None),
    )
    run, unit = escape(scale.run), escape(scale.unit)
    return [
        {
            "type": "scatter",
            "mode": "lines+markers" if len(stretch) <= 40 and fill else "lines",
            "name": name,
            "meta": scale.run,
            "showlegend": named,
            "x": [x for x, _scale, _shape in stretch],
            "y": values,
            "line": line,
            "marker": {"size": 4},
            **({"fill": "tozeroy", "fillcolor": fill} if fill else {}),
            "hovertemplate": f"<b>{run}</b>, epoch %{{x}}<br>{name}: %{{y:+.3f}} {unit}<extra></extra>",
        }
        for name, values, line, fill in drawn
    ]
