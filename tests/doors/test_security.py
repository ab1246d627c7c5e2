"""What SECURITY.md promises: every line of it names a test that is here or beside."""

import os
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import effort
from diffspec.cli.command import run
from diffspec.results.lines import one_line
from diffspec.runs.log import RunLog
from diffspec.runs.report import write

ROOT = Path(__file__).resolve().parents[2]

# An audit hook cannot be removed and sees every socket and program, whatever library opens it. scikit-learn, through
# joblib, asks the system for its number of cores where no variable tells the number of threads.
WATCHED = """
import sys

CORES = [["lscpu", "--parse=core"], ["cat", "/proc/cpuinfo"], ["sysctl", "-n", "hw.physicalcpu"]]

def refuse(event, arguments):
    if event == "subprocess.Popen" and arguments[1] in CORES:
        return
    if event.startswith(("socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.system", "urllib.")):
        raise SystemExit(f"FORBIDDEN {event} {arguments}")

sys.addaudithook(refuse)
from diffspec.__main__ import main
for line in sys.argv[1:]:
    sys.argv[1:] = line.split()
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise
"""


# Each of the demo's trainings does what the others do; with the table of one it is the same command.
ONE_TRAINING = "from diffspec.demo import conditions\nconditions.CONDITIONS = conditions.CONDITIONS[:1]\n"


def watched(folder, *lines):
    """Commands in a process whose stream takes ASCII only, as some services' do, with threads as users have them."""
    code = WATCHED if effort.thorough else WATCHED.replace("\nfor line", f"\n{ONE_TRAINING}for line")
    as_users = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    return subprocess.run(
        [sys.executable, "-c", code, *lines],
        cwd=folder,
        env=as_users | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )


@pytest.fixture
def folder(tmp_path):
    """A file of every sort that is read by a package of its own, and a run log."""
    points = np.random.default_rng(0).normal(size=(40, 3))
    np.savez(tmp_path / "points.npz", z=points)
    torch.save(torch.asarray(points), tmp_path / "points.pt")
    table = pd.DataFrame(points, columns=list("abc")).assign(label=list("xy") * 20)
    table.to_parquet(tmp_path / "table.parquet")
    table.to_csv(tmp_path / "table.csv", index=False)
    log = RunLog(tmp_path / "run.jsonl")
    log.write("number", run="a", step=0, layer="z", name="DSE(Z)", rule="median", value=1.0, unit="bit", n=9)
    return tmp_path


def test_no_command_opens_a_socket_or_starts_a_program(folder):
    done = watched(
        folder,
        "measure points.npz",
        "measure points.pt",
        "measure table.parquet --labels-column label",
        "measure table.csv --labels-column label",
        "measure points.npz --reference points.npz --clusters 3",
        "report run.jsonl",
        "watch run.jsonl --once",
        "demo --smoke",
    )
    assert "FORBIDDEN" not in done.stdout + done.stderr
    assert done.returncode == 0, done.stderr
    assert all(line.startswith("Note: of table.") for line in done.stderr.splitlines()), done.stderr
    assert " -> " in done.stdout  # of the demo's table
    assert done.stdout.isascii()
    assert (folder / "diffspec-demo" / "report.html").stat().st_size > 0


def test_the_watch_sees_a_socket():
    code = WATCHED.split("from diffspec")[0] + "import socket\nsocket.socket()\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "FORBIDDEN socket.__new__" in done.stderr


class Tags(HTMLParser):
    """How often which tag with which attributes opens."""

    def __init__(self):
        super().__init__()
        self.seen = Counter()

    def handle_starttag(self, tag, attrs):
        self.seen[tag, tuple(sorted(name for name, _value in attrs))] += 1


def tags(path):
    parser = Tags()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser.seen


EVIL = {
    "a tag": "<img src=x onerror=document.title=1>",
    "the end of a script": "</script><script>document.title=1</script>",
    "the end of an attribute": '" onmouseover="document.title=1" x=\'',
    "a comment": "<!--",
    "a comment in a script": "<!--<script>",
    "the end of a title": "</title><base href=//evil>",
    "a template": "{{ 7 * 7 }}{% include 'x' %}",
    "a link": "javascript:document.title=1",
    "an entity": "&lt;b&gt;&#60;img&#62;",
}


def page(folder, word):
    """The report of a log in which every text that a user gives is `word`."""
    log = RunLog(folder / "run.jsonl")
    where = {"run": word, "step": 0, "layer": word}
    settings = {"kernel": word, "solver": word, "rule": word, "version": word}
    for name in (word, "DSE(Z)", "DSMI(Z;Y)"):
        measured = {"value": 1.0, "unit": word, "stderr": None, "n": 9, "ceiling": 3.0, "settings": settings}
        log.write("number", **where, name=name, rule=word, verdict=word, **measured)
        log.write("number", **where | {"step": 1}, name=name, rule=word, verdict=word, **measured)
    log.write("scalar", run=word, step=0, name=word, value=0.5)
    log.write("spectrum", **where, rule=word, values=[1.0, 0.5])
    log.write("picture", **where, method=word, x=[0.0, 1.0], y=[1.0, 0.0], classes=[word, f"{word} b"])
    log.write("settings", run=word, values={word: word})
    log.write("failure", **where, name=word, rule=word, error=word)
    return write(log.path, folder / "report.html")


@pytest.mark.parametrize("word", EVIL)
def test_markup_in_any_text_of_a_log_makes_no_tag_of_the_report(tmp_path, word):
    (tmp_path / "plain").mkdir()
    (tmp_path / "evil").mkdir()
    plain, evil = page(tmp_path / "plain", "word"), page(tmp_path / "evil", EVIL[word])
    assert tags(evil) == tags(plain)
    assert "49" not in re.findall(r"<h2[^>]*>(.*?)</h2>", evil.read_text(encoding="utf-8"))


@pytest.mark.parametrize("word", ["\x1b[2J\x1b[31m", "a\rb", "\x07", "\u202e", "\x9b31m", "\udcff"])
def test_no_name_commands_the_terminal(tmp_path, monkeypatch, capsys, word):
    monkeypatch.chdir(tmp_path)
    np.save("points.npy", np.random.default_rng(0).normal(size=(8, 2)))
    assert run(["measure", "points.npy", "--labels", f"{word}none.npy"]) == 2
    if word != "\udcff":  # a byte of a file name that is no text; no table can hold it
        pd.DataFrame({"label": ["a", f"b{word}c"] * 4}).to_parquet("labels.parquet")
        assert run(["measure", "points.npy", "--labels", "labels.parquet"]) == 0
    out, err = capsys.readouterr()
    assert all(character.isprintable() or character == "\n" for character in out + err)
    assert one_line(f"b{word}c").isprintable()


def test_every_promise_names_a_test_that_is_there():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    promised = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", text)
    assert len(promised) >= 10
    for file, name in promised:
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), name
    promises = text.partition("\n## ")[0].split("\n- ")[1:]
    assert len(promises) >= 10
    assert all("::" in promise for promise in promises)
