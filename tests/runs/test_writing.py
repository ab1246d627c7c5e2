"""Records that cannot be written wait, as many bytes as are allowed, and what is beyond is counted."""

from __future__ import annotations

import gc
import warnings
from pathlib import Path
from typing import Any

import pytest

from diffspec.errors import InputError, RunLogWarning
from diffspec.runs import writing
from diffspec.runs.format import encoded
from diffspec.runs.log import RunLog, read
from diffspec.runs.writing import Writer


class Failing(RunLog):
    """A log whose disk is full while it is told so."""

    full = False

    def write(self, kind: str, **fields: Any) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        super().write(kind, **fields)


def scalar(writer: Writer, step: int) -> None:
    writer.write("scalar", step=step, name="loss", value=0.5)


@pytest.mark.parametrize("spare", [0, -1])
def test_as_many_bytes_wait_as_are_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spare: int) -> None:
    size = len(encoded({"kind": "scalar", "run": "a", "step": 0, "name": "loss", "value": 0.5}))
    monkeypatch.setattr(writing, "MOST", 3 * size + spare)
    log = Failing(tmp_path / "run.jsonl")
    writer = Writer(log, "a", strict=False)
    for start in (0, 5):  # the second outage begins with as much room as the first
        log.full = True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RunLogWarning)
            for step in range(start, start + 4):
                scalar(writer, step)
        log.full = False
        writer.retry()
        scalar(writer, start + 4)  # when it works again nothing new is lost
    kept = 3 + spare
    steps = [record["step"] for record in read(log.path) if record["kind"] == "scalar"]
    assert steps == [*range(kept), 4, *range(5, 5 + kept), 9]
    failures = [record for record in read(log.path) if record["kind"] == "failure"]
    text = f"{4 - kept} records could not be written, and memory for them was full"
    assert [(record["step"], record["name"], record["error"]) for record in failures] == [
        (step, "run log", text) for step in (4, 9)
    ]


def test_a_record_that_no_reader_could_use_is_refused_and_does_not_wait(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "run.jsonl")
    writer = Writer(log, "a", strict=False)
    with pytest.raises(InputError, match="needs a text as name; nothing was written"):
        writer.write("scalar", step=0, value=0.5)
    with pytest.raises(InputError, match="a scalar record must hold plain finite values"):
        writer.write("scalar", step=0, name="loss", value=float("nan"))
    scalar(writer, 1)
    assert [record["step"] for record in read(log.path)] == [1]


def test_when_what_waits_could_be_written_at_the_end_later_records_do_not_wait(tmp_path: Path) -> None:
    log = Failing(tmp_path / "run.jsonl")
    writer = Writer(log, "a", strict=False)
    log.full = True
    with pytest.warns(RunLogWarning):
        scalar(writer, 0)
    log.full = False
    writer.finish()
    scalar(writer, 1)
    assert [record["step"] for record in read(log.path)] == [0, 1]


def test_what_waits_when_the_writer_goes_is_tried_once_more(tmp_path: Path) -> None:
    log = Failing(tmp_path / "run.jsonl")
    log.full = True
    writer = Writer(log, "a", strict=False)
    with pytest.warns(RunLogWarning):
        scalar(writer, 0)
    log.full = False
    del writer
    gc.collect()
    assert [record["step"] for record in read(log.path)] == [0]


def test_how_much_waits_is_told(tmp_path: Path) -> None:
    log = Failing(tmp_path / "run.jsonl")
    log.full = True
    with pytest.warns(RunLogWarning, match="the training goes on, and up to 64 MiB of records wait until it can$"):
        scalar(Writer(log, "a", strict=False), 0)


def test_strict_keeps_nothing(tmp_path: Path) -> None:
    log = Failing(tmp_path / "run.jsonl")
    log.full = True
    writer = Writer(log, "a", strict=True)
    with pytest.raises(OSError, match="No space left"):
        scalar(writer, 0)
    log.full = False
    scalar(writer, 1)
    assert [record["step"] for record in read(log.path)] == [1]
