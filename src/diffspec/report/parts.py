"""The charts of what changed an entropy: scale told apart from shape."""

from __future__ import annotations

from html import escape

from diffspec.plots.looks import Style, rule_words, styles, unit_words
from diffspec.plots.series import Curve, Log
from diffspec.report.layout import Chart, Section, Trace

__all__ = ["changes"]


def changes(log: Log) -> Section:
    """What scale and what shape did to the entropy at a fixed width, one chart per condition."""
    looks, found = styles(log.runs), log.changes()
    charts: list[Chart | None] = [
        Chart(
            title=scale.run,
            subtitle=f"DSE(Z), {rule_words(rule)}: change since epoch {_since(scale):g}",
            traces=_parts(scale, shape, looks[scale.run]),
            x="epoch",
            y=unit_words(scale.unit),
            run=scale.run,
            legend=True,
        )
        for rule, scale, shape in found
    ]
    return Section(
        key="change",
        title="Scale told apart from shape",
        note="How far the entropy at a fixed kernel width has moved, and why. Grey: what growth of the embedding alone "
        "does to it. Coloured: what is left, the change of shape. The two add up to the whole change, dotted.",
        columns=max(1, min(3, len(charts))),
        charts=charts,
    )


def _since(curve: Curve) -> float:
    """The step of the snapshot that changes are counted from."""
    since = (curve.records[-1].get("settings") or {}).get("since", 0)
    return float(since) if isinstance(since, int | float) else 0.0


def _parts(scale: Curve, shape: Curve, look: Style) -> list[Trace]:
    """The two parts as areas down to 0, and their sum."""
    by_shape = dict(zip(shape.x, shape.values, strict=True))
    both = [(x, value, by_shape[x]) for x, value in zip(scale.x, scale.values, strict=True) if x in by_shape]
    drawn = (
        ("by scale", [part for _x, part, _shape in both], {"color": "#8b929c", "width": 1.8}, "#8b929c33"),
        ("by shape", [part for _x, _scale, part in both], {"color": look.colour, "width": 1.8}, look.colour + "33"),
        ("both", [one + other for _x, one, other in both], {"color": "#1d2126", "width": 1.4, "dash": "dot"}, None),
    )
    run, unit = escape(scale.run), escape(scale.unit)
    return [
        {
            "type": "scatter",
            "mode": "lines+markers" if len(both) <= 40 and fill else "lines",
            "name": name,
            "meta": scale.run,
            "x": [x for x, _scale, _shape in both],
            "y": values,
            "line": line,
            "marker": {"size": 4},
            **({"fill": "tozeroy", "fillcolor": fill} if fill else {}),
            "hovertemplate": f"<b>{run}</b>, epoch %{{x}}<br>{name}: %{{y:+.3f}} {unit}<extra></extra>",
        }
        for name, values, line, fill in drawn
    ]
