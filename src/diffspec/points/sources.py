"""Points that stay on disk: rectangles of rows and features, read when they are asked for.

Read with plain file reads, not through the memory map: the pages of a map count as memory of the process for as long as
they stay, so a pass over a mapped file would hold all of it.
"""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np

from diffspec._arrays import GIB, check_shape, free_memory
from diffspec._foreign import is_zarr, not_real
from diffspec.errors import InputError, MissingExtraError, TooLargeError

__all__ = ["FileRows", "HeldRows", "Source", "Values", "ZarrRows", "open_source"]

Values: TypeAlias = np.ndarray[Any, Any]


class Source(Protocol):
    """Points (n, d) of which rectangles can be read."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points, number of features."""
        ...

    @property
    def grain(self) -> tuple[int, int]:
        """Rows and features that are read together at the cost of one number."""
        ...

    def read(self, rows: slice, columns: slice) -> Values:
        """The features `columns` of the points in the range `rows`, as stored."""
        ...

    def take(self, indices: Values, columns: slice) -> Values:
        """The features `columns` of the points at ascending `indices`, as stored."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class HeldRows:
    """Rows `first`, `first` + 1, ... of a set of `n` points, held in memory."""

    rows: Values
    n: int
    first: int = 0
    grain: ClassVar[tuple[int, int]] = (1, 1)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points (all, not the held ones), number of features."""
        return self.n, int(self.rows.shape[1])

    def read(self, rows: slice, columns: slice) -> Values:
        """The features `columns` of the points in the range `rows`."""
        return self.rows[rows.start - self.first : rows.stop - self.first, columns]

    def take(self, indices: Values, columns: slice) -> Values:
        """The features `columns` of the points at `indices`."""
        return self.rows[indices - self.first, columns]


@dataclass(frozen=True, slots=True)
class FileRows:
    """Rows of numbers in a file, each in one piece.

    Parameters
    ----------
    path : str
    shape : tuple of int
        Number of points, number of features.
    dtype : numpy.dtype
    offset, stride : int
        Bytes before the first row, and from one row to the next.
    """

    path: str
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    offset: int
    stride: int
    grain: ClassVar[tuple[int, int]] = (1, 1)

    @classmethod
    def of_npy(cls, path: str | Path) -> FileRows:
        """The array in a .npy file."""
        try:
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            raise InputError(f"there is no file {path}; check the path") from None
        except (ValueError, EOFError, OSError) as error:
            raise InputError(f"{path} is no whole .npy file ({error}); write it again or give another") from None
        return cls.of_memmap(mapped)

    @classmethod
    def of_memmap(cls, array: Any) -> FileRows:
        """The part of a file that a NumPy memory map, or a range of rows or columns of one, shows."""
        _check(array.shape, array.dtype)
        row, step = array.strides
        if step != array.itemsize or row < array.shape[1] * step:
            raise InputError(
                f"a memory map must hold each point in one piece, got strides {array.strides}; "
                "write the points row by row (C order)"
            )
        if array.mode == "c" or array.filename is None:
            raise InputError(
                f"a memory map must show a named file as it is, got mode {array.mode!r} of {array.filename}; "
                "open it by its path with mode 'r'"
            )
        first = np.frombuffer(array._mmap, dtype=np.uint8).__array_interface__["data"][0]
        inside = array.__array_interface__["data"][0] - first
        start = array.offset - array.offset % mmap.ALLOCATIONGRANULARITY
        return cls(str(array.filename), array.shape, array.dtype, start + inside, row)

    def read(self, rows: slice, columns: slice) -> Values:
        """The features `columns` of the points in the range `rows`."""
        count, width = rows.stop - rows.start, columns.stop - columns.start
        if width * self.dtype.itemsize != self.stride:
            return self.take(np.arange(rows.start, rows.stop), columns)
        out = np.empty((count, width), self.dtype)
        with open(self.path, "rb", buffering=0) as file:
            self._fill(file.fileno(), out, rows.start * self.stride)
        return out

    def take(self, indices: Values, columns: slice) -> Values:
        """The features `columns` of the points at `indices`, one read per point."""
        out = np.empty((len(indices), columns.stop - columns.start), self.dtype)
        before = columns.start * self.dtype.itemsize
        with open(self.path, "rb", buffering=0) as file:
            for row, index in zip(out, indices.tolist(), strict=True):
                self._fill(file.fileno(), row, index * self.stride + before)
        return out

    def _fill(self, file: int, out: Values, start: int) -> None:
        """Read `out` from `start` bytes after the first row; one call of the system reads at most 2 GiB."""
        rest = out.data.cast("B")
        start += self.offset
        while rest:
            got = os.preadv(file, [rest], start)
            if got == 0:
                raise InputError(f"{self.path} ends before its {self.shape[0]} points do; write it again")
            rest, start = rest[got:], start + got


@dataclass(frozen=True, slots=True, eq=False)
class ZarrRows:
    """The points in a zarr array; no chunk may be missing, for it would silently read as the fill value."""

    array: Any

    @classmethod
    def of(cls, array: Any) -> ZarrRows:
        """`array` (zarr), checked for missing chunks by one listing of its store."""
        _check(array.shape, array.dtype)
        _require_room(array)
        stored = set(_stored(array))
        # One by one: what the file says of its shape may be far more than there is.
        missing = next((key for key in _expected(array) if key not in stored), None)
        if missing is not None:
            raise InputError(
                f"{array.store_path} lacks chunks, the first is {missing!r}, which would be read as "
                f"{array.fill_value!r}; restore it, or if it was empty write with config={{'write_empty_chunks': True}}"
            )
        return cls(array)

    @classmethod
    def at(cls, path: str | Path) -> ZarrRows:
        """The zarr array in a directory."""
        try:
            import zarr
        except ImportError as error:
            raise MissingExtraError("reading zarr arrays", "zarr") from error
        try:
            array = zarr.open_array(path, mode="r")
        except (FileNotFoundError, ValueError) as error:
            raise InputError(f"{path} is no zarr array ({error}); check the path") from None
        return cls.of(array)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points, number of features."""
        n, d = self.array.shape
        return int(n), int(d)

    @property
    def grain(self) -> tuple[int, int]:
        """The shape of a chunk."""
        rows, columns = self.array.chunks
        return int(rows), int(columns)

    def read(self, rows: slice, columns: slice) -> Values:
        """The features `columns` of the points in the range `rows`."""
        return self._select(rows, columns)

    def take(self, indices: Values, columns: slice) -> Values:
        """The features `columns` of the points at `indices`; every chunk they lie in is decoded."""
        return self._select(indices, columns)

    def _select(self, rows: slice | Values, columns: slice) -> Values:
        try:
            return np.asarray(self.array.oindex[rows, columns])
        except Exception as error:  # every codec has its own way to fail on a broken chunk
            raise InputError(
                f"{self.array.store_path} cannot be read at features {columns.start} to {columns.stop} ({error}); "
                "restore the chunk or write the array again"
            ) from error


def open_source(points: Any) -> Source:
    """`points` as a source: a NumPy memory map, a zarr array, or the path of a .npy file or of a zarr directory.

    Raises
    ------
    InputError
        Wrong rank or dtype, no such file, a truncated file, a memory map whose rows are not contiguous, a zarr array
        with a missing chunk.
    """
    if isinstance(points, np.memmap):
        return FileRows.of_memmap(points)
    if is_zarr(points):
        return ZarrRows.of(points)
    if isinstance(points, str | Path):
        return ZarrRows.at(points) if Path(points).is_dir() else FileRows.of_npy(points)
    raise InputError(
        f"points on disk must be a NumPy memory map, a zarr array or a path, got {type(points).__name__}; "
        "save them with numpy.save and give the path"
    )


def _check(shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    check_shape(shape, "points")
    if dtype.kind not in "fiub":
        raise not_real(str(dtype), "points")


def _require_room(array: Any) -> None:
    """Raise TooLargeError where not even one chunk, which may be small on disk, fits into memory."""
    size, free = math.prod(array.chunks) * array.dtype.itemsize, free_memory(np.empty(0))
    if size > free:
        raise TooLargeError(
            f"one chunk of {array.store_path} would take {size / GIB:.1f} GiB and {free / GIB:.1f} GiB are free; "
            "write the array again with smaller chunks"
        )


def _expected(array: Any) -> Iterable[str]:
    """The keys of all chunks, or of all shards where chunks are kept in shards."""
    rows, columns = (-(-size // step) for size, step in zip(array.shape, array.shards or array.chunks, strict=True))
    return (array.metadata.encode_chunk_key((i, j)) for i in range(rows) for j in range(columns))


def _stored(array: Any) -> Iterable[str]:
    """The keys below the array in its store, relative to it."""
    from zarr.core.sync import sync  # zarr lists stores through coroutines only, and asyncio.run fails in a notebook

    async def listed() -> list[str]:
        return [key async for key in array.store.list_prefix(array.path)]

    start = f"{array.path}/" if array.path else ""
    return (key.removeprefix(start) for key in sync(listed()))
