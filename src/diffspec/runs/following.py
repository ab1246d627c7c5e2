"""A run log that is being written, read as it grows."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from diffspec._checks import path_of
from diffspec.errors import InputError
from diffspec.runs.format import SCHEMA, Record, encoded, scan

__all__ = ["Follower"]

BEFORE = 256
"""Bytes before the place that was read to, by which a file that was begun anew is told from one that grew."""


@dataclass(slots=True)
class Follower:
    """Reads what other processes append to a log; the log need not be there yet.

    Parameters
    ----------
    path : str or Path
        The file.

    Attributes
    ----------
    records : list of Record
        The whole records so far, in the order they were written.
    lost : int
        Lines that are damaged, or of an unknown kind or schema.
    written : float or None
        When the file was written last, in seconds since the epoch; None where there is none.

    Notes
    -----
    A line without its end is left for the next time. A log that is deleted, emptied or begun anew is read from its
    start, and what it held before is forgotten.
    """

    path: Path
    records: list[Record] = field(default_factory=list)
    lost: int = 0
    written: float | None = None
    _place: int = 0
    _before: bytes = b""
    _head: bytes = b""

    def __post_init__(self) -> None:
        self.path = path_of(self.path, "path")

    def more(self) -> bool:
        """Read what is new; whether anything changed.

        Raises
        ------
        InputError
            The file is none, no run log, or of a schema that this version does not know.
        OSError
            It cannot be read.
        """
        if self.path.exists() and not self.path.is_file():
            raise InputError(f"no run log at {self.path}: it is no ordinary file; give the run.jsonl of a monitor")
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                self.written = status.st_mtime
                file.seek(max(0, self._place - BEFORE))
                grown = status.st_size >= self._place and file.read(len(self._before)) == self._before
                if not grown:
                    self._forget()
                    file.seek(0)
                data = file.read()
        except FileNotFoundError:
            changed = bool(self._place)
            self._forget()
            self.written = None
            return changed
        whole = data[: data.rfind(b"\n") + 1]
        self._take(whole)
        return bool(whole) or not grown

    def _forget(self) -> None:
        self.records, self.lost, self._place, self._before, self._head = [], 0, 0, b"", b""

    def _take(self, data: bytes) -> None:
        """Lines with their ends; each is read under the header that it follows."""
        if not data:
            return
        lines = data.splitlines(keepends=True)
        found = scan([self._head, *lines] if self._head else lines)
        if not self.records and not found.records and SCHEMA not in found.schemas:
            what = f"has schema {found.schemas[0]}, this diffspec reads {SCHEMA}" if found.schemas else "is no run log"
            raise InputError(f"{self.path} {what}; give the run.jsonl of a monitor")
        self.records = self.records + found.records
        self.lost += len(found.lost)
        if found.schemas:
            self._head = encoded({"kind": "run-log", "schema": found.schemas[-1]})
        self._place += len(data)
        self._before = (self._before + data)[-BEFORE:]
