"""The layout of a run log: what a record of each kind holds, and which records of a damaged file are whole."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import repeat
from typing import Any, TypeAlias

from diffspec._version import __version__
from diffspec.errors import InputError

__all__ = [
    "DEEPEST",
    "FIELDS",
    "HEAD",
    "LARGEST",
    "SCHEMA",
    "Contents",
    "Record",
    "checked",
    "encoded",
    "fault",
    "header",
    "scan",
]

SCHEMA = 1
"""Version of the record layout; a reader refuses versions it does not know."""

Record: TypeAlias = dict[str, Any]

LARGEST, DEEPEST = 1e300, 20  # a plot adds a margin to the largest number, and JSON may nest until the stack ends

TIME = re.compile(r"\d{1,9}(\.\d{1,9})?")
"""A diffusion time as the name of a number: ``"30"``."""

HEAD = f'{{"kind": "run-log", "schema": {SCHEMA}, '.encode()
"""What every run log of this schema starts with."""


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST
    )  # false for NaN


def _numbers(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    if set(map(type, value)) <= {float} and sum(map(abs, value)) <= LARGEST:  # the usual case, at once; false for NaN
        return True
    return all(map(_number, value))


def _plain(value: Any, depth: int = 0) -> bool:
    if isinstance(value, list | dict):
        items = value.values() if isinstance(value, dict) else value
        rest = [item for item in items if item is not None and type(item) not in (str, bool)]  # most need no call
        if set(map(type, rest)) <= {float, int} and _are_finite(rest):  # the usual case, at once
            return depth < DEEPEST
        return depth < DEEPEST and all(map(_plain, rest, repeat(depth + 1)))
    return value is None or isinstance(value, str | bool) or _number(value)


def _are_finite(numbers: list[float]) -> bool:
    """Whether all are; also false where their sum is too large to tell."""
    try:
        return sum(map(abs, numbers)) <= LARGEST  # false for NaN
    except OverflowError:  # of a whole number that no float can hold
        return False


def _table(value: Any) -> bool:
    return isinstance(value, dict) and _plain(value)


def _list(value: Any) -> bool:
    return isinstance(value, list) and _plain(value)


def _by_time(value: Any) -> bool:
    return isinstance(value, dict) and all(map(TIME.fullmatch, value)) and all(map(_number, value.values()))


Check: TypeAlias = tuple[Callable[[Any], bool], str]
TEXT, NUMBER, NUMBERS = (_text, "a text"), (_number, "a finite number"), (_numbers, "a list of finite numbers")
LIST, TABLE = (_list, "a list of plain values"), (_table, "an object of plain values")
BY_TIME = (_by_time, "an object of finite numbers by diffusion time")
MEASURED: dict[str, Check] = {"run": TEXT, "step": NUMBER, "name": TEXT, "value": NUMBER}

FIELDS: dict[str, tuple[dict[str, Check], dict[str, Check]]] = {
    "number": (
        MEASURED,
        {
            **dict.fromkeys(("layer", "rule", "unit", "verdict"), TEXT),
            **dict.fromkeys(("stderr", "n", "ceiling", "seconds"), NUMBER),
            "settings": TABLE,
            "times": BY_TIME,
        },
    ),
    "scalar": (MEASURED, {}),
    "spectrum": ({"run": TEXT, "step": NUMBER, "values": NUMBERS}, {"layer": TEXT, "rule": TEXT}),
    "picture": (
        {"run": TEXT, "step": NUMBER, "x": NUMBERS, "y": NUMBERS},
        {"layer": TEXT, "method": TEXT, "classes": LIST},
    ),
    "settings": ({"run": TEXT, "values": TABLE}, {"axis": TEXT}),
    "failure": ({"run": TEXT, "step": NUMBER, "error": TEXT}, {"layer": TEXT, "name": TEXT, "rule": TEXT}),
    "alert": ({"run": TEXT, "step": NUMBER, "name": TEXT, "text": TEXT}, {"layer": TEXT, "rule": TEXT}),
    "skipped": ({"run": TEXT, "step": NUMBER, "text": TEXT}, {}),
}
"""Per kind of record the fields that it needs, and those that it may leave out or hold null for."""

# Where a record may begin in the middle of a damaged line.
START = re.compile(rf'\{{\s*"kind"\s*:\s*"(?:{"|".join(FIELDS)})"')
SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class Contents:
    """What a file holds: its whole records, and for every other line its number and why it is left out."""

    records: list[Record] = field(default_factory=list)
    lost: list[tuple[int, str]] = field(default_factory=list)
    schemas: list[int] = field(default_factory=list)
    """Of the whole headers; more than one where logs were joined."""
    cut: int = 0
    """How many bytes at the end belong to a line that was never finished."""


def header() -> bytes:
    """The first line of a new log."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return encoded({"kind": "run-log", "schema": SCHEMA, "version": __version__, "created": created})


def encoded(record: Record) -> bytes:
    """A record as its line."""
    return json.dumps(record, allow_nan=False).encode() + b"\n"


def checked(record: Record) -> bytes:
    """A record as its line, or InputError where no reader could use it."""
    try:
        line = encoded(record)
        wrong = fault(json.loads(line))  # as a reader will find it
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"a {record['kind']} record must hold plain finite values; {error}") from None
    if wrong:
        raise InputError(f"this is {wrong}; nothing was written")
    return line


def fault(record: Record) -> str:
    """Why `record` cannot be used; empty where it can."""
    kind = record.get("kind")
    if not isinstance(kind, str) or kind not in FIELDS:
        return f"of unknown kind {kind!r:.40}"
    needed, optional = FIELDS[kind]
    for name, (holds, words) in needed.items():
        if not holds(record.get(name)):
            return f"a {kind} that needs {words} as {name}"
    for name, (holds, words) in optional.items():
        value = record.get(name)
        if value is not None and not holds(value):
            return f"a {kind} that needs {words} as {name}"
    if kind == "picture" and len(record["x"]) != len(record["y"]):
        return "a picture that needs as many x as y"
    return ""


def scan(lines: Iterable[bytes]) -> Contents:
    """What is whole in the lines of a file, and what is not."""
    found = Contents()
    for number, line in enumerate(lines, start=1):
        record = _decoded(line)
        if record is not None and record.get("kind") == "run-log":
            _begin(found, number, record)
        elif SCHEMA not in found.schemas[-1:] and found.schemas:
            found.lost.append((number, f"of schema {found.schemas[-1]}"))
        elif record is not None:
            _keep(found, number, record)
        elif line.strip():
            _save(found, number, line)
    return found


def _begin(found: Contents, number: int, header: Record) -> None:
    schema = header.get("schema")
    if type(schema) is int and abs(schema) < LARGEST:
        found.schemas.append(schema)
    else:
        found.lost.append((number, "a header without its schema"))


def _keep(found: Contents, number: int, record: Record) -> None:
    if wrong := fault(record):
        found.lost.append((number, wrong))
    else:
        found.records.append(record)


def _save(found: Contents, number: int, line: bytes) -> None:
    """The whole records in a damaged line: a kill, or a bad block, may have eaten the end of a line."""
    saved = list(_within(line.decode(errors="surrogateescape")))
    found.records += saved
    if not line.endswith(b"\n") and not saved:
        found.cut = len(line)
    else:
        found.lost.append((number, f"no JSON object{', but what is whole in it is kept' if saved else ''}"))


def _within(text: str) -> Iterator[Record]:
    place = 0
    while match := START.search(text, place):
        try:
            record, stop = DECODER.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            place = match.end()
            continue
        whole = not SURROGATE.search(text, match.start(), stop) and not fault(record)
        place = stop if whole else match.end()
        if whole:
            yield _readable(record, text)


def _decoded(line: bytes) -> Record | None:
    """The JSON object of a line; None where it is something else."""
    try:
        text = line.decode()
        record = DECODER.decode(text.removeprefix("\ufeff"))  # editors may put a mark of byte order before the header
    except (ValueError, RecursionError):
        return None
    return _readable(record, text) if isinstance(record, dict) else None


def _readable(record: Record, text: str) -> Record:
    """Half of a pair of surrogates, which no file and no page can hold, as the six characters it was written with."""
    if "\\ud" not in text and "\\uD" not in text:
        return record
    plain = SURROGATE.sub(lambda half: rf"\\u{ord(half[0]):04x}", json.dumps(record, ensure_ascii=False))
    clean: Record = json.loads(plain)
    return clean


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


DECODER = json.JSONDecoder(parse_constant=_refuse)
