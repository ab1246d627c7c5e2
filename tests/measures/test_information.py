"""DSMI against the definition, its estimators, references of every kind, and bad input."""

import math

import numpy as np
import pytest

import definitions
import effort
from diffspec import (
    AlphaDecay,
    Bins,
    Clusters,
    Cosine,
    Estimate,
    Gaussian,
    InputError,
    KMeans,
    Labels,
    Literal,
    Matched,
    Partition,
    Precomputed,
    SelfTuning,
    dse,
    dsmi,
)
from diffspec.conventions import default


@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("t", [1, 3])
def test_literal_is_the_definition(blobs, alpha, t):
    points, labels = blobs
    ours = dsmi(points, labels, estimator=Literal(), kernel=Gaussian(3.0), alpha=alpha, t=t)
    assert ours.value == pytest.approx(definitions.dsmi_literal(points, labels, 3.0, alpha, t), abs=1e-9)
    assert ours.stderr is None


def test_groups_hold_the_entropies_behind_the_value(blobs):
    points, labels = blobs
    kernel = Gaussian(3.0)
    names = np.array(["ant", "bee", "cow"])[labels]
    ours = dsmi(points, names, kernel=kernel)
    assert [group.name for group in ours.groups] == ["ant", "bee", "cow"]
    assert [group.n for group in ours.groups] == [50, 50, 50]
    for k, group in enumerate(ours.groups):
        assert group.conditional == pytest.approx(dse(points[labels == k], kernel=kernel).value, abs=1e-9)
    total = sum(group.n / 150 * (group.matched - group.conditional) for group in ours.groups)
    assert ours.value == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize("kernel", [AlphaDecay(), SelfTuning()], ids=repr)
def test_groups_are_parts_of_the_graph_of_all_points(rng, kernel):
    # A kernel of local width is not computed anew within a group: its neighbours are those among all points.
    points, labels = rng.normal(size=(150, 5)), rng.integers(0, 3, size=150)
    ours = dsmi(points, labels, kernel=kernel)
    affinity = kernel(points)
    for k, group in enumerate(ours.groups):
        part = affinity[np.ix_(labels == k, labels == k)]
        assert group.conditional == pytest.approx(dse(part, kernel=Precomputed(), t=ours.settings.t).value, abs=1e-9)


def test_literal_gives_the_entropy_of_well_separated_groups(rng):
    labels = np.repeat(np.arange(3), [80, 40, 20])
    points = rng.normal(size=(140, 20)) + 200.0 * np.eye(20)[labels]
    ours = dsmi(points, labels, estimator=Literal(), kernel=Gaussian(4.0), t=1.0)
    shares = np.array([80, 40, 20]) / 140
    # The graphs within groups do not see the other groups: the gain is the entropy of the eigenvalue mass per group.
    assert ours.value == pytest.approx(definitions.dsmi_literal(points, labels, 4.0), abs=1e-9)
    assert ours.ceiling == pytest.approx(definitions.entropy_bits(shares), abs=1e-12)
    assert 0.8 < ours.normalized < 1.1


@pytest.mark.parametrize("walk", [default, {"kernel": Gaussian(), "t": 1.0}], ids=["default", "median"])
def test_matched_is_zero_on_average_for_independent_labels(walk):
    # 40 independent data sets: the mean must lie within 4 of its own standard errors of 0, the literal one well above.
    matched, literal = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        points, labels = rng.normal(size=(90, 10)), rng.integers(0, 3, size=90)
        matched.append(dsmi(points, labels, rng=seed, **walk).value)
        literal.append(dsmi(points, labels, estimator=Literal(), **walk).value)
    error = np.std(matched, ddof=1) / math.sqrt(len(matched))
    assert abs(np.mean(matched)) < 4 * error
    assert np.mean(literal) > 20 * error


@pytest.mark.parametrize("shorter", effort.only([7, 0], 7))
def test_stated_error_is_that_of_the_subsets(blobs, shorter):
    # The value over all subsets is known from very many; the interval from few has to hold it 95 times in 100.
    points, labels = blobs
    labels = labels[: len(labels) - shorter]
    points = points[: len(labels)]
    settings, seeds = {"kernel": Gaussian(3.0)}, range(effort.seeds(400, 0.5))
    target = dsmi(points, labels, estimator=Matched(repetitions=2000), rng=1000, **settings).value
    found = [dsmi(points, labels, estimator=Matched(repetitions=3), rng=seed, **settings) for seed in seeds]
    covered = np.mean([abs(estimate.value - target) <= 1.96 * estimate.stderr for estimate in found])
    assert effort.is_honest(covered, len(seeds))


def test_groups_of_equal_size_share_subsets_and_those_are_different_and_of_their_size():
    partition = Partition(np.repeat([0, 1, 2], [30, 30, 10]), ("a", "b", "c"))
    rows = Matched(repetitions=4).subsets(partition, np.random.default_rng(0))
    assert [[len(set(subset.tolist())) for subset in row] for row in rows] == [[30] * 4, [30] * 4, [10] * 4]
    assert rows[0] is rows[1]
    assert len({tuple(subset) for subset in rows[0]}) == 4


def test_same_seed_same_number_and_one_repetition_has_no_error(blobs):
    points, labels = blobs
    first, again, other = (dsmi(points, labels, rng=seed) for seed in (3, 3, 4))
    assert first == again
    assert first.value != other.value
    assert dsmi(points, labels, estimator=Matched(repetitions=1)).stderr is None


def test_same_number_in_every_library(blobs, to_library):
    points, labels = blobs
    expected = dsmi(points, labels)
    assert dsmi(to_library(points), to_library(labels)).value == pytest.approx(expected.value, abs=1e-10)
    for kernel in (Gaussian(), SelfTuning(), Cosine()):
        ours = dsmi(to_library(points), labels, kernel=kernel)
        assert ours.value == pytest.approx(dsmi(points, labels, kernel=kernel).value, abs=1e-10)


def test_labels_of_any_kind_give_the_same_groups(blobs):
    import pandas
    import torch

    points, labels = blobs
    expected = dsmi(points, labels).value
    kinds = [
        labels.astype(np.uint8),
        labels[:, None],
        np.array(["x", "y", "z"])[labels],
        np.array(["x", "y", "z"], dtype=object)[labels],
        labels.tolist(),
        torch.tensor(labels),
        pandas.Series(labels, dtype="category"),
        pandas.Series(np.array(["x", "y", "z"])[labels]),
        Labels()(labels),
    ]
    assert [dsmi(points, kind).value for kind in kinds] == [expected] * len(kinds)
    assert dsmi(points, labels.astype(float), groups=Labels()).value == expected
    two = labels == 1
    assert dsmi(points, two).value == dsmi(points, two.astype(int)).value


def test_continuous_reference_in_bins(rng):
    values = rng.uniform(size=300)
    points = np.column_stack([np.cos(6 * values), np.sin(6 * values)])
    ours = dsmi(points, values, groups=Bins(10))
    edges = np.linspace(values.min(), values.max(), 11)
    codes = np.clip(np.digitize(values, edges) - 1, 0, 9)
    assert ours.value == dsmi(points, codes).value
    assert len(ours.groups) == 10
    assert ours.groups[0].name == f"{edges[0]:.4g} to {edges[1]:.4g}"
    assert ours.value > 1.0 > abs(dsmi(points, rng.permutation(values), groups=Bins(10)).value)


def test_vector_reference_in_spectral_clusters(blobs):
    points, labels = blobs
    ours = dsmi(points, points, groups=Clusters(3, seed=0))
    assert ours.value == pytest.approx(dsmi(points, labels).value, abs=1e-12)
    found = Clusters(3, seed=0)(points)
    again = dsmi(points, found)
    assert again.value == ours.value
    assert again.settings.partition == "Clusters(count=3, seed=0, neighbors=10)"


def test_vector_reference_in_clusters_around_centres(blobs):
    points, labels = blobs
    found = KMeans(3, seed=0)(points)
    assert dsmi(points, found).value == pytest.approx(dsmi(points, labels).value, abs=1e-12)
    assert (found.origin, found.names) == ("KMeans(count=3, seed=0)", ("cluster 0", "cluster 1", "cluster 2"))
    assert KMeans(3, seed=0)(points).codes.tolist() == found.codes.tolist()


def test_no_more_clusters_around_centres_than_there_are_vectors():
    assert KMeans(4)(np.repeat([[0.0], [9.0]], 5, axis=0)).sizes == [5, 5]


def test_a_value_on_an_edge_belongs_to_the_upper_bin_and_the_maximum_to_the_last():
    assert Bins(2)([0.0, 0.5, 1.0, 0.4]).codes.tolist() == [0, 1, 1, 0]


def test_empty_bins_are_left_out_and_a_constant_is_one_group(rng):
    points = rng.normal(size=(30, 2))
    values = np.r_[np.zeros(15), np.ones(15)]
    assert [group.n for group in dsmi(points, values, groups=Bins(10)).groups] == [15, 15]
    single = dsmi(points, np.zeros(30), groups=Bins(10))
    assert single.value == pytest.approx(0.0, abs=1e-12)
    assert single.verdict.startswith("unknown: there is a single group")
    assert single.normalized == 0.0


def test_one_group_is_zero_for_both_estimators(blobs):
    points, _ = blobs
    for estimator in (Matched(), Literal()):
        assert dsmi(points, np.zeros(150, dtype=int), estimator=estimator).value == pytest.approx(0.0, abs=1e-12)


def test_groups_of_one_point(rng):
    points = rng.normal(size=(12, 2))
    alone = dsmi(points, np.arange(12))
    assert alone.value == 0.0
    assert alone.verdict.startswith("unknown: every group holds one point")
    mixed = dsmi(points, [0] * 11 + [1])
    assert (mixed.groups[1].conditional, mixed.groups[1].matched) == (0.0, 0.0)
    # The literal estimator knows every point when all groups hold one: the whole entropy.
    assert dsmi(points, np.arange(12), estimator=Literal()).value == pytest.approx(dse(points).value, abs=1e-12)


def test_self_information_is_not_the_entropy(blobs):
    # Asked by users of the released package: the reference enters through its groups only.
    points, _ = blobs
    assert dsmi(points, points, groups=Clusters(3)).value < dse(points).value


def test_precomputed_affinity_is_sliced(blobs):
    points, labels = blobs
    affinity = definitions.gaussian(points, 3.0)
    direct = dsmi(points, labels, kernel=Gaussian(3.0)).value
    assert dsmi(affinity, labels, kernel=Precomputed()).value == pytest.approx(direct, abs=1e-9)


@pytest.mark.parametrize(("sigma", "word"), [(1e-3, "saturated"), (1e5, "collapsed")])
def test_verdict(blobs, sigma, word):
    points, labels = blobs
    assert dsmi(points, labels, kernel=Gaussian(sigma)).verdict.startswith(word)
    assert dsmi(points, labels).verdict == "informative"


def test_threads_do_not_leak_even_from_callers_that_overlap(blobs):
    from concurrent.futures import ThreadPoolExecutor

    from threadpoolctl import threadpool_info, threadpool_limits

    with threadpool_limits(2, user_api="blas"):
        before = [pool["num_threads"] for pool in threadpool_info()]
        assert 2 in before
        with ThreadPoolExecutor(4) as callers:
            list(callers.map(lambda _: dsmi(*blobs), range(8)))
        assert [pool["num_threads"] for pool in threadpool_info()] == before


def test_json_round_trip_keeps_groups(blobs):
    ours = dsmi(*blobs)
    assert Estimate.from_json(ours.to_json()) == ours
    nats = ours.to("nat")
    assert nats.groups[0].conditional == pytest.approx(ours.groups[0].conditional * math.log(2))
    assert nats.normalized == pytest.approx(ours.normalized)


@pytest.mark.parametrize(
    ("reference", "groups", "text"),
    [
        (np.arange(9), None, "reference must have one entry per point, got 9 for 10 points"),
        (
            np.linspace(0, 1, 10),
            None,
            r"may be classes or a continuous quantity; give groups=Labels\(\) or groups=Bins\(10\)",
        ),
        (np.zeros((10, 3)), None, r"vectors, shape \(10, 3\).*give groups=Clusters\(10, seed=0\)"),
        ([1.0, np.nan] * 5, Labels(), "labels must be finite"),
        ([1.0, np.nan] * 5, Bins(2), "values must be finite, got 5 NaN"),
        (["a", 1, None, "b", 2] * 2, None, "reference must have no missing entries, got 2, the first in row 2"),
        (np.ones(10) * 1j, Labels(), "got complex numbers"),
        (np.zeros((10, 2, 2)), Labels(), r"labels must have shape \(n,\), got \(10, 2, 2\)"),
        (np.zeros(0, dtype=int), None, r"labels must have shape \(n,\), got \(0,\)"),
        (np.zeros((9, 3)), KMeans(10), "reference must have one entry per point, got 9 for 10 points; is a header"),
        (np.eye(10), Clusters(3), r"Clusters\(.*\) needs more than 10 different vectors, got 10; lower neighbors"),
    ],
)
def test_bad_references(rng, reference, groups, text):
    if isinstance(reference, list) and None in reference:
        reference = np.array(reference, dtype=object)
    with pytest.raises(InputError, match=text):
        dsmi(rng.normal(size=(10, 2)), reference, groups=groups)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Matched(repetitions=0), "repetitions must be an integer of at least 1, got 0"),
        (lambda: Bins(0), "count of Bins must be an integer of at least 1, got 0"),
        (lambda: KMeans(0), "count of KMeans must be an integer of at least 1, got 0"),
        (lambda: Clusters(2.5), "count of Clusters must be an integer of at least 1, got 2.5"),
        (lambda: Partition(np.array([0, 2, 2]), ("a", "b", "c")), "at least one point, got none in b"),
        (lambda: Partition(np.array([0, 5]), ("a",)), r"codes must lie in 0..0, got 0..5"),
        (lambda: Partition(np.array([0.5]), ("a",)), "1-D integer array"),
    ],
)
def test_bad_settings(make, text):
    with pytest.raises(InputError, match=text):
        make()
