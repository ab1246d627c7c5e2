"""Arrays in .npz files, whose size is known and compared with the free memory before anything is unpacked."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.lib import format as npy

from diffspec._arrays import GIB, free_memory
from diffspec.errors import InputError, TooLargeError

__all__ = ["names", "pickled", "read", "require_room"]

Values: TypeAlias = np.ndarray[Any, Any]


def names(path: Path) -> list[str]:
    """The names of the arrays in the .npz file at `path`."""
    with zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def read(path: Path, name: str) -> Values:
    """The array `name` of the .npz file at `path`.

    Raises
    ------
    InputError
        The array holds Python objects, or its header does not fit what follows.
    TooLargeError
        The array, unpacked, is larger than the free memory: a megabyte can hold a thousand of them.
    """
    with zipfile.ZipFile(path) as archive:
        member = name if name in archive.namelist() else f"{name}.npy"
        size = archive.getinfo(member).file_size  # no more than this is ever unpacked
        require_room(size, path)
        with archive.open(member) as stream:
            shape, dtype = _header(stream)
            if dtype.hasobject:
                raise pickled(path)
            if math.prod(shape) * dtype.itemsize != size - stream.tell():
                raise InputError(f"{path} is no whole .npz file: {name!r} should have shape {shape}; write it again")
        with archive.open(member) as stream:
            return np.asarray(npy.read_array(stream, allow_pickle=False))


def _header(stream: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(stream)
    # Version 3 differs from 2 in how the names of fields are written, and in no size.
    parse = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _fortran, dtype = parse(stream)
    return shape, dtype


def pickled(path: Path) -> InputError:
    """The error for a file that only ``pickle`` could read."""
    return InputError(f"{path} holds pickled Python objects, which could run code; save an array of numbers or strings")


def require_room(size: float, path: Path) -> None:
    """Raise TooLargeError where `size` bytes, what the file at `path` would take, are not free."""
    free = free_memory(np.empty(0))
    if size > free:
        raise TooLargeError(
            f"{path} would take {size / GIB:.1f} GiB and {free / GIB:.1f} GiB are free; "
            "write fewer points, or save them with numpy.save, which is read in parts"
        )
