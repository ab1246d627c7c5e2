"""What a stated error is made of: each part counted once, at the time and tolerance that were asked for."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import stats

from diffspec import Adjusted, Exact, Gaussian, Literal, Matched, dse, dsmi, permutation_test
from diffspec.measures import information
from diffspec.measures.adjusted import adjusted_dsmi
from diffspec.measures.parts import combined
from diffspec.measures.subsets import Entropy

LN2 = math.log(2.0)


@dataclass(frozen=True)
class Wobbling:
    """Exact eigenvalues whose weights differ between two samples, for operators of `n` points only."""

    n: int

    def __call__(self, operator, rng):
        found = Exact()(operator, rng)
        if operator.n != self.n:
            return found
        tilt = 0.05 * np.linspace(-1.0, 1.0, found.weights.shape[0])
        return replace(found, samples=np.stack([found.weights * (1.0 + tilt), found.weights * (1.0 - tilt)]))


@dataclass(frozen=True)
class Short:
    """Exact eigenvalues of sets of these numbers of points, which a second rule would place elsewhere."""

    sizes: tuple[int, ...]

    def __call__(self, operator, rng):
        found = Exact()(operator, rng)
        return replace(found, check=replace(found, nodes=found.nodes**1.2)) if operator.n in self.sizes else found


def _rows(*values, error=None):
    return [Entropy(2, nats, 0.5, error) for nats in values]


def test_the_error_of_matched_subsets_is_the_students_interval_of_their_mean():
    row = [1.0, 2.0, 4.0]
    value, stderr = combined([2, 2], _rows(0.5, 0.25), [subsets := _rows(*row), subsets])
    assert value == pytest.approx(np.mean(row) - 0.375, rel=1e-12)
    low, high = stats.t.interval(0.95, 2, loc=np.mean(row), scale=stats.sem(row))
    assert stderr == pytest.approx((high - low) / 2.0 / stats.norm.ppf(0.975), rel=1e-6)


def test_subsets_of_several_sizes_have_the_freedom_of_welch_and_satterthwaite():
    # Groups of unequal variances: the interval is Welch's for the weighted sum of two means.
    first, second = np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.6, 0.8, 0.1])
    _, stderr = combined([1, 3], _rows(0.0, 0.0), [_rows(*first), _rows(*second)])
    parts = np.array([(0.25 * stats.sem(first)) ** 2, (0.75 * stats.sem(second)) ** 2])
    freedom = parts.sum() ** 2 / (parts**2 / [2, 3]).sum()
    expected = math.sqrt(parts.sum()) * stats.t.ppf(0.975, freedom) / stats.norm.ppf(0.975)
    assert stderr == pytest.approx(expected, rel=1e-6)


def test_subsets_that_all_agree_leave_an_error_of_zero():
    assert combined([2], _rows(0.5), [_rows(1.0, 1.0, 1.0)])[1] == 0.0


def test_probes_of_repeated_subsets_are_part_of_their_spread():
    plain = combined([2], _rows(0.5), [_rows(1.0, 2.0, 4.0)])
    assert combined([2], _rows(0.5), [_rows(1.0, 2.0, 4.0, error=0.3)]) == plain


def test_probes_of_single_sets_add_by_their_weight_and_shared_sets_once():
    # The set that both groups are compared with counts with weight 1, not as two independent quarters and halves.
    shared = _rows(1.0, error=0.3)
    groups = [*_rows(0.5, error=0.1), *_rows(0.5, error=0.2)]
    _, stderr = combined([1, 3], groups, [shared, shared])
    assert stderr == pytest.approx(math.sqrt((0.25 * 0.1) ** 2 + (0.75 * 0.2) ** 2 + 0.3**2), rel=1e-12)


def test_without_repetition_and_probes_there_is_no_error():
    assert combined([1, 1], _rows(0.0, 0.0), [_rows(1.0), _rows(1.0)])[1] is None


def _students(terms):
    """The standard deviation of a sum of terms (weight, variance, degrees of freedom), as that of a normal one."""
    parts = np.array([weight**2 * variance for weight, variance, _freedom in terms])
    freedom = parts.sum() ** 2 / (parts**2 / [freedom for *_rest, freedom in terms]).sum()
    return math.sqrt(parts.sum()) * stats.t.ppf(0.975, freedom) / stats.norm.ppf(0.975)


def test_under_chance_a_group_is_one_more_random_set(monkeypatch):
    told = []
    monkeypatch.setattr(information, "by_chance", lambda *given: told.append(given) or "")
    first, second = np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.6, 0.8, 0.1])
    information._chance([1, 3], _rows(0.5, 0.25), [_rows(*first), _rows(*second)])
    excess = 0.25 * (first.mean() - 0.5) + 0.75 * (second.mean() - 0.25)
    variances = [(0.25, np.var(first, ddof=1), 2), (0.75, np.var(second, ddof=1), 3)]
    groups = _students(variances)
    means = _students([(weight, variance / (freedom + 1), freedom) for weight, variance, freedom in variances])
    assert told == [pytest.approx((excess / LN2, math.hypot(groups, means) / LN2), rel=1e-6)]
    information._chance([1, 3], _rows(0.5, 0.25), [_rows(1.0, 1.0), _rows(0.5, 0.5)])
    assert told[1][1] == 0.0


def test_adjusted_of_one_subset_has_the_error_of_the_probes_alone(blobs):
    points, labels = blobs
    walk = {"kernel": Gaussian(6.0), "t": 2.0}
    assert adjusted_dsmi(points, labels, 1, **walk).stderr is None
    found = adjusted_dsmi(points, labels, 1, solver=Wobbling(150), **walk)
    assert 0.0 < found.stderr < 0.1


def test_literal_information_states_the_probes_of_the_whole(blobs):
    points, labels = blobs
    walk = {"kernel": Gaussian(6.0), "t": 2.0, "solver": Wobbling(150)}
    assert dsmi(points, labels, estimator=Literal(), **walk).stderr == pytest.approx(
        dse(points, **walk).stderr, rel=1e-9
    )


def test_what_few_steps_cost_an_information_is_told(blobs):
    points, labels = blobs
    walk = {"kernel": Gaussian(3.0), "t": 1.0}

    def told(estimator, *sizes):
        verdict = dsmi(points, labels, estimator=estimator, solver=Short(sizes), **walk).verdict
        return float(verdict.split("up to about ")[1].split()[0]) if "few steps" in verdict else 0.0

    of_all = dse(points, solver=Short((150,)), **walk).verdict
    assert f"few steps or moments may have cost up to about {told(Literal(), 150):.2g} bit besides" in of_all
    assert told(Literal()) == told(Matched(), 150) == 0.0
    assert told(Adjusted(), 150) > 0.0
    sizes = tuple(set(np.bincount(labels).tolist()))
    assert told(Matched(), *sizes) < told(Literal(), *sizes)  # what the groups and the random sets lose cancels


@pytest.mark.parametrize("estimator", [Literal(), Adjusted(5)], ids=repr)
def test_a_permutation_test_tells_what_few_steps_cost_its_information(blobs, estimator):
    points, labels = blobs
    walk = {"kernel": Gaussian(3.0), "t": 1.0, "estimator": estimator, "rng": 3}
    told = dsmi(points, labels, solver=Short((150,)), **walk).verdict.split("; ")[-1]
    assert "few steps" in told
    assert permutation_test(points, labels, 19, solver=Short((150,)), **walk).verdict.endswith(told)
    assert "few steps" not in permutation_test(points, labels, 19, **walk).verdict


DOORS = {
    "dse": lambda points, labels, **rest: dse(points, **rest),
    "dsmi": lambda points, labels, **rest: dsmi(points, labels, estimator=Literal(), **rest),
    "permutation_test": lambda points, labels, **rest: permutation_test(points, labels, 19, **rest),
    "adjusted_dsmi": lambda points, labels, **rest: adjusted_dsmi(points, labels, 2, **rest),
}


@pytest.mark.parametrize("measure", DOORS.values(), ids=DOORS)
def test_the_chosen_solver_reaches_the_tolerance_asked_at_the_time_asked(blobs, monkeypatch, measure):
    monkeypatch.setattr("diffspec.solvers.choice.ALWAYS_EXACT", 10)
    monkeypatch.setattr("diffspec.solvers.choice.EXACT_SECONDS", 0.0)
    solver = measure(*blobs, kernel=Gaussian(6.0), t=2.5, tol=0.05).settings.solver
    assert "times=(2.5,)" in solver
    assert "tol=0.05" in solver


def test_matched_is_the_default_with_five_subsets_per_size(blobs):
    points, labels = blobs
    assert dsmi(points, labels) == dsmi(points, labels, estimator=Matched(repetitions=5))
    assert adjusted_dsmi(points, labels) == adjusted_dsmi(points, labels, repetitions=5)


def test_adjusted_is_called_what_it_is_and_says_nothing_new_where_there_is_nothing_to_tell(blobs):
    points, _labels = blobs
    for reference in (np.zeros(150, dtype=int), np.arange(150)):
        found, plain = adjusted_dsmi(points, reference), dsmi(points, reference)
        assert (found.value, found.stderr, found.verdict) == (0.0, plain.stderr, plain.verdict)
    assert found.measure == "adjusted DSMI"
    assert found.settings.estimator == "Adjusted(repetitions=5)"


def test_adjusted_of_two_equal_groups_apart_is_one_bit():
    points = np.repeat([[0.0], [1e3]], 20, axis=0) + np.random.default_rng(0).normal(size=(40, 1))
    assert adjusted_dsmi(points, np.repeat([0, 1], 20), kernel=Gaussian(3.0)).value == pytest.approx(1.0, abs=1e-9)
