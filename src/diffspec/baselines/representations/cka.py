"""How alike two representations of the same points are: linear centred kernel alignment."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from diffspec._arrays import Array
from diffspec.baselines._estimates import call, in_unit
from diffspec.baselines._moments import EPS, centred
from diffspec.baselines._samples import Floats, as_samples, within_one
from diffspec.errors import InputError
from diffspec.machine.memory import within_memory
from diffspec.results.estimate import RATIO, Estimate, Settings

__all__ = ["linear_cka"]


@within_memory
def linear_cka(points: Array, reference: Any, *, debiased: bool = False) -> Estimate:
    """Linear CKA of `points` X and `reference` Y, both centred: |X'Y|^2 / (|X'X| |Y'Y|) in Frobenius norms.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    reference : array (n, m)
        Another representation of the same points, in the same order.
    debiased : bool
        Replace the three norms by unbiased estimates (HSIC_1). The plain value rises towards 1 for unrelated
        representations once d and m are not far below n; the debiased one is about 0 for them. Needs 4 points.

    Returns
    -------
    Estimate
        A ratio in [0, 1], 1 for representations equal up to rotation, scaling and translation; debiased in [-1, 1].

    Raises
    ------
    InputError
        Unequal numbers of points, points without variance, fewer than 4 points for the debiased one, input that `dse`
        would refuse.

    Notes
    -----
    O(n d m) in features, or O(n^2 (d + m)) and two n x n arrays where d or m exceeds n, whose result is the same.
    Dominated by the directions of the largest variance; does not tell which of the two is better.

    References
    ----------
    kornblith2019similarity; song2012feature for the debiased one.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import linear_cka
    >>> x = np.random.default_rng(0).normal(size=(100, 2))
    >>> print(f"{linear_cka(x, 5 * x[:, ::-1] + 1).value:.3f}")
    1.000
    """
    x, y = _varying(points, "points"), _varying(reference, "reference")
    n = len(x)
    if len(y) != n:
        raise InputError(f"reference must hold the same points, got {len(y)} for {n}; compare rows of the same input")
    if debiased and n < 4:
        raise InputError(f"the debiased CKA needs at least 4 points, got {n}; use debiased=False")
    inner = _debiased if debiased else _inner
    norms = [inner(side, side) for side in (x, y)]
    if min(norms) <= 0.0:
        raise InputError("the debiased CKA is undefined where all pairs are equally far apart; use debiased=False")
    value = inner(x, y) / (math.sqrt(norms[0]) * math.sqrt(norms[1]))
    name = "debiased linear CKA" if debiased else "linear CKA"
    settings = Settings(method=call("linear_cka", {"debiased": debiased}))
    return in_unit(name, value, unit=RATIO, n=n, settings=settings, ceiling=1.0)


def _varying(points: Any, name: str) -> Floats:
    """`points` centred and of Frobenius norm 1."""
    scaled = within_one(as_samples(points, name=name))
    moved = centred(scaled)
    norm = float(np.linalg.norm(moved))
    if norm <= EPS * max(scaled.shape) * float(np.linalg.norm(scaled)):
        raise InputError(f"{name} must vary, got {len(moved)} equal points up to rounding; CKA divides by the variance")
    return moved / norm


def _inner(x: Floats, y: Floats) -> float:
    """<XX', YY'>, by whichever products are smaller."""
    if max(x.shape[1], y.shape[1]) <= len(x):
        return float(np.sum((x.T @ y) ** 2))
    return float(np.sum((x @ x.T) * (y @ y.T)))


def _debiased(x: Floats, y: Floats) -> float:
    """The unbiased estimate of HSIC without its factor 1 / (n (n - 3)), of centred x and y."""
    n = len(x)
    a, b = np.sum(x * x, axis=1), np.sum(y * y, axis=1)
    return _inner(x, y) - n / (n - 2) * float(a @ b) + float(a.sum() * b.sum()) / ((n - 1) * (n - 2))
