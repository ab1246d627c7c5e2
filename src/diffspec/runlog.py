"""The run log: append-only JSON lines, one record per number, a versioned schema.

The first line is a header; every further line is one record with a `kind`:

========  ==========================================================================================
number    one measured value: run, step, layer, name, rule, value, unit, stderr, n, ceiling, verdict, seconds, settings
scalar    one number passed in by the user (accuracy, loss): run, step, name, value
spectrum  leading eigenvalues: run, step, layer, rule, values
picture   points drawn in the plane: run, step, layer, method, x, y, classes (a name per point, or empty)
settings  what a run was trained and measured with: run, values
failure   a measurement that raised or was not finite: run, step, layer, name, rule (of a number), error
========  ==========================================================================================

A value divided by its ceiling is its normalized value. A run that was continued from a checkpoint may hold a step
twice: the later record holds.

Each record is one write to the file, so a killed process loses at most the line it was writing. Reading stops at such a
line with a warning, and appending removes it first.
"""

from __future__ import annotations

import errno
import json
import os
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from diffspec._version import __version__
from diffspec.errors import InputError, RunLogWarning

__all__ = ["SCHEMA", "Record", "RunLog", "read"]

SCHEMA = 1
"""Version of the record layout; a reader refuses versions it does not know."""

Record: TypeAlias = dict[str, Any]

KINDS = ("number", "scalar", "spectrum", "picture", "settings", "failure")

EXPECTED = "give the run.jsonl that a monitor wrote"


class RunLog:
    """A run log open for appending.

    Parameters
    ----------
    path : str or Path
        The file; made with its header where it does not exist. An existing log is continued: a line cut off by a kill
        is removed first, with a warning.

    Raises
    ------
    InputError
        The file exists and is no run log, or is of an unknown schema.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.exists() or (self.path.is_file() and self.path.stat().st_size == 0):
            _start(self.path)
        _records, whole = _load(self.path)
        if whole < self.path.stat().st_size:
            os.truncate(self.path, whole)

    @classmethod
    def afresh(cls, path: str | Path) -> RunLog:
        """A new log at `path`, in place of the run log that may be there; a file that is no run log is left alone."""
        path = Path(path)
        if path.exists():
            _check_header(path, _lines(path)[:1])
        _start(path)
        return cls(path)

    def write(self, kind: str, **fields: Any) -> None:
        """Append one record of `kind`, whole.

        Raises
        ------
        InputError
            An unknown kind, or a field that is no plain finite value; nothing is written then.
        OSError
            The file cannot be written, for example because the disk is full; what was written of the record is removed.
        """
        if kind not in KINDS:
            raise InputError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        try:
            line = _line({"kind": kind, **fields})
        except (TypeError, ValueError) as error:
            raise InputError(f"a {kind} record must hold plain finite values; {error}") from None
        with self.path.open("ab", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            try:
                if file.write(line) != len(line):
                    raise OSError(errno.ENOSPC, "no space left for a whole record", str(self.path))
            except OSError:
                file.truncate(end)
                raise


def read(path: str | Path) -> list[Record]:
    """The records of the run log at `path`, header left out, in the order they were written.

    A last line that was cut off is left out with a RunLogWarning.

    Raises
    ------
    InputError
        No such file, no run log, an unknown schema, or a broken line before the last.
    """
    records, _whole = _load(Path(path))
    return records


def _start(path: Path) -> None:
    """A log with its header only at `path`, whole from its first moment on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_bytes(_line({"kind": "run-log", "schema": SCHEMA, "version": __version__, "created": _now()}))
    new.replace(path)


def _line(record: Record) -> bytes:
    return json.dumps(record, allow_nan=False).encode() + b"\n"


def _load(path: Path) -> tuple[list[Record], int]:
    """The records after the header, and how many bytes of the file are whole lines."""
    lines = _lines(path)
    _check_header(path, lines[:1])
    cut = b"" if lines[-1].endswith(b"\n") else lines.pop()
    records = [_record(path, number, line) for number, line in enumerate(lines[1:], start=2)]
    if cut:
        text = f"{path} ends in the middle of a line; the last {len(cut)} bytes are left out"
        warnings.warn(text, RunLogWarning, stacklevel=3)
    return records, sum(map(len, lines))


def _lines(path: Path) -> list[bytes]:
    if not path.is_file():
        raise InputError(f"no run log at {path}; {EXPECTED}")
    with path.open("rb") as file:
        return list(file)


def _check_header(path: Path, first: list[bytes]) -> None:
    header = _record(path, 1, first[0]) if first else {}
    if header.get("kind") != "run-log":
        raise InputError(f"{path} is no run log: its first line is not a header; {EXPECTED}")
    if header.get("schema") != SCHEMA:
        schema = header.get("schema")
        raise InputError(f"{path} has schema {schema!r}, this diffspec reads {SCHEMA}; use the version that wrote it")


def _record(path: Path, number: int, line: bytes) -> Record:
    try:
        record = json.loads(line)
    except (json.JSONDecodeError, UnicodeDecodeError):
        record = None
    if not isinstance(record, dict):
        raise InputError(f"{path} is no run log: line {number} is not a JSON object; {EXPECTED}")
    return record


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
