"""Small sets that are solved together have the entropies of sets that are solved one by one."""

from dataclasses import replace

import numpy as np
import pytest

from diffspec import Adjusted, AlphaDecay, Exact, Gaussian, Lanczos, Literal, SelfTuning, dsmi
from diffspec.measures import subsets
from diffspec.measures.asked import asked
from diffspec.measures.subsets import moved_to, walk_of
from diffspec.solvers import few
from diffspec.solvers.few import alike


def cloud(n):
    """Three blobs, copies of a point, and one far out."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    points = rng.normal(size=(n, 4)) + 4.0 * rng.normal(size=(3, 4))[labels]
    points[:12], points[13] = points[0], 1e4
    return points, labels


def test_places_of_about_one_size_stand_together_as_far_as_an_array_holds(monkeypatch):
    monkeypatch.setattr(few, "HELD", 300)
    found = alike([10, 1, 10, 5, 0, 10, few.MOST + 1, 10, 5])
    assert found == [[3, 8], [0, 2, 5], [7]]
    assert alike([20, 19, 12, 13, 12, 10]) == [[5, 2], [4], [3], [1], [0]]
    monkeypatch.setattr(few, "HELD", 10**6)
    assert alike([20, 16, 10, 11, 13, 12, 2, 3]) == [[6], [7], [2, 3, 5], [4, 1], [0]]
    assert alike([]) == alike([1, 0]) == []


# Of one size both take the same steps. Of several the rounding differs, which small t raise: 1e-15^0.3 is 3e-5.
@pytest.mark.parametrize(
    ("t", "sizes"),
    [(t, [20] * 9) for t in (0.3, 1.0, 3.0, 500.0)]
    + [(t, [20, 20, 20, 16, 17, 18, 19, 20, 2]) for t in (1.0, 3.0, 500.0)],
)
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("kernel", [AlphaDecay(5), SelfTuning(), Gaussian(1.5)], ids=repr)
def test_sets_of_a_stack_are_those_solved_one_by_one(kernel, alpha, t, sizes, rng):
    points = cloud(90)[0]
    how = asked(kernel, alpha=alpha, t=t, solver=Exact())
    walk = replace(walk_of(points, kernel, how, sizes=[20]), keeps=True)
    sets = [*(np.sort(rng.choice(90, size, replace=False)) for size in sizes), np.arange(20)]
    expected = [walk((one, rng)) for one in sets]
    found = walk.together([(one, rng) for one in sets])
    for name in ("nats", "first", "log_sum"):
        wanted = [getattr(one, name) for one in expected]
        assert [getattr(one, name) for one in found] == pytest.approx(wanted, abs=1e-11)
    for ours, alone in zip(found, expected, strict=True):
        assert ours.spectrum.n == alone.spectrum.n == len(ours.spectrum.weights)
        assert ours.spectrum.nodes == pytest.approx(alone.spectrum.nodes, abs=1e-13)
        assert ours.spectrum.floor == pytest.approx(alone.spectrum.floor)


def test_entropies_move_to_another_time_where_their_spectra_were_kept(rng):
    points, sizes = cloud(90)[0], [20, 20, 30, 1]
    sets = [np.sort(rng.choice(90, size, replace=False)) for size in sizes]

    def taken(t, keeps):
        walk = replace(walk_of(points, AlphaDecay(5), asked(AlphaDecay(5), alpha=0.5, t=t), sizes=sizes), keeps=keeps)
        return [*walk.together([(one, rng) for one in sets[:2]]), walk((sets[2], rng)), walk((sets[3], rng))]

    found, expected = moved_to(taken(3.0, keeps=True), 7.0), taken(7.0, keeps=False)
    assert [one.nats for one in found] == pytest.approx([one.nats for one in expected], abs=1e-12)
    assert [one.log_sum for one in found] == pytest.approx([one.log_sum for one in expected], abs=1e-12)
    assert moved_to(expected, 3.0) == expected


@pytest.mark.parametrize("estimator", [Adjusted(), Literal()], ids=repr)
def test_a_measure_is_the_same_with_and_without(estimator, monkeypatch):
    points, labels = cloud(150)
    together = dsmi(points, labels, estimator=estimator)
    monkeypatch.setattr(subsets, "alike", lambda sizes: [])
    alone = dsmi(points, labels, estimator=estimator)
    assert together.value == pytest.approx(alone.value, abs=1e-12)
    assert together.stderr == pytest.approx(alone.stderr, abs=1e-12)


def test_only_exact_sets_of_an_array_are_solved_together():
    points, sizes = cloud(150)[0], [50, 50, 50, 1]
    kernel = AlphaDecay(5)

    def jobs(**how):
        return walk_of(points, kernel, asked(kernel, alpha=0.5, t=how.pop("t", None), **how), sizes=sizes).jobs(sizes)

    assert jobs() == [[0, 1, 2], [3]]
    assert jobs(t=1e40) == [[0], [1], [2], [3]]
    assert jobs(solver=Lanczos()) == [[0], [1], [2], [3]]


@pytest.mark.parametrize(("sizes", "shared"), [([300, 150, 150], True), ([150], False)])
def test_what_float32_affinities_cost_is_stated_of_sets_that_share_them_too(sizes, shared):
    points = np.random.default_rng(0).normal(size=(300, 3))
    kernel = Gaussian(0.3)
    walk = walk_of(points, kernel, asked(kernel, alpha=0.5, t=1, solver=Lanczos()), sizes=sizes)
    assert (walk.affinity is not None) is shared
    operator = walk._operator(np.arange(150), Lanczos(), np.random.default_rng(0))
    widths = np.mean(np.sum((points - points.mean(0)) ** 2, axis=1)) / 0.3**2
    # Exponents are sums of numbers as large as half of that: far more than an entry's own rounding.
    assert operator.entry_error == pytest.approx(np.finfo(np.float32).eps * (0.5 + 0.25 * widths), rel=0.2)
