"""Text files of rows (.csv, .tsv, .txt) to tables: separator and header are found, and text is kept as it is."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from textwrap import shorten

import numpy as np

from diffspec.errors import InputError
from diffspec.files.archives import require_room
from diffspec.files.headers import MISSING, has_header
from diffspec.files.tables import MIXED, NUMBERS, WORDS, Column, Table, Values, is_number, numbers_rows

__all__ = ["SEPARATORS", "read_table"]

BLOCK = 2**16
"""How many cells are text at a time; of numbers only the numbers are kept."""

SEPARATORS = {".csv": ",;\t|", ".tsv": "\t,;|", ".txt": "\t,;|"}
"""In the order of preference, by the suffix of the file; blanks come last."""

DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")

BOOLEANS = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True, slots=True)
class _Lines:
    """The text of a file, cut into rows."""

    path: Path
    text: str
    separator: str
    blank_after: bool
    """Whether a blank belongs to the separator: "1, 2"."""
    skipped: int
    """How many lines of comments stood above."""

    def rows(self) -> Iterator[list[str]]:
        """The fields of every row, as many as in the first; blank lines are none, but for one column an empty cell."""
        reader = csv.reader(self._lines(), delimiter=self.separator, skipinitialspace=self.blank_after, strict=True)
        width = 0
        for row in reader:
            width = width or len(row)
            if width == 1 and not row:
                row = [""]
            if len(row) == width:
                yield row
            elif row:
                line = reader.line_num + self.skipped
                raise InputError(
                    f"{self.path} has {len(row)} fields in line {line} and {width} in the first, "
                    f"separated by {self.separator!r}; write it again, or quote what holds a separator"
                )

    def _lines(self) -> Iterator[str]:
        if self.separator != " ":
            return io.StringIO(self.text, newline="")
        return (line.strip() for line in io.StringIO(self.text.lstrip("# ")))


def read_table(path: Path, *, header: bool | None, words: str | None) -> Table:
    """The table in a text file.

    Parameters
    ----------
    path : Path
    header : bool, optional
        Whether the first line names the columns; by default that is found out.
    words : str, optional
        The column that is kept as it is written; the only column always is.
    """
    whole = _text(path)
    text = _uncommented(whole, path.suffix.lower())
    separator = _separator(text, path.suffix.lower())
    skipped = whole.count("\n") - text.count("\n")
    lines = _Lines(path, text, separator, separator == " " or _blank_follows(text, separator), skipped)
    first = next(lines.rows(), None)
    if first is None:
        raise InputError(f"{path} is no readable {path.suffix} file (it holds blank lines only); give another")
    named = has_header(str(path), first, lines.rows) if header is None else header
    # numpy.savetxt puts "# " before a header.
    names = [first[0].lstrip("# "), *first[1:]] if named else [str(k) for k in range(len(first))]
    told = f"the first line of {path}, {shorten(separator.join(first), 40, placeholder=' ...')!r}, was taken for "
    columns = _columns(lines, names, 1 if named else 0, words)
    return Table(where=str(path), columns=columns, first_line=told + ("column names" if named else "data"))


def _text(path: Path) -> str:
    require_room(path.stat().st_size, path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is no readable {path.suffix} file (byte {error.start} is not UTF-8); save it as UTF-8"
        ) from None
    if "\0" in text:
        raise InputError(f"{path} is no readable {path.suffix} file (it holds zero bytes); give a text file")
    return text.strip("\r\n")


def _uncommented(text: str, suffix: str) -> str:
    """`text` without the lines of "#" at its top that have not as many fields as the rows: comments, no header."""
    top = re.match(r"(?:#[^\r\n]*[\r\n]+)*", text)
    rest = text[top.end() :] if top else text
    if top is None or not top[0] or not rest:
        return text
    separator = _separator(rest, suffix)

    def width(line: str) -> int:
        bare = re.sub(r'"[^"]*"', '""', line)
        return len(bare.lstrip("# ").split()) if separator == " " else bare.count(separator)

    fields = width(_sample(rest)[0])
    return "\n".join([*(line for line in top[0].splitlines() if width(line) == fields), rest])


def _separator(text: str, suffix: str) -> str:
    """The separator that occurs equally often in every line; of several the one that leaves most numbers."""
    lines = _sample(text)
    choices = [s for s in SEPARATORS[suffix] if len({line.count(s) for line in lines}) == 1 and s in lines[0]]
    if choices:
        return max(choices, key=lambda s: _numbers([line.split(s) for line in lines]))
    return " " if _blanks_separate(lines) else SEPARATORS[suffix][0].replace("\t", "," if suffix == ".txt" else "\t")


def _sample(text: str) -> list[str]:
    """The first lines, without what stands in quotes."""
    head = text[:BLOCK]
    head = head if len(text) <= BLOCK else head[: head.rfind("\n") + 1] or head
    lines = re.sub(r'"[^"]*"', '""', head).splitlines()
    return [line for line in lines if line.strip()][:50] or [""]


def _numbers(rows: list[list[str]]) -> float:
    """The share of fields that are numbers, with decimal commas too."""
    fields = [field for row in rows for field in row]
    return sum(is_number(field.strip().replace(",", ".", 1)) for field in fields) / len(fields)


def _blanks_separate(lines: list[str]) -> bool:
    """Not in "New York" or "class 1": all columns must be numbers, or two at least and one of text."""
    rows = [line.lstrip("#").split() for line in lines]
    if len({len(row) for row in rows}) != 1 or len(rows[0]) < 2:
        return False
    columns = list(zip(*(rows[1:] or rows), strict=True))
    text = sum(not all(map(is_number, column)) for column in columns)
    return text == 0 or (text == 1 and len(columns) > 2)


def _blank_follows(text: str, separator: str) -> bool:
    bare = re.sub(r'"[^"]*"', '""', text) if '"' in text else text
    return separator in bare and bare.count(separator) == bare.count(f"{separator} ")


def _columns(lines: _Lines, names: Sequence[str], start: int, words: str | None) -> tuple[Column, ...]:
    # Of two columns the first may number the rows, and the other is then the only one.
    building = [
        _Building(name, [] if name == words or k == len(names) - 1 <= 1 else None) for k, name in enumerate(names)
    ]
    rows, at = islice(lines.rows(), start, None), 0
    while block := list(islice(rows, max(1, BLOCK // len(names)))):
        for column, cells in zip(building, zip(*block, strict=True), strict=True):
            column.add(cells, at)
        at += len(block)
    if at == 0:
        raise InputError(f"{lines.path} holds column names and no rows; write it again or give another")
    return tuple(column.built(first=k == 0 < len(names) - 1) for k, column in enumerate(building))


@dataclass(slots=True)
class _Building:
    """A column that grows: its numbers, its words where they are wanted, and what else there was."""

    name: str
    words: list[str] | None
    parts: list[Values] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    first_gap: int = 0
    odd: str = ""

    def add(self, cells: Sequence[str], at: int) -> None:
        """The cells of the rows from `at` on."""
        if self.words is not None:
            self.words.extend(cells)
        try:
            part = np.fromiter(map(float, cells), float, len(cells))
        except ValueError:
            part = None
        if part is None or np.isnan(part).any() or "_" in "".join(cells):
            part = np.array([self._value(cell.strip(), row) for row, cell in enumerate(cells, at)])
        else:
            self.seen["numbers"] += len(cells)
        self.parts.append(part)

    def _value(self, cell: str, row: int) -> float:
        if cell in MISSING:
            self.first_gap = self.first_gap if self.seen["gaps"] else row
            self.seen["gaps"] += 1
        elif is_number(cell):
            self.seen["numbers"] += 1
            return float(cell)
        elif cell.lower() in BOOLEANS:
            self.seen["booleans"] += 1
            return BOOLEANS[cell.lower()]
        else:
            self.seen["numbers"] += DECIMAL_COMMA.fullmatch(cell) is not None  # refused, but not as a column of text
            self.odd = self.odd or f"{shorten(cell, 30)!r} in row {row}, counted from 0"
            self.seen["words"] += 1
        return np.nan

    def built(self, *, first: bool) -> Column:
        """The column, all cells seen."""
        values = np.concatenate(self.parts)
        seen = self.seen
        kind = NUMBERS if not seen["words"] else MIXED if seen["numbers"] else WORDS
        if seen["booleans"] and seen["numbers"]:
            kind, self.odd = MIXED, self.odd or "true or false beside numbers"
        return Column(
            name=self.name,
            kind=kind,
            values=values,
            words=self.words,
            gaps=(seen["gaps"], self.first_gap),
            odd=self.odd,
            numbering=numbers_rows(values, self.name, first=first)
            if kind == NUMBERS
            else kind == WORDS and first and not self.name,
        )
