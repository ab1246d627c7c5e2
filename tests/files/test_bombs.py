"""Small files of much content: their size is known, and compared with the free memory, before they are unpacked."""

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


BOMBS = {
    "zeros.npz": lambda path: np.savez_compressed(path, z=ZEROS),
    "deflated.pt": deflated,
    "broadcast.pt": lambda path: torch.save(torch.zeros(1, dtype=torch.float64).expand(12_500, 1000), path),
    "sparse.pt": lambda path: torch.save(torch.zeros(12_500, 1000, dtype=torch.float64).to_sparse(), path),
    "repeated.parquet": repeated,
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
