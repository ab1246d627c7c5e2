"""A measure on subsets whose distances are taken from those of all points is the one on the subsets alone."""

import numpy as np
import pytest

from diffspec import (
    Adjusted,
    AlphaDecay,
    Exact,
    Gaussian,
    Literal,
    Matched,
    SelfTuning,
    compare,
    dsmi,
    interval,
    rank,
)
from diffspec._arrays import to_numpy
from diffspec.inference import measure as module
from diffspec.inference.measure import Measure, Subset
from diffspec.measures.asked import asked
from diffspec.points.groups import partition_of

ADJUSTED = Adjusted()


class Nearer(AlphaDecay):
    """A kernel of somebody else's that is called in its own way."""

    def __call__(self, points):
        return super().__call__(points) ** 2


class Few(AlphaDecay):
    """One that is another where its numbers are found on the points."""

    def resolve(self, points, rng):
        return AlphaDecay(3)


class Turned(AlphaDecay):
    """One that is then called in its own way."""

    def resolve(self, points, rng):
        return Nearer(3)


def cloud(n=160):
    """Blobs with copies, a near copy and a point far out: distances that products alone would lose."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    points = rng.normal(size=(n, 5)) + 3.0 * rng.normal(size=(3, 5))[labels]
    points[:9], points[20], points[40] = points[0], points[0] + 1e-9, 1e5
    return points, labels


def some(partition, n=160, size=60, count=12):
    rng = np.random.default_rng(1)
    kept = [np.sort(rng.choice(n, size, replace=False)) for _ in range(count)]
    return [Subset.of(partition, one, seed) for seed, one in enumerate(kept)]


def measure_of(estimator=ADJUSTED, **how):
    kernel = how.pop("kernel", AlphaDecay())
    return Measure(estimator, asked(kernel, alpha=0.5, t=None, **how))


@pytest.mark.parametrize("estimator", [Adjusted(), Matched(3), Literal(), None], ids=repr)
@pytest.mark.parametrize("kernel", [AlphaDecay(), AlphaDecay(4, decay=2.0), SelfTuning()], ids=repr)
def test_a_subset_has_the_measure_of_its_points_alone(kernel, estimator, to_library):
    points, labels = cloud()
    points = to_library(points)
    partition = None if estimator is None else partition_of(labels, None, len(labels))
    subsets = some(partition)
    measure = measure_of(estimator or Matched(), kernel=kernel)
    squared = measure.squared(points, subsets)
    assert squared is not None
    before = to_numpy(squared).copy()
    for subset in subsets:
        assert measure(points, subset, squared) == pytest.approx(measure(points, subset), abs=1e-9)
    assert np.array_equal(to_numpy(squared), before)


@pytest.mark.parametrize("estimator", [Adjusted(), Matched()], ids=repr)
@pytest.mark.parametrize("kernel", [AlphaDecay(), Few(), Turned()], ids=repr)
def test_all_points_have_the_value_of_the_measure(estimator, kernel):
    points, labels = cloud()
    partition = partition_of(labels, None, len(labels))
    measure = measure_of(estimator, kernel=kernel)
    squared = measure.squared(points, some(partition))
    found = measure.estimate(points, partition, 5, squared)
    assert found == dsmi(points, labels, estimator=estimator, kernel=kernel, rng=5)


def test_distances_are_shared_where_that_pays_and_memory_holds_them(monkeypatch):
    points, subsets = np.zeros((160, 3)), some(None)
    assert measure_of().shares_distances(points, subsets)
    assert not measure_of(kernel=Gaussian()).shares_distances(points, subsets)
    assert not measure_of(memory=5 * 8 * 160**2).shares_distances(points, subsets)
    assert measure_of(memory=7 * 8 * 160**2).shares_distances(points, subsets)
    assert not measure_of(kernel=Nearer()).shares_distances(points, subsets)
    # Beyond the size of an array all points are a graph, whose distances nobody needs: 12 subsets of 60 pay for 207.
    monkeypatch.setattr(module, "DENSE", 100)
    assert measure_of().shares_distances(points, subsets)
    assert not measure_of().shares_distances(points, subsets[:7])
    monkeypatch.setattr(module, "DENSE", 59)
    assert not measure_of().shares_distances(points, subsets)


def test_every_set_has_a_generator_of_its_own_where_a_solver_may_draw():
    points, labels = cloud()
    partition = partition_of(labels, None, len(labels))
    (subset,) = some(partition, count=1)
    seen = []

    def draws(operator, rng):
        seen.append(rng)
        return Exact()(operator, rng)

    measure_of(solver=draws)(points, subset)
    assert len(set(map(id, seen))) == len(seen) > 15


@pytest.mark.parametrize("kernel", [AlphaDecay(), SelfTuning()], ids=repr)
def test_rankings_intervals_and_comparisons_are_those_of_subsets_that_compute_their_own(kernel, monkeypatch):
    points, labels = cloud()
    other = points[:, ::-1] + 0.3 * np.random.default_rng(2).normal(size=points.shape)
    how = {"kernel": kernel, "resamples": 10}

    def found():
        ranking = rank({"a": points, "b": other, "c": points[:, :2]}, labels, **how)
        rows = [(row.value, row.stderr) for row in ranking.rows]
        with_labels, without = interval(points, labels, **how), interval(points, **how)
        pair = compare(points, other, labels, **how)
        widths = (with_labels.stderr, without.stderr, pair.difference, pair.stderr)
        return np.array([*np.ravel(rows), *np.ravel(ranking.p_values), *widths])

    shared = found()
    asked_for = []
    monkeypatch.setattr(Measure, "shares_distances", lambda *given: bool(asked_for.append(given)))
    assert found() == pytest.approx(shared, rel=1e-7, abs=1e-9)
    assert len(asked_for) >= 7
