"""The run log: append-only JSON lines, one record per number, a versioned schema.

The first line is a header; every further line is one record with a `kind`:

========  ==========================================================================================
number    one measured value: run, step, layer, name, rule, value, unit, stderr, n, ceiling, verdict, seconds, settings,
          times (the same value at other diffusion times, from the spectra behind it)
scalar    one number passed in by the user (accuracy, loss): run, step, name, value
spectrum  leading eigenvalues: run, step, layer, rule, values
picture   points drawn in the plane: run, step, layer, method, x, y, classes (a name per point, or empty)
settings  what a run was trained and measured with: run, values, axis (what a step is called, such as epoch)
failure   a measurement that raised or was not finite: run, step, layer, name, rule (of a number), error
alert     what a monitor found wrong: run, step, layer, rule, name (collapse, saturation, memorisation), text
skipped   looks that a budget left out from step on, until the next that was made: run, step, text (why)
========  ==========================================================================================

A value divided by its ceiling is its normalized value. A run that was continued from a checkpoint may hold a step
twice: the later record holds.

`times` is an object such as ``{"1": 7.412, "3": 6.901, "10": 5.77, "30": 4.02, "100": 3.31}``: values of five digits,
in the unit of the record and under its ceiling, by diffusion time. Of an entropy in bits, 2 to the power of a value is
the number of clusters that are seen at that time. It is absent or null where no spectrum is behind a value, and in logs
of older versions.

Several processes and threads may append to one log: each record is one write under a lock of the file. A killed process
loses at most the line it was writing, which the next writer removes. Readers take what is whole and say what is not.
Where files cannot be locked (some network drives), give every process a log of its own; `read` joins them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from io import FileIO
from itertools import count, groupby
from pathlib import Path
from typing import Any

from diffspec._checks import path_of, paths_of, shown
from diffspec.errors import InputError, RunLogWarning
from diffspec.files.held import held, tail, write_whole
from diffspec.runs.format import FIELDS, HEAD, SCHEMA, Contents, Record, checked, header, scan

__all__ = ["SCHEMA", "Record", "RunLog", "read"]

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
    OSError
        The file cannot be made or written, or another process holds it for more than a minute (TimeoutError).

    Notes
    -----
    A log that is deleted, emptied or replaced by another while it is open gets a header again where it has none, and
    goes on, with a warning. One that is replaced by a file of another kind is refused, and left alone.

    Examples
    --------
    >>> import tempfile
    >>> from diffspec.runs.log import RunLog, read
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = RunLog(folder + "/run.jsonl")
    ...     log.write("scalar", run="a", step=3, name="loss", value=0.5)
    ...     print(log.last_step("a"), read(log.path))
    3 [{'kind': 'scalar', 'run': 'a', 'step': 3, 'name': 'loss', 'value': 0.5}]
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path_of(path, "path").absolute()  # where it is also after a change of the working folder
        self._seen: tuple[int, int] | None = None
        self._end, self._start = 0, HEAD
        self._told = False
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._append(b"")

    @classmethod
    def afresh(cls, path: str | Path) -> RunLog:
        """A new log at `path`, in place of the run log that may be there.

        What that log held is gone. A file that is no run log, or is of an unknown schema, is left alone.

        Raises
        ------
        InputError, OSError
            As `RunLog`.
        """
        path = path_of(path, "path")
        _check_is_file(path)
        if path.exists():
            with held(path) as (file, _unlocked):
                _contents(path)
                file.truncate(0)
        return cls(path)

    def write(self, kind: str, **fields: Any) -> None:
        """Append one record of `kind`, whole.

        Raises
        ------
        InputError
            An unknown kind, a field that is missing or no plain finite value, or a file that is no run log any more;
            nothing is written then.
        OSError
            The file cannot be written: the disk is full, the file read-only, its folder gone, or another process holds
            it for more than a minute. What was written of the record is removed.
        """
        if kind not in FIELDS:
            raise InputError(f"kind must be one of {', '.join(FIELDS)}, got {shown(kind)}")
        self._append(checked({"kind": kind, **fields}))

    def last_step(self, run: str) -> float | None:
        """The largest step of `run` in the log; None where there is no such run."""
        return max((r["step"] for r in _contents(self.path).records if r["run"] == run and "step" in r), default=None)

    def first(self, run: str, *, name: str, layer: str, rule: str) -> float | None:
        """What `run` measured first under these names; None where it did not."""
        found = [r for r in self.numbers(run, name) if (r.get("layer"), r.get("rule")) == (layer, rule)]
        return found[0]["value"] if found else None

    def numbers(self, run: str, name: str) -> list[Record]:
        """All that `run` measured under this name, in the order it was written."""
        wanted = ("number", run, name)
        return [r for r in _contents(self.path).records if (r["kind"], r["run"], r.get("name")) == wanted]

    def settings(self, run: str) -> dict[str, Any] | None:
        """What `run` was last trained and measured with; None where the log does not say."""
        found = [r["values"] for r in _contents(self.path).records if r["run"] == run and r["kind"] == "settings"]
        return found[-1] if found else None

    def _append(self, line: bytes) -> None:
        """`line` at the end of the log, and before it the header where that is missing, in one write."""
        notes: list[str] = []
        _check_is_file(self.path)
        with held(self.path) as (file, unlocked):
            data = self._before(file, locked=not unlocked, notes=notes) + line
            if data:
                write_whole(file, data, self.path, locked=not unlocked)
            self._end = file.seek(0, os.SEEK_END)
        if unlocked and not self._told:
            self._told = True
            notes.append(f"{self.path} cannot be locked ({unlocked}); give every process a log of its own")
        for note in notes:  # after the record is safe: a warning may be an error
            warnings.warn(note, RunLogWarning, stacklevel=3)

    def _check_is_log(self, file: FileIO) -> None:
        """A look at the start for nearly all logs; a look at all of it, once, where the start is damaged."""
        file.seek(0)
        start = file.read(len(HEAD))
        if start not in (HEAD, self._start):
            _contents(self.path)
            self._start = start

    def _before(self, file: FileIO, *, locked: bool, notes: list[str]) -> bytes:
        """What has to be written before the next record; a line that was never finished is removed."""
        size, status, seen = file.seek(0, os.SEEK_END), os.fstat(file.fileno()), self._seen
        self._seen = (status.st_dev, status.st_ino)
        changed = seen is not None and (self._seen != seen or size < self._end)  # numbers of files are used again
        if size:
            self._check_is_log(file)
        if changed:
            notes.append(f"{self.path} was deleted, emptied or replaced while it was written; it goes on from here")
        rest = tail(file, size)
        if rest.strip() and not scan([rest]).cut:  # a reader finds something in it
            return b"\n"
        if rest and locked:
            file.truncate(size - len(rest))
        if rest:
            notes.append(f"{self.path} ends in the middle of a line; the last {len(rest)} bytes are left out")
        return (b"" if locked or not rest else b"\n") + (b"" if size > len(rest) else header())


def read(path: str | Path, *more: str | Path) -> list[Record]:
    """The whole records of the run log at `path`, header left out, in the order they were written.

    What is damaged, of an unknown kind or schema, or without the fields of its kind is left out with a RunLogWarning,
    which says how much and where. Of several logs the records of one follow those of the other. Where two logs hold the
    same step of one run, the run of the later log is called "run (name of its file)", with as much of its folders as
    tells the files apart.

    Raises
    ------
    InputError
        No such file, no run log, or only an unknown schema.
    """
    paths = paths_of([path, *more], "path")
    records: list[Record] = []
    for each, name in zip(paths, _names(paths), strict=True):
        found = _contents(each)
        for note in _notes(each, found):
            warnings.warn(note, RunLogWarning, stacklevel=2)
        records += _apart(records, found.records, name) if records else found.records
    return records


def _names(paths: list[Path]) -> list[str]:
    """The ends of `paths` that tell them apart; a path that is given twice, with its place."""
    whole = [path.resolve().parts for path in paths]
    for length in count(1):
        ends = ["/".join(parts[-length:]) for parts in whole]
        if len(set(ends)) == len(set(whole)):
            break
    return [end if ends.count(end) == 1 else f"{end}, {place}" for place, end in enumerate(ends, start=1)]


def _apart(former: list[Record], records: list[Record], name: str) -> list[Record]:
    """`records` with the runs renamed whose steps `former` holds as well: two measurements must not make one curve."""
    taken = {(r["run"], r["step"]) for r in former if "step" in r}
    twice = {r["run"] for r in records if "step" in r and (r["run"], r["step"]) in taken}
    return [{**r, "run": f"{r['run']} ({name})"} if r["run"] in twice else r for r in records]


def _contents(path: Path) -> Contents:
    try:
        there = path.is_file()
    except OSError as error:
        raise InputError(f"no run log at {path}: {error.strerror}; {EXPECTED}") from None
    if not there:
        raise InputError(f"no run log at {path}; {EXPECTED}")
    with path.open("rb") as file:
        found = scan(file)
    _check_schema(path, found)
    if not found.schemas and not found.records and not _is_beginning(path):
        raise InputError(f"{path} is no run log: its first line is not a header; {EXPECTED}")
    return found


def _check_schema(path: Path, found: Contents) -> None:
    """Refuse a log of which nothing can be read since all of it is of another version."""
    if found.schemas and not found.records and SCHEMA not in found.schemas:
        schema = found.schemas[0]
        raise InputError(f"{path} has schema {schema}, this diffspec reads {SCHEMA}; use the version that wrote it")


def _is_beginning(path: Path) -> bool:
    """Whether the file is empty, or holds a part of a header only: its writer was killed at once."""
    with path.open("rb") as file:
        start = file.read(1000)
    return b"\n" not in start and (HEAD.startswith(start) or start.startswith(HEAD))


def _check_is_file(path: Path) -> None:
    if path.exists() and not path.is_file():
        advice = f"name a file in it: {path / 'run.jsonl'}" if path.is_dir() else "name a file, such as run.jsonl"
        raise InputError(f"no run log at {path}: it is no ordinary file; {advice}")


def _notes(path: Path, found: Contents) -> Iterator[str]:
    """What a reader has to be told."""
    if not found.schemas:
        yield f"{path} has no whole header; its records are taken for those of schema {SCHEMA}"
    if found.lost:
        yield f"{path}: {len(found.lost)} damaged or unknown lines are left out: {_reasons(found.lost)}"
    if found.cut:
        yield f"{path} ends in the middle of a line; the last {found.cut} bytes are left out"


def _reasons(lost: list[tuple[int, str]], most: int = 5) -> str:
    """Neighbouring lines with one reason together, the first of them in full."""
    grouped = groupby(enumerate(lost), key=lambda item: (item[1][1], item[1][0] - item[0]))
    spans = [([number for _place, (number, _why) in span], why) for (why, _shift), span in grouped]
    words = [
        (f"line {span[0]} is " if len(span) == 1 else f"lines {span[0]} to {span[-1]} are ") + why
        for span, why in spans[:most]
    ]
    return "; ".join([*words, f"and {len(spans) - most} more places"] if len(spans) > most else words)
