"""What a kernel is: all that the walk from points to a spectrum may ask of one, with defaults."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np

from diffspec._arrays import Array
from diffspec.kernels.bandwidth import Sigma

__all__ = ["Kernel"]


class Kernel(ABC):
    """Points to affinities: symmetric, non-negative, in a new array that the caller may overwrite.

    A new kernel is a frozen dataclass that inherits from this and is called; whatever else it says of itself lets the
    walk be faster, sparser or guaranteed. Without it the affinity is stored as one (n, n) array.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from diffspec import dse
    >>> from diffspec.kernels import Kernel
    >>> @dataclass(frozen=True)
    ... class Laplacian(Kernel):
    ...     scale: float = 1.0
    ...     def __call__(self, points):
    ...         return np.exp(-np.abs(points[:, None] - points[None]).sum(axis=2) / self.scale)
    >>> print(f"{dse(np.random.default_rng(0).normal(size=(50, 2)), kernel=Laplacian()).value:.3f}")
    4.569
    """

    __slots__ = ()

    time: ClassVar[float] = 1.0
    """The diffusion time that is taken where none is given."""
    semidefinite: ClassVar[bool | None] = None
    """Whether no eigenvalue is negative on any points. Guaranteed bounds need True; where it is False negative
    eigenvalues are no news; None: not known."""
    own_graph: ClassVar[bool] = False
    """Whether some points alone have another affinity than they have among all: then it is never sliced."""
    tiled: ClassVar[bool] = False
    """Whether the affinity is exp(-|x - y|^2 / 2) of what `in_widths` gives: then it can be computed in tiles, of
    points on disk too, in float32, and, since that is positive semi-definite, from a few columns."""
    sparse: ClassVar[bool] = False
    """Whether calling it gives a SciPy CSR array, of NumPy points only."""
    sigma: Sigma | None = None
    """Its width, a number or a rule; None where it has none."""

    @property
    def dropped(self) -> float:
        """The largest weight that a positive semi-definite kernel may have left out; 0 where it leaves none."""
        return 0.0

    def resolve(self, points: Array, rng: np.random.Generator) -> Self:
        """The same kernel with every rule replaced by its number on `points`; by default the kernel itself."""
        return self

    @abstractmethod
    def __call__(self, points: Array) -> Any:
        """The (n, n) affinity of `points` (n, d): an array, or CSR where the kernel is `sparse`."""

    def of_distinct(self, points: np.ndarray[Any, Any], counts: np.ndarray[Any, Any]) -> Any:
        """The (m, m) affinity of different NumPy `points` of which each occurs `counts` times among all.

        None, the default, where equal points need not have equal affinities with all others, or 1 with one another.
        """
        return None

    def near(self, points: np.ndarray[Any, Any], memory: float) -> Any:
        """The affinity of many NumPy points as CSR within `memory` bytes, or None where an array serves better."""
        return None

    def in_widths(self, points: Array) -> Array:
        """The points whose Gaussian of width 1 the affinity is; asked of `tiled` kernels only."""
        raise NotImplementedError(f"{type(self).__name__} is tiled and has no in_widths")
