"""What a chart and a section of the report are: plain values, which the page draws."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = ["Chart", "Chip", "Section", "Trace"]

Trace: TypeAlias = dict[str, Any]
"""A trace of plotly.js, and beside it `panel`, the number of its panel; `meta`, its condition; `top`, the most that its
values can be. A colour may be "@ink", which follows the ground."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart of one or more panels: its words, plotly's traces, and what its axes are called."""

    title: str
    subtitle: str
    traces: list[Trace]
    panels: list[str] = field(default_factory=lambda: [""])
    """A title per panel."""
    kind: str = "lines"
    """lines, map (rows by looks), log (both axes) or plane (no axes, one unit as long in both directions)."""
    x: str = ""
    y: str = ""
    least: float = 0.0
    """The vertical axis spans this much at least: noise must not look like a course."""
    zero: bool = False
    """Whether the vertical axis has 0."""
    looks: list[str] = field(default_factory=list)
    """Of a map, what each column is called."""
    rows: dict[str, str] = field(default_factory=dict)
    """Of a map, the short name of each row, from below."""
    powers: bool = False
    """Of a map, that its values are logarithms to the base 2, which the scale of colours undoes."""
    only: str = ""
    """The condition with which the whole chart is hidden."""
    legend: bool = False
    """Whether the names of the traces stand above them."""
    classes: dict[str, str] = field(default_factory=dict)
    """The colour of each class that traces point to by its place."""

    def plain(self) -> dict[str, Any]:
        """What the page is given, without what is empty."""
        names = ("traces", "panels", "kind", "x", "y", "least", "zero", "looks", "rows", "powers", "legend", "classes")
        return {name: value for name in names if (value := getattr(self, name))}


@dataclass(frozen=True, slots=True)
class Chip:
    """A name in a legend and its colour."""

    name: str
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Charts under one heading; `columns` of them side by side where there is room."""

    key: str
    title: str
    note: str
    columns: int
    charts: list[Chart]
    folded: bool = False
    chips: list[Chip] = field(default_factory=list)
