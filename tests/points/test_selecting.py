"""Values of a rank are those of a sorted row, and the bound is one."""

import numpy as np
import pytest

from diffspec._arrays import take_square
from diffspec.points.selecting import bound_of_rank, of_rank, places


@pytest.mark.parametrize("rank", [0, 3, 30, 200, 1002])
def test_the_bound_of_a_rank_is_no_less_than_it_and_hardly_more(rng, rank):
    values = rng.normal(size=(50, 1003))
    bound = bound_of_rank(values, rank)
    assert np.all(bound >= np.sort(values, axis=1)[:, rank])
    assert np.mean(np.sum(values <= bound[:, None], axis=1)) < 1.15 * (rank + 1)


@pytest.mark.parametrize("kinds", [2, 10, 10**9])
@pytest.mark.parametrize("n", [1, 2, 17, 500, 1003])
def test_the_value_of_a_rank_is_that_of_the_sorted_row_with_equal_ones_and_infinite_ones_too(rng, n, kinds):
    values = rng.integers(0, kinds, size=(40, n)).astype(float)
    values[rng.random((40, n)) < 0.1] = np.inf
    for rank in {0, min(5, n - 1), n // 2, n - 1}:
        assert np.array_equal(of_rank(values, rank), np.sort(values, axis=1)[:, rank])


@pytest.mark.parametrize("share", [0.0, 0.02, 0.7, 1.0])
@pytest.mark.parametrize("shape", [(40, 17), (1, 5), (5, 1), (0, 4), (4, 0)])
def test_places_are_where_it_is_true(rng, shape, share):
    flags = rng.random(shape) < share
    for each in (flags, flags.T, flags[::2, 1:]):
        assert all(map(np.array_equal, places(each), np.nonzero(each)))


@pytest.mark.parametrize("order", ["C", "F", "view"])
@pytest.mark.parametrize("integer", [np.int64, np.uint8])
def test_rows_and_columns_are_those_of_numpy_in_every_order(order, integer):
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(40, 40))
    matrix = matrix[::2, ::2] if order == "view" else np.array(matrix, order=order)
    sets = rng.permutation(len(matrix))[:15].reshape(3, 5).astype(integer)
    many = take_square(matrix, sets)
    assert many.flags.c_contiguous
    for own, one in zip(many, sets, strict=True):
        np.testing.assert_array_equal(own, matrix[np.ix_(one, one)])
        np.testing.assert_array_equal(take_square(matrix, one), own)
    many[:] = 0.0
    assert (matrix != 0).all()
