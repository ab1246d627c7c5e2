"""Diffusion operators of low rank: linear in n, and an error that is guaranteed."""

from __future__ import annotations

import numpy as np
import pytest

from diffspec import Gaussian, LowRank, dse
from diffspec.errors import TooLargeError
from diffspec.operators.dense import diffusion
from diffspec.operators.factored import factored_diffusion
from diffspec.operators.tiles import GaussianTiles

ALPHAS = (0.0, 0.5, 1.0)


def clouds(seed, n=150):
    rng = np.random.default_rng(seed)
    shape = rng.integers(0, 4)
    if shape == 0:
        return rng.normal(size=(n, 3)) * 0.4
    if shape == 1:
        return 0.3 * rng.normal(size=(n, 20)) + 3.0 * np.eye(20)[rng.integers(0, 4, size=n)]
    if shape == 2:
        return np.outer(rng.random(n) * rng.uniform(1, 8), np.ones(2)) + 0.01 * rng.normal(size=(n, 2))
    return rng.standard_t(2, size=(n, 2)) * 0.5


def both(points, alpha, rank, seed=0):
    points = points - points.mean(axis=0)
    tiles = GaussianTiles.of(points, np.float64)
    whole = diffusion(tiles(slice(None), slice(None)), alpha)
    return whole.matrix, factored_diffusion(tiles, alpha, rank, np.random.default_rng(seed))


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_stated_distance_is_never_exceeded(alpha):
    ratios = []
    for seed in range(60):
        matrix, found = both(clouds(seed), alpha, rank=int(np.random.default_rng(seed).integers(2, 120)), seed=seed)
        distance = np.abs(np.linalg.eigvalsh(matrix - found.dense())).sum()
        assert distance <= found.perturbation.size
        ratios.append(found.perturbation.size / max(distance, 1e-12))
    assert np.min(ratios) < 30  # and it is no idle bound


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("t", [1.0, 2.0, 5.0])
def test_entropy_bounds_hold(alpha, t):
    from diffspec.spectra.spectrum import Spectrum, shannon

    for seed in range(30):
        matrix, found = both(clouds(seed), alpha, rank=60, seed=seed)
        values = np.maximum(np.linalg.eigvalsh(matrix), 0.0)
        exact = shannon(Spectrum(nodes=values[::-1], weights=np.ones(len(values)), n=len(values)), t)
        estimate = LowRank(rank=60)(found, np.random.default_rng(0))
        gap = found.perturbation.entropy(t, float((found.values**t).sum()))
        assert abs(shannon(estimate, t) - exact) <= gap + 1e-9


def test_full_rank_is_exact():
    matrix, found = both(clouds(1, n=60), 0.5, rank=60)
    np.testing.assert_allclose(found.dense(), matrix, atol=1e-9)
    assert found.perturbation.size < 1e-5


def test_the_protocol_of_an_operator():
    _matrix, found = both(clouds(2), 0.5, rank=40)
    dense = found.dense()
    vectors = np.random.default_rng(0).normal(size=(150, 3))
    np.testing.assert_allclose(found.matmul(vectors), dense @ vectors, atol=1e-12)
    np.testing.assert_allclose(found.diagonal(), np.diag(dense), atol=1e-12)
    np.testing.assert_allclose(found.columns(np.array([3, 7])), dense[:, [3, 7]], atol=1e-12)
    assert found.trace() == pytest.approx(np.trace(dense), abs=1e-9)
    assert found.frobenius2() == pytest.approx((dense**2).sum(), abs=1e-9)
    assert found.n == 150
    assert np.linalg.eigvalsh(dense)[-1] == pytest.approx(1.0, abs=1e-9)


def test_dse_of_many_points_takes_it_and_its_bounds_hold_the_value_of_lanczos(monkeypatch):

    points = np.random.default_rng(0).normal(size=(1500, 3))
    monkeypatch.setattr("diffspec.solvers.storing.FACTORED", 1000)
    ours = dse(points, kernel=Gaussian(3.0), solver=LowRank())
    exact = dse(points, kernel=Gaussian(3.0)).value
    assert ours.bounds[0] <= exact <= ours.bounds[1]
    assert ours.bounds[1] - ours.bounds[0] < 1e-3
    with pytest.raises(TooLargeError, match=r"LowRank\(rank=256\) on 1500 points of 3 features needs .* use rank="):
        dse(points, kernel=Gaussian(3.0), solver=LowRank(), memory=2e6)
