"""What a user calls points, as an array of real numbers: of pandas, torch, SciPy, Python and others, or why not.

No conversion loses or invents a number: what is sparse, elsewhere or partly missing is refused in one line that says
what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from numbers import Real
from typing import Any, TypeAlias

import array_api_compat
import numpy as np
from scipy.sparse import issparse

from diffspec._checks import shown
from diffspec.errors import InputError

__all__ = ["as_array", "elsewhere", "is_stored", "is_zarr", "not_real"]

Values: TypeAlias = np.ndarray[Any, Any]

REAL = "fiub"
"""Kinds of NumPy's element types that are real numbers."""


def as_array(points: Any, name: str) -> Any:
    """`points` as an array of real numbers in its own library; NumPy for what has none. Shape and values unchecked.

    Raises
    ------
    InputError
        No real numbers, no rectangle of them, masked or missing entries, or not dense in memory.
    """
    if array_api_compat.is_torch_array(points):
        return _of_torch(points, name)
    away = _elsewhere(points)
    if away:
        raise InputError(f"{name} must be a dense array in memory, got {away}")
    if _is_frame(points):
        return _of_frame(points, name)
    if array_api_compat.is_array_api_obj(points) and not isinstance(points, np.ndarray):
        if not array_api_compat.array_namespace(points).isdtype(points.dtype, ("real floating", "integral", "bool")):
            raise not_real(str(points.dtype).rsplit(".", maxsplit=1)[-1], name)
        return points
    return _of_numpy(points if isinstance(points, np.ndarray) else _gathered(points, name), name)


def not_real(dtype: str, name: str) -> InputError:
    """The error for points of an element type that is no real number."""
    return InputError(f"{name} must be real numbers (float, integer or bool), got dtype {dtype}; convert it first")


def _of_torch(points: Any, name: str) -> Any:
    away = _torch_elsewhere(points)
    if away:
        raise InputError(f"{name} must be a dense array in memory, got {away}")
    if points.is_quantized:
        return points.dequantize()
    dtype = str(points.dtype).removeprefix("torch.")
    if dtype.startswith("float8"):
        return points.float()  # the library computes with none of them
    if points.dtype.is_complex or not dtype.startswith(("float", "bfloat", "int", "uint", "bool")):
        raise not_real(dtype, name)
    return points


def elsewhere(values: Any) -> str:
    """In words where `values` are, and what to do; empty where they are at hand and dense."""
    return _torch_elsewhere(values) if array_api_compat.is_torch_array(values) else _elsewhere(values)


def _torch_elsewhere(points: Any) -> str:
    """In words where the values of a tensor are, and what to do; empty where they are in one dense piece."""
    if points.is_nested:
        return "a nested tensor, whose points differ in length; pool every one to a vector first"
    if str(points.layout) != "torch.strided":
        return f"a sparse tensor ({str(points.layout).removeprefix('torch.')}); give points.to_dense()"
    if points.is_meta or hasattr(points, "fake_mode"):
        return "a meta tensor, which has a shape and no values; give the tensor that was computed"
    return ""


def _elsewhere(points: Any) -> str:
    """In words where the values of other points are, and what to do; empty where they are at hand."""
    package = type(points).__module__.partition(".")[0]
    if issparse(points):
        return f"a SciPy sparse array ({type(points).__name__}); give points.toarray()"
    if package == "sparse":
        return "a sparse array; give points.todense()"
    if package == "dask":
        return f"a dask {type(points).__name__}; give points.compute(), or use diffspec.cluster"
    return ""


def _gathered(points: Any, name: str) -> Values:
    """Nested sequences, Series, tables and whatever NumPy can read, as a NumPy array of any kind."""
    if points is None or isinstance(points, str | bytes | Mapping | set):
        raise InputError(f"{name} must be an array of shape (n, d), got {shown(points)}; load or convert it first")
    try:
        if isinstance(points, list | tuple) and points and array_api_compat.is_torch_array(points[0]):
            return _stacked(points, name)
        if isinstance(points, list | tuple) and any(isinstance(row, np.ma.MaskedArray) for row in points):
            return np.asanyarray(np.ma.stack(points))
        return np.asarray(points.to_numpy() if hasattr(points, "to_numpy") else points)
    except InputError:
        raise
    except Exception as error:  # every library has its own way to say that rows differ in length
        why = " ".join(str(error).split())
        raise InputError(f"{name} must be a rectangular array of numbers; {why[:200]}") from None


def _stacked(tensors: Any, name: str) -> Values:
    shapes = sorted({tuple(tensor.shape) for tensor in tensors})
    if len(shapes) > 1:
        raise ValueError(f"got tensors of shapes {', '.join(map(str, shapes[:4]))}")
    return np.stack([_of_torch(tensor, name).detach().cpu().double().numpy() for tensor in tensors])


def _of_numpy(values: Values, name: str) -> Values:
    """`values` of any kind and subclass as a plain array of real numbers."""
    if values.dtype.names is not None:
        return _of_fields(values, name)
    if isinstance(values, np.ma.MaskedArray):
        values = _unmasked(values, name)
    if values.dtype.kind == "O":
        return _of_objects(values, name)
    if values.dtype.kind not in REAL:
        raise not_real(str(values.dtype), name)
    if values.dtype.kind == "f" and values.dtype.itemsize > 8:
        with np.errstate(over="ignore"):  # what is infinite in float64 is reported as such
            return values.astype(np.float64)
    return np.asarray(values)


def _unmasked(values: Any, name: str) -> Values:
    masked = np.ma.getmaskarray(values)
    if masked.any():
        first = ", ".join(str(int(k)) for k in np.argwhere(masked)[0])
        raise InputError(
            f"{name} must have no masked entries, got {int(masked.sum())}, the first at [{first}]; remove those rows "
            "or fill them"
        )
    return np.asarray(values.data)


def _of_fields(values: Any, name: str) -> Values:
    """A structured array (n,) as (n, fields)."""
    if values.ndim != 1:
        raise InputError(f"{name} with fields must have shape (n,), got {values.shape}; flatten it first")
    columns = [_of_numpy(values[field], f"field {field!r} of {name}") for field in values.dtype.names]
    if any(column.ndim != 1 for column in columns):
        raise InputError(f"{name} must have one number per field, got {shown(values.dtype)}; flatten its fields first")
    return np.stack([column.astype(np.float64) for column in columns], axis=1)


def _of_objects(values: Values, name: str) -> Values:
    """Python objects that are all real numbers, as float64."""
    for kind in {type(value) for value in values.ravel().tolist()}:
        if not issubclass(kind, Real | Decimal | np.bool_):
            raise _odd_object(values, kind, name)
    try:
        return values.astype(np.float64)
    except (OverflowError, ValueError, TypeError) as error:
        raise InputError(f"{name} must be numbers that float64 can hold; {error}") from None


def _odd_object(values: Values, kind: type, name: str) -> InputError:
    where, value = next((where, value) for where, value in np.ndenumerate(values) if type(value) is kind)
    if values.ndim == 1 and hasattr(value, "__len__") and not isinstance(value, str | bytes):
        return InputError(
            f"{name} must have shape (n, d), got {len(values)} objects of type {kind.__name__} in one column; stack "
            "them first: numpy.stack(list(points))"
        )
    place = f" at [{', '.join(map(str, where))}]" if where else ""
    return InputError(f"{name} must be real numbers, got {shown(value)}{place}; convert or remove it")


def is_stored(points: Any) -> bool:
    """Whether `points` is a NumPy memory map or a zarr array, of which parts can be read."""
    return isinstance(points, np.memmap) or is_zarr(points)


def is_zarr(points: Any) -> bool:
    """Whether `points` is an array of zarr."""
    return type(points).__module__.startswith("zarr.") and hasattr(points, "store_path")


def _is_frame(points: Any) -> bool:
    """Whether `points` is a table of pandas, or one of pyarrow."""
    return (hasattr(points, "iloc") and hasattr(points, "columns")) or _is_arrow(points)


def _is_arrow(points: Any) -> bool:
    return type(points).__module__.partition(".")[0] == "pyarrow" and hasattr(points, "column_names")


def _of_frame(frame: Any, name: str) -> Values:
    """A table as (rows, columns); a missing entry or a column that holds no numbers is named."""
    frame = frame.to_pandas() if _is_arrow(frame) else frame
    kinds = {getattr(dtype, "kind", "O") for dtype in set(frame.dtypes)}
    if kinds <= set(REAL) and all(isinstance(dtype, np.dtype) for dtype in set(frame.dtypes)):
        values = frame.to_numpy()
        if values.dtype.kind in REAL and not (values.dtype.kind == "f" and np.isnan(values).any()):
            return np.asarray(values)
    columns = [_of_column(frame.iloc[:, k], label, name) for k, label in enumerate(frame.columns)]
    return np.stack(columns, axis=1) if columns else np.empty((len(frame), 0))


def _of_column(column: Any, label: Any, name: str) -> Values:
    """A column of a table as float64."""
    missing = np.flatnonzero(np.asarray(column.isna()))
    if len(missing):
        raise InputError(
            f"{name} must have no missing entries, got {len(missing)} in column {shown(label)}, the first in row "
            f"{missing[0]}; drop those rows or that column, or fill it"
        )
    kind = getattr(column.dtype, "kind", "O")
    if kind in REAL:
        return np.asarray(column.to_numpy(dtype=np.float64))
    if kind == "O" and str(column.dtype) not in ("category", "string", "str"):
        return _of_objects(np.asarray(column, dtype=object), f"column {shown(label)} of {name}")
    raise InputError(
        f"{name} must be real numbers, got dtype {column.dtype} in column {shown(label)}; drop or convert that column"
    )
