"""What the stated errors of an information are made of, from their formulas; and estimators that are none."""

import math

import numpy as np
import pytest
from scipy.stats import t as student

from diffspec import (
    Gaussian,
    Lanczos,
    Literal,
    Matched,
    Partition,
    adjusted_dsmi,
    compare,
    dse,
    dsmi,
    interval,
    permutation_test,
    profile,
    spectrum,
)
from diffspec.baselines import adjacency_information, binned_information, entry_information, fourier_information
from diffspec.errors import InputError
from diffspec.kernels import Precomputed
from diffspec.measures.information import combined
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


@pytest.mark.parametrize("kept", ["whole", "cut"])
def test_the_adjusted_error_holds_the_probes_of_the_whole_and_of_the_cut(rng, kept):
    labels = np.repeat([0, 1, 2], 100)
    points = rng.normal(size=(300, 3)) + 2.0 * np.eye(3)[labels]
    solver, kernel = Lanczos(tol=None, probes=4, deflation=1, steps=12), Gaussian(1.0)
    ours = adjusted_dsmi(points, labels, 5, kernel=kernel, solver=solver)
    matched = dsmi(points, labels, estimator=Matched(5), kernel=kernel, solver=solver)
    generator = np.random.default_rng(0)
    whole = dse(points, kernel=kernel, solver=solver, rng=generator)
    cut = np.where(np.equal.outer(labels, labels), kernel(points), 0.0)
    apart = spectrum(cut, kernel=Precomputed(), solver=solver, rng=generator).shannon()
    gain, most = apart.value - whole.value, math.log2(3)
    room = matched.value + gain
    assert ours.value == pytest.approx(most * matched.value / room, rel=1e-4)
    probes = math.hypot(whole.stderr, apart.stderr)
    expected = most / room**2 * math.hypot(gain * matched.stderr, matched.value * probes)
    assert ours.stderr == pytest.approx(expected, rel=1e-3)
    part = whole.stderr if kept == "whole" else apart.stderr
    assert part > 0.1 * probes  # neither is lost in the other


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


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("estimator", ["literal", Literal, None, 5])
def test_estimators_that_are_none_are_refused_in_one_line(door, estimator):
    with pytest.raises(InputError, match=r"^estimator must be Matched\(\) or Literal\(\), got "):
        DOORS[door](estimator)


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
