"""Every command on every odd file: the right value, or one line of our own and code 2."""

import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
import torch

import diffspec
from diffspec.cli.command import run
from diffspec.files.reading import SUFFIXES
from diffspec.runs.log import RunLog
from effort import only

POINTS = np.random.default_rng(0).normal(size=(40, 3)).round(6)
LABELS = np.arange(40) % 4


def saved(write):
    """What `write` puts into a file."""
    stream = io.BytesIO()
    write(stream)
    return stream.getvalue()


def content(suffix, values):
    """`values` as the bytes of a file of that type."""
    if suffix in (".csv", ".tsv", ".txt", ".parquet"):
        table = pd.DataFrame(values).rename(columns=lambda k: f"f{k}")
    return {
        ".npy": lambda: saved(lambda s: np.save(s, values)),
        ".npz": lambda: saved(lambda s: np.savez(s, z=values)),
        ".csv": lambda: table.to_csv(index=False).encode(),
        ".tsv": lambda: table.to_csv(index=False, sep="\t").encode(),
        ".txt": lambda: table.to_csv(index=False, sep=" ").encode(),
        ".parquet": lambda: saved(table.to_parquet),
        ".safetensors": lambda: safetensors.numpy.save({"z": values}),
        ".pt": lambda: saved(lambda s: torch.save(torch.asarray(values), s)),
        ".pth": lambda: saved(lambda s: torch.save({"z": torch.asarray(values)}, s)),
    }[suffix]()


def with_value(value):
    changed = POINTS.copy()
    changed[7, 1] = value
    return changed


BYTES = {
    "empty": b"",
    "one zero byte": b"\0",
    "zero bytes": b"\0" * 5000,
    "words": b"no data at all, only words\nand more of them\n",
    "random": np.random.default_rng(1).bytes(3000),
    "UTF-16": "a,b\n1,2\n".encode("utf-16"),
    "an open quote": b'a,b\n1,"2\n3,4\n',
    "a brace": b"{",
    "zip magic": b"PK\x03\x04" + b"\0" * 60,
    "npy magic": b"\x93NUMPY\x01\x00",
    "parquet magic": b"PAR1" + b"\xff" * 30 + b"PAR1",
    "a long header": b"\xff" * 8 + b"{}",
    "a pickle": b"cos\nsystem\n(S'touch harm'\ntR.",
}

ARRAYS = {
    "NaN": with_value(np.nan),
    "infinity": with_value(np.inf),
    "huge": with_value(1e308),
    "one row": POINTS[:1],
    "no rows": POINTS[:0],
    "equal": np.ones((40, 3)),
    "integers": (POINTS * 100).astype(np.int64),
    "booleans": POINTS > 0,
    "one column": POINTS[:, :1],
    "labels": LABELS,
    "float32": POINTS.astype(np.float32),
    "half": POINTS.astype(np.float16),
    "complex": POINTS + 0j,
}

ONLY_NUMPY = {
    "scalar": np.float64(3.0),
    "three axes": POINTS.reshape(40, 3, 1),
    "objects": np.array([[1, "a"], [None, {}]], dtype=object),
    "structured": np.array([(1, 2.0)] * 40, dtype=[("a", int), ("b", float)]),
    "text": np.array(["a", "b"] * 20),
    "bytes": np.array([b"a", b"b"] * 20),
    "dates": np.arange(40).astype("M8[D]"),
    "durations": np.arange(40).astype("m8[s]"),
    "no dimension": np.zeros((40, 0)),
    "strange integers": np.arange(40, dtype=">u8")[:, None],
    "long doubles": POINTS.astype(np.longdouble),
}


def odd_files(suffix):
    """Name to content of all odd files of one type."""
    files = dict(BYTES)
    for name, values in ARRAYS.items():
        if name == "complex" and suffix in (".parquet", ".safetensors"):
            continue
        files[name] = content(suffix, values)
    if suffix in (".npy", ".npz"):
        files |= {name: content(suffix, np.asarray(values)) for name, values in ONLY_NUMPY.items()}
    good = content(suffix, POINTS)
    files |= {f"cut at {share}": good[: int(share * len(good))] for share in (0.01, 0.1, 0.3, 0.5, 0.8, 0.95, 0.999)}
    files |= {f"flipped at {share}": flipped(good, share) for share in (0.0, 0.02, 0.3, 0.6, 0.9, 0.99)}
    return files | {f"a {other}": content(other, POINTS) for other in SUFFIXES if other != suffix}


def flipped(good, share):
    changed = bytearray(good)
    at = int(share * (len(good) - 8))
    changed[at : at + 8] = bytes(255 - byte for byte in changed[at : at + 8])
    return bytes(changed)


def assert_value_or_line(code, out, err, what):
    """Code 0 and finite numbers, or code 2 and one line; notes and warnings of our own may stand before."""
    lines = [line for line in err.splitlines() if not line.startswith(("Note: ", "Warning: "))]
    if code == 0:
        assert lines == [], what
        for line in out.splitlines():
            assert math.isfinite(json.loads(line)["value"]), what
        return
    assert code == 2, what
    assert out == "", what
    assert len(lines) == 1, (what, err)
    assert lines[0].startswith("Error: "), what
    assert not any(word in lines[0] for word in ("Traceback", "object at 0x", "<class")), (what, err)


CHECKED = (".npz", ".pt", ".pth")
"""Types that hold checksums, so that damage can be told from data."""

ROLES = {
    "points": ["measure", "{odd}"],
    "labels": ["measure", "good.npy", "--labels", "{odd}"],
    "reference": ["measure", "good.npy", "--reference", "{odd}", "--clusters", "3"],
    "both": ["measure", "{odd}", "--labels-column", "f1"],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("role", ROLES)
def test_an_odd_file_gives_a_value_or_one_line(tmp_path, monkeypatch, capsys, suffix, role):
    monkeypatch.chdir(tmp_path)
    np.save("good.npy", POINTS)
    Path("odd").mkdir()
    for name, held in odd_files(suffix).items():
        path = Path("odd") / f"{name.replace('.', '-').replace(' ', '-')}{suffix}"
        path.write_bytes(held)
        code = run([*(argument.format(odd=path) for argument in ROLES[role]), "--json"])
        out, err = capsys.readouterr()
        assert_value_or_line(code, out, err, f"{role}: {name} in {suffix}")
        if code == 0 and role == "points" and name.startswith("flipped") and suffix in CHECKED:
            assert json.loads(out)["value"] == pytest.approx(diffspec.dse(POINTS).value), f"{name} in {suffix}"
    assert not Path("harm").exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("role", ROLES)
def test_what_is_no_file_is_one_line(tmp_path, monkeypatch, capsys, suffix, role):
    monkeypatch.chdir(tmp_path)
    np.save("good.npy", POINTS)
    Path(f"folder{suffix}").mkdir()
    Path(f"loop{suffix}").symlink_to(f"loop{suffix}")
    Path(f"dangling{suffix}").symlink_to("nowhere")
    os.mkfifo(f"pipe{suffix}")
    for name in ("none", "folder", "loop", "dangling", "pipe", "good.npy/inside", "n" * 300):
        code = run([argument.format(odd=f"{name}{suffix}") for argument in ROLES[role]])
        out, err = capsys.readouterr()
        assert code == 2, name
        assert_value_or_line(code, out, err, name)


ODD_LOGS = {**BYTES, "a list": b"[]\n", "no header": b'{"kind": "number"}\n', "an old schema": b'{"kind": "run-log"}\n'}


@pytest.mark.filterwarnings("ignore::diffspec.errors.RunLogWarning")
@pytest.mark.parametrize("name", ODD_LOGS)
def test_an_odd_log_is_one_line_and_an_older_report_is_kept(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    Path("run.jsonl").write_bytes(ODD_LOGS[name])
    Path("report.html").write_text("older")
    assert_value_or_line(run(["report", "run.jsonl"]), *capsys.readouterr(), name)
    assert Path("report.html").read_text() == "older"


def test_a_log_that_is_no_file_and_outputs_that_cannot_be(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    RunLog("run.jsonl").write("number", run="a", step=0, layer="z", name="DSE(Z)", value=1.0, unit="bit", n=9)
    Path("folder").mkdir()
    os.mkfifo("pipe")
    for arguments in (
        ["report", "folder"],
        ["report", "none.jsonl"],
        ["report", "pipe"],
        ["report", "n" * 300],
        ["report", "run.jsonl", "-o", "folder"],
        ["report", "run.jsonl", "-o", "run.jsonl/inside.html"],
        ["report", "run.jsonl", "-o", "/proc/report.html"],
        ["report", "run.jsonl", "-o", "n" * 300],
        ["demo", "--smoke", "--folder", "run.jsonl"],
        ["demo", "--smoke", "--folder", "run.jsonl/inside"],
        ["demo", "--smoke", "--folder", "/proc/demo"],
    ):
        code = run(arguments)
        assert code == 2, arguments
        assert_value_or_line(code, *capsys.readouterr(), arguments)


PROCESSES = {
    "objects.npy": lambda: np.save("objects.npy", np.array([None, {}], dtype=object)),
    "cut.parquet": lambda: Path("cut.parquet").write_bytes(content(".parquet", POINTS)[:-20]),
    "cut.safetensors": lambda: Path("cut.safetensors").write_bytes(content(".safetensors", POINTS)[:-20]),
    "gap.csv": lambda: Path("gap.csv").write_bytes(content(".csv", ARRAYS["NaN"])),
    "words.txt": lambda: Path("words.txt").write_bytes(BYTES["words"]),
}


@pytest.mark.parametrize("name", only(PROCESSES, "gap.csv"))
def test_in_a_process_of_its_own_too(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    PROCESSES[name]()
    done = subprocess.run(
        [sys.executable, "-m", "diffspec", "measure", name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert_value_or_line(done.returncode, done.stdout, done.stderr, name)
    assert done.stderr.count("\n") == 1
