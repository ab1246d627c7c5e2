"""The stated error is the error: over 400 seeds a case, 1.96 standard errors hold the exact value in 95 % of runs."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

from diffspec._threads import single_threaded_blas
from diffspec.operators import Dense
from diffspec.solvers import Chebyshev, Lanczos
from diffspec.spectrum import Spectrum, renyi, renyi_stderr, shannon, shannon_stderr, truncation

N, SEEDS = 240, 400
FIXED = Lanczos(tol=None, probes=16, deflation=4, power=1, steps=7)


def _spectra():
    rng, i = np.random.default_rng(1), np.arange(N)
    return {
        "flat": np.concatenate([[1.0], rng.uniform(0.2, 0.6, N - 1)]),
        "clustered": np.concatenate([1 - 0.01 * np.arange(8), rng.uniform(0.01, 0.1, N - 8)]),
        "decaying": np.exp(-i / 12.0),
        "power law": (1.0 + i) ** -1.5,
        "duplicated": np.concatenate([np.exp(-np.arange(60) / 15.0), np.zeros(N - 60)]),
    }


SPECTRA = _spectra()


def with_spectrum(values):
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(N, N)))[0]
    exact = Spectrum(nodes=np.sort(values)[::-1], weights=np.ones(N), n=N)
    return Dense((turn * values) @ turn.T), exact


@functools.cache
def solved(solver, name, seeds):
    operator, _exact = with_spectrum(SPECTRA[name])
    with single_threaded_blas():
        return [solver(operator, np.random.default_rng(seed)) for seed in range(seeds)]


def errors(solver, name, *, seeds=SEEDS, value=shannon, stderr=shannon_stderr):
    """Rows of (error, standard error) over seeds."""
    truth = value(with_spectrum(SPECTRA[name])[1])
    return np.array([(value(found) - truth, stderr(found) or 0.0) for found in solved(solver, name, seeds)])


def coverage(rows, factor=1.96):
    return float(np.mean(np.abs(rows[:, 0]) <= factor * rows[:, 1]))


@pytest.mark.parametrize("name", SPECTRA)
def test_lanczos_intervals_hold_95_percent(name):
    rows = errors(FIXED, name)
    assert 0.92 <= coverage(rows) <= 0.98
    # Not by chance of a wide error: the stated one is the real one, and there is no bias beside it.
    spread = math.sqrt(np.mean(rows[:, 0] ** 2))
    assert np.mean(rows[:, 1]) == pytest.approx(spread, rel=0.2)
    assert abs(np.mean(rows[:, 0])) < 0.25 * spread
    # The test can fail: intervals from three quarters of the error hold too rarely.
    assert coverage(rows, 1.96 * 0.75) < 0.92


@pytest.mark.parametrize("name", ["flat", "clustered"])
def test_stopping_at_a_tolerance_keeps_the_intervals_honest(name):
    rows = errors(Lanczos(tol=4e-3, probes=8, deflation=4, power=1), name)
    sampled = rows[rows[:, 1] > 0]
    assert len(sampled) > 200
    assert np.all(sampled[:, 1] <= 4e-3 * math.log(2))
    assert 0.92 <= coverage(sampled) <= 0.98


@pytest.mark.parametrize("t", [0.5, 2.0])
def test_other_times(t):
    rows = errors(FIXED, "flat", value=lambda s: shannon(s, t), stderr=lambda s: shannon_stderr(s, t))
    assert 0.92 <= coverage(rows) <= 0.98


def test_other_orders():
    rows = errors(FIXED, "duplicated", value=lambda s: renyi(s, 0.7, 1.5), stderr=lambda s: renyi_stderr(s, 0.7, 1.5))
    assert 0.92 <= coverage(rows) <= 0.98


def test_chebyshev_states_the_error_of_its_probes():
    """On a flat spectrum damping costs nothing at first order, so the probes' error is all there is."""
    solver = Chebyshev(moments=96, probes=16)
    rows = errors(solver, "flat", seeds=200)
    centred = np.column_stack([rows[:, 0] - rows[:, 0].mean(), rows[:, 1]])
    assert 0.90 <= coverage(centred) <= 0.99
    operator, _exact = with_spectrum(SPECTRA["flat"])
    found = solver(operator, np.random.default_rng(0))
    assert abs(rows[:, 0].mean()) < truncation(found)
