"""Numbers by name from a text table: the test accuracies of networks, say."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diffspec.errors import InputError
from diffspec.files.delimited import SEPARATORS, read_table
from diffspec.files.tables import NUMBERS, Column, has_commas, is_number, listed

__all__ = ["accuracies"]


def accuracies(path: Path, column: str | None = None) -> dict[str, float]:
    """One column of numbers by the names in the first; a row without a number is left out.

    Parameters
    ----------
    path : Path
        A .csv, .tsv or .txt with or without a line of column names. A column without a name that counts the rows, as
        pandas writes it, is passed over.
    column : str, optional
        By default the first that is called ``*acc*``, else the first.

    Raises
    ------
    InputError
        No such file or column, another kind of file, or one name in two rows.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}; check the path")
    if path.suffix.lower() not in SEPARATORS:
        raise InputError(f"{path} must be a table of names and numbers, {', '.join(SEPARATORS)}; save it as one")
    found = read_table(path, header=True, words=None)
    first = [one.name for one in found.columns]
    headed = not first[0] or not any(map(is_number, first[1:]))  # no column of accuracies is called by a number
    named = next((at for at, one in enumerate(found.columns) if headed and not one.numbering), 0)
    key = first[named] if headed else str(named)
    found = read_table(path, header=headed, words=key)  # names are kept as they are written: 01 is not 1
    names = [word.strip() for word in found.columns[named].words or ()]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"{path} has the name {twice!r} in two rows; leave one out")
    rest = [one for at, one in enumerate(found.columns) if at != named]
    values = _chosen(path, rest, column).values
    return {name: float(value) for name, value in zip(names, values, strict=True) if not np.isnan(value)}


def _chosen(path: Path, columns: list[Column], asked: str | None) -> Column:
    numbers = [one for one in columns if one.kind == NUMBERS]
    likely = [one for one in numbers if "acc" in one.name.lower()] or numbers
    wanted = [one for one in numbers if one.name == asked] if asked is not None else likely
    if wanted:
        return wanted[0]
    which = "of numbers" if asked is None else f"of numbers {asked!r}"
    odd = "".join(f"; {one.name!r} has {one.odd}" for one in columns if one.odd)
    remedy = f"; write {'decimal points' if has_commas(odd) else 'plain numbers'}" if odd else ""
    held = listed([one.name for one in numbers]) or "none"
    raise InputError(f"{path} has no column {which}; it has {held}{odd}{remedy}")
