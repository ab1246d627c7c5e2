"""The run log: append-only JSON lines, one record per number, a versioned schema.

The first line is a header; every further line is one record with a `kind`:

========  ==========================================================================================
number    one measured value: run, step, layer, name, rule, value, unit, stderr, n, verdict, seconds, settings
scalar    one number passed in by the user (accuracy, loss): run, step, name, value
spectrum  leading eigenvalues: run, step, layer, rule, values
picture   points drawn in the plane: run, step, layer, method, x, y, classes
settings  what a run was trained with: run, values
failure   a measurement that raised: run, step, layer, name, error
========  ==========================================================================================

Each record is written whole and flushed, so a killed process loses at most the line it was writing. Reading stops at
such a line with a warning, and appending removes it first.
"""

from __future__ import annotations

import json
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
        if self.path.exists() and self.path.stat().st_size:
            self._drop_cut_line()
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            header = {"kind": "run-log", "schema": SCHEMA, "version": __version__, "created": _now()}
            self._append(header)

    def write(self, kind: str, **fields: Any) -> None:
        """Append one record of `kind` and flush it."""
        if kind not in KINDS:
            raise InputError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        self._append({"kind": kind, **fields})

    def _append(self, record: Record) -> None:
        line = json.dumps(record, allow_nan=False)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _drop_cut_line(self) -> None:
        whole = _whole_bytes(self.path)
        _parse(self.path, whole)
        if whole < self.path.stat().st_size:
            with self.path.open("rb+") as file:
                file.truncate(whole)


def read(path: str | Path) -> list[Record]:
    """The records of the run log at `path`, header left out, in the order they were written.

    A last line that was cut off is left out with a RunLogWarning.

    Raises
    ------
    InputError
        No such file, no run log, an unknown schema, or a broken line before the last.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no run log at {path}; give the run.jsonl that a monitor wrote")
    return _parse(path, _whole_bytes(path))


def _whole_bytes(path: Path) -> int:
    """The size of the file up to its last line end, with a warning where something follows it."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        warnings.warn(
            f"{path} ends in the middle of a line; the last {len(data) - whole} bytes are left out",
            RunLogWarning,
            stacklevel=3,
        )
    return whole


def _parse(path: Path, whole: int) -> list[Record]:
    """The records in the first `whole` bytes, after a check of the header."""
    lines = path.read_bytes()[:whole].splitlines()
    records = [_record(path, number, line) for number, line in enumerate(lines, start=1)]
    if not records or records[0].get("kind") != "run-log":
        raise InputError(
            f"{path} is no run log: its first line is not a header; give the run.jsonl that a monitor wrote"
        )
    schema = records[0].get("schema")
    if schema != SCHEMA:
        raise InputError(f"{path} has schema {schema!r}, this diffspec reads {SCHEMA}; use the version that wrote it")
    return records[1:]


def _record(path: Path, number: int, line: bytes) -> Record:
    try:
        record = json.loads(line)
    except (json.JSONDecodeError, UnicodeDecodeError):
        record = None
    if not isinstance(record, dict):
        raise InputError(f"{path} is no run log: line {number} is not a JSON object; give the run.jsonl of a monitor")
    return record


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
