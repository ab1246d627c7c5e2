"""What a rule is, and the distances that rules are made of."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from diffspec._arrays import Array
from diffspec._checks import shown, takes
from diffspec.errors import InputError
from diffspec.machine.threads import as_many
from diffspec.points.blocks import BYTES_IN_BLOCK
from diffspec.points.distances import cross_squared_distances

__all__ = ["MOST", "TINY", "Rule", "Sigma", "check_rule", "rows_of"]

Rule: TypeAlias = Callable[[Array, np.random.Generator], float]
"""Points (n, d) and a generator for subsamples, to sigma; rules are also called by themselves, so each checks both."""

Sigma: TypeAlias = float | str | Rule
"""A number, the name of a rule, or a rule."""

TINY = sys.float_info.min
"""Sigma where the distances that a rule looks at are 0: the kernel is then the indicator of equal points."""

ROWS = 256
"""Of distances to all points, as many are computed at a time."""

MOST = 4096
"""Beyond this many points a rule looks at the pairs, or the neighbours, of a random subset of this size."""


def check_rule(rule: Rule, name: str) -> None:
    """Raise InputError where `rule` is none, for example a class that was not called."""
    if isinstance(rule, type):
        raise InputError(f"{name} must be a rule such as Median(), got the class {rule.__name__}; call it first")
    if not takes(rule, 2):
        raise InputError(f"{name} must be a rule such as Median(), got {shown(rule)}")


def rows_of(queries: Array, points: Array) -> Iterator[Array]:
    """Squared distances of the `queries` to all `points`, some rows at a time; each row holds one 0 for the query."""
    size = as_many(ROWS, BYTES_IN_BLOCK * points.shape[0])
    for start in range(0, queries.shape[0], size):
        yield cross_squared_distances(queries[start : min(start + size, queries.shape[0]), :], points)
