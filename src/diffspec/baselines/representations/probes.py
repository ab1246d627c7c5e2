"""How well simple models read labels off a representation: LogME and the classifier of nearest neighbours."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import Array
from diffspec._checks import integer
from diffspec.baselines._estimates import call, in_unit
from diffspec.baselines._moments import EPS, classes
from diffspec.baselines._samples import (
    Floats,
    as_reference,
    as_samples,
    check_neighbors,
    holds_labels,
    labels_of,
    require_in_reach,
    require_varying,
    within_one,
)
from diffspec.errors import InputError
from diffspec.machine.memory import within_memory
from diffspec.points.distances import unit_scaled
from diffspec.points.groups import Grouping
from diffspec.results.estimate import NAT, RATIO, Estimate, Settings

__all__ = ["knn_probe", "logme"]

Fit: TypeAlias = tuple[Floats, Floats, float]
"""Squared singular values, squared coordinates of a target along their directions, and its squared rest."""

# The ratio of precisions is sought from and to so many e-folds beyond the squared singular values.
BEYOND = 25.0
STEP = 0.25


@within_memory
def logme(points: Array, reference: Any, *, groups: Grouping | None = None) -> Estimate:
    """Logarithm of maximum evidence of `reference` given `points` (LogME), per point and averaged over its columns.

    Evidence of a linear regression without intercept, weights N(0, 1 / alpha) and noise N(0, 1 / beta), at the alpha
    and beta that make it largest. One regression per class, with targets 1 and 0.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    reference : array (n,) or (n, m) or Partition
        Class labels (integers, booleans, strings), or floats, which are the targets themselves.
    groups : Grouping, optional
        How a reference of floats becomes labels.

    Returns
    -------
    Estimate
        Nats per point, the logarithm of a density and so of either sign; larger is better.

    Raises
    ------
    InputError
        A single class, a constant target, a target that is exactly linear in the features (its evidence is infinite),
        points that are all 0, a row that lies too far out, a feature so large that float64 loses others beside it,
        unequal lengths, input that `dse` would refuse.

    Notes
    -----
    O(n d min(n, d)). Invariant under rotation and scaling, but not translation. Comparable between representations of
    the same targets only. The maximum is searched over the ratio alpha / beta, for which beta is known in closed form;
    the source's fixed-point iteration stops near it.

    References
    ----------
    you2021logme.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import logme
    >>> labels = np.repeat([0, 1], 100)
    >>> noise = np.random.default_rng(0).normal(size=(200, 2))
    >>> print(f"{logme(noise, labels).value:.2f} {logme(noise + 4 * labels[:, None], labels).value:.2f}")
    -1.07 -0.40
    """
    values = as_samples(points)
    n = len(values)
    names, targets, origin = _targets(reference, groups, n)
    require_in_reach(values, values, "points")  # beside such a row the singular values of the others are rounding
    scaled = within_one(values)
    left, singular, _right = np.linalg.svd(scaled, full_matrices=False)
    kept = _kept(singular, scaled.shape)
    if not kept.any():
        raise InputError("points must not all be 0; there is no regression on them")
    if not kept.all():
        _require_alike(scaled, int(kept.sum()))
    powers = np.frexp(np.abs(targets).max(axis=0))[1]  # no square overflows; |c t| has the evidence of t less n log c
    evidence = [-math.log(2.0) * n * int(powers.sum())]
    for name, target in zip(names, np.ldexp(targets, -powers).T, strict=True):
        seen = left[:, kept].T @ target
        rest = float(np.sum((target - left[:, kept] @ seen) ** 2))
        if rest <= (EPS * n) ** 2 * float(target @ target) and len(seen) < n:
            raise InputError(
                f"the evidence of {name} is infinite: it is exactly linear in the features; "
                "use fewer features, or knn_probe"
            )
        evidence.append(_log_evidence((singular[kept] ** 2, seen**2, rest), n))
    settings = Settings(method=call("logme", {}), partition=origin)
    return in_unit("LogME", math.fsum(evidence) / len(names) / n, unit=NAT, n=n, settings=settings)


@within_memory
def knn_probe(
    points: Array, reference: Any, *, groups: Grouping | None = None, neighbors: int = 10, folds: int = 5
) -> Estimate:
    """Accuracy of the classifier of k nearest neighbours on `points`, by stratified cross-validation.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    reference : array (n,) or Partition
        Class labels.
    groups : Grouping, optional
        How another reference becomes labels.
    neighbors : int
        k, with equal votes and Euclidean distances.
    folds : int
        At least 2; every class needs as many points. Folds are blocks in the order of the points, without shuffling.

    Returns
    -------
    Estimate
        A ratio in [0, 1], the mean of the folds; guessing gives the share of the largest class.

    Raises
    ------
    InputError
        A single class, a class of fewer points than folds, more neighbours than points in a training part, input that
        `dse` would refuse.

    Notes
    -----
    O(n^2 d), by scikit-learn's KNeighborsClassifier and StratifiedKFold. Invariant under translation, rotation and
    scaling. Points sorted by something else than their class should be shuffled first.

    References
    ----------
    cover1967nearest.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import knn_probe
    >>> labels = np.repeat([0, 1], 100)
    >>> knn_probe(np.random.default_rng(0).normal(size=(200, 2)) + 9 * labels[:, None], labels).value
    1.0
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.neighbors import KNeighborsClassifier

    values = as_samples(points)
    n = len(values)
    folds = integer(folds, "folds", least=2, hint="the default is 5")
    partition = classes(reference, groups, n, smallest=folds, needs=f"cross-validation in {folds} folds")
    neighbors = check_neighbors(neighbors, n)
    learnt = n - -(-n // folds)
    if learnt < neighbors:
        raise InputError(f"neighbors = {neighbors} are more than the {learnt} points to learn from; lower neighbors")
    require_in_reach(values, values, "points")
    scaled = unit_scaled(values)[0]
    scores = cross_val_score(
        KNeighborsClassifier(neighbors), scaled, partition.codes, cv=StratifiedKFold(folds), error_score="raise"
    )
    method = call("knn_probe", {"neighbors": neighbors, "folds": folds})
    return in_unit(
        f"{neighbors}-NN probe",
        float(np.mean(scores)),
        unit=RATIO,
        n=n,
        settings=Settings(method=method, partition=partition.origin),
        ceiling=1.0,
        verdict="" if scaled.any() else "collapsed: the points are equal",
    )


def _kept(singular: Floats, shape: tuple[int, ...]) -> Any:
    """Which singular values of an array of this shape are more than rounding."""
    return singular > EPS * max(shape) * singular[0]


def _require_alike(scaled: Floats, rank: int) -> None:
    """Raise InputError where features of one size would have a higher rank: then a large one hides others."""
    size = np.abs(scaled).max(axis=0)
    alike = scaled[:, size > 0] / size[size > 0]
    if int(_kept(np.linalg.svd(alike, compute_uv=False), alike.shape).sum()) > rank:
        feature = int(size.argmax())
        usual = float(np.median(size[size > 0]))
        raise InputError(
            f"the features of points must not differ so much in size that rounding hides some, got feature {feature} "
            f"{size[feature] / usual:.3g} times as large as the median one; standardise them or remove it"
        )


def _targets(reference: Any, groups: Grouping | None, n: int) -> tuple[list[str], Floats, str | None]:
    """The names of the targets, their values as columns of shape (n, targets), and how labels were made."""
    if groups is not None or holds_labels(reference):
        partition = labels_of(reference, groups, n)
        codes = np.arange(len(partition.names))
        columns = np.equal.outer(partition.codes, codes).astype(float)
        return [f"class {name!r}" for name in partition.names], columns, partition.origin
    columns = as_reference(reference, n, instead="labels")
    require_varying(columns, "reference")
    return [f"reference column {column}" for column in range(columns.shape[1])], columns, None


def _log_evidence(fit: Fit, n: int) -> float:
    """The largest log evidence of one target, in nats, over the ratio alpha / beta = exp(x)."""
    from scipy.optimize import minimize_scalar

    squares = fit[0]
    grid = np.arange(math.log(squares[-1]) - BEYOND, math.log(squares[0]) + BEYOND + STEP, STEP)
    best = grid[int(np.argmax([_profile(float(x), fit, n) for x in grid]))]
    bounds = (best - STEP, best + STEP)
    found = minimize_scalar(lambda x: -_profile(x, fit, n), bounds=bounds, method="bounded", options={"xatol": 1e-7})
    return float(-found.fun)


def _profile(x: float, fit: Fit, n: int) -> float:
    """The log evidence at alpha / beta = exp(x) and the beta that is best there."""
    squares, seen, rest = fit
    gain = squares * math.exp(-x)
    misfit = rest + float(np.sum(seen / (1.0 + gain)))
    return -0.5 * (n * math.log(2.0 * math.pi * math.e * misfit / n) + float(np.sum(np.log1p(gain))))
