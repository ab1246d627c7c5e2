"""Singular values and class means, with the level below which they are rounding: what the spectral baselines share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import svdvals

from diffspec._arrays import dtype_name
from diffspec.baselines._samples import Floats, as_samples, exponent, labels_of, within_one
from diffspec.errors import InputError
from diffspec.points.groups import Grouping, Partition

__all__ = [
    "EPS",
    "Scatter",
    "Singular",
    "centred",
    "classes",
    "effective",
    "scatter",
    "shares_of",
    "singular_values",
]

EPS = float(np.finfo(np.float64).eps)
STORED = {"float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
"""The relative rounding of what points of these types were computed in; of all others `EPS`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Singular:
    """The singular values of points, largest first, those that are rounding left out."""

    values: Floats
    """In a unit of their own, a power of two; empty where all points are 0 (centred: equal)."""
    floor: float
    """In the unit of the points: what was at or below it has been left out."""
    n: int
    most: int
    """How many there can be."""

    @property
    def verdict(self) -> str:
        """Whether the points span one direction only."""
        return "" if len(self.values) > 1 else "collapsed: the points span one direction at most"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scatter:
    """Points as class means and what is left, in a unit of their own."""

    apart: Floats
    """sqrt(n_c / n) (mean of class c - mean), shape (classes, d): its cross product is the covariance between."""
    rest: Floats
    """Points less the mean of their class, shape (n, d); all 0 where it is rounding."""
    dust: float
    """A singular value of `apart` at or below this is rounding."""


def singular_values(points: Any, *, centered: bool) -> Singular:
    """The singular values of `points`, or of `points` less their mean, O(n d min(n, d)).

    The floor is EPS max(n, d) times the largest, the error of the decomposition, and the rounding of the points as they
    came (float32: 1.2e-7) times their Frobenius norm, which bounds what rounding can add to any of them (Weyl).
    """
    raw = as_samples(points)
    n, d = raw.shape
    scaled = within_one(raw)
    stored = _rounding(points) * float(np.linalg.norm(scaled))
    values = svdvals(centred(scaled) if centered else scaled, check_finite=False)
    floor = EPS * max(n, d) * float(values[0]) + stored
    most = min(n - 1, d) if centered else min(n, d)
    floor_as_given = float(np.ldexp(floor, exponent(raw)))
    return Singular(values=values[values > floor], floor=floor_as_given, n=n, most=most)


def effective(values: Floats) -> float:
    """The exponential of the entropy of positive `values` as shares; 1 for none or one of them."""
    shares = shares_of(values)
    return float(np.exp(-(shares * np.log(shares)).sum()))


def shares_of(values: Floats) -> Floats:
    """Positive `values` / their sum; of no values, a single share of 1."""
    return np.asarray(values / values.sum()) if len(values) else np.ones(1)


def centred(values: Floats) -> Floats:
    """`values` less their mean, exactly 0 for equal rows."""
    moved = values - values[0]
    return np.asarray(moved - moved.mean(axis=0))


def classes(reference: Any, groups: Grouping | None, n: int, *, smallest: int, needs: str) -> Partition:
    """The partition that labels stand for, at least two classes of at least `smallest` points, which `needs` asks for.

    Raises
    ------
    InputError
        As `labels_of`; a class is too small.
    """
    partition = labels_of(reference, groups, n)
    size = min(partition.sizes)
    if size < smallest:
        name = partition.names[partition.sizes.index(size)]
        raise InputError(
            f"{needs} needs at least {smallest} points in every class, got {size} in class {name!r}; "
            "merge small classes or drop them"
        )
    return partition


def scatter(points: Any, raw: Floats, partition: Partition) -> Scatter:
    """`raw`, the samples that `points` are, as class means and deviations from them; O(n d)."""
    n, d = raw.shape
    scaled = within_one(raw)
    dust = (EPS * max(n, d) + _rounding(points)) * float(np.linalg.norm(scaled))
    moved = centred(scaled)
    means = np.stack([moved[members].mean(axis=0) for members in partition.members()])
    rest = moved - means[partition.codes]
    if np.linalg.norm(rest) <= dust:
        rest = np.zeros_like(rest)
    shares = np.asarray(partition.sizes) / n
    return Scatter(apart=means * np.sqrt(shares)[:, None], rest=rest, dust=dust / float(np.sqrt(n)))


def _rounding(points: Any) -> float:
    return STORED.get(dtype_name(points), EPS) if hasattr(points, "dtype") else EPS
