"""What arrays a file holds, and arrays of more axes as points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from diffspec.errors import InputError
from diffspec.files.reading import load
from diffspec.files.several import arrays_in

__all__ = ["REDUCTIONS", "Held", "held_in", "reduced"]

Values: TypeAlias = np.ndarray[Any, Any]

REDUCTIONS: Mapping[str, Callable[[Values], Values]] = {
    "gap": lambda values: values.mean(axis=tuple(range(2, values.ndim)), dtype=np.float64),
    "mean": lambda values: values.mean(axis=tuple(range(1, values.ndim - 1)), dtype=np.float64),
    "first": lambda values: values.reshape(len(values), -1, values.shape[-1])[:, 0],
    "last": lambda values: values.reshape(len(values), -1, values.shape[-1])[:, -1],
    "flatten": lambda values: values.reshape(len(values), -1),
}
"""From (n, ..., d) or, for gap, (n, c, ...) to points: gap is a mean over the pixels after the channels, mean one over
tokens or pixels before the features, first and last are tokens."""


@dataclass(frozen=True, slots=True)
class Held:
    """One array of a file."""

    path: Path
    key: str | None
    shape: tuple[int, ...]
    dtype: str


def held_in(path: Path) -> list[Held]:
    """The arrays of a file with their shapes; of a table its columns of numbers, as one.

    Raises
    ------
    InputError, TooLargeError, MissingExtraError
        As `diffspec.files.reading.load`.
    """
    keys: list[str | None] = [*arrays_in(path)] or [None]
    arrays = [(key, load(path, key=key)) for key in keys]
    return [Held(path, key, values.shape, str(values.dtype)) for key, values in arrays]


def reduced(values: Values, reduce: str | None) -> Values:
    """`values` as points (n, d) by the reduction of that name; as they are where there is none.

    Raises
    ------
    InputError
        No more axes than points have.
    """
    if reduce is None:
        return values
    if values.ndim < 3 or not values.shape[0]:
        raise InputError(
            f"--reduce {reduce} is for arrays of three axes or more, got shape {values.shape}; leave it out"
        )
    return REDUCTIONS[reduce](values)
