"""Mutual information of two continuous variables given a third, from nearest neighbours."""

from __future__ import annotations

from diffspec._arrays import Array
from diffspec.baselines._estimates import call, in_bits
from diffspec.baselines._samples import as_reference, as_samples, check_neighbors, continuous, together
from diffspec.baselines.information.counts import frenzel
from diffspec.machine.memory import within_memory
from diffspec.results.estimate import Estimate, Settings

__all__ = ["conditional_ksg"]


@within_memory
def conditional_ksg(
    points: Array, reference: Array, given: Array, *, neighbors: int = 3, standardize: bool = True
) -> Estimate:
    """Mutual information, in bits, of two continuous variables given a third (Frenzel and Pompe).

    I(X; Y | Z) = psi(k) - <psi(a_i + 1) + psi(b_i + 1) - psi(c_i + 1)> nats. In the maximum norm a_i, b_i and c_i count
    the others nearer than the k-th joint neighbour in (X, Z), in (Y, Z) and in Z alone. With a Z that has
    nothing to do with either it is `ksg` with another bias.

    Parameters
    ----------
    points : array (n, d)
        Continuous: no two rows equal, no constant feature.
    reference : array (n,) or (n, m)
        Continuous likewise, as floats.
    given : array (n,) or (n, p)
        What is known already, continuous likewise. For classes, measure each class by itself and weigh by its size.
    neighbors : int
        k in 1 .. n - 1; more lowers the variance and raises the bias.
    standardize : bool
        Bring every feature to variance 1 first, as the distances mix them all.

    Returns
    -------
    Estimate
        Value in bits, slightly negative at times where nothing is left; nothing is clipped.

    Raises
    ------
    InputError
        Labels or repeated rows, fewer than k + 1 points, a constant feature, unequal lengths.

    Notes
    -----
    O(n log n) in few dimensions, O(n^2 (d + m + p)) in many. Biased towards 0: with more than some three dimensions of
    Z hardly any dependence is seen.

    References
    ----------
    frenzel2007partial, Eqn 8.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import conditional_ksg, ksg
    >>> cause, x, y = np.random.default_rng(0).normal(size=(3, 2000, 1))
    >>> f"{ksg(cause + x, cause + y).value:.1f} {abs(conditional_ksg(cause + x, cause + y, cause).value):.1f}"
    '0.2 0.0'
    """
    x = as_samples(points)
    n = len(x)
    y, z = (as_reference(side, n, instead="one call per class") for side in (reference, given))
    neighbors = check_neighbors(neighbors, n)
    sides = {"points": x, "reference": y, "given": z}
    scaled = [
        continuous(side, name, standardize=standardize, instead="one call per class") for name, side in sides.items()
    ]
    nats = frenzel(together(*scaled), neighbors)
    options = {"neighbors": neighbors, "standardize": standardize}
    return in_bits("conditional KSG information", nats, n=n, settings=Settings(method=call("conditional_ksg", options)))
