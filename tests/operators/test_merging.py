"""Equal points, merged with their numbers: the spectrum of all points, by the definition."""

import numpy as np
import pytest

import definitions
from diffspec import (
    AlphaDecay,
    Chebyshev,
    Cosine,
    Exact,
    Gaussian,
    Lanczos,
    LowRank,
    NearestNeighbors,
    SelfTuning,
    dse,
    spectrum,
)
from diffspec.operators.dense import diffusion
from diffspec.operators.sparse import sparse_diffusion
from diffspec.points.distinct import copies_of
from diffspec.spectra.spectrum import shannon, shannon_stderr, truncation

MERGING = [Gaussian(1.0), Gaussian("knn"), Cosine(0.7), AlphaDecay(), AlphaDecay(20), SelfTuning(), SelfTuning(30)]


@pytest.fixture
def points(rng):
    """600 points of which 100 are different: 60 that occur some ten times, and 40 that stand alone."""
    many = rng.normal(size=(60, 5))[rng.integers(0, 60, size=560)]
    return rng.permutation(np.r_[many, rng.normal(size=(40, 5))])


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("t", [1.0, 2.0, 3.0])  # below 1 the rounding of the eigenvalues 0 would be seen
def test_value_is_that_of_the_definition(points, alpha, t):
    ours = dse(points, kernel=Gaussian(1.0), alpha=alpha, t=t)
    assert "different points" in ours.settings.solver
    assert ours.value == pytest.approx(definitions.dse(points, 1.0, alpha, t), abs=1e-10)
    assert ours.ceiling == np.log2(len(points))


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("kernel", MERGING, ids=repr)
def test_eigenvalues_are_those_of_all_points(points, kernel, alpha, rng):
    resolved = kernel.resolve(points, rng)
    whole = np.linalg.eigvalsh(diffusion(resolved(points), alpha).matrix)
    found = spectrum(points, kernel=resolved, alpha=alpha, solver=Exact())
    ours = np.repeat(found.nodes, found.weights.astype(int))
    assert len(ours) == found.n == len(points)
    np.testing.assert_allclose(ours, np.sort(np.abs(whole))[::-1], atol=1e-10)


@pytest.mark.parametrize("solver", [Lanczos(), LowRank(rank=90), Chebyshev(moments=200)], ids=repr)
def test_other_solvers_agree_within_what_they_state(points, solver):
    exact = definitions.dse(points, 1.0)
    ours = dse(points, kernel=Gaussian(1.0), solver=solver)
    low, high = ours.bounds or (exact, exact)
    assert low - 1e-9 <= exact <= high + 1e-9
    assert abs(ours.value - exact) < max(5 * (ours.stderr or 0.0), 0.05 if ours.bounds else 1e-6, 0.05)


def test_equal_points_only(rng):
    same = np.tile(rng.normal(size=3), (900, 1))
    for kernel in MERGING:
        assert dse(same, kernel=kernel).value == pytest.approx(0.0, abs=1e-12)


def test_only_where_few_are_different_and_copies_are_alike(points, rng):
    assert copies_of(points[:400]) is None  # few
    assert copies_of(np.r_[points, rng.normal(size=(600, 5))]) is None  # over a quarter are different
    assert "merged" not in NearestNeighbors.storages  # which copies are neighbours is a matter of order
    assert "different points" not in dse(points, kernel=NearestNeighbors()).settings.solver


def test_settings_say_how_many_points_were_different(points):
    assert dse(points, kernel=Gaussian(1.0)).settings.solver == "Exact() on 100 different points and their numbers"


def _graph(kind):
    """600 points, too many of them different to be merged, joined to their nearest neighbours."""
    rng = np.random.default_rng(0)
    few = rng.normal(size=(200, 6))
    points = (
        few[rng.integers(0, 200, size=600)] if kind == "copies" else np.maximum(rng.normal(size=(600, 12)) - 1.0, 0)
    )
    return sparse_diffusion(NearestNeighbors(15).resolve(points, rng)(points), 0.5)


@pytest.mark.parametrize("large", [10, 2**20])
def test_equal_rows_of_a_graph_leave_nothing_but_zeros(large, monkeypatch):
    monkeypatch.setattr("diffspec.operators.sparse.LARGE", large)
    operator = _graph("copies")
    ready = operator.ready()
    assert ready.n < 400
    whole, ours = (np.linalg.eigvalsh(one.dense()) for one in (operator, ready))
    np.testing.assert_allclose(np.sort(np.r_[ours, np.zeros(600 - ready.n)]), whole, atol=1e-12)
    steady = ready.steady(ready.pieces())
    assert ready.matmul(steady) == pytest.approx(steady, abs=1e-13)


@pytest.mark.parametrize("kind", ["copies", "most are zeros"])
@pytest.mark.parametrize(
    "solver", [Lanczos(tol=None, probes=6, deflation=4, power=1, steps=10), Chebyshev()], ids=["lanczos", "kpm"]
)
def test_zeros_of_equal_rows_are_not_spread(kind, solver):
    """Small powers lift what is spread: at t = 1/2 half a nat too much, and less was told."""
    operator = _graph(kind)
    exact = Exact()(operator, np.random.default_rng(0))
    found = [solver(operator, np.random.default_rng(seed)) for seed in range(10)]
    assert {one.n for one in found} == {600}
    for t in (0.25, 0.5, 1.0):
        off = np.abs([shannon(one, t) - shannon(exact, t) for one in found])
        assert off.max() < 0.08
        told = [1.96 * shannon_stderr(one, t) + truncation(one, t) for one in found]
        assert isinstance(solver, Chebyshev) or np.mean(off <= told) >= 0.8


def test_copies_of_points_are_found_on_disk_too(tmp_path):
    """Their distances come from other products there, and differ by rounding."""
    rng = np.random.default_rng(0)
    different = rng.normal(size=(700, 6)) @ rng.normal(size=(6, 300))
    np.save(tmp_path / "points.npy", different[rng.integers(0, 700, size=2300)])
    stored, values = np.load(tmp_path / "points.npy", mmap_mode="r"), []
    for given in ({"memory": 1.3e7}, {}):
        found = spectrum(stored, solver=Lanczos(tol=None, probes=6, deflation=4, power=1, steps=10), **given)
        values.append(shannon(found, 0.5))
    assert values[0] == pytest.approx(values[1], abs=0.02)
