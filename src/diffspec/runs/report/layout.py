"""What a chart and a section of the report are: plain values, which the page draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["Chart", "Section", "Trace"]

Trace: TypeAlias = dict[str, Any]
"""A trace of plotly.js."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart: its words, plotly's traces, and what its axes are called."""

    title: str
    subtitle: str
    traces: list[Trace]
    x: str = ""
    y: str = ""
    scale: str = "linear"
    """Of both axes: linear or log."""
    plane: bool = False
    """Without axes, one unit as long in both directions."""
    run: str = ""
    """The condition with which the whole chart is hidden."""
    legend: bool = False
    """Whether the names of the traces stand above them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Charts under one heading; `columns` of them side by side where there is room."""

    key: str
    title: str
    note: str
    columns: int
    charts: list[Chart | None]
    """Row by row; None leaves a place empty."""
