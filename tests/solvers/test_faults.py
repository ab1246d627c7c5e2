"""Bad input and faults, for every solver: a right number or a clear error, never NaN, never a hang.

A cluster that dies and a chunk that is missing have their tests in test_cluster.py and test_streaming.py.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import definitions
from diffspec import (
    Chebyshev,
    Exact,
    Gaussian,
    InputError,
    Lanczos,
    LowRank,
    Precomputed,
    Thresholded,
    TooLargeError,
    dse,
    dsmi,
    spectrum,
)
from diffspec.spectra.spectrum import truncation

pytestmark = pytest.mark.timeout(60)  # a hang is a failure

SOLVERS = {
    "default": None,
    "exact": Exact(),
    "lanczos": Lanczos(),
    "lanczos fixed": Lanczos(tol=None, probes=8, deflation=4, power=1, steps=6),
    "lanczos, too many of all": Lanczos(probes=10**4, deflation=10**4, power=10**3, steps=10**4, most=10**5),
    "lowrank": LowRank(rank=100),
    "lowrank, too many columns": LowRank(rank=10**6),
    "chebyshev": Chebyshev(moments=64, probes=8),
    "chebyshev, too many of all": Chebyshev(moments=10**5, probes=10**5),
}


@pytest.fixture(params=SOLVERS.values(), ids=[name.replace(" ", "-") for name in SOLVERS])
def solver(request):
    return request.param


@pytest.fixture(autouse=True)
def whole(monkeypatch):
    """What falls into pieces is solved as a whole here, which is harder (tests/operators/test_pieces.py has pieces)."""
    monkeypatch.setattr("diffspec.solvers.lanczos.PIECE", 0.0)


def cloud(n, d=3):
    return np.random.default_rng(0).normal(size=(n, d))


def far_apart(n, distance):
    """Two groups, each with a shape of its own, so far apart that no affinity is left between them."""
    return np.concatenate([cloud(n), cloud(n)[:, ::-1] + distance])


# Points, sigma and where they are not too large for the textbook the points that it is given instead.
CASES = {
    "2 points": (cloud(2), 1.0, None),
    "3 points": (cloud(3), 1.0, None),
    "2 equal points": (np.ones((2, 3)), 1.0, None),
    "3 equal points": (np.ones((3, 3)), 1.0, None),
    "all points equal": (np.ones((300, 3)), 1.0, None),
    "all points equal, and huge": (np.full((300, 3), 1e300), 1.0, np.ones((300, 3))),
    "two groups infinitely far apart": (far_apart(150, 1e4), 1.0, None),
    "two points infinitely far apart": (np.array([[0.0], [1e300]]), 1.0, np.array([[0.0], [1e6]])),
    "a disconnected graph": (np.repeat(1e3 * np.arange(30), 10)[:, None] + cloud(300, 1), 1.0, None),
    "a kernel that is the identity": (cloud(300), 1e-200, 1e6 * cloud(300)),
    "a kernel that is constant": (cloud(300), 1e200, np.ones((300, 3))),
}


@pytest.mark.parametrize("case", CASES.values(), ids=[name.replace(" ", "-") for name in CASES])
def test_degenerate_points_give_the_right_number(solver, case):
    points, sigma, instead = case
    affinity = definitions.gaussian(points if instead is None else instead, sigma if instead is None else 1.0)
    eigenvalues = np.linalg.eigvals(definitions.diffusion_matrix(affinity, 0.5))
    found = spectrum(points, kernel=Gaussian(sigma), solver=solver)
    for t in (1.0, 3.0):
        exact = definitions.entropy_bits(definitions.probabilities(eigenvalues, t))
        ours = found.shannon(t)
        assert math.isfinite(ours.value)
        if ours.bounds is not None:
            assert ours.bounds[0] - 1e-6 <= exact <= ours.bounds[1] + 1e-6
            assert ours.bounds[0] - 1e-6 <= ours.value <= ours.bounds[1] + 1e-6
        else:
            stated = 4.0 * (ours.stderr or 0.0) + 2.0 * truncation(found, t) / math.log(2.0)
            assert ours.value == pytest.approx(exact, abs=1e-6 + stated)


def test_the_cases_reach_the_stochastic_paths():
    """A table of problems so small that every solver falls back on all eigenvalues would test nothing."""
    for name in ("lanczos fixed", "chebyshev"):
        for case in ("two groups infinitely far apart", "a disconnected graph"):
            points, sigma, _instead = CASES[case]
            assert spectrum(points, kernel=Gaussian(sigma), solver=SOLVERS[name]).samples is not None


@pytest.mark.parametrize("n", [2, 3])
def test_information_of_few_points(solver, n):
    ours = dsmi(cloud(n), np.arange(n) % 2, kernel=Gaussian(1.0), solver=solver)
    assert math.isfinite(ours.value)
    assert ours.stderr is None or math.isfinite(ours.stderr)


def test_an_indefinite_affinity_is_solved_or_refused(solver):
    points = cloud(300)
    affinity = np.maximum(0.0, 1.0 - np.linalg.norm(points[:, None] - points[None], axis=2) / 2.0)
    eigenvalues = np.linalg.eigvals(definitions.diffusion_matrix(affinity, 0.5))
    assert eigenvalues.real.min() < -1e-3
    if isinstance(solver, LowRank):
        with pytest.raises(InputError, match="hold for positive semi-definite operators only"):
            spectrum(affinity, kernel=Precomputed(), solver=solver)
        return
    found = spectrum(affinity, kernel=Precomputed(), t=1.0, solver=solver)
    ours = found.shannon()
    exact = definitions.entropy_bits(definitions.probabilities(eigenvalues, 1.0))
    stated = 4.0 * (ours.stderr or 0.0) + 2.0 * truncation(found) / math.log(2.0)
    assert ours.value == pytest.approx(exact, abs=1e-6 + stated)
    if isinstance(solver, Lanczos) and found.samples is not None:
        assert "the operator has negative eigenvalues" in ours.verdict


def test_memory_too_small_for_one_tile(solver):
    with pytest.raises(TooLargeError, match=r"(does not hold a tile|needs the 300 x 300 float64).* give more memory"):
        dse(cloud(300), kernel=Gaussian(1.0), solver=solver, memory=100)
    with pytest.raises(InputError, match="memory must be a positive number of bytes, got 0"):
        dse(cloud(300), solver=solver, memory=0)


def test_a_tolerance_that_cannot_be_reached_is_said():
    ours = dse(cloud(1500), kernel=Gaussian(0.5), solver=Lanczos(tol=1e-12, most=16, steps=6))
    assert ours.stderr > 1e-12
    assert "tolerance not reached" in ours.verdict
    exact = dse(cloud(1500), kernel=Gaussian(0.5))
    assert abs(ours.value - exact.value) < 4.0 * ours.stderr


def test_a_sparse_graph_in_parts(solver):
    points = CASES["a disconnected graph"][0]
    if isinstance(solver, LowRank):
        with pytest.raises(InputError, match="hold for positive semi-definite operators only"):
            dse(points, kernel=Thresholded(1.0), solver=solver)
        return
    exact = dse(points, kernel=Gaussian(1.0), t=1e6)
    ours = dse(points, kernel=Thresholded(1.0), solver=solver, t=1e6)
    assert exact.value == pytest.approx(math.log2(30), abs=1e-6)
    assert abs(ours.value - exact.value) <= 4.0 * (ours.stderr or 0.0) + 1e-6 or "may have cost" in ours.verdict
