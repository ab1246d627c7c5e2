"""Parquet files to tables, by pyarrow alone: nulls are known cell by cell, whatever library wrote them.

A page of a few bytes may stand for a million equal cells, so cells are counted before they are read, and equal text is
held once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from diffspec._arrays import free_memory
from diffspec.errors import InputError
from diffspec.files.archives import require_room
from diffspec.files.tables import LISTS, NUMBERS, WORDS, Column, Table, Values, numbers_rows

__all__ = ["read_parquet"]

MIB, ROWS = 2**20, 2**16


def read_parquet(path: Path) -> Table:
    """The table in the parquet file at `path`; the index of a data frame is a column that numbers the rows."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        require_room(_least(file.metadata), path)
        once, longest = _text(file.metadata)
    with parquet.ParquetFile(path, read_dictionary=once) as file:
        table = _gathered(file, path, longest)
    if table.num_rows == 0 or table.num_columns == 0:
        raise InputError(f"{path} holds {table.num_rows} rows of {table.num_columns} columns; write it again")
    index = {name for name in (table.schema.pandas_metadata or {}).get("index_columns", []) if isinstance(name, str)}
    columns = [
        _column(name, held, path, name in index) for name, held in zip(table.column_names, table.columns, strict=True)
    ]
    one = columns[0]
    if len(columns) > 1 and one.kind == NUMBERS and numbers_rows(one.values, one.name, first=True):
        columns[0] = replace(one, numbering=True)
    return Table(where=str(path), columns=tuple(columns))


def _least(about: Any) -> float:
    """The bytes that the cells of a file take at least, in lists too; equal text counts once."""
    widths = [max(8, about.schema.column(k).length) for k in range(about.num_columns)]
    groups = [about.row_group(k) for k in range(about.num_row_groups)]
    cells = sum(group.column(k).num_values * width for group in groups for k, width in enumerate(widths))
    return float(max(sum(group.total_byte_size for group in groups), cells, 8 * about.num_rows * about.num_columns))


def _text(about: Any) -> tuple[list[str], int]:
    """The columns of which equal words are held once, and how long the words of all others may be."""
    once, longest = [], 0
    for k in range(about.num_columns):
        leaf = about.schema.column(k)
        parts = [about.row_group(group).column(k) for group in range(about.num_row_groups)]
        # pyarrow does so neither for words that are written by what they have in common, nor in lists and records.
        if leaf.path == leaf.name and not any("DELTA" in name for part in parts for name in part.encodings):
            once += [leaf.path] if leaf.physical_type == "BYTE_ARRAY" else []
        elif leaf.physical_type == "BYTE_ARRAY":
            longest = max([longest, *(part.total_uncompressed_size for part in parts)])
    return once, longest


def _gathered(file: Any, path: Path, longest: int) -> Any:
    """The table in `file`, read in parts that fit: how much text there is shows only then."""
    import pyarrow

    parts, size = [], 0
    rows = min(ROWS, int(free_memory(np.empty(0)) / 8 / max(longest, 1)))
    for part in file.iter_batches(batch_size=max(1, rows)):
        parts.append(part)
        size += part.nbytes
        require_room(size, path)
    return pyarrow.Table.from_batches(parts, schema=parts[0].schema if parts else file.schema_arrow)


def _column(name: str, held: Any, path: Path, numbering: bool) -> Column:
    from pyarrow import types

    if types.is_dictionary(held.type) and not _is_text(held.type.value_type):
        held = held.cast(held.type.value_type)
    kind, values = WORDS, None
    if types.is_null(held.type):
        kind, values = NUMBERS, np.full(len(held), np.nan)
    elif types.is_decimal(held.type):
        held = held.cast("float64")
    if types.is_boolean(held.type) or types.is_integer(held.type) or types.is_floating(held.type):
        kind, values = NUMBERS, held.to_numpy()
    elif _is_list(held.type):
        kind, values = LISTS, None if held.null_count else _stacked(name, held, path)
    gaps = np.asarray(held.is_null(nan_is_null=types.is_floating(held.type)))
    where = (int(gaps.sum()), int(gaps.argmax()))
    values = _words(held, path) if values is None else values
    return Column(name=name, kind=kind, values=values, gaps=where, numbering=numbering)


def _is_text(kind: Any) -> bool:
    """Whether cells of this kind may be of any length."""
    from pyarrow import types

    tests = (types.is_string, types.is_large_string, types.is_string_view)
    return any(test(kind) for test in (*tests, types.is_binary, types.is_large_binary, types.is_binary_view))


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _stacked(name: str, held: Any, path: Path) -> Values:
    """A column of lists as (n, k), of lists of lists as (n, k, l)."""
    from pyarrow import compute, types

    shape, cells = [len(held)], held.combine_chunks()
    while _is_list(cells.type) and not cells.null_count:
        lengths = compute.list_value_length(cells).unique().to_pylist()
        shape.append(lengths[0] if len(lengths) == 1 else -1)
        cells = cells.flatten()
    plain = types.is_boolean(cells.type) or types.is_integer(cells.type) or types.is_floating(cells.type)
    if not plain or cells.null_count or min(shape) < 0:
        raise InputError(f"{path} must have lists of numbers, all of one length, in column {name!r}; got others")
    values: Values = cells.to_numpy(zero_copy_only=False).reshape(shape)
    return values.astype(np.float64) if values.dtype.kind == "f" else values


def _words(held: Any, path: Path) -> Values:
    """Text as it is; dates and the like by their names."""
    from pyarrow import types

    if not types.is_dictionary(held.type):
        return _named((cell.as_py() for cell in held), path)
    parts = [(chunk.indices.fill_null(len(chunk.dictionary)), chunk.dictionary) for chunk in held.chunks]
    words = [
        np.array([*_named((cell.as_py() for cell in known), path), None], dtype=object)[codes] for codes, known in parts
    ]
    return np.concatenate(words)


def _named(cells: Iterable[Any], path: Path) -> Values:
    """Each cell in words; equal words are one object, and what all of them take is looked at."""
    known: dict[str, str] = {}

    def words() -> Iterator[str | None]:
        size = seen = 0
        for cell in cells:
            word = "" if cell is None else str(cell)
            if word not in known:
                size += len(word)
            if size - seen > MIB:
                require_room(size, path)
                seen = size
            yield None if cell is None else known.setdefault(word, word)

    return np.array(list(words()), dtype=object)
