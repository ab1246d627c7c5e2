"""The automatic choice of solver and storage, and that what it chooses gives the right number."""

import math
import re
from typing import get_args

import array_api_strict
import numpy as np
import pytest

import effort
from diffspec import (
    AlphaDecay,
    Cosine,
    Exact,
    Gaussian,
    InputError,
    Lanczos,
    Literal,
    LowRank,
    Matched,
    NearestNeighbors,
    SelfTuning,
    Thresholded,
    TooLargeError,
    choose,
    dse,
    dsmi,
    spectrum,
)
from diffspec._arrays import memory_for
from diffspec.kernels.protocol import Storage
from diffspec.measures.asked import asked
from diffspec.measures.entropy import taken
from diffspec.operators.blocked import Blocked
from diffspec.operators.build import build, distances_of
from diffspec.operators.dense import Dense
from diffspec.solvers.choice import STORED, plan, planned_for_widths
from diffspec.solvers.storing import Size, distances_for, whole_of

GIB = 2.0**30


def test_exact_where_it_costs_about_a_second():
    assert isinstance(choose(2500, 512, memory=8 * GIB).solver, Exact)
    assert isinstance(choose(2600, 512, memory=8 * GIB).solver, Lanczos)
    # Sixty problems share the second: the groups and subsets of a mutual information.
    for n, solver in [(600, Exact), (800, Lanczos)]:
        assert isinstance(choose(n, 512, kernel=Gaussian(), memory=8 * GIB, sets=60).solver, solver)
    assert isinstance(choose(400, 512, kernel=Gaussian(), memory=8 * GIB, sets=10_000).solver, Exact)
    # Of a graph other solvers take no less time up to 2000 points.
    for n, solver in [(2000, Exact), (2100, Lanczos)]:
        assert isinstance(choose(n, 512, memory=8 * GIB, sets=60).solver, solver)


def test_storage_follows_memory():
    assert choose(20_000, 64, kernel=Gaussian(), memory=2 * GIB).storage == "dense"
    assert choose(20_000, 64, kernel=Gaussian(), memory=1 * GIB).storage == "tiles"
    assert choose(2000, 64, kernel=Gaussian(), memory=1e6).storage == "tiles"
    # A tolerance that float32 does not serve needs float64.
    for tol, bytes_each in ((5e-4, 4), (4e-4, 8)):
        for short, storage in ((0, "dense"), (1, "tiles")):
            memory = bytes_each * 1000**2 - short
            assert choose(1000, 8, kernel=Gaussian(), solver=Lanczos(tol=tol), memory=memory).storage == storage


def test_storage_follows_the_kernel():
    assert choose(2048, 64, memory=GIB).storage == "dense"
    assert choose(2049, 64, memory=GIB).storage == "graph"
    assert choose(100, 64, kernel=NearestNeighbors(), memory=GIB).storage == "graph"
    assert choose(8193, 64, kernel=Gaussian(), solver=LowRank(), memory=GIB).storage == "factor"
    assert choose(8192, 64, kernel=Gaussian(), solver=LowRank(), memory=GIB).storage == "dense"
    assert choose(9000, 64, kernel=SelfTuning(), solver=Lanczos(), memory=GIB).storage == "dense"


def test_it_is_deterministic_carries_what_was_asked_and_says_why():
    first, again = (choose(20_000, 64, kernel=Gaussian(), t=3, memory=GIB, tol=0.01) for _ in range(2))
    assert first == again
    assert first.solver == Lanczos(tol=0.01, times=(3.0,))
    assert str(choose(100, 2, solver=LowRank(), memory=GIB)) == f"{LowRank()!r}, stored as one n x n array: as asked"
    assert "the float32 affinity would take 1.49 GiB, more than the 1.00 GiB allowed" in str(first)
    assert "all eigenvalues take about" in str(choose(100, 2, memory=GIB))
    assert "all eigenvalues would take about 60 s" in str(choose(10_000, 2, memory=GIB))
    assert "all eigenvalues would take about 2.1 hours" in str(choose(50_000, 2, memory=GIB))
    assert "a graph of near points, sought in cells: all eigenvalues would take about 5.6 days" in str(
        choose(200_000, 2)
    )
    assert set(STORED) == set(get_args(Storage))


@pytest.mark.parametrize("kernel", [AlphaDecay(), Gaussian(2.0)], ids=repr)
def test_it_says_what_dse_does_where_neither_is_told_more(kernel):
    points = np.random.default_rng(0).normal(size=(2600, 2))
    done = dse(points, kernel=kernel, solver=None).settings
    assert repr(choose(*points.shape, kernel=kernel).solver) == done.solver


def test_days_of_work_are_refused_with_what_to_do():
    with pytest.raises(TooLargeError, match=r"computing it tile by tile would take about \d+ hours; measure a random"):
        choose(3_000_000, 512, kernel=Gaussian(), memory=16 * GIB)
    # Of one feature too: each pair costs its exponential.
    with pytest.raises(TooLargeError, match="about 4 hours; measure a random"):
        choose(1_050_000, 1, kernel=Gaussian(), memory=16 * GIB)
    assert choose(1_050_000, 1, kernel=Gaussian(), memory=4 * 1_050_000**2).storage == "dense"


ASKED = {"solver": None, "t": 3.0, "memory": 16 * GIB, "tol": 1e-3}


def test_a_graph_of_points_on_disk_is_no_work_of_days():
    size = Size(3_000_000, 512, stays="disk")
    assert "only near points have a weight" in str(plan(size, AlphaDecay(), **ASKED))
    with pytest.raises(TooLargeError, match="computing it tile by tile would take"):
        plan(size, Gaussian(1.0), **ASKED)


def test_on_a_cluster_tiles_of_any_number_are_solved_for_the_time_asked():
    chosen = plan(Size(3_000_000, 512, stays="cluster"), Gaussian(1.0), **ASKED)
    assert (chosen.solver, chosen.storage) == (Lanczos(times=(3.0,)), "cluster")


def test_some_thousand_points_on_a_device_have_an_array_where_those_of_the_host_have_a_graph():
    points = np.random.default_rng(0).normal(size=(2100, 2))
    far = array_api_strict.asarray(points, device=array_api_strict.Device("device1"))
    how = asked(AlphaDecay(), alpha=0.5, t=3.0, memory=16 * GIB)
    for where, storage in ((points, "graph"), (far, "dense")):
        assert taken(where, how).choice(how).storage == whole_of(where, AlphaDecay()) == storage


def test_half_of_the_free_memory_may_be_used_unless_told(monkeypatch):
    monkeypatch.setattr("diffspec._arrays.free_memory", lambda like: 100.0)
    assert (memory_for(None), memory_for(70)) == (50.0, 70.0)


def test_what_is_free_at_the_moment_is_no_part_of_what_was_chosen(monkeypatch):
    found = []
    for free in (2.0**33, 2.0**33 + 2.0**21):
        monkeypatch.setattr("diffspec._arrays.free_memory", lambda like, free=free: free)
        found.append(choose(3000, 64))
    assert found[0] == found[1]
    assert hash(found[0]) == hash(found[1])
    assert found[0].plan.memory != found[1].plan.memory


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"n": 1, "d": 2}, "n must be an integer of at least 2, got 1"),
        ({"n": 9, "d": 0}, "d must be an integer of at least 1, got 0"),
        ({"n": 9, "d": 2, "sets": 0}, "sets must be an integer of at least 1, got 0"),
        ({"n": 9, "d": 2, "kernel": Gaussian}, "kernel must be a kernel such as Gaussian"),
        ({"n": 9, "d": 2, "solver": Exact}, "solver must be a solver such as Exact"),
        ({"n": 9, "d": 2, "tol": 0}, "tol must be a positive number, got 0; it is the standard error in bits to reach"),
        ({"n": 9, "d": 2, "memory": -1}, "memory must be a positive number of bytes, got -1"),
        ({"n": 9, "d": 2, "t": -1}, "t must be a positive number, got -1"),
    ],
)
def test_bad_arguments(arguments, text):
    with pytest.raises(InputError, match=f"^{text}"):
        choose(arguments.pop("n"), arguments.pop("d"), **arguments)


def cloud(n, d=8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) + 4.0 * rng.normal(size=(5, d))[rng.integers(0, 5, size=n)]


@pytest.fixture
def impatient(monkeypatch):
    """No exact number is worth waiting for, so that few points already go the way of many."""
    monkeypatch.setattr("diffspec.solvers.choice.EXACT_SECONDS", 0.0)
    monkeypatch.setattr("diffspec.solvers.choice.ALWAYS_EXACT", 0)
    monkeypatch.setattr("diffspec.solvers.choice.GRAPH_EXACT", 0)


KERNELS = [AlphaDecay(), Gaussian(2.0), Gaussian("median"), Cosine(0.5), SelfTuning()]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
@pytest.mark.parametrize("memory", effort.only([2e6, None], 2e6))
def test_the_default_beyond_exact_is_right_within_its_error(kernel, memory):
    points = cloud(1600)
    of_local_width = isinstance(kernel, AlphaDecay | SelfTuning)
    if memory and of_local_width:
        pytest.skip("has no tiles; its error text is tested below")
    ours = dse(points, kernel=kernel, memory=memory)
    exact = dse(points, kernel=kernel, solver=Exact())
    assert ours.settings.solver.startswith("Lanczos(tol=0.001")
    assert ours.settings.dtype == ("float64" if of_local_width else "float32")
    assert abs(ours.value - exact.value) < max(4 * (ours.stderr or 0.0), 1e-4)
    assert ours.stderr is None or ours.stderr <= 1e-3
    assert ours.verdict == exact.verdict == "informative"


@pytest.mark.usefixtures("impatient")
def test_one_decomposition_keeps_its_error_at_every_time():
    s = spectrum(cloud(1600), kernel=Gaussian(2.0))
    exact = spectrum(cloud(1600), kernel=Gaussian(2.0), solver=Exact())
    for t in (1, 2, 5):
        assert abs(s.shannon(t).value - exact.shannon(t).value) < max(5 * (s.shannon(t).stderr or 0.0), 1e-3)


def test_precision_follows_the_rounding_that_it_would_cost(rng):
    near = rng.normal(size=(50, 4))
    far = near + 1e5 * (np.arange(50) % 2)[:, None]
    assert stored(near).entries.dtype == np.float32
    assert stored(far).entries.dtype == np.float64


def test_operators_are_stored_as_memory_allows(rng):
    points = rng.normal(size=(300, 4))
    assert isinstance(stored(points, memory=4 * 300**2), Dense)
    assert isinstance(stored(points, memory=4 * 300**2 - 1), Blocked)


def stored(points, memory=1e9):
    """The operator of `points` under a Gaussian of width 1, as it is stored for Lanczos()."""
    told = {"solver": Lanczos(), "t": 1.0, "memory": memory, "tol": 1e-3}
    made = plan(Size(*points.shape), Gaussian(1.0), widths=lambda: Gaussian(1.0).in_widths(points), **told).plan
    return build(points, Gaussian(1.0), 0.5, made, rng=np.random.default_rng(0))


NEEDY = [(Gaussian(1.0), Exact()), (SelfTuning(), Lanczos()), (AlphaDecay(), None)]


@pytest.mark.parametrize(("kernel", "solver"), NEEDY)
def test_what_needs_a_matrix_says_so(rng, kernel, solver):
    text = r"needs the 300 x 300 float64 affinity, 720000 bytes .*, and memory allows 100000 bytes .*; give more memory"
    with pytest.raises(TooLargeError, match=text):
        dse(rng.normal(size=(300, 4)), kernel=kernel, solver=solver, memory=1e5)
    if solver:
        with pytest.raises(TooLargeError, match=rf"^{re.escape(f'{solver!r} with {kernel!r}')} needs the 300 x 300 "):
            dse(rng.normal(size=(300, 4)), kernel=kernel, solver=solver, memory=1e5)


class TestInformation:
    @pytest.mark.usefixtures("impatient")
    def test_sets_of_many_points_are_solved_stochastically_and_their_error_is_told(self):
        points = cloud(1800)
        labels = np.arange(1800) % 3
        ours = dsmi(points, labels, kernel=Gaussian(2.0), estimator=Matched(2))
        assert ours.settings.solver.startswith("Lanczos(tol=0.001, probes=8")
        exact = dsmi(points, labels, kernel=Gaussian(2.0), estimator=Matched(2), solver=Exact())
        assert ours.value == pytest.approx(exact.value, abs=5e-3)

    def test_less_memory_gives_the_same_number(self, blobs):
        points, labels = blobs
        shared = dsmi(points, labels, kernel=Gaussian(3.0))
        apart = dsmi(points, labels, kernel=Gaussian(3.0), memory=8 * 150**2 - 1)
        assert apart.value == pytest.approx(shared.value, abs=1e-9)

    def test_literal_error_comes_from_probes_alone(self):
        points, labels = cloud(400), np.arange(400) % 2
        solver = Lanczos(tol=None, probes=8, deflation=2, power=0, steps=10)
        found = [
            dsmi(points, labels, kernel=Gaussian(2.0), estimator=Literal(), solver=solver, rng=seed)
            for seed in range(effort.seeds(60))
        ]
        exact = dsmi(points, labels, kernel=Gaussian(2.0), estimator=Literal(), solver=Exact())
        assert exact.stderr is None
        stated = math.sqrt(np.mean([estimate.stderr**2 for estimate in found]))
        actual = math.sqrt(np.mean([(estimate.value - exact.value) ** 2 for estimate in found]))
        assert actual == pytest.approx(stated, rel=0.35)


class TestSparse:
    def test_bounds_reach_the_estimate_and_hold(self):
        points = cloud(600, d=3)
        dense = dse(points, kernel=Gaussian(0.2))
        for t in (1, 3):
            dense = dse(points, kernel=Gaussian(0.2), t=t)
            for below in (1e-2, 1e-6):
                ours = dse(points, kernel=Thresholded(0.2, below=below), t=t)
                assert ours.bounds[0] <= dense.value <= ours.bounds[1]
                assert ours.bounds[0] <= ours.value <= ours.bounds[1]
        assert ours.bounds[1] - ours.bounds[0] < 0.2

    def test_other_kernels_have_no_bounds(self, blobs):
        for kernel in (AlphaDecay(), Gaussian(), NearestNeighbors(5)):
            assert dse(blobs[0], kernel=kernel).bounds is None

    def test_low_rank_bounds_hold(self):
        points = cloud(400)
        for t in (1.0, 3.0):
            ours = dse(points, kernel=Gaussian(), t=t, solver=LowRank(rank=60))
            assert ours.bounds[0] <= dse(points, kernel=Gaussian(), t=t).value <= ours.bounds[1]

    def test_memory_does_not_speak_of_a_dense_affinity(self):
        points = cloud(600, d=3)
        assert dse(points, kernel=Thresholded(0.2), memory=1e5).bounds is not None

    def test_groups_of_a_thresholded_kernel(self):
        points, labels = cloud(300, d=3), np.arange(300) % 3
        ours = dsmi(points, labels, kernel=Thresholded(0.5))
        assert ours.value == pytest.approx(dsmi(points, labels, kernel=Gaussian(0.5)).value, abs=1e-3)

    def test_advice_is_the_gaussians(self, rng):
        saturated = dse(rng.normal(size=(200, 3)), kernel=Thresholded(1e-4))
        assert saturated.verdict.startswith("saturated")
        assert "informative for sigma between about" in saturated.verdict


@pytest.mark.parametrize("apart", [1e3, 1e6, 1e7, 1e9, 1e12])
def test_two_groups_however_far_apart_have_the_exact_entropy(apart):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(1600, 3)) + apart * (np.arange(1600) % 2)[:, None]
    kernel = Gaussian(1.0)
    exact = dse(points, kernel=kernel, solver=Exact()).value
    found = dse(points, kernel=kernel, solver=Lanczos(tol=1e-2))
    assert abs(found.value - exact) < 4 * (found.stderr or 0.0) + 1e-3
    whole = dsmi(points, np.arange(1600) % 2, kernel=kernel, solver=Exact()).value
    ours = dsmi(points, np.arange(1600) % 2, kernel=kernel, solver=Lanczos(tol=1e-2))
    assert abs(ours.value - whole) < 4 * ours.stderr + 1e-3


def test_points_too_far_out_for_tiles_need_the_whole_affinity():
    points = np.random.default_rng(0).normal(size=(1600, 3))
    points[0] = 1e9
    with pytest.raises(TooLargeError, match="some points lie more than 500,000 sigma from the mean"):
        dse(points, kernel=Gaussian(1.0), solver=Lanczos(), memory=1e6)


class TestWidths:
    """One array of squared distances, from which the operators of all widths follow."""

    def made(self, points, solver=None, widths=1):
        return planned_for_widths(points, solver=solver, t=1.0, memory=GIB, tol=1e-3, widths=widths)

    def test_an_exact_solver_gets_the_precision_of_the_points_and_others_float32(self):
        few = self.made(cloud(300))
        assert (few.solver, few.storage, few.plan.precision) == (Exact(), "distances", "points")
        assert distances_of(cloud(300), few.plan.precision).squared.dtype == np.float64
        given = self.made(cloud(300), Lanczos(probes=4))
        assert (given.solver, given.plan.precision, given.reason) == (Lanczos(probes=4), "float32", "as asked")
        assert distances_of(cloud(300), given.plan.precision).squared.dtype == np.float32

    def test_many_widths_share_the_second(self):
        assert isinstance(self.made(cloud(900)).solver, Exact)
        many = self.made(cloud(900), widths=60)
        assert isinstance(many.solver, Lanczos)
        assert many.plan.precision == "float32"
        assert "all eigenvalues would take" in many.reason

    def test_distances_that_vanish_in_float32_are_kept_as_they_are(self):
        points = np.r_[np.tile([1.0, -1.0], 149), 0.0, 1e-21][:, None]
        assert self.made(points, Lanczos()).plan.precision == "points"
        points[-1] = 1e-3
        assert self.made(points, Lanczos()).plan.precision == "float32"

    def test_what_is_kept_for_long_is_in_float32_whatever_solves_it(self):
        assert distances_for(cloud(300), None, GIB).precision == "float32"
        assert distances_for(cloud(300), Exact(), GIB).precision == "points"
