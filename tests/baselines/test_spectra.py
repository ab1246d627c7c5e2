"""Ranks, alpha-ReQ, LiDAR and NC1 by known values; of all measures of quality the invariance and the refusals."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from diffspec import Estimate, InputError, Labels
from diffspec.baselines import (
    alpha_req,
    effective_rank,
    knn_probe,
    levina_bickel,
    lidar,
    linear_cka,
    logme,
    neural_collapse,
    participation_ratio,
    stable_rank,
    two_nn,
)

RANKS = [effective_rank, participation_ratio, stable_rank]
LABELLED = [lidar, neural_collapse, logme, knn_probe]
UNLABELLED = [*RANKS, alpha_req, two_nn, levina_bickel]


@pytest.fixture
def labelled(rng):
    labels = np.repeat([0, 1, 2], [30, 40, 50])
    return rng.normal(size=(120, 6)) + 2.0 * rng.normal(size=(3, 6))[labels], labels


def turned(points, rng):
    return points @ ortho_group.rvs(points.shape[1], random_state=rng)


# Ranks


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("measure", RANKS)
def test_collapsed_points_read_exactly_one(measure, centered, dtype, rng):
    line = rng.normal(size=(300, 1)) * rng.normal(size=(1, 70))
    away = line + rng.normal(size=70) * 10.0 if centered else line
    for points in (np.full((40, 7), 0.1), np.zeros((5, 3)), np.tile(rng.normal(size=70), (300, 1)), away):
        found = measure(points.astype(dtype), centered=centered)
        assert found.value == 1.0
        assert found.verdict.startswith("collapsed")
        assert found.unit == "count"


@pytest.mark.parametrize("measure", RANKS)
def test_many_points_on_a_short_line_far_away_read_exactly_one(measure, rng):
    points = 0.1 + 1e-6 * rng.normal(size=(20000, 1)) * rng.normal(size=(1, 4))
    assert measure(points, centered=True).value == 1.0


@pytest.mark.parametrize("measure", RANKS)
def test_one_direction_more_than_rounding_is_counted(measure):
    points = np.diag([1.0, 1e-6])
    found = measure(points, centered=False)
    assert found.value > 1.0
    assert found.verdict == ""
    assert 0.0 < found.settings.floor < 1e-14


def test_ranks_of_a_known_spectrum():
    values = np.array([4.0, 2.0, 1.0, 1.0])
    shares = values / 8.0
    points = np.diag(values)
    assert effective_rank(points).value == pytest.approx(math.exp(-(shares @ np.log(shares))), rel=1e-12)
    assert participation_ratio(points, centered=False).value == pytest.approx(22.0**2 / (256 + 16 + 2), rel=1e-12)
    assert stable_rank(points).value == pytest.approx(22.0 / 16.0, rel=1e-12)
    assert effective_rank(points).ceiling == 4
    assert effective_rank(points, centered=True).ceiling == 3


@pytest.mark.parametrize("measure", RANKS)
def test_ranks_see_equal_axes_as_so_many(measure):
    cross = np.vstack([np.eye(5), -np.eye(5)])
    for centered in (False, True):
        assert measure(cross, centered=centered).value == pytest.approx(5.0, rel=1e-12)
        assert measure(np.hstack([cross, np.full((10, 3), 2.0)]), centered=True).value == pytest.approx(5.0, rel=1e-9)


def test_participation_ratio_of_an_isotropic_gaussian(rng):
    n, d = 4000, 20
    assert participation_ratio(rng.normal(size=(n, d)) + 7.0).value == pytest.approx(1 / (1 / d + 1 / n), rel=0.01)
    assert participation_ratio(rng.normal(size=(50, 400))).value == pytest.approx(1 / (1 / 400 + 1 / 50), rel=0.05)


@pytest.mark.parametrize("exponent", [0.0, 0.7, 2.5])
def test_alpha_req_is_the_exponent_of_a_power_law(exponent):
    axes = np.diag(np.arange(1.0, 31.0) ** (-exponent / 2.0))
    cross = np.vstack([axes, -axes]) + 3.0
    assert alpha_req(cross).value == pytest.approx(exponent, abs=1e-9)
    assert alpha_req(cross, first=5, last=9).value == pytest.approx(exponent, abs=1e-9)
    assert "last=30" in alpha_req(cross).settings.method


def test_alpha_req_weights_octaves_alike(rng):
    points = rng.normal(size=(200, 12)) * 0.8 ** np.arange(12)
    logs = np.log(np.linalg.eigvalsh(np.cov(points.T))[::-1])
    ranks = np.arange(1, 13)
    design = np.stack([np.log(ranks), np.ones(12)], axis=1)
    weighted = design.T * (1.0 / ranks)
    expected = -np.linalg.solve(weighted @ design, weighted @ logs)[0]
    assert alpha_req(points).value == pytest.approx(expected, rel=1e-9)


# Class means and spread


def test_lidar_is_its_formula(labelled):
    points, labels = labelled
    means = np.array([points[labels == label].mean(axis=0) for label in range(3)])
    sizes = np.bincount(labels) / 120
    apart = means - points.mean(axis=0)
    rest = points - means[labels]
    within = rest.T @ rest / 120
    within += 1e-4 * np.trace(within) / 6 * np.eye(6)
    values = np.sort(np.linalg.eigvals(np.linalg.solve(within, (apart.T * sizes) @ apart)).real)[-2:]
    shares = values / values.sum()
    found = lidar(points, labels)
    assert found.value == pytest.approx(math.exp(-(shares @ np.log(shares))), rel=1e-9)
    assert found.ceiling == 2
    assert lidar(points, labels.astype(float), groups=Labels()).value == found.value


@pytest.mark.parametrize("spread", [0.0, 1e-3])
def test_lidar_of_separated_classes_counts_them_less_one(spread, rng):
    labels = np.repeat(np.arange(6), 20)
    points = np.eye(6)[labels] + spread * rng.normal(size=(120, 6))
    assert lidar(points, labels).value == pytest.approx(5.0, rel=1e-9 if spread == 0 else 0.05)


def test_lidar_of_two_classes_or_equal_means_is_exactly_one(rng):
    two = np.repeat([0, 1], 40)
    assert lidar(rng.normal(size=(80, 30)) + two[:, None] + 1e3, two).value == 1.0
    found = lidar(np.tile([[0.1], [0.7]], (40, 1)), np.repeat([0, 1], 40))
    assert (found.value, found.verdict) == (1.0, "collapsed: the class means are equal")
    assert lidar(np.full((80, 3), 0.1), two).value == 1.0


def test_lidar_of_views_in_more_dimensions_than_points(rng):
    image = np.repeat(np.arange(15), 4)
    points = rng.normal(size=(15, 100))[image] + 0.1 * rng.normal(size=(60, 100))
    assert 1.0 < lidar(points, image).value <= 14.0


def test_neural_collapse_is_its_formula(labelled):
    points, labels = labelled
    means = np.array([points[labels == label].mean(axis=0) for label in range(3)])
    apart = means - points.mean(axis=0)
    between = (apart.T * np.bincount(labels) / 120) @ apart
    rest = points - means[labels]
    expected = np.trace(rest.T @ rest / 120 @ np.linalg.pinv(between, rcond=1e-6, hermitian=True)) / 3
    assert neural_collapse(points, labels).value == pytest.approx(expected, rel=1e-9)


def test_neural_collapse_of_collapsed_classes_is_exactly_zero(rng):
    labels = np.repeat(np.arange(4), 25)
    assert neural_collapse(rng.normal(size=(4, 9))[labels], labels).value == 0.0


def test_neural_collapse_leaves_out_directions_in_which_the_means_hardly_differ(rng):
    labels = np.repeat(np.arange(3), 30)
    points = np.array([[-1.0, 0.0], [0.0, 1e-4], [1.0, 0.0]])[labels] + 0.1 * rng.normal(size=(90, 2))
    points -= [0.0, 1.0] * np.array([points[labels == k].mean(axis=0) for k in range(3)])[labels]
    points += [0.0, 1e-4] * (labels == 1)[:, None]
    line = neural_collapse(points[:, :1], labels).value
    assert neural_collapse(points, labels).value == pytest.approx(line, rel=1e-3)
    assert neural_collapse(points, labels, cutoff=1e-10).value > 1e4 * line


# Invariance


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(-140.0, 140.0), move=st.floats(-50.0, 50.0))
def test_what_is_invariant_is(seed, scale, move):
    rng = np.random.default_rng(seed)
    n, d = 40, 5
    labels = np.arange(n) % 3
    points = rng.normal(size=(n, d)) * 2.0 ** rng.uniform(-2, 2, d) + labels[:, None]
    still = turned(points, rng) * 10.0**scale
    moved = (turned(points, rng) + move) * 10.0**scale
    for measure in (effective_rank, stable_rank):
        assert measure(still).value == pytest.approx(measure(points).value, rel=1e-8)
        assert measure(moved, centered=True).value == pytest.approx(measure(points, centered=True).value, rel=1e-8)
    for measure in (participation_ratio, alpha_req, two_nn, levina_bickel):
        assert measure(moved).value == pytest.approx(measure(points).value, rel=1e-8)
    for measure in (lidar, neural_collapse, knn_probe):
        assert measure(moved, labels).value == pytest.approx(measure(points, labels).value, rel=1e-8)
    assert logme(still, labels).value == pytest.approx(logme(points, labels).value, rel=1e-8, abs=1e-9)
    assert linear_cka(moved, points).value == pytest.approx(1.0, rel=1e-8)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 30), d=st.integers(1, 30), rank=st.integers(1, 5))
def test_ranks_lie_between_one_and_their_ceiling(seed, n, d, rank):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, rank)) @ rng.normal(size=(rank, d))
    for measure in RANKS:
        for centered in (False, True):
            found = measure(points, centered=centered)
            assert 1.0 <= found.value <= min(rank, found.ceiling) * (1 + 1e-12)


# What comes back, and what does not


@pytest.mark.parametrize("measure", [*UNLABELLED, *LABELLED])
def test_estimates_go_to_json_and_back_and_say_how_they_were_called(measure, labelled):
    points, labels = labelled
    found = measure(points, labels) if measure in LABELLED else measure(points)
    assert Estimate.from_json(found.to_json()) == found
    assert found.settings.method.startswith(f"{measure.__name__}(")
    assert json.loads(found.to_json())["settings"]["sigma"] is None
    assert found.n == 120


@pytest.mark.parametrize("measure", [*UNLABELLED, *LABELLED, linear_cka])
def test_points_that_are_no_points_are_refused(measure):
    rest = () if measure in UNLABELLED else (np.ones((4, 1)) if measure is linear_cka else [0, 0, 1, 1],)
    with pytest.raises(InputError, match="must be finite, got 1 NaN"):
        measure([[0.0], [1.0], [math.nan], [2.0]], *rest)
    with pytest.raises(InputError, match=r"shape \(n, d\), got \(4,\)"):
        measure([0.0, 1.0, 2.0, 3.0], *rest)


@pytest.mark.parametrize("measure", LABELLED)
def test_labels_that_cannot_be_used_are_refused(measure):
    points = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(InputError, match="at least 2 classes, got only '0'"):
        measure(points, np.zeros(20, int))
    with pytest.raises(InputError, match="one entry per point, got 3 for 20"):
        measure(points, [0, 1, 0])


@pytest.mark.parametrize(("measure", "name"), [(lidar, "LiDAR"), (neural_collapse, "neural collapse")])
def test_classes_of_one_point_are_refused(measure, name):
    with pytest.raises(InputError, match=f"{name} needs at least 2 points in every class, got 1 in class '7'; merge"):
        measure(np.arange(5.0)[:, None], [0, 0, 1, 1, 7])


LINE = np.arange(10.0)[:, None] ** 1.5
TWO = [0, 1] * 5


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: alpha_req(LINE), "a slope needs at least 3 eigenvalues above rounding, got ranks 1 to 1 of 1"),
        (lambda: alpha_req(np.eye(9), first=2, last=20), "got ranks 2 to 20 of 8; give other ranks"),
        (lambda: alpha_req(np.eye(9), first=2.5), "first must be an integer of at least 1, got 2.5"),
        (lambda: two_nn(LINE[:2]), "needs at least 3 points, got 2"),
        (lambda: two_nn(LINE, discard=1.0), r"discard must be a share in \[0, 1\), got 1.0"),
        (lambda: two_nn(np.vstack([LINE, LINE])), "got 10 of 20 rows that repeat another; remove duplicates"),
        (lambda: two_nn(np.eye(5)), "two nearest neighbours must differ in distance, got equal distances"),
        (lambda: two_nn([[0.0], [1e-200], [1.0]]), "must not lie over 1e140 times as far from the rest"),
        (lambda: levina_bickel(LINE), "needs at least 11 points, got 10; lower neighbors"),
        (lambda: levina_bickel(LINE, neighbors=1), "neighbors must be an integer of at least 2, got 1"),
        (lambda: levina_bickel(np.ones((20, 2))), "got 19 of 20 rows that repeat another; remove duplicates"),
        (lambda: levina_bickel(np.eye(9), neighbors=4), "4 nearest neighbours must differ in distance"),
        (lambda: linear_cka(LINE, LINE[:9]), "reference must hold the same points, got 9 for 10"),
        (lambda: linear_cka(LINE, np.full((10, 2), 0.1)), "reference must vary, got 10 equal points"),
        (lambda: linear_cka(np.full((10, 2), 0.1), LINE), "points must vary, got 10 equal points"),
        (lambda: linear_cka(LINE[:3], LINE[:3], debiased=True), "needs at least 4 points, got 3; use debiased=False"),
        (lambda: lidar(LINE, TWO, ridge=0.0), "ridge must be a number of at least 1e-12, got 0.0"),
        (lambda: neural_collapse(LINE, TWO, cutoff=1), r"cutoff must be a number in \[1e-24, 1\), got 1"),
        (lambda: neural_collapse(np.repeat(LINE, 2, axis=0), [0, 1] * 10), "class means must differ, got equal ones"),
        (lambda: logme(np.eye(2)[TWO], TWO), "evidence of class '0' is infinite: it is exactly linear"),
        (lambda: logme(np.zeros((10, 2)), TWO), "points must not all be 0"),
        (lambda: logme(LINE, np.ones(10)), "reference must have no constant feature, got 1 of 1"),
        (lambda: logme(LINE, np.ones(9)), "one entry per point, got 9 for 10"),
        (lambda: knn_probe(LINE, TWO, neighbors=9), "neighbors = 9 are more than the 8 points to learn from"),
        (lambda: knn_probe(LINE, TWO, neighbors=0), "neighbors must be an integer of at least 1, got 0"),
        (lambda: knn_probe(LINE, TWO, folds=1), "folds must be an integer of at least 2, got 1"),
        (lambda: knn_probe(LINE, TWO, folds=6), "cross-validation in 6 folds needs at least 6 points in every class"),
        (lambda: knn_probe(LINE, LINE[:, 0]), "give groups=Labels"),
    ],
)
def test_what_lies_outside_the_domain_is_refused_in_words(call, words):
    with pytest.raises(InputError, match=words):
        call()
