"""Arrays that are compared at once (conftest) are equal where pytest.approx finds their numbers equal one by one."""

import numpy as np
import pytest


@pytest.mark.parametrize("given", [{}, {"abs": 1e-3}, {"rel": 1e-3}, {"rel": 1e-3, "abs": 1e-2}, {"abs": 0.0}], ids=str)
@pytest.mark.parametrize("off", [0.0, 1e-13, 0.9e-6, 1.1e-6, 0.9e-3, 1.1e-3, 0.009, 0.02, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("expected", [0.0, 1.0, -3.0, 1e9, np.nan, np.inf])
def test_arrays_are_equal_where_their_numbers_are(expected, off, given):
    actual = expected + off * max(1.0, abs(expected))
    pair = np.array([1.0, actual]), np.array([1.0, expected])
    assert (pair[0] == pytest.approx(pair[1], **given)) is (actual == pytest.approx(expected, **given))


def test_whole_numbers_and_shapes():
    assert np.array([2**40, 3], dtype=np.uint64) == pytest.approx(np.array([2**40, 3]))
    assert np.array([2, 3], dtype=np.uint8) != pytest.approx(np.array([3, 3], dtype=np.uint8))
    assert np.zeros((2, 1)) != pytest.approx(np.zeros(2))
