"""Sparse kernels: points to affinities that are stored only where points are near, as SciPy CSR arrays.

NumPy only: other array libraries have no sparse format in common.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import coo_array, csr_array, eye_array

from diffspec._arrays import UNASKED, Array, free_memory, is_numpy, require_memory
from diffspec._checks import integer, real, shown, store
from diffspec.errors import InputError, TooLargeError
from diffspec.kernels import SMALLEST, Gaussian, Kernel, Storage
from diffspec.kernels.bandwidth import Sigma, check_sigma, resolve_sigma
from diffspec.machine.memory import in_words
from diffspec.points.distances import Pairs, squared_distances, unit_scaled
from diffspec.points.neighbors import SEARCHES, Matrix, copies, nearest, pairs_within

__all__ = ["NearestNeighbors", "Thresholded"]

# Of the affinity of a point with itself, which is 1: its density is known to this relative accuracy at least.
DROPPED_SHARE = 1e-4
# Measured peak of building and scaling an affinity, per stored entry.
BYTES_PER_ENTRY = 40.0
# The same of a graph of nearest neighbours, per neighbour.
BYTES_PER_NEIGHBOR = 80.0
# A graph that needs no more than this may be as dense as it likes.
SMALL = 2.0**28


@dataclass(frozen=True, slots=True)
class Thresholded(Kernel):
    """`Gaussian` without its entries under `below`: the same operator up to an error that is guaranteed.

    Parameters
    ----------
    sigma : float or str or rule
        Width in the unit of the points, or a rule as for `Gaussian`. The median rule is rarely sparse.
    below : float, optional
        In (0, 1). Default 1e-4 / n, so that what every point loses is under 1e-4 of what it keeps.

    Raises
    ------
    InputError
        sigma or below cannot be used, or the points are not NumPy's.
    TooLargeError
        So many pairs are near that a sparse affinity would be larger than the dense one, or would not fit.

    Notes
    -----
    Finding the pairs within sigma sqrt(2 log(1 / below)) costs O(n^2 d) by brute force; where a k-d tree prunes well
    (points near a surface of few dimensions, tight clusters) it is used instead. Memory about 40 bytes per kept entry.
    *Not* for a width at which most pairs are near: use `Gaussian` with a low-rank or stochastic solver there.
    """

    sigma: Sigma
    below: float | None = None
    storages: ClassVar[tuple[Storage, ...]] = ("graph",)

    def __post_init__(self) -> None:
        check_sigma(self.sigma)
        if self.below is not None and not 0.0 < real(self.below) < 1.0:
            raise InputError(f"below must lie between 0 and 1, got {shown(self.below)}; None stands for 1e-4 / n")

    @property
    def dropped(self) -> float:
        """Below this, weights of the Gaussian are left out."""
        return self.below or 0.0

    def resolve(self, points: Array, rng: np.random.Generator) -> Thresholded:
        """The kernel with sigma and below as numbers."""
        _require_numpy(points, self)
        below = DROPPED_SHARE / len(points) if self.below is None else float(self.below)
        return replace(self, sigma=resolve_sigma(self.sigma, points, rng), below=below)

    def __call__(self, points: Array) -> Any:
        """The affinity (n, n) of points (n, d), as a CSR array."""
        _require_numpy(points, self)
        if self.below is None:
            raise InputError(f"{self!r} has no threshold yet; call kernel.resolve(points, rng) first")
        return _symmetric(_upper(Gaussian(self.sigma).in_widths(points), self.below))


@dataclass(frozen=True, slots=True)
class NearestNeighbors(Kernel):
    """Gaussian weights between every point and its k nearest neighbours: joined where either is near the other.

    A kernel of its own, not an approximation of `Gaussian`: no bound relates their entropies. Not positive
    semi-definite. Points with k or more copies are joined to all their copies.

    Parameters
    ----------
    k : int
        Neighbours of a point, itself not counted.
    sigma : float or str or rule
        Width in the unit of the points, or a rule; ``"knn"`` (default) is the mean distance to the 10th neighbour.
    search : {"scikit-learn", "faiss"}
        Who finds the neighbours. faiss compares squared distances in float32, so of two that differ by less than about
        1 % it may take the farther one.

    Raises
    ------
    InputError
        k or search cannot be used, there are no more than k points, or they are not NumPy's.
    MissingExtraError
        faiss is not installed.

    Notes
    -----
    O(n^2 d) by brute force, about O(n log n) where a k-d tree prunes well; memory about 80 k n bytes. Of points on disk
    or a cluster all at the distance of the k-th neighbour are neighbours, where several are, and `search` is not asked.
    """

    k: int = 15
    sigma: Sigma = "knn"
    search: str = "scikit-learn"
    storages: ClassVar[tuple[Storage, ...]] = ("graph", "disk", "cluster")
    semidefinite: ClassVar[bool | None] = False
    own_graph: ClassVar[bool] = True  # of a set of points: not a slice of the graph of more points

    def __post_init__(self) -> None:
        check_sigma(self.sigma)
        store(self, k=integer(self.k, "k", least=1))
        if not (isinstance(self.search, str) and self.search in SEARCHES):
            raise InputError(f"search must be one of {', '.join(SEARCHES)}, got {shown(self.search)}")

    def resolve(self, points: Array, rng: np.random.Generator) -> NearestNeighbors:
        """The kernel with sigma as a number."""
        self._require_usable(points)
        return replace(self, sigma=resolve_sigma(self.sigma, points, rng))

    def __call__(self, points: Array) -> Any:
        """The affinity (n, n) of points (n, d), as a CSR array."""
        self._require_usable(points)
        n = len(points)
        require_memory(BYTES_PER_NEIGHBOR * self.k * n, f"the graph of {self.k} neighbours of {n} points", points)
        near = nearest(unit_scaled(points)[0], self.k, self.search)
        widths = Gaussian(self.sigma).in_widths(points)
        pairs = (np.repeat(np.arange(n), self.k), near.ravel())
        crowded = ~squared_distances(widths, pairs).reshape(n, self.k).any(axis=1)
        rows, columns = _distinct([pairs, *_between_copies(widths, np.flatnonzero(crowded))], n)
        weights = np.exp(-0.5 * squared_distances(widths, (rows, columns)))
        return _symmetric(coo_array((weights, (rows, columns)), shape=(n, n)).tocsr())

    def within(self, n: int) -> tuple[int, float]:
        """The rank of the farthest neighbour, and 1: nobody beyond it."""
        self._require_more_than_k(n)
        return self.k, 1.0

    def weigh(self, squared: Array, kth: Array, unit: float) -> Array:
        """The Gaussian weights of the neighbours."""
        width = max(float(self.sigma) / unit, SMALLEST)  # type: ignore[arg-type]  # resolved
        with np.errstate(over="ignore"):  # exp(-inf) is 0
            return np.exp(-0.5 * (squared / width / width))

    def joined(self, directed: Any) -> Any:
        """Joined where either is near the other, with the one weight."""
        return directed.maximum(directed.T.tocsr())

    def _require_usable(self, points: Array) -> None:
        _require_numpy(points, self)
        self._require_more_than_k(len(points))

    def _require_more_than_k(self, n: int) -> None:
        if n <= self.k:
            raise InputError(f"{self!r} needs more than k = {self.k} points, got {n}; lower k or merge small groups")


def _upper(widths: Matrix, below: float) -> csr_array:
    """The Gaussian affinities of at least `below` above the diagonal, of points in units of sigma."""
    n = len(widths)
    counts = np.zeros(n, dtype=np.int64)
    columns, weights = [], []
    radius = math.sqrt(2.0 * math.log(1.0 / below))
    for start, pairs in pairs_within(widths, radius, lambda near: _require_sparse(near * n, widths)):
        weight = np.exp(-0.5 * squared_distances(widths, pairs))
        keep = weight >= below
        counts[start:] += np.bincount(pairs[0][keep] - start, minlength=n - start)
        columns.append(pairs[1][keep].astype(np.int32))
        weights.append(weight[keep])
    pointers = np.concatenate([[0], np.cumsum(counts)])
    return csr_array((np.concatenate(weights), np.concatenate(columns), pointers), shape=(n, n))


def _require_sparse(entries: float, like: Array) -> None:
    n = like.shape[0]
    needed, dense, free = BYTES_PER_ENTRY * entries, 8.0 * n * n, free_memory(like)
    if needed > max(SMALL, dense) or needed > max(free, UNASKED):
        raise TooLargeError(
            f"the thresholded affinity would keep {entries / n**2:.0%} of all pairs and need {in_words(needed)}, "
            f"{in_words(dense)} as a dense array, where {in_words(free)} are free or allowed; use a smaller sigma, a "
            "larger threshold below=, or Gaussian()"
        )


def _between_copies(widths: Matrix, crowded: Matrix) -> list[Pairs]:
    """All pairs of equal points among those at indices `crowded`."""
    if not len(crowded):
        return []
    groups = copies(widths, crowded)
    entries = float(sum(len(group) ** 2 for group in groups))
    require_memory(BYTES_PER_ENTRY * entries, "joining every point to all its copies", widths)
    halves = [np.triu_indices(len(group), 1) for group in groups]
    return [(group[i], group[j]) for group, (i, j) in zip(groups, halves, strict=True)]


def _distinct(pairs: list[Pairs], n: int) -> Pairs:
    """The distinct pairs i < j among `pairs` in any order."""
    rows, columns = (np.concatenate(side).astype(np.int64) for side in zip(*pairs, strict=True))
    codes = np.unique(np.minimum(rows, columns) * n + np.maximum(rows, columns))
    return codes // n, codes % n


def _symmetric(upper: csr_array) -> csr_array:
    """The affinity with `upper` above its diagonal and ones on it."""
    upper.sort_indices()
    return upper + upper.T.tocsr() + eye_array(upper.shape[0], format="csr")


def _require_numpy(points: Array, kernel: object) -> None:
    if not is_numpy(points):
        raise InputError(
            f"{kernel!r} works on NumPy arrays (SciPy's sparse operators), got {type(points).__module__}."
            f"{type(points).__name__}; convert the points first, or use Gaussian()"
        )
