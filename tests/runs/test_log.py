"""The run log: what is written is read again, whatever happened to the process or the file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from diffspec import InputError, RunLogWarning
from diffspec.runs.log import SCHEMA, RunLog, read
from effort import only


def log_with(path: Path, count: int) -> RunLog:
    log = RunLog(path)
    for step in range(count):
        log.write("scalar", run="a", step=step, name="loss", value=step / 3)
    return log


def test_reads_what_was_written(tmp_path: Path) -> None:
    log = log_with(tmp_path / "deep" / "run.jsonl", 2)
    assert read(log.path) == [
        {"kind": "scalar", "run": "a", "step": 0, "name": "loss", "value": 0.0},
        {"kind": "scalar", "run": "a", "step": 1, "name": "loss", "value": 1 / 3},
    ]
    assert [path.name for path in log.path.parent.iterdir()] == ["run.jsonl"]


def test_header_names_the_schema(tmp_path: Path) -> None:
    log = log_with(tmp_path / "run.jsonl", 0)
    header = json.loads(log.path.read_text())
    assert header["kind"] == "run-log"
    assert header["schema"] == SCHEMA


def test_an_existing_log_is_continued(tmp_path: Path) -> None:
    log_with(tmp_path / "run.jsonl", 2)
    log_with(tmp_path / "run.jsonl", 1)
    assert [record["step"] for record in read(tmp_path / "run.jsonl")] == [0, 1, 0]


def test_an_empty_file_becomes_a_log(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").touch()
    assert read(log_with(tmp_path / "run.jsonl", 0).path) == []


LAST = len(b'{"kind": "scalar", "run": "a", "step": 2, "name": "loss", "value": 0.6666666666666666}\n')


@pytest.mark.parametrize("cut", range(2, LAST))
def test_a_cut_line_is_left_out_and_then_removed(tmp_path: Path, cut: int) -> None:
    path = log_with(tmp_path / "run.jsonl", 3).path
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.warns(RunLogWarning, match="ends in the middle of a line"):
        assert [record["step"] for record in read(path)] == [0, 1]
    with pytest.warns(RunLogWarning, match="ends in the middle of a line"):
        log = RunLog(path)
    log.write("scalar", run="a", step=7, name="loss", value=0.0)
    assert [record["step"] for record in read(path)] == [0, 1, 7]


def test_a_line_that_lacks_only_its_end_is_whole(tmp_path: Path) -> None:
    path = log_with(tmp_path / "run.jsonl", 3).path
    path.write_bytes(path.read_bytes()[:-1])
    assert [record["step"] for record in read(path)] == [0, 1, 2]
    log_with(path, 1)
    assert [record["step"] for record in read(path)] == [0, 1, 2, 0]


@pytest.mark.parametrize("kept", [*range(100), -1])
def test_a_header_cut_at_any_byte_is_written_again(tmp_path: Path, kept: int) -> None:
    """A writer that is killed while it makes the log leaves nothing that the next one stumbles over."""
    path = tmp_path / "run.jsonl"
    whole = log_with(path, 0).path.read_bytes()
    path.write_bytes(whole[:kept])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunLogWarning)
        assert read(path) == []
        log_with(path, 2)
    assert [record["step"] for record in read(path)] == [0, 1]
    assert [json.loads(line)["kind"] for line in path.read_text().splitlines()] == ["run-log", "scalar", "scalar"]
    assert [found.name for found in tmp_path.iterdir()] == ["run.jsonl"]


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
@pytest.mark.parametrize("room", only([0, 1, 40], 40))
def test_a_header_that_finds_no_room_leaves_an_empty_file(tmp_path: Path, room: int) -> None:
    path = tmp_path / "run.jsonl"
    code = f"""
import resource, errno
from diffspec.runs.log import RunLog
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
try:
    RunLog({str(path)!r})
except OSError as error:
    print(error.errno in (errno.ENOSPC, errno.EFBIG), len(str(error).splitlines()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True 1\n"
    assert path.read_bytes() == b""
    log_with(path, 1)
    assert len(read(path)) == 1


@pytest.mark.thorough  # its log is that of test_a_cut_line_is_left_out_and_then_removed
def test_a_writer_killed_in_the_middle_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    code = f"""
import os, signal
from diffspec.runs import format as logformat
from diffspec.runs import log as runlog
log = runlog.RunLog({str(path)!r})
log.write("scalar", run="a", step=0, name="loss", value=0.5)
whole = logformat.encoded({{"kind": "scalar", "run": "a", "step": 1, "name": "loss", "value": 0.25}})
os.write(os.open(log.path, os.O_WRONLY | os.O_APPEND), whole[:30])
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    with pytest.warns(RunLogWarning, match="the last 30 bytes"):
        assert [record["step"] for record in read(path)] == [0]
    with pytest.warns(RunLogWarning, match="the last 30 bytes"):
        RunLog(path).write("scalar", run="a", step=2, name="loss", value=0.1)
    assert [record["step"] for record in read(path)] == [0, 2]


@pytest.mark.filterwarnings("ignore::diffspec.errors.RunLogWarning")
def test_a_writer_killed_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    code = f"""
from diffspec.runs.log import RunLog
log, values = RunLog({str(path)!r}), [0.123456789] * 20000
for step in range(10**6):
    log.write("spectrum", run="a", step=step, layer="z", rule="median", values=values)
"""
    with subprocess.Popen([sys.executable, "-c", code]) as writer:
        while not path.exists() or path.stat().st_size < 3_000_000:
            assert writer.poll() is None
            time.sleep(0.01)
        writer.kill()
    RunLog(path).write("scalar", run="a", step=-1, name="loss", value=0.0)
    steps = [record["step"] for record in read(path)]
    assert len(steps) > 5
    assert steps == [*range(len(steps) - 1), -1]


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    path = log_with(tmp_path / "run.jsonl", 1).path
    before = path.read_bytes()
    code = f"""
import resource, signal
from diffspec.runs.log import RunLog
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = RunLog({str(path)!r})
resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 20}, {len(before) + 20}))
try:
    log.write("scalar", run="a", step=1, name="loss", value=0.5)
except OSError as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "no space left for a whole record" in done.stdout
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", ["hello\n", "hello", '{"kind": "number"}\n', "[1]\n", "\x00\x01\n"])
def test_a_file_that_is_no_run_log(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(text)
    for opening in (read, RunLog, RunLog.afresh):
        with pytest.raises(InputError, match=r"notes\.txt is no run log.*give the run\.jsonl"):
            opening(path)
    assert path.read_text() == text
    assert [found.name for found in tmp_path.iterdir()] == ["notes.txt"]


def test_binary_data_and_folders_are_no_run_log(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(np.arange(100.0).tobytes())
    with pytest.raises(InputError, match="is no run log"):
        read(tmp_path / "x.npy")
    for opening in (read, RunLog, RunLog.afresh):
        with pytest.raises(InputError, match="no run log at"):
            opening(tmp_path)
    with pytest.raises(InputError, match="no run log at"):
        read(tmp_path / "absent.jsonl")
    for opening in (read, RunLog, RunLog.afresh):
        with pytest.raises(InputError, match=r"^path must be a path"):
            opening(5)  # type: ignore[operator]


def test_a_broken_line_before_the_last_is_left_out(tmp_path: Path) -> None:
    path = log_with(tmp_path / "run.jsonl", 2).path
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1][:20], lines[2]]) + "\n")
    with pytest.warns(RunLogWarning, match="1 damaged or unknown lines are left out: line 2 is no JSON object"):
        assert [record["step"] for record in read(path)] == [1]


def test_an_unknown_schema(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text('{"kind": "run-log", "schema": 99}\n')
    with pytest.raises(InputError, match=r"has schema 99, this diffspec reads 1"):
        RunLog(path)


def test_records_that_cannot_be_written(tmp_path: Path) -> None:
    log = log_with(tmp_path / "run.jsonl", 1)
    before = log.path.read_bytes()
    with pytest.raises(InputError, match="kind must be one of number, scalar"):
        log.write("numbr", value=1)
    with pytest.raises(InputError, match="plain finite values"):
        log.write("scalar", value=float("nan"))
    with pytest.raises(InputError, match="plain finite values; Object of type int64"):
        log.write("scalar", value=np.int64(1))
    with pytest.raises(InputError, match="plain finite values"):
        log.write("scalar", value=10**5000)
    nested: dict[str, object] = {}
    for _ in range(10**5):
        nested = {"a": nested}
    with pytest.raises(InputError, match="plain finite values"):
        log.write("settings", run="a", values=nested)
    assert log.path.read_bytes() == before


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"run": 3}, "a scalar that needs a text as run"),
        ({"run": None}, "a scalar that needs a text as run"),
        ({"step": "1"}, "a scalar that needs a finite number as step"),
        ({"step": True}, "a scalar that needs a finite number as step"),
        ({"value": 10**400}, "a scalar that needs a finite number as value"),
        ({"value": None}, "a scalar that needs a finite number as value"),
    ],
)
def test_what_a_reader_would_refuse_is_not_written(tmp_path: Path, fields: dict[str, object], wanted: str) -> None:
    log = log_with(tmp_path / "run.jsonl", 1)
    before = log.path.read_bytes()
    with pytest.raises(InputError, match=f"this is {wanted}; nothing was written"):
        log.write("scalar", **{"run": "a", "step": 1, "name": "loss", "value": 0.5, **fields})
    assert log.path.read_bytes() == before


def test_a_log_knows_the_last_step_and_the_settings_of_a_run(tmp_path: Path) -> None:
    log = log_with(tmp_path / "run.jsonl", 3)
    assert log.last_step("a") == 2
    assert log.last_step("b") is None
    assert log.settings("a") is None
    for rate in (0.1, 0.2):
        log.write("settings", run="a", values={"rate": rate})
    log.write("settings", run="b", values={})
    log.write("failure", run="a", step=7, layer=None, name="DSE(Z)", error="none")
    assert RunLog(log.path).settings("a") == {"rate": 0.2}
    assert RunLog(log.path).last_step("a") == 7
    assert log.last_step("b") is None


def test_a_log_knows_what_a_run_measured_first_under_its_names(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "run.jsonl")
    names = {"name": "DSE(Z)", "layer": "z", "rule": "median"}
    for run, value, other in [("b", 1.0, {}), ("a", 2.0, {"layer": "y"}), ("a", 3.0, {}), ("a", 4.0, {})]:
        log.write("number", run=run, step=0, value=value, **{**names, **other})
    assert log.first("a", **names) == 3.0
    assert log.first("a", **{**names, "rule": "knn"}) is None


def test_several_logs_are_read_as_one(tmp_path: Path) -> None:
    one, two = (log_with(tmp_path / name, 2).path for name in ("one.jsonl", "two.jsonl"))
    RunLog(two).write("scalar", run="b", step=0, name="loss", value=0.5)
    assert [(r["run"], r["step"]) for r in read(one, two)] == [
        *(("a", 0), ("a", 1), ("a (two.jsonl)", 0), ("a (two.jsonl)", 1), ("b", 0)),
    ]
    three = [log_with(tmp_path / folder / "run.jsonl", 1).path for folder in ("x", "y", "z")]
    assert [r["run"] for r in read(*three)] == ["a", "a (y/run.jsonl)", "a (z/run.jsonl)"]
    assert [r["run"] for r in read(three[0], three[0])] == ["a", "a (run.jsonl, 2)"]
    resumed = RunLog(tmp_path / "resumed.jsonl")
    resumed.write("scalar", run="a", step=2, name="loss", value=0.5)
    assert [(r["run"], r["step"]) for r in read(one, resumed.path)] == [("a", 0), ("a", 1), ("a", 2)]
    with pytest.raises(InputError, match=r"no run log at .*absent"):
        read(one, tmp_path / "absent.jsonl")


def test_a_log_stays_where_it_is_when_the_working_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    log = RunLog("run.jsonl")
    monkeypatch.chdir(tmp_path / "other")
    log.write("scalar", run="a", step=0, name="loss", value=1.0)
    assert len(read(tmp_path / "run.jsonl")) == 1
    assert not list((tmp_path / "other").iterdir())


def test_afresh_replaces_a_log(tmp_path: Path) -> None:
    path = log_with(tmp_path / "run.jsonl", 3).path
    path.write_bytes(path.read_bytes()[:-3])  # a cut line is no obstacle: it goes with the rest
    log = RunLog.afresh(path)
    log.write("scalar", run="b", step=0, name="loss", value=1.0)
    assert [record["run"] for record in read(path)] == ["b"]
    assert [found.name for found in tmp_path.iterdir()] == ["run.jsonl"]
    assert os.path.getsize(path) < 400


def test_the_header_and_the_record_after_it_are_one_write(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr("diffspec.runs.log.write_whole", lambda _file, data, *_rest, **_more: written.append(data))
    log = RunLog(tmp_path / "run.jsonl")
    log.write("scalar", run="a", step=1, name="loss", value=0.5)  # the file is still empty: nothing was written
    assert [data.count(b"\n") for data in written] == [1, 2]
    assert written[1].startswith(written[0].split(b'"created"')[0])
