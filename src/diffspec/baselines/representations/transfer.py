"""How well labels could be learned from a network without learning them: the H-score."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import pinvh, solve

from diffspec._arrays import Array
from diffspec.baselines._estimates import call, in_unit
from diffspec.baselines._moments import centred, classes, scatter
from diffspec.baselines._samples import Floats, as_samples, require_in_reach, within_one
from diffspec.errors import InputError
from diffspec.machine.memory import within_memory
from diffspec.points.groups import Grouping
from diffspec.results.estimate import COUNT, Estimate, Settings

__all__ = ["h_score"]

# Shrunk by less, a covariance is inverted where its eigenvalues are more than rounding.
FIRM = 1e-8


@within_memory
def h_score(points: Array, reference: Any, *, groups: Grouping | None = None, regularized: bool = True) -> Estimate:
    """H-score of `points` for the labels: tr(T^-1 B), B the covariance of the class means, T that of all points.

    Regularised: T is shrunk towards a multiple of the identity by the share a of Ledoit and Wolf, and B is multiplied
    by 1 - a.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    reference : array (n,) or Partition
        Class labels.
    groups : Grouping, optional
        How another reference becomes labels.
    regularized : bool
        Without it T is inverted where its eigenvalues are more than rounding, and the value is classes - 1 for any
        points once d reaches n - 1.

    Returns
    -------
    Estimate
        A count from 0 to min(classes - 1, d); larger is better.

    Raises
    ------
    InputError
        A single class, equal points, a row that lies too far out, input that `dse` would refuse.

    Notes
    -----
    O(n d^2 + d^3), a few d x d arrays. Unregularised it is the sum of the squared canonical correlations of points and
    labels, and no invertible linear map changes it; regularised it is invariant under translation, rotation and
    scaling.

    References
    ----------
    bao2019information; ibrahim2022newer for the regularised one; ledoit2004well.

    Examples
    --------
    >>> from diffspec.baselines import h_score
    >>> print(f"{h_score([[-3.0], [-1.0], [1.0], [3.0]], [0, 0, 1, 1], regularized=False).value:.2f}")  # 4 of 5
    0.80
    """
    values = as_samples(points)
    n, d = values.shape
    partition = classes(reference, groups, n, smallest=1, needs="the H-score")
    require_in_reach(values, values, "points")
    parts = scatter(points, values, partition)
    whole = centred(within_one(values))
    if not whole.any():
        raise InputError(f"points must vary, got {n} equal points; the H-score divides by their covariance")
    total, kept = _covariance(whole, regularized=regularized)
    value = kept * float(np.sum(_solved(total, parts.apart.T, shrunk=1.0 - kept) * parts.apart.T))
    most = float(min(len(partition.names) - 1, d))
    settings = Settings(method=call("h_score", {"regularized": regularized}), partition=partition.origin)
    name = "regularised H-score" if regularized else "H-score"
    return in_unit(name, min(max(value, 0.0), most), unit=COUNT, n=n, settings=settings, ceiling=most)


def _covariance(centred: Floats, *, regularized: bool) -> tuple[Floats, float]:
    """The covariance of all points, and by what that of the class means is multiplied."""
    if not regularized:
        return centred.T @ centred / len(centred), 1.0
    from sklearn.covariance import ledoit_wolf

    shrunk, share = ledoit_wolf(centred, assume_centered=True)
    return np.asarray(shrunk), 1.0 - float(share)


def _solved(total: Floats, means: Floats, *, shrunk: float) -> Floats:
    """T^-1 times the class means as columns (d, classes); the pseudo-inverse where T is hardly shrunk."""
    # The share a of the mean variance bounds the condition of T by d / a; Cholesky takes a fortieth of the eigenvalues.
    if shrunk >= FIRM:
        return np.asarray(solve(total, means, assume_a="pos", check_finite=False))
    return np.asarray(pinvh(total, check_finite=False) @ means)
