"""Differential entropy and mutual information from the distances between nearest neighbours.

All assume independent draws with a density (`mixed_ksg` excepted), converge slowly in many dimensions and read about 0
there whatever the dependence. Values may be negative; nothing is clipped.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from scipy.special import digamma, gammaln

from diffspec._arrays import Array
from diffspec._checks import integer
from diffspec.baselines._estimates import call, in_bits
from diffspec.baselines._samples import (
    as_reference,
    as_samples,
    check_neighbors,
    continuous,
    holds_labels,
    labels_of,
    require_distinct,
    require_varying,
    together,
    varied,
    within_one,
)
from diffspec.baselines.information.counts import (
    counts_in_class,
    kraskov_first,
    kraskov_second,
    mixed,
    mixed_with_labels,
)
from diffspec.machine.memory import within_memory
from diffspec.points.distances import squared_distances, unit_scaled
from diffspec.points.groups import Grouping
from diffspec.points.neighbors import nearest
from diffspec.results.estimate import Estimate, Settings

__all__ = ["kozachenko_leonenko", "ksg", "mixed_ksg", "ross"]


@within_memory
def kozachenko_leonenko(points: Array, *, neighbors: int = 3) -> Estimate:
    """Differential Shannon entropy of `points`, in bits: log-distances to the k-th nearest neighbour.

    h = psi(n) - psi(k) + log c_d + (d / n) sum_i log r_i nats, r_i the Euclidean distance of point i to its k-th
    nearest other and c_d the volume of the unit ball. Grows with the scale: h(a X) = h(X) + d log2 a.

    Parameters
    ----------
    points : array (n, d)
        Continuous: no two rows equal, no constant feature.
    neighbors : int
        k in 1 .. n - 1; more lowers the variance and raises the bias.

    Returns
    -------
    Estimate
        Value in bits, without a ceiling.

    Raises
    ------
    InputError
        Fewer than k + 1 points, equal rows, a constant feature, input that `dse` would refuse.

    Notes
    -----
    O(n log n) in few dimensions, O(n^2 d) in many. *Not* for points on a surface of fewer dimensions than d: the
    entropy is then minus infinity, and the value only says how far n goes.

    References
    ----------
    kozachenko1987sample.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import kozachenko_leonenko
    >>> print(f"{kozachenko_leonenko(np.random.default_rng(0).uniform(size=(2000, 2))).value:.1f}")
    0.0
    """
    values = as_samples(points)
    n, d = values.shape
    neighbors = check_neighbors(neighbors, n)
    require_varying(values, "points")
    require_distinct(values, "points", instead="binned_entropy")
    scaled, unit = unit_scaled(values)
    pairs = (np.repeat(np.arange(n), neighbors), nearest(scaled, neighbors, "scikit-learn").ravel())
    radii = squared_distances(scaled, pairs).reshape(n, neighbors).max(axis=1)
    ball = d / 2.0 * math.log(math.pi) - float(gammaln(d / 2.0 + 1.0))
    with np.errstate(divide="ignore"):  # minus infinity is refused below
        nats = float(digamma(n) - digamma(neighbors)) + ball + d / 2.0 * float(np.mean(np.log(radii)))
    settings = Settings(method=call("kozachenko_leonenko", {"neighbors": neighbors}))
    return in_bits("KL differential entropy", nats + d * math.log(unit), n=n, settings=settings)


@within_memory
def ksg(
    points: Array, reference: Array, *, neighbors: int = 3, variant: Literal[1, 2] = 1, standardize: bool = True
) -> Estimate:
    """Mutual information, in bits, of two continuous variables by Kraskov, Stögbauer and Grassberger.

    Variant 1: I = psi(k) + psi(n) - <psi(a_i + 1) + psi(b_i + 1)> nats (Eqn 8 of the source). In the maximum norm a_i
    and b_i count the others nearer than the k-th joint neighbour, in `points` and in `reference` alone.
    Variant 2: I = psi(k) - 1/k + psi(n) - <psi(a_i) + psi(b_i)>, counted within the sides of the smallest rectangle of
    the k neighbours (Eqn 9).

    Parameters
    ----------
    points : array (n, d)
        Continuous: no two rows equal, no constant feature.
    reference : array (n,) or (n, m)
        Continuous likewise, as floats; for class labels use `ross`.
    neighbors : int
        k in 1 .. n - 1; more lowers the variance and raises the bias.
    variant : {1, 2}
        Variant 1 varies less, variant 2 is less biased in many dimensions.
    standardize : bool
        Bring every feature to variance 1 first, as the distances mix them all.

    Returns
    -------
    Estimate
        Value in bits, slightly negative at times for independent variables.

    Raises
    ------
    InputError
        Labels or repeated rows, fewer than k + 1 points, a constant feature, unequal lengths.

    Notes
    -----
    O(n log n) in few dimensions, O(n^2 (d + m)) in many. For one feature and scalar reference variant 1 is
    ``sklearn.feature_selection.mutual_info_regression``, which also adds noise and clips at 0. *Not* for more than some
    ten dimensions, or for more than about log n nats, where it reads too low.

    References
    ----------
    kraskov2004estimating, Eqns 8 and 9.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import ksg
    >>> x, noise = np.random.default_rng(0).normal(size=(2, 2000, 1))
    >>> print(f"{ksg(x, x + noise).value:.1f}")  # log2(2) / 2
    0.5
    """
    integer(variant, "variant", least=1, most=2)
    x = as_samples(points)
    n = len(x)
    y = as_reference(reference, n, instead="ross")
    neighbors = check_neighbors(neighbors, n)
    x, y = (continuous(*side, standardize=standardize) for side in ((x, "points"), (y, "reference")))
    x, y = together(x, y)
    nats = (kraskov_first if variant == 1 else kraskov_second)(x, y, neighbors)
    options = {"neighbors": neighbors, "variant": variant, "standardize": standardize}
    return in_bits(f"KSG {variant} information", nats, n=n, settings=Settings(method=call("ksg", options)))


@within_memory
def ross(
    points: Array, reference: Any, *, groups: Grouping | None = None, neighbors: int = 3, standardize: bool = False
) -> Estimate:
    """Mutual information, in bits, of continuous points and class labels (Ross).

    I = psi(n) + psi(k) - <psi(n_i)> - <psi(m_i)> nats. n_i is the size of the class of point i. m_i is how many others
    lie at most as far as its k-th nearest neighbour within the class, in Euclidean distance.

    Parameters
    ----------
    points : array (n, d)
        Continuous: no two rows equal, no constant feature.
    reference : array (n,) or Partition
        Class labels: integers, booleans, strings; for floats use `ksg`.
    groups : Grouping, optional
        How another reference becomes labels: `Labels()`, `Bins(10)`.
    neighbors : int
        k; every class needs k + 1 points.
    standardize : bool
        Bring every feature to variance 1 first. Off, since distances between representations are meant as they are.

    Returns
    -------
    Estimate
        Value in bits; `ceiling` is the entropy of the labels, the most there can be.

    Raises
    ------
    InputError
        Floats as labels, a single class or one of fewer than k + 1 points, repeated rows, a constant feature.

    Notes
    -----
    O(n log n) up to 15 dimensions, O(n^2 d) by matrix products beyond. For one feature it is
    ``sklearn.feature_selection.mutual_info_classif``, which also adds noise, clips at 0 and leaves out or lowers k for
    small classes.

    References
    ----------
    ross2014mutual, Eqn 2.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import ross
    >>> labels = np.repeat([0, 1], 100)
    >>> print(f"{ross(np.random.default_rng(0).normal(size=(200, 2)) + 9 * labels[:, None], labels).value:.2f}")
    1.00
    """
    values = as_samples(points)
    n = len(values)
    neighbors = check_neighbors(neighbors, n)
    partition = labels_of(reference, groups, n, smallest=neighbors + 1)
    scaled = unit_scaled(continuous(values, "points", standardize=standardize))[0]
    nearer = counts_in_class(scaled, partition, neighbors)
    sizes = np.asarray(partition.sizes)
    own = float(np.sum(sizes * digamma(sizes))) / n
    nats = float(digamma(n) + digamma(neighbors)) - own - float(np.mean(digamma(nearer)))
    options = {"neighbors": neighbors, "standardize": standardize}
    settings = Settings(method=call("ross", options), partition=partition.origin)
    return in_bits("Ross information", nats, n=n, settings=settings, ceiling=partition.entropy)


@within_memory
def mixed_ksg(
    points: Array, reference: Any, *, groups: Grouping | None = None, neighbors: int = 3, standardize: bool = True
) -> Estimate:
    """Mutual information, in bits, where either side may be continuous, discrete or a mixture (Gao et al.).

    I = <psi(k_i) + log n - psi(a_i) - psi(b_i)> nats. Where the k-th joint neighbour lies at a distance r > 0 in the
    maximum norm, k_i = k and a_i, b_i count the points nearer than r in each variable, the point itself among them;
    where r = 0, k_i, a_i and b_i count the points at distance 0.

    Parameters
    ----------
    points : array (n, d)
        Anything finite without a constant feature; repeated rows are what this is for.
    reference : array (n,) or (n, m) or Partition
        Floats are values; integers, booleans and strings are labels, two of which are equal or infinitely far apart.
    groups : Grouping, optional
        How a reference of floats becomes labels.
    neighbors : int
        k; with labels every class needs k + 1 points.
    standardize : bool
        Bring every feature to variance 1 first, as the distances mix them all.

    Returns
    -------
    Estimate
        Value in bits; with labels `ceiling` is their entropy.

    Raises
    ------
    InputError
        Fewer than k + 1 points (of a class), a single class, a constant feature, unequal lengths.

    Notes
    -----
    O(n log n) in few dimensions, O(n^2 (d + m)) in many. The digamma form is that of the authors' own program: on
    continuous data it is KSG 1 with log n for psi(n).

    References
    ----------
    gao2017mixture, Algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import mixed_ksg
    >>> dice = np.random.default_rng(0).integers(6, size=3000)
    >>> print(f"{mixed_ksg(dice[:, None], dice).value:.2f}")  # log2(6)
    2.58
    """
    values = as_samples(points)
    n = len(values)
    neighbors = check_neighbors(neighbors, n)
    x = varied(values, "points", standardize=standardize)
    settings = Settings(method=call("mixed_ksg", {"neighbors": neighbors, "standardize": standardize}))
    if groups is not None or holds_labels(reference):
        partition = labels_of(reference, groups, n, smallest=neighbors + 1)
        settings = replace(settings, partition=partition.origin)
        nats = mixed_with_labels(within_one(x), partition, neighbors)
        return in_bits("mixed KSG information", nats, n=n, settings=settings, ceiling=partition.entropy)
    y = varied(as_reference(reference, n, instead="ross"), "reference", standardize=standardize)
    x, y = together(x, y)
    nats = mixed(x, y, neighbors)
    return in_bits("mixed KSG information", nats, n=n, settings=settings)
