"""Points that stay where they are, on disk or on a cluster: what the walk of a measure asks of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from diffspec.kernels import Kernel
from diffspec.operators.dense import Operator

__all__ = ["Elsewhere"]

Values: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Elsewhere(ABC):
    """Points that stay where they are, under a resolved kernel, and what the walk of a measure needs of them."""

    kernel: Kernel
    """With its width as a number."""
    asked: Kernel
    """As it was asked for, with the rule for its width as it was used."""
    sample: Values
    """At most 400 of the points, float64: what a verdict looks at."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Number of points and of features."""

    @abstractmethod
    def operator(self, alpha: float) -> Operator:
        """Their diffusion operator with anisotropic normalisation `alpha`."""
