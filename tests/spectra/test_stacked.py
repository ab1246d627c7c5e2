"""Entropies of many spectra at once are those of each."""

import numpy as np
import pytest

from diffspec import Chebyshev, Exact, Lanczos
from diffspec.operators.dense import Dense
from diffspec.spectra import stacked
from diffspec.spectra.functionals import shannon_and_log_sum
from diffspec.spectra.spectrum import Spectrum
from diffspec.spectra.stacked import shannon_and_log_sums


def operator(values):
    """Symmetric, with these eigenvalues."""
    basis = np.linalg.qr(np.random.default_rng(1).normal(size=(len(values), len(values))))[0]
    matrix = (basis * values) @ basis.T
    return Dense((matrix + matrix.T) / 2)


def spectra():
    """Of several sizes: smooth, of low rank, with equal and with negative eigenvalues, estimated, of a single point."""
    rng = np.random.default_rng(0)
    decay = np.exp(-np.arange(40) / 3.0)
    given = [decay, decay[:7], np.r_[np.ones(3), np.zeros(20)], np.r_[1.0, -0.5, 0.25], np.array([1.0])]
    found = [Exact()(operator(values), rng) for values in given]
    random = [solver(operator(decay), rng) for solver in (Lanczos(tol=None), Chebyshev())]
    pooled = Spectrum(nodes=np.array([1.0, 0.5]), weights=np.array([1.0, 3.0]), n=4, floor=1e-15)
    return [*found, *random, pooled]


@pytest.mark.parametrize("t", [0.3, 1.0, 3.0, 1e3, 1e20, 1e40])
@pytest.mark.parametrize("held", [1, 90, stacked.HELD])
def test_each_has_the_entropy_that_it_has_alone(t, held, monkeypatch):
    monkeypatch.setattr(stacked, "HELD", held)
    found = shannon_and_log_sums(spectra(), t)
    expected = [shannon_and_log_sum(one, t) for one in spectra()]
    assert found == [pytest.approx(pair, abs=1e-13, rel=1e-13) for pair in expected]


def test_of_none_there_are_none():
    assert shannon_and_log_sums([], 1.0) == []
