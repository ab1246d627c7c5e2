"""Distances that were computed before: what they give is what the points themselves give, at every scale."""

import numpy as np
import pytest
import torch

from diffspec import Gaussian, Precomputed, dse


def between(points):
    return np.linalg.norm(points[:, None] - points[None], axis=2)


@pytest.mark.parametrize("scale", [1e-200, 1e-160, 1.0, 1e160, 1e200])
@pytest.mark.parametrize("sigma", ["median", 0.7])
def test_distances_of_every_scale_give_the_same_number(scale, sigma):
    points = np.random.default_rng(0).normal(size=(30, 2))
    width = sigma if sigma == "median" else sigma * scale
    here = dse(between(points), kernel=Precomputed("distances", sigma)).value
    assert here == pytest.approx(dse(points, kernel=Gaussian(sigma)).value, abs=1e-9)
    assert dse(scale * between(points), kernel=Precomputed("distances", width)).value == pytest.approx(here, abs=1e-9)


@pytest.mark.parametrize("memory", [None, 1e5])
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e6])
def test_where_most_pairs_coincide_the_median_says_equal_or_not(scale, memory):
    points = np.zeros((40, 2))
    points[:6] = scale * np.random.default_rng(0).normal(size=(6, 2))
    ours = dse(between(points), kernel=Precomputed("distances"), memory=memory)
    theirs = dse(points, kernel=Gaussian())
    assert ours.settings.sigma == theirs.settings.sigma > 0
    assert ours.value == pytest.approx(theirs.value, abs=1e-12)
    tensor = torch.from_numpy(between(points))
    assert dse(tensor, kernel=Precomputed("distances")).value == pytest.approx(ours.value, abs=1e-12)
