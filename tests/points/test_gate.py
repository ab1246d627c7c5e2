"""What comes in as points: everything that holds n x d real numbers is measured, all else is refused in one line."""

import numpy as np
import pytest
import torch

from diffspec import InputError, Lanczos, dse, profile
from diffspec._arrays import as_points
from odd_inputs import ACCEPTED, FRAME, REFUSED, TENSOR, VALUES


@pytest.mark.parametrize("points", ACCEPTED.values(), ids=list(ACCEPTED))
def test_points_of_every_kind_are_the_numbers_that_they_hold(points):
    found = as_points(points)
    assert str(found.dtype).endswith("float64")
    np.testing.assert_array_equal(np.asarray(found.tolist() if isinstance(found, torch.Tensor) else found), VALUES)
    assert dse(points).value == pytest.approx(dse(VALUES).value, abs=1e-9)


@pytest.mark.parametrize(("points", "text"), REFUSED.values(), ids=list(REFUSED))
def test_what_holds_no_dense_real_numbers_is_refused_in_one_line(points, text):
    with pytest.raises(InputError, match=text) as caught:
        dse(points)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(("points ", "field ", "column "))


def test_float_and_boolean_columns_are_numbers():
    mixed = FRAME.assign(flag=VALUES[:, 0] > 0)
    plain = np.c_[VALUES, VALUES[:, 0] > 0]
    for frame in (mixed, mixed.convert_dtypes(), mixed.convert_dtypes(dtype_backend="pyarrow")):
        np.testing.assert_array_equal(as_points(frame), plain)


def test_float8_is_what_it_rounds_to():
    narrow = TENSOR.to(torch.float8_e4m3fn)
    assert torch.equal(as_points(narrow), narrow.double())
    assert dse(narrow).value == dse(narrow.double()).value


def test_a_profile_of_every_library_is_that_of_numpy(to_library):
    labels = np.arange(30) % 2
    plain, found = profile(VALUES, labels, sigmas=5), profile(to_library(VALUES), labels, sigmas=5)
    np.testing.assert_allclose(found.entropy.values, plain.entropy.values, atol=1e-9)
    np.testing.assert_allclose(found.information.values, plain.information.values, atol=1e-9)
    narrow = Lanczos(probes=4)  # keeps its distances in float32
    assert profile(to_library(VALUES), sigmas=4, solver=narrow).dimension == pytest.approx(
        profile(VALUES, sigmas=4, solver=narrow).dimension, abs=1e-4
    )
