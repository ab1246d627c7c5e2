"""The log in the terminal: what it shows, and that it follows, waits and ends as it should."""

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest
from rich.console import Console

from diffspec.cli.command import run
from diffspec.cli.printing.board import ASCII_BARS, age, board, sparkline
from diffspec.runs.following import Follower
from diffspec.runs.log import RunLog


@pytest.fixture
def log(tmp_path):
    return RunLog(tmp_path / "run.jsonl")


def look(log, step, **fields):
    usual = {
        "run": "a",
        "layer": "conv1",
        "name": "DSE(Z)",
        "rule": "neighbors",
        "value": 5.0 - step,
        "unit": "bit",
        "n": 9,
    }
    log.write("number", step=step, **{**usual, **fields})


def shown(capsys, log, *arguments):
    assert run(["watch", str(log.path), "--once", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_latest_values_and_their_courses(log, capsys):
    for step in range(3):
        look(log, step)
        look(log, step, layer="conv2", value=2.0 + step)
        log.write("scalar", run="a", step=step, name="loss", value=3.0 - step)
    text = shown(capsys, log)
    rows = [line.split() for line in text.splitlines()]
    assert ["conv1", "2", "3", "█▅▁"] in rows or ["conv1", "2", "3", "█▄▁"] in rows
    assert ["conv2", "2", "4", "▁▅█"] in rows or ["conv2", "2", "4", "▁▄█"] in rows
    assert any(line.startswith("loss: a 1 █") for line in text.splitlines())
    assert "9 records, written" in text


def test_what_is_wrong_is_told(log, capsys):
    for step in range(3):
        look(log, step)
    log.write("failure", run="a", step=2, error="NaN in conv1")
    log.write("alert", run="a", step=2, name="collapse", text="effective rank 1.1", layer="conv1")
    with log.path.open("a") as file:
        file.write("damaged\n")
    text = " ".join(shown(capsys, log).split())
    assert "1 measurement of a failed, at step 2: NaN in conv1" in text
    assert "Alert in a: collapse at conv1, from step 2 on: effective rank 1.1" in text
    assert "1 damaged lines are left out" in text


def test_a_log_without_a_look_and_one_that_is_not_there(log, tmp_path, capsys):
    assert shown(capsys, log).startswith("no look yet, written")
    assert run(["watch", str(tmp_path / "none.jsonl"), "--once"]) == 2
    assert "Error: no run log at" in capsys.readouterr().err


@pytest.mark.parametrize("width", [120, 80, 60])
def test_a_row_is_a_line_however_long_names_are_and_what_is_wrong_is_in_the_window(log, width):
    for k in range(12):
        for value in (1.5, -0.0296):
            look(log, 2 if value < 0 else 0, layer=f"model.encoder.layers.{k}.self_attention.projection", value=value)
    for k in range(3):
        text = "a reason that is longer than a narrow terminal is wide, and so takes some lines of it"
        log.write("alert", run="a", step=2, name=f"alert{k}", text=text, layer="conv1")
    follower = Follower(log.path)
    follower.more()
    console = Console(width=width, height=24, file=io.StringIO())
    console.print(board(follower, width=width, height=24), age(follower))
    lines = console.file.getvalue().splitlines()
    assert len(lines) <= 24
    assert sum("alert" in line for line in lines) == 3
    rows = [line for line in lines if "█▁" in line]
    assert len({row.split()[0] for row in rows}) == len(rows) > 2  # told apart
    assert {row.index("█") for row in rows} == {rows[0].index("█")}  # in one column


@pytest.mark.parametrize("word", ["\x1b[2J\x1b[31m", "[red]no mark-up[/red]", ":smile:", "\u202e"])
def test_names_of_a_log_are_text(log, capsys, word):
    look(log, 0, run=word, layer=f"{word}1", name=f"{word}x")
    look(log, 0, run=word, layer=f"{word}2", name=f"{word}x")
    log.write("failure", run=word, step=0, error=word)
    text = shown(capsys, log)
    assert all(character.isprintable() or character == "\n" for character in text)
    if word.isprintable():
        assert word in text


@pytest.mark.parametrize(
    ("values", "bars"),
    [([1.0], "_"), ([1.0, 1.0], "__"), ([0.0, 7.0], "_#"), (list(range(100)), "_.-~~=++*#"), ([3, 2, 1], "#~_")],
)
def test_a_sparkline_goes_from_the_lowest_to_the_highest(values, bars):
    found = sparkline(values, ASCII_BARS)
    assert (len(found), found[0], found[-1]) == (len(bars), bars[0], bars[-1])


def test_without_rich_it_says_what_to_install(log, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert run(["watch", str(log.path)]) == 2
    assert "pip install 'diffspec[watch]'" in capsys.readouterr().err


def started(path, terminal):
    return subprocess.Popen(
        [sys.executable, "-m", "diffspec", "watch", str(path), "--every", "0.1"],
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30", "PYTHONIOENCODING": "utf-8"},
    )


def seen(master, text, seconds=60.0):
    """What was printed until `text` was."""
    out, end = "", time.monotonic() + seconds
    while text not in out:
        assert time.monotonic() < end, out
        if select.select([master], [], [], 0.2)[0]:
            out += os.read(master, 65536).decode("utf-8", "replace")
    return out


def test_it_waits_follows_and_ends_with_control_c(tmp_path):
    path = tmp_path / "run.jsonl"
    master, slave = pty.openpty()
    process = started(path, slave)
    os.close(slave)
    try:
        seen(master, "waiting for")
        log = RunLog(path)
        look(log, 0)
        seen(master, "1 records")
        line = json.dumps({"kind": "scalar", "run": "a", "step": 1, "name": "loss", "value": 0.25})
        with path.open("a") as file:
            file.write(line[:20])
            file.flush()
            time.sleep(0.5)
            file.write(line[20:] + "\n")
        seen(master, "loss: a 0.25")
        RunLog.afresh(path)
        seen(master, "no look yet")
        process.send_signal(signal.SIGINT)
        rest = seen(master, "\x1b[?25h")  # the cursor is shown again
        assert process.wait(30) == 130
        assert "Traceback" not in rest + process.stderr.read().decode()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
        os.close(master)


def read_until(stream, text):
    for line in stream:
        if text in line:
            return
    raise AssertionError(f"{text} was not printed")


def test_into_a_pipe_it_prints_every_change(log):
    process = subprocess.Popen(
        [sys.executable, "-m", "diffspec", "watch", str(log.path), "--every", "0.1"], stdout=subprocess.PIPE
    )
    try:
        look(log, 0)
        read_until(process.stdout, b"1 records")
        look(log, 1)
        read_until(process.stdout, b"2 records")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
