"""The numbers of a permutation test are the textbook's on entropies given by hand."""

import inspect
import math

import numpy as np
import pytest

from diffspec import Gaussian, InputError, Matched, dsmi, permutation_test
from diffspec.inference.permutation import _tested, check_permutations
from diffspec.measures.subsets import Entropy, Walk
from diffspec.points.groups import Labels, partition_of
from diffspec.results.estimate import Settings

# Bits of the two groups, of 1 and 3 points, under the observed deal and three others; the groups are compared with 2.0.
DEALS = np.array([[0.5, 0.25], [1.0, 0.75], [0.5, 1.5], [2.0, 0.25]])
SETTINGS = Settings(kernel="", sigma=None, rule=None, alpha=0.5, t=1.0, solver="", seed=0, dtype="", library="")


def _entropies(bits):
    return [Entropy(2, float(value) * math.log(2.0), 0.5, None) for value in bits]


@pytest.fixture
def found():
    partition = partition_of(np.array([0, 1, 1, 1]), Labels(), 4)
    compared = [_entropies([1.5, 2.5]), _entropies([2.0, 2.0])]
    how = {"alpha": 0.5, "t": 1.0, "solver": None, "memory": 1e9, "tol": 1e-3, "sets": 4}
    walk = Walk(np.zeros((4, 1)), None, None, Gaussian(1.0), **how)
    given = {"estimator": Matched(), "level": 0.3, "settings": SETTINGS, "told": []}
    return _tested(walk, partition, _entropies(DEALS.ravel()), compared, **given)


def test_value_and_null_are_the_weighted_gaps_of_each_deal(found):
    values = (2.0 - DEALS) @ [0.25, 0.75]
    assert found.value == pytest.approx(values[0], rel=1e-12)
    assert found.null_mean == pytest.approx(values[1:].mean(), rel=1e-12)
    assert found.null_sd == pytest.approx(values[1:].std(ddof=1), rel=1e-12)
    assert (found.permutations, found.n, found.unit, found.level) == (3, 4, "bit", 0.3)
    assert found.p_value == 0.25  # no other deal reaches the observed one
    assert found.significant


def test_what_is_derived_from_them(found):
    assert found.ceiling == pytest.approx(2.0 - 0.75 * math.log2(3.0), rel=1e-12)
    assert found.corrected == pytest.approx(found.value - found.null_mean, rel=1e-12)
    assert found.corrected_stderr == pytest.approx(found.null_sd / math.sqrt(3), rel=1e-12)
    assert found.normalized == pytest.approx(found.corrected / found.ceiling, rel=1e-12)
    assert "informative" not in str(found)


def test_every_group_is_held_against_its_own_deals(found):
    for group, n, bits in zip(found.groups, (1, 3), DEALS.T, strict=True):
        assert (group.n, group.conditional) == (n, pytest.approx(bits[0], rel=1e-12))
        assert group.null_mean == pytest.approx(bits[1:].mean(), rel=1e-12)
        assert group.null_sd == pytest.approx(bits[1:].std(ddof=1), rel=1e-12)
        assert group.p_value == np.mean(bits <= bits[0])


def test_usual_number_of_permutations_and_level(blobs):
    points, labels = blobs
    usual = permutation_test(points[::10], labels[::10])
    assert (usual.permutations, usual.level) == (199, 0.05)
    found = inspect.signature(permutation_test).parameters
    assert (found["permutations"].default, found["level"].default) == (199, 0.05)
    assert found["estimator"].default == Matched(repetitions=5)


@pytest.mark.parametrize("level", [0.0, 1.0, 1.5])
def test_a_level_of_everything_or_nothing_is_refused(level):
    with pytest.raises(InputError, match=r"level must lie in \(0, 1\)"):
        check_permutations(999, level)


def test_one_single_point_among_larger_groups_leaves_something_to_permute(blobs):
    points, _labels = blobs
    found = permutation_test(points, np.arange(150) == 0, 19, kernel=Gaussian(6.0))
    assert found.verdict.startswith("not told from chance: ")  # and not "unknown"


@pytest.mark.parametrize("door", [dsmi, lambda *given, **rest: permutation_test(*given, 19, **rest)])
def test_the_verdict_is_that_of_the_largest_set(rng, door):
    # Two random points lie in two of ten far heaps and look like the identity; 148 of them are not saturated.
    points = np.repeat(100.0 * np.eye(10), 15, axis=0) + 1e-3 * rng.normal(size=(150, 10))
    assert door(points, np.arange(150) % 75 == 0, kernel=Gaussian(1.0)).verdict.startswith("not told from chance: ")


@pytest.mark.parametrize("door", [dsmi, lambda *given, **rest: permutation_test(*given, 19, **rest)])
def test_what_was_compared_and_grouped_is_written_down(blobs, door):
    found = door(*blobs, kernel=Gaussian(6.0), t=2.0, estimator=Matched(2), groups=Labels())
    assert (found.measure, found.n, found.settings.t) == ("DSMI", 150, 2.0)
    assert (found.settings.estimator, found.settings.partition) == ("Matched(repetitions=2)", "Labels()")


@pytest.mark.parametrize("door", [dsmi, permutation_test])
@pytest.mark.parametrize("estimator", ["matched", Matched, None])
def test_what_is_no_estimator_is_refused(blobs, door, estimator):
    with pytest.raises(InputError, match=r"estimator must be Matched\(\), Literal\(\) or Adjusted\(\), got"):
        door(*blobs, kernel=Gaussian(6.0), estimator=estimator)
