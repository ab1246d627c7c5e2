"""How runs, rules and measures look in every figure: colours, markers and words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["SCALE_FREE", "Style", "brief", "briefly", "quantity", "rule_words", "styles", "unit_words"]

# Rules whose values do not follow the scale of the embedding; logs of older versions have the second.
SCALE_FREE = ("neighbors", "median")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How one run is drawn: its colour, its marker in matplotlib and in plotly, and as a sign in text."""

    colour: str
    marker: str
    symbol: str
    sign: str


# The paper's colours and markers for its three conditions, found by a word in the name of the run.
PAPER = (
    (("wrong", "overfit", "memor", "random label"), Style(colour="#c62f3b", marker="*", symbol="star", sign="★")),
    (("contrastive", "simclr"), Style(colour="#23262b", marker="s", symbol="square", sign="■")),
    (("supervised",), Style(colour="#2a6fbb", marker="o", symbol="circle", sign="●")),
)
OTHERS = (
    Style(colour="#c9771c", marker="D", symbol="diamond", sign="◆"),
    Style(colour="#2c8a57", marker="^", symbol="triangle-up", sign="▲"),
    Style(colour="#7b59a8", marker="v", symbol="triangle-down", sign="▼"),
    Style(colour="#14878c", marker="P", symbol="cross", sign="✚"),
    Style(colour="#b34f87", marker="X", symbol="x", sign="✖"),
    Style(colour="#86653c", marker="p", symbol="pentagon", sign="⬟"),
)


def styles(runs: Iterable[str]) -> dict[str, Style]:
    """A style for every run: the paper's for its conditions (the first run of each), others in turn."""
    chosen: dict[str, Style] = {}
    others = 0
    for run in runs:
        style = next((style for words, style in PAPER if any(word in run.lower() for word in words)), None)
        if style is None or style in chosen.values():
            style, others = OTHERS[others % len(OTHERS)], others + 1
        chosen[run] = style
    return chosen


def rule_words(rule: str) -> str:
    """A bandwidth rule in words, for captions."""
    if rule == "sigma = 10":
        return "fixed sigma = 10, as published"
    if rule == "neighbors":
        return "scale-free neighbour graph, t = 3"
    if rule == "median":
        return "scale-free sigma, median rule"
    return rule


def brief(name: str, most: int) -> str:
    """Of a name of more than `most` letters the beginning and the end."""
    return name if len(name) <= most else f"{name[: (most - 1) // 2]}…{name[len(name) - most // 2 :]}"


def briefly(names: Iterable[str], most: int) -> dict[str, str]:
    """`names` in at most so many letters each: cut in the middle, or where two would look alike at the end or start."""
    names = list(names)
    middle = {name: brief(name, most) for name in names}
    end = {name: name if len(name) <= most else f"{name[: most - 1]}…" for name in names}
    start = {name: name if len(name) <= most else f"…{name[len(name) - most + 1 :]}" for name in names}
    return max((middle, end, start), key=lambda cut: len(set(cut.values())))


def quantity(name: str) -> str:
    """The name of a measure or scalar as a title."""
    words = name.replace("_", " ")
    return words if "(" in words else words[:1].upper() + words[1:]


def unit_words(unit: str) -> str:
    """A unit as the title of an axis."""
    return "bits" if unit == "bit" else unit
