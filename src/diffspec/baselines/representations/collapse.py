"""Class means against the spread around them: LiDAR and neural collapse."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import cholesky, solve_triangular, svd, svdvals

from diffspec._arrays import Array
from diffspec._checks import real, shown
from diffspec.baselines._estimates import call, in_unit
from diffspec.baselines._moments import EPS, Scatter, classes, effective, scatter
from diffspec.baselines._samples import Floats, as_samples
from diffspec.errors import InputError
from diffspec.machine.memory import within_memory
from diffspec.points.groups import Grouping
from diffspec.results.estimate import COUNT, RATIO, Estimate, Settings

__all__ = ["lidar", "neural_collapse"]


@within_memory
def lidar(points: Array, reference: Any, *, groups: Grouping | None = None, ridge: float = 1e-4) -> Estimate:
    """Effective rank of the discriminant matrix of `points` (LiDAR): of W^-1/2 B W^-1/2 by its eigenvalues as shares.

    B is the covariance of the class means, W that within classes plus `ridge` times the mean variance within.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    reference : array (n,) or Partition
        What belongs together: the image that every augmented view came from, as in the source, or class labels.
    groups : Grouping, optional
        How another reference becomes labels.
    ridge : float
        At least 1e-12. The source adds 1e-4 itself, which would depend on the scale of the points.

    Returns
    -------
    Estimate
        A count from 1 to min(classes - 1, d); exactly 1 for two classes and for equal class means.

    Raises
    ------
    InputError
        A single class, a class of one point, a ridge below 1e-12, input that `dse` would refuse.

    Notes
    -----
    O(n d^2 + d^3), one d x d array. Invariant under translation, rotation and scaling. Where every class is one point
    there is nothing to divide by, and the value is the effective rank of B, its limit under equal noise.

    References
    ----------
    thilak2024lidar.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import lidar
    >>> labels = np.repeat(np.arange(4), 50)
    >>> print(f"{lidar(9 * np.eye(4)[labels] + np.random.default_rng(0).normal(size=(200, 4)), labels).value:.1f}")
    3.0
    """
    values = as_samples(points)
    n, d = values.shape
    if not 1e-12 <= real(ridge) < np.inf:
        raise InputError(f"ridge must be a number of at least 1e-12, got {shown(ridge)}; the default is 1e-4")
    partition = classes(reference, groups, n, smallest=2, needs="LiDAR")
    apart, dust = _whitened(scatter(points, values, partition), float(ridge))
    singular = svdvals(apart, check_finite=False)
    kept = singular[singular > EPS * max(apart.shape) * singular[0] + dust]
    return in_unit(
        "LiDAR",
        effective(kept**2),
        unit=COUNT,
        n=n,
        ceiling=float(min(len(partition.names) - 1, d)),
        settings=Settings(method=call("lidar", {"ridge": ridge}), partition=partition.origin),
        verdict="" if len(kept) else "collapsed: the class means are equal",
    )


@within_memory
def neural_collapse(points: Array, reference: Any, *, groups: Grouping | None = None, cutoff: float = 1e-6) -> Estimate:
    """Variability within classes against that between their means, NC1 of neural collapse: tr(W B^+) / classes.

    W is the covariance within the classes, B that of the class means, B^+ its pseudo-inverse.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    reference : array (n,) or Partition
        Class labels.
    groups : Grouping, optional
        How another reference becomes labels.
    cutoff : float
        Eigenvalues of B up to this share of the largest are taken for 0; in [1e-24, 1).

    Returns
    -------
    Estimate
        A ratio of at least 0; exactly 0 where all points of a class are equal. Smaller is more collapsed.

    Raises
    ------
    InputError
        A single class, a class of one point, equal class means, input that `dse` would refuse.

    Notes
    -----
    O(n d classes). Invariant under every invertible affine map that keeps the eigenvalues of B above the cutoff. The
    source averages over balanced classes; unequal ones are weighted by their size here. Means that nearly lie in fewer
    than classes - 1 dimensions make it large.

    References
    ----------
    papyan2020neural, NC1.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import neural_collapse
    >>> print(f"{neural_collapse([[-3.0], [-1.0], [1.0], [3.0]], [0, 0, 1, 1]).value:.3f}")  # 1 / 4 / 2
    0.125
    """
    values = as_samples(points)
    n = len(values)
    if not 1e-24 <= real(cutoff) < 1.0:
        raise InputError(f"cutoff must be a number in [1e-24, 1), got {shown(cutoff)}; the default is 1e-6")
    partition = classes(reference, groups, n, smallest=2, needs="neural collapse")
    parts = scatter(points, values, partition)
    _left, singular, directions = svd(parts.apart, full_matrices=False, check_finite=False)
    if singular[0] <= parts.dust:
        raise InputError("the class means must differ, got equal ones up to rounding; there is nothing to divide by")
    cutoff = float(cutoff)
    kept = singular > max(np.sqrt(cutoff) * singular[0], parts.dust)
    spread = np.sum((parts.rest @ directions[kept].T) ** 2, axis=0) / n
    return in_unit(
        "neural collapse (NC1)",
        float(np.sum(spread / singular[kept] ** 2)) / len(partition.names),
        unit=RATIO,
        n=n,
        settings=Settings(method=call("neural_collapse", {"cutoff": cutoff}), partition=partition.origin),
    )


def _whitened(parts: Scatter, ridge: float) -> tuple[Floats, float]:
    """The class means W^-1/2 M', up to a rotation, as columns, and what rounding can add to their singular values."""
    n, d = parts.rest.shape
    within = parts.rest.T @ parts.rest / n
    noise = ridge * float(np.trace(within)) / d
    if noise == 0.0:
        return parts.apart.T, parts.dust
    within[np.diag_indices(d)] += noise
    root = cholesky(within, lower=True, overwrite_a=True, check_finite=False)
    return solve_triangular(root, parts.apart.T, lower=True, check_finite=False), parts.dust / float(np.sqrt(noise))
