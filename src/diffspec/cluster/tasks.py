"""What workers do: pure functions of what they are sent, so that lost work can be done again anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import numpy as np

from diffspec.errors import TooLargeError
from diffspec.kernels import Kernel
from diffspec.kernels.directed import Directed
from diffspec.operators.streaming.affinities import Frame, Rows, Survey, affinity, survey
from diffspec.operators.streaming.graph import Near, Neighbourhood, nearer, squared_between
from diffspec.points.sources import HeldRows, Source, Values

__all__ = [
    "added",
    "compared",
    "counted",
    "cross",
    "named",
    "nearest",
    "squared_tile",
    "survey_block",
    "tile_parts",
    "weighed",
]


def named(work: Callable[..., Any], name: str) -> Callable[..., Callable[..., Any]]:
    """`work` as a maker of tasks, which the dashboard of Dask shows under diffspec-`name`."""
    from dask import delayed

    run = uuid4().hex
    make = delayed(work, pure=False)

    def at(*place: int) -> Callable[..., Any]:
        return partial(make, dask_key_name="-".join(["diffspec", name, *map(str, place), run]))

    return at


def _rows(held: Values | Source, place: Rows) -> Rows:
    """The rows of a block, on a worker."""
    return replace(place, source=_as_source(held, place.which))


def _as_source(held: Values | Source, which: Any) -> Source:
    """A block of a dask array as the range `which` of all points; anything else can be read as it is."""
    return HeldRows(held, which.stop, which.start) if isinstance(held, np.ndarray) else held


def survey_block(held: Values | Source, which: slice, frame: Frame) -> Survey:
    """What one look at a block tells."""
    return survey(_as_source(held, which), which, frame)


def tile_parts(
    left: tuple[Any, Rows], right: tuple[Any, Rows], below: Values, beside: Values, frame: Frame
) -> tuple[Values, Values]:
    """What the tile of two blocks adds to the product at the first block, and at the second."""
    return _parts(affinity(_rows(*left), _rows(*right), frame), below, beside)


def squared_tile(
    left: tuple[Any, Rows], right: tuple[Any, Rows], below: Values, beside: Values, frame: Frame
) -> tuple[Values, Values]:
    """`tile_parts` with the squares of the affinities."""
    tile = affinity(_rows(*left), _rows(*right), frame)
    return _parts(np.square(tile, out=tile), below, beside)


def _parts(tile: Values, left: Values, right: Values) -> tuple[Values, Values]:
    return (
        (tile @ right.astype(tile.dtype)).astype(np.float64),
        (tile.T @ left.astype(tile.dtype)).astype(np.float64),
    )


def added(parts: list[tuple[Values, Values]], sides: list[int]) -> Values:
    """The sum of one side of each of `parts`, in their order: the same to the last bit whenever it is done."""
    total = np.zeros_like(parts[0][sides[0]])
    for part, side in zip(parts, sides, strict=True):
        total += part[side]
    return total


def cross(block: tuple[Any, Rows], chosen: Rows, frame: Frame) -> Values:
    """The affinities of a block with the points `chosen`, shape (block, chosen)."""
    return affinity(_rows(*block), chosen, frame).astype(np.float64)


def compared(
    near: Near | str | None, left: tuple[Any, Rows], right: tuple[Any, Rows], around: Neighbourhood, frame: Frame
) -> Near | str:
    """What of one more block is near the first, after what was `near` of those before; or why it does not fit."""
    if isinstance(near, str):
        return near
    near = near or Near.nothing(len(left[1].half))
    near = around.met(near, _squared(left, right, frame), right[1].which.start)  # type: ignore[union-attr]
    try:
        around.require_memory(len(near.place))  # of all blocks together `GraphOnCluster` asks
        return near
    except TooLargeError as error:  # Dask cannot send a MemoryError
        return str(error)


def counted(near: Near | str) -> int | str:
    """How many are near the points of a block, or why that does not fit."""
    return near if isinstance(near, str) else len(near.place)


def weighed(near: Near, around: Neighbourhood, kernel: Kernel, unit: float) -> Directed:
    """The weights of a block with all points, when it was compared with all."""
    return around.directed(near, kernel, unit)


def nearest(least: Values | None, left: tuple[Any, Rows], right: tuple[Any, Rows], count: int, frame: Frame) -> Values:
    """The `count` smallest squared distances of a block, after what was `least` with the blocks before."""
    return nearer(np.empty((len(left[1].half), 0)) if least is None else least, _squared(left, right, frame), count)


def _squared(left: tuple[Any, Rows], right: tuple[Any, Rows], frame: Frame) -> Values:
    return squared_between(_rows(*left), _rows(*right), frame)
