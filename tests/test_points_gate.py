"""What comes in as points: everything that holds n x d real numbers is measured, all else is refused in one line."""

import datetime
import decimal
import fractions
import warnings

import array_api_strict
import dask.array
import dask.dataframe
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
import torch

from diffspec import InputError, Lanczos, dse, profile
from diffspec._arrays import as_points

# Quarters: every number is exact in float16, bfloat16 and as text.
VALUES = np.round(4.0 * np.random.default_rng(0).normal(size=(30, 3))) / 4.0
TENSOR = torch.tensor(VALUES)
FRAME = pd.DataFrame(VALUES, columns=list("abc"))
FIELDS = np.array([tuple(row) for row in VALUES], dtype=[("a", "f8"), ("b", "f4"), ("c", "f8")])
NULLABLE = FRAME.convert_dtypes()


def quantised():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces another quantisation
        return torch.quantize_per_tensor(TENSOR.float(), 0.25, 0, torch.qint8)


def nested(**options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls nested tensors a prototype
        return torch.nested.nested_tensor([TENSOR[:3], TENSOR[:5]], **options)


def csr():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls CSR a beta
        return TENSOR.to_sparse_csr()


def with_missing(frame):
    frame = frame.copy()
    frame.iloc[4, 1] = pd.NA
    return frame


ACCEPTED = {
    "lists": VALUES.tolist(),
    "a list of tensors": list(TENSOR),
    "a list of tensors with a gradient": list(TENSOR.clone().requires_grad_()),
    "float16": VALUES.astype(np.float16),
    "long double": VALUES.astype(np.longdouble),
    "the other byte order": VALUES.astype(VALUES.dtype.newbyteorder()),
    "objects": VALUES.astype(object),
    "decimals": [[decimal.Decimal(str(value)) for value in row] for row in VALUES],
    "fractions": [[fractions.Fraction(value) for value in row] for row in VALUES],
    "a structured array": FIELDS,
    "a record array": FIELDS.view(np.recarray),
    "a masked array without masked entries": np.ma.array(VALUES),
    "a masked array with a mask of False": np.ma.array(VALUES, mask=np.zeros_like(VALUES, dtype=bool)),
    "a frame": FRAME,
    "a frame of Float64": NULLABLE,
    "a frame of Float32": FRAME.astype("Float32"),
    "a frame of pyarrow's double": FRAME.astype("double[pyarrow]"),
    "a frame of pyarrow's decimals": FRAME.astype(pd.ArrowDtype(pa.decimal128(10, 3))),
    "a frame of several kinds": FRAME.astype({"a": "float32", "b": "Float64", "c": "double[pyarrow]"}),
    "a frame of objects": FRAME.astype(object),
    "a sparse frame": FRAME.astype(pd.SparseDtype(float)),
    "a frame with columns of one name": FRAME.set_axis(["a", "a", "a"], axis=1),
    "a table of pyarrow": pa.table(FRAME),
    "a tensor with a gradient": TENSOR.clone().requires_grad_(),
    "a tensor of float16": TENSOR.half(),
    "a tensor of bfloat16": TENSOR.bfloat16(),
    "a quantised tensor": quantised(),
    "array_api_strict": array_api_strict.asarray(VALUES),
}

REFUSED = {
    "nothing": (None, r"must be an array of shape \(n, d\), got None; load or convert it first"),
    "a path": ("x.npy", "got 'x.npy'; load or convert it first"),
    "a dictionary": ({"a": 1}, "got {'a': 1}; load or convert it first"),
    "a generator": ((row for row in VALUES), "must be real numbers, got <generator"),
    "text": (VALUES.astype(str), "got dtype <U32; convert it first"),
    "text as objects": (VALUES.astype(str).astype(object), r"got '0.25' at \[0, 0\]; convert or remove it"),
    "missing objects": (np.array([[1.0, None], [2.0, 3.0]]), r"got None at \[0, 1\]; convert or remove it"),
    "integers beyond float64": ([[10**400, 1], [1, 2]], "must be numbers that float64 can hold; int too large"),
    "ragged lists": ([[1, 2], [3]], "must be a rectangular array of numbers; setting an array element"),
    "ragged tensors": (
        [TENSOR[0], TENSOR[1, :2]],
        r"rectangular array of numbers; got tensors of shapes \(2,\), \(3,\)",
    ),
    "arrays in one column": (
        pd.Series(list(VALUES)),
        r"got 30 objects of type ndarray in one column; stack them first",
    ),
    "complex numbers": (VALUES + 1j, "got dtype complex128; convert it first"),
    "complex tensors": (TENSOR + 1j, "got dtype complex128; convert it first"),
    "complex numbers in a list": ([TENSOR[0] + 1j, TENSOR[1] + 1j], "got dtype complex128; convert it first"),
    "dates": (VALUES.astype("M8[s]"), r"got dtype datetime64\[s\]; convert it first"),
    "dates as objects": ([[datetime.date(2020, 1, 1)], [datetime.date(2020, 1, 2)]], "got datetime.date"),
    "masked entries": (
        np.ma.array(VALUES, mask=np.abs(VALUES) > 1.5),
        r"must have no masked entries, got \d+, the first at \[\d+, \d\]; remove those rows or fill them",
    ),
    "masked rows in a list": ([np.ma.array([1.0, 2.0]), np.ma.array([1.0, 2.0], mask=[0, 1])], r"first at \[1, 1\]"),
    "a masked field": (np.ma.array(FIELDS, mask=[(0, 1, 0)] * 30), "field 'b' of points must have no masked entries"),
    "a field of text": (np.zeros(3, dtype=[("a", "U3")]), "field 'a' of points must be real numbers"),
    "a field of two": (np.zeros(3, dtype=[("a", "f8", (2,))]), "must have one number per field"),
    "nullable with a missing entry": (
        with_missing(NULLABLE),
        "must have no missing entries, got 1 in column 'b', the first in row 4; drop those rows or that column",
    ),
    "pyarrow with a missing entry": (
        with_missing(FRAME.astype("double[pyarrow]")),
        "in column 'b', the first in row 4",
    ),
    "NaN in a frame": (with_missing(FRAME), "got 1 in column 'b', the first in row 4"),
    "a column of text": (FRAME.assign(t="x"), "in column 't'; drop or convert that column"),
    "a column of nullable text": (
        FRAME.assign(t=pd.Series(["x"] * 30, dtype="string")),
        "got dtype string in column 't'",
    ),
    "a column of dates": (FRAME.assign(t=pd.Timestamp("2020")), "got dtype datetime64.* in column 't'"),
    "a column of categories": (FRAME.assign(t=pd.Categorical([1, 2] * 15)), "got dtype category in column 't'"),
    "a column of objects": (FRAME.assign(t=[None] * 30).astype({"t": object}), "got 30 in column 't'"),
    "a SciPy matrix": (
        scipy.sparse.csr_matrix(VALUES),
        r"got a SciPy sparse array \(csr_matrix\); give points.toarray",
    ),
    "a SciPy array": (scipy.sparse.coo_array(VALUES), r"got a SciPy sparse array \(coo_array\); give points.toarray"),
    "a dask array": (
        dask.array.from_array(VALUES),
        r"got a dask Array; give points.compute\(\), or use diffspec.cluster",
    ),
    "a dask frame": (dask.dataframe.from_pandas(FRAME, npartitions=2), r"got a dask DataFrame; give points.compute"),
    "a COO tensor": (TENSOR.to_sparse(), r"got a sparse tensor \(sparse_coo\); give points.to_dense\(\)"),
    "a CSR tensor": (csr(), r"got a sparse tensor \(sparse_csr\); give points.to_dense\(\)"),
    "a nested tensor": (nested(), "got a nested tensor, whose points differ in length; pool"),
    "a jagged tensor": (nested(layout=torch.jagged), "got a nested tensor, whose points differ in length; pool"),
    "a meta tensor": (TENSOR.to("meta"), "got a meta tensor, which has a shape and no values"),
    "long doubles beyond float64": (
        np.full((3, 2), np.longdouble("1e4000")),
        "got 0 NaN and 6 infinite values in 3 of 3",
    ),
}


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
