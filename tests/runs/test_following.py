"""A log that is read while it is written: torn lines, logs begun anew, and files that are none."""

import json
import os
import random

import pytest

from diffspec import InputError
from diffspec.runs.following import Follower
from diffspec.runs.log import RunLog, read


def written(log, *steps):
    for step in steps:
        log.write("scalar", run="a", step=step, name="loss", value=0.5)


def steps(follower):
    return [record["step"] for record in follower.records]


def test_a_log_that_is_not_there_yet_is_waited_for(tmp_path):
    follower = Follower(tmp_path / "run.jsonl")
    assert (follower.more(), follower.written) == (False, None)
    written(RunLog(follower.path), 0, 1)
    assert (follower.more(), steps(follower)) == (True, [0, 1])
    assert follower.written == os.stat(follower.path).st_mtime
    assert not follower.more()


def test_only_whole_lines_are_taken(tmp_path):
    log = RunLog(tmp_path / "run.jsonl")
    written(log, 0, 1)
    data, follower = log.path.read_bytes(), Follower(log.path)
    for end in range(len(data) + 1):  # as a reader may find it, byte by byte
        log.path.write_bytes(data[:end])
        follower.more()
        assert steps(follower) == [0, 1][: data[:end].count(b"\n") - 1 if b"\n" in data[:end] else 0]
    assert follower.lost == 0


def test_what_is_read_in_parts_is_what_is_read_at_once(tmp_path):
    log = RunLog(tmp_path / "run.jsonl")
    written(log, *range(40))
    with log.path.open("ab") as file:
        file.write(b"damaged\n" + b'{"kind": "unknown"}\n')
    written(log, *range(40, 60))
    data, part = log.path.read_bytes(), tmp_path / "part.jsonl"
    follower, draw = Follower(part), random.Random(0)
    ends = sorted(draw.sample(range(len(data)), 12))
    for start, stop in zip([0, *ends], [*ends, len(data)], strict=True):
        with part.open("ab") as file:
            file.write(data[start:stop])
        follower.more()
    assert follower.lost == 2
    with pytest.warns(match="2 damaged or unknown lines"):
        assert follower.records == read(log.path)


@pytest.mark.parametrize("longer", [False, True])
def test_a_log_that_is_begun_anew_is_read_from_its_start(tmp_path, longer):
    log = RunLog(tmp_path / "run.jsonl")
    written(log, 0, 1, 2)
    follower = Follower(log.path)
    follower.more()
    fresh = RunLog.afresh(log.path)
    written(fresh, *range(7, 27 if longer else 8))
    assert follower.more()
    assert steps(follower) == list(range(7, 27 if longer else 8))
    os.truncate(log.path, 0)
    assert follower.more()
    assert steps(follower) == []


def test_a_log_that_is_deleted_or_replaced_is_forgotten(tmp_path):
    log = RunLog(tmp_path / "run.jsonl")
    written(log, 0, 1)
    follower = Follower(log.path)
    follower.more()
    log.path.unlink()
    assert follower.more()
    assert (follower.records, follower.written, follower.more()) == ([], None, False)
    written(RunLog(log.path), 5)
    follower.more()
    assert steps(follower) == [5]


@pytest.mark.parametrize("text", ["one line\nand another\n", '{"kind": "run-log", "schema": 99}\n{"a": 1}\n'])
def test_a_file_that_is_no_log_is_one_line(tmp_path, text):
    (tmp_path / "notes.txt").write_text(text)
    with pytest.raises(InputError, match=r"is no run log; give the run.jsonl|has schema 99, this diffspec reads 1"):
        Follower(tmp_path / "notes.txt").more()
    with pytest.raises(InputError, match="it is no ordinary file"):
        Follower(tmp_path).more()


def test_lines_under_a_header_of_another_version_are_lost(tmp_path):
    log = RunLog(tmp_path / "run.jsonl")
    written(log, 0)
    follower = Follower(log.path)
    follower.more()
    line = json.dumps({"kind": "scalar", "run": "a", "step": 1, "name": "loss", "value": 1.0})
    for more in ('{"kind": "run-log", "schema": 99}', line, line):
        with log.path.open("a") as file:
            file.write(more + "\n")
        follower.more()
    assert (steps(follower), follower.lost) == ([0], 2)
