"""What a user calls labels, as names and numbers: of NumPy, pandas, torch, Python and others, or why not.

Two labels become one only where they are equal, and what is missing is no class.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import array_api_compat
import numpy as np

from diffspec._arrays import to_numpy
from diffspec._checks import shown
from diffspec._foreign import elsewhere
from diffspec.errors import InputError

__all__ = ["host", "is_one_hot", "named_codes", "one_column"]

Values: TypeAlias = np.ndarray[Any, Any]


def named_codes(reference: Any) -> tuple[tuple[str, ...], Values]:
    """The names of the classes, in order of their values, and for every point the number of its class; O(n log n).

    Labels of shape (n,) or (n, 1), or one-hot rows (n, classes), whose classes are named by their column.
    """
    values = host(reference, "labels")
    values = values.argmax(axis=1) if is_one_hot(values) else one_column(values, "labels")
    if values.dtype.kind == "O":
        return _of_objects(values)
    if values.dtype.kind in "cV":
        raise InputError(
            f"labels must be integers, booleans, strings or floats, got {_kind(values)}; give one plain value per point"
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError("labels must be finite, got NaN or infinity; give missing labels a class of their own")
    names, codes = np.unique(values, return_inverse=True)
    texts = names.astype(str) if values.dtype.kind in "mM" else names  # tolist() would give some as integers
    return tuple(str(name) for name in texts.tolist()), codes


def host(reference: Any, name: str = "reference") -> Values:
    """`reference` of any kind (pandas, torch, nested sequences) as a NumPy array on the host, shape unchecked.

    Objects of one kind are an array of that kind: strings, integers, booleans, numbers.

    Raises
    ------
    InputError
        Missing or masked entries, no rectangle, or not dense in memory.
    """
    if hasattr(reference, "isna") and not hasattr(
        reference, "levels"
    ):  # pandas, but for a MultiIndex, whose arrays have a NaN for what is missing among integers
        _require_present(np.asarray(reference.isna()), name)
    elif hasattr(reference, "null_count") and hasattr(reference, "is_null"):  # pyarrow: NumPy sees NaN among integers
        _require_present(np.asarray(reference.is_null()), name)
    values = _gathered(reference, name)
    if isinstance(values, np.ma.MaskedArray):
        if values.dtype.names is None:  # a structured array is refused for its fields
            _require_present(np.ma.getmaskarray(values), name)
        values = values.data
    values = np.asarray(values)
    if values.dtype.kind in "mM":
        _require_present(np.isnat(values), name)
    if values.dtype.kind == "S":
        values = values.astype(object)
    if values.dtype.kind in "OT" and values.ndim:
        return _typed(values.astype(object), name)
    return values


def is_one_hot(values: Values) -> bool:
    """Whether `values` are rows (n, classes) of zeros with a single one."""
    if values.ndim != 2 or values.shape[1] < 2 or values.dtype.kind not in "biuf":
        return False
    ones = values == 1
    return bool(((values == 0) | ones).all() and (np.count_nonzero(ones, axis=1) == 1).all())


def one_column(values: Values, name: str) -> Values:
    """Values of shape (n,) or (n, 1) as (n,)."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.size == 0:
        got = shown(values.item()) if values.ndim == 0 else str(values.shape)
        raise InputError(f"{name} must have shape (n,), got {got}; give one entry per point")
    return values


def _gathered(reference: Any, name: str) -> Values:
    away = elsewhere(reference)
    if away:
        raise InputError(f"{name} must be a dense array in memory, got {away}")
    try:
        if array_api_compat.is_torch_array(reference):
            known = str(reference.dtype).removeprefix("torch.").startswith(("bfloat", "float8"))
            return to_numpy(reference.float() if known else reference.resolve_conj())
        if array_api_compat.is_array_api_obj(reference) and not isinstance(reference, np.ndarray):
            return to_numpy(reference)
        # Of a flat list NumPy would make one kind: 1 and "1", None and "None", NaN and "nan" would be one class.
        flat = isinstance(reference, list | tuple) and not any(np.ndim(entry) for entry in reference)
        return np.array(reference, dtype=object) if flat else np.asanyarray(reference)
    except Exception as error:  # every library has its own way to say that rows differ in length
        why = " ".join(str(error).split())[:200]
        raise InputError(f"{name} must hold one entry per point, which NumPy can read; {why}") from None


def _typed(values: Values, name: str) -> Values:
    """Python objects as an array of their kind, or of objects where they are of another kind or of several."""
    plain = [_plain(value) for value in values.ravel().tolist()]
    kinds = {type(value) for value in plain}
    missing = np.array([_is_missing(value, kinds) for value in plain], dtype=bool)
    _require_present(missing.reshape(values.shape), name)
    if kinds == {bool} or (kinds and kinds <= {int, float}):
        typed = np.array(plain)
        if typed.dtype.kind in "biu" or (typed.dtype.kind == "f" and float in kinds):  # not of integers over 2**64
            return typed.reshape(values.shape)
    kept = np.empty(len(plain), dtype=object)
    kept[:] = plain
    return kept.reshape(values.shape)


def _of_objects(values: Values) -> tuple[tuple[str, ...], Values]:
    """Names and numbers of objects that are all of one kind: intervals, dates, large integers and the like."""
    plain = values.tolist()
    kinds = sorted({type(value).__name__ for value in plain})
    if len(kinds) > 1:
        raise InputError(f"labels must all be of one kind (integers, booleans or strings), got {', '.join(kinds)}")
    try:
        found = set(plain)
    except TypeError:
        raise InputError(f"labels must be one plain value per point, got {shown(plain[0])}") from None
    try:
        classes = sorted(found)
    except TypeError:  # kinds without an order
        classes = sorted(found, key=str)
    number = {label: k for k, label in enumerate(classes)}
    return tuple(map(str, classes)), np.array([number[value] for value in plain])


def _plain(value: Any) -> Any:
    """`value` without its library: NumPy's and torch's scalars as Python's, bytes as text."""
    if value is np.ma.masked:
        return None
    if isinstance(value, np.datetime64 | np.timedelta64):
        return value  # their items may be integers
    if hasattr(value, "dtype") and hasattr(value, "item") and not getattr(value, "ndim", 0):
        value = value.item()
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def _is_missing(value: Any, kinds: set[type]) -> bool:
    """Whether an object stands for nothing: None, pandas' NA and NaT, NumPy's NaT, and NaN among other than numbers."""
    if isinstance(value, float):
        return math.isnan(value) and not kinds <= {int, float}
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, np.datetime64 | np.timedelta64) and bool(np.isnat(value))


def _require_present(missing: Values, name: str) -> None:
    if missing.any():
        raise InputError(
            f"{name} must have no missing entries, got {int(np.count_nonzero(missing))}, the first in row "
            f"{int(np.argwhere(missing)[0][0])}; give them a class of their own or leave those points out"
        )


def _kind(values: Values) -> str:
    if values.dtype.names:
        return f"a structured array with fields {', '.join(values.dtype.names)}"
    return "complex numbers" if values.dtype.kind == "c" else f"dtype {values.dtype}"
