"""The results of a recipe: append-only JSON lines, one per cell.

A cell is one measurement: what it was called with, the numbers it gave, how long it took. A cell that is in the file
is not measured again, so an interrupted recipe goes on where it stopped. A cell that raised, or gave a number that is
not finite, is a line with the error in place of the numbers, and is tried again by the next run.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diffspec import __version__


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
        with self.path.open("ab", buffering=0) as file:
            file.write(_line(cell).encode())  # in one piece: several processes may write


def measured(function: Callable[..., Mapping[str, Any]], key: dict[str, Any]) -> Cell:
    """The cell that ``function(**key)`` gives; where it raises or is not finite, with the error."""
    start = time.perf_counter()
    try:
        values = dict(function(**key))
        bad = [name for name, value in values.items() if isinstance(value, float) and not math.isfinite(value)]
        error = f"not finite: {', '.join(bad)}" if bad else ""
    except Exception as raised:  # whatever it was, it is a line of the file and the other cells are measured
        values, error = {}, " ".join(f"{type(raised).__name__}: {raised}".split())
    seconds = round(time.perf_counter() - start, 3)
    return Cell(key=key, values={} if error else values, seconds=seconds, error=error)


def read(path: Path) -> list[Cell]:
    """All cells in the file at `path`, failed ones too; none where there is no file."""
    if not path.exists():
        return []
    plain = (json.loads(line) for line in path.read_text().splitlines())
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


def _line(cell: Cell) -> str:
    plain = {"key": cell.key, "values": cell.values, "seconds": cell.seconds, "version": __version__}
    return json.dumps({**plain, "error": cell.error} if cell.error else plain, allow_nan=False) + "\n"


def _name(key: Mapping[str, Any]) -> str:
    return json.dumps(key, sort_keys=True)


def _words(key: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in key.items())


def _drop_cut_line(path: Path) -> None:
    """Remove a last line that a kill cut off."""
    content = path.read_bytes() if path.exists() else b""
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
