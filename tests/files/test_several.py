"""Files, folders and arrays of one file as sources with short names."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from diffspec import InputError
from diffspec.files.several import arrays_in, sources


@pytest.fixture
def folder(tmp_path):
    arrays = {"layer1": np.eye(4), "layer2": np.eye(4), "labels": np.arange(4)}
    np.savez(tmp_path / "all.npz", **arrays)
    safetensors.numpy.save_file(arrays, tmp_path / "all.safetensors")
    torch.save({name: torch.asarray(array) for name, array in arrays.items()}, tmp_path / "all.pt")
    np.save(tmp_path / "one.npy", np.eye(4))
    (tmp_path / "notes.md").write_text("nothing")
    return tmp_path


def found(*given, **options):
    return [(each.name, each.source.path.name, each.source.key) for each in sources(*given, **options)]


@pytest.mark.parametrize("ending", ["npz", "safetensors", "pt"])
def test_arrays_of_one_file_go_by_their_own_names(folder, ending):
    path = folder / f"all.{ending}"
    assert sorted(arrays_in(path)) == ["labels", "layer1", "layer2"]
    assert sorted(found([path], ["layer*"])) == [(name, path.name, name) for name in ("layer1", "layer2")]
    assert sorted(found([path], every=True, without=["labels"])) == sorted(found([path], ["layer*"]))
    assert found([path]) == [("all", path.name, None)]  # its reader says that one has to be chosen
    with pytest.raises(InputError, match=r"has no key 'x\*'; it has"):
        sources([path], ["x*"])


def test_files_of_one_array_go_by_their_own_names_and_folders_are_read(folder):
    assert found([folder / "one.npy"], every=True) == [("one", "one.npy", None)]
    names = [name for name, _file, _key in found([folder], ["layer1"], every=True)]
    assert names == ["all.npz", "all.pt", "all.safetensors", "one"]
    names = [name for name, _file, _key in found([folder], ["layer*"], every=True)]
    assert names[:2] == ["all.npz:layer1", "all.npz:layer2"]
    two = [folder / "one.npy", folder / "all.npz"]
    assert [name for name, *_rest in found(two, ["layer1"], every=True)] == ["one", "all"]


def test_files_of_one_name_in_several_folders_are_told_apart(folder):
    for where in ("a/x", "b/x", "b/y"):
        (folder / where).mkdir(parents=True)
        np.save(folder / where / "emb.npy", np.eye(4))
        np.savez(folder / where / "all.npz", layer1=np.eye(4), layer2=np.eye(4))
    files = [folder / where / "emb.npy" for where in ("a/x", "b/x", "b/y")]
    assert [name for name, *_rest in found(files)] == ["a/x/emb.npy", "b/x/emb.npy", "y/emb.npy"]
    assert [name for name, *_rest in found(files[1:])] == ["x/emb.npy", "y/emb.npy"]
    assert [name for name, *_rest in found([folder / "b/x", folder / "b/y"], every=True)] == [
        "x/all.npz:layer1",
        "x/all.npz:layer2",
        "x/emb.npy",
        "y/all.npz:layer1",
        "y/all.npz:layer2",
        "y/emb.npy",
    ]
    assert [name for name, *_rest in found([files[0], files[0]])] == ["emb.npy", "emb.npy"]


def test_what_is_not_there_is_said(folder, tmp_path):
    assert found([Path("nothing.npz")], every=True) == [("nothing", "nothing.npz", None)]  # its reader says so
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is a directory without files of a known type"):
        sources([tmp_path / "empty"])
