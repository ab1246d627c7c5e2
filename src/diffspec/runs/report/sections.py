"""The sections of the page, from the whole to the parts: what all layers did, then each layer by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diffspec.runs.compared.view import View
from diffspec.runs.plots.looks import quantity, rule_words
from diffspec.runs.plots.series import DISTANCE, STEP
from diffspec.runs.report.charts.layout import Chart, Section
from diffspec.runs.report.charts.maps import times
from diffspec.runs.report.charts.measures import FEW_LAYERS, chips, measured
from diffspec.runs.report.charts.parts import changes
from diffspec.runs.report.charts.planes import information_planes, pictures, spectra
from diffspec.runs.report.tables import Row, final_values, how_measured

__all__ = ["Layer", "layers", "opening", "whole"]

OPEN = 12
"""Charts of measures that are shown at once; of more, and of maps, those of further rules are folded."""


def opening(view: View) -> list[Chart]:
    """All layers and conditions in one picture of two measures."""
    found = [measured(view, view.lines(name, rule), rule=rule) for name, rule in view.opening]
    return [chart for chart in found if chart is not None] or _passed_in(view)


def whole(view: View) -> list[Section]:
    """What is shown of all layers together; sections that the log has nothing for are left out."""
    return [section for section in (*_measures(view), _planes(view), _times(view), _scale(view)) if section.charts] + [
        section for section in _against(view) if section.charts
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer by itself: its sections and tables."""

    name: str
    sections: list[Section]
    values: list[Row]
    measured: list[Row]


def layers(view: View) -> list[Layer]:
    """Every layer by itself."""
    return [
        Layer(
            name=name,
            sections=[
                section
                for section in (_pictures(view, name), _spectra(view, name), _changes(view, name))
                if section.charts
            ],
            values=final_values(log),
            measured=how_measured(log),
        )
        for name, log in view.layers.items()
    ]


def _measures(view: View) -> list[Section]:
    """A section per rule, those that are free of scale first."""
    found = []
    many = sum(len(view.measures(rule)) for rule in view.rules) > OPEN or len(view.layers) > FEW_LAYERS
    for place, rule in enumerate(view.rules):
        charts = _charts(view, rule, STEP)
        found.append(
            Section(
                key=_key("measures", place),
                title=_title("Measures", rule),
                note="Hollow: the value says nothing about the points (its kernel is saturated or collapsed, or chance "
                "gives as much). Bars and bands: one standard error, and the range over seeds.",
                columns=_columns(charts),
                charts=charts,
                folded=many and place > 0,
                chips=chips(view),
            )
        )
    return found


def _key(name: str, place: int) -> str:
    return name if place == 0 else f"{name}-{place + 1}"


def _title(words: str, rule: str) -> str:
    return ", ".join(filter(None, [words, rule_words(rule)]))


def _columns(charts: Sequence[Chart]) -> int:
    """Charts side by side: one where each has panels for several runs, two of maps, else three or four."""
    if any(len(chart.panels) > 1 for chart in charts):
        return 1
    most = 2 if any(chart.kind == "map" for chart in charts) else 4 if len(charts) == 4 else 3
    return max(1, min(most, len(charts)))


def _charts(view: View, rule: str, against: str) -> list[Chart]:
    found = [
        measured(view, view.lines(name, rule, against), rule=None, against=against) for name in view.measures(rule)
    ]
    return [chart for chart in found if chart is not None]


def _against(view: View) -> list[Section]:
    if not view.against:
        return []
    return [
        Section(
            key=_key("accuracy", place),
            title=_title(f"Against {quantity(view.against).lower()}", rule),
            note=f"The same values over {view.against!r} of the same {view.axis}; the line joins the looks in order.",
            columns=3,
            charts=_charts(view, rule, view.against),
            folded=True,
            chips=chips(view),
        )
        for place, rule in enumerate(view.rules)
    ]


def _planes(view: View) -> Section:
    charts = information_planes(view)
    return Section(
        key="plane",
        title="Information plane",
        note="Across: what Z shares with clusters of the inputs. Up: what it shares with the labels. Hollow: the first "
        "look; large: the last.",
        columns=_columns(charts),
        charts=charts,
        folded=not any(len(view.lines("DSMI(Z;Y)", rule)) > 1 for rule in view.rules),
        chips=chips(view),
    )


def _times(view: View) -> Section:
    charts = times(view)
    return Section(
        key="times",
        title="Over the diffusion times",
        note="The longer the walk, the coarser the view: how many clusters are left at each time. A row that stays as "
        "it is while others move tells at which size of cluster the training works.",
        columns=_columns(charts),
        charts=charts,
    )


def _scale(view: View) -> Section:
    """The scale of the embedding, without which a fixed width cannot be read, and what the user passed in."""
    distance = measured(view, view.distance, rule=None)
    charts = ([distance] if distance else []) + _passed_in(view)
    return Section(
        key="scale",
        title="Scale of the embedding, and training",
        note=f"A value at a fixed kernel width has to be read beside the {DISTANCE}.",
        columns=_columns(charts),
        charts=charts,
    )


def _passed_in(view: View) -> list[Chart]:
    found = [measured(view, view.scalar(name), rule=None) for name in view.log.scalars]
    return [chart for chart in found if chart is not None]


def _pictures(view: View, layer: str) -> Section:
    found = pictures(view, layer)
    return Section(
        key="picture",
        title="The embedding in the plane",
        note=found.note,
        columns=1,
        charts=found.charts,
        chips=found.chips,
    )


def _spectra(view: View, layer: str) -> Section:
    charts = spectra(view, layer)
    return Section(
        key="spectrum",
        title="Spectrum over time",
        note="Leading eigenvalues of the diffusion operator. A cliff after k of them: k clusters.",
        columns=_columns(charts),
        charts=charts,
    )


def _changes(view: View, layer: str) -> Section:
    charts = changes(view, layer)
    return Section(
        key="change",
        title="Scale told apart from shape",
        note="How far the entropy at a fixed kernel width has moved, and why. Grey: what growth of the embedding alone "
        "does to it. Coloured: what is left, the change of shape. The two add up to the whole change, dotted.",
        columns=max(1, min(3, len(charts))),
        charts=charts,
    )
