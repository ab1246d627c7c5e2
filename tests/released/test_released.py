"""The drop-in for dse-dsmi 1.1: its values, its interface, and that its known defects are gone."""

import inspect
import json
import os
import random
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import definitions_released as oracle
from diffspec import InputError, released
from diffspec.released import (
    adjacency_spectral_entropy,
    adjacency_spectral_mutual_information,
    diffusion_spectral_entropy,
    diffusion_spectral_mutual_information,
)

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "paper" / "reference_values.json"
CASES = json.loads(REFERENCE.read_text())["cases"] if REFERENCE.exists() else []

SIGNATURES = {
    "diffusion_spectral_entropy": "embedding_vectors, gaussian_kernel_sigma=10, t=1, max_N=10000, "
    "chebyshev_approx=False, eigval_save_path=None, eigval_save_precision=float16, classic_shannon_entropy=False, "
    "matrix_entry_entropy=False, num_bins_per_dim=2, random_seed=0, verbose=False",
    "adjacency_spectral_entropy": "embedding_vectors, gaussian_kernel_sigma=10, anisotropic=False, use_knn=False, "
    "knn=10, max_N=10000, eigval_save_path=None, eigval_save_precision=float16, random_seed=0, verbose=False",
    "diffusion_spectral_mutual_information": "embedding_vectors, reference_vectors, reference_discrete=None, "
    "gaussian_kernel_sigma=10, t=1, chebyshev_approx=False, num_repetitions=5, n_clusters=10, "
    "precomputed_clusters=None, classic_shannon_entropy=False, matrix_entry_entropy=False, num_bins_per_dim=2, "
    "random_seed=0, verbose=False",
    "adjacency_spectral_mutual_information": "embedding_vectors, reference_vectors, reference_discrete=None, "
    "gaussian_kernel_sigma=10, use_knn=False, anisotropic=False, num_repetitions=5, n_clusters=10, "
    "precomputed_clusters=None, random_seed=0, verbose=False",
}


def reference_data(case):
    """The recipe of the reference file: points, and what the file calls its reference."""
    r, n, d, kind = np.random.default_rng(case["seed"]), case["n"], case["d"], case["data"]
    labels = None
    if kind == "blobs":
        centres = r.normal(scale=3.0, size=(5, d))
        labels = r.integers(0, 5, size=n)
        points = centres[labels] + r.normal(size=(n, d))
    elif kind == "duplicates":
        points = np.repeat(r.normal(size=(n // 4, d)), 4, axis=0)
    else:
        draw = {"normal": r.normal, "float32": r.normal, "lognormal": r.lognormal}.get(kind)
        points = r.uniform(-1, 1, size=(n, d)) if draw is None else draw(size=(n, d))
    return points.astype(np.float32) if kind == "float32" else points, labels


def reference_error(case):
    points, labels = reference_data(case)
    given = [points]
    if "reference" in case:
        given.append({"labels": labels, "first": points[:, 0], "points": points}[case["reference"]])
    value = getattr(released, case["function"])(*given, **case["args"])
    return abs((value[0] if isinstance(value, tuple) else value) - case["value"])


def tolerance(case):
    # A nearest-neighbour matrix has defective eigenvalues: the released package itself gives values up to 1e-6 apart on
    # two machines, or for two orders of the same points. The test after this one holds them to 1e-9.
    if case["args"].get("use_knn"):
        return 2e-6
    return 1e-6 if case["data"] == "float32" else 1e-9


@pytest.mark.skipif(not CASES, reason="the reference values of dse-dsmi 1.1 are not beside this checkout")
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['seed']}-{c['function']}-{c['data']}")
def test_a_reference_value_holds(case):
    assert reference_error(case) <= tolerance(case)


IS_HASWELL = "from threadpoolctl import threadpool_info; print({i.get('architecture') for i in threadpool_info()})"


@pytest.mark.skipif(not CASES, reason="the reference values of dse-dsmi 1.1 are not beside this checkout")
def test_the_neighbour_values_hold_to_1e_9_under_the_blas_they_were_made_with():
    here = os.pathsep.join([*map(str, Path(__file__).parents[:2]), *sys.path])
    environment = {**os.environ, "OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "2", "PYTHONPATH": here}

    def run(code):
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    if "Haswell" not in run(f"import numpy; {IS_HASWELL}"):
        pytest.skip("this NumPy has no OpenBLAS with a Haswell kernel")
    errors = run(
        "import test_released as t; print([t.reference_error(c) for c in t.CASES if c['args'].get('use_knn')])"
    )
    assert len(json.loads(errors)) == 2
    assert max(json.loads(errors)) <= 1e-9


@pytest.mark.parametrize("name", SIGNATURES)
def test_names_order_and_defaults_of_the_arguments(name):
    parameters = inspect.signature(getattr(released, name)).parameters.values()
    shown = [
        p.name if p.default is p.empty else f"{p.name}={getattr(p.default, '__name__', p.default)}" for p in parameters
    ]
    assert ", ".join(shown) == SIGNATURES[name]
    assert all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)


@pytest.fixture
def points():
    return np.random.default_rng(1).normal(size=(60, 3))


@pytest.fixture
def labels():
    return np.arange(60) ** 2 % 7


def test_entropies_are_those_of_the_textbook(points):
    assert diffusion_spectral_entropy(points, 1.5, 2.5) == pytest.approx(oracle.dse(points, 1.5, 2.5), abs=1e-10)
    assert diffusion_spectral_entropy(points) == pytest.approx(oracle.dse(points), abs=1e-10)
    assert adjacency_spectral_entropy(points, 1.5) == pytest.approx(oracle.ase(points, 1.5), abs=1e-10)
    assert adjacency_spectral_entropy(points, 1.5, True) == pytest.approx(oracle.dse(points, 1.5), abs=1e-10)
    classic = diffusion_spectral_entropy(points, classic_shannon_entropy=True, num_bins_per_dim=4)
    assert classic == pytest.approx(oracle.classic(points, 4), abs=1e-10)
    entries = diffusion_spectral_entropy(points, 1.5, matrix_entry_entropy=True)
    assert entries == pytest.approx(oracle.entries(points, 1.5), abs=1e-10)


def test_more_rows_than_one_block_of_the_entry_entropy():
    points = np.random.default_rng(0).normal(size=(300, 2))
    value = diffusion_spectral_entropy(points, 1.0, matrix_entry_entropy=True)
    assert value == pytest.approx(oracle.entries(points, 1.0), abs=1e-9)


def test_neighbours_come_before_the_gaussians(points):
    expected = oracle.ase(points, knn=5)
    assert adjacency_spectral_entropy(points, 1.0, True, True, 5) == pytest.approx(expected, abs=2e-6)


def test_time_zero_weighs_every_eigenvalue_alike(points):
    assert diffusion_spectral_entropy(points, t=0) == pytest.approx(np.log2(60), abs=1e-10)


def test_the_subset_is_that_of_the_seed(points):
    chosen = points[oracle.subset(60, 40, seed=3)]
    assert diffusion_spectral_entropy(points, 1.0, max_N=40, random_seed=3) == diffusion_spectral_entropy(chosen, 1.0)
    assert adjacency_spectral_entropy(points, 1.0, max_N=40, random_seed=3) == adjacency_spectral_entropy(chosen, 1.0)


def test_information_is_that_of_the_textbook(points, labels):
    expected = oracle.information(points, labels, lambda x: oracle.dse(x, 1.0, 2), repetitions=2, seed=4)
    value, groups = diffusion_spectral_mutual_information(
        points, labels, None, 1.0, 2, num_repetitions=2, random_seed=4
    )
    assert value == pytest.approx(expected, abs=1e-10)
    assert groups.shape == (60, 1)
    assert (groups[:, 0] == labels).all()
    expected = oracle.information(points, labels, lambda x: oracle.ase(x, 1.0))
    assert adjacency_spectral_mutual_information(points, labels, None, 1.0)[0] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("kind", ["bool", "str", "uint8", "object"])
def test_labels_of_every_discrete_kind(points, kind):
    labels = np.arange(60) % 2
    expected, _ = diffusion_spectral_mutual_information(points, labels)
    value, groups = diffusion_spectral_mutual_information(points, labels.astype(str if kind == "object" else kind))
    assert value == pytest.approx(expected, abs=1e-14)
    assert len(np.unique(groups)) == 2


def test_float_labels_are_a_scalar_in_ten_bins_as_released(points):
    scalar = np.random.default_rng(2).normal(size=60)
    value, groups = diffusion_spectral_mutual_information(points, scalar, None, 1.0)
    expected = oracle.bin_numbers(scalar, 10)
    assert (groups[:, 0] == expected).all()
    assert value == pytest.approx(oracle.information(points, expected, lambda x: oracle.dse(x, 1.0)), abs=1e-10)
    sparse = np.repeat([0.0, 0.01, 1.0], 20)
    assert np.unique(diffusion_spectral_mutual_information(points, sparse)[1]).tolist() == [1, 10]
    assert len(np.unique(diffusion_spectral_mutual_information(points, sparse, reference_discrete=True)[1])) == 3


def test_integers_that_are_said_not_to_be_classes_are_binned(points):
    numbers = np.arange(60)
    _value, groups = diffusion_spectral_mutual_information(points, numbers, False, n_clusters=3)
    assert np.bincount(groups[:, 0]).tolist() == [0, 20, 20, 20]


def test_clusters_found_before_take_the_place_of_bins_but_not_of_classes(points, labels):
    by_class, _ = diffusion_spectral_mutual_information(points, labels)
    value, groups = diffusion_spectral_mutual_information(points, points, precomputed_clusters=labels)
    assert value == by_class
    assert groups.shape == (60,)
    assert diffusion_spectral_mutual_information(points, labels, precomputed_clusters=labels * 0)[0] == by_class


def test_vectors_are_clustered():
    near = np.random.default_rng(0).normal(size=(80, 2)) + 8.0 * (np.arange(80) % 2)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn says that the two clouds are not connected, which they are not
        _value, groups = diffusion_spectral_mutual_information(near, near, n_clusters=2)
    assert len(set(groups[::2])) == len(set(groups[1::2])) == 1
    assert groups[0] != groups[1]


def test_a_group_of_one_point_counts(points):
    labels = np.r_[0, np.ones(59, dtype=int)]
    expected = oracle.information(points, labels, lambda x: oracle.dse(x, 1.0))
    assert diffusion_spectral_mutual_information(points, labels, None, 1.0)[0] == pytest.approx(expected, abs=1e-10)


def test_a_group_of_more_points_than_are_measured_at_once(monkeypatch, points):
    monkeypatch.setattr("diffspec.released.information.MOST", 20)
    labels = np.arange(60) % 2
    expected = oracle.information(points, labels, lambda x: oracle.dse(x[oracle.subset(30, 20, seed=0)], 1.0))
    assert diffusion_spectral_mutual_information(points, labels, None, 1.0)[0] == pytest.approx(expected, abs=1e-10)


def test_further_axes_are_flattened(points, labels):
    maps = points.reshape(60, 3, 1, 1)
    assert diffusion_spectral_entropy(maps) == diffusion_spectral_entropy(points)
    assert diffusion_spectral_entropy(torch.asarray(maps)) == diffusion_spectral_entropy(points)
    value = diffusion_spectral_mutual_information(maps, labels[:, None])[0]
    assert value == diffusion_spectral_mutual_information(points, labels)[0]


def test_global_random_state_and_warnings_are_left_alone(points, labels):
    random.seed(5)
    before = random.getstate(), np.random.get_state()[1].tolist(), list(warnings.filters)  # noqa: NPY002
    diffusion_spectral_entropy(points, max_N=30)
    diffusion_spectral_mutual_information(points, labels)
    adjacency_spectral_mutual_information(points, labels)
    assert (random.getstate(), np.random.get_state()[1].tolist(), list(warnings.filters)) == before  # noqa: NPY002


def test_importing_silences_no_warning():
    code = "import diffspec.released, warnings; warnings.warn('still shown', RuntimeWarning)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "RuntimeWarning: still shown" in done.stderr


def test_constant_features_are_one_bin_and_no_warning(points):
    constant = np.c_[points, np.full(60, 3.0)]
    expected = diffusion_spectral_entropy(points, classic_shannon_entropy=True)
    assert diffusion_spectral_entropy(constant, classic_shannon_entropy=True) == expected
    value, groups = diffusion_spectral_mutual_information(points, np.full(60, 0.5))
    assert value == pytest.approx(0.0, abs=1e-12)
    assert set(groups[:, 0]) == {10}


def test_no_dense_product_with_a_diagonal_and_one_array_of_n_by_n():
    n = 4000
    points = np.random.default_rng(0).normal(size=(n, 4))
    tracemalloc.start()
    diffusion_spectral_entropy(points, matrix_entry_entropy=True)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * 8 * n**2  # the affinity, and a few blocks of distances; the released package needs five


# Files of eigenvalues


def test_a_kept_value_is_the_value_without_a_file(tmp_path, monkeypatch, points):
    monkeypatch.chdir(tmp_path)
    plain = diffusion_spectral_entropy(points, 1.0, 3)
    for _ in range(2):
        assert diffusion_spectral_entropy(points, 1.0, 3, eigval_save_path="bare.npz") == plain
    assert [path.name for path in tmp_path.iterdir()] == ["bare.npz"]
    with np.load("bare.npz") as kept:
        assert kept["eigvals"].dtype == np.float16
        assert kept["eigvals"].shape == (60,)


def test_a_file_is_read_and_not_computed_again(tmp_path, monkeypatch, points):
    path = tmp_path / "new" / "folder" / "file.bin"
    first = adjacency_spectral_entropy(points, use_knn=True, eigval_save_path=path, eigval_save_precision=np.float32)
    monkeypatch.setattr("diffspec.released.measures.pairwise", None)
    assert adjacency_spectral_entropy(points, use_knn=True, eigval_save_path=path) == first
    assert adjacency_spectral_entropy(None, use_knn=True, eigval_save_path=path) == first


def test_one_file_serves_every_time(tmp_path, points):
    path = tmp_path / "file.npz"
    diffusion_spectral_entropy(points, 1.0, eigval_save_path=path)
    assert diffusion_spectral_entropy(None, 1.0, 4, eigval_save_path=path) == diffusion_spectral_entropy(points, 1.0, 4)


def test_a_file_of_other_points_or_settings_is_replaced(tmp_path, points):
    path = tmp_path / "file.npz"
    for data, sigma in [(points, 1.0), (points + 1e-9 * points[::-1], 1.0), (points, 2.0)]:
        kept = path.read_bytes() if path.exists() else b""
        assert diffusion_spectral_entropy(data, sigma, eigval_save_path=path) == diffusion_spectral_entropy(data, sigma)
        assert path.read_bytes() != kept
    expected = adjacency_spectral_entropy(points, 2.0)
    assert adjacency_spectral_entropy(points, 2.0, eigval_save_path=path) == expected


def test_a_file_of_the_released_package_is_replaced(tmp_path, points):
    path = tmp_path / "file.npz"
    np.savez(path, eigvals=np.ones(60, dtype=np.float16))
    with pytest.raises(InputError, match=r"None and .*file.npz was not written by diffspec; give the points once"):
        diffusion_spectral_entropy(None, eigval_save_path=path)
    assert diffusion_spectral_entropy(points, eigval_save_path=path) == diffusion_spectral_entropy(points)


@pytest.mark.parametrize("content", [b"my only copy", b"", b"PK\x03\x04 cut off"])
def test_a_file_of_anything_else_is_not_overwritten(tmp_path, points, content):
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"data.npz is no file of eigenvalues .*; choose another eigval_save_path"):
        diffusion_spectral_entropy(points, eigval_save_path=path)
    assert path.read_bytes() == content


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, points):
    os.mkfifo(tmp_path / "pipe.npz")
    writer = os.open(tmp_path / "pipe.npz", os.O_RDWR)  # so that a reader that opens it fails and does not wait
    os.write(writer, b"no archive")
    with pytest.raises(InputError, match=r"pipe.npz is no file of eigenvalues \(it is a folder, pipe or device\)"):
        diffusion_spectral_entropy(points, eigval_save_path=tmp_path / "pipe.npz")
    assert os.read(writer, 10) == b"no archive"
    os.close(writer)


def test_arrays_of_other_kinds_are_not_overwritten(tmp_path, points):
    np.save(tmp_path / "a.npy", points)
    np.savez(tmp_path / "b.npz", points=points)
    for name in ("a.npy", "b.npz", "."):
        with pytest.raises(InputError, match="is no file of eigenvalues"):
            diffusion_spectral_entropy(points, eigval_save_path=tmp_path / name)


def test_nothing_half_written_is_left(tmp_path, monkeypatch, points):
    path = tmp_path / "file.npz"

    def full(_source, _target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\)"):
        diffusion_spectral_entropy(points, eigval_save_path=path)
    assert list(tmp_path.iterdir()) == []


# Errors


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"gaussian_kernel_sigma": 0}, "gaussian_kernel_sigma must be a positive number, got 0"),
        ({"gaussian_kernel_sigma": "wide"}, "gaussian_kernel_sigma must be a positive number, got 'wide'"),
        ({"t": -1}, "t must be a positive number, got -1"),
        ({"max_N": 1}, "max_N must be an integer of at least 2, got 1"),
        (
            {"classic_shannon_entropy": True, "num_bins_per_dim": 0},
            "num_bins_per_dim must be an integer of at least 1, got 0",
        ),
        ({"eigval_save_path": "x", "eigval_save_precision": int}, "eigval_save_precision must be a float type"),
    ],
)
def test_settings_that_cannot_be_used(points, options, text):
    with pytest.raises(InputError, match=text):
        diffusion_spectral_entropy(points, **options)


def test_no_points_and_no_file(tmp_path):
    with pytest.raises(InputError, match="embedding_vectors is None, which needs an eigval_save_path"):
        diffusion_spectral_entropy(None)
    with pytest.raises(InputError, match=r"None and .*absent.npz does not exist; give the points once"):
        diffusion_spectral_entropy(None, eigval_save_path=tmp_path / "absent.npz")


def test_no_points_and_a_file_of_another_sigma(tmp_path, points):
    path = tmp_path / "file.npz"
    diffusion_spectral_entropy(points, 1.0, eigval_save_path=path)
    with pytest.raises(InputError, match=r"holds eigenvalues of Walk\(sigma=1.0\), asked for Walk\(sigma=10.0\)"):
        diffusion_spectral_entropy(None, eigval_save_path=path)


def test_bad_points():
    with pytest.raises(InputError, match="embedding_vectors must hold at least 2 points"):
        diffusion_spectral_entropy(np.zeros((0, 3, 2)))
    with pytest.raises(InputError, match="embedding_vectors must be finite, got 1 NaN"):
        diffusion_spectral_entropy(np.array([[1.0], [np.nan]]))


def test_too_few_points_for_the_neighbours(points, labels):
    with pytest.raises(InputError, match=r"knn must lie in 1..60 for 60 points, got 61"):
        adjacency_spectral_entropy(points, use_knn=True, knn=61)
    with pytest.raises(InputError, match=r"knn must lie in 1..8 for 8 points, got 10; lower knn or merge small groups"):
        adjacency_spectral_mutual_information(points[:16], np.arange(16) % 2, use_knn=True)


def test_unequal_lengths(points, labels):
    with pytest.raises(InputError, match="must have one entry per point, got 59 for 60 points"):
        diffusion_spectral_mutual_information(points, labels[:59])
    with pytest.raises(InputError, match="must have one entry per point, got 59 for 60 points"):
        adjacency_spectral_mutual_information(points, points, precomputed_clusters=labels[:59])


@pytest.mark.parametrize(
    ("reference", "options", "text"),
    [
        (np.zeros((60, 2)), {"reference_discrete": True}, "needs one column of labels, got 2"),
        (np.arange(60.0), {"n_clusters": 0}, "n_clusters must be an integer of at least 1, got 0"),
        (np.arange(60), {"num_repetitions": 0}, "num_repetitions must be an integer of at least 1, got 0"),
        (None, {}, "reference_vectors must have one row per point, got None"),
        (np.r_[np.nan, np.zeros(59)], {}, "reference_vectors must be finite, got 1 NaN"),
    ],
)
def test_references_that_cannot_be_used(points, reference, options, text):
    with pytest.raises(InputError, match=text):
        diffusion_spectral_mutual_information(points, reference, **options)


def test_verbose_says_what_is_done(points, labels, capsys):
    diffusion_spectral_entropy(points, verbose=True)
    diffusion_spectral_mutual_information(points, labels, verbose=True)
    diffusion_spectral_entropy(points)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("of 60 points")
    assert lines[1].endswith("of 60 points in 4 groups")
    assert len(lines) == 2


def changed(path, **arrays):
    """The file at `path` with some of its arrays exchanged."""
    with np.load(path) as kept:
        held = {name: kept[name] for name in kept.files}
    np.savez(path, **held | arrays)


CHANGES = {
    "NaN": lambda exact: np.where(np.arange(60) == 7, np.nan, exact),
    "too few": lambda exact: exact[:9],
    "too many": lambda exact: np.r_[exact, 0.5],
    "negative": lambda exact: -exact,
    "other values": lambda exact: exact[::-1] * 1.01,
    "other type": lambda exact: exact.astype(np.float32),
    "text": lambda exact: exact.astype(str),
    "a scalar": lambda exact: np.float64(1.0),
    "nothing": lambda exact: exact[:0],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_whose_values_were_changed_is_never_computed_with(tmp_path, points, change):
    path = tmp_path / "file.npz"
    right = diffusion_spectral_entropy(points, 1.0, eigval_save_path=path)
    with np.load(path) as kept:
        exact = kept["exact"]
    changed(path, exact=CHANGES[change](exact))
    with pytest.raises(InputError, match=r"file.npz was changed, or written by an older version; give the points"):
        diffusion_spectral_entropy(None, 1.0, eigval_save_path=path)
    assert diffusion_spectral_entropy(points, 1.0, eigval_save_path=path) == right
    assert diffusion_spectral_entropy(None, 1.0, eigval_save_path=path) == right


@pytest.mark.parametrize("field", ["data", "matrix", "seal"])
def test_a_file_whose_provenance_was_changed_is_never_computed_with(tmp_path, points, field):
    path = tmp_path / "file.npz"
    right = diffusion_spectral_entropy(points, 1.0, eigval_save_path=path)
    changed(path, **{field: np.array("Walk(sigma=2.0)")})
    with pytest.raises(InputError, match="give the points"):
        diffusion_spectral_entropy(None, 2.0, eigval_save_path=path)
    assert diffusion_spectral_entropy(points, 1.0, eigval_save_path=path) == right


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that even root cannot write to")
def test_a_file_that_cannot_be_written_is_one_sentence(points):
    with pytest.raises(InputError, match=r"/proc/file.npz cannot be written \(.*\); choose another$"):
        diffusion_spectral_entropy(points, 1.0, eigval_save_path="/proc/file.npz")
