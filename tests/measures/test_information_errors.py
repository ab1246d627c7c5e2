"""What the stated errors of an information are made of, from their formulas; and estimators that are none."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t as student

from diffspec import (
    Adjusted,
    Exact,
    Gaussian,
    Lanczos,
    Literal,
    NearestNeighbors,
    Partition,
    adjusted_dsmi,
    compare,
    dse,
    dsmi,
    interval,
    permutation_test,
    profile,
)
from diffspec.baselines import adjacency_information, binned_information, entry_information, fourier_information
from diffspec.errors import InputError
from diffspec.measures.parts import Parts, combined, widened
from diffspec.measures.subsets import Entropy

BIT = math.log(2)


def entropies(values, error=None):
    return [Entropy(10, value, 0.0, error) for value in values]


def test_the_matched_error_is_that_of_a_mean_by_student():
    values = [1.0, 1.2, 1.7]
    row = entropies(values)
    value, stderr = combined([5, 5], entropies([0.5, 0.7]), [row, row])
    assert value == pytest.approx(np.mean(values) - 0.6)
    of_mean = np.std(values, ddof=1) / math.sqrt(3)
    assert stderr == pytest.approx(of_mean * student.ppf(0.975, 2) / student.ppf(0.975, np.inf), rel=1e-6)


def test_probes_of_several_subsets_are_part_of_their_spread_already():
    values = [1.0, 1.2, 1.7]
    with_probes, without = entropies(values, 0.3), entropies(values)
    groups = entropies([0.5, 0.7])
    assert combined([5, 5], groups, [with_probes] * 2)[1] == combined([5, 5], groups, [without] * 2)[1]


def test_probes_of_groups_and_of_a_single_subset_add_up_by_their_weights():
    whole = entropies([2.0], 0.4)
    groups = [*entropies([0.5], 0.1), *entropies([0.7], 0.2)]
    # The literal estimator: all points with the weight of all groups together.
    assert combined([3, 7], groups, [whole] * 2)[1] == pytest.approx(math.hypot(0.3 * 0.1, 0.7 * 0.2, 0.4))


def _adjusted_parts(rng, probes=0.0):
    """Three groups with two subsets each, and all points, of made-up entropies and errors."""
    sizes = [2, 3, 5]
    groups = [
        Entropy(n, h, 0.0, probes, log_sum=s) for n, h, s in zip(sizes, (0.3, 0.9, 1.2), (0.1, 0.2, 0.7), strict=True)
    ]
    compared = [
        [Entropy(n, h + rng.normal(scale=0.01), 0.0, None) for _ in range(2)] for n, h in ((2, 0.6), (3, 1.0), (5, 1.5))
    ]
    return Parts(sizes=sizes, groups=groups, compared=compared, whole=Entropy(10, 1.9, 0.0, probes))


def _by_hand(parts):
    """H M / (M + C) of made-up entropies."""
    shares, own = np.array(parts.sizes) / 10, np.array([group.nats for group in parts.groups])
    matched = shares @ (np.array([np.mean([one.nats for one in row]) for row in parts.compared]) - own)
    weights = np.exp([group.log_sum for group in parts.groups])
    mixture = weights / weights.sum()
    cut = mixture @ own - mixture @ np.log(mixture)
    return -shares @ np.log(shares) * matched / (matched + cut - parts.whole.nats)


def test_the_adjusted_error_is_its_slope_times_the_error_of_every_part(rng):
    parts = _adjusted_parts(rng, probes=1e-6)
    found = Adjusted(2).information(parts)
    assert found.value == pytest.approx(_by_hand(parts), rel=1e-12)
    without = Adjusted(2).information(_adjusted_parts(np.random.default_rng(0))).stderr
    assert without > 100e-6

    def moved(at):
        groups = [replace(group, nats=group.nats + 1e-6 * (at == k)) for k, group in enumerate(parts.groups)]
        whole = replace(parts.whole, nats=parts.whole.nats + 1e-6 * (at == 3))
        return _by_hand(replace(parts, groups=groups, whole=whole)) - _by_hand(parts)

    single = replace(parts, compared=[row[:1] for row in parts.compared])
    parts = single
    probes = math.hypot(*map(moved, range(4)))
    assert Adjusted(1).information(single).stderr == pytest.approx(probes, rel=1e-4)


def test_the_adjusted_error_counts_the_share_of_a_group_in_the_cut_graph(rng):
    parts = replace(_adjusted_parts(rng), compared=[row[:1] for row in _adjusted_parts(rng).compared])
    groups = [replace(group, log_sum_error=1e-6) for group in parts.groups]
    further = [replace(group, log_sum=group.log_sum + 1e-6 * (k == 1)) for k, group in enumerate(parts.groups)]
    one = [replace(group, log_sum_error=1e-6 * (k == 1)) for k, group in enumerate(parts.groups)]
    slope = _by_hand(replace(parts, groups=further)) - _by_hand(parts)
    assert Adjusted(1).information(parts).stderr is None
    assert Adjusted(1).information(replace(parts, groups=one)).stderr == pytest.approx(abs(slope), rel=1e-4)
    assert Adjusted(1).information(replace(parts, groups=groups)).stderr > abs(slope)


def test_the_adjusted_value_is_the_mean_of_its_repetitions(rng):
    parts = _adjusted_parts(rng)
    each = Adjusted(2).repeated(parts)
    assert each.mean() == pytest.approx(Adjusted(2).information(parts).value, rel=1e-12)
    first, second = (_by_hand(replace(parts, compared=[[row[k]] for row in parts.compared])) for k in range(2))
    assert each[0] - each[1] == pytest.approx(first - second, rel=1e-2)


def test_the_adjusted_error_of_probes_holds_the_exact_value(rng):
    labels = np.repeat([0, 1, 2], 160)  # fewer points a group have all their eigenvalues found
    points = rng.normal(size=(480, 3)) + 2.0 * np.eye(3)[labels]
    solver, kernel = Lanczos(tol=None, probes=8, deflation=1, steps=12), {"kernel": Gaussian(1.0), "t": 3.0}
    off = []
    for seed in range(16):
        exact, probed = (adjusted_dsmi(points, labels, 1, rng=seed, solver=one, **kernel) for one in (Exact(), solver))
        off.append((probed.value - exact.value) / probed.stderr)
    assert exact.stderr is None
    assert 0.5 < math.sqrt(np.mean(np.square(off))) < 1.4


def test_adjusted_is_refused_where_every_group_has_a_graph_of_its_own():
    for door in (dsmi, interval, permutation_test):
        with pytest.raises(InputError, match=r"cuts the graph of all points into its groups, and NearestNeighbors"):
            door(LINE, TWO, estimator=Adjusted(), kernel=NearestNeighbors(4))


LINE, TWO = np.linspace(0.0, 1.0, 40)[:, None] ** 2, np.arange(40) // 20

DOORS = {
    "dsmi": lambda estimator: dsmi(LINE, TWO, estimator=estimator),
    "interval": lambda estimator: interval(LINE, TWO, estimator=estimator),
    "interval of an entropy": lambda estimator: interval(LINE, estimator=estimator),
    "compare": lambda estimator: compare(LINE, LINE**2, TWO, estimator=estimator),
    "permutation_test": lambda estimator: permutation_test(LINE, TWO, estimator=estimator),
    "profile": lambda estimator: profile(LINE, TWO, estimator=estimator),
    "binned": lambda estimator: binned_information(LINE, TWO, estimator=estimator),
    "entries": lambda estimator: entry_information(LINE, TWO, estimator=estimator),
    "adjacency": lambda estimator: adjacency_information(LINE, TWO, estimator=estimator),
    "fourier": lambda estimator: fourier_information(LINE, TWO, estimator=estimator),
}
OF_ENTROPIES = ("binned", "entries", "adjacency", "fourier")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("estimator", ["literal", Literal, None, 5])
def test_estimators_that_are_none_are_refused_in_one_line(door, estimator):
    names = r"Matched\(\) or Literal\(\)" if door in OF_ENTROPIES else r"Matched\(\), Literal\(\) or Adjusted\(\)"
    with pytest.raises(InputError, match=f"^estimator must be {names}, got "):
        DOORS[door](estimator)


@pytest.mark.parametrize("door", DOORS)
def test_the_adjusted_estimator_is_taken_where_a_spectrum_is_behind_the_entropies(door):
    if door not in OF_ENTROPIES:
        assert DOORS[door](Adjusted(2))
        return
    with pytest.raises(InputError, match=r"^estimator must be Matched\(\) or Literal\(\), got Adjusted"):
        DOORS[door](Adjusted(2))


NUMBERS = {"t": ["3", None, math.nan, [1.0], 0, -1.0, True], "alpha": ["x", None, math.nan, [0.5], 2, True]}
NUMBERS |= {"tol": ["x", math.nan, [1e-3], 0, None], "memory": ["2GB", math.nan, [1e9], 0, True]}
OF_POINTS = {
    "dse": lambda given: dse(LINE, **given),
    "dsmi": lambda given: dsmi(LINE, TWO, **given),
    "adjusted_dsmi": lambda given: adjusted_dsmi(LINE, TWO, **given),
    "interval": lambda given: interval(LINE, resamples=10, **given),
    "compare": lambda given: compare(LINE, LINE**2, resamples=10, **given),
    "permutation_test": lambda given: permutation_test(LINE, TWO, 19, **given),
    "profile": lambda given: profile(LINE, **given),
}
CASES = [(name, value) for name, values in NUMBERS.items() for value in values if (name, value) != ("t", None)]


@pytest.mark.parametrize("door", OF_POINTS)
@pytest.mark.parametrize(("name", "value"), CASES, ids=repr)
def test_numbers_that_are_none_are_refused_in_one_line(door, name, value):
    with pytest.raises(InputError, match=rf"^{name} must ") as caught:
        OF_POINTS[door]({name: value})
    assert "\n" not in str(caught.value)


def test_memory_in_words_is_told_how_to_give_it():
    with pytest.raises(InputError, match=r"memory must be .* bytes, got '2GB'; for 2 GB give memory=2e9"):
        dse(LINE, memory="2GB")


ODD_SEEDS = [1.5, "x", -1, True, [1]]
SEEDS = [None, np.int64(3), 2**40, np.random.SeedSequence(3), lambda: np.random.default_rng(3)]
SEEDS += [lambda: np.random.RandomState(3)]


@pytest.mark.parametrize("door", OF_POINTS)
@pytest.mark.parametrize("seed", ODD_SEEDS, ids=repr)
def test_seeds_that_are_none_are_refused_in_one_line_everywhere(door, seed):
    with pytest.raises(InputError, match=r"^rng must be a seed"):
        OF_POINTS[door]({"rng": seed})


@pytest.mark.parametrize("door", OF_POINTS)
@pytest.mark.parametrize("seed", SEEDS, ids=["None", "int64", "2**40", "SeedSequence", "Generator", "RandomState"])
def test_seeds_of_every_kind_work_everywhere(door, seed):
    made = seed if not callable(seed) else seed()
    first = OF_POINTS[door]({"rng": made})
    if seed is not None:
        assert OF_POINTS[door]({"rng": made if not callable(seed) else seed()}) == first


def test_partitions_are_taken_as_they_are():
    partition = Partition(TWO, ("a", "b"))
    assert dsmi(LINE, partition).value == dsmi(LINE, TWO).value


def test_spreads_whose_squares_vanish_have_a_width():
    """As at a late time under a wide kernel, where all entropies are nearly 0."""
    assert widened([(1e-200, 4), (1e-200, 4)]) == pytest.approx(widened([(1.0, 4), (1.0, 4)]) * 2e-200 / 2.0)
    points = np.random.default_rng(0).normal(size=(40, 3))
    found = dsmi(points, np.arange(40) % 2, kernel=Gaussian(100.0), t=100.0)
    assert abs(found.value) < 1e-9
