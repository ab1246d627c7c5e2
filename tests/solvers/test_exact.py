"""The exact solver: both LAPACK routes give the same eigenvalues, and the matrix is only overwritten when it may be."""

import numpy as np
import pytest
import scipy.linalg

import definitions
from diffspec import Exact, Gaussian, dse
from diffspec.operators.dense import Dense, diffusion
from diffspec.solvers import _lapack
from diffspec.spectra.spectrum import shannon


@pytest.mark.parametrize("n", [2, 3, 50, 333])
def test_two_stage_agrees_with_the_usual_reduction(rng, n):
    solve = _lapack.two_stage()
    if solve is None:
        pytest.skip("no OpenBLAS with dsyevd_2stage is loaded")
    half = rng.normal(size=(n, n))
    matrix = half + half.T
    expected = scipy.linalg.eigvalsh(matrix)
    assert solve(matrix.copy()) == pytest.approx(expected, abs=1e-12 * n)


ROUTES = ("NumPy", "two-stage", "SciPy")


def take(route, monkeypatch):
    """Send matrices of every order along one of the three routes to LAPACK."""
    monkeypatch.setattr(_lapack, "SMALLEST", 10**9 if route == "NumPy" else 2)
    if route == "SciPy":
        monkeypatch.setattr(_lapack, "two_stage", lambda: None)


@pytest.mark.parametrize("route", ROUTES)
def test_dse_does_not_depend_on_the_route(rng, monkeypatch, route):
    points = rng.normal(size=(500, 3))
    expected = definitions.dse(points, 1.0)
    take(route, monkeypatch)
    assert dse(points, kernel=Gaussian(1.0), t=1.0).value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("disposable", [True, False])
def test_overwrites_only_what_is_disposable(rng, monkeypatch, route, disposable):
    take(route, monkeypatch)
    points = rng.normal(size=(60, 3))
    affinity = np.exp(-((points[:, None] - points[None]) ** 2).sum(axis=2))
    matrix = diffusion(affinity, 0.5).matrix
    kept = matrix.copy()
    Exact()(Dense(matrix, disposable=disposable), rng)
    assert np.array_equal(matrix, kept) is (not disposable or route == "NumPy")


def test_noise_below_the_floor_counts_as_zero(rng):
    found = Exact()(Dense(np.full((40, 40), 1 / 40)), rng)
    assert (found.nodes > 0).sum() == 1
    assert found.floor == pytest.approx(40 * np.finfo(float).eps, rel=1e-9)


@pytest.mark.parametrize("smallest", [2, 10**9])
def test_a_float32_matrix_is_solved_in_float64(rng, monkeypatch, smallest):
    monkeypatch.setattr(_lapack, "SMALLEST", smallest)
    points = rng.normal(size=(300, 3))
    affinity = np.exp(-((points[:, None] - points[None]) ** 2).sum(axis=2) / 50.0)
    matrix = diffusion(affinity, 0.5).matrix
    wide, narrow = (Exact()(Dense(m), rng) for m in (matrix, matrix.astype(np.float32)))
    assert narrow.floor == pytest.approx(wide.floor, rel=1e-6)
    assert shannon(narrow) == pytest.approx(shannon(wide), abs=1e-4)
