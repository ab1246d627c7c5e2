"""What stochastic solvers keep: the bytes of their basis, when that is refused, and whose matrix they overwrite."""

import ctypes
import math

import numpy as np
import pytest

from diffspec import Lanczos, TooLargeError
from diffspec.operators.dense import Dense
from diffspec.solvers import _krylov, _lapack, _whole
from diffspec.solvers._krylov import Krylov, gaussian, holds, whole_spectrum, work_of_whole


def _allow(monkeypatch, memory):
    monkeypatch.setattr("diffspec.solvers._krylov.allowed", lambda: memory)
    monkeypatch.setattr(_krylov, "FLOOR", 0.0)


def _symmetric(rng, n=12):
    matrix = rng.normal(size=(n, n))
    return matrix + matrix.T


def test_a_basis_takes_its_vectors_and_its_small_matrices():
    operator = Dense(np.eye(100))
    assert _krylov._bytes_of(operator, 10) == 8.0 * (10 * 100 + _krylov.SMALL * 10 * 10)


@pytest.mark.parametrize(("dtype", "stored"), [(np.float64, 80_000.0), (np.float32, 40_000.0)])
def test_a_basis_may_take_what_the_matrix_leaves_and_at_most_half(monkeypatch, dtype, stored):
    operator = Dense(np.eye(100, dtype=dtype))
    need = _krylov._bytes_of(operator, 10)
    for allowed, held in ((stored + need, True), (stored + need - 1.0, False), (math.inf, True)):
        _allow(monkeypatch, allowed)
        assert holds(operator, 10) == held
    many = _krylov._bytes_of(operator, 60)
    for allowed, held in ((2.0 * many, True), (2.0 * many - 2.0, False)):
        _allow(monkeypatch, allowed)
        assert holds(operator, 60) == held


def test_forty_mebibytes_are_always_allowed(monkeypatch):
    monkeypatch.setattr("diffspec.solvers._krylov.allowed", lambda: 1.0)
    assert holds(Dense(np.eye(100)), 10)
    for n, work in ((1600, 1600.0**3), (1620, math.inf)):
        assert work_of_whole(Dense(np.broadcast_to(np.float64(1.0), (n, n)))) == work


def test_all_eigenvalues_need_the_matrix_and_a_float64_copy(monkeypatch):
    operator = Dense(np.ones((100, 100), dtype=np.float32))
    for memory, work in ((160_000.0, 100.0**3), (159_999.0, math.inf)):
        _allow(monkeypatch, memory)
        assert work_of_whole(operator) == work
    with pytest.raises(TooLargeError, match="100 vectors of 100 numbers, which the solver keeps, need"):
        whole_spectrum(operator)


def test_a_negative_eigenvalue_counts_from_the_floor_on():
    eps = 12 * 2.0**-52
    for value in (0.0, -0.5 * eps, -2.0 * eps, -0.25):
        found = whole_spectrum(Dense(np.diag(np.r_[1.0, np.zeros(10), value])))
        assert found.floor == pytest.approx(eps, rel=1e-12)
        assert found.negative == (value if value < -eps else 0.0)


def test_a_step_needs_room_for_four_blocks_beside_the_basis(monkeypatch):
    operator = Dense(np.diag(np.linspace(0.2, 1.0, 100)))
    space = Krylov(operator, gaussian(operator, 6, np.random.default_rng(0)))
    space.step()
    for vectors, fits in ((12 + 4 * 6, True), (12 + 4 * 6 - 1, False)):
        _allow(monkeypatch, 2.0 * _krylov._bytes_of(operator, vectors))
        assert space.fits() is fits


def test_a_round_that_memory_does_not_hold_is_refused_or_told(monkeypatch):
    mirror = np.eye(900) - np.ones((900, 900)) / 450.0  # by it the operator is in one piece
    operator = Dense(mirror * np.linspace(0.2, 1.0, 900) @ mirror)
    solver = Lanczos(tol=1e-12, probes=4, deflation=2, steps=4, most=64)
    # Two rounds fit, of about 68 and 136 vectors, and the third, of 272, does not.
    _allow(monkeypatch, 2.0 * _krylov._bytes_of(operator, 250))
    found = solver(operator, np.random.default_rng(0))
    assert (found.tol, found.samples.shape[0]) == (1e-12, 8)
    assert found.remark.startswith("memory= holds no more vectors")
    # After the first block 8 + 6 vectors are there, and four steps of 6 more must be held.
    least = 14 + 4 * 6
    for vectors, refused in ((least - 1, True), (least, False)):
        _allow(monkeypatch, 2.0 * max(_krylov._bytes_of(operator, vectors), 8.0 * 900 * 900))
        monkeypatch.setattr(_krylov, "FLOOR", _krylov._bytes_of(operator, vectors) - 8.0 * 900 * 900)
        if refused:
            with pytest.raises(TooLargeError, match="68 vectors of 900 numbers"):
                solver(operator, np.random.default_rng(0))
        else:
            solver(operator, np.random.default_rng(0))


@pytest.mark.parametrize("disposable", [False, True])
def test_all_eigenvalues_leave_a_matrix_alone_that_is_not_theirs(rng, monkeypatch, disposable):
    seen = []
    true = _whole.eigenvalues
    monkeypatch.setattr(
        _whole, "eigenvalues", lambda matrix, **rest: seen.append((matrix, rest)) or true(matrix, **rest)
    )
    matrix = _symmetric(rng)
    kept = matrix.copy()
    found = whole_spectrum(Dense(matrix, disposable=disposable))
    assert np.shares_memory(seen[0][0], matrix) == disposable
    assert seen[0][1] == {"overwrite": True}
    values = np.linalg.eigvalsh(kept)
    assert found.nodes == pytest.approx(np.sort(np.abs(values))[::-1], rel=1e-12)
    assert found.negative == pytest.approx(values[0], rel=1e-12)
    assert np.array_equal(found.weights, np.ones(12))


@pytest.mark.parametrize(("dtype", "n", "eps"), [(np.float64, 12, 12 * 2.0**-52), (np.float32, 12, 2.0**-23)])
def test_what_lies_below_the_rounding_of_the_entries_is_zero(dtype, n, eps):
    values = np.r_[2.0, 0.5, 1e-3, 4.0 * eps, 1.5 * eps, np.zeros(n - 5)]
    found = whole_spectrum(Dense(np.diag(values).astype(dtype)))
    assert found.floor == pytest.approx(2.0 * eps, rel=1e-6)
    assert np.count_nonzero(found.nodes) == 4
    assert found.negative == 0.0


class Routine:
    """Stands for the Fortran routine and says that it did not converge."""

    def __call__(self, *arguments):
        sizes, isizes, info = arguments[6], arguments[8], arguments[10]
        ctypes.cast(sizes, ctypes.POINTER(ctypes.c_double))[0] = 1.0
        ctypes.cast(isizes, ctypes.POINTER(ctypes.c_int64))[0] = 1
        info._obj.value = 3


def test_a_reduction_that_does_not_converge_is_an_error():
    solve = _lapack._bind(Routine(), ctypes.c_int64)
    with pytest.raises(np.linalg.LinAlgError, match=r"did not converge \(info = 3\)"):
        solve(np.eye(3))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_both_reductions_give_the_eigenvalues_and_keep_what_is_not_theirs(rng, monkeypatch, order, overwrite):
    monkeypatch.setattr(_lapack, "SMALLEST", 2)
    for solver in (_lapack.two_stage(), None):
        monkeypatch.setattr(_lapack, "two_stage", lambda solver=solver: solver)
        matrix = np.array(_symmetric(rng), order=order)
        kept = matrix.copy()
        assert _lapack.eigenvalues(matrix, overwrite=overwrite) == pytest.approx(np.linalg.eigvalsh(kept), rel=1e-10)
        if not overwrite:
            assert np.array_equal(matrix, kept)


def test_the_first_openblas_that_has_the_routine_is_taken(monkeypatch):
    others = [{"internal_api": "openmp", "filepath": "/nowhere"}, {"internal_api": "mkl", "filepath": "/nowhere"}]
    real = [library for library in _lapack.threadpool_info() if library["internal_api"] == "openblas"]
    found = _lapack.two_stage.__wrapped__
    monkeypatch.setattr(_lapack, "threadpool_info", lambda: [*others, *real])
    names = [symbol.format("dsyevd_2stage") for symbol in _lapack.SYMBOLS]
    there = any(hasattr(ctypes.CDLL(one["filepath"]), name) for one in real for name in names)
    assert (found() is not None) == there
    monkeypatch.setattr(_lapack, "threadpool_info", lambda: others)
    assert found() is None
