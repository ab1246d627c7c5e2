"""The command as a process of its own: interrupts, streams that take little, folders of strangers."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from diffspec import dse
from diffspec.cli.command import run
from diffspec.runs.log import RunLog
from effort import only

SRC = Path(__file__).resolve().parents[2] / "src"
DIFFSPEC = [sys.executable, "-m", "diffspec"]
# What pip writes for a console script.
SCRIPT = "import sys\nfrom diffspec.__main__ import main\nif __name__ == '__main__':\n    sys.exit(main())\n"


def ran(command, *, text=True, **more):
    return subprocess.run([*map(str, command)], capture_output=True, text=text, check=False, timeout=120, **more)


def slow(folder):
    """A folder whose numpy takes as long to import as one wants: the file says when it has begun."""
    (folder / "numpy.py").write_text(
        "import pathlib, time\npathlib.Path(__file__ + '.begun').touch()\ntime.sleep(60)\n"
    )
    return folder


@pytest.mark.parametrize("as_module", [True, False])
def test_an_interrupt_during_the_import_is_a_code_and_no_traceback(tmp_path, as_module):
    script = tmp_path / "diffspec"
    script.write_text(SCRIPT)
    command = DIFFSPEC if as_module else [sys.executable, str(script)]
    path = os.pathsep.join([str(slow(tmp_path)), str(SRC)])
    process = subprocess.Popen(
        [*command, "doctor"],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    while not (tmp_path / "numpy.py.begun").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_a_program_that_imports_diffspec_keeps_its_interrupts():
    # Not the default where the tests run in the background of a shell.
    code = "import signal; before = signal.getsignal(signal.SIGINT); import diffspec; "
    code += "assert signal.getsignal(signal.SIGINT) is before"
    done = ran([sys.executable, "-c", code])
    assert (done.returncode, done.stderr) == (0, "")


def test_recipes_of_a_strangers_folder_are_never_run(tmp_path):
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    (recipes / "expected.toml").touch()
    for name in ("__init__", "__main__", "lab"):
        (recipes / f"{name}.py").write_text("import pathlib\npathlib.Path(__file__).with_name('harm').touch()\n")
    done = ran([*DIFFSPEC, "recipe", "list", "--short"], cwd=tmp_path)
    assert not (recipes / "harm").exists()
    assert (done.returncode, done.stderr) == (0, "")
    assert "finite-sample" in done.stdout.split()


def test_without_a_checkout_recipes_are_one_sentence(tmp_path):
    """The package alone, as pip installs it, in a folder that has recipes of somebody else."""
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "expected.toml").touch()
    (tmp_path / "recipes" / "lab.py").write_text("raise SystemExit(7)")
    installed = tmp_path / "lib" / "site" / "diffspec" / "cli" / "recipe.py"
    code = (
        "import sys; from diffspec.cli import command, recipe; "
        f"recipe.__file__ = {str(installed)!r}; sys.exit(command.run(['recipe', 'list']))"
    )
    done = ran([sys.executable, "-c", code], cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "they come with the source" in done.stderr


@pytest.fixture
def points(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    points = np.random.default_rng(0).normal(size=(40, 3))
    np.save("points.npy", points)
    np.save("labels.npy", np.arange(40) % 3)
    return points


def test_a_stream_that_takes_ascii_only_gets_ascii(points):
    env = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = ran([*DIFFSPEC, "measure", "points.npy", "--labels", "labels.npy"], env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert " +- " in done.stdout
    assert done.stdout.isascii()


def test_a_reader_that_has_gone_is_no_error(points):
    done = ran(["sh", "-c", f"{sys.executable} -m diffspec measure points.npy | true"])
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_the_output_is_one_line(points):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*DIFFSPEC, "measure", "points.npy"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "Error: the output cannot be written (No space left on device)\n"


@pytest.mark.parametrize("closed", only([">&-", "2>&-"], ">&-"))
def test_closed_streams_are_no_error(points, closed):
    done = ran(["sh", "-c", f"{sys.executable} -m diffspec measure points.npy --json {closed}"])
    assert done.returncode == 0
    assert done.stderr == ""


NAMES = {
    "bytes that are no text": b"run\xff.jsonl",
    "control characters": b"run\x1b[2J\n.jsonl",
    "letters": "läuft".encode(),
}


@pytest.mark.parametrize("name", only(NAMES, "control characters"))
def test_a_report_of_a_log_with_any_name(tmp_path, name):
    log = RunLog(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + NAMES[name])))
    for odd in ("\ud800", "\x1b[2Jrun", "</script>"):
        log.write("number", run=odd, step=0, layer=odd, name="DSE(Z)", rule="median", value=1.0, unit="bit", n=9)
    output = NAMES[name] + b".html"
    command = [*map(os.fsencode, DIFFSPEC), b"report", NAMES[name], b"-o", output]
    done = subprocess.run(command, capture_output=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"wrote run" if name != "letters" else b"wrote l")
    assert done.stdout.count(b"\n") == 1
    assert b"\x1b" not in done.stdout
    assert (Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + output))).read_text(encoding="utf-8").count("<html") == 1


@pytest.mark.parametrize("name", only(NAMES, "bytes that are no text"))
def test_measuring_a_file_with_any_name(points, tmp_path, name):
    path = os.fsencode(tmp_path) + b"/" + NAMES[name] + b".npy"
    Path("points.npy").rename(os.fsdecode(path))
    done = subprocess.run([*map(os.fsencode, DIFFSPEC), b"measure", path], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert f"{float(dse(points)):.6g}".encode() in done.stdout
    assert b"\x1b" not in done.stdout


@pytest.mark.parametrize("seed", ["4294967296", "1e3", "-1", "9" * 40])
@pytest.mark.parametrize(
    "arguments", ["measure points.npy --reference points.npy", "measure points.npy", "demo --smoke"]
)
def test_a_seed_out_of_range_is_one_line(points, capsys, seed, arguments):
    assert run([*arguments.split(), "--seed", seed]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("Error: Invalid value for '--seed'")
