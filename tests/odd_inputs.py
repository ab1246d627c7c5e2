"""Tables of odd inputs by kind of argument: what the walk of inputs and the gates draw on.

Of every input it is known what may come of it. SAME is another way to write the good value, WRONG has to be refused,
and ODD may be refused or measured, as long as what comes out are numbers.
"""

import datetime
import decimal
import fractions
import io
import json
import warnings

import array_api_strict
import dask.array
import dask.dataframe
import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse
import torch

import diffspec as ds
from diffspec import bandwidth


def opened():
    """An .npz file of points, open, as `numpy.load` gives it."""
    file = io.BytesIO()
    np.savez(file, points=np.eye(3))
    file.seek(0)
    return np.load(file)


SAME, WRONG, ODD = "same", "wrong", "odd"

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
    "an open archive": (opened(), "got NpzFile 'object' with keys: points; load or convert it first"),
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


LABELS = np.arange(30) % 2
WORDS = np.array(["cat", "dog"])[LABELS]


class Thing:
    """Knows nothing that any door asks for."""

    def __repr__(self):
        return "Thing()"


def points(good):
    """`good` is VALUES, or some other array of the same type."""
    plain = {"": good, "Fortran order": np.asfortranarray(good), "reversed twice": good[::-1].copy()[::-1]}
    same = {**plain, **ACCEPTED} if good is VALUES else plain
    extremes = {
        "all equal": np.ones_like(good),
        "all zero": np.zeros_like(good),
        "two kinds": np.repeat(good[:2], [len(good) - 1, 1], axis=0),
        "every row twice": np.repeat(good[: len(good) // 2], 2, axis=0),
        "one feature": good[:, :1],
        "two points": good[:2],
        "three points": good[:3],
        "more features than points": np.tile(good, 20),
        "booleans": good > 0,
        "small integers": np.arange(good.size, dtype=np.uint8).reshape(good.shape),
        "times 1e-307": good * 1e-307,
        "times 1e-200": good * 1e-200,
        "times 1e200": good * 1e200,
        "times 1e307": good * 1e307,
        "largest": np.sign(good) * 1.797e308,
        "subnormal": np.full_like(good, 5e-324) * (np.arange(len(good)) % 2)[:, None],
        **{f"a row of {value:g}": np.r_[good[:-1], np.full_like(good[:1], value)] for value in (1e18, 1e36, 1e200)},
        **{f"a cell of {value:g}": np.r_[good[:-1], [[value, *good[-1, 1:]]]] for value in (1e18, 1e200, -1.797e308)},
        "a column of 1.797e308": np.c_[good[:, 1:], np.full(len(good), 1.797e308)],
    }
    wrong = {
        "NaN": np.where(good == good[0, 0], np.nan, good),
        "infinity": np.where(good == good[0, 0], np.inf, good),
        "a number": 1.0,
        "one axis": good[:, 0],
        "three axes": good[:, :, None],
        "no points": good[:0],
        "no features": good[:, :0],
        "a thing": Thing(),
        "a class": ds.Gaussian,
        "a function": len,
        "an empty list": [],
        **{name: value for name, (value, _text) in REFUSED.items()},
    }
    return _rows((SAME, same), (ODD, extremes), (WRONG, wrong))


def points_of_any_rank(good):
    """Of which further axes are flattened."""
    found = points(good)
    return {**found, "nothing": (ODD, None), "three axes": (SAME, found["three axes"][1])}


def points_or_none(good):
    """Where none stands for something else."""
    return {**points(good), "nothing": (ODD, None)}


def vectors(good):
    """What a value is compared with: one axis is a scalar, and a column of categories its codes."""
    loose = ("one axis", "a column of categories")
    return {name: (ODD if name in loose else meaning, value) for name, (meaning, value) in points(good).items()}


def labels_alone(good):
    """Without the points that they are of."""
    loose = ("too few", "too many")
    return {name: (ODD if name in loose else meaning, value) for name, (meaning, value) in labels(good).items()}


def labels_of_many(good):
    """Labels of more points than LABELS has, or a quantity."""
    loose = ("floats", "negative", "beyond the names", "a column", "one kind")
    return {name: (ODD if name in loose else meaning, value) for name, (meaning, value) in codes(good).items()}


def counts(good):
    """Of which a large one takes long."""
    return {name: row for name, row in integers(good).items() if name not in ("1000", "of 5000 digits")}


def points_for_a_loss(good):
    """Where the result has the precision of the points."""
    return {name: (ODD if "float16" in name else meaning, value) for name, (meaning, value) in points(good).items()}


def square(good):
    """A symmetric affinity."""
    wrong = {"asymmetric": np.triu(good), "negative": -good, "oblong": good[:, 1:], "NaN": np.full_like(good, np.nan)}
    odd = {
        "zeros": np.zeros_like(good),
        "identity": np.eye(len(good)),
        "times 1e300": good * 1e300,
        "tiny": good * 1e-300,
    }
    return _rows((SAME, {"lists": good.tolist(), "torch": torch.tensor(good)}), (WRONG, wrong), (ODD, odd))


def labels(good):
    same = {
        "a list": LABELS.tolist(),
        "a tuple": tuple(LABELS.tolist()),
        "int8": LABELS.astype(np.int8),
        "uint8": LABELS.astype(np.uint8),
        "uint64": LABELS.astype(np.uint64),
        "booleans": LABELS > 0,
        "words": WORDS,
        "words as objects": WORDS.astype(object),
        "words in a list": WORDS.tolist(),
        "words of NumPy's strings": list(WORDS),
        "bytes": WORDS.astype("S"),
        "integers as objects": LABELS.astype(object),
        "NumPy's integers as objects": np.array(list(LABELS), dtype=object),
        "booleans as objects": (LABELS > 0).astype(object),
        "a column": LABELS[:, None],
        "a tensor": torch.tensor(LABELS),
        "a boolean tensor": torch.tensor(LABELS > 0),
        "a uint8 tensor": torch.tensor(LABELS, dtype=torch.uint8),
        "a Series": pd.Series(LABELS),
        "a Series with an index": pd.Series(LABELS, index=range(100, 130)),
        "a Series of words": pd.Series(WORDS),
        "a Series of categories": pd.Series(WORDS, dtype="category"),
        "a Categorical": pd.Categorical(WORDS),
        "a nullable Series": pd.Series(LABELS, dtype="Int64"),
        "a nullable Series of booleans": pd.Series(LABELS > 0, dtype="boolean"),
        "a Series of nullable words": pd.Series(WORDS, dtype="string"),
        "a Series of pyarrow's words": pd.Series(WORDS, dtype="string[pyarrow]"),
        "a Series of pyarrow's integers": pd.Series(LABELS, dtype="int64[pyarrow]"),
        "a frame of one column": pd.DataFrame({"label": LABELS}),
        "masked with nothing masked": np.ma.array(LABELS),
        "array_api_strict": array_api_strict.asarray(LABELS),
        "read-only": np.frombuffer(LABELS.tobytes(), dtype=LABELS.dtype),
        "a partition": ds.Partition(LABELS, ("cat", "dog")),
    }
    odd = {
        "a class of one": np.r_[LABELS[:-1], 7],
        "one class": np.zeros(30, dtype=int),
        "every point a class": np.arange(30),
        "negative": -LABELS,
        "large": LABELS * 2**62,
        "beyond 64 bits": [int(label) * 2**80 for label in LABELS],
        "intervals": pd.cut(pd.Series(VALUES[:, 0]), 3),
        "dates": np.array(["2020-01-01", "2020-01-02"], dtype="M8[D]")[LABELS],
        "dates of Python": [datetime.date(2020, 1, 1 + int(label)) for label in LABELS],
        "one-hot": np.eye(2, dtype=int)[LABELS],
        "one-hot floats": np.eye(2)[LABELS],
        "a one-hot frame": pd.get_dummies(pd.Series(WORDS)),
        "floats": LABELS.astype(float),
        "fractions": LABELS + 0.5,
        "a bfloat16 tensor": torch.tensor(LABELS).bfloat16(),
        "a float tensor": torch.tensor(LABELS, dtype=torch.float32, requires_grad=True),
        "words and numbers": [*WORDS[:15].tolist(), *LABELS[15:].tolist()],
        "empty words": np.where(LABELS, "", "cat"),
        "words with a line break": np.where(LABELS, "a\nb", "cat"),
        "a range": range(30),
        "tuples": [(int(label), 0) for label in LABELS],
    }
    wrong = {
        "too few": LABELS[:-1],
        "too many": np.r_[LABELS, 0],
        "none at all": LABELS[:0],
        "a scalar": 1,
        "a word": "cat",
        "a dictionary": {"a": 1},
        "a thing": Thing(),
        "three axes": LABELS[:, None, None],
        "complex": LABELS + 1j,
        "NaN": np.where(LABELS, np.nan, 0.0),
        "NaN as an object": np.array([np.nan, *LABELS[1:]], dtype=object),
        "None": [None, *LABELS[1:].tolist()],
        "nullable with a missing label": pd.Series([pd.NA, *LABELS[1:]], dtype="Int64"),
        "words with a missing label": pd.Series([None, *WORDS[1:]], dtype="string"),
        "categories with a missing label": pd.Series([None, *WORDS[1:]], dtype="category"),
        "pyarrow's integers with a missing label": pa.array([None, *LABELS[1:]]),
        "pyarrow's words in pieces with a missing label": pa.chunked_array([WORDS[:15].tolist(), [None, *WORDS[16:]]]),
        "NaT": np.array(["NaT", *["2020-01-01"] * 29], dtype="M8[D]"),
        "masked labels": np.ma.array(LABELS, mask=LABELS),
        "ragged": [[0], [0, 1]] * 15,
        "a SciPy matrix": scipy.sparse.csr_matrix(LABELS[:, None]),
        "a sparse tensor": torch.tensor(LABELS).to_sparse(),
        "a meta tensor": torch.tensor(LABELS, device="meta"),
        "a structured array": np.array([(0, 1)] * 30, dtype=[("a", "i4"), ("b", "i4")]),
        "a partition of other points": ds.Partition(np.zeros(5, dtype=int), ("a",)),
        "a grouping": ds.Labels(),
    }
    return _rows((SAME, same), (ODD, odd), (WRONG, wrong))


def labels_of_any_rank(good):
    found = labels(good)
    return {**found, "three axes": (SAME, found["three axes"][1])}


def labels_or_none(good):
    return {**labels(good), "None at all": (ODD, None)}


def integers(good):
    same = {"int64": np.int64(good), "int32": np.int32(good), "a tensor": torch.tensor(good), "0-d": np.array(good)}
    odd = {
        "a float": float(good),
        "True": True,
        "None": None,
        "0": 0,
        "1": 1,
        "2": 2,
        "29": 29,
        "30": 30,
        "31": 31,
        "1000": 1000,
        "of 5000 digits": 10**5000,
    }
    wrong = {
        "a fraction": good + 0.5,
        "NaN": np.nan,
        "infinity": np.inf,
        "negative": -3,
        "text": str(good),
        "a list": [good],
        "an array": np.array([good]),
        "complex": complex(good),
        "a thing": Thing(),
        "a dictionary": {},
        "a meta tensor": torch.tensor(good, device="meta"),
    }
    return _rows((SAME, same), (ODD, odd), (WRONG, wrong))


def reals(good):
    same = {
        "float64": np.float64(good),
        "a tensor": torch.tensor(good, dtype=torch.float64),
        "0-d": np.array(float(good)),
    }
    odd = {
        "None": None,
        "True": True,
        "a half": fractions.Fraction(1, 2),
        "a decimal": decimal.Decimal("0.5"),
        **{
            f"{value:g}": value
            for value in (0.0, 1.0, 2.0, 0.5, 1e-3, -1.0, 1e300, 1.7e308, 1e-300, 5e-324, np.inf, -np.inf)
        },
        "0": 0,
        "float32": np.float32(good),
        "beyond float64": 10**400,
        "of 5000 digits": 10**5000,
    }
    wrong = {
        "NaN": np.nan,
        "text": str(good),
        "a list": [good],
        "an array": np.array([good, good]),
        "complex": complex(good),
        "a thing": Thing(),
        "a dictionary": {},
        "a meta tensor": torch.tensor(good, device="meta"),
    }
    return _rows((SAME, same), (ODD, odd), (WRONG, wrong))


def bytes_(good):
    """A limit of memory."""
    return {
        **reals(good),
        "too few": (ODD, 1.0),
        "few": (ODD, 5000),
        "with a unit": (WRONG, "2GB"),
        "below 0": (WRONG, -1.0),
    }


def seeds(good):
    same = {"int64": np.int64(good), "int32": np.int32(good), "a tensor": torch.tensor(good)}
    odd = {
        "None": None,
        "large": 2**40,
        "larger": 2**100,
        "a Generator": np.random.default_rng(1),
        "a legacy Generator": np.random.Generator(np.random.MT19937(1)),
        "a RandomState": np.random.RandomState(1),
        "a SeedSequence": np.random.SeedSequence(1),
        "True": True,
    }
    wrong = {
        "negative": -1,
        "a fraction": 1.5,
        "a float": 1.0,
        "NaN": np.nan,
        "text": "x",
        "a list": [1, 2],
        "an array": np.array([1, 2]),
        "the module": np.random,
        "a thing": Thing(),
        "a torch generator": torch.Generator(),
    }
    return _rows((SAME, same), (ODD, odd), (WRONG, wrong))


def sigmas(good):
    """A width: a number, a name or a rule; a number given in words is the same as the number."""
    odd = {name: name for name in bandwidth.NAMED} | {
        "Median()": bandwidth.Median(),
        "Fixed": bandwidth.Fixed(2.0),
        "a rule that gives NaN": lambda points, rng: np.nan,
        "a rule that gives text": lambda points, rng: "wide",
        "a rule that gives None": lambda points, rng: None,
        "a rule that gives 0": lambda points, rng: 0.0,
        "a rule that gives NumPy": lambda points, rng: np.float32(1.0),
    }
    wrong = {
        "an unknown name": "meridian",
        "no name": "",
        "a class": bandwidth.Median,
        "below 0": -1.0,
        "bytes": b"median",
    }
    numbers = (
        reals(good)
        if good == 2.0
        else {name: (ODD if how == SAME else how, x) for name, (how, x) in reals(2.0).items()}
    )
    return {**numbers, **_rows((ODD, odd), (WRONG, wrong))}


def kernels(good):
    odd = {
        repr(kernel): kernel
        for kernel in (
            ds.AlphaDecay(),
            ds.AlphaDecay(3, decay=1.5),
            ds.Gaussian(),
            ds.Gaussian(1e-300),
            ds.Gaussian(1e300),
            ds.Gaussian("knn"),
            ds.Gaussian("log-sum"),
            ds.Cosine(),
            ds.SelfTuning(),
            ds.SelfTuning(29),
            ds.NearestNeighbors(5),
            ds.NearestNeighbors(100),
            ds.Thresholded("knn"),
            ds.Thresholded(1e-3),
            ds.Precomputed(),
        )
    }
    return _rows((ODD, odd), (WRONG, _values_of_another_kind(ds.Gaussian, ds.Exact())))


def solvers(good):
    odd = {
        repr(solver): solver
        for solver in (
            ds.Exact(),
            ds.Lanczos(),
            ds.Lanczos(probes=2, steps=3),
            ds.LowRank(rank=5),
            ds.LowRank(rank=500),
            ds.Chebyshev(moments=8),
            ds.Chebyshev(),
        )
    } | {"None": None}
    return _rows((ODD, odd), (WRONG, _values_of_another_kind(ds.Exact, ds.Gaussian(), none=False)))


def estimators(good):
    odd = {"Literal": ds.Literal(), "Matched": ds.Matched(2), "of one": ds.Matched(1)}
    return _rows((ODD, odd), (WRONG, _values_of_another_kind(ds.Literal, ds.Exact())))


def groupings(good):
    odd = {
        "None": None,
        "Labels": ds.Labels(),
        "Bins": ds.Bins(3),
        "Clusters": ds.Clusters(3, neighbors=5),
        "KMeans": ds.KMeans(3),
        "too many clusters": ds.Clusters(40),
        "a function": len,  # which would be refused where it is called
    }
    wrong = _values_of_another_kind(ds.Labels, ds.Exact(), none=False)
    return _rows((WRONG, wrong), (ODD, odd))


def words(good):
    wrong = {"another": "meridian", "empty": "", "a number": 3, "a list": [good], "a thing": Thing(), "bytes": b"x"}
    return _rows((SAME, {"NumPy's": np.str_(good)}), (ODD, {"None": None}), (WRONG, wrong))


def flags(good):
    return _rows((SAME, {"NumPy's": np.bool_(good)}), (ODD, {"the other": not good, "0": 0, "1": 1, "None": None}))


def times(good):
    """None or one is as good as several."""
    return {**several(good), "none": (ODD, ()), "one": (ODD, (2.0,))}


def widths_of_layers(good):
    return {**several(good), "one": (ODD, (4,)), "NumPy's": (SAME, [np.int64(good[0])])}


def sides(good):
    return {**several(good), "below 0": (ODD, (-3.0, -1.0))}


def trainings(good):
    return _rows((WRONG, _values_of_another_kind(ds.Gaussian, ds.Exact())))


def origins(good):
    return {name: (ODD, value) for name, (_meaning, value) in words(good).items()}


def kernels_or_none(good):
    return {**kernels(good), "None": (ODD, None)}


def several(good):
    """A few numbers."""
    odd = {
        "an array": np.array(good),
        "once more": [*good, *good],
        "NumPy's": list(map(np.float32, good)),
        "huge": [1e300, 1e308],
    }
    wrong = {
        "none": [],
        "one": good[:1],
        "text": "ab",
        "with text": [good[0], "x"],
        "NaN": [good[0], np.nan],
        "below 0": [good[0], -1.0],
        "nothing": None,
        "a thing": Thing(),
        "nested": [[1.0], [2.0]],
        "a fraction": 2.5,
    }
    return _rows((ODD, odd), (WRONG, wrong))


def looks(good):
    """A number per look."""
    odd = {
        "an array": np.array(good),
        "a tuple": tuple(good),
        "one": good[:1],
        "below 0": [good[0], -1.0],
        "huge": [1e300, 1e308],
        "a tensor": torch.tensor(good),
    }
    wrong = {
        "none": [],
        "text": "ab",
        "with text": [good[0], "x"],
        "NaN": [good[0], np.nan],
        "infinite": [good[0], np.inf],
        "nothing": None,
        "a thing": Thing(),
        "nested": [[1.0], [2.0]],
        "a number": 2.5,
        "a dictionary": {"a": 1.0},
        "a meta tensor": torch.tensor(good, device="meta"),
    }
    return _rows((ODD, odd), (WRONG, wrong))


def time_rules(good):
    return {**words(good), "a number": (ODD, 3), "a class": (WRONG, ds.Gaussian)}


def callables(good):
    return _rows((ODD, {"dsmi": ds.dsmi}), (WRONG, _values_of_another_kind(ds.Literal, ds.Literal())))


def rules(good):
    odd = {
        "Neighbors": bandwidth.Neighbors(3),
        "one that gives NaN": lambda points, rng: np.nan,
        "one that gives text": lambda points, rng: "wide",
    }
    return _rows((ODD, odd), (WRONG, _values_of_another_kind(bandwidth.Median, ds.Literal())))


def spectra(good):
    return _rows((WRONG, {"a number": 1.0, "points": VALUES, "None": None, "a class": ds.Spectrum, "a thing": Thing()}))


def codes(good):
    odd = {
        "a list": good.tolist(),
        "int8": good.astype(np.int8),
        "a tensor": torch.tensor(good),
        "a Series": pd.Series(good),
    }
    wrong = {
        "floats": good.astype(float),
        "text": WORDS,
        "negative": good - 1,
        "beyond the names": good + 1,
        "one kind": good * 0,
        "a column": good[:, None],
        "nothing": None,
        "none": [],
        "a thing": Thing(),
        "ragged": [[0], [0, 1]],
        "masked": np.ma.array(good, mask=good),
    }
    return _rows((SAME, odd), (WRONG, wrong))


def names(good):
    wrong = {"too few": good[:1], "too many": (*good, "owl"), "nothing": None, "a number": 2, "a thing": Thing()}
    return _rows((SAME, {"a list": list(good)}), (ODD, {"numbers": (0, 1), "a word": "ab"}), (WRONG, wrong))


def texts(good):
    """JSON of a record, with one field missing, of another kind or not finite."""
    plain = json.loads(good)
    fields = {f"without {name}": {key: value for key, value in plain.items() if key != name} for name in plain}
    fields |= {f"{name} = {odd!r}": {**plain, name: odd} for name in plain for odd in (None, "x", [], {}, True)}
    infinite = {
        f"{name} = NaN": good.replace(json.dumps(value), "NaN", 1)
        for name, value in plain.items()
        if isinstance(value, float) and good.count(json.dumps(value)) == 1
    }
    wrong = {
        "none": "",
        "no JSON": "{",
        "half": good[: len(good) // 2],
        "an empty object": "{}",
        "an array": "[]",
        "null": "null",
        "a number": "3",
        "nothing": None,
        "a dictionary": plain,
        "a thing": Thing(),
        "an unknown field": json.dumps({**plain, "colour": 1}),
        **infinite,
    }
    return _rows((SAME, {"bytes": good.encode()}), (ODD, {k: json.dumps(v) for k, v in fields.items()}), (WRONG, wrong))


def networks(good):
    return _rows((WRONG, _values_of_another_kind(torch.nn.Linear, ds.Exact()) | {"a tensor": TENSOR}))


def layers(good):
    same = {"a list": [good], "a tuple": (good,), "a mapping": {good: "none"}, "twice": [good, good]}
    wrong = {
        "another": "meridian",
        "none": [],
        "nothing": None,
        "a number": 0,
        "a thing": Thing(),
        "bytes": b"0",
        "an unknown reduction": {good: "meridian"},
        "a reduction that does not fit": {good: "gap"},
        "a list of numbers": [0],
    }
    return _rows((SAME, same), (ODD, {"all": "*", "empty, the network itself": ""}), (WRONG, wrong))


def batches(good):
    """None on which the network itself fails: its own error is its user's."""
    (tensor,) = good
    same = {"halves": [tensor[:15], tensor[15:]], "a generator": (part for part in [tensor]), "a tuple": (tensor,)}
    odd = {
        "a tensor": tensor,
        "with labels": [(tensor, torch.tensor(LABELS))],
        "a loader": torch.utils.data.DataLoader(torch.utils.data.TensorDataset(tensor), batch_size=10),
        "an empty batch too": [tensor, tensor[:0]],
    }
    wrong = {
        "none": [],
        "nothing": None,
        "NumPy's": [VALUES],
        "text": "ab",
        "a thing": Thing(),
        "a list of things": [Thing()],
        "a number": 3,
        "a dictionary of numbers": [{"input": 3}],
        "an empty batch": [tensor[:0]],
    }
    return _rows((SAME, same), (ODD, odd), (WRONG, wrong))


def probe_inputs(good):
    odd = {"NumPy's": VALUES, "a frame": FRAME, "integers": torch.arange(90).reshape(30, 3), "float32": good.float()}
    wrong = {
        "nothing": None,
        "text": "ab",
        "a thing": Thing(),
        "a number": 3,
        "none": [],
        "an empty mapping": {},
        "a mapping of numbers": {"input": 3},
        "one": good[:1],
        "no axis": torch.tensor(3.0),
        "a sparse tensor": good.to_sparse(),
        "a meta tensor": good.to("meta"),
    }
    return _rows((ODD, odd), (WRONG, wrong))


def probes(good):
    return _rows((WRONG, {"a tensor": TENSOR, "nothing": None, "a thing": Thing(), "a class": type(good), "text": "x"}))


def names_of_runs(good):
    wrong = {"a number": 3, "nothing": None, "a list": ["run"], "a thing": Thing(), "bytes": b"run"}
    return _rows((ODD, {"another": "meridian", "a line break": "a\nb", "empty": ""}), (WRONG, wrong))


def axes(good):
    return {name: row for name, row in names_of_runs(good).items() if row[1] is not None}  # None: a step is a step


def settings(good):
    odd = {
        "nothing": None,
        "NumPy's": {"lr": np.float32(0.1)},
        "a tensor": {"lr": torch.tensor(0.1)},
        "nested": {"a": {"b": [1, 2]}},
        "NaN": {"lr": np.nan},
        "a key that is no text": {3: 1},
    }
    wrong = {"a thing": {"lr": Thing()}, "no mapping": 3, "text": "x", "a list": [1, 2]}
    return _rows((ODD, odd), (WRONG, wrong))


def names_of_layers(good):
    return {**words(good), "empty": (ODD, "")}


def grouping_needed(good):
    return {**groupings(good), "None": (WRONG, None)}


def steps_of_pictures(good):
    wrong = {"a number": 5, "nothing": None, "a thing": Thing(), "fractions": [0.5]}
    return _rows((SAME, {"a list": list(good), "a set": set(good), "an array": np.array(good)}), (WRONG, wrong))


def sinks(good):
    wrong = {
        "one alone": good[0],
        "nothing": None,
        "a name": "wandb",
        "a number": 3,
        "a mapping": {},
        "a class": [Thing],
    }
    wrong |= {"things": [Thing()], "names": ["wandb"], "numbers": [1, 2]}
    return _rows((SAME, {"a list": list(good), "none": (), "twice": [good[0]] * 2}), (WRONG, wrong))


def alerts(good):
    wrong = {"a rule alone": good[0], "a name": "collapse", "classes": [type(good[0])], "nothing": None, "a number": 3}
    wrong |= {"none, where one is to stop": (), "twice": [*good, *good], "things": [Thing()]}
    return _rows((SAME, {"a list": list(good), "a generator": (rule for rule in good)}), (WRONG, wrong))


def listeners(good):
    return _rows((SAME, {"nothing": None, "len": len}), (WRONG, {"a class": Thing, "a name": "print", "a number": 3}))


def kinds_of_alerts(good):
    wrong = {
        "another": "fire",
        "a number": 3,
        "nothing": None,
        "numbers": [3],
        "a thing": Thing(),
        "bytes": b"collapse",
    }
    return _rows((SAME, {"a list": [good], "a set": {good}, "none": ()}), (WRONG, wrong))


def budgets(good):
    return {**reals(good), "nothing": (SAME, None)}


def measures(good):
    wrong = {"names": ["DSE"], "a name": "DSE", "classes": [type(good[0])], "a number": 3, "things": [Thing()]}
    odd = {"none": (), "nothing": None, "a function": [len]}
    return _rows((SAME, {"a list": list(good)}), (ODD, odd), (WRONG, wrong))


def rules_of_monitors(good):
    wrong = {
        "nothing": None,
        "a kernel alone": ds.Gaussian(),
        "a name": {"a": "gaussian"},
        "a class": {"a": ds.Gaussian},
        "another argument": {"a": {"sigma": 3.0}},
        "another t": {"a": {"kernel": ds.Gaussian(), "t": -1.0}},
        "a number": 3,
        "text": "x",
    }
    return _rows((ODD, {"a kernel": {"a": ds.Gaussian()}, "none": {}}), (WRONG, wrong))


def options(good):
    """What is written on a command line."""
    odd = {
        repr(text): text for text in ("0", "1", "0.5", "-1", "1e400", "nan", "inf", "1e-300", "2", "1000", "٣", " 1")
    }
    wrong = {repr(text): text for text in ("", "x", "1,5", "None", "[1]", "0x10", "meridian", "\ud800")}
    return _rows((ODD, odd), (WRONG, wrong))


def _values_of_another_kind(one, other, *, none=True):
    wrong = {
        "a class": one,
        "another kind": other,
        "its name": one.__name__,
        "lower case": one.__name__.lower(),
        "a number": 3,
        "a thing": Thing(),
        "a function": len,
        "a dictionary": {},
    }
    return wrong | ({"None": None} if none else {})


def _rows(*tables):
    return {name: (meaning, value) for meaning, table in tables for name, value in table.items()}
