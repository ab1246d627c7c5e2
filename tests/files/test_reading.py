"""Every file type gives back what was written, and every broken file one clear sentence."""

import builtins
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
import safetensors.torch
import torch

from diffspec import InputError, MissingExtraError
from diffspec.files.reading import SUFFIXES, load


def write(path, points):
    """`points` in the type that the suffix of `path` says."""
    table = pd.DataFrame(points, columns=[f"f{k}" for k in range(points.shape[1])])
    writers = {
        ".npy": lambda: np.save(path, points),
        ".npz": lambda: np.savez(path, z=points),
        ".csv": lambda: table.to_csv(path, index=False),
        ".tsv": lambda: table.to_csv(path, index=False, sep="\t"),
        ".txt": lambda: np.savetxt(path, points),
        ".parquet": lambda: table.to_parquet(path),
        ".safetensors": lambda: safetensors.numpy.save_file({"z": points}, path),
        ".pt": lambda: torch.save(torch.asarray(points), path),
        ".pth": lambda: torch.save({"z": torch.asarray(points), "step": 3}, path),
    }
    writers[path.suffix]()
    return path


@pytest.fixture
def points(rng):
    return rng.normal(size=(30, 4))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_type_gives_back_the_array(tmp_path, points, suffix):
    np.testing.assert_array_equal(load(write(tmp_path / f"points{suffix}", points)), points)


def test_npy_is_mapped_and_not_read(tmp_path, points):
    loaded = load(write(tmp_path / "points.npy", points))
    assert isinstance(loaded, np.memmap)
    assert not loaded.flags.writeable


def test_suffix_in_capitals(tmp_path, points):
    write(tmp_path / "points.npy", points).rename(tmp_path / "POINTS.NPY")
    np.testing.assert_array_equal(load(tmp_path / "POINTS.NPY"), points)


def test_bfloat16_is_widened(tmp_path, points):
    half = torch.asarray(points).bfloat16()
    safetensors.torch.save_file({"z": half}, tmp_path / "half.safetensors")
    torch.save(half, tmp_path / "half.pt")
    for name in ("half.safetensors", "half.pt"):
        loaded = load(tmp_path / name)
        assert loaded.dtype == np.float32
        np.testing.assert_array_equal(loaded, half.float().numpy())


def save_two(path, points):
    arrays = {"z": points, "other": 2 * points}
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".safetensors":
        safetensors.numpy.save_file(arrays, path)
    else:
        torch.save({name: torch.asarray(array) for name, array in arrays.items()}, path)
    return path


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".pt"])
def test_key_chooses_among_arrays(tmp_path, points, suffix):
    path = save_two(tmp_path / f"two{suffix}", points)
    np.testing.assert_array_equal(load(path, key="other"), 2 * points)
    with pytest.raises(InputError, match=r"holds 2 arrays; choose one by its key: (z, other|other, z)$"):
        load(path)
    with pytest.raises(InputError, match=r"has no key 'q'; it has (z, other|other, z)$"):
        load(path, key="q")


@pytest.mark.parametrize("suffix", [".npy", ".pt"])
def test_key_is_refused_where_there_are_no_names(tmp_path, points, suffix):
    with pytest.raises(InputError, match="single array without a name; leave the key 'z' out"):
        load(write(tmp_path / f"points{suffix}", points), key="z")


def test_column_of_a_table(tmp_path, points):
    pd.DataFrame({"embedding": list(points), "label": ["a", "b"] * 15}).to_parquet(tmp_path / "table.parquet")
    np.testing.assert_array_equal(load(tmp_path / "table.parquet", key="embedding"), points)
    assert load(tmp_path / "table.parquet", key="label").tolist() == ["a", "b"] * 15
    with pytest.warns(UserWarning, match=r"these columns are left out: 'label' \(text\)$"):
        np.testing.assert_array_equal(load(tmp_path / "table.parquet"), points)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,2\n3,4\n5,6\n", [[1, 2], [3, 4], [5, 6]]),
        ("a,b\n3,4\n5,6\n", [[3, 4], [5, 6]]),
        ("0,1\n3,4\n5,6\n", [[3, 4], [5, 6]]),  # pandas' own column names
        ("a, b\n3, 4\n5, 6\n", [[3, 4], [5, 6]]),
        ("0\n1\n1\n", [[0], [1], [1]]),
        ("y\n1\n1\n", [[1], [1]]),
        ("cat\ndog\ncat\n", ["cat", "dog", "cat"]),
        ("label\ncat\nNA\nNone\n", ["cat", "NA", "None"]),
        ("True\nFalse\nTrue\n", [[True], [False], [True]]),
    ],
)
def test_header_is_found(tmp_path, text, expected):
    (tmp_path / "table.csv").write_text(text)
    assert load(tmp_path / "table.csv").tolist() == expected


def test_spaces_after_commas_do_not_count(tmp_path):
    (tmp_path / "table.csv").write_text("a, b\n1, x\n2, y\n")
    assert load(tmp_path / "table.csv", key="b").tolist() == ["x", "y"]


def test_header_can_be_said(tmp_path):
    (tmp_path / "table.csv").write_text("0,1\n2,3\n")
    assert load(tmp_path / "table.csv", header=False).tolist() == [[0, 1], [2, 3]]
    (tmp_path / "labels.csv").write_text("cat\ncat\ndog\n")
    assert load(tmp_path / "labels.csv", header=True).tolist() == ["cat", "dog"]


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("empty.npy", b"", r"is empty \(0 bytes\)"),
        ("points.xyz", b"1", r"unknown type '.xyz'; give one of .npy, .npz, .csv"),
        ("words.npy", b"no array at all", "is no readable .npy file .*magic string"),
        ("words.npz", b"no archive at all", r"is no .npz file \(not a zip archive\)"),
        ("words.parquet", b"no parquet at all", "is no readable .parquet file"),
        ("words.safetensors", b"no tensors at all", "is no readable .safetensors file"),
        ("words.pt", b"no torch file at all", "is no torch file of plain tensors"),
        ("ragged.csv", b"1,2\n3,4,5\n", "has 3 fields in line 2 and 2 in the first, separated by ','"),
        ("bytes.csv", b"\xff\xfe\x00\n\x01", "is no readable .csv file"),
        ("lines.csv", b"\n\n", "is no readable .csv file"),
        (
            "gaps.csv",
            b'y\ncat\n""\ndog\n',
            r"has 1 missing values in column 'y', the first in row 1 \(counted from 0\)",
        ),
    ],
)
def test_broken_files(tmp_path, name, content, match):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=match):
        load(tmp_path / name)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet", ".safetensors", ".pt"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_files_cut_off(tmp_path, points, suffix, share):
    path = write(tmp_path / f"points{suffix}", points)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=rf"points{suffix} is no (readable )?(\{suffix}|torch) file"):
        load(path)


def test_no_file_and_a_directory(tmp_path):
    with pytest.raises(InputError, match=r"there is no file .*none\.npy; check the path"):
        load(tmp_path / "none.npy")
    with pytest.raises(InputError, match="path must be a path without zero bytes, got 'a"):
        load("a\0b.npy")
    with pytest.raises(InputError, match=r"cannot be looked up .*surrogates not allowed"):
        load("\ud800.npy")
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(InputError, match=r"folder.npy is a directory; give one of the files in it"):
        load(tmp_path / "folder.npy")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InputError, match=r"pipe\.csv is a pipe or device"):
        load(tmp_path / "pipe.csv")


class Dangerous:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (builtins.open, (str(self.path), "w"))


def test_nothing_pickled_is_run(tmp_path):
    held = np.array([Dangerous(tmp_path / "harm"), None], dtype=object)
    np.save(tmp_path / "objects.npy", held)
    np.savez(tmp_path / "objects.npz", z=held)
    torch.save(Dangerous(tmp_path / "harm"), tmp_path / "objects.pt")
    for suffix in (".npy", ".npz"):
        with pytest.raises(InputError, match="holds pickled Python objects, which could run code"):
            load(tmp_path / f"objects{suffix}")
    with pytest.raises(InputError, match="no torch file of plain tensors"):
        load(tmp_path / "objects.pt")
    assert not (tmp_path / "harm").exists()


def test_torch_files_without_tensors(tmp_path):
    for name, held in {"list": [1, 2], "dict": {"step": 1, "more": {"a": [None]}}, "int": 3}.items():
        torch.save(held, tmp_path / f"{name}.pt")
        with pytest.raises(InputError, match=f"holds a {name} without tensors; expected a tensor, or a dictionary"):
            load(tmp_path / f"{name}.pt")


@pytest.mark.parametrize(("suffix", "extra"), [(".parquet", "files"), (".safetensors", "files"), (".pt", "torch")])
def test_missing_packages(tmp_path, points, monkeypatch, suffix, extra):
    path = write(Path(tmp_path) / f"points{suffix}", points)
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] in ("pyarrow", "pandas", "safetensors", "torch"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=rf"reading {suffix} files needs packages .*diffspec\[{extra}\]"):
        load(path)


NESTED = {
    "epoch": 3,
    "model": {"conv.weight": torch.ones(3, 2), "head": {"bias": torch.zeros(4)}},
    0: torch.full((5, 2), 7.0),
    "layers": [torch.ones(2, 2), (torch.zeros(1), "text")],
}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("model.conv.weight", torch.ones(3, 2)),
        ("model.head.bias", torch.zeros(4)),
        ("0", torch.full((5, 2), 7.0)),
        ("layers.0", torch.ones(2, 2)),
        ("layers.1.0", torch.zeros(1)),
    ],
)
def test_tensors_are_found_however_they_are_nested(tmp_path, key, expected):
    torch.save(NESTED, tmp_path / "nested.pt")
    np.testing.assert_array_equal(load(tmp_path / "nested.pt", key=key), expected.numpy())
    for wrong in (None, "model", "1"):
        with pytest.raises(InputError, match=r"model\.conv\.weight, model\.head\.bias, 0, layers\.0, layers\.1\.0$"):
            load(tmp_path / "nested.pt", key=wrong)


def test_two_tensors_of_one_name_are_refused(tmp_path):
    for held in ({0: torch.ones(2), "0": torch.zeros(2)}, {"a.b": torch.ones(2), "a": {"b": torch.zeros(2)}}):
        torch.save(held, tmp_path / "same.pt")
        with pytest.raises(InputError, match=r"holds two tensors that would both be called '(0|a\.b)'; rename one"):
            load(tmp_path / "same.pt", key="0")


def test_integer_keys_are_chosen_by_their_digits(tmp_path):
    torch.save({0: torch.ones(3, 2), 1: torch.zeros(3)}, tmp_path / "layers.pt")
    np.testing.assert_array_equal(load(tmp_path / "layers.pt", key="1"), np.zeros(3))


@pytest.mark.parametrize("kind", ["float8_e4m3fn", "float8_e5m2", "bfloat16"])
def test_small_floats_are_widened(tmp_path, kind):
    small = torch.tensor([[1.5, -2.0], [0.25, 4.0]]).to(getattr(torch, kind))
    torch.save(small, tmp_path / "small.pt")
    safetensors.torch.save_file({"z": small}, tmp_path / "small.safetensors")
    for name in ("small.pt", "small.safetensors"):
        assert load(tmp_path / name).dtype == np.float32
        np.testing.assert_array_equal(load(tmp_path / name), small.float().numpy())


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch: quantised tensors are deprecated
def test_quantised_tensors_are_their_values(tmp_path):
    quantised = torch.quantize_per_tensor(torch.tensor([[1.5, -2.0], [0.25, 4.0]]), 0.25, 0, torch.qint8)
    torch.save(quantised, tmp_path / "small.pt")
    np.testing.assert_array_equal(load(tmp_path / "small.pt"), [[1.5, -2.0], [0.25, 4.0]])


def test_a_file_that_must_not_be_read_is_one_sentence(tmp_path, points, monkeypatch):
    path = write(tmp_path / "points.npy", points)

    def closed(*_arguments, **_more):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(InputError, match=r"points\.npy cannot be read \(Permission denied\); change its permissions"):
        load(path)
