"""The charts of what changed an entropy: scale told apart from shape."""

from __future__ import annotations

from collections.abc import Sequence

from diffspec.runs.compared.view import View
from diffspec.runs.plots.looks import rule_words, unit_words
from diffspec.runs.plots.origins import origins
from diffspec.runs.plots.series import Curve
from diffspec.runs.plots.thinning import outline
from diffspec.runs.report.charts.colours import literal, of_run
from diffspec.runs.report.charts.layout import Chart, Trace

__all__ = ["changes"]

Stretch = Sequence[tuple[float, float, float]]


def changes(view: View, layer: str) -> list[Chart]:
    """What scale and what shape did to the entropy at a fixed width, one chart per condition: of its first run."""
    log, found = view.layers[layer], []
    for condition in view.conditions:
        for rule, scale, shape in log.changes():
            if scale.run == condition.runs[0] and (stretches := origins(scale, shape)):
                found.append(_chart(view, condition.name, (rule, scale), stretches))
    return found


def _chart(view: View, condition: str, what: tuple[str, Curve], stretches: Sequence[tuple[float, Stretch]]) -> Chart:
    rule, scale = what
    since = _words(view.axis, [since for since, _stretch in stretches])
    return Chart(
        title=condition,
        subtitle=f"DSE(Z), {rule_words(rule)}: change {since}",
        traces=[
            trace  # one area per stretch: over a gap, plotly would fill on
            for place, (_since, stretch) in enumerate(stretches)
            for trace in _parts(view, stretch, condition, named=place == 0)
        ],
        x=view.axis,
        y=unit_words(scale.unit),
        zero=True,
        only=condition,
        legend=True,
    )


def _words(axis: str, since: list[float]) -> str:
    """The steps of the snapshots that changes are counted from."""
    steps = [f"{step:g}" for step in dict.fromkeys(since)]
    if len(steps) < 2:
        return f"since {axis} {''.join(steps)}"
    return f"since {axis} {', '.join(steps[:-1])} and {steps[-1]}, each in a curve of its own"


def _parts(view: View, stretch: Stretch, condition: str, *, named: bool) -> list[Trace]:
    """The two parts as areas down to 0, and their sum."""
    kept = [stretch[k] for k in outline([one + other for _x, one, other in stretch])]
    colour = of_run(view.looks[condition])
    drawn = (
        ("by scale", [part for _x, part, _shape in kept], {"color": "#8b929c", "width": 1.8}, "#8b929c"),
        ("by shape", [part for _x, _scale, part in kept], {"color": colour, "width": 1.8}, colour),
        ("both", [one + other for _x, one, other in kept], {"color": "@ink", "width": 1.4, "dash": "dot"}, None),
    )
    return [
        {
            "type": "scatter",
            "mode": "lines+markers" if len(kept) <= 40 and fill else "lines",
            "name": name,
            "meta": condition,
            "showlegend": named,
            "x": [x for x, _scale, _shape in kept],
            "y": values,
            "line": line,
            "marker": {"size": 4},
            **({"fill": "tozeroy", "fillcolor": f"{fill}/.2"} if fill else {}),
            "hovertemplate": f"<b>{literal(condition)}</b>, {literal(view.axis)} %{{x}}<br>"
            f"{name}: %{{y:+.3f}} bit<extra></extra>",
        }
        for name, values, line, fill in drawn
    ]
