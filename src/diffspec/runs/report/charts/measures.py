"""Charts of measures: layers or conditions as lines, or maps of layers by looks where there are many layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from diffspec.runs.compared.lines import Line
from diffspec.runs.compared.view import View
from diffspec.runs.plots.looks import Style, quantity, rule_words, unit_words
from diffspec.runs.plots.series import DISTANCE, STEP
from diffspec.runs.plots.thinning import evenly, outline
from diffspec.runs.report.charts.colours import in_order, literal, of_run
from diffspec.runs.report.charts.layout import Chart, Chip, Trace
from diffspec.runs.report.charts.maps import mapped

__all__ = ["FEW_LAYERS", "ceiling_words", "chips", "measured"]

FEW_LAYERS = 8
"""As many lines as can be told apart in one panel; more layers make a map."""

FEW_PANELS = 9  # of more conditions one layer is drawn, and they are lines

FEW_LOOKS = 40  # of which each has a marker and its error

PLAIN = Style(colour="#5f6670", marker="o", symbol="circle", sign="●")


def measured(view: View, lines: Sequence[Line], *, rule: str | None, against: str = STEP) -> Chart | None:
    """The chart of one measure; None where there is nothing to draw."""
    if not lines:
        return None
    lines, alone = _of_one_layer(lines)
    name, words = lines[0].name, "" if rule is None else rule_words(rule)
    title, subtitle = quantity(name), ", ".join(filter(None, [words, alone, ceiling_words(lines)]))
    if len({line.layer for line in lines}) > FEW_LAYERS and against == STEP:
        return mapped(view, lines, title=title, subtitle=subtitle)
    panels, layered = panels_of(view, lines), len({line.layer for line in lines}) > 1
    return Chart(
        title=title,
        subtitle=subtitle,
        panels=panels,
        traces=[trace for line in lines for trace in _traces(view, line, panels, against, layered=layered)],
        x=view.axis if against == STEP else against,
        y=unit_words(lines[0].unit),
        least=_least(lines),
    )


def _of_one_layer(lines: Sequence[Line]) -> tuple[Sequence[Line], str]:
    """Of more conditions than there can be panels the layer that most of them have, the last of several, in words."""
    counts = Counter(line.layer for line in lines)
    if len(counts) == 1 or len({line.condition for line in lines}) <= FEW_PANELS:
        return lines, ""
    layer = max(reversed(counts), key=counts.__getitem__)
    return [line for line in lines if line.layer == layer], f"layer {layer} of {len(counts)}"


def panels_of(view: View, lines: Sequence[Line]) -> list[str]:
    """One panel where lines are conditions, or layers of the only one; else one per condition."""
    held = {line.condition for line in lines}
    several = len({line.layer for line in lines}) > 1 and len(held) > 1
    return [condition.name for condition in view.conditions if condition.name in held] if several else [""]


def chips(view: View) -> list[Chip]:
    """The legend of layers, where lines are layers; conditions have the buttons of the page."""
    if not 1 < len(view.layers) <= FEW_LAYERS:
        return []
    return [Chip(view.short[name], colour) for name, colour in layer_colours(view).items()]


def layer_colours(view: View) -> dict[str, str]:
    """A colour per layer, by its depth."""
    names = list(view.layers)
    return dict(zip(names, in_order(len(names)), strict=True))


def look_of(view: View, line: Line, *, layered: bool) -> tuple[str, Style]:
    """Colour and marker of a line: those of its layer where others are of other layers, else those of its condition."""
    look = view.looks.get(line.condition, PLAIN)
    if layered:
        return layer_colours(view)[line.layer], PLAIN
    return of_run(look), look


def ceiling_words(lines: Sequence[Line]) -> str:
    """The most that the values can be, where it is one number."""
    tops = {line.top for line in lines}
    top = tops.pop() if len(tops) == 1 else None
    if top is None:
        return ""
    name = lines[0].name
    if name.startswith("DSE"):
        return f"at most log2 n = {top:.4g}"
    return f"at most H({name[-2]}) = {top:.4g}" if name.endswith((";Y)", ";X)")) else f"at most {top:.4g}"


def _least(lines: Sequence[Line]) -> float:
    """A fiftieth of the most that there can be, or six errors: a smaller span would show noise."""
    tops = [top for line in lines for top in line.tops if top]
    errors = sorted(error for line in lines for error in line.errors if error)
    return max(0.02 * max(tops, default=0.0), 6.0 * errors[len(errors) // 2] if errors else 0.0)


def _traces(view: View, line: Line, panels: Sequence[str], against: str, *, layered: bool) -> list[Trace]:
    """The band over the seeds, if there are several, and the line."""
    colour, look = look_of(view, line, layered=layered)
    kept = outline(line.y) if against == STEP else evenly(len(line.y))
    where = {"panel": panels.index(line.condition) if len(panels) > 1 else 0, "meta": line.condition}
    x, y = ([_digits(values[k]) for k in kept] for values in (line.x, line.y))
    trace = {
        "type": "scatter",
        "mode": "lines+markers" if len(kept) <= FEW_LOOKS or against != STEP else "lines",
        "name": literal(line.layer if layered else line.condition),
        **where,
        "x": x,
        "y": y,
        **_tops(line, kept),
        **_errors(line, kept, colour),
        "line": {"color": colour, "width": 1.0 if against != STEP else 1.9},
        **({"opacity": 0.9} if against != STEP else {}),
        "marker": _marker(line, kept, look, colour),
        "text": [_hover(line, k) for k in kept],
        "hovertemplate": _hover_all(view, line, against),
        **({"customdata": [line.steps[k] for k in kept]} if against != STEP else {}),
    }
    return [*_band(line, kept, colour, where), trace]


def _band(line: Line, kept: Sequence[int], colour: str, where: dict[str, Any]) -> list[Trace]:
    if not line.low:
        return []
    forth, back = list(kept), list(reversed(kept))
    edge = [line.high[k] for k in forth] + [line.low[k] for k in back]
    return [
        {
            "type": "scatter",
            "mode": "lines",
            **where,
            "x": [_digits(line.x[k]) for k in forth + back],
            "y": [_digits(value) for value in edge],
            **_tops(line, forth + back),
            "fill": "toself",
            "fillcolor": colour,
            "opacity": 0.16,
            "line": {"width": 0},
            "hoverinfo": "skip",
        }
    ]


def _tops(line: Line, kept: Sequence[int]) -> dict[str, Any]:
    """What values are divided by to be shares."""
    tops = [line.tops[k] for k in kept]
    if not all(tops):
        return {}
    return {"top": tops[0] if len(set(tops)) == 1 else tops}


def _errors(line: Line, kept: Sequence[int], colour: str) -> dict[str, Any]:
    if not any(line.errors) or len(kept) > FEW_LOOKS:
        return {}
    array = [float(f"{line.errors[k]:.3g}") for k in kept]
    return {"error_y": {"type": "data", "width": 0, "thickness": 1.2, "color": colour, "array": array}}


def _marker(line: Line, kept: Sequence[int], look: Style, colour: str) -> dict[str, Any]:
    """Hollow where the value says nothing about the points."""
    hollow = [line.nothing[k] for k in kept]
    fill: Any = ["@ground" if flag else colour for flag in hollow] if any(hollow) else colour
    size = (10 if look.symbol == "star" else 7) if len(kept) <= FEW_LOOKS else 4
    return {"symbol": look.symbol, "size": size, "color": fill, "opacity": 1, "line": {"color": colour, "width": 1.3}}


def _digits(value: float) -> float:
    """Six digits: a chart shows three, and a log may hold a hundred thousand values."""
    return value if isinstance(value, int) else float(f"{value:.6g}")


def _hover_all(view: View, line: Line, against: str) -> str:
    """What the pointer shows of every value of a line; each adds its own text."""
    step = "%{x}" if against == STEP else "%{customdata}"
    who = ", ".join(literal(part) for part in (line.condition, line.layer) if part)
    mean = f"<br>mean of {line.seeds} seeds" if line.seeds > 1 else ""
    most = f"<br>of at most {line.top:.4g}" if line.top else ""
    value = f"{literal(line.name)} = %{{y:.4g}}%{{text}}"
    return f"<b>{who}</b>, {literal(view.axis)} {step}<br>{value}{most}{mean}<extra></extra>"


def _hover(line: Line, k: int) -> str:
    """What the pointer shows of one value only."""
    if line.low:
        return f" ({line.low[k]:.4g} to {line.high[k]:.4g})"
    lines = [f" ± {line.errors[k]:.2g}" if line.errors[k] else ""]
    if line.top is None and line.tops[k]:
        lines.append(f"of at most {line.tops[k]:.4g}")
    if line.sigmas[k] is not None and line.name != DISTANCE:
        lines.append(f"sigma = {line.sigmas[k]:.4g}")
    if line.verdicts[k] not in ("", "informative"):
        lines += [f"<i>{literal(part)}</i>" for part in wrap(line.verdicts[k], 52)]
    return "<br>".join(lines)
