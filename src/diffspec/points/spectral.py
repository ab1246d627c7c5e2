"""Spectral clusters of vectors that differ, the same whenever they are asked for.

scikit-learn's SpectralClustering(affinity="nearest_neighbors", assign_labels="cluster_qr"). Its eigensolver, ARPACK,
starts from where earlier calls left off when a Krylov space is exhausted, as in small graphs of several equal parts:
two calls then give two partitions. So small graphs are decomposed whole.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from scipy.linalg import eigh, qr, svd
from scipy.sparse import csgraph

__all__ = ["spectral_clusters"]

Values: TypeAlias = np.ndarray[Any, Any]

# Up to so many vectors all eigenvalues take less than a tenth of a second.
WHOLE = 500


def spectral_clusters(vectors: Values, count: int, *, neighbors: int, seed: int) -> Values:
    """The cluster, 0 to count - 1, of each of more than `count` and `neighbors` vectors (n, d)."""
    from sklearn.cluster import SpectralClustering  # slow to import, needed here only
    from sklearn.neighbors import kneighbors_graph

    joined = kneighbors_graph(vectors, neighbors, include_self=True)
    affinity = 0.5 * (joined + joined.T)
    if len(vectors) <= WHOLE:
        return _of_graph(affinity, count)
    # The graph and not the vectors: of as many vectors as features scikit-learn warns that they look like one.
    theirs = SpectralClustering(count, affinity="precomputed", assign_labels="cluster_qr", random_state=seed)
    return np.asarray(theirs.fit_predict(affinity))


def _of_graph(affinity: Any, count: int) -> Values:
    """The clusters from the lowest eigenvectors of the normalised Laplacian, by a pivoted QR decomposition of them.

    Damle, Minden and Ying, 2019.
    """
    laplacian, root = csgraph.laplacian(affinity, normed=True, return_diag=True)
    embedding = eigh(laplacian.toarray(), subset_by_index=(0, count - 1))[1] / root[:, None]
    pivots = qr(embedding.T, pivoting=True)[2]
    left, _singular, right = svd(embedding[pivots[:count]].T)
    return np.asarray(np.abs(embedding @ (left @ right)).argmax(axis=1))
