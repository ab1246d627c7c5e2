"""Operators with negative eigenvalues: no bounds that do not hold, and the right number from the other solvers."""

import numpy as np
import pytest

from diffspec import (
    AlphaDecay,
    Cosine,
    Exact,
    Gaussian,
    InputError,
    Lanczos,
    LowRank,
    NearestNeighbors,
    Precomputed,
    SelfTuning,
    Thresholded,
    dse,
    dsmi,
    spectrum,
)
from diffspec.operators.dense import Dense
from diffspec.spectra.spectrum import shannon, shannon_stderr, truncation

SEEDS = 40


def clusters(n=400, d=6):
    rng = np.random.default_rng(0)
    return 2.0 * rng.normal(size=(10, d))[np.arange(n) % 10] + 0.6 * rng.normal(size=(n, d))


def tents(points):
    """max(0, 1 - distance / 4): an affinity as people make them, symmetric, non-negative and indefinite."""
    return np.maximum(0.0, 1.0 - np.linalg.norm(points[:, None] - points[None], axis=2) / 4.0)


INDEFINITE = {
    "self-tuning": (SelfTuning(), clusters()),
    "alpha-decay": (AlphaDecay(), clusters()),
    "nearest neighbours": (NearestNeighbors(k=15), clusters()),
    "thresholded": (Thresholded(0.7, below=1e-2), clusters()),
    "precomputed": (Precomputed(), tents(clusters())),
}


@pytest.fixture(params=INDEFINITE.values(), ids=[name.replace(" ", "-") for name in INDEFINITE])
def case(request):
    kernel, points = request.param
    return {"kernel": kernel}, points


def test_low_rank_refuses_kernels_that_are_not_known_to_be_semidefinite(case):
    options, points = case
    with pytest.raises(InputError, match=r"hold for positive semi-definite operators only, .* use Lanczos") as caught:
        dse(points, solver=LowRank(), **options)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="hold for positive semi-definite operators only"):
        dsmi(points, np.arange(400) % 2, solver=LowRank(), **options)


def test_an_operator_made_by_hand_may_say_so():
    with pytest.raises(InputError, match="hold for positive semi-definite operators only"):
        LowRank()(Dense(np.eye(5), semidefinite=False), np.random.default_rng(0))


@pytest.mark.parametrize("kernel", [Gaussian(2.0), Cosine(0.5)])
def test_low_rank_bounds_hold_for_the_kernels_it_takes(kernel):
    points = clusters()
    exact, ours = dse(points, kernel=kernel), dse(points, kernel=kernel, solver=LowRank(rank=100))
    assert ours.bounds[0] <= exact.value <= ours.bounds[1]
    assert dse(points, kernel=kernel, memory=3e5, solver=LowRank(rank=100)).bounds is not None  # in tiles


@pytest.mark.parametrize("t", [1.0, 2.0])
def test_lanczos_is_right_on_indefinite_operators(case, t):
    options, points = case
    exact = shannon(spectrum(points, solver=Exact(), **options), t)
    found = [spectrum(points, solver=Lanczos(tol=2e-2, times=(t,)), rng=seed, **options) for seed in range(SEEDS)]
    errors = np.array([abs(shannon(one, t) - exact) for one in found])
    stated = np.array([1.96 * (shannon_stderr(one, t) or 0.0) + truncation(one, t) for one in found])
    assert np.mean(errors <= stated + 1e-9) >= 0.85  # 0.95 less four standard deviations over 40 seeds
    if not isinstance(options["kernel"], Thresholded):  # whose bounds are those of what it left out
        assert all(one.shannon(t).bounds is None for one in found)


def test_few_steps_cost_little_where_the_kink_is_among_the_eigenvalues():
    points = np.random.default_rng(0).normal(size=(900, 8))

    def after(steps):
        return spectrum(points, kernel=AlphaDecay(), solver=Lanczos(tol=None, steps=steps, probes=8, deflation=8))

    whole, found = after(45), [after(steps) for steps in range(5, 15)]  # of the same probes
    for t, share in ((3.0, 0.25), (1.0, 0.4)):  # at t = 1 the kink is sharper: |x| log |x|
        off = np.abs([shannon(one, t) - shannon(whole, t) for one in found])
        by_gauss = np.abs([shannon(one.check.check, t) - shannon(whole, t) for one in found])
        assert off.mean() < share * by_gauss.mean()
        assert np.mean(off <= [truncation(one, t) for one in found]) >= 0.9


@pytest.mark.parametrize("kernel", [NearestNeighbors(5), AlphaDecay()], ids=["nearest", "alpha-decay"])
@pytest.mark.parametrize("kind", ["yes or no", "most are zeros"])
def test_what_few_steps_cost_is_said_where_eigenvalues_pile_up_at_zero(kind, kernel):
    """They do so for points with the same neighbours; every rule with few nodes spreads them."""
    r = np.random.default_rng(5)
    points = r.integers(0, 2, size=(300, 9)) if kind == "yes or no" else np.maximum(r.normal(size=(300, 8)) - 1.0, 0.0)
    solver = Lanczos(tol=None, probes=6, deflation=4, power=1, steps=16)
    found = [spectrum(points, kernel=kernel, solver=solver, rng=seed) for seed in range(10)]
    whole = spectrum(points, kernel=kernel, solver=Exact())
    for t in (0.5, 1.0):
        off = np.abs([shannon(one, t) - shannon(whole, t) for one in found])
        assert np.mean(off <= [1.96 * shannon_stderr(one, t) + truncation(one, t) for one in found]) >= 0.8


def test_negative_eigenvalues_are_said_where_they_are_seen():
    kernel, matrix = INDEFINITE["precomputed"]
    found = spectrum(matrix, kernel=kernel, solver=Lanczos(tol=2e-2))
    assert "has negative eigenvalues (to -0.0" in found.shannon().verdict
    assert "negative" not in spectrum(clusters(), kernel=Gaussian(), solver=Lanczos(tol=2e-2)).shannon().verdict


def test_negative_eigenvalues_of_a_kernel_that_is_known_for_them_are_no_news():
    found = spectrum(clusters(), kernel=AlphaDecay(), solver=Lanczos(tol=2e-2))
    assert "negative" not in found.shannon().verdict
