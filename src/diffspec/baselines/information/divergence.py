"""Kullback-Leibler divergence of two clouds of points, from nearest neighbours."""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial import KDTree

from diffspec._arrays import Array
from diffspec.baselines._estimates import call, in_bits
from diffspec.baselines._samples import as_samples, check_neighbors, require_distinct, within_one
from diffspec.errors import InputError
from diffspec.machine.memory import within_memory
from diffspec.results.estimate import Estimate, Settings

__all__ = ["kl_divergence"]


@within_memory
def kl_divergence(points: Array, others: Array, *, neighbors: int = 3) -> Estimate:
    """D(P || Q), in bits, of the densities P that `points` and Q that `others` are drawn from (Wang et al.).

    D = (d / n) sum_i log(nu_i / rho_i) + log(m / (n - 1)) nats, rho_i the Euclidean distance of point i to its k-th
    nearest other point and nu_i to the k-th nearest of the others. Not symmetric.

    Parameters
    ----------
    points : array (n, d)
        Continuous: no two rows equal.
    others : array (m, d)
        Likewise; none of them may be one of the points.
    neighbors : int
        k in 1 .. min(n - 1, m); more lowers the variance and raises the bias.

    Returns
    -------
    Estimate
        Value in bits, negative at times for equal densities; `n` is the number of points.

    Raises
    ------
    InputError
        Repeated rows, a point that is among the others, unequal numbers of features, fewer points than k asks for.

    Notes
    -----
    O((n + m) log m) in few dimensions, O(n (n + m) d) in many, where it reads far too low for clouds that overlap
    little. Independent of units: the same for a X + b of both.

    References
    ----------
    wang2009divergence, Eqn 14.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import kl_divergence
    >>> x, y = np.random.default_rng(0).normal(size=(2, 4000, 1))
    >>> f"{kl_divergence(x, y + 1.0).value:.1f}"  # 1 / 2 nat
    '0.7'
    """
    first, second = as_samples(points), as_samples(others, name="others")
    if first.shape[1] != second.shape[1]:
        raise InputError(f"others must have the {first.shape[1]} features of the points, got {second.shape[1]}")
    neighbors = check_neighbors(neighbors, len(first))
    if neighbors > len(second):
        raise InputError(f"neighbors = {neighbors} needs as many others, got {len(second)}; lower neighbors")
    require_distinct(first, "points", instead="binned_entropy")
    require_distinct(second, "others", instead="binned_entropy")
    both = within_one(np.vstack([first, second]))
    first, second = both[: len(first)], both[len(first) :]
    own = KDTree(first).query(first, k=[neighbors + 1])[0][:, 0]
    across, nearest = KDTree(second).query(first, k=[neighbors, 1])[0].T
    if not own.all():
        raise InputError("points must differ beside what lies far out, got distances of 0 in float64; remove far rows")
    if not nearest.all():
        copies = int(np.count_nonzero(nearest == 0))
        raise InputError(f"points and others must be separate draws, got {copies} points that are among the others")
    n, d = first.shape
    nats = d * float(np.mean(np.log(across) - np.log(own))) + math.log(len(second) / (n - 1))
    settings = Settings(method=call("kl_divergence", {"neighbors": neighbors}))
    return in_bits("KL divergence", nats, n=n, settings=settings)
