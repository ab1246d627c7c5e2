"""The diffusion operator of points that stay on disk, within a number of bytes.

The points are read once to check, centre and size them. Then either one more pass over blocks of features adds up the
whole affinity, where that fits, or every product reads the points again, tile by tile. Tiles are split along the
features too, so that they are as large as memory allows: the number of times a product reads the data is about the
number of tiles per side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diffspec.errors import InputError, TooLargeError
from diffspec.kernels import SMALLEST, Cosine, Gaussian, Kernel
from diffspec.kernels.bandwidth import Median
from diffspec.machine.threads import cores, parallel_map
from diffspec.operators.blocked import tiled_diffusion
from diffspec.operators.dense import Operator, diffusion
from diffspec.operators.elsewhere import Elsewhere
from diffspec.operators.streaming.affinities import (
    Frame,
    Rows,
    StoredTiles,
    Survey,
    frame_of,
    median_of,
    rectangles,
    survey,
)
from diffspec.operators.streaming.graph import StoredGraph, with_width
from diffspec.operators.tiles import EPS32, exponential
from diffspec.points.sources import Source, Values, open_source
from diffspec.spectra.rounding import harmless

__all__ = ["OnDisk", "in_widths", "on_disk", "resolve", "rule_within", "sample"]

# Fewer features at a time would make the whole affinity cost more to read for than to compute.
NARROWEST = 64
SMALLEST_TILE = 16
# A tile, its product over one block of features, and one copy that an elementwise function makes.
TILE_COPIES = 3
# Of squared distances so many times more: with their masks, a selection and what is kept.
GRAPH_COPIES = 3
VERDICT_POINTS = 400
# What OpenBLAS packs its operands into, at most, in each thread, and for small operands as a share of them.
BLAS_BYTES, BLAS_SHARE = 2.0**25, 0.25
# The share that is planned with: the allocator keeps some of what was freed.
HEADROOM = 0.85


@dataclass(frozen=True, slots=True, eq=False)
class OnDisk(Elsewhere):
    """Points on disk, of which an operator can be made and used within a number of bytes."""

    tiles: StoredTiles
    budget: _Budget

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points and of features."""
        return self.tiles.rows.source.shape

    def operator(self, alpha: float) -> Operator:
        """`Dense` where the n x n affinity fits into memory, else `Blocked`.

        Reads the points once more for a dense operator, or about n / b times in every product for tiles of side
        b = sqrt(memory / 24 / cores) in float32. Affinities are float32 unless that would move their exponents by more
        than 1e-4, or the whole affinity fits in float64.
        """
        whole = self.budget.whole(self.tiles)
        if whole is not None:
            dtype, features = whole
            tiles = replace(self.tiles, frame=replace(self.tiles.frame, features=features))
            return diffusion(_whole_affinity(tiles, dtype, self.budget.piece), alpha, overwrite=True)
        item = self.tiles.like.itemsize
        size = self.budget.tile(self.tiles.n, item)
        frame = replace(self.tiles.frame, features=self.budget.features(size, item))
        return tiled_diffusion(replace(self.tiles, frame=frame), alpha, size)


def on_disk(points: Any, kernel: Kernel, *, memory: float, rng: np.random.Generator) -> OnDisk | StoredGraph:
    """`points` read once to check, centre and size them, and the width of `kernel` found.

    Parameters
    ----------
    points : numpy.memmap, zarr.Array, str or Path
        Shape (n, d); a path is that of a .npy file or of a zarr directory.
    kernel : Gaussian or Cosine or AlphaDecay or NearestNeighbors
        Sigma is a number, ``"median"`` or `Median`, of a graph a number or a rule of neighbours.
    memory : float
        Bytes, for the operator too. The vectors of a solver come on top: n k float64 for k of them, once per core while
        they are multiplied.
    rng : numpy.random.Generator
        Chooses the points for the median and for the verdict.

    Raises
    ------
    InputError
        Points that cannot be used (see `diffspec.points.sources.open_source`), NaN or infinity, another kernel or rule.
    TooLargeError
        `memory` does not hold one small tile, one chunk of the zarr array or a few numbers per point.
    """
    source = open_source(points)
    budget = _Budget.of(source, memory)
    if {"graph", "disk"} <= set(kernel.storages):
        return _graph(source, kernel, budget, rng)
    asked = rule_within(kernel, source.shape[0], budget.left)
    frame = frame_of(source, isinstance(kernel, Cosine), budget.piece)
    rows = _surveyed(source, frame)
    resolved = resolve(asked, rows, replace(frame, features=budget.features(min(4096, source.shape[0]))), rng)
    tiles = in_widths(rows, frame, resolved)
    return OnDisk(resolved, asked, sample(source, budget.left, rng), tiles, budget)


def _graph(source: Source, kernel: Kernel, budget: _Budget, rng: np.random.Generator) -> StoredGraph:
    """The points of `source` surveyed, of which a graph can be made."""
    frame = frame_of(source, False, budget.piece)
    rows = _surveyed(source, frame)
    side = budget.tile(source.shape[0], 8 * GRAPH_COPIES)
    frame = replace(frame, features=budget.features(side))
    graph = StoredGraph(kernel, kernel, np.empty((0, 0)), rows, frame, side, budget.left / 2.0)
    # The width first: by the same points as in memory.
    resolved = with_width(kernel, source, frame.unit, rng, kth=graph.kth)
    return replace(graph, kernel=resolved, sample=sample(source, budget.left, rng))


def rule_within(kernel: Kernel, n: int, memory: float) -> Gaussian | Cosine:
    """`kernel`, with its median taken over fewer of `n` points where `memory` bytes would not hold their distances.

    Raises
    ------
    InputError
        The kernel or its rule needs all points at once.
    """
    if not isinstance(kernel, Gaussian | Cosine):
        raise InputError(
            "points on disk or a cluster can be measured with AlphaDecay, NearestNeighbors, Gaussian or Cosine, got "
            f"{kernel!r}; give one of these or a sample in memory"
        )
    rule = Median() if kernel.sigma == "median" else kernel.sigma
    if isinstance(rule, Median):
        # The distances, those of one block of features, a copy to select from, and masks.
        most = math.isqrt(int(memory / (8 * 4)))
        return kernel if most >= min(n, rule.most) else replace(kernel, sigma=replace(rule, most=most))
    if isinstance(rule, str) or callable(rule):
        raise InputError(f"sigma of points on disk must be a number or 'median', got {rule!r}; resolve it on a sample")
    return kernel


def resolve(kernel: Gaussian | Cosine, rows: Rows, frame: Frame, rng: np.random.Generator) -> Gaussian | Cosine:
    """`kernel` with the median rule replaced by its number on `rows`, all points; the same points as in memory."""
    rule = Median() if kernel.sigma == "median" else kernel.sigma
    if not isinstance(rule, Median):
        return kernel
    n = len(rows.half)
    chosen = np.arange(n) if n <= rule.most else np.sort(rng.choice(n, size=rule.most, replace=False))
    return replace(kernel, sigma=median_of(Rows(rows.source, chosen, rows.size[chosen], rows.half[chosen]), frame))


def in_widths(rows: Rows, frame: Frame, kernel: Gaussian | Cosine) -> StoredTiles:
    """The tiles of `rows`, all points, surveyed at a width of 1, under a resolved `kernel`."""
    width = max(float(kernel.sigma) / (1.0 if frame.directions else frame.unit), SMALLEST)  # type: ignore[arg-type]
    with np.errstate(over="ignore"):
        half = rows.half / width / width
    reach = -2.0 * float(np.min(half))
    if not math.isfinite(reach):
        raise InputError(f"points lie too many widths apart for float64 under {kernel!r}; give a larger sigma")
    dtype = np.float32 if harmless(EPS32 * reach) else np.float64
    return StoredTiles(Rows(rows.source, rows.which, rows.size, half), replace(frame, width=width, dtype=dtype))


def sample(source: Source, memory: float, rng: np.random.Generator) -> Values:
    """At most 400 random points, float64, fewer where they take more than an eighth of `memory`."""
    n, d = source.shape
    most = min(n, VERDICT_POINTS, max(2, int(memory / (8 * 8 * d))))
    chosen = np.arange(n) if most == n else np.sort(rng.choice(n, size=most, replace=False))
    return source.take(chosen, slice(0, d)).astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Budget:
    """How many bytes are left beside what is kept per point, and how they are shared out."""

    left: float
    piece: int
    grain: tuple[int, int]

    @classmethod
    def of(cls, source: Source, memory: float) -> _Budget:
        """The budget within `memory` bytes, or TooLargeError where it is too small."""
        n, d = source.shape
        kept = 8.0 * (8 * n + 4 * d)
        blas = min(BLAS_BYTES * cores(), BLAS_SHARE * memory)
        left = HEADROOM * memory - blas - kept
        chunk = source.grain[0] * source.grain[1]
        # Every core converts numbers, held about four times over as float64, with an eighth; with half it has a tile.
        least = cores() * max(8 * 4 * 8 * chunk, 2 * 8 * TILE_COPIES * SMALLEST_TILE**2)
        if left < least:
            raise TooLargeError(
                f"memory={memory:.0f} bytes does not hold what is kept per point, a chunk of {chunk} numbers and a "
                f"small tile for every core; give at least {math.ceil((kept + least) / (HEADROOM - BLAS_SHARE))}"
            )
        piece = int(left / (8 * 4 * 8) / cores())
        return cls(left, min(piece, max(2**18, chunk)), source.grain)

    def tile(self, n: int, item: int) -> int:
        """The side of a tile: half of what is left, shared by the cores."""
        size = min(n, math.isqrt(int(self.left / cores() / 2 / (item * TILE_COPIES))))
        return size if size == n else _whole(size, self.grain[0])

    def features(self, count: int, item: int = 8) -> int:
        """How many features of twice `count` points are held at a time: a quarter of what is left."""
        return _whole(max(1, int(self.left / cores() / 4 / (2 * count * item))), self.grain[1])

    def whole(self, tiles: StoredTiles) -> tuple[Any, int] | None:
        """The precision in which the whole affinity fits and the features held at a time, or None."""
        n, d = tiles.rows.source.shape
        item = np.dtype(tiles.frame.dtype).itemsize
        for dtype in (np.float64, np.float32):
            rest = self.left - float(n) * n * np.dtype(dtype).itemsize
            features = int(rest / 2 / (n * item))
            if features >= min(d, NARROWEST) and np.dtype(dtype).itemsize >= item:
                return dtype, _whole(features, self.grain[1])
        return None


def _whole(count: int, grain: int) -> int:
    """`count` rounded down to whole grains, if it holds any."""
    return count // grain * grain or count


def _surveyed(source: Source, frame: Frame) -> Rows:
    n, d = source.shape
    step = max(1, next(rectangles(source, n, slice(0, d), frame.piece))[0].stop)
    ranges = [slice(start, min(start + step, n)) for start in range(0, n, step)]
    parts = parallel_map(lambda some: survey(source, some, frame), ranges)
    return Rows(source, slice(0, n), *Survey.joined(parts, frame))


def _whole_affinity(tiles: StoredTiles, dtype: Any, piece: int) -> Values:
    """The (n, n) affinity in `dtype`, the products added up over blocks of features: reads the points once."""
    n = tiles.n
    out = np.zeros((n, n), dtype)
    step = max(1, piece // n)
    strips = [slice(start, min(start + step, n)) for start in range(0, n, step)]
    for block in tiles.frame.blocks():
        points = _in_parallel(tiles, block)

        def add(rows: slice, points: Values = points) -> None:
            out[rows, rows.start :] += points[rows] @ points[rows.start :].T

        parallel_map(add, strips)

    def finish(rows: slice) -> None:
        exponent = out[rows, rows.start :]
        exponent += tiles.rows.half[rows, None].astype(dtype)
        exponent += tiles.rows.half[None, rows.start :].astype(dtype)
        out[rows.start :, rows] = exponential(exponent).T

    parallel_map(finish, strips)
    np.fill_diagonal(out, 1.0)
    return out


def _in_parallel(tiles: StoredTiles, block: slice) -> Values:
    """The features `block` of all points in units of sigma: reading waits, so all cores do."""
    out = np.empty((tiles.n, block.stop - block.start), tiles.frame.dtype)
    step = next(rectangles(tiles.rows.source, tiles.n, block, tiles.frame.piece))[0].stop
    ranges = [slice(start, min(start + step, tiles.n)) for start in range(0, tiles.n, step)]

    def read(rows: slice) -> None:
        out[rows] = tiles.some(rows).points(block, tiles.frame)

    parallel_map(read, ranges)
    return out
