"""The only module that knows the array library: check, move, pick.

Everything above works through the array API standard (array-api-compat), so the same code runs on NumPy, torch (CPU
or CUDA) and any other library that follows the standard, and the data stay where they are.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import array_api_compat
import array_api_compat.numpy
import numpy as np
from scipy.sparse import issparse

from diffspec._checks import real, shown
from diffspec._foreign import as_array
from diffspec.errors import InputError, TooLargeError
from diffspec.machine.memory import allowed, host_memory, in_words

__all__ = [
    "Array",
    "as_float64",
    "as_points",
    "check_shape",
    "detached",
    "device_name",
    "dtype_name",
    "from_numpy",
    "full_precision",
    "is_numpy",
    "memory_for",
    "namespace",
    "number",
    "order_statistics",
    "product",
    "require_memory",
    "row_dot",
    "some_of",
    "take_rows",
    "take_square",
    "to_numpy",
]

Array: TypeAlias = Any
"""An array of any library that follows the array API standard."""

GIB = 2.0**30
UNASKED = 2.0**21  # bytes of an array that is made without a look at what is free or allowed


def namespace(*arrays: Array) -> Any:
    """The array library of `arrays`, seen through the array API standard."""
    if len(arrays) == 1 and type(arrays[0]) is np.ndarray:
        return array_api_compat.numpy  # the same, found without a look: spectra of small sets ask some twenty times
    return array_api_compat.array_namespace(*arrays)


def is_numpy(array: Array) -> bool:
    """Whether `array` is a NumPy array, so that LAPACK and threads can be used on it directly."""
    return bool(array_api_compat.is_numpy_array(array))


def dtype_name(array: Array) -> str:
    """The name of the element type, without the library's prefix: ``"float64"``."""
    return str(array.dtype).rsplit(".", maxsplit=1)[-1]


def device_name(array: Array) -> str:
    """Where the array lives: ``"cpu"``, ``"cuda:0"``."""
    return str(array_api_compat.device(array)).lower()


def detached(array: Array) -> Array:
    """`array`, of torch without its gradient."""
    return array.detach() if array_api_compat.is_torch_array(array) else array


def from_numpy(values: np.ndarray[Any, Any], like: Array, dtype: Any = None) -> Array:
    """`values` in the library and on the device of `like`."""
    xp = namespace(like)
    return xp.asarray(values, dtype=dtype, device=array_api_compat.device(like))


def to_numpy(array: Array) -> np.ndarray[Any, Any]:
    """`array` on the host, as NumPy; of a torch tensor, without its gradient."""
    if array_api_compat.is_torch_array(array):
        return np.asarray(array.detach().cpu().numpy())
    if array_api_compat.is_array_api_obj(array) and not is_numpy(array):
        return np.from_dlpack(array)
    return np.asarray(array)


def as_points(points: Any, *, name: str = "points") -> Array:
    """`points` as a finite float64 array of shape (n, d) with n >= 2 and d >= 1, in its own library and device.

    Of torch without a gradient.

    The one gate: after it nothing is checked again. Accepts NumPy (read-only, non-contiguous, memory-mapped, any real
    number, structured with one number per field, masked where nothing is masked, objects that are numbers), torch
    (quantised and float8 too), pandas with nullable and pyarrow dtypes, pyarrow tables, nested sequences, and all that
    NumPy can read.

    Raises
    ------
    InputError
        Wrong rank, fewer than two points, no features, no real numbers, NaN or infinity, masked or missing entries,
        sparse arrays, nested and meta tensors, dask.
    """
    array = detached(as_array(points, name))
    check_shape(array.shape, name)
    array = as_float64(array)
    _require_finite(array, name)
    return array


def check_shape(shape: Sequence[int], name: str) -> None:
    """Raise InputError where `shape` is not that of at least 2 points with at least 1 feature."""
    if len(shape) != 2:
        raise InputError(f"{name} must have shape (n, d), got {tuple(shape)}; {_reshape_hint(len(shape))}")
    n, d = shape
    if n < 2 or d < 1:
        raise InputError(f"{name} must hold at least 2 points with at least 1 feature, got shape ({n}, {d})")


def as_float64(array: Array) -> Array:
    """`array` as float64, or as it is where the device knows no float64 (Apple's MPS)."""
    if device_name(array).startswith("mps"):
        return array
    xp = namespace(array)
    return xp.astype(array, xp.float64, copy=False)


def product(left: Array, right: Array) -> Array:
    """``left @ right``, of torch in `full_precision`."""
    with full_precision(left):
        return left @ right


def row_dot(left: Array, right: Array) -> Array:
    """The scalar products of the rows of two arrays (n, d), shape (n,), of torch in `full_precision`."""
    with full_precision(left):
        return namespace(left, right).vecdot(left, right, axis=-1)


@contextmanager
def full_precision(like: Array) -> Iterator[None]:
    """Inside, matrix products of torch's float32 keep all their digits; afterwards they are as the user has set them.

    TF32 (CUDA) and bfloat16 (CPU) keep three: too few for distances. Does nothing where `like` is no float32 tensor.
    """
    if not (array_api_compat.is_torch_array(like) and dtype_name(like) == "float32"):
        yield
        return
    # The setting belongs to the process: the first of several threads saves it, the last one restores it.
    with _Precision.lock:
        if _Precision.users == 0:
            _Precision.before = _float32_products()
            _set_float32_products(["ieee"] * len(_Precision.before))
        _Precision.users += 1
    try:
        yield
    finally:
        with _Precision.lock:
            _Precision.users -= 1
            if _Precision.users == 0:
                _set_float32_products(_Precision.before)


class _Precision:
    """How torch multiplied float32 before, and how many contexts have changed that."""

    lock = threading.Lock()
    users = 0
    before: Sequence[str] = ()


def _float32_products() -> Sequence[str]:
    """How torch multiplies float32: a word for CUDA and one for the CPU; before torch 2.9 one for both."""
    import torch

    if hasattr(torch.backends.cuda.matmul, "fp32_precision"):
        return [torch.backends.cuda.matmul.fp32_precision, torch.backends.mkldnn.matmul.fp32_precision]
    return [torch.get_float32_matmul_precision()]


def _set_float32_products(words: Sequence[str]) -> None:
    import torch

    if len(words) == 1:
        torch.set_float32_matmul_precision("highest" if words[0] == "ieee" else words[0])
        return
    # Only these: with torch.set_float32_matmul_precision beside them torch would refuse to tell the user's setting.
    torch.backends.cuda.matmul.fp32_precision, torch.backends.mkldnn.matmul.fp32_precision = words


def _reshape_hint(ndim: int) -> str:
    if ndim > 2:
        return "flatten or pool the trailing axes first"
    return "for n points of one feature use points[:, None]" if ndim == 1 else "give one row per point"


def _require_finite(array: Array, name: str) -> None:
    xp = namespace(array)
    finite = xp.isfinite(array)
    if bool(xp.all(finite)):
        return
    missing = int(xp.count_nonzero(xp.isnan(array)))
    infinite = int(xp.count_nonzero(~finite)) - missing
    bad_rows = int(xp.count_nonzero(~xp.all(finite, axis=1)))
    raise not_finite((missing, infinite, bad_rows), array.shape[0], name)


def not_finite(counts: tuple[int, int, int], n: int, name: str) -> InputError:
    """The error for `n` rows with so many NaN, so many infinite values, in so many rows."""
    missing, infinite, bad_rows = counts
    return InputError(
        f"{name} must be finite, got {missing} NaN and {infinite} infinite values in {bad_rows} of "
        f"{n} rows; remove those rows or find out why the network produced them"
    )


def order_statistics(values: Array, ranks: Sequence[int]) -> list[Array]:
    """The values at zero-based `ranks` of `values` sorted along its last axis, one array per rank.

    NumPy selects in linear time, torch the least few; other libraries sort.
    """
    if is_numpy(values):
        ordered = np.partition(values, sorted(set(ranks)), axis=-1)
        return [ordered[..., rank].copy() for rank in ranks]  # a view would keep all of them
    few = max(ranks) + 1
    if array_api_compat.is_torch_array(values) and few < values.shape[-1] / 8:
        ordered = values.topk(few, dim=-1, largest=False, sorted=True).values
    else:
        ordered = namespace(values).sort(values, axis=-1)
    return [ordered[..., rank] for rank in ranks]


def number(scalar: Array) -> float:
    """An array of one element as a float; of a torch tensor without its gradient, of which the float is no part."""
    return float(detached(scalar))


def take_rows(points: Array, indices: np.ndarray[Any, Any]) -> Array:
    """A copy of the rows `indices` of `points`."""
    return namespace(points).take(points, from_numpy(indices, points), axis=0)


def some_of(points: Array, most: int, rng: np.random.Generator) -> Array:
    """At most `most` of `points`, drawn without replacement and in their order."""
    n = points.shape[0]
    return points if n <= most else take_rows(points, np.sort(rng.choice(n, size=most, replace=False)))


def take_square(matrix: Array, indices: np.ndarray[Any, Any]) -> Array:
    """A copy of the rows and columns `indices` of a square `matrix`; of NumPy also many, of shape (..., m)."""
    if is_numpy(matrix):
        row, column = indices.astype(np.int64)[..., None], indices[..., None, :]
        # One index of all entries takes half of the time of two, and as much memory as they.
        flat = matrix.flags.c_contiguous and 8 * row.size * column.shape[-1] <= UNASKED
        return matrix.reshape(-1).take(row * len(matrix) + column) if flat else matrix[row, column]
    if issparse(matrix):
        return matrix[indices, :][:, indices]
    xp, where = namespace(matrix), from_numpy(indices, matrix)
    return xp.take(xp.take(matrix, where, axis=0), where, axis=1)


def require_memory(needed: float, what: str, like: Array) -> None:
    """Raise TooLargeError where `needed` bytes for `what` are not free on the device of `like`."""
    if needed <= UNASKED:
        return
    free = free_memory(like)
    if needed > free:
        words, more = ("allowed by memory=", ", or give more memory") if free == allowed() else ("free", "")
        raise TooLargeError(
            f"{what} needs {in_words(needed)} and {in_words(free)} are {words}; measure a random subset of the points "
            f"(for example points[rng.choice(n, 10000, replace=False)]){more}"
        )


def memory_for(memory: float | None, like: Array = None) -> float:
    """`memory` in bytes, or half of what is free on the device of `like` where it is None."""
    if memory is None:
        return free_memory(like) / 2.0
    if not real(memory) > 0:
        raise InputError(f"memory must be a positive number of bytes, got {shown(memory)}; for 2 GB give memory=2e9")
    return float(memory)


def free_memory(like: Array) -> float:
    """Bytes that can still be allocated on the device of `like`, and that the caller's `memory=` allows."""
    if array_api_compat.is_torch_array(like) and like.device.type == "cuda":
        free, _total = array_api_compat.array_namespace(like).cuda.mem_get_info(like.device)
        return min(float(free), allowed())
    if array_api_compat.is_torch_array(like) and like.device.type != "cpu":
        return allowed()
    return min(host_memory(), allowed())
