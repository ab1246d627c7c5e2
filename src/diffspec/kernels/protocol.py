"""What a kernel is."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from diffspec._arrays import Array

__all__ = ["Kernel"]


@runtime_checkable
class Kernel(Protocol):
    """What the walk from points to entropy needs of a kernel.

    One that is positive semi-definite on all points says so by a class variable ``semidefinite = True``; guaranteed
    bounds are given for no other. One that is known not to be says ``semidefinite = False``, and then negative
    eigenvalues are not worth a verdict. A class variable ``time`` is the diffusion time that is taken where none is
    given, 1 without it.
    """

    def resolve(self, points: Array, rng: np.random.Generator) -> Kernel:
        """The same kernel with every rule replaced by its number on `points`."""
        ...

    def __call__(self, points: Array) -> Array:
        """The (n, n) affinity of `points`."""
        ...
