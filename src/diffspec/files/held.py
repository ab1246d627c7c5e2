"""A file that several processes append to: held under a lock, and written whole or not at all."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

__all__ = ["held", "tail", "write_whole"]

PATIENCE = 60.0  # seconds: a record takes a millisecond, so who waits longer waits for a process that hangs


@contextmanager
def held(path: Path) -> Iterator[tuple[FileIO, str]]:
    """The file that `path` names, made where there is none, and why it is not locked: empty where it is."""
    from filelock import unlock_descriptor  # slow to import, needed by writers only

    while True:
        with path.open("a+b", buffering=0) as file:
            unlocked = _lock(path, file)
            try:
                if _is_at(path, file):  # while this process waited, another may have put a new file there
                    yield file, unlocked
                    return
            finally:
                if not unlocked:  # closing is not enough where a fork took the file along
                    unlock_descriptor(file.fileno())


def _lock(path: Path, file: FileIO) -> str:
    """Wait for the lock of the file; why there is none, empty where there is."""
    from filelock import lock_descriptor

    end = time.monotonic() + PATIENCE
    while True:
        try:
            if lock_descriptor(file.fileno(), blocking=False):
                return ""
        except OSError as error:
            return str(error)
        if time.monotonic() > end:
            text = f"another process has held the log for {PATIENCE:g} s; end it, or use a log of its own"
            raise TimeoutError(errno.ETIMEDOUT, text, str(path))
        time.sleep(0.001)


def tail(file: FileIO, size: int) -> bytes:
    """What follows the last end of line; read from the end in steps that double."""
    step = 1
    while True:
        start = max(0, size - step)
        file.seek(start)
        block = file.read(size - start)
        if b"\n" in block or start == 0:
            return block.rpartition(b"\n")[2]
        step *= 2


def write_whole(file: FileIO, data: bytes, path: Path, *, locked: bool) -> None:
    """`data` at the end, whole or not at all; without a lock what follows may be another's, and stays."""
    end = file.seek(0, os.SEEK_END)
    try:
        if file.write(data) != len(data):
            raise OSError(errno.ENOSPC, "no space left for a whole record", str(path))
    except OSError:
        if locked:
            file.truncate(end)
        raise


def _is_at(path: Path, file: FileIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
