"""The gate of the estimators of continuous variables: what they cannot use is refused here, in words."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import as_points, to_numpy
from diffspec._checks import integer
from diffspec.errors import InputError
from diffspec.points.distances import unit_scaled
from diffspec.points.groups import Grouping, Partition, partition_of, unequal
from diffspec.points.labels import host

__all__ = [
    "Floats",
    "as_reference",
    "as_samples",
    "check_neighbors",
    "continuous",
    "holds_labels",
    "labels_of",
    "require_distinct",
    "require_in_reach",
    "require_varying",
    "standardized",
    "together",
    "varied",
    "within_one",
]

Floats: TypeAlias = np.ndarray[Any, Any]

OUTLYING = 1e12
"""From so many times the usual distance, the distances to the others are off by 1e-4 of how far these are apart."""


def as_samples(points: Any, *, name: str = "points") -> Floats:
    """`points` as finite float64 on the host, shape (n, d) with n >= 2 and d >= 1.

    Raises
    ------
    InputError
        As `diffspec._arrays.as_points`.
    """
    # In one order of memory: sums round by it, and ties of distances are broken by rounding.
    return np.ascontiguousarray(to_numpy(as_points(points, name=name)))


def as_reference(reference: Any, n: int, *, instead: str) -> Floats:
    """A continuous reference of shape (n,) or (n, m) as samples of shape (n, m); `instead` is what takes labels.

    Raises
    ------
    InputError
        Integers, booleans or strings, which are labels; wrong length.
    """
    if holds_labels(reference):
        raise InputError(
            f"reference must be continuous (floats), got labels; use {instead}, or convert counts with astype(float)"
        )
    values = host(reference)
    column = as_samples(values[:, None] if values.ndim == 1 else values, name="reference")
    if len(column) != n:
        raise unequal(len(column), n)
    return column


def holds_labels(reference: Any) -> bool:
    """Whether `reference` is a partition, or integers, booleans or strings, which are taken as class labels."""
    return isinstance(reference, Partition) or host(reference).dtype.kind not in "fc"


def labels_of(reference: Any, groups: Grouping | None, n: int, *, smallest: int = 1) -> Partition:
    """The partition that a discrete reference stands for, every group of at least `smallest` points.

    Raises
    ------
    InputError
        Floats or vectors without `groups`, wrong length, a single group, or one that is too small.
    """
    partition = partition_of(reference, groups, n)
    if len(partition.names) == 1:
        raise InputError(f"labels must hold at least 2 classes, got only {partition.names[0]!r}; the information is 0")
    size = min(partition.sizes)
    if size < smallest:
        name = partition.names[partition.sizes.index(size)]
        raise InputError(
            f"every class must hold at least neighbors + 1 = {smallest} points, got {size} in class {name!r}; "
            "lower neighbors or merge small classes"
        )
    return partition


def check_neighbors(neighbors: int, n: int, *, least: int = 1) -> int:
    """`neighbors` as an int; InputError unless it lies in `least` .. n - 1."""
    neighbors = integer(neighbors, "neighbors", least=least)
    if n <= neighbors:
        raise InputError(f"neighbors = {neighbors} needs at least {neighbors + 1} points, got {n}; lower neighbors")
    return neighbors


def require_varying(values: Floats, name: str) -> None:
    """Raise InputError where a feature of `values` has one value only, which has no density."""
    constant = int(np.count_nonzero(values.max(axis=0) == values.min(axis=0)))
    if constant:
        raise InputError(
            f"{name} must have no constant feature, got {constant} of {values.shape[1]}; "
            f"drop them: {name}[:, {name}.std(axis=0) > 0]"
        )


def require_distinct(values: Floats, name: str, *, instead: str) -> None:
    """Raise InputError where rows of `values` are equal, which continuous variables never are."""
    # Rows as digests: sorting them would copy all values twice. Adding 0 makes -0 and 0 the same bytes.
    copies = len(values) - len({blake2b((row + 0.0).tobytes(), digest_size=16).digest() for row in values})
    if copies:
        raise InputError(
            f"{name} must be continuous, got {copies} of {len(values)} rows that repeat another; "
            f"remove duplicates, or use {instead}"
        )


def continuous(values: Floats, name: str, *, standardize: bool, instead: str = "mixed_ksg") -> Floats:
    """`values`, every column brought to variance 1 where asked for.

    Raises
    ------
    InputError
        Equal rows or a constant feature, which no continuous variable has; a row that lies too far out.
    """
    require_distinct(values, name, instead=instead)
    return varied(values, name, standardize=standardize)


def varied(values: Floats, name: str, *, standardize: bool) -> Floats:
    """As `continuous`, equal rows allowed."""
    require_varying(values, name)
    found = standardized(values) if standardize else values
    require_in_reach(found, values, name)
    return found


def require_in_reach(values: Floats, given: Floats, name: str) -> None:
    """Raise InputError where a row lies so far out that from there float64 cannot tell which others are nearest.

    `given` are the values as the caller knows them, before any scaling.
    """
    scaled = within_one(values)
    out = np.abs(scaled - np.median(scaled, axis=0)).max(axis=1)
    usual = float(np.median(out[out > 0])) if out.any() else 0.0
    row = int(out.argmax())
    if out[row] > OUTLYING * usual:
        raise InputError(
            f"{name} must not lie over 1e12 times as far out as others, got {np.abs(given[row]).max():.6g} in "
            f"row {row}; remove that row or its fill value"
        )


def together(*sides: Floats) -> list[Floats]:
    """All divided by one power of two, as `within_one`, so that they keep their proportion."""
    cuts = np.cumsum([side.shape[1] for side in sides])[:-1]
    return list(np.split(within_one(np.hstack(sides)), cuts, axis=1))


def within_one(values: Floats) -> Floats:
    """`values` divided by a power of two (exact), the largest of size at most 1, so that no square overflows."""
    return np.ldexp(values, -exponent(values))


def exponent(values: Floats) -> int:
    """The power of two that `within_one` divides by."""
    return int(np.frexp(np.abs(values).max())[1])


def standardized(values: Floats) -> Floats:
    """Every column of `values`, none of them constant, with variance 1, and mean 0 where that costs no digits."""
    safe = np.hstack([unit_scaled(column[:, None])[0] for column in values.T])
    return np.asarray(safe / safe.std(axis=0))
