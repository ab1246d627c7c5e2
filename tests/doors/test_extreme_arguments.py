"""Every functional of every kind of spectrum at extreme times, orders and floors: the limit, or one line; never NaN."""

import itertools
import math

import numpy as np
import pytest

from diffspec import (
    AlphaDecay,
    Chebyshev,
    Exact,
    Gaussian,
    InputError,
    Lanczos,
    LowRank,
    NearestNeighbors,
    Thresholded,
    dse,
    spectrum,
)
from diffspec.results.estimate import Settings
from diffspec.spectra.spectrum import Spectrum

TIMES = [5e-324, 1e-20, 1e-3, 1.0, 3.0, 745.0, 1e16, 1e308, 1.7976931348623157e308]
ORDERS = [
    0.0,
    5e-324,
    1e-300,
    1e-16,
    0.5,
    1 - 1e-9,
    1 - 1e-16,
    1.0,
    1 + 1e-15,
    1.0011,
    2.0,
    750.0,
    1e20,
    1e308,
    math.inf,
]
FLOORS = [0.0, 5e-324, 1e-300, 0.01, 0.5, 1 - 1e-16]


def by_hand(*nodes, floor=0.0):
    nodes = np.sort(np.array(nodes, dtype=float))[::-1]
    return Spectrum(nodes=nodes, weights=np.ones_like(nodes), n=len(nodes), floor=floor, settings=Settings(t=1.0))


KNOWN = {
    "one": by_hand(1.0, 0.0, 0.0),
    "identity": by_hand(*[1.0] * 8),
    "three clusters": by_hand(1.0, 1.0, 1.0, 0.5, 0.1, 1e-12),
    "clusters to rounding": by_hand(1.0 + 2e-16, 1.0 - 2e-16, 1.0 - 3e-16, 0.9, 0.1, floor=1e-15),
    "tiny": by_hand(1e-300, 1e-300, 1e-308),
    "falling": by_hand(*0.5 ** np.arange(40)),
}
MULTIPLICITY = {"one": 1, "identity": 8, "three clusters": 3, "clusters to rounding": 3, "tiny": 2, "falling": 1}


@pytest.fixture(scope="module")
def clouds():
    rng = np.random.default_rng(0)
    apart = rng.normal(size=(120, 3)) + 1000.0 * rng.integers(0, 3, size=(120, 1))
    return {"cloud": rng.normal(size=(120, 4)), "clusters": apart, "equal": np.ones((40, 2))}


SOLVERS = [
    Exact(),
    Lanczos(tol=None),
    Lanczos(tol=None, probes=2, deflation=1, power=0, steps=2),
    Chebyshev(moments=8, probes=2),
    Chebyshev(moments=11),
    Chebyshev(),
]
FACTORED = [LowRank(rank=5), LowRank(rank=5, largest=math.inf)]
KERNELS = [AlphaDecay(), Gaussian(), Gaussian(1e-3), NearestNeighbors(10), Thresholded(1.0)]


def all_of(s):
    """Every number that the methods of a spectrum give over the grid, with the most that it may be."""
    most = math.log2(s.n)
    for t in TIMES:
        one = s.shannon(t)
        yield from ((one.value, most), (one.normalized, 1.0), (s.effective_rank(t), s.n), (one.stderr or 0.0, math.inf))
        yield from ((end, most) for end in one.bounds or ())
        for found in (s.renyi(q, t) for q in ORDERS):
            yield from ((found.value, most), (found.stderr or 0.0, math.inf))
            yield from ((end, most) for end in found.bounds or ())
        for floor in FLOORS:
            found = s.count(t, floor)
            yield from ((found.value, s.n + 1.0), (found.stderr or 0.0, math.inf))
            yield from ((end, s.n) for end in found.bounds or ())


def impossible(s):
    return [(x, most) for x, most in all_of(s) if not -1e-9 <= x <= most + 1e-9]  # NaN compares as false


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_spectrum_gives_a_possible_number_everywhere(name):
    assert impossible(KNOWN[name]) == []


@pytest.mark.parametrize(
    ("kernel", "solver"),
    [*itertools.product(KERNELS, SOLVERS), *itertools.product([Gaussian(), Gaussian(1e-3)], FACTORED)],
    ids=repr,
)
def test_every_solver_gives_a_possible_number_everywhere(kernel, solver, clouds):
    for points in clouds.values():
        s = spectrum(points, kernel=kernel, solver=solver)
        assert impossible(s) == []


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("t", [1e16, 1e20, 1e300, 1e308])
def test_large_times_count_the_largest_eigenvalues(name, t):
    assert KNOWN[name].shannon(t).value == pytest.approx(math.log2(MULTIPLICITY[name]), abs=1e-12)


def test_a_large_time_counts_the_parts_of_a_graph(clouds):
    for t in (1e16, 1e308):
        assert dse(clouds["clusters"], kernel=AlphaDecay(), t=t).value == pytest.approx(math.log2(3), abs=1e-12)
        assert dse(clouds["clusters"], kernel=Gaussian(1.0), t=t, solver=Exact()).value >= math.log2(3) - 1e-12
        assert dse(clouds["cloud"], t=t).value == 0.0


@pytest.mark.parametrize("name", KNOWN)
def test_small_times_count_the_eigenvalues_that_are_not_0(name):
    s = KNOWN[name]
    for value in (s.shannon(5e-324).value, s.renyi(0.0).value, s.renyi(1e-300).value, math.log2(s.count(1, 0.0).value)):
        assert value == pytest.approx(math.log2(np.count_nonzero(s.nodes)), abs=1e-12)


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("t", [0.5, 3.0])
def test_the_orders_meet_in_their_limits(name, t):
    s = KNOWN[name]
    logs = t * np.log(s.nodes[s.nodes > 0] / s.nodes[0])
    least = math.log2(np.exp(logs).sum())  # the min-entropy: -log of the largest probability
    for q in (1e20, 1e308, math.inf):
        assert s.renyi(q, t).value == pytest.approx(least, abs=1e-10)
    for q in (1 - 1e-9, 1 - 1e-16, 1 + 1e-15, 1 + 1e-9):
        assert s.renyi(q, t).value == pytest.approx(s.shannon(t).value, abs=1e-7)
    steps = [s.renyi(q, t).value for q in ORDERS]
    assert np.all(np.diff(steps) <= 1e-12)  # the entropy falls as the order grows


@pytest.mark.parametrize("t", [math.inf, math.nan, 0.0, -1.0, "x"])
def test_no_time_is_refused_in_one_line(t, clouds):
    s = spectrum(clouds["cloud"])
    asked = [lambda: s.shannon(t), lambda: s.renyi(2, t), lambda: s.count(t), lambda: s.effective_rank(t)]
    for ask in [*asked, lambda: dse(clouds["cloud"], t=t)]:
        with pytest.raises(InputError, match=r"^t must be a positive number, got .*$"):
            ask()


@pytest.mark.parametrize("q", [math.nan, -1.0, "x", None])
def test_no_order_is_refused_in_one_line(q, clouds):
    with pytest.raises(InputError, match=r"^q must be at least 0, got .*$"):
        spectrum(clouds["cloud"]).renyi(q)
