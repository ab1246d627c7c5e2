"""A file that several processes append to: who holds it, what its last line is, and that a record is whole."""

from __future__ import annotations

import errno
import os
import threading
import time
from io import FileIO
from pathlib import Path
from tempfile import TemporaryDirectory

import filelock
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffspec.files import held


def is_free(path: Path) -> bool:
    """Whether somebody else could lock the file now."""
    with path.open("ab") as other:
        return bool(filelock.lock_descriptor(other.fileno(), blocking=False))


def test_the_lock_lasts_as_long_as_the_block_also_where_a_fork_keeps_the_file_open(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with held.held(path) as (file, unlocked):
        assert unlocked == ""
        assert not is_free(path)
        kept = os.dup(file.fileno())  # as in a forked child: closing the file does not give up its lock
    assert is_free(path)
    os.close(kept)


def test_an_error_inside_gives_up_the_lock_and_is_the_callers(tmp_path: Path) -> None:
    path = tmp_path / "log"
    kept: list[int] = []

    def fail() -> None:
        with held.held(path) as (file, _unlocked):
            kept.append(os.dup(file.fileno()))
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    assert is_free(path)
    os.close(kept[0])


def test_what_is_written_is_in_the_file_at_once_and_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\n")
    with held.held(path) as (file, _unlocked):
        file.seek(0)
        file.write(b"two\n")
        assert path.read_bytes() == b"one\ntwo\n"


def test_who_waited_holds_the_file_that_is_at_the_path_now(tmp_path: Path) -> None:
    path, new = tmp_path / "log", tmp_path / "new"
    new.touch()
    found: list[os.stat_result] = []

    def wait() -> None:
        with held.held(path) as (file, _unlocked):
            found.append(os.fstat(file.fileno()))

    with held.held(path):
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.1)
        assert not found
        new.replace(path)
    waiting.join()
    assert os.path.samestat(found[0], path.stat())


def test_why_a_file_is_not_locked_is_told_and_then_nothing_is_unlocked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr(filelock, "lock_descriptor", refuse)
    monkeypatch.setattr(filelock, "unlock_descriptor", refuse)
    with held.held(tmp_path / "log") as (_file, unlocked):
        assert "no locks here" in unlocked


@given(st.text("ab\n", max_size=40).map(str.encode), st.integers(0, 40))
def test_the_tail_is_what_follows_the_last_end_of_line_before_a_size(data: bytes, size: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(data)
        with path.open("rb", buffering=0) as file:
            assert held.tail(file, min(size, len(data))) == data[:size].split(b"\n")[-1]


class Short(FileIO):
    """A file on a disk that has room for three bytes more."""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return super().write(data[:3])


def test_a_record_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\n")
    with FileIO(path, "a+") as file:
        held.write_whole(file, b"two\n", path, locked=True)
    assert path.read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize(("locked", "left"), [(True, b"one\n"), (False, b"one\ntwo")])
def test_a_record_for_which_there_is_no_room_leaves_no_trace_where_the_file_is_ours(
    tmp_path: Path, locked: bool, left: bytes
) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\n")
    with Short(path, "a+") as file, pytest.raises(OSError, match="no space left for a whole record") as caught:
        held.write_whole(file, b"two\n", path, locked=locked)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    assert path.read_bytes() == left


def test_a_file_is_at_a_path_until_another_is_there_or_none(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb", buffering=0) as file:
        assert held._is_at(path, file) is True
        path.rename(tmp_path / "moved")
        assert held._is_at(path, file) is False
        path.touch()
        assert held._is_at(path, file) is False
