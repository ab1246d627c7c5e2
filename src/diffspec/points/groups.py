"""References to groups: class labels, bins of a scalar, clusters of vectors, or a partition made before."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import as_points, to_numpy
from diffspec._checks import integer, legacy_seed, plain_seed, shown, store, takes
from diffspec.errors import InputError
from diffspec.points.distinct import Distinct, distinct
from diffspec.points.labels import host, is_one_hot, named_codes, one_column
from diffspec.points.spectral import spectral_clusters

__all__ = ["Bins", "Clusters", "Grouping", "KMeans", "Labels", "Partition", "check_grouping", "partition_of", "unequal"]

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
        codes = host(self.codes, "codes")
        if isinstance(self.names, str) or not isinstance(self.names, Sequence):
            raise InputError(f"names must be a tuple with one name per group, got {shown(self.names)}")
        store(self, codes=codes, names=tuple(self.names))
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
    """One group per distinct value: integers, booleans, strings, dates, intervals, or floats that are really classes.

    Rows that are one-hot, (n, classes) of zeros with a single one, are the classes of their columns.
    """

    def __call__(self, reference: Any) -> Partition:
        """The partition of labels of shape (n,) or (n, 1), or of one-hot rows; O(n log n)."""
        names, codes = named_codes(reference)
        return Partition(codes, names, repr(self))


@dataclass(frozen=True, slots=True)
class Bins:
    """Equal-width bins of a continuous scalar, from its minimum to its maximum; empty bins are left out.

    Parameters
    ----------
    count : int
        Number of bins, 1 to 2**62.
    """

    count: int = 10

    def __post_init__(self) -> None:
        store(self, count=integer(self.count, "count of Bins", least=1))

    def __call__(self, reference: Any) -> Partition:
        """The partition of values of shape (n,) or (n, 1); a constant gives a single group."""
        column = one_column(host(reference, "values"), "values")
        values = to_numpy(as_points(column[:, None], name="values"))[:, 0]
        scaled, exponent = _about_one(values)
        low, high = float(scaled.min()), float(scaled.max())
        step = (high - low) / self.count

        def edge(k: Codes) -> Codes:
            return np.where(k == self.count, high, k * step + low)

        kept, codes = np.unique(_below(scaled, edge, self.count), return_inverse=True)
        ends = zip(*(np.ldexp(edge(kept + k), exponent) for k in (0, 1)), strict=True)
        return Partition(codes, tuple(f"{start:.4g} to {end:.4g}" for start, end in ends), repr(self))


def _below(values: Codes, edge: Callable[[Codes], Codes], count: int) -> Codes:
    """The last of `count` bins whose lower edge is not above each of `values`, found without an array of all edges."""
    low = np.zeros(len(values), dtype=np.int64)
    high = np.full(len(values), count)
    while (high - low > 1).any():
        middle = (low + high) // 2
        reached = edge(middle) <= values
        low, high = np.where(reached, middle, low), np.where(reached, high, middle)
    return low


@dataclass(frozen=True, slots=True)
class Clusters:
    """Spectral clusters of vectors, as scikit-learn's SpectralClustering finds them on a nearest-neighbour graph.

    The graph joins the vectors that differ, each once: equal vectors are in one group, whatever the order and the scale
    of the vectors. Where there are no more than `count` different ones, each is a group.

    Parameters
    ----------
    count : int
        Number of clusters.
    seed : int
        Seed of the eigensolver's start vector, which over 500 different vectors need.
    neighbors : int
        Neighbours per vector in the graph, itself counted; at least 2.
    """

    count: int = 10
    seed: int = 0
    neighbors: int = 10

    def __post_init__(self) -> None:
        for name, least in (("count", 1), ("neighbors", 2)):
            store(self, **{name: integer(getattr(self, name), f"{name} of Clusters", least=least)})
        store(self, seed=plain_seed(self.seed, "seed of Clusters"))

    def __call__(self, reference: Any) -> Partition:
        """The partition of vectors of shape (n, d); over count different ones must be over neighbors."""
        return _clustered(reference, self.count, self._found, repr(self))

    def _found(self, vectors: Distinct) -> Codes:
        kinds = len(vectors.vectors)
        if kinds <= self.neighbors:
            raise InputError(
                f"{self!r} needs more than {self.neighbors} different vectors, got {kinds}; lower neighbors"
            )
        seed = legacy_seed(self.seed)
        return spectral_clusters(vectors.vectors, self.count, neighbors=self.neighbors, seed=seed)


@dataclass(frozen=True, slots=True)
class KMeans:
    """Clusters of vectors around centres: scikit-learn's KMeans, the best of 10 starts.

    Linear in the number of points, so it also takes the references that are too many for `Clusters`, which builds a
    graph of them; its clusters are round ones only. Equal vectors are in one group, whatever the order and the scale of
    the vectors; where there are no more than `count` different ones, each is a group.

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
        count = integer(self.count, "count of KMeans", least=1)
        store(self, count=count, seed=plain_seed(self.seed, "seed of KMeans"))

    def __call__(self, reference: Any) -> Partition:
        """The partition of vectors of shape (n, d); fewer groups where fewer of them differ."""
        return _clustered(reference, self.count, self._found, repr(self))

    def _found(self, vectors: Distinct) -> Codes:
        from sklearn.cluster import KMeans as Centres  # slow to import, needed here only
        from sklearn.exceptions import ConvergenceWarning

        clustering = Centres(self.count, n_init=10, random_state=legacy_seed(self.seed))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", ConvergenceWarning)
                return np.asarray(clustering.fit_predict(vectors.vectors, sample_weight=vectors.counts))
        except ConvergenceWarning:  # it subtracts the mean, beside which the differences of the others vanish
            raise InputError(
                f"{self!r} cannot tell vectors apart beside values that lie very far out; remove them"
            ) from None


def _clustered(reference: Any, count: int, found: Callable[[Distinct], Codes], origin: str) -> Partition:
    """The clusters of the different ones of some vectors, in the order of each cluster's least vector."""
    vectors = to_numpy(as_points(reference, name="reference"))
    kinds = distinct(_about_one(vectors)[0] + 0.0)  # adding 0 makes -0 and 0 the same
    clusters = np.arange(len(kinds.vectors)) if len(kinds.vectors) <= count else found(kinds)
    _name, first, cluster = np.unique(clusters, return_index=True, return_inverse=True)
    number = np.argsort(np.argsort(first))
    return Partition(number[cluster][kinds.place], tuple(f"cluster {k}" for k in range(len(first))), origin)


def _about_one(values: Codes) -> tuple[Codes, int]:
    """Numbers up to 1 and the power of two that they stand in: exact, and neither squares nor ranges overflow."""
    exponent = int(np.frexp(np.abs(values).max())[1])
    return np.ldexp(values, -exponent), exponent


def check_grouping(groups: Grouping | None) -> None:
    """Raise InputError where `groups` is no grouping, for example a class that was not called."""
    if groups is not None and not takes(groups, 1):
        raise InputError(f"groups must be Labels(), Bins(10), Clusters(10) or KMeans(10), got {shown(groups)}")


def partition_of(reference: Any, groups: Grouping | None, n: int, *, ask: str = "groups={}") -> Partition:
    """The partition of `n` points that `reference` stands for.

    Without `groups` a partition made before is taken as it is and integers, booleans and strings are class labels;
    floats and vectors are ambiguous and need `groups`. How the caller is given a grouping is `ask`, for the error.
    """
    check_grouping(groups)
    partition = reference if isinstance(reference, Partition) else (groups or _default(reference, ask))(reference)
    if not isinstance(partition, Partition):
        raise InputError(f"groups must give a Partition, got {shown(partition)} from {shown(groups)}")
    if len(partition.codes) != n:
        raise unequal(len(partition.codes), n)
    return partition


def unequal(entries: int, n: int) -> InputError:
    """The error for a reference of so many `entries` for `n` points."""
    hint = "; is a header or an index among the data?" if abs(entries - n) == 1 else ""
    return InputError(f"reference must have one entry per point, got {entries} for {n} points{hint}")


def _default(reference: Any, ask: str) -> Grouping:
    labels, bins, clusters = map(ask.format, ("Labels()", "Bins(10)", "Clusters(10, seed=0)"))
    values = host(reference)
    if is_one_hot(values):
        raise InputError(
            f"a reference of one-hot rows, shape {values.shape}, stands for classes; give reference.argmax(axis=1), "
            f"or {labels}"
        )
    if values.ndim == 2 and values.shape[1] > 1:
        raise InputError(
            f"a reference of vectors, shape {values.shape}, has no classes of its own; give {clusters} to cluster them"
        )
    if values.dtype.kind == "f":
        raise InputError(f"a reference of floats may be classes or a continuous quantity; give {labels} or {bins}")
    return Labels()
