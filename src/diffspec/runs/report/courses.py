"""What a line did, in words: it rises, falls, turns, or moves no more than its errors say it may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from statistics import median

from diffspec.runs.compared.lines import Line

__all__ = ["STILL", "Course", "course", "ends"]

ERRORS = 2.0
"""A move is one beyond this many standard errors of the difference of two values."""

SMALL = 0.01
"""And beyond this share of the most that there can be, or of the largest value where that is not known."""

TURN = 1.5
"""A turn needs as many times more: the highest of many values lies high by chance."""

WINDOWS = 20  # a line of more looks is read through as many running medians
ENOUGH = 8  # looks that tell their noise from their course

MEDIAN = 0.6745 * 6**0.5
"""Median size of a second difference of noise, in its standard deviations."""

STILL = "hardly moves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The words for a line, and the looks that they rest on: first, turn if there is one, last."""

    words: str
    looks: tuple[int, ...]

    @property
    def rises(self) -> bool:
        """Whether it ends higher than it began."""
        return self.words.startswith("rises") and "falls back" not in self.words


def course(line: Line) -> Course:
    """What `line` did from its first look to its last."""
    y, noise = _calm(line.y)
    errors = [hypot(error, noise) for error in line.errors]
    first, last = 0, len(y) - 1

    def moved(one: int, other: int, times: float = 1.0) -> float:
        """From look `one` to look `other`, 0 where that may be error."""
        change = y[other] - y[one]
        scale = line.tops[other] or max(map(abs, y))
        least = max(ERRORS * hypot(errors[one], errors[other]), SMALL * scale)
        return change if abs(change) > times * least else 0.0

    high, low = max(range(len(y)), key=y.__getitem__), min(range(len(y)), key=y.__getitem__)
    for turn, sign, words in ((high, 1.0, "rises and then falls"), (low, -1.0, "falls and then rises")):
        if moved(first, turn, TURN) * sign > 0 and moved(turn, last, TURN) * sign < 0:
            return Course(words=words, looks=(first, turn, last))
    change = moved(first, last)
    return Course(words="rises" if change > 0 else "falls" if change < 0 else STILL, looks=(first, last))


def ends(line: Line, found: Course, axis: str) -> str:
    """The evidence: values at the looks of a course, their errors, and when."""
    words = [f"{line.y[k]:.3g}" for k in found.looks]
    error = line.errors[found.looks[-1]]
    turn = f", {words[1]} at {axis} {line.steps[found.looks[1]]:g}" if len(found.looks) > 2 else ""
    sure = f" ± {error:.1g}" if error else ""
    unit = {"bit": " bits", "": ""}.get(line.unit, "")
    return f"{words[0]} → {words[-1]}{sure}{unit}{turn}"


def _calm(values: Sequence[float]) -> tuple[list[float], float]:
    """Running medians of a long line, and what each of them still moves by from look to look."""
    if len(values) < ENOUGH:
        return list(values), 0.0
    bends = [one - 2 * here + other for one, here, other in zip(values, values[1:], values[2:], strict=False)]
    noise = median(map(abs, bends)) / MEDIAN
    reach = len(values) // (2 * WINDOWS)
    calm = [median(values[max(0, k - reach) : k + reach + 1]) for k in range(len(values))]
    return calm, 1.25 * noise / (reach + 1) ** 0.5  # of a median, at the ends, where it is of half a window
