"""Whether two representations of the same points agree on who is near whom."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffspec._arrays import Array
from diffspec.baselines._estimates import call, in_unit
from diffspec.baselines._samples import Floats, as_samples, check_neighbors, require_in_reach
from diffspec.errors import InputError
from diffspec.machine.memory import within_memory
from diffspec.points.blocks import block_elements
from diffspec.points.distances import unit_scaled
from diffspec.points.neighbors import nearest
from diffspec.results.estimate import RATIO, Estimate, Settings

__all__ = ["information_imbalance", "mutual_neighbors"]


@within_memory
def mutual_neighbors(points: Array, reference: Any, *, neighbors: int = 10) -> Estimate:
    """The share of the k nearest others that a point has in both representations, the mean over points.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`. The source divides every row by its norm first.
    reference : array (n, m)
        Another representation of the same points, in the same order.
    neighbors : int
        k in 1 .. n - 1; 10 in the source.

    Returns
    -------
    Estimate
        A ratio in [0, 1]; k / (n - 1) for unrelated representations.

    Raises
    ------
    InputError
        Unequal numbers of points, too few of them, a row that lies too far out, input that `dse` would refuse.

    Notes
    -----
    O(n log n) in few dimensions, O(n^2 (d + m)) in many. Symmetric; invariant under translation, rotation and scaling
    of either side. Of points that are equally far any may count. Small even for good models: look at it beside
    k / (n - 1).

    References
    ----------
    huh2024platonic, mutual k-nearest-neighbour alignment.

    Examples
    --------
    >>> from diffspec.baselines import mutual_neighbors
    >>> mutual_neighbors([[0.0], [1.0], [3.0], [9.0]], [[0.0], [1.0], [3.0], [-9.0]], neighbors=1).value
    0.75
    """
    x, y = _pair(points, reference)
    n = len(x)
    neighbors = check_neighbors(neighbors, n)
    both = [nearest(side, neighbors, "scikit-learn") for side in (x, y)]
    shared = [len(np.intersect1d(first, second)) for first, second in zip(*both, strict=True)]
    settings = Settings(method=call("mutual_neighbors", {"neighbors": neighbors}))
    value = sum(shared) / (n * neighbors)
    return in_unit("mutual neighbours", value, unit=RATIO, n=n, settings=settings, ceiling=1.0)


@within_memory
def information_imbalance(points: Array, reference: Any, *, neighbors: int = 1) -> Estimate:
    """How far the nearest others in `points` are in `reference`, by rank: 2 / n times the mean rank (imbalance).

    The rank of a point j as seen from i in `reference` is 1 where j is the nearest other; it is averaged over the k
    nearest j of every i in `points`.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`: what is asked whether it can tell distances in the other.
    reference : array (n, m)
        Another representation of the same points, in the same order.
    neighbors : int
        k in 1 .. n - 1; 1 in the source.

    Returns
    -------
    Estimate
        A ratio: (k + 1) / n where neighbours are the same, 1 where they say nothing of one another.

    Raises
    ------
    InputError
        Unequal numbers of points, too few of them, a row that lies too far out, input that `dse` would refuse.

    Notes
    -----
    O(n^2 (d + m)), in blocks. Not symmetric: swap the sides for the other direction. Where both are small the two are
    equivalent; where only one is, `points` know more than `reference` does. Invariant under translation, rotation and
    scaling of either side.

    References
    ----------
    glielmo2022ranking.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import information_imbalance
    >>> both = np.random.default_rng(0).normal(size=(500, 2))
    >>> one = both[:, :1]
    >>> print(*[f"{information_imbalance(a, b).value:.2f}" for a, b in ((both, one), (one, both))])
    0.06 0.56
    """
    x, y = _pair(points, reference)
    n = len(x)
    neighbors = check_neighbors(neighbors, n)
    near = nearest(x, neighbors, "scikit-learn")
    rows = max(1, block_elements() // n)
    total = sum(int(_ranks(y, near, slice(start, start + rows)).sum()) for start in range(0, n, rows))
    settings = Settings(method=call("information_imbalance", {"neighbors": neighbors}))
    return in_unit("information imbalance", 2.0 * total / (n * n * neighbors), unit=RATIO, n=n, settings=settings)


def _pair(points: Any, reference: Any) -> tuple[Floats, Floats]:
    """Both sides as samples, centred and of moderate scale."""
    sides = as_samples(points), as_samples(reference, name="reference")
    n, other = map(len, sides)
    if other != n:
        raise InputError(f"reference must hold the same points, got {other} for {n}; compare rows of the same input")
    for side, name in zip(sides, ("points", "reference"), strict=True):
        require_in_reach(side, side, name)
    x, y = (unit_scaled(side)[0] for side in sides)
    return x, y


def _ranks(values: Floats, near: Any, rows: slice) -> Any:
    """The ranks in `values` of the others named by `near`, for some rows; of equally far ones the smallest."""
    from scipy.spatial.distance import cdist

    distances = cdist(values[rows], values)
    there = np.take_along_axis(distances, near[rows], axis=1)
    ordered = np.sort(distances, axis=1)
    # As many as lie closer, the point itself among them, which is the rank; 1 for a copy, than which none is closer.
    found = [np.searchsorted(line, wanted) for line, wanted in zip(ordered, there, strict=True)]
    return np.maximum(np.array(found), 1)
