"""Binning and nearest-neighbour baselines: textbook formulas, scikit-learn, closed forms, what they refuse."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.metrics import mutual_info_score

import definitions_baselines as textbook
from diffspec import Bins, Estimate, InputError, Labels, Matched, Partition, baselines
from diffspec.baselines import binned_entropy, binned_information, kozachenko_leonenko, ksg, mixed_ksg, ross
from diffspec.released import diffusion_spectral_entropy

BITS = 1.0 / math.log(2.0)


@pytest.fixture
def pair(rng):
    """120 draws of dependent vectors of 3 and 2 features on different scales."""
    x = rng.normal(size=(120, 3))
    return x, np.column_stack([x[:, 0] + 0.5 * rng.normal(size=120), 30.0 * rng.normal(size=120)])


def correlated(rng, n, d, correlation):
    x, other = rng.normal(size=(2, n, d))
    return x, correlation * x + math.sqrt(1 - correlation**2) * other


def in_three(n):
    return np.repeat(["a", "b", "c"], [n // 2, n // 3, n - n // 2 - n // 3])


# Nearest neighbours


@pytest.mark.parametrize("d", [1, 3, 40])
@pytest.mark.parametrize("k", [1, 4])
def test_kozachenko_leonenko_is_its_formula(rng, d, k):
    points = 7.0 + 3.0 * rng.normal(size=(80, d))
    expected = textbook.kozachenko_leonenko(points, k) * BITS
    assert kozachenko_leonenko(points, neighbors=k).value == pytest.approx(expected, rel=1e-9)


def test_kozachenko_leonenko_finds_the_entropy_of_a_gaussian(rng):
    root = rng.normal(size=(3, 3))
    points = rng.normal(size=(5000, 3)) @ root.T
    expected = textbook.gaussian_entropy(root @ root.T) * BITS
    assert kozachenko_leonenko(points).value == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 1e300])
def test_differential_entropy_grows_with_the_log_of_the_scale(rng, scale):
    points = rng.uniform(-1, 1, size=(50, 2))
    grown = kozachenko_leonenko(points * scale).value - kozachenko_leonenko(points).value
    assert grown == pytest.approx(2 * math.log2(scale), rel=1e-9)


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize(("variant", "formula"), [(1, textbook.ksg_first), (2, textbook.ksg_second)])
def test_ksg_is_its_formula(pair, variant, formula, k):
    x, y = pair
    plain = ksg(x, y, neighbors=k, variant=variant, standardize=False)
    assert plain.value == pytest.approx(formula(x, y, k) * BITS, abs=1e-9)
    scaled = ksg(x, y, neighbors=k, variant=variant)
    assert scaled.value == pytest.approx(formula(textbook.standard(x), textbook.standard(y), k) * BITS, abs=1e-9)
    assert abs(plain.value - scaled.value) > 0.01


@pytest.mark.parametrize(
    "scale", [0.1, 1.0, 10.0], ids=["neighbours of the points", "mixed", "neighbours of the reference"]
)
def test_ksg_in_many_dimensions_is_its_formula(rng, scale):
    x = rng.normal(size=(150, 20))
    y = scale * rng.normal(size=150)
    expected = textbook.ksg_first(x, y[:, None], 3) * BITS
    assert ksg(x, y, standardize=False).value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("correlation", [0.0, 0.6, 0.95])
def test_ksg_1_is_that_of_scikit_learn(rng, correlation):
    x, y = correlated(rng, 400, 1, correlation)
    expected = mutual_info_regression(x, y.ravel(), n_neighbors=3, random_state=0)[0]
    assert max(0.0, ksg(x, y).to("nat").value) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("estimator", [ksg, mixed_ksg, lambda x, y: ksg(x, y, variant=2)], ids=["1", "mixed", "2"])
@pytest.mark.parametrize(("d", "correlation"), [(1, 0.0), (1, 0.9), (2, 0.7)])
def test_ksg_finds_the_information_of_gaussians(rng, estimator, d, correlation):
    expected = textbook.gaussian_information(d, correlation) * BITS
    assert estimator(*correlated(rng, 3000, d, correlation)).value == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("d", [1, 3, 16, 30])
def test_ross_is_its_formula_in_few_and_many_dimensions(rng, d):
    labels = in_three(90)
    points = rng.normal(size=(90, d)) + 0.7 * (labels == "b")[:, None]
    found = ross(points, labels, neighbors=2)
    assert found.value == pytest.approx(textbook.ross(points, labels, 2) * BITS, abs=1e-9)
    assert found.ceiling == pytest.approx(textbook.plug_in(labels) * BITS)


@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_ross_is_that_of_scikit_learn(rng, shift):
    labels = in_three(400)
    points = rng.normal(size=(400, 1)) + shift * (labels == "c")[:, None]
    expected = mutual_info_classif(points, labels, n_neighbors=3, random_state=0)[0]
    assert max(0.0, ross(points, labels).to("nat").value) == pytest.approx(expected, abs=1e-9)


def test_mixed_ksg_is_its_formula(rng, pair):
    x, y = pair
    x = np.column_stack([x, np.repeat([0.0, 1.0], 60)])
    near_x, near_y = (textbook.distances(textbook.standard(side), "max") for side in (x, y))
    assert mixed_ksg(x, y).value == pytest.approx(textbook.mixed_ksg(near_x, near_y, 3) * BITS, abs=1e-9)
    rounded = np.round(x[:, :1])  # many ties
    near_x = textbook.distances(rounded, "max")
    expected = textbook.mixed_ksg(near_x, np.round(near_y), 3) * BITS
    both = rounded, np.round(textbook.standard(y))
    expected = textbook.mixed_ksg(near_x, textbook.distances(both[1], "max"), 3) * BITS
    assert mixed_ksg(*both, standardize=False).value == pytest.approx(expected, abs=1e-9)
    labels = in_three(120)
    apart = np.where(labels[:, None] == labels[None, :], 0.0, np.inf)
    expected = textbook.mixed_ksg(near_x, apart, 3) * BITS
    assert mixed_ksg(rounded, labels, standardize=False).value == pytest.approx(expected, abs=1e-9)


def test_mixed_ksg_finds_the_information_of_a_mixture(rng):
    # X uniform on 0..4, Y uniform on [X, X + 2]: log m - (m - 1) / m log 2, the source's experiment I.
    x = rng.integers(5, size=4000).astype(float)
    y = x + 2.0 * rng.uniform(size=4000)
    assert mixed_ksg(x[:, None], y).value == pytest.approx(math.log2(5) - 0.8, abs=0.1)


# Binning


@pytest.mark.parametrize("bins", [2, 3, 5, 10, 100])
def test_binned_entropy_is_that_of_the_cells(rng, bins):
    points = rng.normal(size=(300, 2))
    low, high = points.min(axis=0), points.max(axis=0)
    cells = np.minimum(np.floor((points - low) / (high - low) * bins), bins - 1)
    assert binned_entropy(points, bins=bins).value == pytest.approx(textbook.plug_in(cells) * BITS, abs=1e-12)
    assert diffusion_spectral_entropy(points, classic_shannon_entropy=True, num_bins_per_dim=bins) == pytest.approx(
        binned_entropy(points, bins=bins).value, abs=1e-9
    )


def test_cells_of_many_features_are_counted_block_by_block(rng, monkeypatch):
    points = np.round(rng.uniform(size=(60, 9)))
    expected = textbook.plug_in(points) * BITS
    assert 0 < expected < math.log2(60)
    monkeypatch.setattr("diffspec.baselines.information.binning.BLOCK_ELEMENTS", 120)
    assert binned_entropy(points).value == pytest.approx(expected, abs=1e-12)


def test_binned_information_is_that_of_the_contingency_table(rng):
    labels = rng.integers(3, size=500)
    points = rng.normal(size=(500, 1)) + labels[:, None]
    cells = Bins(7)(points).codes
    expected = mutual_info_score(cells, labels)
    assert binned_information(points, labels, bins=7).to("nat").value == pytest.approx(expected, abs=1e-12)
    other = points[:, 0] + rng.normal(size=500)
    expected = mutual_info_score(cells, Bins(7)(other).codes)
    found = binned_information(points, other, bins=7)
    assert found.to("nat").value == pytest.approx(expected, abs=1e-12)
    assert found.groups == ()
    as_labels = binned_information(points, other, bins=7, groups=Bins(3)).to("nat").value
    assert as_labels == pytest.approx(mutual_info_score(cells, Bins(3)(other).codes), abs=1e-12)


def test_matched_subsets_take_the_bias_of_bins_away(rng):
    points, labels = rng.normal(size=(300, 6)), rng.integers(3, size=300)
    plain, matched = (binned_information(points, labels, bins=3, **kept) for kept in ({}, {"estimator": Matched(20)}))
    assert plain.value > 0.7
    assert matched.value == pytest.approx(0.0, abs=0.15)
    assert matched.stderr > 0
    assert plain.stderr is None


def test_a_cell_for_every_point_is_told(rng):
    points = rng.normal(size=(64, 50))
    alone = binned_entropy(points)
    assert alone.value == pytest.approx(6.0)
    assert alone.normalized == pytest.approx(1.0)
    assert alone.verdict.startswith("saturated: every point has a cell of its own, so the value is log2 n")
    assert binned_information(points, np.repeat([0, 1], 32)).value == pytest.approx(1.0)
    assert binned_information(points, np.repeat([0, 1], 32)).verdict.startswith("saturated")
    assert binned_information(points, np.repeat([0, 1], 32), estimator=Matched(3)).value == pytest.approx(0.0)
    assert binned_entropy(points[:, :1]).verdict == ""


def test_constant_points_have_one_cell():
    found = binned_entropy(np.full((9, 2), 3.0))
    assert (found.value, str(found)) == (0.0, "binned entropy = 0 bit (n = 9)")


# What all have in common

CONTINUOUS = {
    "ksg 1": ksg,
    "ksg 2": lambda x, y: ksg(x, y, variant=2),
    "mixed": mixed_ksg,
    "binned": binned_information,
}
DISCRETE = {"ross": ross, "mixed": mixed_ksg, "binned": binned_information}


@pytest.mark.parametrize("estimator", CONTINUOUS.values(), ids=CONTINUOUS)
@pytest.mark.parametrize("scale", [1e-300, 1e-5, 1e300])
def test_scale_shift_and_order_do_not_matter(rng, pair, estimator, scale):
    x, y = pair
    order = rng.permutation(len(x))
    expected = estimator(x, y)
    assert estimator(scale * x, y * 4.0 + 8.0).value == pytest.approx(expected.value, abs=1e-9)
    assert estimator(x[order], y[order]).value == pytest.approx(expected.value, abs=1e-9)
    assert estimator(torch.asarray(x), y.tolist()).value == expected.value


@pytest.mark.parametrize("estimator", DISCRETE.values(), ids=DISCRETE)
def test_labels_of_any_kind_are_the_same_classes(rng, estimator):
    numbers = rng.integers(3, size=90)
    points = rng.normal(size=(90, 2)) + numbers[:, None]
    expected = estimator(points, numbers)
    assert estimator(points, np.array(["x", "z", "y"])[numbers]).value == pytest.approx(expected.value, abs=1e-12)
    assert estimator(points, Labels()(numbers)).value == expected.value
    assert estimator(points, numbers.astype(float), groups=Labels()).value == expected.value
    assert expected.ceiling == pytest.approx(textbook.plug_in(numbers) * BITS)
    assert 0 < expected.normalized < 1


@pytest.mark.parametrize("estimator", DISCRETE.values(), ids=DISCRETE)
def test_independent_labels_carry_nothing(rng, estimator):
    assert estimator(rng.normal(size=(600, 2)), rng.integers(3, size=600)).value == pytest.approx(0.0, abs=0.06)


def test_estimates_say_how_they_were_made_and_go_to_json(pair):
    x, y = pair
    labels = in_three(120)
    found = [
        kozachenko_leonenko(x, neighbors=2),
        ksg(x, y, variant=2),
        ross(x, labels, neighbors=np.int64(4)),
        mixed_ksg(x, labels),
        binned_entropy(x, bins=3),
        binned_information(x, labels, estimator=Matched(2), rng=5),
    ]
    assert [each.settings.method for each in found] == [
        "kozachenko_leonenko(neighbors=2)",
        "ksg(neighbors=3, variant=2, standardize=True)",
        "ross(neighbors=4, standardize=False)",
        "mixed_ksg(neighbors=3, standardize=True)",
        "binned_entropy(bins=3)",
        "binned_information(bins=2)",
    ]
    assert {each.unit for each in found} == {"bit"}
    assert (found[-1].settings.seed, found[-1].settings.estimator) == (5, "Matched(repetitions=2)")
    for each in found:
        assert Estimate.from_json(each.to_json()) == each


POINTS = np.random.default_rng(1).normal(size=(30, 2))
SCALAR = np.random.default_rng(2).normal(size=30)
TWO = np.repeat([0, 1], 15)
DOUBLED = np.vstack([POINTS[:15], POINTS[:15]])
FLAT = np.column_stack([POINTS, np.ones(30)])

REFUSED = {
    "entropy, few": (lambda: kozachenko_leonenko(POINTS[:3]), "neighbors = 3 needs at least 4 points, got 3"),
    "entropy, copies": (
        lambda: kozachenko_leonenko(DOUBLED),
        "points must be continuous, got 15 of 30 rows that repeat",
    ),
    "entropy, flat": (lambda: kozachenko_leonenko(FLAT), "points must have no constant feature, got 1 of 3; drop them"),
    "entropy, nan": (lambda: kozachenko_leonenko(POINTS * np.nan), "points must be finite"),
    "entropy, k": (
        lambda: kozachenko_leonenko(POINTS, neighbors=0),
        "neighbors must be an integer of at least 1, got 0",
    ),
    "ksg, k": (lambda: ksg(POINTS, SCALAR, neighbors=2.5), "neighbors must be an integer of at least 1, got 2.5"),
    "ksg, bool": (lambda: ksg(POINTS, SCALAR, neighbors=True), "neighbors must be an integer of at least 1, got True"),
    "ksg, few": (lambda: ksg(POINTS[:5], SCALAR[:5], neighbors=5), "neighbors = 5 needs at least 6 points, got 5"),
    "ksg, variant": (lambda: ksg(POINTS, SCALAR, variant=3), "variant must be an integer from 1 to 2, got 3"),
    "ksg, labels": (lambda: ksg(POINTS, TWO), r"reference must be continuous \(floats\), got labels; use ross"),
    "ksg, strings": (lambda: ksg(POINTS, in_three(30)), "got labels; use ross"),
    "ksg, partition": (lambda: ksg(POINTS, Labels()(TWO)), "got labels; use ross"),
    "ksg, copies": (lambda: ksg(DOUBLED, SCALAR), "points must be continuous, got 15 of 30 rows that repeat another"),
    "ksg, floats that are classes": (
        lambda: ksg(POINTS, TWO.astype(float)),
        "reference must be continuous, got 28 of 30 rows that repeat another; remove duplicates, or use mixed_ksg",
    ),
    "ksg, flat": (lambda: ksg(FLAT, SCALAR), "points must have no constant feature, got 1 of 3"),
    "ksg, lengths": (lambda: ksg(POINTS, SCALAR[:9]), "reference must have one entry per point, got 9 for 30 points"),
    "ksg, nan": (lambda: ksg(POINTS, SCALAR / 0 * 0), "reference must be finite"),
    "ksg, rank": (lambda: ksg(POINTS, np.zeros((30, 2, 2))), r"reference must have shape \(n, d\)"),
    "ksg, complex": (lambda: ksg(POINTS, SCALAR * 1j), "reference must be real numbers"),
    "ross, floats": (lambda: ross(POINTS, SCALAR), "floats may be classes or a continuous quantity"),
    "ross, vectors": (lambda: ross(POINTS, POINTS), "has no classes of its own"),
    "ross, one class": (lambda: ross(POINTS, TWO * 0), "labels must hold at least 2 classes, got only '0'"),
    "ross, small class": (
        lambda: ross(POINTS, np.repeat([0, 7], [28, 2])),
        r"every class must hold at least neighbors \+ 1 = 4 points, got 2 in class '7'; lower neighbors or merge",
    ),
    "ross, copies": (lambda: ross(DOUBLED, TWO), "points must be continuous, got 15 of 30 rows .*use mixed_ksg"),
    "ross, flat": (lambda: ross(FLAT, TWO), "points must have no constant feature"),
    "ross, lengths": (lambda: ross(POINTS, TWO[:9]), "one entry per point, got 9 for 30"),
    "mixed, flat": (lambda: mixed_ksg(FLAT, SCALAR), "points must have no constant feature"),
    "mixed, flat reference": (lambda: mixed_ksg(POINTS, SCALAR * 0), "reference must have no constant feature"),
    "mixed, small class": (lambda: mixed_ksg(POINTS, np.arange(30)), "got 1 in class '0'"),
    "mixed, few": (lambda: mixed_ksg(POINTS[:3], SCALAR[:3]), "neighbors = 3 needs at least 4 points"),
    "bins": (lambda: binned_entropy(POINTS, bins=0), "bins must be an integer of at least 1, got 0"),
    "bins, part": (lambda: binned_information(POINTS, TWO, bins=2.0), "bins must be an integer of at least 1, got 2.0"),
    "binned, lengths": (lambda: binned_information(POINTS, SCALAR[:9]), "one entry per point, got 9 for 30"),
    "binned, nan": (lambda: binned_information(POINTS * np.nan, TWO), "points must be finite"),
}


@pytest.mark.parametrize(("attempt", "text"), REFUSED.values(), ids=REFUSED)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:divide by zero:RuntimeWarning")
def test_what_lies_outside_the_domain_is_refused(attempt, text):
    with pytest.raises(InputError, match=text) as caught:
        attempt()
    assert "\n" not in str(caught.value)


def test_points_that_float64_cannot_tell_apart_give_an_error_and_no_infinity():
    points = np.concatenate([np.linspace(0.0, 1e-200, 20), [1.0, 2.0]])[:, None]
    with pytest.raises(InputError, match="got 2 in row 21; remove that row"):
        kozachenko_leonenko(points)


def test_a_partition_made_before_is_taken(blobs):
    points, labels = blobs
    partition = Partition(labels, ("a", "b", "c"), "by hand")
    assert ross(points, partition).value == pytest.approx(math.log2(3), abs=0.01)
    assert ross(points, partition).settings.partition == "by hand"


def test_everything_public_is_there_and_documented():
    assert sorted(baselines.__all__) == baselines.__all__
    for name in baselines.__all__:
        assert getattr(baselines, name).__doc__, f"{name} has no docstring"


def test_import_is_light():
    code = "import sys, {}diffspec.baselines; print(*({{'torch', 'matplotlib', 'pandas'}} & set(sys.modules)))"
    loaded = [
        subprocess.run(
            [sys.executable, "-c", code.format(also)], capture_output=True, text=True, check=True
        ).stdout.split()
        for also in ("", "torch, ")
    ]
    assert loaded == [[], ["torch"]]
