"""KSG with a correction for neighbourhoods that are not uniform, for strongly dependent variables."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from scipy.spatial import KDTree

from diffspec._arrays import Array
from diffspec._checks import real, shown
from diffspec.baselines._estimates import call, in_bits
from diffspec.baselines._samples import (
    Floats,
    as_reference,
    as_samples,
    check_neighbors,
    continuous,
    together,
)
from diffspec.baselines.information.counts import kraskov_first
from diffspec.errors import InputError
from diffspec.machine.memory import within_memory
from diffspec.results.estimate import Estimate, Settings

__all__ = ["lnc"]

# The chance at which a box of uniform points is taken for a narrow one, and numbers drawn to find where that is.
SELDOM, DRAWN = 5e-3, 400_000
# Features beyond which k neighbours never fill a box, and the correction runs away.
MOST = 10


@within_memory
def lnc(
    points: Array,
    reference: Array,
    *,
    neighbors: int = 5,
    threshold: float | None = None,
    standardize: bool = True,
) -> Estimate:
    """Mutual information, in bits, by KSG with the local non-uniformity correction of Gao, Ver Steeg and Galstyan.

    KSG takes the density for constant in the box that holds the k nearest neighbours. Of strongly dependent variables
    they lie along a line in that box, which makes it read too low. Where the box turned to their principal axes has a
    volume below `threshold` times that of the upright one, the logarithm of the ratio is added: I = I_KSG - <log r_i>.

    Parameters
    ----------
    points : array (n, d)
        Continuous: no two rows equal, no constant feature.
    reference : array (n,) or (n, m)
        Continuous likewise, as floats.
    neighbors : int
        k in d + m .. n - 1: fewer neighbours span no box, and 10 features of both sides are the most.
    threshold : float, optional
        In (0, 1). Default: the ratio below which k points of a uniform density in a box come 5 times in 1000 by chance,
        by simulation (.31 for k = 5 in two dimensions); so that KSG is left as it is where its assumption holds.
    standardize : bool
        Bring every feature to variance 1 first, as the distances mix them all.

    Returns
    -------
    Estimate
        Value in bits, never below that of ``ksg(points, reference, neighbors=neighbors)``.

    Raises
    ------
    InputError
        Labels or repeated rows, fewer than k + 1 points, too few neighbours, more than 10 features, a constant
        feature, unequal lengths, an exact (locally linear) function, whose information is infinite.

    Notes
    -----
    As `ksg`, and O(n k (d + m)^2). *Not* for a side that itself lies on a curve or
    surface in its features: the correction takes that for dependence, which KSG does not.

    References
    ----------
    gao2015efficient, Eqns 14 and 15.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import ksg, lnc
    >>> x, noise = np.random.default_rng(0).normal(size=(2, 500, 1))
    >>> f"{ksg(x, x + 1e-4 * noise).value:.1f} {lnc(x, x + 1e-4 * noise).value:.1f}"  # log2(1e4) = 13.3
    '7.1 13.4'
    """
    x = as_samples(points)
    n = len(x)
    y = as_reference(reference, n, instead="ross")
    neighbors = check_neighbors(neighbors, n)
    d = x.shape[1] + y.shape[1]
    if d > MOST:
        raise InputError(f"lnc takes at most {MOST} features of both sides together, got {d}; use ksg or mine")
    if neighbors < d:
        raise InputError(f"neighbors must be at least the {d} features of both sides, got {neighbors}")
    if threshold is not None and not 0.0 < real(threshold) < 1.0:
        raise InputError(f"threshold must lie in (0, 1), got {shown(threshold)}; None takes what chance seldom gives")
    x, y = together(*(continuous(*side, standardize=standardize) for side in ((x, "points"), (y, "reference"))))
    both = np.hstack([x, y])
    near = KDTree(both).query(both, k=neighbors + 1, p=np.inf)[1]
    ratios = _log_ratios(both[near] - both[:, None, :])
    if float(np.median(ratios)) < math.log(np.finfo(np.float64).eps):
        raise InputError(
            "points and reference must not determine one another, got neighbours on a line to rounding: the "
            "information is infinite; add the noise of the measurement"
        )
    limit = _by_chance(neighbors, d) if threshold is None else math.log(threshold)
    nats = kraskov_first(x, y, neighbors) - float(np.sum(ratios[ratios < limit])) / n
    options = {"neighbors": neighbors, "threshold": threshold, "standardize": standardize}
    return in_bits("LNC information", nats, n=n, settings=Settings(method=call("lnc", options)))


def _log_ratios(offsets: Floats) -> Floats:
    """Of offsets (n, k, d): how much smaller the box that holds k is along their principal axes, as a logarithm."""
    _values, axes = np.linalg.eigh(np.einsum("ika,ikb->iab", offsets, offsets))
    turned = np.einsum("ika,iab->ikb", offsets, axes)
    with np.errstate(divide="ignore", invalid="ignore"):  # minus infinity is refused
        upright, along = (np.log(np.abs(side).max(axis=1)).sum(axis=1) for side in (offsets, turned))
        found = along - upright
    if np.isnan(found).any():
        raise InputError("points and reference must differ within the reach of float64; remove rows that lie far out")
    return np.asarray(found)


@cache
def _by_chance(k: int, d: int) -> float:
    """The logarithm of the ratio that so many points in a box fall below with a chance of SELDOM."""
    draws = np.random.default_rng(0).uniform(-1.0, 1.0, size=(max(1, DRAWN // (k * d)), k, d))
    return float(np.quantile(_log_ratios(draws), SELDOM))
