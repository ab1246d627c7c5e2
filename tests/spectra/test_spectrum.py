"""Functionals of a spectrum given by hand, and the normalisation of an affinity."""

import math
from dataclasses import replace

import numpy as np
import pytest

from diffspec import InputError
from diffspec.operators.dense import Dense, Operator, diffusion
from diffspec.spectra.spectrum import Spectrum, count, entropy_of, renyi, shannon, truncation


def of(*nodes, weights=None):
    nodes = np.array(nodes, dtype=float)
    return Spectrum(nodes=nodes, weights=np.ones_like(nodes) if weights is None else np.array(weights), n=len(nodes))


@pytest.mark.parametrize("value", [1.0, 0.3, 1e-12])
@pytest.mark.parametrize("t", [0.1, 1.0, 7.0])
def test_exact_values_do_not_depend_on_the_size_of_the_eigenvalues(value, t):
    assert shannon(of(value, 0.0, 0.0), t) == 0.0
    assert shannon(of(*[value] * 6), t) == math.log(6)
    assert renyi(of(*[value] * 6), 2.0, t) == pytest.approx(math.log(6), abs=1e-14)


def test_weights_count_eigenvalues():
    weighted, spelled_out = of(0.9, 0.2, weights=[2.0, 3.0]), of(0.9, 0.9, 0.2, 0.2, 0.2)
    assert shannon(weighted, 1.5) == pytest.approx(shannon(spelled_out, 1.5), abs=1e-14)
    assert renyi(weighted, 3.0) == pytest.approx(renyi(spelled_out, 3.0), abs=1e-14)
    assert count(weighted, 2.0, 0.05) == count(spelled_out, 2.0, 0.05) == 2.0


def test_large_times_do_not_underflow():
    assert shannon(of(1e-3, 1e-3, 1e-4), 1e6) == pytest.approx(math.log(2), abs=1e-12)


def test_the_array_form_is_the_same_number():
    assert float(entropy_of(of(0.9, 0.5, 0.1), 2.0)) == pytest.approx(shannon(of(0.9, 0.5, 0.1), 2.0), abs=1e-15)


def test_without_settings_there_is_no_estimate():
    with pytest.raises(InputError, match=r"this spectrum has no settings; take it from diffspec.spectrum\(points\)"):
        of(1.0, 0.5).shannon()


def test_diffusion_leaves_the_affinity_alone_unless_told(rng):
    half = rng.uniform(size=(20, 20))
    affinity = half + half.T
    kept = affinity.copy()
    apart = diffusion(affinity, 0.5)
    assert np.array_equal(affinity, kept)
    within = diffusion(affinity, 0.5, overwrite=True)
    assert np.shares_memory(within.matrix, affinity)
    assert within.matrix == pytest.approx(apart.matrix, abs=1e-15)


def test_a_dense_operator_says_what_it_is(rng):
    half = rng.uniform(size=(20, 20))
    operator = Dense(half + half.T)
    eigenvalues = np.linalg.eigvalsh(operator.matrix)
    assert isinstance(operator, Operator)
    assert operator.trace() == pytest.approx(eigenvalues.sum())
    assert operator.frobenius2() == pytest.approx((eigenvalues**2).sum())
    assert np.array_equal(operator.columns(np.array([4, 2])), operator.matrix[:, [4, 2]])


def test_an_error_that_passes_through_0_is_seen_by_the_rule_before():
    one, other = of(1, 1, 1), of(1, 1, 0)
    assert truncation(replace(one, check=one)) == 0.0
    assert truncation(replace(one, check=other)) == pytest.approx(math.log(3 / 2))
    assert truncation(replace(one, check=replace(one, check=other))) == pytest.approx(math.log(3 / 2) / 3)
