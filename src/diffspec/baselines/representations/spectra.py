"""Numbers for the shape of a spectrum: how many directions a representation uses, and how fast they fall off.

All are read off singular values, so they know linear structure only. Singular values that are rounding count as 0, so a
representation whose points are all equal, or lie on one line, reads exactly 1.
"""

from __future__ import annotations

import numpy as np

from diffspec._arrays import Array
from diffspec._checks import integer
from diffspec.baselines._estimates import call, in_unit
from diffspec.baselines._moments import Singular, effective, shares_of, singular_values
from diffspec.errors import InputError
from diffspec.machine.memory import within_memory
from diffspec.results.estimate import COUNT, RATIO, Estimate, Settings

__all__ = ["alpha_req", "effective_rank", "participation_ratio", "stable_rank"]


@within_memory
def effective_rank(points: Array, *, centered: bool = False) -> Estimate:
    """Effective rank of `points` (RankMe): exp(-sum p log p) of the singular values s as shares p = s / sum s.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    centered : bool
        Subtract the mean first. Off, as Roy and Vetterli define it and RankMe uses it: then the mean is one of the
        directions, and a cloud far from the origin reads near 1.

    Returns
    -------
    Estimate
        A count from 1, exactly 1 for collapsed points, to min(n, d) (centred: min(n - 1, d)).

    Raises
    ------
    InputError
        Input that `dse` would refuse.

    Notes
    -----
    O(n d min(n, d)). Invariant under rotation and scaling, where centred also under translation. RankMe adds 1e-7 to
    every p, which would make a collapsed representation of 2048 features read 1.003; here nothing is added. A large
    rank says that directions are used, not that they are useful.

    References
    ----------
    roy2007effective, Definition 1; garrido2023rankme.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import effective_rank
    >>> print(f"{effective_rank(np.eye(5)).value:.3f}", effective_rank(np.ones((9, 5))).value)
    5.000 1.0
    """
    found = singular_values(points, centered=centered)
    return _count("effective rank", effective(found.values), found, call("effective_rank", {"centered": centered}))


@within_memory
def participation_ratio(points: Array, *, centered: bool = True) -> Estimate:
    """Participation ratio of `points`: (sum l)^2 / sum l^2 of the eigenvalues l of their covariance.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    centered : bool
        Of the covariance (default), or of the second moments about 0.

    Returns
    -------
    Estimate
        A count from 1, exactly 1 for collapsed points, to min(n - 1, d).

    Raises
    ------
    InputError
        Input that `dse` would refuse.

    Notes
    -----
    O(n d min(n, d)). Invariant under translation, rotation and scaling. Biased downwards for few points: an isotropic
    Gaussian reads about 1 / (1 / d + 1 / n).

    References
    ----------
    gao2017theory.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import participation_ratio
    >>> cross = np.vstack([np.eye(4), -np.eye(4)])
    >>> print(f"{participation_ratio(cross).value:.3f}")
    4.000
    """
    found = singular_values(points, centered=centered)
    shares = shares_of(found.values**2)
    method = call("participation_ratio", {"centered": centered})
    return _count("participation ratio", 1.0 / float(shares @ shares), found, method)


@within_memory
def stable_rank(points: Array, *, centered: bool = False) -> Estimate:
    """Stable rank of `points`: squared Frobenius norm / squared spectral norm.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    centered : bool
        Subtract the mean first; off, as it is defined for a matrix.

    Returns
    -------
    Estimate
        A count from 1, exactly 1 for collapsed points, to min(n, d) (centred: min(n - 1, d)).

    Raises
    ------
    InputError
        Input that `dse` would refuse.

    Notes
    -----
    O(n d min(n, d)). Invariant under rotation and scaling, where centred also under translation. At most the rank.

    References
    ----------
    rudelson2007sampling.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import stable_rank
    >>> print(f"{stable_rank(np.diag([2.0, 1.0, 1.0])).value:.3f}")
    1.500
    """
    found = singular_values(points, centered=centered)
    shares = shares_of(found.values**2)
    return _count("stable rank", 1.0 / float(shares[0]), found, call("stable_rank", {"centered": centered}))


@within_memory
def alpha_req(points: Array, *, first: int = 1, last: int | None = None) -> Estimate:
    """Exponent a of the power law l_k ~ k^-a of the covariance eigenvalues of `points` (alpha-ReQ).

    A line through (log k, log l_k) by least squares with weights 1 / k, so that every octave counts alike.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    first, last : int
        The ranks k of the fit, from 1, both included; default all eigenvalues above rounding. The tail of a finite
        sample falls faster than that of its population: with n not much above d give a `last` well below both.

    Returns
    -------
    Estimate
        A ratio: 0 for equal eigenvalues, large for a fast fall. Near 1 is said to generalise best.

    Raises
    ------
    InputError
        Fewer than 3 eigenvalues in the range, so also collapsed points; input that `dse` would refuse.

    Notes
    -----
    O(n d min(n, d)). Invariant under translation, rotation and scaling. A number comes out whether or not the spectrum
    is a power law.

    References
    ----------
    agrawal2022alphareq; the weights are those of stringer2019high.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import alpha_req
    >>> axes = np.diag(np.arange(1.0, 9.0) ** -0.75)
    >>> print(f"{alpha_req(np.vstack([axes, -axes])).value:.3f}")
    1.500
    """
    found = singular_values(points, centered=True)
    last = len(found.values) if last is None else last
    first, last = integer(first, "first", least=1), integer(last, "last", least=1)
    _check_ranks(first, last, len(found.values))
    ranks = np.arange(first, last + 1)
    slope = np.polyfit(np.log(ranks), 2.0 * np.log(found.values[first - 1 : last]), 1, w=np.sqrt(1.0 / ranks))[0]
    settings = Settings(method=call("alpha_req", {"first": first, "last": last}), floor=found.floor)
    return in_unit("alpha-ReQ", -float(slope), unit=RATIO, n=found.n, settings=settings)


def _count(measure: str, value: float, found: Singular, method: str) -> Estimate:
    return in_unit(
        measure,
        value,
        unit=COUNT,
        n=found.n,
        ceiling=float(max(1, found.most)),
        settings=Settings(method=method, floor=found.floor),
        verdict=found.verdict,
    )


def _check_ranks(first: int, last: int, found: int) -> None:
    if last > found or last < first + 2:
        raise InputError(
            f"a slope needs at least 3 eigenvalues above rounding, got ranks {first} to {last} of {found}; "
            "give other ranks or more points"
        )
