"""Candidates against each other over all cells: what tells learning from memorising, and what only follows n or seeds.

Everything is counted in movements: how far a number goes from the first epoch to the last in a supervised training,
the median over cells. A spread of a tenth of a movement is small, one of a whole movement hides what is to be seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.lab.drawing import COLOURS, panels
from recipes.lab.log import Cell, select
from recipes.training.claims import curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ADJUSTED", "BARS", "EARLY", "KNOWN", "Judged", "area", "figure", "judge", "movement", "numbers", "table"]

ADJUSTED = "adjusted DSMI(Z;Y), neighbors"
KNOWN = ("accuracy", "train accuracy", ADJUSTED)
"""What is known without the entropy, judged beside it."""

EARLY = (1, 2, 4)
"""Epochs at which every cell was looked at, early in it."""

BARS = {"order": 0.9, "seeds": 0.25, "points": 0.25, "scale": 1e-3}
"""What a number has to reach besides telling the conditions apart: set before any was judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One candidate. Numbers are NaN where nothing was found to compute them from."""

    name: str
    early: tuple[float, ...]
    """Of two networks, one that learns and one that memorises, how often the learning one is told, at EARLY."""
    changed: tuple[float, ...]
    """The same of the change since before training."""
    end: float
    order: float
    """Rank correlation with the epoch in supervised training, the median over cells, by size."""
    agree: float
    """The share of supervised cells in which it has the sign that most have."""
    seeds: float
    """Spread over seeds of the last value, in movements."""
    points: float
    """What three times as many points change at the last look, in movements."""
    scale: float
    """What multiplying the points changes, relative to the value."""

    def passes(self, accuracy: Judged) -> dict[str, bool]:
        """What a default would have to do, one by one."""
        best = [max(pair) for pair in zip(self.early, self.changed, strict=True)]
        return {
            "apart": all(ours >= theirs for ours, theirs in zip(best[:2], accuracy.early[:2], strict=True)),
            "order": self.order >= BARS["order"] and self.agree >= BARS["order"],
            "seeds": self.seeds <= BARS["seeds"],
            "points": self.points <= BARS["points"],
            "scale": self.scale <= BARS["scale"],
        }


def judge(cells: Sequence[Cell], name: str) -> Judged:
    """What the number `name` does over all `cells`."""
    learning = select(cells, condition="supervised")
    moved = movement(learning, name) or math.nan  # of a number that stays there are no shares
    ranks = [_order(cell, name) for cell in learning]
    known = [rank for rank in ranks if not math.isnan(rank)]
    sign = np.sign(np.median(known)) if known else math.nan
    end = _apart(cells, name, None)
    flip = end < 0.5
    return Judged(
        name=name,
        early=tuple(_turned(_apart(cells, name, epoch), flip) for epoch in EARLY),
        changed=tuple(_turned(_apart(cells, name, epoch, since=0), flip) for epoch in EARLY),
        end=_turned(end, flip),
        order=abs(float(np.median(known))) if known else math.nan,
        agree=float(np.mean(np.sign(known) == sign)) if known else math.nan,
        seeds=_over_seeds(cells, name) / moved,
        points=_over_points(cells, name) / moved,
        scale=_by_scale(cells, name),
    )


def movement(cells: Sequence[Cell], name: str) -> float:
    """How far the number goes from the first epoch to the last, the median over `cells`."""
    return _median(abs(values[-1] - values[0]) for values in (_later(cell, name)[1] for cell in cells) if len(values))


def area(learning: Sequence[float], memorising: Sequence[float]) -> float:
    """How often a value of `learning` is above one of `memorising`, ties half: the area under the ROC curve."""
    one, other = np.asarray(learning)[:, None], np.asarray(memorising)[None, :]
    return float(np.mean(one > other) + np.mean(one == other) / 2) if one.size and other.size else math.nan


def _apart(cells: Sequence[Cell], name: str, epoch: int | None, *, since: int | None = None) -> float:
    """The area at `epoch`, or at the last look; within each data set, then the mean over them."""
    found = []
    for data in dict.fromkeys(cell.key["data"] for cell in cells):
        values = [
            [_at(cell, name, epoch, since) for cell in select(cells, data=data, condition=condition)]
            for condition in ("supervised", "wrong labels")
        ]
        found.append(area(*([value for value in some if value is not None] for some in values)))
    return float(np.mean(found)) if found else math.nan


def _at(cell: Cell, name: str, epoch: int | None, since: int | None) -> float | None:
    """The number at `epoch`, less that at `since`."""
    if name not in cell.values:
        return None
    values = dict(zip(cell.values["looks"], cell.values[name], strict=True))
    found = values.get(cell.values["looks"][-1] if epoch is None else epoch)
    before = 0.0 if since is None else values.get(since)
    return None if found is None or before is None else found - before


def _turned(share: float, flip: bool) -> float:
    return 1 - share if flip else share


def _later(cell: Cell, name: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Epochs and numbers from the first epoch on."""
    epochs, values = curve(cell, name)
    return epochs[epochs >= 1], values[epochs >= 1]


def _order(cell: Cell, name: str) -> float:
    from scipy.stats import spearmanr

    epochs, values = _later(cell, name)
    return float(spearmanr(epochs, values).statistic) if len(set(values)) > 1 else math.nan


def _over_seeds(cells: Sequence[Cell], name: str) -> float:
    """The spread of the last value over seeds, the median over supervised panels."""

    def panel(cell: Cell) -> tuple[str, ...]:
        return cell.key["network"], cell.key["data"]

    spreads = []
    for _panel, group in groupby(sorted(select(cells, condition="supervised"), key=panel), key=panel):
        ends = [_at(cell, name, None, None) for cell in group]
        known = [end for end in ends if end is not None]
        spreads += [float(np.std(known, ddof=1))] if len(known) > 1 else []
    return _median(spreads)


def _over_points(cells: Sequence[Cell], name: str) -> float:
    """From the fewest points to the most, at the last look; the median over supervised cells."""
    found = [cell.values["by points"].get(name) for cell in select(cells, condition="supervised")]
    return _median(abs(values[-1] - values[0]) for values in found if values)


def _by_scale(cells: Sequence[Cell], name: str) -> float:
    """Relative to the value; the median."""
    return _median(cell.values["moved by scale"][name] for cell in cells if name in cell.values["moved by scale"])


def _median(values: Any) -> float:
    known = list(values)
    return float(np.median(known)) if known else math.nan


def table(found: Sequence[Judged]) -> str:
    """A row per number, with the criteria that it meets."""
    columns = (
        "number",
        *(f"apart, epoch {k}" for k in EARLY),
        "at the end",
        "order",
        "seeds",
        "points",
        "scale",
        "meets",
    )
    lines = [f"| {' | '.join(columns)} |", "|---|" + "---|" * (len(columns) - 1)]
    for one in found:
        pairs = (f"{early:.2f} ({changed:.2f})" for early, changed in zip(one.early, one.changed, strict=True))
        order = f"{one.order:.2f}, {_percent(one.agree)}"
        rest = (f"{one.end:.2f}", order, f"{one.seeds:.2f}", f"{one.points:.2f}", f"{one.scale:.0e}")
        met = [name for name, passed in one.passes(found[0]).items() if passed]
        lines.append(f"| {one.name} | {' | '.join((*pairs, *rest))} | {', '.join(met)} |".replace("nan", "-"))
    return NOTE + "\n".join(lines)


NOTE = """Apart: of two networks on the same data, one with true and one with wrong labels, how often the number tells \
which (in brackets: its change since before training). Order: rank correlation with the epoch in supervised training, \
and the share of cells with the sign of most. Seeds, points: spread over seeds, and the change from the fewest to the \
most points at the last look, in movements (first epoch to last, supervised, median). Scale: what multiplying the \
points changes, relative.

"""


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{share:.0%}"


def numbers(found: Sequence[Judged]) -> dict[str, float]:
    """What expected.toml compares: the criteria met, and the areas."""
    accuracy = found[0]
    met = {one.name: sum(one.passes(accuracy).values()) for one in found[len(KNOWN) :]}
    told = {f"apart at {EARLY[0]}, {one.name}": max(one.early[0], one.changed[0]) for one in found}
    ends = {f"apart at the end, {one.name}": one.end for one in found}
    told["apart at 1, best"] = max(max(one.early[0], one.changed[0]) for one in found[len(KNOWN) :])
    return {
        "most criteria met": float(max(met.values())),
        **told,
        **ends,
        **{f"order, {one.name}": one.order for one in found},
    }


def figure(found: Sequence[Judged]) -> Figure:
    """What tells the conditions apart, left; and what follows seeds and the number of points, right."""
    drawn, axes = panels(1, 2, size=(4.6, 0.28 * len(found) + 1.0), sharey=True)
    places = np.arange(len(found))[::-1]
    for at, (epoch, colour) in enumerate(zip(EARLY, COLOURS, strict=False)):
        axes[0][0].scatter([one.early[at] for one in found], places, s=14, color=colour, label=f"epoch {epoch}")
        changes = [one.changed[at] for one in found]
        axes[0][0].scatter(changes, places, s=14, marker="x", lw=0.9, color=colour, label=f"epoch {epoch}, change")
    axes[0][0].scatter([one.end for one in found], places, s=14, color="black", label="at the end")
    axes[0][0].set_xlabel("learning told from memorising, share of pairs", fontsize=8)
    axes[0][0].set_yticks(places, [one.name for one in found], fontsize=7)
    for what, mark, colour in (("seeds", "o", COLOURS[0]), ("points", "s", COLOURS[1])):
        values = [getattr(one, what) for one in found]
        axes[0][1].scatter(values, places, s=14, marker=mark, color=colour, label=what)
    axes[0][1].axvline(BARS["seeds"], ls="--", lw=0.8, color="black")
    axes[0][1].set(xscale="log")
    axes[0][1].set_xlabel("spread, in movements of a training", fontsize=8)
    axes[0][0].legend(fontsize=5, frameon=False, loc="center left")
    axes[0][1].legend(fontsize=5, frameon=False)
    return drawn
