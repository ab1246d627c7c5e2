"""Graphs whose neighbours are sought in cells: the definition within the stated error, and what is missed is said."""

import re

import numpy as np
import pytest

import definitions
from diffspec import AlphaDecay, Chebyshev, Exact, InputError, Lanczos, TooLargeError, choose, dse, spectrum
from diffspec.operators import searched
from diffspec.operators.dense import diffusion
from diffspec.operators.searched import searched_diffusion
from diffspec.points import cells
from diffspec.spectra.spectrum import shannon, whole_error
from effort import only


def clusters(seed, n=900, d=8):
    """Clusters of unequal size, of a few dimensions among many, some points copies."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, 20, n) // 3
    points = 1.5 * rng.normal(size=(7, d))[which] + rng.normal(size=(n, d)) / (1.0 + np.arange(d)) ** 0.5
    points[100:130] = points[100]
    return points


def blob(seed, n=900, d=6):
    return np.random.default_rng(seed).normal(size=(n, d))


def surface(seed, n=900):
    rng = np.random.default_rng(seed)
    angle = 1.5 * np.pi * (1.0 + 2.0 * rng.random(n))
    return np.stack([angle * np.cos(angle), 21.0 * rng.random(n), angle * np.sin(angle)], axis=1)


CLOUDS = {"clusters": clusters, "blob": blob, "surface": surface}


@pytest.fixture
def many(monkeypatch):
    """Few points already go the way of very many."""
    monkeypatch.setattr(cells, "PER_ROOT", 1.5)
    monkeypatch.setattr("diffspec.solvers.storing.SEARCHED", 500)
    monkeypatch.setattr(searched, "SAMPLE", 200)
    monkeypatch.setattr(searched, "WORTH", 1.0)
    monkeypatch.setattr("diffspec.solvers.choice.EXACT_SECONDS", 0.0)
    monkeypatch.setattr("diffspec.solvers.choice.GRAPH_EXACT", 0)


def entropy(matrix, t):
    """By the definition, in bits."""
    powers = np.abs(np.linalg.eigvalsh(matrix)) ** t
    p = powers[powers > 0] / powers.sum()
    return float(-np.sum(p * np.log2(p)))


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("name", CLOUDS)
@pytest.mark.parametrize("kernel", [AlphaDecay(), AlphaDecay(5, decay=6.0)], ids=repr)
def test_a_search_through_all_cells_is_the_definition(name, kernel, monkeypatch):
    monkeypatch.setattr(searched, "WORTH", 0.0)
    points = CLOUDS[name](0, 500)
    operator = searched_diffusion(points, kernel, 0.5)
    matrix = definitions.diffusion_matrix(kernel(points), 0.5)
    expected = np.sort(np.abs(np.linalg.eigvals(matrix)))
    assert operator.narrower is None
    assert np.sort(np.abs(np.linalg.eigvalsh(operator.dense()))) == pytest.approx(expected, abs=1e-8)


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("missed", only([0.03, 0.005], 0.03))
@pytest.mark.parametrize("name", CLOUDS)
def test_what_is_missed_costs_no_more_than_is_stated(name, missed, monkeypatch):
    monkeypatch.setattr(searched, "MISSED", missed)
    for seed in range(4):
        points = CLOUDS[name](seed)
        operator = searched_diffusion(points, AlphaDecay(), 0.5)
        ours, exact, stated = operator.dense(), diffusion(AlphaDecay()(points), 0.5).matrix, 0.0
        if operator.narrower is not None:  # else all were searched
            less = operator.narrower.operator().dense()
            stated = operator.narrower.share * abs(entropy(less, 3.0) - entropy(ours, 3.0))
        assert abs(entropy(ours, 3.0) - entropy(exact, 3.0)) <= 2.5 * stated + 1e-9
        assert stated < 4.0 * missed


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("name", CLOUDS)
def test_what_is_missed_among_many_is_tried_on_some(name, monkeypatch):
    monkeypatch.setattr(searched, "MISSED", 0.03)
    monkeypatch.setattr(searched, "TRIED", 450)
    for seed in range(2):
        points = CLOUDS[name](seed)
        operator = searched_diffusion(points, AlphaDecay().resolve(points, None), 0.5)
        ours, exact = operator.dense(), diffusion(AlphaDecay()(points), 0.5).matrix
        wider, less = operator.narrower.wider().dense(), operator.narrower.operator().dense()
        assert len(wider) == len(less) < 500
        stated = operator.narrower.share * abs(entropy(less, 3.0) - entropy(wider, 3.0))
        assert abs(entropy(ours, 3.0) - entropy(exact, 3.0)) <= 2.5 * stated
        assert stated < 0.15


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("tried", [900, 450])
def test_an_index_that_misses_neighbours_is_said_with_what_it_costs(tried, monkeypatch):
    monkeypatch.setattr(searched, "MISSED", 0.1)
    monkeypatch.setattr(searched, "TRIED", tried)
    points = clusters(0)
    found, exact = dse(points), dse(points, solver=Exact())
    said = r"neighbours sought among \d+\.\d% of all points, (\d+\.\d\d)% of their weight missed"
    assert 2.0 < float(re.search(said, found.settings.solver)[1]) < 15.0
    assert re.search(said + r", which costs about 0\.\d+ bit of the stated error", found.verdict)
    assert 0.01 < abs(found.value - exact.value) < 2.5 * found.stderr


@pytest.mark.usefixtures("many")
def test_the_error_has_both_parts_at_every_time_and_order():
    found = spectrum(clusters(0))
    lost = found.missed
    for t in (1.0, 3.0):
        gap = lost.share * abs(shannon(found, t) - shannon(lost.spectrum, t)) / np.log(2.0)
        assert found.shannon(t).stderr >= gap > 0.0
        assert found.shannon(t).stderr == pytest.approx(whole_error(found, t) / np.log(2.0))
    assert found.renyi(2.0).stderr > 0.0


@pytest.mark.usefixtures("many")
def test_the_spectrum_that_lacks_more_need_not_be_as_exact(monkeypatch):
    monkeypatch.setattr("diffspec.solvers.lanczos.PIECE", 0.0)
    found = spectrum(clusters(0), solver=Lanczos(tol=0.05, times=(3.0,)))
    assert (found.tol, found.missed.spectrum.tol) == (0.05, 0.5)


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("solver", [Lanczos(tol=None), Chebyshev()], ids=repr)
def test_solvers_without_a_tolerance_state_what_is_missed_too(solver, monkeypatch):
    monkeypatch.setattr(searched, "MISSED", 0.1)
    found, exact = spectrum(clusters(0), solver=solver), dse(clusters(0), solver=Exact())
    assert found.missed is not None
    assert abs(found.shannon().value - exact.value) < 3.0 * found.shannon().stderr


@pytest.mark.usefixtures("many")
def test_the_same_seed_gives_the_same_number():
    first, again = (dse(clusters(0)) for _ in range(2))
    assert (first.value, first.stderr) == (again.value, again.stderr)


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    "points",
    [
        np.concatenate([blob(0), blob(1) + 1e6]),
        np.concatenate([blob(0), np.repeat(blob(1, 3), 300, axis=0)]),
        np.concatenate([blob(0), np.full((300, 6), 7.0)]),
        np.concatenate([blob(0), [[1e9] * 6]]),
    ],
    ids=["two far clusters", "three points by the hundred", "a crowd", "far point"],
)
def test_odd_points_are_right_within_their_error(points):
    found, exact = dse(points), dse(points, solver=Exact())
    assert "cells" in choose(*points.shape).storage
    assert abs(found.value - exact.value) <= 2.5 * (found.stderr or 0.0) + 1e-6


@pytest.mark.usefixtures("many")
def test_all_points_equal_are_one_cluster():
    assert dse(np.ones((900, 4))).value == 0.0


@pytest.mark.usefixtures("many")
def test_what_cannot_be_had_is_refused(monkeypatch):
    with pytest.raises(InputError, match="needs more than 900 points, got 900; lower neighbors"):
        dse(blob(0), kernel=AlphaDecay(900))
    monkeypatch.setattr(searched, "BYTES_PER_WEIGHT", 1e9)
    with pytest.raises(TooLargeError, match=r"the graph of 900 points, \d+\.\d% of all pairs, needs"):
        dse(blob(0))


def test_choose_says_so_beyond_a_hundred_thousand_points():
    assert choose(100_000, 64, memory=2**30).storage == "graph"
    choice = choose(100_001, 64, memory=2**30)
    assert choice.storage == "cells"
    assert "what the cells miss is measured on some points, and part of the error; one round of 32 probes" in str(
        choice
    )
    assert choose(1_000_000, 64, memory=2**30).solver.probes == 12  # whose errors fall with n
    assert choose(9_000_000, 64, memory=2**30).solver.probes == 8  # fewer do not tell their own spread
    assert choose(100_001, 64, solver=Exact(), memory=2**30).storage == "graph"
