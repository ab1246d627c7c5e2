"""H-score, LEEP, NCE and N-LEEP: their formulas, closed forms and what they refuse."""

import math

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import ortho_group
from sklearn.cross_decomposition import CCA

import definitions_baselines as oracle
from diffspec import Estimate, InputError
from diffspec.baselines import h_score, label_overlap, leep, n_leep, nce

LABELLED = [h_score, leep, nce, n_leep, label_overlap]


@pytest.fixture
def labelled(rng):
    labels = np.repeat([0, 1, 2], [30, 40, 50])
    return rng.normal(size=(120, 6)) + 2.0 * rng.normal(size=(3, 6))[labels], labels


def test_h_score_is_its_formula(labelled):
    points, labels = labelled
    assert h_score(points, labels, regularized=False).value == pytest.approx(oracle.h_score(points, labels), rel=1e-10)


def test_h_score_is_the_sum_of_squared_canonical_correlations(labelled):
    points, labels = labelled
    model = CCA(2, scale=False, tol=1e-12, max_iter=10000).fit(points, np.eye(3)[labels][:, :2])
    scores = model.transform(points, np.eye(3)[labels][:, :2])
    squares = [np.corrcoef(scores[0][:, k], scores[1][:, k])[0, 1] ** 2 for k in range(2)]
    assert h_score(points, labels, regularized=False).value == pytest.approx(sum(squares), rel=1e-6)


def test_regularised_h_score_is_its_formula(labelled):
    from sklearn.covariance import LedoitWolf

    points, labels = labelled
    shrunk = LedoitWolf().fit(points)
    expected = oracle.h_score(points, labels, shrunk.covariance_, 1 - shrunk.shrinkage_)
    assert h_score(points, labels).value == pytest.approx(expected, rel=1e-9)


def test_the_regularised_h_score_tells_labels_from_chance_where_the_plain_one_cannot(rng):
    points = rng.normal(size=(60, 200))
    labels = np.arange(60) % 3
    told = points + 3.0 * rng.normal(size=(3, 200))[labels]
    assert h_score(points, labels, regularized=False).value == pytest.approx(2.0, abs=1e-6)
    assert h_score(points, labels).value < 0.2 < 1.0 < h_score(told, labels).value


def test_h_score_of_separated_classes_is_their_number_less_one():
    points = 1e4 * np.eye(4)[np.arange(80) % 4] + np.random.default_rng(0).normal(size=(80, 4))
    found = h_score(points, np.arange(80) % 4, regularized=False)
    assert found.value == pytest.approx(3.0, abs=1e-6)
    assert (found.ceiling, found.unit) == (3.0, "count")


def test_h_score_keeps_its_value_under_motions(labelled, rng):
    points, labels = labelled
    moved = 1e3 * (points @ ortho_group.rvs(6, random_state=rng) + 5.0)
    assert h_score(moved, labels).value == pytest.approx(h_score(points, labels).value, rel=1e-9)
    sheared = points @ rng.normal(size=(6, 6))
    plain = h_score(points, labels, regularized=False).value
    assert h_score(sheared, labels, regularized=False).value == pytest.approx(plain, rel=1e-8)


def test_leep_is_its_formula(labelled, rng):
    logits, labels = rng.normal(size=(120, 5)), labelled[1]
    expected = oracle.leep(softmax(logits, axis=1), labels)
    assert leep(logits, labels).value == pytest.approx(expected, rel=1e-12)


def test_leep_of_a_sure_classifier_is_nce(rng):
    told, labels = rng.integers(4, size=200), rng.integers(3, size=200)
    assert leep(1e3 * np.eye(4)[told], labels).value == pytest.approx(nce(np.eye(4)[told], labels).value, rel=1e-12)


def test_nce_is_the_joint_less_the_marginal_entropy(rng):
    told, labels = rng.integers(4, size=200), rng.integers(3, size=200)
    expected = oracle.plug_in(told) - oracle.plug_in(told, labels)
    assert nce(np.eye(4)[told], labels).value == pytest.approx(expected, rel=1e-12)


def test_answers_that_say_nothing_give_the_entropy_of_the_labels():
    labels = np.repeat([0, 1], [30, 70])
    expected = -oracle.plug_in(labels)
    for measure in (leep, nce):
        assert measure(np.zeros((100, 3)), labels).value == pytest.approx(expected, rel=1e-12)
    perfect = np.eye(2)[labels]
    assert nce(perfect, labels).value == 0.0
    assert leep(1e3 * perfect, labels).value == pytest.approx(0.0, abs=1e-12)


def test_n_leep_is_leep_of_the_posteriors_of_a_mixture(labelled):
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    points, labels = labelled
    centred = points - points.mean(axis=0)
    seen = PCA(0.8, svd_solver="full").fit_transform(centred / np.sqrt(np.mean(centred**2)))
    shares = GaussianMixture(4, random_state=3).fit(seen).predict_proba(seen)
    found = n_leep(points, labels, components=4, rng=3)
    assert found.value == pytest.approx(oracle.leep(np.maximum(shares, 1e-300), labels), abs=1e-9)


def test_n_leep_of_separated_classes_is_zero_and_of_chance_minus_their_entropy(rng):
    labels = np.arange(300) % 3
    noise = rng.normal(size=(300, 3))
    assert n_leep(noise + 50 * np.eye(3)[labels], labels, components=3).value == pytest.approx(0.0, abs=1e-9)
    assert n_leep(noise, labels, components=2).value == pytest.approx(-math.log(3), abs=0.03)


def test_n_leep_says_where_its_mixture_did_not_settle(rng):
    points = rng.normal(size=(1500, 4))
    found = n_leep(points, np.arange(1500) % 2, components=60)
    assert found.verdict.startswith("unsettled: the mixture still moved") or found.verdict == ""
    assert found.value <= 0.0


def test_label_overlap_is_its_formula(labelled):
    points, labels = labelled
    near = np.argsort(oracle.distances(points, "euclidean"), axis=1)[:, 1:8]
    expected = np.mean(labels[near] == labels[:, None])
    assert label_overlap(points, labels, neighbors=7).value == pytest.approx(expected, abs=1e-12)


def test_label_overlap_of_chance_is_the_sum_of_squared_shares(rng):
    labels = np.repeat([0, 1], [200, 400])
    expected = (200 * 199 + 400 * 399) / (600 * 599)
    assert label_overlap(rng.normal(size=(600, 40)), labels).value == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("measure", LABELLED)
def test_estimates_go_to_json_and_back_and_say_how_they_were_called(measure, labelled):
    found = measure(*labelled)
    assert Estimate.from_json(found.to_json()) == found
    assert found.settings.method.startswith(f"{measure.__name__}(")
    assert found.n == 120


@pytest.mark.parametrize("measure", LABELLED)
def test_what_cannot_be_used_is_refused(measure):
    points = np.random.default_rng(0).normal(size=(40, 2))
    with pytest.raises(InputError, match="at least 2 classes, got only '0'"):
        measure(points, np.zeros(40, int))
    with pytest.raises(InputError, match="must be finite, got 2 NaN"):
        measure(np.where(np.arange(40)[:, None] == 3, math.nan, points), np.arange(40) % 2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda points, labels: h_score(np.ones_like(points), labels), "points must vary, got 40 equal points"),
        (lambda points, labels: n_leep(np.ones_like(points), labels), "points must vary, got 40 equal points"),
        (lambda points, labels: n_leep(points, labels, components=41), "components = 41 are more than the 40 points"),
        (lambda points, labels: n_leep(points, labels, energy=1.0), r"energy must be a share in \(0, 1\), got 1.0"),
        (lambda points, labels: label_overlap(points, labels, neighbors=40), "needs at least 41 points, got 40"),
    ],
)
def test_settings_that_cannot_be_are_refused(call, words):
    with pytest.raises(InputError, match=words):
        call(np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2)
