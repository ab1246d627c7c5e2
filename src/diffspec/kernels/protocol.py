"""What a kernel is: all that the walk from points to a spectrum may ask of one, with defaults."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, Self, TypeAlias

import numpy as np

from diffspec._arrays import Array
from diffspec.kernels.bandwidth import Sigma

__all__ = ["Kernel", "Storage"]

Storage: TypeAlias = Literal["dense", "graph", "cells", "tiles", "factor", "merged", "distances", "disk", "cluster"]
"""How the operator of a kernel can be stored. Dense: one array of all pairs. Graph: those that matter, as CSR. Cells:
most of those that matter, sought in cells of points near one another. Tiles: nothing but the points, from which pieces
are computed again in every product. Factor: a matrix of low rank. Merged: one array of the different points with their
numbers. Distances: one array of all squared distances, from which the affinity of any width follows. Disk: tiles or one
array, of points that stay on disk. Cluster: tiles that workers compute."""


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
    storages: ClassVar[tuple[Storage, ...]] = ("dense",)
    """Which storages the operator can have. ``"dense"``: calling the kernel gives an array, without it CSR, of NumPy
    points only. ``"graph"`` beside it needs `near`, ``"merged"`` needs `of_distinct`; ``"tiles"``, ``"factor"``,
    ``"disk"`` and ``"cluster"`` need `in_widths`, for they compute exp(-|x - y|^2 / 2) of what it gives; ``"cells"``,
    and ``"disk"`` and ``"cluster"`` beside "graph", need `within`, `weigh` and perhaps `joined` in its place.
    ``"distances"`` are those of `Gaussian`, whose sigma is all that it needs."""
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
        """The (n, n) affinity of `points` (n, d): an array, or CSR where "dense" is none of its storages."""

    def of_distinct(self, points: np.ndarray[Any, Any], counts: np.ndarray[Any, Any]) -> Any:
        """The (m, m) affinity of different NumPy `points` of which each occurs `counts` times among all.

        Asked where "merged" is one of the storages: equal points then have equal affinities with all others, and 1 with
        one another.
        """
        raise NotImplementedError(f"{type(self).__name__} is merged and has no of_distinct")

    def near(self, points: Array, memory: float) -> Any:
        """The affinity of many points as CSR within `memory` bytes, or None where an array serves better.

        Asked where "graph" and "dense" are among the storages: of NumPy points, and of very many on a device.
        """
        raise NotImplementedError(f"{type(self).__name__} is a graph and has no near")

    def within(self, n: int) -> tuple[int, float]:
        """The rank of the neighbour that gives the width among n points, and the squared distance with a last weight.

        That distance is in units of the one to this neighbour. Asked where "cells", or "disk" or "cluster"
        beside "graph", are among the storages.
        """
        raise NotImplementedError(f"{type(self).__name__} is a graph, stored by neighbours, and has no within")

    def of_some(self, share: float) -> Self:
        """The kernel that has on a random `share` of the points about the entropy, as a share of its most, of all.

        Asked where "cells" is among the storages; by default the kernel itself.
        """
        return self

    def weigh(self, squared: Array, kth: Array, unit: float) -> Array:
        """The weights of one direction, from squared distances and those to the neighbour of that rank.

        Both in a `unit` that is given in that of the points.
        """
        raise NotImplementedError(f"{type(self).__name__} is a graph, stored by neighbours, and has no weigh")

    def joined(self, directed: Any) -> Any:
        """The affinity from the CSR array of the weights of one direction, which is used up: their mean."""
        directed.data *= 0.5
        return directed + directed.T.tocsr()

    def in_widths(self, points: Array) -> Array:
        """The points whose Gaussian of width 1 the affinity is; asked for tiles, factors and points on disk."""
        raise NotImplementedError(f"{type(self).__name__} is tiled and has no in_widths")
