"""Arrays from files: one reader per type, and one clear sentence for every file that cannot be read.

Nothing here runs code from a file: pickled arrays are refused and torch files are read with ``weights_only=True``.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

import numpy as np

from diffspec._checks import path_of
from diffspec.errors import DiffspecError, InputError, MissingExtraError, TooLargeError
from diffspec.files import archives
from diffspec.files.archives import pickled, require_room
from diffspec.files.delimited import read_table
from diffspec.files.parquet import read_parquet
from diffspec.files.tables import Selection, Table, Values, listed, lossless, quantity
from diffspec.files.tensors import read_torch

__all__ = ["SUFFIXES", "Loaded", "Source", "load", "load_labels", "load_points", "load_reference"]


@dataclass(frozen=True, slots=True)
class Source:
    """What is wanted from which file.

    Parameters
    ----------
    path : Path
        A ``.npy`` (memory-mapped), ``.npz``, ``.csv``, ``.tsv``, ``.txt``, ``.parquet``, ``.safetensors``, ``.pt`` or
        ``.pth``.
    key : str, optional
        Which array of a file that holds several, or which column of a table. A column of lists is stacked to (n, d).
        Tensors in dictionaries or lists of a torch file are called by their keys with dots between.
    header : bool, optional
        Whether the first line of a text file names the columns. By default that is found out: words are names where
        numbers follow below them, or where none comes again in its column; numbers are where they count 0, 1, 2, ...
    """

    path: Path
    key: str | None = None
    header: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """An array from a file, what was left out of it in words, and how the first line of a text file was understood."""

    values: Values
    notes: tuple[str, ...] = ()
    first_line: str = ""


def load(path: str | Path, *, key: str | None = None, header: bool | None = None) -> Values:
    """The array in a file, as NumPy; what the numbers mean is for the caller to check.

    Parameters
    ----------
    path, key, header
        See `Source`.

    Returns
    -------
    array
        Of a table shape (n, columns of numbers), with a warning where others are left out, or (n,) for one column that
        was named or is text; else as stored.

    Raises
    ------
    InputError
        No such file, an empty or broken one, an unknown type, a key that is missing or was not given, missing values.
    TooLargeError
        What the file holds, unpacked, is larger than the free memory.
    MissingExtraError
        The reader's package is not installed.

    Notes
    -----
    bfloat16 and float8 are widened to float32, which changes no value.
    """
    source = Source(path_of(path, "path"), key, header)
    held = _read(source)
    if not isinstance(held, Table):
        return held
    if key is not None or held.is_words:
        return held.column(key, lossless)
    values, notes = held.points(Selection())
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return values


def load_points(source: Source, selection: Selection) -> Loaded:
    """The points in a file; of a table the features of the `selection`, and one column that is named as (n, 1).

    Raises
    ------
    InputError, TooLargeError, MissingExtraError
        As `load`.
    """
    held = _read(source, without=selection.label)
    if isinstance(held, Table):
        if source.key is not None:
            values = held.column(source.key, lossless)
            return Loaded(values[:, None] if values.ndim == 1 else values, (), held.first_line)
        return Loaded(*held.points(selection), held.first_line)
    if selection.features or selection.drop:
        raise InputError(f"{source.path} has no columns with names; --features and --drop are for tables")
    return Loaded(held)


def load_labels(source: Source) -> Loaded:
    """The labels in a file; of a text file as they are written, numbers only where that merges none and changes none.

    Raises
    ------
    InputError, TooLargeError, MissingExtraError
        As `load`.
    """
    held = _read(source)
    return Loaded(held.column(source.key, lossless), (), held.first_line) if isinstance(held, Table) else Loaded(held)


def load_reference(source: Source) -> Loaded:
    """The reference in a file: of a table one column, numbers with a fraction for a quantity, or vectors.

    Raises
    ------
    InputError, TooLargeError, MissingExtraError
        As `load`.
    """
    held = _read(source)
    if not isinstance(held, Table):
        return Loaded(held)
    if source.key is not None or len(held.columns) == 1:
        return Loaded(held.column(source.key, quantity), (), held.first_line)
    return Loaded(*held.points(Selection()), held.first_line)


def _read(source: Source, without: str | None = None) -> Values | Table:
    _require_file(source.path)
    kind = _KINDS.get(source.path.suffix.lower())
    if kind is None:
        known = ", ".join(SUFFIXES)
        raise InputError(f"{source.path} has the unknown type {source.path.suffix!r}; give one of {known}")
    try:
        return kind.read(source, without)
    except DiffspecError:
        raise
    except MemoryError as error:
        raise TooLargeError(f"{source.path} does not fit into the memory that is free; give fewer points") from error
    except PermissionError as error:
        raise InputError(f"{source.path} cannot be read ({error.strerror}); change its permissions") from error
    except ImportError as error:
        raise MissingExtraError(f"reading {source.path.suffix} files", kind.extra) from error
    except Exception as error:  # every library has its own ways to fail on a broken file, and none is a bug here
        reason = shorten(str(error), 120, placeholder=" ...") or type(error).__name__
        raise InputError(
            f"{source.path} is no readable {source.path.suffix} file ({reason}); write it again or give another"
        ) from error


def _require_file(path: Path) -> None:
    try:
        path.stat()
    except FileNotFoundError:
        raise InputError(f"there is no file {path}; check the path") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be looked up ({getattr(error, 'strerror', error)}); check the path") from None
    if path.is_dir():
        raise InputError(f"{path} is a directory; give one of the files in it")
    if not path.is_file():
        raise InputError(f"{path} is a pipe or device, which cannot be read twice; write it to a file first")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes); write it again or give another")


def _read_npy(source: Source, _without: str | None) -> Values:
    if source.key is not None:
        raise InputError(f"{source.path} holds a single array without a name; leave the key {source.key!r} out")
    with source.path.open("rb") as file:
        np.lib.format.read_magic(file)
    try:
        values: Values = np.load(source.path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        if "Python objects" in str(error):
            raise pickled(source.path) from error
        raise
    return values


def _read_npz(source: Source, without: str | None) -> Values:
    if not zipfile.is_zipfile(source.path) and source.path.read_bytes()[:2] != b"PK":
        raise InputError(f"{source.path} is no .npz file (not a zip archive); write it with numpy.savez")
    return archives.read(source.path, _choose(archives.names(source.path), source, without))


def _read_safetensors(source: Source, without: str | None) -> Values:
    from safetensors import safe_open

    require_room(source.path.stat().st_size, source.path)
    with safe_open(source.path, framework="np") as file:
        name = _choose(file.keys(), source, without)
        kind = file.get_slice(name).get_dtype()
        if not kind.startswith(("BF", "F8")):
            return np.asarray(file.get_tensor(name))
    from diffspec.files.tensors import as_numpy

    # NumPy has no bfloat16; torch does.
    with safe_open(source.path, framework="pt") as file:
        return as_numpy(file.get_tensor(name), source.path)


def _read_torch(source: Source, without: str | None) -> Values:
    held = read_torch(source.path)
    if isinstance(held, dict):
        return held[_choose(held, source, without)]()
    if source.key is not None:
        raise InputError(f"{source.path} holds a single array without a name; leave the key {source.key!r} out")
    return held


def _read_text(source: Source, _without: str | None) -> Table:
    return read_table(source.path, header=source.header, words=source.key)


def _read_parquet(source: Source, _without: str | None) -> Table:
    return read_parquet(source.path)


def _choose(names: Iterable[str], source: Source, without: str | None) -> str:
    """The key that was given, or the only one there is, `without` aside."""
    known = list(names)
    if source.key is not None:
        if source.key in known:
            return source.key
        raise InputError(f"{source.path} has no key {source.key!r}; it has {listed(known) or 'no arrays'}")
    left = [name for name in known if name != without]
    if len(left) == 1:
        return left[0]
    if not left:
        raise InputError(f"{source.path} holds no arrays; write it again or give another")
    raise InputError(f"{source.path} holds {len(left)} arrays; choose one by its key: {listed(left)}")


@dataclass(frozen=True, slots=True)
class _Kind:
    """How files of one type are read and which extra brings the reader."""

    read: Callable[[Source, str | None], Values | Table]
    extra: str = "files"


_KINDS = {
    ".npy": _Kind(_read_npy),
    ".npz": _Kind(_read_npz),
    ".csv": _Kind(_read_text),
    ".tsv": _Kind(_read_text),
    ".txt": _Kind(_read_text),
    ".parquet": _Kind(_read_parquet),
    ".safetensors": _Kind(_read_safetensors),
    ".pt": _Kind(_read_torch, "torch"),
    ".pth": _Kind(_read_torch, "torch"),
}

SUFFIXES = tuple(_KINDS)
"""The file types that `load` knows."""
