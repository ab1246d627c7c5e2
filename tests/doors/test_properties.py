"""Properties that hold for any points, searched by hypothesis."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from diffspec import Gaussian, Literal, dse, dsmi, spectrum

SHAPES = st.tuples(st.integers(2, 24), st.integers(1, 6))
# A grid of values: duplicates and ties are common, cancellation is not what is tested here.
POINTS = arrays(np.float64, SHAPES, elements=st.integers(-40, 40).map(lambda k: k / 8))
SIGMAS = st.floats(0.05, 20.0)
ALPHAS = st.floats(0.0, 1.0)
TIMES = st.floats(0.5, 30.0)


@settings(deadline=None)
@given(POINTS, SIGMAS, ALPHAS, TIMES)
def test_entropy_lies_between_zero_and_log_n(points, sigma, alpha, t):
    estimate = dse(points, kernel=Gaussian(sigma), alpha=alpha, t=t)
    assert -1e-12 <= estimate.value <= math.log2(len(points)) + 1e-12
    assert 1 - 1e-9 <= estimate.effective_rank <= len(points) * (1 + 1e-9)


@settings(deadline=None)
@given(POINTS, ALPHAS)
def test_scale_free_entropy_lies_between_zero_and_log_n(points, alpha):
    assert -1e-12 <= dse(points, alpha=alpha).value <= math.log2(len(points)) + 1e-12


@settings(deadline=None)
@given(POINTS, SIGMAS, ALPHAS)
def test_eigenvalues_lie_in_the_unit_interval(points, sigma, alpha):
    s = spectrum(points, kernel=Gaussian(sigma), alpha=alpha)
    assert s.nodes[0] == pytest.approx(1.0, abs=1e-9)
    assert s.nodes[-1] >= 0.0
    assert s.weights.sum() == len(points)


@settings(deadline=None)
@given(POINTS, SIGMAS, st.randoms(use_true_random=False))
def test_order_of_the_points_does_not_matter(points, sigma, random):
    order = random.sample(range(len(points)), k=len(points))
    kernel = Gaussian(sigma)
    assert dse(points[order], kernel=kernel).value == pytest.approx(dse(points, kernel=kernel).value, abs=1e-9)
    assert dse(points[order]).value == pytest.approx(dse(points).value, abs=1e-9)


@settings(deadline=None)
@given(POINTS, SIGMAS, st.integers(0, 2**32 - 1))
def test_rotation_and_translation_do_not_matter(points, sigma, seed):
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(points.shape[1],) * 2))
    moved = points @ rotation + rng.normal(size=points.shape[1])
    kernel = Gaussian(sigma)
    assert dse(moved, kernel=kernel).value == pytest.approx(dse(points, kernel=kernel).value, abs=1e-7)


@settings(deadline=None)
@given(POINTS, SIGMAS, st.floats(1e-100, 1e100))
def test_points_and_sigma_scale_together(points, sigma, scale):
    ours = dse(points * scale, kernel=Gaussian(sigma * scale)).value
    assert ours == pytest.approx(dse(points, kernel=Gaussian(sigma)).value, abs=1e-7)


@settings(deadline=None)
@given(POINTS, SIGMAS)
def test_doubling_every_point_leaves_the_plain_walk_alone(points, sigma):
    kernel = Gaussian(sigma)
    once = dse(points, kernel=kernel, alpha=0.0).value
    assert dse(np.concatenate([points, points]), kernel=kernel, alpha=0.0).value == pytest.approx(once, abs=1e-7)


@settings(deadline=None)
@given(POINTS, SIGMAS)
def test_entropy_falls_with_time_and_order(points, sigma):
    s = spectrum(points, kernel=Gaussian(sigma))
    over_time = [s.shannon(t=t).value for t in (1, 2, 4, 8)]
    over_order = [s.renyi(q=q).value for q in (0.5, 1, 2, math.inf)]
    for values in (over_time, over_order):
        assert all(a >= b - 1e-9 for a, b in itertools.pairwise(values))


@settings(deadline=None, max_examples=50)
@given(POINTS, st.data())
def test_information_is_finite_and_one_group_carries_none(points, data):
    labels = data.draw(arrays(np.int64, len(points), elements=st.integers(0, 3)))
    for estimate in (dsmi(points, labels), dsmi(points, labels, estimator=Literal())):
        assert math.isfinite(estimate.value)
        assert sum(group.n for group in estimate.groups) == len(points)
        if len(estimate.groups) == 1:
            assert estimate.value == pytest.approx(0.0, abs=1e-9)
