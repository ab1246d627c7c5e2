"""Mutual neighbours and information imbalance: their formulas, what chance gives, and what they refuse."""

import numpy as np
import pytest
from scipy.stats import ortho_group

import definitions_baselines as oracle
from diffspec import InputError
from diffspec.baselines import information_imbalance, mutual_neighbors

BOTH = [mutual_neighbors, information_imbalance]


@pytest.fixture
def pair(rng):
    x = rng.normal(size=(60, 4))
    return x, np.hstack([x[:, :2], rng.normal(size=(60, 1))])


@pytest.mark.parametrize("k", [1, 7])
@pytest.mark.parametrize("measure", BOTH)
def test_it_is_its_formula(measure, k, pair):
    expected = getattr(oracle, measure.__name__)(*pair, k)
    assert measure(*pair, neighbors=k).value == pytest.approx(expected, rel=1e-12)


def test_ranks_are_the_same_in_blocks(pair, monkeypatch):
    whole = information_imbalance(*pair, neighbors=3).value
    monkeypatch.setattr("diffspec.baselines.representations.shared_neighbors.block_elements", lambda: 150)
    assert information_imbalance(*pair, neighbors=3).value == whole


def test_a_turned_copy_has_the_same_neighbours(rng):
    points = rng.normal(size=(50, 5))
    turned = 1e3 * (points @ ortho_group.rvs(5, random_state=rng) + 2.0)
    assert mutual_neighbors(points, turned, neighbors=5).value == 1.0
    assert information_imbalance(points, turned, neighbors=5).value == pytest.approx(6 / 50)


def test_unrelated_representations_share_neighbours_by_chance(rng):
    x, y = rng.normal(size=(600, 5)), rng.normal(size=(600, 5))
    assert mutual_neighbors(x, y, neighbors=30).value == pytest.approx(30 / 599, abs=0.01)
    assert information_imbalance(x, y, neighbors=30).value == pytest.approx(1.0, abs=0.03)


def test_the_side_that_knows_more_has_the_smaller_imbalance(rng):
    both = rng.normal(size=(400, 3))
    part = both[:, :1]
    assert information_imbalance(both, part).value < 0.5 * information_imbalance(part, both).value


def test_copies_of_a_point_have_rank_one():
    points = np.repeat([[0.0], [5.0], [6.0]], [2, 1, 1], axis=0)
    # Nearest others: each copy the other one (rank 1), and 5 and 6 each other.
    assert information_imbalance(points, points).value == pytest.approx(2 * 4 / 16)


@pytest.mark.parametrize("measure", BOTH)
def test_what_cannot_be_used_is_refused(measure, pair):
    x, y = pair
    with pytest.raises(InputError, match="reference must hold the same points, got 59 for 60; compare rows"):
        measure(x, y[1:])
    with pytest.raises(InputError, match="neighbors = 60 needs at least 61 points, got 60"):
        measure(x, y, neighbors=60)
    with pytest.raises(InputError, match="reference must not lie over 1e12 times as far out"):
        measure(x, np.where(np.arange(60)[:, None] == 5, 1e20, y))
