"""One log, many writers: processes, threads, kills, and files that vanish, change or cannot be written."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
import pytest

from diffspec import InputError, RunLogWarning
from diffspec.files import held
from diffspec.runs.log import RunLog, read
from effort import only

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals, limits and accounts are POSIX")

WRITER = """
import sys, warnings
from diffspec.runs.log import RunLog
path, run, count, every = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
warnings.simplefilter("ignore")
print("ready", flush=True)
sys.stdin.readline()
log = RunLog(path)
for step in range(count):
    if step % every == 0:
        log = RunLog(path)
    log.write("spectrum", run=run, step=step, layer="z", rule="median", values=[0.123] * (step % 50 * 40))
    print(step, flush=True)
"""


COUNT = 100  # records of a writer: all wait until all are ready, so that they write at the same time


def writer(path: Path, run: str, count: int = COUNT, every: int = 7) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", WRITER, str(path), run, str(count), str(every)]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def set_off(*writers: subprocess.Popen[str]) -> None:
    """Has them write, once all of them can."""
    for process in writers:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in writers:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


def steps(path: Path, run: str) -> list[float]:
    return steps_by_run(path).get(run, [])


def steps_by_run(path: Path) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for record in read(path):
        found.setdefault(record["run"], []).append(record["step"])
    return found


def scalar(log: RunLog, step: int, run: str = "a") -> None:
    log.write("scalar", run=run, step=step, name="loss", value=0.5)


def test_four_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writers = [writer(path, run) for run in "abcd"]
    set_off(*writers)
    assert [process.communicate() and process.returncode for process in writers] == [0] * 4
    assert steps_by_run(path) == {run: list(range(COUNT)) for run in "abcd"}
    assert [json.loads(line)["kind"] for line in path.read_text().splitlines()].count("run-log") == 1


@posix
@pytest.mark.filterwarnings("ignore::diffspec.errors.RunLogWarning")
def test_killed_processes_cost_the_others_nothing(tmp_path: Path) -> None:
    """What a writer said that it had written is there, of the killed as of the others."""
    path = tmp_path / "run.jsonl"
    lasting = [writer(path, run) for run in "ab"]
    doomed = [writer(path, f"killed {number}", 10**6) for number in range(4)]
    said: dict[str, int] = {}
    for number, process in enumerate(doomed):
        set_off(*([] if number else lasting), process)
        assert process.stdout is not None
        for _ in range(20 + 7 * number):
            process.stdout.readline()
        process.kill()
        said[f"killed {number}"] = 20 + 7 * number
        process.communicate()
    assert [process.communicate() and process.returncode for process in lasting] == [0, 0]
    scalar(RunLog(path), 0, "last")
    written = steps_by_run(path)
    for run in "ab":
        assert written[run] == list(range(COUNT))
    for run, count in said.items():
        found = written[run]
        assert found == list(range(len(found)))
        assert len(found) >= count
    assert all(map(json.loads, path.read_text().splitlines()))


def test_threads_lose_nothing(tmp_path: Path) -> None:
    shared = RunLog(tmp_path / "run.jsonl")

    def work(run: str) -> None:
        log = shared if run in "ab" else RunLog(shared.path)
        for step in range(150):
            scalar(log, step, run)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, "abcdef"))
    assert steps_by_run(shared.path) == {run: list(range(150)) for run in "abcdef"}


def test_opening_a_log_takes_nothing_from_its_writer(tmp_path: Path) -> None:
    """An unfinished line is cut off under the lock only: then it is that of a dead writer, not of a slow one."""
    path = RunLog(tmp_path / "run.jsonl").path
    with path.open("ab", buffering=0) as slow:
        filelock.lock_descriptor(slow.fileno())
        line = b'{"kind": "scalar", "run": "slow", "step": 0, "name": "loss", "value": 0.5}\n'
        slow.write(line[:20])
        opening = threading.Thread(target=lambda: scalar(RunLog(path), 1))
        opening.start()
        time.sleep(0.1)
        assert opening.is_alive()
        slow.write(line[20:])
        filelock.unlock_descriptor(slow.fileno())
        opening.join()
    assert [record["run"] for record in read(path)] == ["slow", "a"]


def test_a_log_held_by_somebody_else_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = RunLog(tmp_path / "run.jsonl")
    monkeypatch.setattr(held, "PATIENCE", 0.05)
    before = log.path.read_bytes()
    with log.path.open("ab") as other:
        filelock.lock_descriptor(other.fileno())
        for attempt in (lambda: scalar(log, 0), lambda: RunLog(log.path), lambda: RunLog.afresh(log.path)):
            with pytest.raises(TimeoutError, match=r"another process has held the log for 0\.05 s; end it, or use a"):
                attempt()
        filelock.unlock_descriptor(other.fileno())
    assert log.path.read_bytes() == before
    scalar(log, 0)
    assert steps(log.path, "a") == [0]


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_where_nothing_can_be_locked_it_is_said_once_and_lines_stay_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(_file: int, *, blocking: bool) -> bool:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(filelock, "lock_descriptor", refuse)
    with pytest.warns(RunLogWarning, match="cannot be locked .* give every process a log of its own"):
        log = RunLog(tmp_path / "run.jsonl")
    scalar(log, 0)
    with log.path.open("ab") as slow:  # another process, which nothing keeps from writing half a line
        slow.write(b'{"kind": "sca')
    with pytest.warns(RunLogWarning, match="ends in the middle of a line"):
        scalar(log, 1)
    with pytest.warns(RunLogWarning, match="line 3 is no JSON object"):
        assert steps(log.path, "a") == [0, 1]
    assert log.path.read_bytes().count(b'{"kind": "sca\n') == 1


@pytest.mark.parametrize("change", ["deleted", "emptied", "replaced", "deleted and begun by another", "cut"])
def test_a_log_that_changes_while_it_is_written_goes_on(tmp_path: Path, change: str) -> None:
    log, other = RunLog(tmp_path / "run.jsonl"), RunLog(tmp_path / "other.jsonl")
    for step in range(3):
        scalar(log, step)
    scalar(other, 10)
    if change == "deleted":
        log.path.unlink()
    elif change == "emptied":
        log.path.write_bytes(b"")
    elif change == "replaced":
        other.path.replace(log.path)
    elif change == "cut":
        os.truncate(log.path, log.path.stat().st_size - len(log.path.read_bytes().splitlines(keepends=True)[-1]))
    else:
        log.path.unlink()
        scalar(RunLog(log.path), 20)
    with pytest.warns(RunLogWarning, match="was deleted, emptied or replaced while it was written"):
        scalar(log, 3)
    scalar(log, 4)  # nothing more to say
    kept = {"replaced": [10], "deleted and begun by another": [20], "cut": [0, 1]}.get(change, [])
    assert steps(log.path, "a") == [*kept, 3, 4]
    assert json.loads(log.path.read_text().splitlines()[0])["kind"] == "run-log"


@pytest.mark.parametrize("text", ["notes\n", "no end of line", '{"kind": "run-log", "schema": 2}\n', "\x00" * 500])
def test_a_log_replaced_by_something_else_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    log = RunLog(tmp_path / "run.jsonl")
    log.path.unlink()
    log.path.write_text(text)
    for _ in range(2):
        with pytest.raises(InputError, match=r"is no run log|has schema 2"):
            scalar(log, 0)
    assert log.path.read_text() == text


def test_a_log_replaced_by_a_folder_is_refused(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "run.jsonl")
    log.path.unlink()
    log.path.mkdir()
    with pytest.raises(InputError, match="it is no ordinary file"):
        scalar(log, 0)


def test_a_folder_in_place_of_a_log_is_told_what_to_name(tmp_path: Path) -> None:
    for make in (RunLog, RunLog.afresh):
        with pytest.raises(InputError, match=rf"it is no ordinary file; name a file in it: {tmp_path}/run.jsonl$"):
            make(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
def test_a_device_is_no_log() -> None:
    with pytest.raises(InputError, match=r"/dev/full: it is no ordinary file; name a file, such as run\.jsonl"):
        RunLog("/dev/full")


def test_a_folder_that_is_gone_is_one_line_and_the_log_goes_on_when_it_is_back(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "deep" / "run.jsonl")
    log.path.unlink()
    log.path.parent.rmdir()
    with pytest.raises(FileNotFoundError) as caught:
        scalar(log, 0)
    assert str(log.path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    log.path.parent.mkdir()
    with pytest.warns(RunLogWarning, match="was deleted, emptied or replaced"):
        scalar(log, 1)
    assert steps(log.path, "a") == [1]


@posix
def test_a_log_that_may_not_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = RunLog(tmp_path / "run.jsonl")
    scalar(log, 0)
    before = log.path.read_bytes()
    opened = Path.open

    def read_only(self: Path, mode: str = "r", **how: int) -> object:  # root may write everywhere, so ask nobody
        if "a" in mode:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))
        return opened(self, mode, **how)

    monkeypatch.setattr(Path, "open", read_only)
    with pytest.raises(OSError, match="Read-only file system") as caught:
        scalar(log, 1)
    assert len(str(caught.value).splitlines()) == 1
    monkeypatch.undo()
    assert log.path.read_bytes() == before
    scalar(log, 1)
    assert steps(log.path, "a") == [0, 1]


@posix
@pytest.mark.parametrize("room", only([0, 1, 30], 30))
def test_a_full_disk_loses_nothing_of_several_writers(tmp_path: Path, room: int) -> None:
    """Each of two logs on one file meets the end of the disk; what was written stays, what was not leaves no trace."""
    log = RunLog(tmp_path / "run.jsonl")
    scalar(log, 0)
    before = log.path.read_bytes()
    code = f"""
import resource
from diffspec.runs.log import RunLog
logs = [RunLog({str(log.path)!r}) for _ in range(2)]
resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + room}, resource.RLIM_INFINITY))
for log in logs:
    try:
        log.write("scalar", run="a", step=1, name="loss", value=0.5)
    except OSError as error:
        print(len(str(error).splitlines()))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
for step, log in enumerate(logs):
    log.write("scalar", run="a", step=2 + step, name="loss", value=0.5)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n1\n"
    assert done.stderr == ""
    assert steps(log.path, "a") == [0, 2, 3]
