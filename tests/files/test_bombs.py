"""Small files of much content: their size is known, and compared with the free memory, before they are unpacked."""

import datetime
import io
import json
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
import safetensors.numpy
import torch

from diffspec import InputError, TooLargeError
from diffspec.cli.command import run
from diffspec.errors import DiffspecError
from diffspec.files.reading import load
from diffspec.points.sources import open_source
from diffspec.released import diffusion_spectral_entropy

FREE = 10_000_000
"""Bytes that the machine of these tests has; every bomb holds ten times as much."""


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A machine of little memory, and its folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("diffspec.files.archives.free_memory", lambda _like: float(FREE))
    monkeypatch.setattr("diffspec.files.parquet.free_memory", lambda _like: float(FREE), raising=False)
    return tmp_path


ZEROS = np.zeros((12_500, 1000))


def nested(layers):
    """A list of two lists of two lists ...: a few bytes a layer, twice the entries of the one below."""
    held = [torch.zeros(2)]
    for _ in range(layers):
        held = [held, held]
    return held


def deflated(path):
    """A torch file whose members are compressed, as torch itself never writes them."""
    torch.save(torch.asarray(ZEROS), path)
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)


def repeated(path):
    column = pyarrow.array(np.zeros(12_500_000))
    pyarrow.parquet.write_table(pyarrow.table({"a": column}), path, compression="zstd")


def one_list(path):
    cells = pyarrow.ListArray.from_arrays(pyarrow.array([0, 12_500_000], pyarrow.int32()), np.zeros(12_500_000))
    pyarrow.parquet.write_table(pyarrow.table({"a": cells}), path, compression="zstd")


def wide_cells(path):
    cells = pyarrow.array([b"\0" * 100_000] * 1250, pyarrow.binary(100_000))
    pyarrow.parquet.write_table(pyarrow.table({"a": cells}), path, compression="zstd")


BOMBS = {
    "zeros.npz": lambda path: np.savez_compressed(path, z=ZEROS),
    "deflated.pt": deflated,
    "broadcast.pt": lambda path: torch.save(torch.zeros(1, dtype=torch.float64).expand(12_500, 1000), path),
    "sparse.pt": lambda path: torch.save(torch.zeros(12_500, 1000, dtype=torch.float64).to_sparse(), path),
    "repeated.parquet": repeated,
    "list.parquet": one_list,
    "wide.parquet": wide_cells,
}


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_its_size_and_not_unpacked(small, capsys, name):
    BOMBS[name](name)
    assert Path(name).stat().st_size < FREE / 10
    tracemalloc.start()
    with pytest.raises(TooLargeError, match=rf"{name} would take 0\.1 GiB and 0\.0 GiB are free"):
        load(name)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < FREE
    assert run(["measure", name]) == 2
    assert capsys.readouterr().err.count("\n") == 1


USUAL = pyarrow.default_memory_pool()
POOL = pyarrow.proxy_memory_pool(USUAL)
"""It counts what is read in one test here, and lives as long as what was."""

LONG = "x" * 1_000_000
TEXTS = {
    "equal words": (pyarrow.array([LONG] * 100), {}),
    "equal words of a category": (pyarrow.array([LONG] * 100).dictionary_encode(), {}),
    "words in lists": (pyarrow.array([[LONG]] * 100), {}),
    "words in records": (pyarrow.array([{"a": LONG, "b": k} for k in range(100)]), {}),
    "words that begin alike": (
        pyarrow.array([f"{LONG}{k}" for k in range(100)]),
        {"use_dictionary": False, "column_encoding": {"a": "DELTA_BYTE_ARRAY"}},
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_of_a_small_table_never_fills_the_memory(small, name):
    """A page of a table says a word once; equal words are held once, and what grows beyond memory is refused."""
    cells, how = TEXTS[name]
    pyarrow.parquet.write_table(pyarrow.table({"a": cells}), "text.parquet", compression="zstd", **how)
    assert Path("text.parquet").stat().st_size < FREE / 10
    pyarrow.set_memory_pool(POOL)
    tracemalloc.start()
    try:
        if name.startswith("equal"):
            words = load("text.parquet")
            assert len(words) == 100
            assert set(words) == {LONG}
        else:
            with pytest.raises(DiffspecError, match=r"text\.parquet (would take|must have lists of numbers)"):
                load("text.parquet")
    finally:
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        pyarrow.set_memory_pool(USUAL)
    assert peak + POOL.max_memory() < 3 * FREE


def test_what_text_and_lists_of_a_table_say_is_kept(small):
    columns = {
        "word": ["a", None, "b"] * 20,
        "bytes": [b"a", b"b", b"c"] * 20,
        "record": [{"q": "a", "n": 1}] * 60,
        "lists": [[[1.0, 2.0]], [[3.0, 4.0]], [[5.0, 6.0]]] * 20,
        "day": [datetime.date(2020, 1, 1)] * 60,
    }
    table = pyarrow.table({name: pyarrow.array(cells) for name, cells in columns.items()})
    for how in ({}, {"use_dictionary": False, "column_encoding": {"word": "DELTA_BYTE_ARRAY"}}):
        pyarrow.parquet.write_table(table, "mixed.parquet", row_group_size=25, **how)
        with pytest.raises(InputError, match="has 20 missing values in column 'word', the first in row 1"):
            load("mixed.parquet", key="word")
        assert load("mixed.parquet", key="bytes").tolist() == ["b'a'", "b'b'", "b'c'"] * 20
        assert load("mixed.parquet", key="record").tolist() == ["{'q': 'a', 'n': 1}"] * 60
        assert load("mixed.parquet", key="lists").shape == (60, 1, 2)
        assert load("mixed.parquet", key="day").tolist() == ["2020-01-01"] * 60


def test_an_eigenvalue_file_can_be_a_bomb_too(small):
    np.savez_compressed("file.npz", eigvals=np.zeros(3, dtype=np.float16), exact=ZEROS)
    with pytest.raises(InputError, match=r"file\.npz is no file of eigenvalues \(file\.npz would take 0\.1 GiB"):
        diffusion_spectral_entropy(None, eigval_save_path="file.npz")


def header(shape, dtype="<f8"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue()


SHAPES = [(10**9, 10**9), (10**30, 2), (-1, 5), (2**62, 4), (3, 5), (1, 1), (10**6, 0)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_a_header_that_promises_what_is_not_there_is_one_line(small, capsys, shape, suffix):
    content = header(shape) + np.ones(8).tobytes()
    path = Path(f"lie{suffix}")
    if suffix == ".npy":
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("z.npy", content)
    tracemalloc.start()
    code = run(["measure", str(path)])
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert code == 2
    err = capsys.readouterr().err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert peak < FREE


def test_nested_lists_and_lists_that_hold_themselves_are_walked_once(small):
    torch.save(nested(60), "many.pt")
    np.testing.assert_array_equal(load("many.pt"), np.zeros(2))
    own = {"z": torch.ones(3, 2)}
    own["self"] = own
    torch.save(own, "own.pt")
    np.testing.assert_array_equal(load("own.pt"), np.ones((3, 2)))


def test_one_long_word_does_not_make_every_word_long(small):
    """NumPy's text is as wide as its widest word: 5000 labels beside one of 100,000 letters would take 2 GB."""
    words = ["a", "b"] * 2500 + ["x" * 100_000]
    pd.DataFrame({"label": words}).to_csv("labels.csv", index=False)
    pd.DataFrame({"label": words}).to_parquet("labels.parquet")
    for name in ("labels.csv", "labels.parquet"):
        tracemalloc.start()
        assert load(name).tolist() == words
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < FREE


def test_what_fits_is_read(small):
    points = np.random.default_rng(0).normal(size=(50, 3))
    np.savez_compressed("points.npz", z=points)
    safetensors.numpy.save_file({"z": points}, "points.safetensors")
    torch.save(torch.asarray(points), "points.pt")
    pd.DataFrame(points).rename(columns=str).to_parquet("points.parquet")
    for suffix in ("npz", "safetensors", "pt", "parquet"):
        np.testing.assert_array_equal(load(f"points.{suffix}"), points)


def zarr_folder(shape, chunks):
    """A zarr array of zeros of which one chunk is there."""
    zarr = pytest.importorskip("zarr")
    array = zarr.create_array("z.zarr", shape=(20, 3), chunks=(10, 3), dtype="f8", config={"write_empty_chunks": True})
    array[:] = 0.0
    about = json.loads(Path("z.zarr/zarr.json").read_text())
    about["shape"] = shape
    about["chunk_grid"]["configuration"]["chunk_shape"] = chunks
    Path("z.zarr/zarr.json").write_text(json.dumps(about))
    return "z.zarr"


@pytest.mark.parametrize(
    ("shape", "chunks", "error", "match"),
    [
        ([10**6, 1000], [10**6, 1000], TooLargeError, r"one chunk of .* would take 7\.5 GiB"),
        ([10**12, 3], [1, 3], InputError, r"lacks chunks, the first is 'c/2/0'"),
    ],
)
def test_a_zarr_array_that_says_it_is_huge_is_refused_at_once(small, monkeypatch, shape, chunks, error, match):
    monkeypatch.setattr("diffspec.points.sources.free_memory", lambda _like: float(FREE))
    with pytest.raises(error, match=match):
        open_source(zarr_folder(shape, chunks))
