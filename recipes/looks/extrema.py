"""The extrema of a graph's Laplacian: the points that a walk on the graph reaches last, one after another."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import laplacian
from scipy.sparse.linalg import eigsh
from scipy.spatial.distance import pdist, squareform

__all__ = ["distances", "extrema"]

Points: TypeAlias = np.ndarray[Any, Any]

NEIGHBORS = 10
BELOW = -1e-4
"""Where eigenvalues are looked for: a little below 0, so that the matrix to be inverted is none that cannot be."""


def extrema(points: Points, count: int, neighbors: int = NEIGHBORS) -> list[int]:
    """The places of `count` extrema of the graph that joins every point to its nearest `neighbors`.

    The first is where the second eigenvector of L = D - A is largest. Each next one is where the first eigenvector of
    L without the rows and columns of those before is largest: farthest from all of them, as a walk goes.
    """
    whole = _laplacian(points, neighbors)
    found = [int(np.argmax(np.abs(_lowest(whole, 2))))]
    while len(found) < min(count, len(points) - 2):
        left = np.setdiff1d(np.arange(len(points)), found)
        vector = _lowest(whole[left][:, left], 1)
        found.append(int(left[np.argmax(np.abs(vector))]))
    return found


def distances(points: Points, places: list[int]) -> Points:
    """Between the points at `places`, as multiples of the mean distance of all points."""
    mean = float(pdist(points).mean())
    return squareform(pdist(points[places])) / max(mean, 1e-300)


def _laplacian(points: Points, neighbors: int) -> csr_array:
    from sklearn.neighbors import kneighbors_graph

    joined = kneighbors_graph(points, min(neighbors, len(points) - 1))
    return csr_array(laplacian((joined + joined.T) / 2))


def _lowest(matrix: csr_array, which: int) -> Points:
    """The eigenvector of the eigenvalue number `which` from below."""
    start = np.random.default_rng(0).normal(size=matrix.shape[0])
    values, vectors = eigsh(matrix.tocsc(), k=which, sigma=BELOW, v0=start)
    return np.asarray(vectors[:, np.argsort(values)[which - 1]])
