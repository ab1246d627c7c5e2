"""Numbers of neighbours and the sums of digammas over them, in nats; points of order 1, checked before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.spatial import KDTree
from scipy.special import digamma

from diffspec.baselines._samples import Floats
from diffspec.points.blocks import BLOCK_ELEMENTS
from diffspec.points.distances import cross_squared_distances
from diffspec.points.groups import Partition

__all__ = [
    "counts_in_class",
    "counts_within",
    "frenzel",
    "kraskov_first",
    "kraskov_second",
    "mixed",
    "mixed_with_labels",
    "neighbor_distances",
]

# Beyond this many dimensions a k-d tree visits nearly every point and a matrix product is faster; scikit-learn's rule.
TREE_DIMENSIONS = 15


def kraskov_first(x: Floats, y: Floats, k: int) -> float:
    """Eqn 8 of Kraskov et al."""
    near = neighbor_distances(np.hstack([x, y]), k + 1)
    inside = np.nextafter(near[:, -1], 0.0)
    # Counts hold the point itself, which makes them a_i + 1.
    nearer = np.count_nonzero(near <= inside[:, None], axis=1)
    counts = (_of_side(x, y, inside, nearer, k), _of_side(y, x, inside, nearer, k))
    return float(digamma(k) + digamma(len(x)) - sum(np.mean(digamma(count)) for count in counts))


def frenzel(sides: Sequence[Floats], k: int) -> float:
    """Eqn 8 of Frenzel and Pompe: the information of x and y that z does not hold already, of x, y and z."""
    x, y, z = sides
    inside = np.nextafter(neighbor_distances(np.hstack(sides), k + 1)[:, -1], 0.0)
    with_x, with_y, alone = (counts_within(side, inside, k) for side in (np.hstack([x, z]), np.hstack([y, z]), z))
    return float(digamma(k) - np.mean(digamma(with_x) + digamma(with_y) - digamma(alone)))


def kraskov_second(x: Floats, y: Floats, k: int) -> float:
    """Eqn 9 of Kraskov et al."""
    joint = np.hstack([x, y])
    near = _tree(joint).query(joint, k=k + 1, return_distance=True)[1]
    total = float(digamma(k) + digamma(len(x))) - 1.0 / k
    for side in (x, y):
        # The point itself may stand anywhere among equals; it is at distance 0 and never the farthest.
        radii = np.abs(side[near] - side[:, None, :]).max(axis=(1, 2))
        total -= float(np.mean(digamma(_tree(side).query_radius(side, radii, count_only=True) - 1)))
    return total


def mixed(x: Floats, y: Floats, k: int) -> float:
    """Algorithm 1 of Gao et al."""
    joint = np.hstack([x, y])
    tree = _tree(joint)
    radii = np.nextafter(tree.query(joint, k=k + 1)[0][:, -1], 0.0)
    copies = tree.query_radius(joint, np.zeros(len(x)), count_only=True)
    ties = np.where(copies > k, copies, k)
    counts = (_tree(side).query_radius(side, radii, count_only=True) for side in (x, y))
    return float(np.mean(digamma(ties)) + math.log(len(x)) - sum(np.mean(digamma(count)) for count in counts))


def mixed_with_labels(x: Floats, partition: Partition, k: int) -> float:
    """The same where different labels are infinitely far apart, so that all joint neighbours share the label."""
    whole = _tree(x)
    total = 0.0
    for members in partition.members():
        own = x[members]
        tree = _tree(own)
        radii = np.nextafter(tree.query(own, k=k + 1)[0][:, -1], 0.0)
        copies = tree.query_radius(own, np.zeros(len(own)), count_only=True)
        total += float(np.sum(digamma(np.where(copies > k, copies, k)))) - len(own) * float(digamma(len(own)))
        total -= float(np.sum(digamma(whole.query_radius(own, radii, count_only=True))))
    return total / len(x) + math.log(len(x))


def counts_in_class(points: Floats, partition: Partition, k: int) -> Floats:
    """For every point, the number of others at most as far as its k-th nearest in the class (Euclidean)."""
    return (_by_tree if points.shape[1] <= TREE_DIMENSIONS else _by_product)(points, partition, k)


def _by_tree(points: Floats, partition: Partition, k: int) -> Floats:
    whole = _tree(points, "euclidean")
    out = np.empty(len(points))
    for members in partition.members():
        own = points[members]
        radii = _tree(own, "euclidean").query(own, k=k + 1)[0][:, -1]
        # Inside the ball the k-th is missing and the point itself is counted.
        out[members] = whole.query_radius(own, np.nextafter(radii, 0.0), count_only=True)
    return out


def _by_product(points: Floats, partition: Partition, k: int) -> Floats:
    """The counts from all distances, a bounded number at a time."""
    out = np.empty(len(points))
    step = max(1, BLOCK_ELEMENTS // len(points))
    for members in partition.members():
        for start in range(0, len(members), step):
            rows = members[start : start + step]
            squared = cross_squared_distances(points[rows], points)
            kth = np.partition(squared[:, members], k, axis=1)[:, k]
            out[rows] = np.count_nonzero(squared < kth[:, None], axis=1)
    return out


def neighbor_distances(points: Floats, count: int) -> Floats:
    """Distances in the maximum norm to the `count` nearest points, the point itself among them, in order.

    SciPy's tree leaves a pair as soon as one feature is too far apart: in many dimensions it sees a small part of them.
    """
    distances: Floats = KDTree(points).query(points, k=count, p=np.inf)[0]
    return distances


def _of_side(side: Floats, other: Floats, radii: Floats, joint: Floats, k: int) -> Floats:
    """As `counts_within` of `side`, given the counts in the joint space.

    Where nothing of the other side is farther apart than the radius, they are the same.
    """
    counts = np.array(joint)
    open_still = np.flatnonzero(radii < np.ptp(other, axis=0).max())
    if len(open_still):
        counts[open_still] = counts_within(side, radii, k)[open_still]
    return counts


def counts_within(points: Floats, radii: Floats, k: int) -> Any:
    """For every point, the number of points at most as far as its radius in the maximum norm, itself among them."""
    expected = min(2 * k + 2, len(points))
    if points.shape[1] <= TREE_DIMENSIONS:
        return _tree(points).query_radius(points, radii, count_only=True)
    # With many features the joint neighbours are mostly those of this side, so that few counts pass what is expected.
    counts = np.count_nonzero(neighbor_distances(points, expected) <= radii[:, None], axis=1)
    more = counts == expected
    if more.any():
        counts[more] = _tree(points).query_radius(points[more], radii[more], count_only=True)
    return counts


def _tree(points: Floats, metric: str = "chebyshev") -> Any:
    from sklearn.neighbors import KDTree as Tree  # slow to import, needed here only

    return Tree(points, metric=metric)
