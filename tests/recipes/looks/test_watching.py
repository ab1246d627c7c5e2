"""Candidates of one embedding against the definition, and the judgement over cells."""

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import recipes
from diffspec import AlphaDecay, Precomputed, dse
from diffspec.conventions import default
from recipes.lab import pages
from recipes.lab.log import Cell
from recipes.looks import candidates, judging


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 30)
    return rng.normal(size=(120, 8)) + 3.0 * rng.normal(size=(4, 8))[labels], labels


@pytest.fixture(scope="module")
def found(blobs):
    return candidates.measure(*blobs, 4)


def test_entropies_are_those_of_dse(blobs, found):
    points, _labels = blobs
    for t in (1, 3, 30, 100):
        assert found[f"DSE, t = {t}"] == pytest.approx(dse(points, t=t).value, rel=1e-4)
    assert found["DSE, k = 5"] == pytest.approx(dse(points, kernel=AlphaDecay(5), t=3).value, rel=1e-4)
    four = [dse(points, kernel=AlphaDecay(k), t=3).value for k in candidates.NEIGHBORS]
    assert found["fall per doubling of k"] == pytest.approx(np.mean(np.diff(four)) * -1, abs=0.15)
    assert found["DSE, k = 40"] == pytest.approx(four[-1], rel=1e-4)


def test_the_time_is_that_at_which_the_entropy_is_log2_of_the_classes(blobs, found):
    points, _labels = blobs
    t = 2.0 ** found["log2 t at log2(classes)"]
    assert dse(points, t=t).value == pytest.approx(2.0, abs=0.1)


def test_times_are_no_further_than_they_were_measured():
    assert candidates.passes([9, 8, 7, 6, 5], 2.0) == math.log2(100)
    assert candidates.passes([1, 0.5, 0.4, 0.3, 0.2], 2.0) == 0.0
    assert candidates.passes([9, 4, 2, 1, 0.5], 3.0) == pytest.approx((math.log2(3) + math.log2(10)) / 2)


def test_what_is_read_from_curves_is_what_is_measured(blobs, found):
    curves = {f"DSE(Z) t={t}, neighbors": [0.0, found[f"DSE, t = {t}"]] for t in candidates.TIMES}
    curves |= {"H(Z given Y), neighbors": [0.0, found["H(Z given Y)"]]}
    curves |= {"DSE(Z), sigma = 10": [0.0, found["DSE, sigma = 10"]]}
    read = candidates.of_curves(curves, 1, classes=4, n=120) | candidates.of_points(blobs[0])
    assert read == pytest.approx(found)
    assert found["DSE / log2 n"] == pytest.approx(dse(blobs[0]).normalized)
    assert found["H(Z given Y) / log2(n / classes)"] == pytest.approx(found["H(Z given Y)"] / math.log2(30))
    assert found["H(Z given Y) / DSE"] == pytest.approx(found["H(Z given Y)"] / found["DSE, t = 3"])


def test_given_is_the_mean_entropy_of_the_classes_by_their_sizes(blobs):
    points, labels = blobs
    uneven = np.where(np.arange(120) < 50, 0, labels + 1)
    affinity = np.asarray(default["kernel"].resolve(points, np.random.default_rng(0))(points))
    affinity = (affinity + affinity.T) / 2
    parts = []
    for label in np.unique(uneven):
        some = np.flatnonzero(uneven == label)
        inside = affinity[np.ix_(some, some)]
        parts.append(len(some) / 120 * dse(inside, kernel=Precomputed(), alpha=0.5, t=3).value)
    assert candidates.given(affinity, uneven) == pytest.approx(sum(parts))
    alone = np.where(np.arange(120) < 1, 9, 0)
    rest = dse(affinity[1:, 1:], kernel=Precomputed(), alpha=0.5, t=3).value
    assert candidates.given(affinity, alone) == pytest.approx(119 / 120 * rest)


def test_only_the_fixed_width_follows_the_scale(blobs, found):
    points, labels = blobs
    scaled = candidates.measure(1000 * points, labels, 4)
    moved = [name for name in candidates.NAMES if scaled[name] != pytest.approx(found[name], rel=1e-3)]
    assert moved == ["DSE, sigma = 10"]


def test_area_is_that_under_the_curve():
    rng = np.random.default_rng(0)
    learning, memorising = rng.integers(0, 6, size=20) + 1, rng.integers(0, 6, size=30)
    truth = np.repeat([1, 0], (20, 30))
    expected = roc_auc_score(truth, np.concatenate([learning, memorising]))
    assert judging.area(learning, memorising) == pytest.approx(expected)
    assert math.isnan(judging.area([], [1.0]))


NAME = "DSE, t = 30"


def cell(condition, values, *, data="MNIST", seed=0, network="resnet"):
    key = {"network": network, "data": data, "condition": condition, "seed": seed, "train": 4000}
    seen = {"looks": [0, 1, 2, 4, 9], NAME: values, "accuracy": [0.1, 0.2, 0.3, 0.4, 0.5]}
    moved = {"moved by scale": {NAME: 0.0}, "by points": {NAME: [values[-1], values[-1] + 0.5]} if seed == 0 else {}}
    return Cell(key=key, values={**seen, **moved})


@pytest.fixture
def cells():
    up = [[1.0, 2.0, 3.0, 3.5, 4.0], [1.0, 2.0, 3.0, 3.5, 4.4]]
    down = [[1.0, 1.5, 1.0, 0.5, 0.2], [3.0, 2.5, 1.0, 0.5, 0.2]]
    learning = [cell("supervised", values, seed=seed) for seed, values in enumerate(up)]
    return learning + [cell("wrong labels", values, seed=seed) for seed, values in enumerate(down)]


def test_a_candidate_is_judged_in_movements(cells):
    found = judging.judge(cells, NAME)
    assert found.early == (0.5, 1.0, 1.0)
    assert found.changed == (1.0, 1.0, 1.0)
    assert found.end == 1.0
    assert (found.order, found.agree) == (1.0, 1.0)
    assert found.seeds == pytest.approx(np.std([4.0, 4.4], ddof=1) / 2.2)
    assert found.points == pytest.approx(0.5 / 2.2)
    assert found.scale == 0.0


def test_a_number_that_falls_where_learning_is_as_good_as_one_that_rises(cells):
    turned = [Cell(key=one.key, values={**one.values, NAME: [-value for value in one.values[NAME]]}) for one in cells]
    found = judging.judge(turned, NAME)
    assert (found.early, found.end, found.order) == ((0.5, 1.0, 1.0), 1.0, 1.0)


def test_of_a_number_that_ends_where_it_began_there_are_no_shares(cells):
    back = [Cell(key=one.key, values={**one.values, NAME: [1.0, 2.0, 3.0, 3.5, 2.0]}) for one in cells]
    found = judging.judge(back, NAME)
    assert math.isnan(found.seeds)
    assert math.isnan(found.points)
    assert not {"seeds", "points"} & {
        name for name, met in found.passes(judging.judge(back, "accuracy")).items() if met
    }


def test_conditions_are_told_apart_within_a_data_set_only(cells):
    other = [
        cell("supervised", [0.0, 0.2, 0.2, 0.1, 0.1], data="CIFAR-10"),
        cell("wrong labels", [0.0] * 5, data="CIFAR-10"),
    ]
    assert judging.judge([*cells, *other], NAME).end == 1.0


def test_criteria_are_met_one_by_one(cells):
    found, accuracy = judging.judge(cells, NAME), judging.judge(cells, "accuracy")
    assert accuracy.early == (0.5, 0.5, 0.5)
    assert math.isnan(accuracy.scale)
    assert found.passes(accuracy) == {"apart": True, "order": True, "seeds": True, "points": True, "scale": True}
    assert not accuracy.passes(found)["apart"]
    assert not accuracy.passes(found)["scale"]


def test_the_page_has_a_row_per_candidate(cells):
    recipe = recipes.load("watching")
    whole = [
        Cell(
            key=one.key,
            values={
                **one.values,
                **dict.fromkeys(candidates.NAMES, one.values[NAME]),
                judging.ADJUSTED: one.values[NAME],
                "moved by scale": dict.fromkeys(candidates.NAMES, 0.0),
                "by points": {name: [1.0, 1.0] for name in candidates.NAMES},
            },
        )
        for one in cells
    ]
    text = pages.page("watching", whole, "cpu.png")
    row = "| DSE, t = 30 | 0.50 (1.00) | 1.00 (1.00) | 1.00 (1.00) | 1.00 | 1.00, 100% | 0.13 | 0.00 | 0e+00 |"
    assert row in text
    assert "| train accuracy | - (-) |" in text
    assert len(recipe.figure(whole).axes) == 2
    assert len(recipe.FURTHER["epoch"](whole).axes) == 3
    verdicts = judging.numbers(recipe.judged(whole))
    assert verdicts["most criteria met"] == 5
    assert verdicts["apart at the end, DSE, t = 3"] == 1.0
