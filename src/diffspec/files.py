"""Arrays from files: one reader per type, and one clear sentence for every file that cannot be read.

Nothing here runs code from a file: pickled arrays are refused and torch files are read with ``weights_only=True``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any, TypeAlias

import numpy as np

from diffspec.errors import DiffspecError, InputError, MissingExtraError

__all__ = ["SUFFIXES", "load"]

Values: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class _Source:
    """What is wanted from which file."""

    path: Path
    key: str | None
    header: bool | None


def load(path: str | Path, *, key: str | None = None, header: bool | None = None) -> Values:
    """The array in a file, as NumPy; what the numbers mean is for the caller to check.

    Parameters
    ----------
    path : str or Path
        A ``.npy`` (memory-mapped), ``.npz``, ``.csv``, ``.tsv``, ``.parquet``, ``.safetensors``, ``.pt`` or ``.pth``.
    key : str, optional
        Which array of a file that holds several, or which column of a table. A column of lists is stacked to (n, d).
    header : bool, optional
        Whether the first line of a .csv or .tsv names the columns. By default it does where it holds text that does not
        come again below (one column), holds any text (several), or counts 0, 1, 2, ... as pandas does.

    Returns
    -------
    array
        Of a table shape (n, columns), or (n,) for one column that was named or is text; else as stored.

    Raises
    ------
    InputError
        No such file, an empty or broken one, an unknown type, a key that is missing or was not given.
    MissingExtraError
        The reader's package is not installed.

    Notes
    -----
    bfloat16 is widened to float32, which changes no value.
    """
    source = _Source(Path(path), key, header)
    _require_file(source.path)
    kind = _KINDS.get(source.path.suffix.lower())
    if kind is None:
        raise InputError(f"{path} has the unknown type {source.path.suffix!r}; give one of {', '.join(SUFFIXES)}")
    try:
        return kind.read(source)
    except (DiffspecError, MemoryError, PermissionError):
        raise
    except ImportError as error:
        raise MissingExtraError(f"reading {source.path.suffix} files", kind.extra) from error
    except Exception as error:  # every library has its own ways to fail on a broken file, and none is a bug here
        reason = shorten(str(error), 120, placeholder=" ...") or type(error).__name__
        raise InputError(
            f"{path} is no readable {source.path.suffix} file ({reason}); write it again or give another"
        ) from error


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a directory; give one of the files in it")
    if not path.exists():
        raise InputError(f"there is no file {path}; check the path")
    if not path.is_file():
        raise InputError(f"{path} is a pipe or device, which cannot be read twice; write it to a file first")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes); write it again or give another")


def _read_npy(source: _Source) -> Values:
    _refuse_key(source)
    with source.path.open("rb") as file:
        np.lib.format.read_magic(file)
    try:
        values: Values = np.load(source.path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        if "Python objects" in str(error):
            raise _pickled(source.path) from error
        raise
    return values


def _read_npz(source: _Source) -> Values:
    with source.path.open("rb") as file:
        if file.read(2) != b"PK":
            raise InputError(f"{source.path} is no .npz file (not a zip archive); write it with numpy.savez")
        file.seek(0)
        archive = np.load(file, allow_pickle=False)
        name = _choose(archive.files, source)
        try:
            return np.asarray(archive[name])
        except ValueError as error:
            if "Object arrays" in str(error):
                raise _pickled(source.path) from error
            raise


def _read_safetensors(source: _Source) -> Values:
    from safetensors import safe_open

    with safe_open(source.path, framework="np") as file:
        name = _choose(file.keys(), source)
        if file.get_slice(name).get_dtype() != "BF16":
            return np.asarray(file.get_tensor(name))
    # NumPy has no bfloat16; torch does.
    with safe_open(source.path, framework="pt") as file:
        return _from_torch(file.get_tensor(name))


def _read_torch(source: _Source) -> Values:
    import pickle

    import torch

    try:
        held = torch.load(source.path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{source.path} is no torch file of plain tensors (torch.load with weights_only=True refused it); "
            "write it with torch.save(tensor, path) or torch.save({'name': tensor}, path)"
        ) from error
    if isinstance(held, torch.Tensor):
        _refuse_key(source)
        return _from_torch(held)
    if not isinstance(held, dict):
        raise InputError(f"{source.path} holds a {type(held).__name__}; expected a tensor or a dictionary of tensors")
    return _from_torch(held[_choose([name for name in held if isinstance(held[name], torch.Tensor)], source)])


def _from_torch(tensor: Any) -> Values:
    import torch

    tensor = tensor.detach().to_dense() if tensor.is_sparse else tensor.detach()
    return np.asarray((tensor.to(torch.float32) if tensor.dtype == torch.bfloat16 else tensor).numpy())


def _read_parquet(source: _Source) -> Values:
    import pandas

    return _from_table(pandas.read_parquet(source.path, engine="pyarrow"), source)


def _read_csv(source: _Source) -> Values:
    return _read_text(source, ",")


def _read_tsv(source: _Source) -> Values:
    return _read_text(source, "\t")


def _read_text(source: _Source, separator: str) -> Values:
    import pandas

    header = _has_header(source, separator) if source.header is None else source.header
    # Only these mean "missing": a class may well be called None, NA or null.
    missing = ["", "nan", "NaN"]
    table = pandas.read_csv(
        source.path,
        sep=separator,
        header=0 if header else None,
        keep_default_na=False,
        na_values=missing,
        skipinitialspace=True,
    )
    return _from_table(table.rename(columns=str), source)


def _has_header(source: _Source, separator: str) -> bool:
    import pandas

    def read(rows: int | None) -> Any:
        return pandas.read_csv(
            source.path, sep=separator, header=None, dtype=str, nrows=rows, keep_default_na=False, skipinitialspace=True
        )

    first = [str(field) for field in read(1).iloc[0]]
    if len(first) > 1 and not first[0]:
        raise InputError(
            f"{source.path} starts with an unnamed column, most likely row numbers; write it without them (in pandas "
            "to_csv(path, index=False)), or say whether the first line is a header (--header, --no-header)"
        )
    if all(_is_number(field) for field in first):
        return len(first) > 1 and first == [str(k) for k in range(len(first))]
    if len(first) > 1:
        return True
    return first[0] not in set(read(None).iloc[1:, 0])


def _is_number(field: str) -> bool:
    try:
        float(field or "nan")
    except ValueError:
        return False
    return True


def _from_table(table: Any, source: _Source) -> Values:
    """The numbers of all columns, or the one column that was named or is the only one."""
    if source.key is None and table.shape[1] != 1:
        text = [str(name) for name in table.columns if table[name].dtype.kind not in "fiub"]
        if text:
            raise InputError(
                f"{source.path} has columns that are not numbers: {_listed(text)}; choose one column with its key "
                "(--key, --labels-key), or write the numbers to a file of their own"
            )
        return _rows(table)
    name = _choose([str(column) for column in table.columns], source)
    column = table[name]
    if column.dtype.kind in "fiub":
        return _rows(column if source.key else table)
    if bool(column.isna().any()):
        raise InputError(f"{source.path} has {int(column.isna().sum())} empty cells in column {name!r}; fill them")
    values = column.to_numpy()
    return np.stack(values) if isinstance(values[0], list | np.ndarray) else np.asarray(values)


def _rows(table: Any) -> Values:
    # pandas stores columns; in row order the sums round as they do for the same points from any other file.
    return np.ascontiguousarray(table.to_numpy())


def _choose(names: Iterable[str], source: _Source) -> str:
    """The key that was given, or the only one there is."""
    known = list(names)
    if not known:
        raise InputError(f"{source.path} holds no arrays; write it again or give another")
    if source.key is None and len(known) == 1:
        return known[0]
    if source.key in known:
        return str(source.key)
    if source.key is None:
        raise InputError(f"{source.path} holds {len(known)} arrays; choose one by its key: {_listed(known)}")
    raise InputError(f"{source.path} has no key {source.key!r}; it has {_listed(known)}")


def _listed(names: list[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def _refuse_key(source: _Source) -> None:
    if source.key is not None:
        raise InputError(f"{source.path} holds a single array without a name; leave the key {source.key!r} out")


def _pickled(path: Path) -> InputError:
    return InputError(f"{path} holds pickled Python objects, which could run code; save an array of numbers or strings")


@dataclass(frozen=True, slots=True)
class _Kind:
    """How files of one type are read and which extra brings the reader."""

    read: Callable[[_Source], Values]
    extra: str = "files"


_KINDS = {
    ".npy": _Kind(_read_npy),
    ".npz": _Kind(_read_npz),
    ".csv": _Kind(_read_csv),
    ".tsv": _Kind(_read_tsv),
    ".parquet": _Kind(_read_parquet),
    ".safetensors": _Kind(_read_safetensors),
    ".pt": _Kind(_read_torch, "torch"),
    ".pth": _Kind(_read_torch, "torch"),
}

SUFFIXES = tuple(_KINDS)
"""The file types that `load` knows."""
