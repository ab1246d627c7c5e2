"""Intrinsic dimension from how fast the distances to the nearest neighbours grow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import brentq

from diffspec._arrays import Array
from diffspec._checks import real, shown
from diffspec.baselines._estimates import call, in_unit
from diffspec.baselines._samples import Floats, as_samples, check_neighbors, require_distinct
from diffspec.errors import InputError
from diffspec.machine.memory import within_memory
from diffspec.points.distances import squared_distances, unit_scaled
from diffspec.points.neighbors import nearest
from diffspec.results.estimate import COUNT, Estimate, Settings

__all__ = ["gride", "levina_bickel", "two_nn"]


@within_memory
def two_nn(points: Array, *, discard: float = 0.1) -> Estimate:
    """Intrinsic dimension of `points` from two neighbours (TwoNN): slope of -log(1 - F) against log(r2 / r1).

    r1 and r2 are the distances of a point to its two nearest others, F their ratio's empirical distribution; the line
    goes through the origin.

    Parameters
    ----------
    points : array (n, d)
        Continuous: no two rows equal.
    discard : float
        The share of the largest ratios left out of the fit, in [0, 1); 0.1 in the source.

    Returns
    -------
    Estimate
        A count, not a whole number.

    Raises
    ------
    InputError
        Fewer than 3 points, equal rows, a lattice (r1 = r2 everywhere), input that `dse` would refuse.

    Notes
    -----
    O(n log n) in few dimensions, O(n^2 d) in many. Invariant under translation, rotation and scaling; needs a constant
    density only over two neighbours. Reads the finest scale, so also noise; too low above some ten dimensions, since
    more points lie at the boundary (n = 2000: cube of 10 reads 8.2, of 20 reads 15).

    References
    ----------
    facco2017estimating.

    Examples
    --------
    >>> from diffspec.baselines import two_nn
    >>> from diffspec.synthetic import torus
    >>> print(f"{two_nn(torus(2000, 2, ambient=50)).value:.1f}")
    2.0
    """
    if not 0.0 <= real(discard) < 1.0:
        raise InputError(f"discard must be a share in [0, 1), got {shown(discard)}; the source leaves out 0.1")
    values = as_samples(points)
    n = len(values)
    distances = _log_distances(values, 2)
    ratios = np.sort(distances[:, 1] - distances[:, 0])
    kept = ratios[: max(1, min(n - 1, int((1.0 - discard) * n)))]
    heights = -np.log1p(-np.arange(1, len(kept) + 1) / n)
    if not kept.any():
        raise InputError(
            "the two nearest neighbours must differ in distance, got equal distances throughout; "
            "a lattice has no density: use participation_ratio"
        )
    settings = Settings(method=call("two_nn", {"discard": discard}))
    return in_unit("TwoNN dimension", float(kept @ heights / (kept @ kept)), unit=COUNT, n=n, settings=settings)


@within_memory
def levina_bickel(points: Array, *, neighbors: int = 10) -> Estimate:
    """Intrinsic dimension of `points` by maximum likelihood: 1 / <log(r_k / r_j)> over points and j < k.

    r_j is the distance of a point to its j-th nearest other. The inverses of the local estimates are averaged, as
    MacKay and Ghahramani correct the source.

    Parameters
    ----------
    points : array (n, d)
        Continuous: no two rows equal.
    neighbors : int
        k in 2 .. n - 1; more lowers the variance and sees a coarser scale.

    Returns
    -------
    Estimate
        A count, not a whole number.

    Raises
    ------
    InputError
        Fewer than k + 1 points, equal rows, a lattice (equal distances throughout), input that `dse` would refuse.

    Notes
    -----
    O(n log n) in few dimensions, O(n^2 d) in many. Invariant under translation, rotation and scaling. Reads too low
    above some ten dimensions, as `two_nn`, and the more so the larger k.

    References
    ----------
    levina2004maximum, Eqn 8; mackay2005comments.

    Examples
    --------
    >>> from diffspec.baselines import levina_bickel
    >>> from diffspec.synthetic import sphere
    >>> print(f"{levina_bickel(sphere(2000, 2, ambient=50)).value:.1f}")
    2.0
    """
    values = as_samples(points)
    n = len(values)
    neighbors = check_neighbors(neighbors, n, least=2)
    distances = _log_distances(values, neighbors)
    inverse = float(np.mean(distances[:, -1:] - distances[:, :-1]))
    if inverse == 0.0:
        raise InputError(
            f"the {neighbors} nearest neighbours must differ in distance, got equal distances throughout; "
            "raise neighbors or use participation_ratio"
        )
    settings = Settings(method=call("levina_bickel", {"neighbors": neighbors}))
    return in_unit("Levina-Bickel dimension", 1.0 / inverse, unit=COUNT, n=n, settings=settings)


@within_memory
def gride(points: Array, *, neighbors: int = 1) -> Estimate:
    """Intrinsic dimension of `points` at the scale of k to 2k neighbours, with its standard error (Gride).

    Where the density is constant over 2k neighbours, u = log(r_2k / r_k) has the likelihood
    d (1 - exp(-d u))^(k - 1) exp(-k d u); d is where it is largest over all points.

    Parameters
    ----------
    points : array (n, d)
        Continuous: no two rows equal.
    neighbors : int
        k in 1 .. (n - 1) / 2. With 1, 2, 4, 8, ... the dimension over scale: noise is seen at the smallest, curvature
        and the size of the cloud at the largest.

    Returns
    -------
    Estimate
        A count, not a whole number, with `stderr`.

    Raises
    ------
    InputError
        Fewer than 2k + 1 points, equal rows, a lattice (equal distances throughout), input that `dse` would refuse.

    Notes
    -----
    O(n log n) in few dimensions, O(n^2 d) in many. Invariant under translation, rotation and scaling. With k = 1 it is
    the maximum likelihood of `two_nn`. The standard error is that of independent points, from the curvature of the
    likelihood. Neighbourhoods share points, so the true one is some 1.3 times that up to k = 16 and twice at k = 32
    (30 clouds of 1000 points in 3 dimensions).

    References
    ----------
    denti2022generalized.

    Examples
    --------
    >>> from diffspec.baselines import gride
    >>> from diffspec.synthetic import sphere
    >>> points = sphere(2000, 2, ambient=50)
    >>> print(*[f"{gride(points, neighbors=k).value:.1f}" for k in (1, 4, 16)])
    2.0 2.0 2.0
    """
    values = as_samples(points)
    n = len(values)
    neighbors = check_neighbors(neighbors, n)
    check_neighbors(2 * neighbors, n)
    distances = _log_distances(values, 2 * neighbors)
    logs = distances[:, -1] - distances[:, neighbors - 1]
    total = float(logs.sum())
    if total == 0.0:
        raise InputError(
            f"neighbours {neighbors} and {2 * neighbors} must differ in distance, got equal distances throughout; "
            "raise neighbors or use participation_ratio"
        )
    found = _likeliest(logs, neighbors)
    settings = Settings(method=call("gride", {"neighbors": neighbors}))
    estimate = in_unit("Gride dimension", found, unit=COUNT, n=n, settings=settings)
    return replace(estimate, stderr=found / float(np.sqrt(n + (neighbors - 1) * np.sum(_bend(found * logs)))))


def _likeliest(logs: Floats, k: int) -> float:
    """The dimension at which the likelihood of log ratios `logs` is largest; its logarithm is concave in it."""
    n, total = len(logs), float(logs.sum())

    def slope(d: float) -> float:
        """D times the slope of the log likelihood; between kn and -infinity, and 0 once."""
        return n + (k - 1) * float(np.sum(_decay(d * logs))) - k * d * total

    low, high = n / (k * total), n / total
    return high if k == 1 else float(brentq(slope, low, high, xtol=1e-12 * high))


def _decay(x: Floats) -> Floats:
    """X / (e^x - 1), 1 at 0."""
    return np.asarray(np.divide(x, np.expm1(np.minimum(x, 700.0)), out=np.ones_like(x), where=x > 0))


def _bend(x: Floats) -> Floats:
    """x^2 e^x / (e^x - 1)^2, 1 at 0."""
    return np.asarray(_decay(x) ** 2 * np.exp(np.minimum(x, 700.0)))


def _log_distances(values: Floats, k: int) -> Floats:
    """Logarithms of the distances of every point to its k nearest others, ascending, shape (n, k)."""
    n = len(values)
    check_neighbors(k, n)
    require_distinct(values, "points", instead="participation_ratio, which allows them")
    scaled = unit_scaled(values)[0]
    pairs = (np.repeat(np.arange(n), k), nearest(scaled, k, "scikit-learn").ravel())
    squared = np.sort(squared_distances(scaled, pairs).reshape(n, k), axis=1)
    if squared[:, 0].min() == 0.0:
        raise InputError(
            "the nearest points lie closer than float64 can tell at the extent of the cloud; remove outliers "
            "or near-duplicates"
        )
    return np.asarray(0.5 * np.log(squared))
