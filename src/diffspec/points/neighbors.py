"""Which points are near one another: found by scikit-learn or faiss, measured exactly.

Searches by brute force get distances from a matrix product, which loses the digits of near duplicates. So a search here
only names pairs, and `squared_distances` measures them from the difference of the two points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from diffspec.errors import MissingExtraError
from diffspec.machine.threads import as_many, cores
from diffspec.points.distances import Pairs, squared_distances

__all__ = ["SEARCHES", "Matrix", "Pairs", "copies", "nearest", "pairs_within"]

Matrix: TypeAlias = np.ndarray[Any, Any]

# Queries after which it is known whether a k-d tree prunes, and how many neighbours there are. In many dimensions one
# takes as long as ten by brute force, so of few points fewer are asked.
SAMPLE, FEWEST, SAMPLE_SHARE = 256, 16, 1 / 32
# A k-d tree pays where it computes fewer than this share of all distances; measured at d = 64.
TREE_SHARE = 0.1
# A neighbour is doubtful where its squared distance is no more than this many roundings of the squared norms: of two
# others whose squared distances differ by one part in so many the farther one may be taken.
DOUBT, FAISS_DOUBT = 1e6, 1e2
# Pairs that are held at once before they are measured, and what one of them takes.
CANDIDATES, BYTES_PER_CANDIDATE = 2**23, 64


def pairs_within(points: Matrix, radius: float, check: Callable[[float], None]) -> Iterator[tuple[int, Pairs]]:
    """All pairs i < j at most `radius` apart, some rows at a time: (first row, pairs), by ascending i.

    Parameters
    ----------
    points : array (n, d)
        float64, centred.
    radius : float
        A pair that is farther apart by no more than the rounding of its distance may be given too; none is left out.
    check : callable
        Called before the search with about how many points lie within `radius` of a point, itself included; may raise.

    Notes
    -----
    By a k-d tree where a sample of queries shows that it prunes, else by brute force, O(n^2 d).
    """
    from sklearn.neighbors import KDTree, NearestNeighbors

    n, d = points.shape
    rounding = 2.0 * (d + 4) * np.finfo(np.float64).eps * float(np.max(np.sum(points * points, axis=1)))
    wide = float(np.sqrt(radius**2 + rounding))
    tree = KDTree(points)
    sample = _sample(points)
    counts = tree.query_radius(sample, wide, count_only=True)
    check(float(counts.mean()))
    search = NearestNeighbors(radius=wide, algorithm=_algorithm(tree, len(sample), n), n_jobs=cores()).fit(points)
    size = max(1, as_many(CANDIDATES, BYTES_PER_CANDIDATE) // int(2 * counts.max()))
    for start in range(0, n, size):
        found = search.radius_neighbors(points[start : start + size], return_distance=False)
        columns = np.concatenate(found)
        rows = np.repeat(np.arange(start, start + len(found)), [len(one) for one in found])
        above = columns > rows
        yield start, (rows[above], columns[above])


def _sample(points: Matrix) -> Matrix:
    """Some of `points`, for queries that tell how to search."""
    n = len(points)
    return points[:: max(1, n // min(SAMPLE, max(FEWEST, int(SAMPLE_SHARE * n))))]


def _algorithm(tree: Any, queries: int, n: int) -> str:
    """What to search with, after `tree` has answered `queries`."""
    return "kd_tree" if tree.get_n_calls() < TREE_SHARE * queries * n else "brute"


def nearest(points: Matrix, k: int, search: str) -> Matrix:
    """The indices (n, k) of the k nearest others of each of `points`, which are centred and of moderate scale.

    The products of a brute-force search round distances; where that could change who is near, at distances under about
    1e-5 of the extent of the cloud (faiss: 4e-3), the neighbours are sought again by a k-d tree, which does not.
    """
    from sklearn.neighbors import KDTree

    tree = KDTree(points)
    found, doubt = SEARCHES[search](points, k, tree)
    kth = squared_distances(points, (np.arange(len(points)), found[:, -1]))
    doubtful = np.flatnonzero(kth < doubt * np.sum(points * points, axis=1))
    if len(doubtful):
        found[doubtful] = _without(doubtful, tree.query(points[doubtful], k + 1, return_distance=False))
    return found


def _by_sklearn(points: Matrix, k: int, tree: Any) -> tuple[Matrix, float]:
    """The neighbours, and in squared norms the squared distance at which they are doubtful."""
    from sklearn.neighbors import NearestNeighbors

    n = len(points)
    sample = _sample(points)
    tree.query(sample, k=k + 1)
    algorithm = _algorithm(tree, len(sample), n)
    search = NearestNeighbors(algorithm=algorithm, n_jobs=cores()).fit(points)
    found = search.kneighbors(points, k + 1, return_distance=False)
    return _without(np.arange(n), found), DOUBT * float(np.finfo(np.float64).eps) * (algorithm == "brute")


def _by_faiss(points: Matrix, k: int, tree: Any) -> tuple[Matrix, float]:
    try:
        import faiss
    except ImportError:
        raise MissingExtraError("NearestNeighbors(search='faiss')", "faiss") from None
    low = np.ascontiguousarray(points, dtype=np.float32)
    index = faiss.IndexFlatL2(low.shape[1])
    index.add(low)
    return _without(np.arange(len(points)), index.search(low, k + 1)[1]), FAISS_DOUBT * float(np.finfo(np.float32).eps)


SEARCHES: dict[str, Callable[[Matrix, int, Any], tuple[Matrix, float]]] = {
    "scikit-learn": _by_sklearn,
    "faiss": _by_faiss,
}


def _without(itself: Matrix, found: Matrix) -> Matrix:
    """The first k of the k + 1 points `found` for each of the points `itself`, without that point."""
    # Among copies of a point the point itself may not have been found: then the farthest is left out.
    other = found != itself[:, None]
    other[other.all(axis=1), -1] = False
    return np.asarray(found[other].reshape(len(found), -1))


def copies(points: Matrix, chosen: Matrix) -> list[Matrix]:
    """The indices `chosen`, at least one, in groups of equal points."""
    _unique, group = np.unique(points[chosen], axis=0, return_inverse=True)
    group = group.ravel()
    ends = np.cumsum(np.bincount(group))
    return np.split(chosen[np.argsort(group, kind="stable")], ends[:-1])
