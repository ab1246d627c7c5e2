"""The permutation test and the adjusted information."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

import definitions
import effort
from diffspec import AlphaDecay, Bins, Gaussian, InputError, Literal, Matched, Precomputed, TooLargeError, dse, dsmi
from diffspec.inference.permutation import GroupTest, PermutationTest, permutation_test
from diffspec.measures.adjusted import adjusted_dsmi


def test_p_values_are_uniform_under_the_null():
    # Up to 200 independent data sets of 40 points with labels that know nothing of them.
    found = []
    for seed in range(effort.seeds(200, 0.5)):
        rng = np.random.default_rng(seed)
        points, labels = rng.normal(size=(40, 3)), rng.integers(0, 3, size=40)
        found.append(permutation_test(points, labels, 19, rng=seed).p_value)
    # The values lie on a grid of 20: spread each over its cell, so that the law to be tested for is continuous.
    spread = np.array(found) - np.random.default_rng(0).uniform(size=len(found)) / 20
    assert stats.kstest(spread, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) <= 0.1) == pytest.approx(0.1, abs=0.07)


def test_a_difference_is_found_and_every_group_has_its_own_p_value(rng):
    labels = np.repeat(np.arange(3), 20)
    # Groups 0 and 1 are one cloud, group 2 lies apart.
    points = rng.normal(size=(60, 3)) + 8.0 * (labels == 2)[:, None]
    found = permutation_test(points, labels, 99, level=0.01)
    assert found.p_value == 0.01
    assert found.significant
    assert [group.n for group in found.groups] == [20, 20, 20]
    assert found.groups[2].p_value == 0.01
    assert found.groups[2].null_mean > found.groups[2].conditional + 2 * found.groups[2].null_sd
    weighted = sum(group.n / 60 * (group.null_mean - group.conditional) for group in found.groups)
    assert found.corrected == pytest.approx(weighted, abs=1e-12)


def test_value_is_that_of_dsmi_and_null_that_of_shuffled_labels(blobs):
    points, labels = blobs
    for estimator in (Matched(), Literal()):
        for walk in ({}, {"kernel": Gaussian(), "t": 1.0}):
            found = permutation_test(points, labels, 99, estimator=estimator, rng=3, **walk)
            single = dsmi(points, labels, estimator=estimator, rng=3, **walk)
            assert found.value == pytest.approx(single.value, abs=1e-12)
            assert (found.settings.t, found.settings.estimator) == (single.settings.t, repr(estimator))
    shuffled = [
        definitions.dsmi_literal(points, np.random.default_rng(s).permutation(labels), found.settings.sigma)
        for s in range(60)
    ]
    error = math.hypot(stats.sem(shuffled), found.null_sd / math.sqrt(99))
    assert abs(found.null_mean - np.mean(shuffled)) < 4 * error
    assert found.null_sd == pytest.approx(np.std(shuffled, ddof=1), rel=0.4)
    assert found.ceiling == pytest.approx(math.log2(3))
    assert found.normalized == pytest.approx(found.corrected / math.log2(3))


def test_correcting_the_literal_estimator_gives_the_matched_one(blobs):
    # What the groups are compared with cancels: p-value and corrected value do not depend on the estimator.
    points, labels = blobs
    matched, literal = (
        permutation_test(points, labels, 99, estimator=estimator) for estimator in (Matched(), Literal())
    )
    assert literal.value > matched.value + 0.02
    assert literal.p_value == matched.p_value
    assert literal.corrected == pytest.approx(matched.corrected, abs=1e-12)
    many = dsmi(points, labels, estimator=Matched(repetitions=200))
    assert abs(literal.corrected - many.value) < 4 * math.hypot(many.stderr, literal.corrected_stderr)


@pytest.mark.parametrize("reference", [np.zeros(30, dtype=int), np.arange(30)])
def test_groups_that_cannot_be_permuted(rng, reference):
    found = permutation_test(rng.normal(size=(30, 2)), reference, 19)
    assert (found.p_value, found.corrected, found.normalized) == (1.0, 0.0, 0.0)
    assert found.verdict.startswith("unknown: ")
    assert not found.significant


def test_constant_reference_in_bins_is_one_group(rng):
    found = permutation_test(rng.normal(size=(30, 2)), np.ones(30), 19, groups=Bins(5))
    assert found.verdict == "unknown: there is a single group, so there is nothing to permute and the p-value is 1"


def test_all_points_equal_and_all_but_one():
    labels = np.repeat([0, 1], 15)
    equal = permutation_test(np.ones((30, 2)), labels, 19)
    assert (equal.value, equal.p_value) == (0.0, 1.0)
    assert equal.verdict.startswith("collapsed: all points are equal")
    odd = np.ones((30, 2))
    odd[0] = 5.0
    # The odd point lies in one group or the other, whoever is dealt: nothing but the sizes counts.
    assert permutation_test(odd, labels, 19).p_value == 1.0


def test_groups_of_one_to_three_points_and_duplicates(rng):
    points = np.repeat(rng.normal(size=(12, 2)), 2, axis=0)
    labels = np.array([0] * 18 + [1] * 3 + [2] * 2 + [3])
    found = permutation_test(points, labels, 19)
    assert [group.n for group in found.groups] == [18, 3, 2, 1]
    assert (found.groups[3].conditional, found.groups[3].p_value) == (0.0, 1.0)
    assert math.isfinite(found.value)
    assert 0 < found.p_value <= 1


def test_json_round_trip_and_words(blobs):
    found = permutation_test(*blobs, 19)
    again = PermutationTest.from_json(found.to_json())
    assert again == found
    assert isinstance(again.groups[0], GroupTest)
    assert float(found) == found.p_value == 0.05
    assert "above chance" in str(found)
    assert "; unknown: there is a single group" in str(permutation_test(blobs[0], np.zeros(150, dtype=int), 19))


def test_same_seed_same_test_and_a_generator_is_taken(blobs):
    assert permutation_test(*blobs, 19, rng=1) == permutation_test(*blobs, 19, rng=1)
    assert permutation_test(*blobs, 19, rng=np.random.default_rng(1)).settings.seed is None


def test_precomputed_affinity_is_permuted_too(blobs):
    points, labels = blobs
    direct = permutation_test(points, labels, 19, kernel=Gaussian(3.0))
    ours = permutation_test(definitions.gaussian(points, 3.0), labels, 19, kernel=Precomputed())
    assert ours.corrected == pytest.approx(direct.corrected, abs=1e-9)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"permutations": 98, "level": 0.01},
            "permutations must be an integer of at least 99, got 98; a p-value",
        ),
        (
            {"permutations": 18},
            "at least 19, got 18; a p-value of 0.05 needs as many; give more permutations",
        ),
        ({"permutations": 1, "level": 0.9}, "at least 2, got 1; a p-value of 0.9"),
        ({"permutations": 19.5}, "must be an integer"),
        ({"level": 0.0}, r"level must lie in \(0, 1\), got 0.0"),
        ({"reference": np.arange(9)}, "one entry per point, got 9 for 30 points"),
    ],
)
def test_bad_settings(rng, settings, text):
    given = {"reference": np.repeat([0, 1], 15), "permutations": 19} | settings
    with pytest.raises(InputError, match=text):
        permutation_test(rng.normal(size=(30, 2)), **given)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON: .*; expected what PermutationTest.to_json gives"),
        ('{"value": 1}', "not the dictionary of PermutationTest: .*missing"),
        ("[1]", "not the dictionary of PermutationTest"),
    ],
)
def test_bad_json(text, message):
    with pytest.raises(InputError, match=message):
        PermutationTest.from_json(text)


def test_unknown_fields_of_settings_are_refused(blobs):
    plain = permutation_test(*blobs, 19).to_dict()
    plain["settings"]["colour"] = "red"
    with pytest.raises(InputError, match="unknown fields colour"):
        PermutationTest.from_dict(plain)


def _separated(d, rng):
    """90 points around 3 centres uniform in [-10, 10]^d, of unit noise."""
    labels = np.repeat(np.arange(3), 30)
    return rng.uniform(-10, 10, size=(3, d))[labels] + rng.normal(size=(90, d)), labels


@pytest.mark.parametrize("d", [2, 20, 200, 2000])
def test_adjusted_does_not_decline_with_dimension(d):
    rng = np.random.default_rng(0)
    points, labels = _separated(d, rng)
    # The width whose plain information declines: at t = 3 that of such separated groups is whole too.
    walk = {"kernel": Gaussian("knn"), "t": 1.0}
    assert adjusted_dsmi(points, labels, **walk).normalized == pytest.approx(1.0, abs=0.01)
    assert dsmi(points, labels, **walk).normalized < 0.8
    assert adjusted_dsmi(points, rng.permutation(labels), **walk).normalized == pytest.approx(0.0, abs=0.06)


def test_adjusted_is_the_formula(blobs):
    points, labels = blobs
    found = adjusted_dsmi(points, labels, kernel=Gaussian(6.0), t=2)
    matched = dsmi(points, labels, kernel=Gaussian(6.0), t=2)
    affinity = definitions.gaussian(points, 6.0) * (labels[:, None] == labels[None, :])
    eigenvalues = np.linalg.eigvals(definitions.diffusion_matrix(affinity, 0.5))
    cut = definitions.entropy_bits(definitions.probabilities(eigenvalues, 2))
    gain = cut - definitions.dse(points, 6.0, t=2)
    assert found.value == pytest.approx(math.log2(3) * matched.value / (matched.value + gain), abs=1e-9)
    slope = math.log2(3) * gain / (matched.value + gain) ** 2
    assert found.stderr == pytest.approx(slope * matched.stderr, rel=1e-6)
    assert found.groups == matched.groups
    assert found.settings.estimator == "Adjusted(repetitions=5)"


def test_adjusted_is_zero_on_average_for_independent_labels():
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        points, labels = rng.normal(size=(60, 10)), rng.integers(0, 3, size=60)
        found.append(adjusted_dsmi(points, labels, rng=seed).value)
    assert abs(np.mean(found)) < 4 * stats.sem(found)


def test_adjusted_falls_with_label_noise(blobs):
    points, labels = blobs
    rng = np.random.default_rng(1)
    order, values = rng.permutation(150), []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        noisy = labels.copy()
        noisy[order[: int(share * 150)]] = rng.integers(0, 3, size=int(share * 150))
        values.append(adjusted_dsmi(points, noisy).value)
    assert values == sorted(values, reverse=True)


def test_adjusted_in_every_library(blobs, to_library):
    points, labels = blobs
    expected = adjusted_dsmi(points, labels)
    assert adjusted_dsmi(to_library(points), labels).value == pytest.approx(expected.value, abs=1e-9)


def test_adjusted_of_a_sparse_kernel(blobs):
    from diffspec import Thresholded

    points, labels = blobs
    dense = adjusted_dsmi(points, labels, kernel=Gaussian(3.0))
    assert adjusted_dsmi(points, labels, kernel=Thresholded(3.0)).value == pytest.approx(dense.value, abs=1e-3)


def test_adjusted_where_there_is_nothing_to_tell(blobs):
    points, labels = blobs
    narrow = adjusted_dsmi(points, labels, kernel=Gaussian(1e-3))
    assert (narrow.value, narrow.stderr) == (0.0, narrow.ceiling)
    assert narrow.verdict.startswith("unknown: cut groups are no further from chance than whole ones")
    assert adjusted_dsmi(points, labels, kernel=Gaussian(1e5)).value == pytest.approx(0.0, abs=1e-4)
    for reference in (np.zeros(150, dtype=int), np.arange(150)):
        nothing = adjusted_dsmi(points, reference)
        assert nothing.value == 0.0
        assert nothing.verdict.startswith("unknown: ")


def test_adjusted_with_probes_has_their_error(blobs):
    from diffspec import Lanczos

    points, labels = blobs
    # At the median width the groups overlap: the neighbour graph cuts them off, and its value has no error at all.
    walk = {"kernel": Gaussian(), "t": 1.0}
    exact = adjusted_dsmi(points, labels, **walk)
    probed = adjusted_dsmi(points, labels, solver=Lanczos(probes=16), **walk)
    assert abs(probed.value - exact.value) < 4 * math.hypot(probed.stderr, exact.stderr)
    assert dataclasses.asdict(probed.settings)["solver"].startswith("Lanczos")


def test_adjusted_says_when_the_affinity_does_not_fit(blobs):
    with pytest.raises(TooLargeError, match="needs the 150 x 150 float64 affinity, 180000 bytes"):
        adjusted_dsmi(*blobs, kernel=AlphaDecay(), memory=170_000)


def test_adjusted_of_a_kernel_that_has_tiles_needs_no_whole_affinity(blobs):
    exact = adjusted_dsmi(*blobs, kernel=Gaussian(3.0), t=1.0)
    tiled = adjusted_dsmi(*blobs, kernel=Gaussian(3.0), t=1.0, memory=170_000)
    assert tiled.settings.solver.startswith("Lanczos")
    assert abs(tiled.value - exact.value) < 4 * math.hypot(tiled.stderr, exact.stderr)


def test_entropy_of_all_points_is_no_less_than_chance(blobs):
    # The literal bias is what the permutation null mean measures: H(all) - mean H(random group).
    points, labels = blobs
    found = permutation_test(points, labels, 39, estimator=Literal())
    chance = np.mean([group.null_mean for group in found.groups])
    assert found.null_mean == pytest.approx(dse(points).value - chance, abs=1e-9)
