"""What is written is whole, goes through links and pipes, and is never what it was made from."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from diffspec import InputError
from diffspec.cli.command import run
from diffspec.files.writing import replace
from diffspec.runs.log import RunLog
from effort import only

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


@pytest.fixture
def log(tmp_path, monkeypatch):
    """A run log that can be drawn, in a folder made current."""
    monkeypatch.chdir(tmp_path)
    log = RunLog("run.jsonl")
    log.write("number", run="a", step=0, layer="z", name="DSE(Z)", rule="median", value=1.0, unit="bit", n=9)
    return log.path


OWN_INPUT = {
    "its name": lambda log: log,
    "another spelling": lambda log: Path("..") / log.absolute().parent.name / log,
    "a symbolic link": lambda log: link(Path("link.html"), log),
    "a link to a link": lambda log: link(Path("second.html"), link(Path("first.html"), log)),
    "a hard link": lambda log: hard(Path("hard.html"), log),
}


def link(path, target):
    path.symlink_to(target)
    return path


def hard(path, target):
    path.hardlink_to(target)
    return path


@pytest.mark.parametrize("name", OWN_INPUT)
def test_a_report_is_never_written_over_its_log(log, capsys, name):
    before = log.read_bytes()
    output = OWN_INPUT[name](log)
    assert run(["report", "run.jsonl", "-o", str(output)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "is what is read (run.jsonl) and would be lost; choose another file to write" in err
    assert log.read_bytes() == before


def test_links_stay_and_their_targets_are_written(tmp_path):
    (tmp_path / "there").mkdir()
    for name in ("there/old.html", "there/new.html"):
        target = tmp_path / name
        if "old" in name:
            target.write_bytes(b"older")
        path = link(tmp_path / f"link-{target.name}", target)
        replace(path, b"page")
        assert path.is_symlink()
        assert target.read_bytes() == b"page"


def test_a_file_keeps_its_permissions_and_a_new_one_has_the_usual(tmp_path):
    path, new, usual = (tmp_path / name for name in ("page.html", "folder/new.html", "usual"))
    path.write_bytes(b"older")
    path.chmod(0o640)
    replace(path, b"page")
    replace(new, b"page")
    usual.write_bytes(b"")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert new.stat().st_mode == usual.stat().st_mode
    assert path.read_bytes() == new.read_bytes() == b"page"


def test_a_long_name_is_a_name(tmp_path):
    path = tmp_path / ("n" * 250)
    replace(path, b"page")
    assert path.read_bytes() == b"page"


@needs_pipes
def test_a_pipe_is_written_to_and_stays_one(log, tmp_path, capsys):
    path = tmp_path / "pipe.html"
    os.mkfifo(path)
    got = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    assert run(["report", "run.jsonl", "-o", "pipe.html"]) == 0
    reader.join()
    assert b"<html" in got[0]
    assert path.is_fifo()
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(not Path("/proc/self/fd/1").exists(), reason="this system has no /proc/self/fd")
@pytest.mark.parametrize("piped", only([True, False], False))
def test_the_standard_output_holds_the_page_and_nothing_else(log, piped):
    # What /dev/stdout is. That itself is never named in a test: where writing fails, root would lose it for everybody.
    out = link(Path("stdout"), Path("/proc/self/fd/1"))
    command = [sys.executable, "-m", "diffspec", "report", "run.jsonl", "-o", "stdout"]
    if piped:
        page = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    else:
        with Path("page.html").open("wb") as stream:
            subprocess.run(command, stdout=stream, check=True)
        page = Path("page.html").read_bytes()
    assert page.lstrip().lower().startswith(b"<!doctype html>")
    assert page.rstrip().endswith(b"</html>")
    assert out.is_symlink()


@needs_pipes
def test_a_full_device_is_one_sentence_and_stays_a_device(tmp_path, monkeypatch):
    path = tmp_path / "device"
    os.mkfifo(path)

    def full(*_arguments, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("builtins.open", full)
    with pytest.raises(InputError, match=r"device cannot be written \(No space left on device\); choose another"):
        replace(path, b"page")
    assert path.is_fifo()


def test_what_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    link(tmp_path / "loop", tmp_path / "loop")
    for name, why in {
        "file/page.html": r"\((Not a directory|File exists)\)",
        "n" * 300: r"\(File name too long\)",
        "loop": r"\(Too many levels of symbolic links\)",
    }.items():
        with pytest.raises(InputError, match=rf"cannot be written {why}; choose another"):
            replace(tmp_path / name, b"page")
    with pytest.raises(InputError, match="output must be a file, got the folder"):
        replace(tmp_path, b"page")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "loop"]


def test_an_older_file_is_kept_where_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_bytes(b"older")

    def full(_source, _target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="No space left on device"):
        replace(path, b"page")
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]
    assert path.read_bytes() == b"older"
