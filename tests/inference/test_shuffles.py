"""The permutation test of any estimator: exact under the null, the p-value of DSMI's own test, what it refuses."""

import json
import re
from functools import partial

import numpy as np
import pytest
from scipy.stats import kstest

import effort
from diffspec import Gaussian, InputError, Labels, PermutationTest, dsmi, permutation_test, shuffle_test
from diffspec.baselines import binned_information, ksg, ross

FIXED = partial(dsmi, kernel=Gaussian("knn"), t=1.0)


def test_values_and_null_are_those_of_the_estimator(rng):
    points, labels = rng.normal(size=(40, 2)), np.repeat(["a", "b"], 20)
    found = shuffle_test(binned_information, points, labels, 30, level=0.1, rng=5)
    generator = np.random.default_rng(5)
    dealt = [binned_information(points, generator.permutation(labels)).value for _ in range(30)]
    assert found.value == binned_information(points, labels).value
    assert (found.null_mean, found.null_sd) == pytest.approx((np.mean(dealt), np.std(dealt, ddof=1)))
    assert found.p_value == (1 + sum(value >= found.value - 1e-10 for value in dealt)) / 31
    assert (found.ceiling, found.permutations, found.groups) == (1.0, 30, ())
    assert PermutationTest.from_json(found.to_json()) == found
    assert json.loads(found.to_json())["settings"]["method"] == "binned_information(bins=2)"


def test_p_values_are_uniform_where_nothing_depends():
    values = []
    for seed in range(effort.seeds(120, 0.4)):
        rng = np.random.default_rng(seed)
        points, labels = rng.normal(size=(30, 2)), rng.permutation(np.repeat([0, 1], 15))
        values.append(shuffle_test(ross, points, labels, 19, rng=seed).p_value)
    jitter = np.random.default_rng(0).uniform(-0.05, 0.0, size=len(values))  # p-values come in steps of 1/20
    assert kstest(np.array(values) + jitter, "uniform").pvalue > 0.01


def test_of_dsmi_it_decides_as_its_own_test(blobs):
    points, labels = blobs
    ours, own = shuffle_test(FIXED, points, labels, 39), permutation_test(points, labels, 39, kernel=Gaussian("knn"))
    assert (ours.value, ours.p_value, ours.significant) == (pytest.approx(own.value), own.p_value, True)
    assert ours.corrected == pytest.approx(own.corrected, abs=0.05)


def test_a_partition_is_dealt_as_its_labels(rng):
    points, labels = rng.normal(size=(40, 2)), np.repeat(["a", "b"], 20)
    plain, made = (shuffle_test(ross, points, each, 19) for each in (labels, Labels()(labels)))
    assert (made.value, made.p_value, made.null_mean) == (plain.value, plain.p_value, plain.null_mean)


def test_continuous_references_and_vectors_are_dealt_by_row(rng):
    x = rng.normal(size=(60, 2))
    noise, other = rng.normal(size=(2, 60, 2))
    related, unrelated = (shuffle_test(ksg, x, y, 99) for y in (x + 0.1 * noise, other))
    assert (related.p_value, related.ceiling) == (0.01, 0.0)  # no ceiling is known
    assert unrelated.p_value > 0.01


@pytest.mark.parametrize(
    ("attempt", "text"),
    [
        (lambda x: shuffle_test(ksg, x, x + 1, 18), "permutations must be an integer of at least 19"),
        (lambda x: shuffle_test("ksg", x, x), "estimator must be callable, (points, reference) -> Estimate, got 'ksg'"),
        (lambda x: shuffle_test(lambda _x, _y: 1.0, x, x), "estimator must give an Estimate, got 1.0 from <function"),
        (lambda x: shuffle_test(ksg, x, x[:9]), "reference must have one entry per point, got 9 for 30"),
    ],
)
def test_bad_input(rng, attempt, text):
    with pytest.raises(InputError, match=re.escape(text)):
        attempt(rng.normal(size=(30, 2)))
