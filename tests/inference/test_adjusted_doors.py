"""The adjusted estimator at every door: one number, with the test, the interval and the comparison that it needs."""

import inspect
import math

import numpy as np
import pytest

from diffspec import (
    Adjusted,
    Gaussian,
    adjusted_dsmi,
    compare,
    dsmi,
    interval,
    permutation_test,
    profile,
)
from diffspec.inference.permutation import PermutationTest
from diffspec.inference.resampling import Interval
from diffspec.measures import adjusted


@pytest.fixture
def overlapping(rng):
    labels = np.repeat([0, 1, 2], 40)
    return rng.normal(size=(120, 4)) + 1.5 * np.eye(3, 4)[labels], labels


def test_every_door_gives_the_same_number(overlapping):
    points, labels = overlapping
    plain = adjusted_dsmi(points, labels, rng=3)
    assert dsmi(points, labels, estimator=Adjusted(), rng=3) == plain
    tested = permutation_test(points, labels, 19, estimator=Adjusted(), rng=3)
    around = interval(points, labels, estimator=Adjusted(), resamples=10, rng=3)
    paired = compare(points, points[:, :1], labels, estimator=Adjusted(), resamples=10, rng=3)
    assert (tested.value, around.value, paired.first) == pytest.approx((plain.value,) * 3, abs=1e-12)
    assert {found.measure for found in (plain, tested, around, paired)} == {"adjusted DSMI"}
    assert {found.settings.estimator for found in (plain, tested, around)} == {"Adjusted(repetitions=5)"}
    assert Interval.from_json(around.to_json()) == around
    assert PermutationTest.from_json(tested.to_json()) == tested


def test_the_function_hands_on_all_that_it_is_given(monkeypatch):
    given = {name: object() for name in inspect.signature(adjusted_dsmi).parameters if name != "repetitions"}
    monkeypatch.setattr(
        adjusted, "dsmi", lambda points, reference, **rest: {"points": points, "reference": reference, **rest}
    )
    assert adjusted_dsmi(**given, repetitions=3) == {**given, "estimator": Adjusted(3)}


def test_the_test_deals_the_groups_and_cuts_anew(overlapping, rng):
    points, labels = overlapping
    found = permutation_test(points, labels, 99, estimator=Adjusted())
    assert (found.p_value, found.verdict) == (0.01, "informative")
    # Every deal is held against the same matched subsets, whose error the null mean has.
    assert abs(found.null_mean) < 4 * math.hypot(found.null_sd / math.sqrt(99), adjusted_dsmi(points, labels).stderr)
    assert found.corrected > 0.5
    chance = [permutation_test(points[:40], rng.permutation(3 * [0, 1] * 7)[:40], 19, estimator=Adjusted()).p_value]
    assert chance[0] > 0.05
    single = permutation_test(points, np.zeros(120, dtype=int), 19, estimator=Adjusted())
    assert (single.value, single.p_value) == (0.0, 1.0)


def test_the_profile_has_the_value_at_every_width(overlapping):
    points, labels = overlapping
    found = profile(points, labels, sigmas=[0.5, 1.0, 3.0], estimator=Adjusted())
    order = np.argsort(np.sum((points - points.mean(axis=0)) ** 2, axis=1), kind="stable")
    for sigma, value in zip(found.sigmas, found.information.values, strict=True):
        own = adjusted_dsmi(points[order], labels[order], kernel=Gaussian(sigma), t=1.0)
        assert value == pytest.approx(own.value, rel=0.1)  # other matched subsets


def test_the_interval_is_of_the_points_and_the_error_of_the_subsets(overlapping):
    points, labels = overlapping
    plain = adjusted_dsmi(points, labels)
    assert interval(points, labels, estimator=Adjusted(), resamples=25).stderr > 2 * plain.stderr


def _network(seed, noise, n=90):
    """Features of the n points of a seed, and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, size=n)
    return 2.0 * np.eye(3, 5)[labels] + noise * rng.normal(size=(n, 5)), labels


def test_the_better_of_two_networks_has_the_larger_value():
    found = []
    for seed in range(6):
        points, labels = _network(seed, 0.5)
        worse, _labels = _network(seed, 1.2)
        found.append(compare(points, worse, labels, estimator=Adjusted(), resamples=15, rng=seed))
    assert all(each.differ and each.difference > 0 for each in found)
    assert found[0].verdict.startswith("a has the larger adjusted DSMI")


@pytest.mark.thorough
def test_equal_networks_rarely_differ():
    differ = []
    for seed in range(24):
        points, labels = _network(seed, 0.5, n=60)
        views = [points + 0.5 * np.random.default_rng([seed, k]).normal(size=points.shape) for k in (1, 2)]
        differ.append(compare(*views, labels, estimator=Adjusted(2), resamples=12, rng=seed).differ)
    assert np.mean(differ) <= 0.15
