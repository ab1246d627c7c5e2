"""The float32 search misses no neighbour, and what it finds is what a search in float64 by the definition finds."""

import math

import numpy as np
import pytest

from diffspec.points import candidates
from diffspec.points.candidates import Candidates, around, together
from diffspec.points.distances import unit_scaled


def clouds():
    """Points that a search could get wrong, by name."""
    rng = np.random.default_rng(0)
    blobs = rng.normal(size=(6, 20))[np.arange(300) % 6] * 3.0 + rng.normal(size=(300, 20))
    far = np.concatenate([rng.normal(size=(150, 8)), rng.normal(size=(150, 8)) + 1e4])
    lattice = np.stack(np.meshgrid(*[np.arange(7.0)] * 3), axis=-1).reshape(-1, 3)
    copies = np.concatenate([np.repeat(rng.normal(size=(5, 4)), 40, axis=0), rng.normal(size=(100, 4))])
    near_ties = np.concatenate([lattice, lattice + 1e-9 * rng.normal(size=lattice.shape)])
    tight = np.concatenate([1.0 + 1e-7 * rng.normal(size=(100, 12)), rng.normal(size=(200, 12))])
    huge = np.concatenate([rng.normal(size=(200, 5)), [[1e18] * 5]])
    wide = rng.normal(size=(120, 3000))
    return {
        "blobs": blobs, "two far clusters": far, "lattice": lattice, "copies": copies, "near ties": near_ties,
        "tight": tight, "huge value": huge, "many features": wide, "all equal": np.ones((80, 3)), "line": blobs[:, :1],
    }  # fmt: skip


CLOUDS = clouds()


def brute(points):
    """Squared distances by the definition."""
    return np.array([np.sum((points - one) ** 2, axis=1) for one in points])


@pytest.mark.parametrize("reach", [1.0, 1.1174, 40.0, math.inf])
@pytest.mark.parametrize("name", CLOUDS)
def test_no_point_within_reach_is_missed(name, reach):
    points = unit_scaled(CLOUDS[name])[0]
    squared, n = brute(points), len(points)
    for rank in (0, 1, 5, n - 1):
        kth = np.sort(squared, axis=1)[:, rank]
        with np.errstate(invalid="ignore"):  # no distance times an infinite reach
            within = squared <= np.where(kth > 0, kth * reach, 0.0)[:, None]
        assert np.all(Candidates.of(points).near(slice(0, n), rank, reach)[within])


def test_hardly_more_points_than_those_within_reach_are_named(rng):
    points = unit_scaled(rng.normal(size=(6, 20))[np.arange(1200) % 6] * 3.0 + rng.normal(size=(1200, 20)))[0]
    squared = brute(points)
    kth = np.sort(squared, axis=1)[:, 6]
    within = int(np.sum(squared <= 1.1 * kth[:, None]))
    assert np.sum(Candidates.of(points).near(slice(0, 1200), 6, 1.1)) < 1.2 * within


@pytest.mark.parametrize("way", ["gathered", "product", "without"])
@pytest.mark.parametrize("name", CLOUDS)
def test_pairs_and_distances_are_those_of_the_definition(name, way, monkeypatch):
    monkeypatch.setattr(candidates, "GATHER", (0.0, 0.0) if way == "gathered" else (1e9, 0.0))
    points = unit_scaled(CLOUDS[name])[0]
    squared, n, rank, reach = brute(points), len(points), 6, 1.1174
    rows = np.random.default_rng(1).permutation(n)[: n // 2]
    search = None if way == "without" else Candidates.of(points)
    (i, j), found, kth = around(points, search, rows, rank, reach)
    rounding = 1e-9 * squared[rows[i], j] + 1e-30
    assert np.all(np.abs(found - squared[rows[i], j]) <= rounding)
    true = np.sort(squared, axis=1)[rows, rank]
    assert kth == pytest.approx(true, rel=1e-9, abs=1e-30)
    named = np.zeros((len(rows), n), bool)
    named[i, j] = True
    # What lies within rounding of the edge may be on either side of it.
    edge = np.abs(squared[rows] - reach * true[:, None]) <= 1e-8 * true[:, None] + 1e-30
    assert np.array_equal(named | edge, (squared[rows] <= reach * true[:, None]) | edge)


def test_so_many_features_that_float32_says_nothing_are_not_searched(monkeypatch):
    monkeypatch.setattr(candidates, "MOST_FEATURES", 4)
    assert Candidates.of(np.zeros((3, 5))) is None
    assert Candidates.of(np.zeros((3, 4))) is not None


@pytest.mark.parametrize("stride", [1, 10, 100])
def test_the_order_brings_clusters_together_whatever_order_they_came_in(rng, stride):
    labels = np.arange(1000) // stride % 10
    order = together(unit_scaled(rng.normal(size=(10, 5))[labels] * 10 + rng.normal(size=(1000, 5)))[0])
    assert np.array_equal(np.sort(order), np.arange(1000))
    assert np.count_nonzero(np.diff(labels[order])) < 30
