"""What cannot be seen is not sent: of thousands of looks a figure gets as many as it has room for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

__all__ = ["evenly", "log_spaced", "outline"]

MOST = 400
"""Points of a curve: a chart is some 400 pixels wide."""


def outline(values: Sequence[float], most: int = MOST) -> list[int]:
    """Places of at most `most` values: the first, the last, and of every stretch the lowest and the highest."""
    if len(values) <= most:
        return list(range(len(values)))
    array, stretches = np.asarray(values), most // 2 - 1
    edges = np.linspace(0, len(array), stretches + 1).round().astype(int).tolist()
    kept = {0, len(array) - 1}
    for start, stop in pairwise(edges):
        part = array[start:stop]
        kept |= {start + int(part.argmin()), start + int(part.argmax())}
    return sorted(kept)


def evenly(count: int, most: int = MOST) -> list[int]:
    """Places of at most `most` of `count` items, evenly spaced, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return np.linspace(0, count - 1, most).round().astype(int).tolist()  # type: ignore[no-any-return]


def log_spaced(steps: Sequence[float], most: int) -> list[int]:
    """Places of at most `most` of the rising `steps`: first and last, and between them many at first and few later."""
    if len(steps) <= most:
        return list(range(len(steps)))
    since = np.asarray(steps, dtype=float) - steps[0]
    place = np.log1p(since / np.diff(since).min())
    kept, gap = [0, len(steps) - 1], np.minimum(place, place[-1] - place)
    while len(kept) < most:
        kept.append(int(gap.argmax()))
        gap = np.minimum(gap, np.abs(place - place[kept[-1]]))
    return sorted(kept)
