"""Whether nearest neighbours are of one class."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffspec._arrays import Array
from diffspec.baselines._estimates import call, in_unit
from diffspec.baselines._moments import classes
from diffspec.baselines._samples import as_samples, check_neighbors, require_in_reach
from diffspec.machine.memory import within_memory
from diffspec.points.distances import unit_scaled
from diffspec.points.groups import Grouping
from diffspec.points.neighbors import nearest
from diffspec.results.estimate import RATIO, Estimate, Settings

__all__ = ["label_overlap"]


@within_memory
def label_overlap(points: Array, reference: Any, *, groups: Grouping | None = None, neighbors: int = 30) -> Estimate:
    """The share of the k nearest others of a point that have its label, the mean over points.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    reference : array (n,) or Partition
        Class labels.
    groups : Grouping, optional
        How another reference becomes labels.
    neighbors : int
        k in 1 .. n - 1; 30 in the source. Classes of k points or fewer cannot reach 1.

    Returns
    -------
    Estimate
        A ratio in [0, 1]; by chance the sum of (n_c / n)(n_c - 1) / (n - 1) over classes.

    Raises
    ------
    InputError
        A single class, too few points, a row that lies too far out, input that `dse` would refuse.

    Notes
    -----
    O(n log n) in few dimensions, O(n^2 d) in many. Invariant under translation, rotation and scaling. Of points that
    are equally far any may count.

    References
    ----------
    doimo2020hierarchical.

    Examples
    --------
    >>> from diffspec.baselines import label_overlap
    >>> label_overlap([[0.0], [1.0], [3.0], [9.0]], [0, 0, 1, 1], neighbors=1).value
    0.75
    """
    values = as_samples(points)
    n = len(values)
    partition = classes(reference, groups, n, smallest=1, needs="the overlap with labels")
    neighbors = check_neighbors(neighbors, n)
    require_in_reach(values, values, "points")
    codes = np.asarray(partition.codes)
    near = nearest(unit_scaled(values)[0], neighbors, "scikit-learn")
    settings = Settings(method=call("label_overlap", {"neighbors": neighbors}), partition=partition.origin)
    value = float(np.mean(codes[near] == codes[:, None]))
    return in_unit("overlap with labels", value, unit=RATIO, n=n, settings=settings, ceiling=1.0)
