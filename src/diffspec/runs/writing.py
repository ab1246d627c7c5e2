"""Records on their way into the run log: a disk that fails does not end a training."""

from __future__ import annotations

import os
import warnings
import weakref
from collections import deque
from contextlib import suppress
from typing import Any, TypeAlias

from diffspec.errors import InputError, RunLogWarning
from diffspec.runs.format import checked
from diffspec.runs.log import RunLog

__all__ = ["Writer"]

FAILURES = (OSError, InputError, MemoryError)
"""What a disk, a log that is no longer one, and a machine that is full say."""

Waiting: TypeAlias = deque[tuple[int, str, dict[str, Any]]]
"""Per record the process that measured it, its kind and its fields."""

MOST = 64 * 2**20
"""Bytes of records that wait in memory at most; later ones are counted and dropped."""


class Writer:
    """Writes the records of one run; those that cannot be written wait, and go first when it works again.

    Parameters
    ----------
    log : RunLog
        Where to.
    run : str
        The run that every record belongs to.
    strict : bool
        Raise instead of waiting.

    Notes
    -----
    One RunLogWarning per outage. What still waits at the end of the process is tried once more.
    """

    def __init__(self, log: RunLog, run: str, *, strict: bool) -> None:
        self._log, self._run, self._strict = log, run, strict
        self._waiting: Waiting = deque()
        self._bytes = self._dropped = self._step = 0
        self._down = self._told = False
        weakref.finalize(self, _last_try, log, self._waiting)

    def retry(self) -> None:
        """Let the next record try again, once: a log that another process holds costs a minute every time."""
        self._down = False

    def finish(self) -> None:
        """Try once more to write what waits."""
        self._flush()

    def write(self, kind: str, **fields: Any) -> None:
        """One record of `kind`, after those that wait.

        Raises
        ------
        InputError
            A field that is missing or no plain finite value; nothing is written then.
        """
        record = {"run": self._run, **fields}
        size = len(checked({"kind": kind, **record}))
        self._step = int(fields.get("step", self._step))
        if self._waiting and not self._down:  # first, so that this record finds the room of those that waited
            self._flush()
        if self._waiting and self._bytes + size > MOST:
            self._dropped += 1
        else:
            self._waiting.append((os.getpid(), kind, record))
            self._bytes += size
        if not self._down:
            self._flush()

    def _flush(self) -> None:
        try:
            _drain(self._log, self._waiting)
            if self._dropped:
                text = f"{self._dropped} records could not be written, and memory for them was full"
                fields = {"step": self._step, "name": "run log", "error": text}
                self._log.write("failure", run=self._run, **fields)
        except FAILURES as error:
            if self._strict:
                self._waiting.clear()
                raise
            self._down = True
            self._tell(error)
            return
        self._bytes = self._dropped = 0
        self._down = self._told = False

    def _tell(self, error: Exception) -> None:
        if self._told:
            return
        self._told = True
        text = f"{self._log.path} cannot be written: {error}"
        what = f"the training goes on, and up to {MOST / 2**20:.0f} MiB of records wait until it can"
        warnings.warn(f"{text}; {what}", RunLogWarning, stacklevel=2)


def _drain(log: RunLog, waiting: Waiting) -> None:
    while waiting:
        process, kind, record = waiting[0]
        if process == os.getpid():  # what waited when this process was forked is for its parent to write
            log.write(kind, **record)
        waiting.popleft()


def _last_try(log: RunLog, waiting: Waiting) -> None:
    with suppress(*FAILURES):
        _drain(log, waiting)
