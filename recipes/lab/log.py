"""The results of a recipe: append-only JSON lines, one per cell.

A cell is one measurement: what it was called with, the numbers it gave, how long it took. A cell that is in the file
is not measured again, so an interrupted recipe goes on where it stopped. A cell that raised, or gave a number that is
not finite, is a line with the error in place of the numbers, and is tried again by the next run. So is a cell whose
line was cut off, by a kill or a full disk.
"""

from __future__ import annotations

import errno
import json
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from diffspec import __version__
from diffspec.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One measurement: plain values only."""

    key: Mapping[str, Any]
    """The arguments that the measuring function was called with: they decide the numbers."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Numbers (or lists of numbers) by name; empty where the cell failed."""
    seconds: float = 0.0
    error: str = ""


@dataclass
class Log:
    """The cells of one recipe at one size, kept in the file at `path`."""

    path: Path
    say: Callable[[str], None] = lambda _line: None
    share: tuple[int, int] = (1, 1)
    """(i, k): of every k cells that are asked for the i-th, so that k processes share one file."""
    cluster: str = ""
    """Address of a Dask scheduler whose workers measure the cells of recipes that can be measured elsewhere."""
    asked: int = 0
    measured: int = 0
    skipped: int = 0
    failed: int = 0

    def __post_init__(self) -> None:
        _drop_cut_line(self.path)
        self._known = {_name(cell.key): cell for cell in read(self.path)}

    def touch(self) -> None:
        """Make the file, so that a folder that cannot be written is told before anything is measured.

        Raises
        ------
        InputError
            Says what is in the way.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()
        except OSError as error:
            raise InputError(
                f"results cannot be written to {self.path} ({error.strerror}); give another folder by --results DIR"
            ) from error

    @property
    def cells(self) -> list[Cell]:
        """Every cell that was measured, in order; of one that was measured twice, the later."""
        return [cell for cell in self._known.values() if not cell.error]

    def take(self, cells: Iterable[Cell]) -> None:
        """Write down `cells` that another recipe has measured by the same function of the same key, unless known."""
        for cell in cells:
            known = self._known.get(_name(cell.key))
            if known is None or known.error:
                self._write(cell)

    def cell(self, function: Callable[..., Mapping[str, Any]], **key: Any) -> None:
        """Write down what ``function(**key)`` gives, unless the file holds it already; an error is written, not raised.

        `key` must hold all that decides the numbers, the seed among it, as plain values.
        """
        plain = self.wanted(key)
        if plain is not None:
            self.add(measured(function, plain))

    def wanted(self, key: Mapping[str, Any]) -> dict[str, Any] | None:
        """`key` as plain values, where its cell is of this process's share and not in the file yet."""
        turn, workers = self.share
        self.asked += 1
        if (self.asked - turn) % workers:
            return None
        plain: dict[str, Any] = json.loads(json.dumps(key))
        known = self._known.get(_name(plain))
        if known and not known.error:
            self.skipped += 1
            return None
        return plain

    def add(self, cell: Cell) -> None:
        """Write down a cell that was measured here or elsewhere."""
        self.measured += 1
        self.failed += bool(cell.error)
        self._write(cell)
        self.say(f"{_words(cell.key)}: {cell.error or f'{cell.seconds:.1f} s'}")

    def _write(self, cell: Cell) -> None:
        self._known[_name(cell.key)] = cell
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = _line(cell).encode()
        with self.path.open("a+b", buffering=0) as file:
            # In one piece: several processes may write. What one of them could not end spoils no other's line.
            whole = b"\n" + line if _cut(file) else line
            if file.write(whole) < len(whole):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))


def measured(function: Callable[..., Mapping[str, Any]], key: dict[str, Any]) -> Cell:
    """The cell that ``function(**key)`` gives; where it raises or is not finite, with the error."""
    start = time.perf_counter()
    try:
        values = dict(function(**key))
        bad = [name for name, value in values.items() if not _finite(value)]
        error = f"not finite: {', '.join(bad)}" if bad else ""
    except Exception as raised:  # whatever it was, it is a line of the file and the other cells are measured
        values, error = {}, " ".join(f"{type(raised).__name__}: {raised}".split())
    seconds = round(time.perf_counter() - start, 3)
    return Cell(key=key, values={} if error else values, seconds=seconds, error=error)


def read(path: Path) -> list[Cell]:
    """All cells in the file at `path`, failed ones too, none of lines that were cut off; without a file, none."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    plain = (each for each in map(_record, lines) if each is not None)
    return [Cell(**{name: value for name, value in each.items() if name != "version"}) for each in plain]


def select(cells: Iterable[Cell], **where: Any) -> list[Cell]:
    """The cells whose key holds all of `where`."""
    return [cell for cell in cells if all(cell.key.get(name) == value for name, value in where.items())]


def mean(cells: Iterable[Cell], value: str) -> float:
    """The mean of one number over `cells`; NaN where no cell has it."""
    numbers = [cell.values[value] for cell in cells if value in cell.values]
    return math.fsum(numbers) / len(numbers) if numbers else math.nan


def spread(cells: Iterable[Cell], value: str) -> float:
    """The standard deviation of one number over `cells`; 0 for fewer than two."""
    numbers = [cell.values[value] for cell in cells if value in cell.values]
    centre = math.fsum(numbers) / max(1, len(numbers))
    return math.sqrt(math.fsum((x - centre) ** 2 for x in numbers) / max(1, len(numbers) - 1))


def _finite(value: Any) -> bool:
    """Whether the numbers of `value`, which may be lists and mappings of them, are finite."""
    if isinstance(value, Mapping):
        return all(map(_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _line(cell: Cell) -> str:
    plain = {"key": cell.key, "values": cell.values, "seconds": cell.seconds, "version": __version__}
    return json.dumps({**plain, "error": cell.error} if cell.error else plain, allow_nan=False) + "\n"


def _name(key: Mapping[str, Any]) -> str:
    return json.dumps(key, sort_keys=True)


def _words(key: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in key.items())


def _record(line: bytes) -> dict[str, Any] | None:
    """What a line says; None where it was cut off."""
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return found


def _cut(file: BinaryIO) -> bool:
    """Whether the last line of `file` has no end."""
    if not file.seek(0, os.SEEK_END):
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


def _drop_cut_line(path: Path) -> None:
    """Remove a last line that a kill cut off."""
    content = path.read_bytes() if path.exists() else b""
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
