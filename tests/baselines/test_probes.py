"""LogME, the k-NN probe, CKA and intrinsic dimension: direct formulas and known values."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import multivariate_normal, ortho_group
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier

import definitions_baselines as oracle
from diffspec import InputError
from diffspec.baselines import gride, knn_probe, levina_bickel, linear_cka, logme, two_nn
from diffspec.synthetic import cloud, sphere, torus


@pytest.fixture
def labelled(rng):
    labels = np.repeat([0, 1, 2], [30, 40, 50])
    return rng.normal(size=(120, 6)) + 2.0 * rng.normal(size=(3, 6))[labels], labels


def turned(points, rng):
    return points @ ortho_group.rvs(points.shape[1], random_state=rng)


# Probes


@pytest.mark.parametrize("shape", [(40, 3), (12, 30)])
def test_logme_is_the_largest_evidence(shape, rng):
    points = rng.normal(size=shape)
    target = points[:, 0] + 0.5 * rng.normal(size=shape[0])

    def loss(logs):
        alpha, beta = np.exp(logs)
        return -multivariate_normal.logpdf(target, cov=np.eye(len(target)) / beta + points @ points.T / alpha)

    best = min(minimize(loss, start, method="Nelder-Mead").fun for start in ([0.0, 0.0], [2.0, 2.0], [-2.0, 1.0]))
    assert logme(points, target).value == pytest.approx(-best / shape[0], abs=1e-6)


def test_logme_of_classes_is_the_mean_over_their_indicators(labelled):
    points, labels = labelled
    columns = np.eye(3)[labels]
    expected = np.mean([logme(points, column).value for column in columns.T])
    found = logme(points, labels)
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert found.value == pytest.approx(logme(points, columns).value, rel=1e-12)
    assert found.unit == "nat"
    assert found.to("bit").value == pytest.approx(expected / math.log(2.0))
    assert logme(points, np.random.default_rng(0).permutation(labels)).value < found.value


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_logme_of_a_scaled_target_is_less_by_the_logarithm(scale, labelled, rng):
    points, target = labelled[0], rng.normal(size=(120, 2))
    expected = logme(points, target).value - math.log(scale)
    assert logme(points, scale * target).value == pytest.approx(expected, rel=1e-9)


def test_knn_probe_is_cross_validated_accuracy(labelled):
    points, labels = labelled[0], np.roll(labelled[1], 20)
    expected = np.mean(cross_val_score(KNeighborsClassifier(7), points, labels, cv=4))
    assert knn_probe(points, labels, neighbors=7, folds=4).value == pytest.approx(expected, abs=1e-12)
    assert knn_probe(np.ones((20, 2)), np.repeat([0, 1], 10), folds=2).verdict == "collapsed: the points are equal"


# Alignment


def hsic(x, y):
    n = len(x)
    k, m = (side @ side.T * (1 - np.eye(n)) for side in (x, y))
    ones = np.ones(n)
    return (
        np.trace(k @ m)
        + (ones @ k @ ones) * (ones @ m @ ones) / ((n - 1) * (n - 2))
        - 2.0 / (n - 2) * (ones @ k @ m @ ones)
    )


@pytest.mark.parametrize("shape", [(60, 5, 8), (20, 35, 4), (20, 35, 50)])
def test_cka_is_its_formula_in_features_and_gram_matrices(shape, rng):
    n, d, m = shape
    x = rng.normal(size=(n, d)) + 1.0
    y = x @ rng.normal(size=(d, m)) + rng.normal(size=(n, m))
    away = np.eye(n) - 1.0 / n
    k, g = away @ x @ x.T @ away, away @ y @ y.T @ away
    expected = np.sum(k * g) / np.sqrt(np.sum(k * k) * np.sum(g * g))
    assert linear_cka(x, y).value == pytest.approx(expected, rel=1e-9)
    expected = hsic(x, y) / math.sqrt(hsic(x, x) * hsic(y, y))
    assert linear_cka(x, y, debiased=True).value == pytest.approx(expected, rel=1e-9)


def test_debiased_cka_of_unrelated_points_is_about_zero(rng):
    pairs = [(rng.normal(size=(50, 100)), rng.normal(size=(50, 100))) for _ in range(20)]
    assert abs(np.mean([linear_cka(x, y, debiased=True).value for x, y in pairs])) < 0.02
    assert min(linear_cka(x, y).value for x, y in pairs) > 0.5


@pytest.mark.parametrize("debiased", [False, True])
def test_cka_of_turned_scaled_and_moved_points_is_one(debiased, rng):
    points = rng.normal(size=(40, 7)) * np.arange(1.0, 8.0)
    assert linear_cka(points, 3e150 * (turned(points, rng) + 5.0), debiased=debiased).value == pytest.approx(1.0)


# Dimension


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("d", "error"), [(1, 0.1), (2, 0.1), (5, 0.13)])
def test_intrinsic_dimension_of_known_shapes(d, error, seed):
    for points in (
        cloud(2000, d, ambient=30, rng=seed),
        sphere(2000, d, ambient=30, rng=seed),
        torus(2000, d, rng=seed),
    ):
        assert two_nn(points).value == pytest.approx(d, rel=error)
        assert levina_bickel(points).value == pytest.approx(d, rel=error)


def test_two_nn_without_discarding_nears_the_maximum_likelihood(rng):
    points = rng.uniform(size=(3000, 3))
    assert two_nn(points, discard=0.0).value == pytest.approx(levina_bickel(points, neighbors=2).value, rel=0.05)


def test_levina_bickel_is_its_formula(rng):
    points = rng.normal(size=(30, 4))
    distances = np.sort(np.linalg.norm(points[:, None] - points[None], axis=2), axis=1)[:, 1:6]
    inverse = [np.mean([math.log(row[4] / row[j]) for j in range(4)]) for row in distances]
    assert levina_bickel(points, neighbors=5).value == pytest.approx(1.0 / np.mean(inverse), rel=1e-12)


def test_two_nn_is_its_formula(rng):
    points = rng.normal(size=(40, 3))
    distances = np.sort(np.linalg.norm(points[:, None] - points[None], axis=2), axis=1)[:, 1:3]
    logs = np.sort(np.log(distances[:, 1] / distances[:, 0]))[:32]
    heights = -np.log(1.0 - np.arange(1, 33) / 40)
    expected = np.linalg.lstsq(logs[:, None], heights, rcond=None)[0][0]
    assert two_nn(points, discard=0.2).value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("k", [1, 3, 8])
def test_gride_is_where_its_likelihood_is_largest_and_its_error_the_bend_there(k, rng):
    points = rng.normal(size=(60, 3))
    best = minimize_scalar(lambda d: -oracle.gride(points, d, k), bounds=(0.1, 20), options={"xatol": 1e-9}).x
    found = gride(points, neighbors=k)
    assert found.value == pytest.approx(best, rel=1e-6)
    step = 1e-3
    bend = sum(c * oracle.gride(points, best + s * step, k) for c, s in ((1, -1), (-2, 0), (1, 1))) / step**2
    assert found.stderr == pytest.approx((-bend) ** -0.5, rel=1e-3)


def test_gride_of_two_neighbours_has_a_closed_form(rng):
    points = rng.normal(size=(80, 3))
    nearest = np.sort(np.linalg.norm(points[:, None] - points[None], axis=2), axis=1)[:, 1:3]
    expected = 80 / np.log(nearest[:, 1] / nearest[:, 0]).sum()
    found = gride(points)
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert found.stderr == pytest.approx(expected / math.sqrt(80), rel=1e-12)


@pytest.mark.parametrize("k", [1, 4, 16])
@pytest.mark.parametrize("d", [1, 2, 5])
def test_gride_of_known_shapes_at_every_scale(d, k):
    for points in (sphere(2000, d, ambient=30), torus(2000, d)):
        assert gride(points, neighbors=k).value == pytest.approx(d, rel=0.2 if (d, k) == (5, 16) else 0.13)


def test_gride_sees_noise_at_the_smallest_scale_only(rng):
    points = np.pad(rng.uniform(-1, 1, (2000, 1)), ((0, 0), (0, 9))) + 1e-3 * rng.normal(size=(2000, 10))
    fine, coarse = gride(points).value, gride(points, neighbors=64).value
    assert fine > 3.0 > 1.2 > coarse


def test_gride_refuses_what_has_no_scale():
    with pytest.raises(InputError, match="neighbors = 10 needs at least 11 points, got 10"):
        gride(np.arange(10.0)[:, None] ** 1.5, neighbors=5)
    with pytest.raises(InputError, match="neighbours 2 and 4 must differ in distance, got equal distances throughout"):
        gride(np.eye(9), neighbors=2)
