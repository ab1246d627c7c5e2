"""References as groups: equal ones are together, different ones are kept apart, and what is missing is no class."""

import datetime
import decimal
import enum
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from diffspec import Bins, Clusters, KMeans, Labels, Literal, Partition, dsmi
from diffspec.errors import InputError
from diffspec.points.distinct import distinct
from diffspec.points.groups import partition_of

VECTORS = arrays(np.float64, st.tuples(st.integers(2, 30), st.integers(1, 4)), elements=st.integers(-2, 2).map(float))
CLUSTERINGS = [Clusters(2, neighbors=2), Clusters(3, neighbors=4), Clusters(10), KMeans(2), KMeans(3), KMeans(10)]


def found(groups, vectors):
    """The codes, or None where the clustering asks for more different vectors."""
    kinds = len(np.unique(vectors + 0.0, axis=0))
    if groups.count < kinds <= getattr(groups, "neighbors", 0):
        with pytest.raises(InputError, match="different vectors"):
            groups(vectors)
        return None
    return groups(vectors).codes


@settings(deadline=None, max_examples=40)
@given(VECTORS, st.sampled_from(CLUSTERINGS), st.randoms(use_true_random=False))
def test_groups_of_vectors_follow_their_values_and_not_their_order(vectors, groups, random):
    codes = found(groups, vectors)
    if codes is None:
        return
    kinds = np.unique(vectors + 0.0, axis=0, return_inverse=True)[1].ravel()
    assert len(set(zip(kinds, codes, strict=True))) == kinds.max() + 1  # equal vectors: equal groups
    assert len(set(codes)) <= min(groups.count, kinds.max() + 1)
    order = random.sample(range(len(vectors)), k=len(vectors))
    assert groups(vectors[order]).codes.tolist() == codes[order].tolist()
    again = groups(np.concatenate([vectors, vectors[:1]])).codes  # the weights have changed, so the groups may
    assert again[0] == again[-1]


@pytest.mark.parametrize("groups", [Clusters(4), KMeans(4)], ids=repr)
@pytest.mark.parametrize("scale", [1e200, 1e-200, 2.0**1000, 7e-310 / 4, 1.5e308 / 4])
def test_the_scale_of_the_vectors_does_not_matter(rng, groups, scale):
    vectors = rng.uniform(-1.0, 1.0, size=(60, 3)) + 3 * rng.integers(2, size=(60, 1))
    assert groups(vectors * scale).codes.tolist() == groups(vectors).codes.tolist()


@pytest.mark.parametrize("groups", [Clusters(10), KMeans(10), Labels()], ids=repr)
def test_one_hot_rows_are_their_classes(rng, groups):
    # Three kinds of vectors are three groups: the value of the labels, at most log2 3 by the definition.
    labels = rng.integers(3, size=90)
    points = rng.normal(size=(90, 2)) + 20 * np.eye(3)[labels][:, :2]
    for estimator in (None, Literal()):
        chosen = {} if estimator is None else {"estimator": estimator}
        ours = dsmi(points, np.eye(3)[labels], groups=groups, **chosen)
        assert ours.value == pytest.approx(dsmi(points, labels, **chosen).value, abs=1e-12)
        assert ours.value <= math.log2(3) + 1e-9
        assert ours.ceiling <= math.log2(3)


@pytest.mark.parametrize("groups", [Clusters(10), KMeans(10), Bins(10)], ids=repr)
def test_a_constant_reference_is_one_group(rng, groups):
    reference = np.full(40, 7.0) if isinstance(groups, Bins) else np.full((40, 3), 7.0)
    single = dsmi(rng.normal(size=(40, 2)), reference, groups=groups)
    assert (single.value, single.ceiling, len(single.groups)) == (0.0, 0.0, 1)
    assert single.verdict.startswith("unknown: there is a single group")


@pytest.mark.filterwarnings("ignore:Graph is not fully connected")  # scikit-learn's
@pytest.mark.parametrize(("n", "parts"), [(200, 1), (200, 3), (600, 1), (600, 3)])
def test_spectral_clusters_are_those_of_scikit_learn(rng, n, parts):
    from sklearn.cluster import SpectralClustering
    from sklearn.metrics import adjusted_rand_score

    vectors = rng.normal(size=(n, 2)) * [3, 1] + 40 * np.arange(parts)[rng.integers(parts, size=n)][:, None]
    theirs = SpectralClustering(4, affinity="nearest_neighbors", assign_labels="cluster_qr", random_state=0)
    assert adjusted_rand_score(theirs.fit_predict(vectors), Clusters(4)(vectors).codes) == 1.0


def test_minus_zero_is_zero():
    assert KMeans(2)(np.array([[0.0], [-0.0], [1.0]])).sizes == [2, 1]


def test_centres_weigh_vectors_by_how_often_they_come():
    # Sum of squares: a cut after 1 costs 100 (0 - .01)^2 ..., a cut before it 100 times more.
    values = np.r_[np.zeros(100), np.full(100, 1.0), [1.9], [5.0]][:, None]
    assert KMeans(2)(values).sizes == [100, 102]


@settings(deadline=None)
@given(VECTORS)
def test_distinct_vectors_are_those_of_numpy(vectors):
    rows, place, counts = np.unique(vectors + 0.0, axis=0, return_inverse=True, return_counts=True)
    ours = distinct(vectors + 0.0)
    assert ours.vectors.tolist() == rows.tolist()
    assert ours.place.tolist() == place.ravel().tolist()
    assert ours.counts.tolist() == counts.tolist()


def test_one_hot_rows_without_groups_are_told_how_they_become_classes():
    with pytest.raises(InputError, match=r"one-hot rows, shape \(4, 2\).*give reference.argmax\(axis=1\), or groups="):
        partition_of(np.eye(2)[[0, 1, 1, 0]], None, 4)
    assert partition_of(np.eye(3, dtype=bool)[[0, 2, 2]], Labels(), 3).names == ("0", "2")


@pytest.mark.parametrize("rows", [[[0.5, 0.5], [1, 0]], [[1, 1], [1, 0]], [[0, 0], [1, 0]], [[2, -1], [1, 0]]])
def test_rows_that_are_not_one_hot_are_no_labels(rows):
    with pytest.raises(InputError, match=r"labels must have shape \(n,\), got \(2, 2\)"):
        Labels()(np.array(rows))


class Colour(enum.Enum):
    """Labels of a kind of one's own."""

    RED = 2
    BLUE = 1


def pandas_labels(make):
    return lambda: make(pytest.importorskip("pandas"))


def arrow_labels(make):
    return lambda: make(pytest.importorskip("pyarrow"))


def torch_labels(make):
    return lambda: make(pytest.importorskip("torch"))


KINDS = {
    "bytes": (lambda: [b"cat", b"dog", b"cat"], ("cat", "dog")),
    "byte array": (lambda: np.array([b"cat", b"dog", b"cat"]), ("cat", "dog")),
    "bytes that are no text": (lambda: [b"\xff", b"a", b"\xff"], ("\\xff", "a")),
    "objects of np.int64": (lambda: np.array([np.int64(5), np.int64(-3), np.int64(5)], dtype=object), ("-3", "5")),
    "objects of floats": (lambda: np.array([2.5, 1, 2.5], dtype=object), ("1.0", "2.5")),
    "objects of booleans": (lambda: np.array([True, np.False_, True], dtype=object), ("False", "True")),
    "integers over 2**64": (lambda: [2**70 + 1, 2**70, 2**70 + 1], (str(2**70), str(2**70 + 1))),
    "integers over 2**63 of both signs": (lambda: [2**63 + 1, -1, 2**63 + 1], ("-1", str(2**63 + 1))),
    "dates": (lambda: np.array(["2024-01-02", "2024-01-01", "2024-01-02"], "M8[ns]"), None),
    "date objects": (lambda: [datetime.date(2024, 1, k) for k in (2, 1, 2)], ("2024-01-01", "2024-01-02")),
    "durations": (lambda: np.array([2, 1, 2], "m8[s]"), ("1 seconds", "2 seconds")),
    "decimals": (lambda: [decimal.Decimal("3.10"), decimal.Decimal("3"), decimal.Decimal("3.1")], ("3", "3.10")),
    "tuples in objects": (lambda: pd_object([(1, 2), (0, 2), (1, 2)]), ("(0, 2)", "(1, 2)")),
    "enumeration": (lambda: [Colour.RED, Colour.BLUE, Colour.RED], ("Colour.BLUE", "Colour.RED")),
    "masked, nothing masked": (lambda: np.ma.array([2, 1, 2]), ("1", "2")),
    "one column": (lambda: [["b"], ["a"], ["b"]], ("a", "b")),
    "text that ends in NUL": (lambda: ["a\0", "a", "a\0"], ("a", "a\0")),
    "categories": (pandas_labels(lambda pd: pd.Categorical(["b", "a", "b"], categories=["b", "a", "c"])), ("a", "b")),
    "series of categories": (pandas_labels(lambda pd: pd.Series(["b", "a", "b"], dtype="category")), ("a", "b")),
    "nullable integers": (pandas_labels(lambda pd: pd.Series([2, 1, 2], dtype="Int64")), ("1", "2")),
    "nullable booleans": (pandas_labels(lambda pd: pd.Series([True, False, True], dtype="boolean")), ("False", "True")),
    "strings of pandas": (pandas_labels(lambda pd: pd.Series(["b", "a", "b"], dtype="string")), ("a", "b")),
    "table of one column": (pandas_labels(lambda pd: pd.DataFrame({"y": ["b", "a", "b"]})), ("a", "b")),
    "rows of an index": (
        pandas_labels(lambda pd: pd.MultiIndex.from_tuples([(1, "b"), (0, "a"), (1, "b")])),
        ("(0, 'a')", "(1, 'b')"),
    ),
    "intervals": (pandas_labels(lambda pd: pd.cut([5.0, 0.5, 4.0], [0, 1, 6])), ("(0, 1]", "(1, 6]")),
    "series of intervals": (
        pandas_labels(lambda pd: pd.cut(pd.Series([5.0, 0.5, 4.0]), [0, 1, 6])),
        ("(0, 1]", "(1, 6]"),
    ),
    "bfloat16": (torch_labels(lambda torch: torch.tensor([2, 1, 2], dtype=torch.bfloat16)), ("1.0", "2.0")),
    "list of tensors": (torch_labels(lambda torch: [torch.tensor(2), torch.tensor(1), torch.tensor(2)]), ("1", "2")),
    "tensor with a gradient": (
        torch_labels(lambda torch: torch.tensor([2.0, 1, 2], requires_grad=True)),
        ("1.0", "2.0"),
    ),
}


def pd_object(values):
    kept = np.empty(len(values), dtype=object)
    kept[:] = values
    return kept


@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_every_kind_are_classes(kind):
    make, names = KINDS[kind]
    partition = Labels()(make())
    assert partition.codes.tolist() == [1, 0, 1] or kind in ("bytes", "byte array", "bytes that are no text")
    assert sorted(partition.sizes) == [1, 2]
    if names is not None:
        assert partition.names == names


MISSING = {
    "masked": lambda: np.ma.array([1, 2, 1], mask=[0, 1, 0]),
    "masked text": lambda: np.ma.array(["a", "b", "a"], mask=[0, 1, 0]),
    "masked constant": lambda: [1, np.ma.masked, 1],
    "NaT": lambda: np.array(["2024-01-01", "NaT", "2024-01-01"], "M8[D]"),
    "NaT in a list": lambda: [np.datetime64("2024-01-01"), np.datetime64("NaT"), np.datetime64("2024-01-01")],
    "None": lambda: ["a", None, "a"],
    "None in an array": lambda: np.array([1, None, 1], dtype=object),
    "NaN among text": lambda: ["a", math.nan, "a"],
    "NaN among text, objects": lambda: np.array(["a", np.nan, "a"], dtype=object),
    "pandas NA": pandas_labels(lambda pd: pd.Series([1, pd.NA, 1], dtype="Int64")),
    "pandas NaT": pandas_labels(lambda pd: pd.Series(pd.to_datetime(["2024-01-01", None, "2024-01-01"]))),
    "pandas text": pandas_labels(lambda pd: pd.Series(["a", None, "a"], dtype="string")),
    "pandas categories": pandas_labels(lambda pd: pd.Categorical(["a", None, "a"])),
    "pyarrow": arrow_labels(lambda pa: pa.array([1, None, 1])),
    "pyarrow in pieces": arrow_labels(lambda pa: pa.chunked_array([[1, None], [1]])),
    "pyarrow text": arrow_labels(lambda pa: pa.array(["a", None, "a"]).dictionary_encode()),
    "pandas intervals": pandas_labels(lambda pd: pd.cut(pd.Series([0.5, 9.0, 0.5]), [0, 1, 2])),
}


@pytest.mark.parametrize("kind", MISSING)
def test_what_is_missing_is_no_class(kind):
    with pytest.raises(InputError, match="labels must have no missing entries, got 1, the first in row 1; give"):
        Labels()(MISSING[kind]())


REFUSED = {
    "numbers and text": (lambda: [1, "1", 2], "labels must all be of one kind .*, got int, str"),
    "numbers and booleans": (lambda: [1, True, 2], "labels must all be of one kind .*, got bool, int"),
    "ragged": (lambda: [[1, 2], [1], [2]], "labels must "),
    "ragged arrays": (lambda: [np.ones((2, 2)), np.ones((2, 3)), np.ones((2, 1))], "labels must "),
    "lists in objects": (
        lambda: pd_object([[1, 2], [1], [2]]),
        r"labels must be one plain value per point, got",
    ),
    "complex": (lambda: np.ones(3) * 1j, "got complex numbers; give one plain value per point"),
    "structured": (lambda: np.zeros(3, [("a", int), ("b", int)]), "got a structured array with fields a, b"),
    "nothing": (lambda: None, r"labels must have shape \(n,\), got None"),
    "a word": (lambda: "species", r"labels must have shape \(n,\), got 'species'"),
    "a dictionary": (lambda: {"a": 1}, r"labels must have shape \(n,\), got \{'a': 1\}"),
    "infinite": (lambda: [1.0, math.inf, 2.0], "labels must be finite"),
    "sparse": (torch_labels(lambda torch: torch.eye(3).to_sparse()), r"a sparse tensor .*; give points.to_dense\(\)"),
    "complex tensor": (torch_labels(lambda torch: torch.ones(3, dtype=torch.complex64).conj()), "got complex numbers"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_label_is_refused_in_one_line(kind):
    make, text = REFUSED[kind]
    with pytest.raises(InputError, match=text) as caught:
        Labels()(make())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("entries", "hint"), [(9, True), (11, True), (5, False), (20, False)])
def test_a_wrong_length_says_both_and_asks_for_a_header(entries, hint):
    with pytest.raises(InputError, match=f"got {entries} for 10 points") as caught:
        partition_of(np.arange(entries), None, 10)
    assert str(caught.value).endswith("; is a header or an index among the data?") == hint


@pytest.mark.parametrize(
    "groups", ["labels", Labels, 5, lambda reference: [0, 1]], ids=["text", "a class", "a number", "a function"]
)
def test_groups_that_are_none_are_refused_in_one_line(groups):
    with pytest.raises(InputError, match=r"groups must (be Labels\(\), Bins\(10\), Clusters|give a Partition)"):
        partition_of([0, 1], groups, 2)


@pytest.mark.parametrize("seed", [2**32, 2**80, np.int64(3), np.uint32(7)])
@pytest.mark.parametrize("kind", [Clusters, KMeans])
def test_seeds_of_any_size_seed_clusters_and_are_written_as_plain_numbers(rng, kind, seed):
    groups = kind(3, seed=seed)
    assert repr(groups).startswith(f"{kind.__name__}(count=3, seed={int(seed)}")
    assert len(groups(rng.normal(size=(40, 2))).names) == 3


@pytest.mark.parametrize(
    "make",
    [
        lambda: Clusters(seed=-1),
        lambda: Clusters(neighbors=0),
        lambda: Clusters(True),
        lambda: KMeans(seed=None),
        lambda: KMeans(seed=1.5),
        lambda: Bins("10"),
    ],
)
def test_settings_of_groups_that_cannot_be_used(make):
    with pytest.raises(
        InputError, match=r"^(count|seed|neighbors) of (Clusters|KMeans|Bins) must be an integer of at "
    ):
        make()


def test_more_bins_than_can_be_counted_are_refused():
    assert Bins(2**62)([0.0, 1e-18, 0.5, 1.0]).codes.tolist() == [0, 1, 2, 3]
    for count in (2**62 + 1, 2**63, 10**40):
        with pytest.raises(InputError, match=r"^count of Bins must be an integer of at most 2\*\*62, got \d+"):
            Bins(count)


@pytest.mark.parametrize("values", [[-1.7e308, 0.0, 1.7e308], [-1.7e308, 1.7e308, 1.7e308]])
def test_bins_of_the_largest_numbers(values):
    partition = Bins(2)(values)
    assert partition.codes.tolist() == ([0, 1, 1])
    assert partition.names == ("-1.7e+308 to 0", "0 to 1.7e+308")


@settings(deadline=None)
@given(
    arrays(
        np.float64,
        st.integers(1, 40).map(lambda n: n + 1),
        elements=st.floats(-1e6, 1e6, allow_subnormal=False, width=32),
    ),
    st.integers(1, 50),
)
def test_bins_are_those_of_their_edges(values, count):
    edges = np.linspace(values.min(), values.max(), count + 1)
    raw = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, count - 1)
    assert Bins(count)(values).codes.tolist() == np.unique(raw, return_inverse=True)[1].tolist()


def test_any_number_of_bins_takes_no_memory(rng):
    assert Bins(10**12)(rng.normal(size=50)).sizes == [1] * 50


def test_a_partition_of_lists_is_one():
    partition = Partition([0, 1, 0], ["a", "b"])
    assert [indices.tolist() for indices in partition.members()] == [[0, 2], [1]]
    assert partition.names == ("a", "b")
