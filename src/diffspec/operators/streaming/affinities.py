"""Stored points to affinities: rectangles of rows and features become points in units of sigma, and those tiles.

Everything here works a bounded number of numbers at a time and adds up over the features, so that neither all rows nor
one whole row has to fit into memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffspec._arrays import not_finite
from diffspec.errors import InputError
from diffspec.kernels.bandwidth import TINY, median_sigma
from diffspec.machine.threads import parallel_map
from diffspec.operators.tiles import exponential
from diffspec.points.distances import cross_squared_distances
from diffspec.points.sources import Source, Values

__all__ = [
    "Frame",
    "Rows",
    "StoredTiles",
    "Survey",
    "affinity",
    "frame_of",
    "median_of",
    "rectangles",
    "survey",
]

PILOTS = 256  # rows whose mean is the centre: any point near the mean does, since it only saves digits
FAR = 2.0**10  # times as large as most, a pilot would pull the centre so far out that the others lose their digits
STRIP = 256  # rows of distances that one core adds up at a time


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """How stored rows become points in units of sigma: y = (x / size - centre) / width.

    `size` is one number per point, kept with the rows: the unit, or for directions the length.
    """

    centre: Values
    """Shape (d,), float64."""
    unit: float
    """A power of two near the largest coordinate, which most points reach."""
    directions: bool
    """Whether points are divided by their lengths."""
    piece: int
    """How many numbers are converted at a time."""
    width: float = 1.0
    """Sigma, in units."""
    dtype: Any = np.float64
    """Precision of the affinities."""
    features: int = 2**62
    """How many features of a tile's points are held at a time."""

    def blocks(self) -> list[slice]:
        """The features, as many at a time as are held."""
        d = len(self.centre)
        return [slice(start, min(start + self.features, d)) for start in range(0, d, self.features)]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Some of the points of a source, with what brings them into the frame."""

    source: Source
    which: slice | Values
    """A range, or ascending indices."""
    size: Values
    """Shape (b, 1): what each row is divided by."""
    half: Values
    """Shape (b,): -|y|^2 / 2."""

    def points(self, columns: slice, frame: Frame) -> Values:
        """The features `columns` of the points, in units of sigma, shape (b, columns)."""
        out = np.empty((len(self.size), columns.stop - columns.start), frame.dtype)
        for some, part in rectangles(self.source, len(self.size), columns, frame.piece):
            raw = _read(self.source, self.which, some, part) / self.size[some]
            raw -= frame.centre[part]
            raw /= frame.width
            out[some, part.start - columns.start : part.stop - columns.start] = raw
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What one look at a range of rows tells."""

    bad: tuple[int, int, int]
    """Values that are NaN, that are infinite, and rows that hold such values."""
    size: Values
    """Shape (b, 1): what each row is to be divided by."""
    half: Values
    """Shape (b,): -|y|^2 / 2 for a width of one unit."""

    @staticmethod
    def joined(parts: Iterable[Survey], frame: Frame) -> tuple[Values, Values]:
        """`size` and `half` of all rows, or InputError where some cannot be used."""
        parts = list(parts)
        size = np.concatenate([part.size for part in parts])
        half = np.concatenate([part.half for part in parts])
        missing, infinite, rows = (sum(part.bad[k] for part in parts) for k in range(3))
        if rows:
            raise not_finite((missing, infinite, rows), len(size), "points")
        zeros = int(np.count_nonzero(size == 0))
        if frame.directions and zeros:
            raise InputError(f"Cosine needs a direction for every point, got {zeros} zero vectors; remove them")
        far = int(np.count_nonzero(np.isinf(half)))
        if far:
            raise InputError(f"{far} points lie over 1e150 times as far out as the rest; remove them")
        return size, half


@dataclass(frozen=True, slots=True, eq=False)
class StoredTiles:
    """exp(-|x_i - x_j|^2 / 2) for stored points in units of sigma, one rectangle of pairs at a time.

    Parameters
    ----------
    rows : Rows
        All points.
    frame : Frame
    """

    rows: Rows
    frame: Frame
    like: Values = field(init=False)
    """An array of the dtype of the tiles."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "like", np.empty(0, self.frame.dtype))

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self.rows.half)

    @property
    def entry_error(self) -> float:
        """As `diffspec.operators.tiles.GaussianTiles.entry_error`."""
        return float(np.finfo(self.frame.dtype).eps) * (0.5 - 0.5 * float(np.mean(self.rows.half)))

    def __call__(self, rows: slice, columns: slice) -> Values:
        """The affinities of the points in two ranges, shape (rows, columns); 1 on the diagonal."""
        return affinity(self.some(rows), self.some(columns), self.frame)

    def columns(self, indices: Values) -> Values:
        """The affinities of all points with those at `indices`, shape (n, len(indices)), a bounded number at a time."""
        order = np.argsort(indices)
        chosen = self.some(indices[order])
        out = np.empty((self.n, len(indices)), self.frame.dtype)
        step = max(1, self.frame.piece // max(len(indices), 1))
        for start in range(0, self.n, step):
            some = slice(start, min(start + step, self.n))
            out[some, order] = affinity(self.some(some), chosen, self.frame)
        return out

    def some(self, which: slice | Values) -> Rows:
        """The points in a range or at ascending indices."""
        return Rows(self.rows.source, which, self.rows.size[which], self.rows.half[which])


def affinity(rows: Rows, columns: Rows, frame: Frame) -> Values:
    """The affinities of two sets of points, shape (rows, columns); exactly 1 on the diagonal where they are one set."""
    same = isinstance(rows.which, slice) and isinstance(columns.which, slice) and rows.which == columns.which
    exponent = np.zeros((len(rows.half), len(columns.half)), frame.dtype)
    for block in frame.blocks():
        left = rows.points(block, frame)
        exponent += left @ (left if same else columns.points(block, frame)).T
    exponent += rows.half[:, None].astype(frame.dtype)
    exponent += columns.half[None, :].astype(frame.dtype)
    if same:
        exponent = (exponent + exponent.T) / 2.0  # symmetric to the last bit
        np.fill_diagonal(exponent, 0.0)
    tile: Values = exponential(exponent)
    return tile


def rectangles(source: Source, count: int, columns: slice, most: int) -> Iterator[tuple[slice, slice]]:
    """Ranges of `count` rows and of `columns`, of at most `most` numbers or one grain of the source, row by row."""
    grain_rows, grain_columns = source.grain
    width = columns.stop - columns.start
    height = min(count, max(grain_rows, most // width // grain_rows * grain_rows, 1))
    width = min(width, max(grain_columns, most // height // grain_columns * grain_columns))
    for row in range(0, count, height):
        for column in range(columns.start, columns.stop, width):
            yield slice(row, min(row + height, count)), slice(column, min(column + width, columns.stop))


def frame_of(source: Source, directions: bool, piece: int) -> Frame:
    """A frame with the unit and the centre of at most 256 rows spread over the source, less those far out."""
    n, d = source.shape
    pilots = np.unique(np.linspace(0, n - 1, min(n, PILOTS)).astype(np.intp))
    every = list(rectangles(source, len(pilots), slice(0, d), piece))
    largest = np.zeros(len(pilots))
    for some, part in every:
        largest[some] = np.maximum(largest[some], _largest(_read(source, pilots, some, part)))
    usual = float(np.median(largest[largest > 0])) if largest.any() else 0.0
    near = largest <= (math.inf if directions else FAR * usual)
    unit = 2.0 ** min(math.frexp(largest.max() if directions else usual)[1], 1000)
    frame = Frame(np.zeros(d), unit, directions, piece)
    size = survey(source, pilots, frame).size
    centre = np.zeros(d)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for some, part in every:
            points = _read(source, pilots, some, part) / size[some]
            centre[part] += np.sum(points[near[some]], axis=0) / np.count_nonzero(near)
    # NaN and zero vectors are left to the survey of all rows, which counts them.
    return Frame(centre if np.isfinite(centre).all() else np.zeros(d), unit, directions, piece)


def survey(source: Source, which: slice | Values, frame: Frame) -> Survey:
    """Whether the points `which` are finite, what to divide them by, and how far they lie from the centre."""
    count = which.stop - which.start if isinstance(which, slice) else len(which)
    missing = infinite = 0
    bad = np.zeros(count, dtype=bool)
    sums = np.zeros((3, count))  # of x^2, of x centre and of (x - centre)^2
    with np.errstate(invalid="ignore", over="ignore"):  # of values that are not finite, which are counted
        for some, part in rectangles(source, count, slice(0, len(frame.centre)), frame.piece):
            x = _read(source, which, some, part) / frame.unit
            odd = ~np.isfinite(x)
            if odd.any():
                missing += int(np.count_nonzero(np.isnan(x)))
                infinite += int(np.count_nonzero(np.isinf(x)))
                bad[some] |= odd.any(axis=1)
            sums[0, some] += np.einsum("ij,ij->i", x, x)
            sums[1, some] += x @ frame.centre[part]
            x -= frame.centre[part]
            sums[2, some] += np.einsum("ij,ij->i", x, x)
    return _surveyed((missing, infinite, int(np.count_nonzero(bad))), sums, frame)


def _surveyed(bad: tuple[int, int, int], sums: Values, frame: Frame) -> Survey:
    if not frame.directions:
        return Survey(bad, np.full((sums.shape[1], 1), frame.unit), -0.5 * sums[2])
    length = np.sqrt(sums[0])
    with np.errstate(divide="ignore", invalid="ignore"):  # a zero vector is reported by Survey.joined
        cosine = sums[1] / length
    half = cosine - 0.5 * (1.0 + frame.centre @ frame.centre)
    return Survey(bad, frame.unit * length[:, None], half)


def median_of(rows: Rows, frame: Frame) -> float:
    """sqrt(median d^2 / 2) over all pairs of `rows`, in the unit of the points (of directions: 1)."""
    m = len(rows.size)
    squared = np.zeros((m, m))
    strips = [slice(start, min(start + STRIP, m)) for start in range(0, m, STRIP)]
    for block in frame.blocks():
        points = rows.points(block, frame)

        def add(some: slice, points: Values = points) -> None:
            squared[some, some.start :] += cross_squared_distances(points[some], points[some.start :])

        parallel_map(add, strips)
    for some in strips:
        squared[some.start :, some] = squared[some, some.start :].T
    return median_sigma(squared.reshape(-1), m) * (1.0 if frame.directions else frame.unit) or TINY


def _read(source: Source, which: slice | Values, some: slice, columns: slice) -> Values:
    """The features `columns` of a part `some` of the rows `which`, float64, a new array."""
    if isinstance(which, slice):
        raw = source.read(slice(which.start + some.start, which.start + some.stop), columns)
    else:
        raw = source.take(which[some], columns)
    return raw.astype(np.float64)


def _largest(values: Values) -> Values:
    """The largest finite size of a number in each row."""
    return np.asarray(np.max(np.abs(values), axis=1, where=np.isfinite(values), initial=0.0))
