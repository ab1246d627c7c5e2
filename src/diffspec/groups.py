"""References to groups: class labels, bins of a scalar, clusters of vectors, or a partition made before."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import as_points, to_numpy
from diffspec.errors import InputError

__all__ = ["Bins", "Clusters", "Grouping", "KMeans", "Labels", "Partition", "host", "partition_of"]

Codes: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """Groups of points that were found once and can be used again.

    Parameters
    ----------
    codes : array of int (n,)
        For every point the index of its group in `names`.
    names : tuple of str
        The groups; each must hold at least one point.
    origin : str
        How the groups were made, for the settings.
    """

    codes: Codes
    names: tuple[str, ...]
    origin: str = "precomputed"

    def __post_init__(self) -> None:
        codes = np.asarray(self.codes)
        if codes.ndim != 1 or codes.dtype.kind not in "iu" or codes.size == 0:
            raise InputError(f"codes must be a non-empty 1-D integer array, got shape {codes.shape} of {codes.dtype}")
        if codes.min() < 0 or codes.max() >= len(self.names):
            raise InputError(f"codes must lie in 0..{len(self.names) - 1}, got {codes.min()}..{codes.max()}")
        empty = [name for name, size in zip(self.names, self.sizes, strict=True) if size == 0]
        if empty:
            raise InputError(f"every group must hold at least one point, got none in {', '.join(empty)}; drop them")

    @property
    def sizes(self) -> list[int]:
        """Number of points per group."""
        return [int(size) for size in np.bincount(np.asarray(self.codes), minlength=len(self.names))]

    @property
    def entropy(self) -> float:
        """Shannon entropy of the group sizes, in nats: the most that a partition can tell about which group."""
        shares = np.asarray(self.sizes) / len(self.codes)
        return float(-np.sum(shares * np.log(shares)))

    def members(self) -> list[Codes]:
        """For every group the indices of its points, ascending."""
        order = np.argsort(self.codes, kind="stable")
        return list(np.split(order, np.cumsum(self.sizes)[:-1]))


Grouping: TypeAlias = Callable[[Any], Partition]
"""A reference to its partition."""


@dataclass(frozen=True, slots=True)
class Labels:
    """One group per distinct value: integers, booleans, strings, or floats that are really classes."""

    def __call__(self, reference: Any) -> Partition:
        """The partition of labels of shape (n,) or (n, 1); O(n log n)."""
        values = _one_column(reference, "labels")
        if values.dtype.kind == "O":
            values = _from_objects(values)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise InputError("labels must be finite, got NaN or infinity; give missing labels a class of their own")
        if values.dtype.kind == "c":
            raise InputError("labels must be integers, booleans, strings or floats, got complex numbers")
        names, codes = np.unique(values, return_inverse=True)
        return Partition(codes, tuple(str(name) for name in names.tolist()), repr(self))


@dataclass(frozen=True, slots=True)
class Bins:
    """Equal-width bins of a continuous scalar, from its minimum to its maximum; empty bins are left out.

    Parameters
    ----------
    count : int
        Number of bins, at least 1.
    """

    count: int = 10

    def __post_init__(self) -> None:
        _check_count(self.count, "Bins")

    def __call__(self, reference: Any) -> Partition:
        """The partition of values of shape (n,) or (n, 1); a constant gives a single group."""
        values = as_points(_one_column(reference, "values")[:, None], name="values")[:, 0]
        edges = np.linspace(values.min(), values.max(), self.count + 1)
        raw = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, self.count - 1)
        kept, codes = np.unique(raw, return_inverse=True)
        return Partition(codes, tuple(f"{edges[k]:.4g} to {edges[k + 1]:.4g}" for k in kept), repr(self))


@dataclass(frozen=True, slots=True)
class Clusters:
    """Spectral clusters of vectors: scikit-learn's SpectralClustering on a nearest-neighbour graph.

    Parameters
    ----------
    count : int
        Number of clusters.
    seed : int
        Seed of the eigensolver's start vector.
    neighbors : int
        Neighbours per point in the graph.
    """

    count: int = 10
    seed: int = 0
    neighbors: int = 10

    def __post_init__(self) -> None:
        _check_count(self.count, "Clusters")

    def __call__(self, reference: Any) -> Partition:
        """The partition of vectors of shape (n, d); n must exceed both count and neighbors."""
        from sklearn.cluster import SpectralClustering  # slow to import, needed here only

        vectors = to_numpy(as_points(reference, name="reference"))
        need = max(self.count, self.neighbors) + 1
        if len(vectors) < need:
            raise InputError(f"{self!r} needs at least {need} points, got {len(vectors)}; lower count or neighbors")
        found = SpectralClustering(
            n_clusters=self.count,
            affinity="nearest_neighbors",
            n_neighbors=self.neighbors,
            assign_labels="cluster_qr",
            random_state=self.seed,
        ).fit_predict(vectors)
        return _clusters(found, repr(self))


@dataclass(frozen=True, slots=True)
class KMeans:
    """Clusters of vectors around centres: scikit-learn's KMeans, the best of 10 starts.

    Linear in the number of points, so it also takes the references that are too many for `Clusters`, which builds a
    graph of them; its clusters are round ones only.

    Parameters
    ----------
    count : int
        Number of clusters.
    seed : int
        Seed of the starts.
    """

    count: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        _check_count(self.count, "KMeans")

    def __call__(self, reference: Any) -> Partition:
        """The partition of vectors of shape (n, d), n at least count; fewer groups where fewer of them differ."""
        from sklearn.cluster import KMeans as Centres  # slow to import, needed here only

        vectors = to_numpy(as_points(reference, name="reference"))
        if len(vectors) < self.count:
            raise InputError(f"{self!r} needs at least {self.count} points, got {len(vectors)}; lower count")
        count = _differing(vectors, self.count)
        found = Centres(count, n_init=10, random_state=self.seed).fit_predict(vectors)
        return _clusters(found, repr(self))


def _differing(vectors: Codes, most: int) -> int:
    """How many of the `vectors` differ; looks no further than to `most`."""
    seen: set[bytes] = set()
    for vector in vectors:
        seen.add((vector + 0.0).tobytes())  # adding 0 makes -0 and 0 the same bytes
        if len(seen) == most:
            break
    return len(seen)


def _clusters(found: Codes, origin: str) -> Partition:
    kept, codes = np.unique(found, return_inverse=True)
    return Partition(codes, tuple(f"cluster {k}" for k in kept), origin)


def partition_of(reference: Any, groups: Grouping | None, n: int) -> Partition:
    """The partition of `n` points that `reference` stands for.

    Without `groups` a partition made before is taken as it is and integers, booleans and strings are class labels;
    floats and vectors are ambiguous and need `groups`.
    """
    partition = reference if isinstance(reference, Partition) else (groups or _default(reference))(reference)
    if len(partition.codes) != n:
        raise InputError(f"reference must have one entry per point, got {len(partition.codes)} for {n} points")
    return partition


def _default(reference: Any) -> Grouping:
    values = host(reference)
    if values.ndim == 2 and values.shape[1] > 1:
        raise InputError(
            f"a reference of vectors, shape {values.shape}, has no classes of its own; "
            "give groups=Clusters(10, seed=0) to cluster them"
        )
    if values.dtype.kind == "f":
        raise InputError(
            "a reference of floats may be classes or a continuous quantity; give groups=Labels() or groups=Bins(10)"
        )
    return Labels()


def _one_column(reference: Any, name: str) -> Codes:
    values = host(reference)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.size == 0:
        raise InputError(f"{name} must have shape (n,), got {values.shape}; give one entry per point")
    return values


def host(reference: Any) -> Codes:
    """`reference` of any kind (pandas, torch, nested sequences) as a NumPy array on the host, unchecked."""
    if isinstance(reference, np.ndarray):
        return reference
    if hasattr(reference, "to_numpy"):
        return np.asarray(reference.to_numpy())
    return to_numpy(reference)


def _from_objects(values: Codes) -> Codes:
    """Strings or booleans that came as Python objects (pandas), as a proper array."""
    kinds = {type(value) for value in values.tolist()}
    if kinds == {str} or kinds == {bool} or kinds == {int}:
        return np.asarray(values.tolist())
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise InputError(f"labels must all be of one kind (integers, booleans or strings), got {names}")


def _check_count(count: int, name: str) -> None:
    if not (isinstance(count, int | np.integer) and 1 <= count < math.inf):
        raise InputError(f"{name} needs a count of at least 1, got {count!r}")
