"""LAPACK's eigenvalues of one matrix, called in the OpenBLAS that NumPy and SciPy have loaded.

The usual `dsyevd` spends most of its time in matrix-vector products (half of the tridiagonal reduction); the two-stage
form, which nobody wraps, reduces to a band by matrix products first and is about twice as fast from a few thousand
points on. Of some hundred points the usual one is called here too: NumPy lets other threads run only where a matrix has
more than 500 rows. Both are found by their symbols; where they are not there, NumPy and SciPy give the same eigenvalues
to rounding.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import scipy.linalg
from threadpoolctl import threadpool_info

__all__ = ["eigenvalues", "one_stage", "two_stage"]

Matrix: TypeAlias = np.ndarray[Any, Any]

# Below this order the extra band stage does not pay.
SMALLEST = 1500
# Between these NumPy keeps the interpreter for itself, and one that waits for it loses more than a call takes.
NUMPY_ALONE = range(100, 501)

# The symbol depends on how OpenBLAS was built: with a prefix or not, with 64-bit integers or not.
SYMBOLS = {
    "scipy_{}_64_": ctypes.c_int64,
    "scipy_{}_": ctypes.c_int32,
    "{}_64_": ctypes.c_int64,
    "{}_": ctypes.c_int32,
}


def eigenvalues(matrix: Matrix, *, overwrite: bool) -> Matrix:
    """Eigenvalues, ascending, of a symmetric float64 (n, n) `matrix`, which may be overwritten if told so."""
    solve = two_stage() if len(matrix) >= SMALLEST else one_stage() if len(matrix) in NUMPY_ALONE else None
    if solve is not None:
        # Symmetric, so C order read as Fortran order is the same matrix.
        return solve(matrix if overwrite and _contiguous(matrix) else np.array(matrix, dtype=np.float64, order="C"))
    if len(matrix) < SMALLEST:
        # NumPy's dsyevd lets other threads run meanwhile, SciPy's does not: groups are measured side by side.
        return np.linalg.eigvalsh(matrix)
    # The transpose of a C-ordered symmetric matrix is the same matrix in Fortran order: LAPACK takes it uncopied.
    return np.asarray(
        scipy.linalg.eigh(matrix.T, eigvals_only=True, driver="evd", overwrite_a=overwrite, check_finite=False)
    )


@cache
def one_stage() -> Callable[[Matrix], Matrix] | None:
    """The usual solver of the loaded OpenBLAS (it overwrites its argument), or None where there is none."""
    return _loaded("dsyevd")


@cache
def two_stage() -> Callable[[Matrix], Matrix] | None:
    """The two-stage solver of the loaded OpenBLAS (it overwrites its argument), or None where there is none."""
    return _loaded("dsyevd_2stage")


def _loaded(name: str) -> Callable[[Matrix], Matrix] | None:
    """The solver of that name in the first OpenBLAS that has it."""
    for library in threadpool_info():
        if library["internal_api"] != "openblas":
            continue
        loaded = ctypes.CDLL(library["filepath"])
        for symbol, integer in SYMBOLS.items():
            if hasattr(loaded, symbol.format(name)):
                return _bind(getattr(loaded, symbol.format(name)), integer)
    return None


def _bind(routine: Any, integer: Any) -> Callable[[Matrix], Matrix]:
    """`routine` (Fortran: jobz, uplo, n, a, lda, w, work, lwork, iwork, liwork, info) as matrix -> eigenvalues."""
    integers = np.dtype(integer)

    def solve(matrix: Matrix) -> Matrix:
        n = len(matrix)
        values, info = np.empty(n), integer(0)

        def call(work: Matrix, lwork: int, iwork: Matrix, liwork: int) -> None:
            routine(
                ctypes.c_char_p(b"N"), ctypes.c_char_p(b"L"), ctypes.byref(integer(n)), _pointer(matrix),
                ctypes.byref(integer(n)), _pointer(values), _pointer(work), ctypes.byref(integer(lwork)),
                _pointer(iwork), ctypes.byref(integer(liwork)), ctypes.byref(info),
                ctypes.c_size_t(1), ctypes.c_size_t(1),
            )  # fmt: skip

        sizes, isizes = np.empty(1), np.empty(1, dtype=integers)
        call(sizes, -1, isizes, -1)  # asks for the sizes of the work arrays
        call(np.empty(int(sizes[0])), int(sizes[0]), np.empty(int(isizes[0]), dtype=integers), int(isizes[0]))
        if info.value:
            raise np.linalg.LinAlgError(f"dsyevd did not converge (info = {info.value})")
        return values

    return solve


def _pointer(array: Matrix) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)


def _contiguous(matrix: Matrix) -> bool:
    whole = bool(matrix.flags.c_contiguous or matrix.flags.f_contiguous)
    return whole and bool(matrix.flags.writeable) and matrix.dtype == np.float64
