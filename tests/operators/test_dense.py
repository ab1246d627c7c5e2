"""The dense operator: which precision a product has, and which rows are widened at a time."""

import numpy as np
import pytest

import definitions
from diffspec import InputError
from diffspec._arrays import to_numpy
from diffspec._checks import check_alpha
from diffspec.operators.dense import (
    Dense,
    Operator,
    diffusion,
    eigenvalue_rounding,
    product_eps,
    rounding_is_harmless,
)


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
    assert (by_hand.n, by_hand.disposable, by_hand.semidefinite, by_hand.entry_error) == (6, False, True, 0.0)


def test_an_operator_that_says_nothing_is_taken_as_exact_and_kept():
    class Least(Operator):
        n = trace = frobenius2 = matmul = dense = None
        like = np.ones(3)

    least = Least()
    assert (least.semidefinite, least.disposable, least.perturbation) == (True, False, None)
    assert (least.entry_error, least.higher_moments()) == (0.0, ())
    assert least.entries is Least.like


def _affinity(rng, n=40, dtype=np.float64):
    return definitions.gaussian(rng.normal(size=(n, 3)), 1.0).astype(dtype)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("dtype", "eps"), [(np.float64, 2.0**-52), (np.float32, 2.0**-23)])
def test_the_operator_is_the_symmetric_conjugate_of_the_diffusion_matrix(
    rng, monkeypatch, dtype, eps, alpha, overwrite
):
    monkeypatch.setattr("diffspec.operators.dense.WIDENED", 40 * 17)  # three blocks of rows
    affinity = _affinity(rng, dtype=dtype)
    kept = affinity.copy()
    transitions = definitions.diffusion_matrix(kept.astype(np.float64), alpha)
    operator = diffusion(affinity, alpha, overwrite=overwrite)
    found = operator.matrix
    assert operator.disposable
    # A = D^(1/2) P D^(-1/2), so A_ij^2 = P_ij P_ji.
    assert found == pytest.approx(np.sqrt(transitions * transitions.T), rel=50 * eps)
    assert found.dtype == dtype
    assert np.array_equal(affinity, kept) != overwrite
    if dtype == np.float32:
        assert np.array_equal(found, found.T)  # to the last bit: else a Krylov space of it misses moments


def test_an_affinity_is_left_alone_where_nothing_is_said(rng):
    affinity = _affinity(rng)
    kept = affinity.copy()
    assert diffusion(affinity, 0.5).matrix is not affinity
    assert np.array_equal(affinity, kept)


def test_trace_columns_and_diagonal_are_those_of_the_matrix(rng, to_library):
    matrix = _affinity(rng, 12)
    operator = Dense(to_library(matrix))
    assert operator.trace() == pytest.approx(np.trace(matrix), rel=1e-14)
    assert operator.frobenius2() == pytest.approx((matrix**2).sum(), rel=1e-14)
    assert np.array_equal(to_numpy(operator.diagonal()), np.diag(matrix))
    assert np.array_equal(to_numpy(operator.columns(np.array([7, 0]))), matrix[:, [7, 0]])


@pytest.mark.parametrize("error", [1e-3, 1e-5])
def test_eigenvalues_move_as_far_as_those_of_independent_errors_of_the_entries(rng, error):
    matrix = rng.normal(size=(300, 300)).astype(np.float32)
    matrix = matrix + matrix.T
    relative = np.triu(error * rng.normal(size=(300, 300)))
    moved = np.linalg.eigvalsh(matrix * (relative + np.triu(relative, 1).T))
    operator = Dense(matrix, entry_error=error)
    found = eigenvalue_rounding(operator, operator.frobenius2())
    assert found == pytest.approx(np.sqrt(np.mean(moved**2)), rel=0.02)


def test_entries_are_rounded_to_half_an_eps_where_nothing_more_is_said(rng):
    wide = rng.normal(size=(300, 300))
    wide = wide + wide.T
    narrow = wide.astype(np.float32)
    moved = np.sqrt(np.mean(np.linalg.eigvalsh(narrow.astype(np.float64) - wide) ** 2))
    operator = Dense(narrow)
    found = eigenvalue_rounding(operator, operator.frobenius2())
    # Half an eps is the most that a rounding is, and root mean square it is 0.41 of that.
    assert 1.0 < found / moved < 4.0
    assert found == pytest.approx(2.0**-24 * np.sqrt((wide**2).sum() / 300), rel=1e-6)
    assert eigenvalue_rounding(Dense(wide, entry_error=1e-3), 1.0) == 0.0
