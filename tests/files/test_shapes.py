"""Arrays of more axes as points, and what a file holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffspec import InputError, dse
from diffspec.cli import command
from diffspec.files.shapes import REDUCTIONS, held_in, reduced

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(40, 3, 4, 5)).astype(np.float16)
TOKENS = RNG.normal(size=(40, 7, 6))


def test_every_reduction_gives_points() -> None:
    wanted = {
        "gap": lambda values: np.stack([[channel.astype(float).mean() for channel in one] for one in values]),
        "mean": lambda values: np.stack([one.reshape(-1, one.shape[-1]).astype(float).mean(axis=0) for one in values]),
        "first": lambda values: np.stack([one[(0,) * (one.ndim - 1)] for one in values]),
        "last": lambda values: np.stack([one[(-1,) * (one.ndim - 1)] for one in values]),
        "flatten": lambda values: np.stack([one.ravel() for one in values]),
    }
    assert wanted.keys() == REDUCTIONS.keys()
    for name, by_hand in wanted.items():
        for values in (IMAGES, TOKENS):
            assert np.allclose(reduced(values, name), by_hand(values), rtol=1e-12, atol=1e-12)
    assert reduced(TOKENS, None) is TOKENS


@pytest.mark.parametrize("values", [np.zeros((5, 2)), np.zeros(5), np.zeros((0, 2, 2))])
def test_points_need_no_reduction(values: Any) -> None:
    with pytest.raises(InputError, match=r"^--reduce gap is for arrays of three axes or more, got shape \(.*; leave"):
        reduced(values, "gap")


def run(capsys: pytest.CaptureFixture[str], *given: Any) -> tuple[int, str, str]:
    code = command.run(["measure", *map(str, given)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_reduces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "images.npy", IMAGES)
    code, out, _err = run(capsys, tmp_path / "images.npy", "--reduce", "gap", "--json")
    assert (code, json.loads(out)["value"]) == (0, dse(IMAGES.mean(axis=(2, 3), dtype=float)).value)
    code, _out, err = run(capsys, tmp_path / "images.npy")
    assert code == 2
    assert "--reduce gap" in err
    np.save(tmp_path / "y.npy", np.arange(40) % 2)
    code, out, _err = run(
        capsys, tmp_path / "images.npy", "--reduce", "flatten", "--labels", tmp_path / "y.npy", "--json"
    )
    assert (code, json.loads(out)["d"]) == (0, 60)


def test_a_listing_has_the_shapes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES, tokens=TOKENS)
    (tmp_path / "b.csv").write_text("x,y\n1,2\n3,4\n5,6\n")
    found = [(one.key, one.shape, one.dtype) for one in held_in(tmp_path / "a.npz")]
    assert found == [("images", (40, 3, 4, 5), "float16"), ("tokens", (40, 7, 6), "float64")]
    code, out, _err = run(capsys, tmp_path / "a.npz", tmp_path / "b.csv", "--list")
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["file", "key", "shape", "type"],
        ["a.npz", "images", "(40,", "3,", "4,", "5)", "float16"],
        ["a.npz", "tokens", "(40,", "7,", "6)", "float64"],
        ["b.csv", "(3,", "2)", "float64"],
    ]
    assert run(capsys, tmp_path / "none.npy", "--list")[0] == 2
