"""Rules that do not look at distances, and rules made of other rules."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from diffspec._arrays import Array, as_points
from diffspec._checks import generator_of, positive, real, store
from diffspec.kernels.bandwidth.protocol import Rule, check_rule

__all__ = ["Fixed", "GeometricMean", "RootDimension", "Scaled"]


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same sigma for all points, whatever they are: values then follow the scale of the representation.

    Parameters
    ----------
    value : float
        In the unit of the points; 10 is the default of the released package.

    Raises
    ------
    InputError
        value is not a positive number.
    """

    value: float = 10.0

    def __post_init__(self) -> None:
        store(self, value=positive(self.value, "value"))

    def __call__(self, points: Array, rng: np.random.Generator) -> float:
        """`value`."""
        return float(self.value)


@dataclass(frozen=True, slots=True)
class RootDimension:
    """sigma = sqrt(d), the number of features: the width of the paper's study of 962 models.

    Right for features of variance about 1 only; not a rule that scales with the data.
    """

    def __call__(self, points: Array, rng: np.random.Generator) -> float:
        """The square root of d for `points` of shape (n, d)."""
        points, _rng = as_points(points), generator_of(rng)
        return math.sqrt(points.shape[1])


@dataclass(frozen=True, slots=True)
class Scaled:
    """A multiple of what another rule gives: ``Scaled(Median(), 0.5)`` is half the median rule.

    Parameters
    ----------
    rule : rule
        Any rule.
    factor : float
        Positive.

    Raises
    ------
    InputError
        factor is not a positive number.
    """

    rule: Rule
    factor: float

    def __post_init__(self) -> None:
        check_rule(self.rule, "rule")
        store(self, factor=positive(self.factor, "factor"))

    def __call__(self, points: Array, rng: np.random.Generator) -> float:
        """The factor times the rule on `points`."""
        return self.factor * real(self.rule(points, rng))


@dataclass(frozen=True, slots=True)
class GeometricMean:
    """The geometric mean of two rules, one local and one global: it changes with either at half its rate.

    Parameters
    ----------
    first, second : rule
        Any rules.
    """

    first: Rule
    second: Rule

    def __post_init__(self) -> None:
        check_rule(self.first, "first")
        check_rule(self.second, "second")

    def __call__(self, points: Array, rng: np.random.Generator) -> float:
        """The square root of the product of both rules on `points`."""
        first, second = (real(rule(points, rng)) for rule in (self.first, self.second))
        return math.sqrt(first) * math.sqrt(second) if min(first, second) >= 0.0 else math.nan
