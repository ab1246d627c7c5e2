"""The dense operator: which precision a product has, and which rows are widened at a time."""

import numpy as np
import pytest

from diffspec import InputError
from diffspec.operators.dense import Dense, Operator, check_alpha, diffusion, product_eps, rounding_is_harmless


def _operator(rng, mean, dtype=np.float32, n=50):
    """A symmetric matrix of order n whose eigenvalues have the mean given."""
    noise = rng.normal(size=(n, n)) / n
    matrix = noise + noise.T
    np.fill_diagonal(matrix, mean)
    return Dense(matrix.astype(dtype))


def test_a_flat_float32_matrix_multiplies_in_float32(rng):
    operator, vectors = _operator(rng, mean=0.5), rng.normal(size=(50, 3))
    product = operator.matmul(vectors)
    assert product.dtype == np.float64
    assert np.array_equal(product, (operator.matrix @ vectors.astype(np.float32)).astype(np.float64))


def test_a_decaying_float32_matrix_multiplies_in_float64(rng, monkeypatch):
    monkeypatch.setattr("diffspec.operators.dense.WIDENED", 50 * 17)
    operator, vectors = _operator(rng, mean=1e-3), rng.normal(size=(50, 3))
    expected = operator.matrix.astype(np.float64) @ vectors
    assert np.abs(operator.matmul(vectors) - expected).max() < 1e-15
    assert operator.matmul(vectors.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(("elements", "rows"), [(50 * 17, 17), (1, 16), (50 * 50, 50), (10**6, 50)])
def test_rows_are_widened_as_many_as_fit_and_at_least_sixteen(rng, monkeypatch, elements, rows):
    monkeypatch.setattr("diffspec.operators.dense.WIDENED", elements)
    found = [range(50)[rows] for rows in _operator(rng, mean=0.5)._rows()]
    assert [index for part in found for index in part] == list(range(50))
    assert len(found[0]) == rows


def test_the_sum_of_squares_is_that_of_the_entries(rng, monkeypatch):
    monkeypatch.setattr("diffspec.operators.dense.WIDENED", 50 * 17)
    operator = _operator(rng, mean=0.5)
    assert operator.frobenius2() == pytest.approx((operator.matrix.astype(np.float64) ** 2).sum(), rel=1e-14)


def test_rounding_is_harmless_where_the_mean_eigenvalue_is_not_small(rng):
    assert rounding_is_harmless(_operator(rng, mean=6.1e-3)) is True
    assert rounding_is_harmless(_operator(rng, mean=5.9e-3)) is False


@pytest.mark.parametrize(
    ("dtype", "mean", "eps"),
    [(np.float32, 0.5, 2.0**-23), (np.float32, 1e-3, 2.0**-52), (np.float64, 0.5, 2.0**-52)],
)
def test_products_are_as_exact_as_they_say(rng, dtype, mean, eps):
    operator, vectors = _operator(rng, mean, dtype), rng.normal(size=(50, 3))
    assert product_eps(operator) == eps
    error = np.abs(operator.matmul(vectors) - operator.matrix.astype(np.float64) @ vectors).max()
    assert error <= 50 * eps


def test_alpha_lies_within_0_and_1_ends_included():
    assert [check_alpha(alpha) for alpha in (0, 0.5, 1)] == [0.0, 0.5, 1.0]
    for alpha in (-1e-9, 1.0 + 1e-9, 1.5):
        with pytest.raises(InputError, match=r"alpha must lie in \[0, 1\]"):
            check_alpha(alpha)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_diffusion_operator_is_the_solvers_to_use_up_and_one_made_by_hand_is_not(rng, overwrite):
    affinity = np.exp(-(rng.normal(size=(6, 6)) ** 2))
    affinity = affinity + affinity.T
    found = diffusion(affinity, 0.5, overwrite=overwrite)
    assert found.disposable
    assert (found.matrix is affinity) == overwrite
    by_hand = Dense(found.matrix)
    assert (by_hand.n, by_hand.disposable, by_hand.semidefinite) == (6, False, True)


def test_an_operator_that_says_nothing_is_taken_as_exact_and_kept():
    class Least(Operator):
        n = like = trace = frobenius2 = matmul = dense = None

    least = Least()
    assert (least.semidefinite, least.disposable, least.perturbation) == (True, False, None)
    assert not least.higher_moments()
