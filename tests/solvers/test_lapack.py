"""The two-stage routine as LAPACK documents it: its arguments, the names by which it is found, what it may write."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import numpy as np
import pytest

from diffspec.solvers import _lapack

# The routine's names by how OpenBLAS was built, and the bytes of its integers.
NAMES = {"scipy_dsyevd_2stage_64_": 8, "scipy_dsyevd_2stage_": 4, "dsyevd_2stage_64_": 8, "dsyevd_2stage_": 4}
WORK, IWORK = 37, 11  # numbers that it asks for


class Dsyevd:
    """Stands for Fortran's DSYEVD_2STAGE: reads its arguments by address, as the documentation of LAPACK has them."""

    def __init__(self, bytes_of_integer: int) -> None:
        self.integer = ctypes.c_int64 if bytes_of_integer == 8 else ctypes.c_int32
        self.calls: list[str] = []

    def of(self, argument: object, kind: type) -> ctypes.Array:
        return ctypes.cast(argument, ctypes.POINTER(kind))

    def __call__(self, jobz, uplo, n, a, lda, w, work, lwork, iwork, liwork, info, *lengths):
        assert jobz.value[:1] == b"N"
        assert uplo.value[:1] in (b"L", b"U")
        assert [length.value for length in lengths] == [1, 1]
        order, leading, room, iroom = (int(self.of(one, self.integer)[0]) for one in (n, lda, lwork, liwork))
        if -1 in (room, iroom):
            self.calls.append("sizes")
            self.of(work, ctypes.c_double)[0] = float(WORK)
            self.of(iwork, self.integer)[0] = IWORK
        else:
            self.calls.append("eigenvalues")
            assert (room, iroom, leading) == (WORK, IWORK, order)
            matrix = np.ctypeslib.as_array(self.of(a, ctypes.c_double), (order, order))
            np.ctypeslib.as_array(self.of(w, ctypes.c_double), (order,))[:] = np.linalg.eigvalsh(matrix)
            matrix[:] = np.nan  # used up
        self.of(info, self.integer)[0] = 0


def symmetric(rng, n=6):
    matrix = rng.normal(size=(n, n))
    return matrix + matrix.T


@pytest.mark.parametrize("name", NAMES)
def test_the_routine_is_found_by_each_of_its_names_and_called_with_its_integers(rng, monkeypatch, name):
    routine, other = Dsyevd(NAMES[name]), SimpleNamespace(dsyevd_=None)
    loaded = {"blas": SimpleNamespace(**{name: routine}), "older": other}
    libraries = [
        {"internal_api": "openmp", "filepath": "blas"},  # no BLAS, whatever it exports
        {"internal_api": "openblas", "filepath": "older"},
        {"internal_api": "openblas", "filepath": "blas"},
    ]
    monkeypatch.setattr(_lapack, "threadpool_info", lambda: libraries)
    monkeypatch.setattr(_lapack.ctypes, "CDLL", loaded.__getitem__)
    solve = _lapack.two_stage.__wrapped__()
    matrix = symmetric(rng)
    expected = np.linalg.eigvalsh(matrix)
    assert solve(matrix) == pytest.approx(expected, rel=1e-12)
    assert routine.calls == ["sizes", "eigenvalues"]
    monkeypatch.setattr(_lapack, "threadpool_info", lambda: libraries[:2])
    assert _lapack.two_stage.__wrapped__() is None


def test_numpy_is_called_only_where_it_lets_other_threads_run_or_a_call_is_short(rng, monkeypatch):
    used = []

    def solver(name):
        return lambda matrix: used.append(name) or np.linalg.eigvalsh(matrix)

    monkeypatch.setattr(_lapack, "one_stage", lambda: solver("one stage"))
    monkeypatch.setattr(_lapack, "two_stage", lambda: solver("two stages"))
    monkeypatch.setattr(_lapack, "SMALLEST", 600)
    expected = {99: [], 100: ["one stage"], 500: ["one stage"], 501: [], 600: ["two stages"]}
    for n, who in expected.items():
        matrix = symmetric(rng, n)
        kept = matrix.copy()
        assert _lapack.eigenvalues(matrix, overwrite=False) == pytest.approx(np.linalg.eigvalsh(kept), abs=1e-9)
        assert used == who, n
        used.clear()
    monkeypatch.setattr(_lapack, "one_stage", lambda: None)
    assert _lapack.eigenvalues(symmetric(rng, 100), overwrite=True).shape == (100,)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_matrix_of_another_type_is_copied_to_float64(rng, overwrite):
    matrix = symmetric(rng, 120).astype(np.float32)
    expected = np.linalg.eigvalsh(matrix.astype(np.float64))
    assert _lapack.eigenvalues(matrix, overwrite=overwrite) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("n", [2, 3, 50, 120, 333])
def test_the_usual_solver_of_the_loaded_library_gives_the_eigenvalues(rng, n):
    solve = _lapack.one_stage()
    if solve is None:
        pytest.skip("no OpenBLAS with dsyevd is loaded")
    matrix = symmetric(rng, n)
    assert solve(matrix.copy()) == pytest.approx(np.linalg.eigvalsh(matrix), abs=1e-12 * n)


class TestWhatMayBeOverwritten:
    @pytest.fixture
    def given(self, monkeypatch):
        """The matrices that the two-stage solver is given; it fills them with what must not be read again."""
        matrices = []

        def solve(matrix):
            values = np.linalg.eigvalsh(matrix)
            matrices.append(matrix)
            assert matrix.flags.c_contiguous or matrix.flags.f_contiguous  # else its address is not that of a matrix
            matrix[:] = np.nan
            return values

        monkeypatch.setattr(_lapack, "SMALLEST", 2)
        monkeypatch.setattr(_lapack, "two_stage", lambda: solve)
        return matrices

    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("overwrite", [False, True])
    def test_only_where_it_may_be_a_matrix_is_given_itself(self, rng, given, order, overwrite):
        matrix = np.array(symmetric(rng), order=order)
        kept = matrix.copy()
        assert _lapack.eigenvalues(matrix, overwrite=overwrite) == pytest.approx(np.linalg.eigvalsh(kept), rel=1e-12)
        assert (given[0] is matrix) == overwrite
        assert np.array_equal(matrix, kept) != overwrite

    def test_a_part_of_a_larger_matrix_is_copied(self, rng, given):
        whole = symmetric(rng, 12)
        part = whole[::2, ::2]
        kept = whole.copy()
        assert _lapack.eigenvalues(part, overwrite=True) == pytest.approx(np.linalg.eigvalsh(kept[::2, ::2]), rel=1e-12)
        assert np.array_equal(whole, kept)

    def test_a_matrix_that_is_read_only_is_copied(self, rng, given):
        matrix = symmetric(rng)
        matrix.flags.writeable = False
        kept = matrix.copy()
        assert _lapack.eigenvalues(matrix, overwrite=True) == pytest.approx(np.linalg.eigvalsh(kept), rel=1e-12)
        assert np.array_equal(matrix, kept)
