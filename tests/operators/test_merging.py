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
from diffspec.points.distinct import copies_of

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
