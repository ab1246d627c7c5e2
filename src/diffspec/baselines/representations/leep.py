"""How well labels follow from what a network answers: LEEP, NCE and N-LEEP."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from diffspec._arrays import Array
from diffspec._checks import Seed, integer, legacy_seed, real, shown
from diffspec.baselines._estimates import call, in_unit
from diffspec.baselines._moments import centred
from diffspec.baselines._samples import Floats, as_samples, labels_of, require_in_reach, within_one
from diffspec.errors import InputError
from diffspec.machine.memory import within_memory
from diffspec.points.groups import Grouping, Partition
from diffspec.results.estimate import NAT, Estimate, Settings

__all__ = ["leep", "n_leep", "nce"]

PER_CLASS = 5
"""Components of the mixture of N-LEEP for every class, as in the source."""


@within_memory
def leep(points: Array, reference: Any, *, groups: Grouping | None = None) -> Estimate:
    """LEEP of the answers of another classifier for the labels: <log sum_s P(y | s) p(s | x)> over points.

    p(s | x) is the softmax of the logits, P(y | s) the share of label y among all points, weighted by p(s | x).

    Parameters
    ----------
    points : array (n, s)
        Logits of a classifier of s other classes (its source); of probabilities give the logarithms.
    reference : array (n,) or Partition
        Class labels of the task in question.
    groups : Grouping, optional
        How another reference becomes labels.

    Returns
    -------
    Estimate
        Nats per point, from -log(n) to 0; larger is better. Labels that the answers say nothing of give -H(Y).

    Raises
    ------
    InputError
        A single class, input that `dse` would refuse.

    Notes
    -----
    O(n s classes). Needs the classifier that was trained on the source, which self-supervised networks have not:
    `n_leep` is for those.

    References
    ----------
    nguyen2020leep.

    Examples
    --------
    >>> from diffspec.baselines import leep
    >>> print(f"{leep([[9.0, 0.0], [9.0, 0.0], [0.0, 9.0], [0.0, 9.0]], ['a', 'a', 'b', 'b']).value:.3f}")
    -0.000
    """
    logits = as_samples(points)
    partition = labels_of(reference, groups, len(logits))
    settings = Settings(method=call("leep", {}), partition=partition.origin)
    return in_unit("LEEP", _leep(_softmax(logits), partition), unit=NAT, n=len(logits), settings=settings, ceiling=0.0)


@within_memory
def nce(points: Array, reference: Any, *, groups: Grouping | None = None) -> Estimate:
    """Negative conditional entropy -H(Y | S) of the labels Y given S, the class that another classifier tells.

    Parameters
    ----------
    points : array (n, s)
        Logits of a classifier of s other classes; S is where a row is largest, the first of equal ones.
    reference : array (n,) or Partition
        Class labels of the task in question.
    groups : Grouping, optional
        How another reference becomes labels.

    Returns
    -------
    Estimate
        Nats, from -H(Y) to 0; larger is better.

    Raises
    ------
    InputError
        A single class, input that `dse` would refuse.

    Notes
    -----
    O(n s). `leep` is the same where the classifier is sure of every point.

    References
    ----------
    tran2019transferability.

    Examples
    --------
    >>> from diffspec.baselines import nce
    >>> logits = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    >>> print(f"{nce(logits, ['a', 'a', 'a', 'b']).value:.4f}")  # half of log 2
    -0.3466
    """
    logits = as_samples(points)
    n = len(logits)
    partition = labels_of(reference, groups, n)
    table = np.zeros((logits.shape[1], len(partition.names)))
    np.add.at(table, (np.argmax(logits, axis=1), partition.codes), 1.0)
    rows = np.broadcast_to(table.sum(axis=1, keepdims=True), table.shape)[table > 0]
    counts = table[table > 0]
    value = math.fsum((counts * np.log(counts / rows)).tolist()) / n
    settings = Settings(method=call("nce", {}), partition=partition.origin)
    return in_unit("NCE", value, unit=NAT, n=n, settings=settings, ceiling=0.0)


@within_memory
def n_leep(
    points: Array,
    reference: Any,
    *,
    groups: Grouping | None = None,
    components: int | None = None,
    energy: float = 0.8,
    rng: Seed = 0,
) -> Estimate:
    """LEEP without a source classifier (N-LEEP): the components of a Gaussian mixture stand for its classes.

    The points are projected on the principal components that hold the share `energy` of their variance, a mixture is
    fitted to them, and its posteriors are the p(s | x) of `leep`.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    reference : array (n,) or Partition
        Class labels.
    groups : Grouping, optional
        How another reference becomes labels.
    components : int, optional
        Of the mixture; 5 a class by default, as in the source, and at most a fifth of the points.
    energy : float
        In (0, 1); 0.8 in the source.
    rng : int or numpy.random.Generator or RandomState or None
        Draws where the mixture begins.

    Returns
    -------
    Estimate
        Nats per point, at most 0; larger is better.

    Raises
    ------
    InputError
        A single class, equal points, more components than points, input that `dse` would refuse.

    Notes
    -----
    O(n components d^2) a step, by scikit-learn's GaussianMixture with covariances of their own, to whose diagonals a
    millionth of the mean variance is added. Invariant under translation, rotation and scaling up to the start. The
    verdict says where the mixture did not settle in 100 steps.

    References
    ----------
    li2021ranking.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import n_leep
    >>> labels = np.repeat([0, 1], 100)
    >>> noise = np.random.default_rng(0).normal(size=(200, 2))
    >>> print(f"{n_leep(noise + 3 * labels[:, None], labels, components=2).value:.3f}")
    -0.083
    """
    values = as_samples(points)
    n = len(values)
    partition = labels_of(reference, groups, n)
    if not 0.0 < real(energy) < 1.0:
        raise InputError(f"energy must be a share in (0, 1), got {shown(energy)}; the source keeps 0.8 of the variance")
    wanted = min(PER_CLASS * len(partition.names), max(2, n // 5)) if components is None else components
    count = integer(wanted, "components", least=1)
    if count > n:
        raise InputError(f"components = {count} are more than the {n} points; lower components")
    require_in_reach(values, values, "points")
    shares, settled = _posteriors(values, count, float(energy), legacy_seed(rng))
    options = {"components": count, "energy": energy}
    return in_unit(
        "N-LEEP",
        _leep(shares, partition),
        unit=NAT,
        n=n,
        settings=Settings(method=call("n_leep", options), partition=partition.origin),
        ceiling=0.0,
        verdict="" if settled else "unsettled: the mixture still moved after 100 steps",
    )


def _softmax(logits: Floats) -> Floats:
    with np.errstate(over="ignore"):  # what lies that far below the largest has no share
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _leep(shares: Floats, partition: Partition) -> float:
    """The mean over points of log sum_s P(y | s) p(s | x), in nats, from p(s | x) of shape (n, s)."""
    codes = np.asarray(partition.codes)
    joint = np.stack([shares[members].sum(axis=0) for members in partition.members()])
    given = joint / np.where(joint.any(axis=0), joint.sum(axis=0), 1.0)
    expected = np.sum(given[codes] * shares, axis=1)  # above 0: a point counts in the share of its own label
    return min(0.0, math.fsum(np.log(expected).tolist()) / len(codes))


def _posteriors(values: Floats, count: int, energy: float, seed: int) -> tuple[Floats, bool]:
    """p(component | point), and whether the mixture settled."""
    from sklearn.decomposition import PCA
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    moved = centred(within_one(values))
    spread = float(np.sqrt(np.mean(moved**2)))
    if spread == 0.0:
        raise InputError(f"points must vary, got {len(values)} equal points; there is no mixture to fit")
    seen = PCA(energy, svd_solver="full").fit_transform(moved / spread)
    mixture = GaussianMixture(count, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the verdict says it
        mixture.fit(seen)
    return np.asarray(mixture.predict_proba(seen)), bool(mixture.converged_)
