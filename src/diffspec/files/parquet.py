"""Parquet files to tables, by pyarrow alone: nulls are known cell by cell, whatever library wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from diffspec.errors import InputError
from diffspec.files.archives import require_room
from diffspec.files.tables import LISTS, NUMBERS, WORDS, Column, Table, Values

__all__ = ["read_parquet"]


def read_parquet(path: Path) -> Table:
    """The table in the parquet file at `path`; the index of a data frame is a column that numbers the rows."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        about = file.metadata
        groups = [about.row_group(k).total_byte_size for k in range(about.num_row_groups)]
        require_room(max(sum(groups), 8 * about.num_rows * about.num_columns), path)
        table = file.read()
    if table.num_rows == 0 or table.num_columns == 0:
        raise InputError(f"{path} holds {table.num_rows} rows of {table.num_columns} columns; write it again")
    index = {name for name in (table.schema.pandas_metadata or {}).get("index_columns", []) if isinstance(name, str)}
    columns = zip(table.column_names, table.columns, strict=True)
    return Table(where=str(path), columns=tuple(_column(name, held, path, name in index) for name, held in columns))


def _column(name: str, held: Any, path: Path, numbering: bool) -> Column:
    from pyarrow import types

    if types.is_dictionary(held.type):
        held = held.cast(held.type.value_type)
    kind, values = WORDS, None
    if types.is_null(held.type):
        kind, values = NUMBERS, np.full(len(held), np.nan)
    elif types.is_decimal(held.type):
        held = held.cast("float64")
    if types.is_boolean(held.type) or types.is_integer(held.type) or types.is_floating(held.type):
        kind, values = NUMBERS, held.to_numpy()
    elif types.is_list(held.type) or types.is_large_list(held.type) or types.is_fixed_size_list(held.type):
        kind, values = LISTS, None if held.null_count else _stacked(name, held, path)
    gaps = np.asarray(held.is_null(nan_is_null=types.is_floating(held.type)))
    where = (int(gaps.sum()), int(gaps.argmax()))
    values = _words(held) if values is None else values
    return Column(name=name, kind=kind, values=values, gaps=where, numbering=numbering)


def _stacked(name: str, held: Any, path: Path) -> Values:
    """A column of lists as (n, k)."""
    rows = [np.asarray(row) for row in held.to_pylist()]
    shapes = {row.shape for row in rows}
    if len(shapes) > 1 or rows[0].dtype.kind not in "fiub":
        raise InputError(f"{path} must have lists of numbers, all of one length, in column {name!r}; got others")
    return np.stack(rows)


def _words(held: Any) -> Values:
    """Text as it is; dates and the like by their names."""
    return np.array([None if cell is None else str(cell) for cell in held.to_pylist()], dtype=object)
