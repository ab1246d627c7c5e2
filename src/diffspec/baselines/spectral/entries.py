"""Entropy of the entries of the diffusion matrix: the paper's DMEE and the information that goes with it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import entr

from diffspec._arrays import Array, take_square
from diffspec._checks import Seed, check_alpha, generator_of
from diffspec.baselines._difference import difference
from diffspec.baselines._estimates import in_bits
from diffspec.baselines._samples import Floats, as_samples, labels_of
from diffspec.baselines.spectral.affinities import affinity_of
from diffspec.kernels import Gaussian, Kernel
from diffspec.machine.memory import within_memory
from diffspec.measures.estimators import Estimator, Matched
from diffspec.measures.subsets import Indices
from diffspec.points.groups import Grouping
from diffspec.results.estimate import Estimate

__all__ = ["entry_entropy", "entry_information"]


@within_memory
def entry_entropy(points: Array, *, kernel: Kernel = Gaussian(), alpha: float = 0.5, rng: Seed = 0) -> Estimate:
    """Entropy of the n^2 entries P_ij / n of the diffusion matrix, in bits (the paper's DMEE).

    log2 n plus the mean entropy of a row: at least log2 n, whatever the data.

    Parameters
    ----------
    points, kernel, alpha, rng
        As for `dse`; a dense kernel.

    Returns
    -------
    Estimate
        Value in bits in [log2 n, 2 log2 n].

    Raises
    ------
    InputError
        Input that `dse` would refuse.

    Notes
    -----
    O(n^2 d), two n x n arrays.

    References
    ----------
    liao2024dse.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import entry_entropy
    >>> print(f"{entry_entropy(np.zeros((8, 1))).value:.4f}")
    6.0000
    """
    values = as_samples(points)
    alpha = check_alpha(alpha)
    affinity, settings = affinity_of(values, kernel, alpha, rng)
    n = len(values)
    settings = replace(settings, method="entry_entropy()")
    nats = _entries(affinity, alpha)
    return in_bits("diffusion matrix entry entropy", nats, n=n, settings=settings, ceiling=2.0 * math.log(n))


@within_memory
def entry_information(
    points: Array,
    reference: Any,
    *,
    kernel: Kernel = Gaussian(),
    alpha: float = 0.5,
    groups: Grouping | None = None,
    estimator: Estimator = Matched(),
    rng: Seed = 0,
) -> Estimate:
    """Difference of `entry_entropy` between groups and random subsets of their size, in bits.

    Parameters
    ----------
    points, kernel, alpha
        As for `entry_entropy`; a bandwidth rule is resolved once, on all points.
    reference, groups, estimator, rng
        As for `dsmi`.

    Returns
    -------
    Estimate
        Value in bits with the `stderr` of the matched subsets. *Negative* for compact groups: their rows spread over
        more near points than those of a random subset, so their entropy is higher.

    Raises
    ------
    InputError
        As `entry_entropy`; a single class, unequal lengths, an ambiguous reference.

    Notes
    -----
    O(n^2 d) and (repetitions + 1) n_g^2 per group.

    References
    ----------
    liao2024dse.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import Gaussian
    >>> from diffspec.baselines import entry_information
    >>> labels = np.repeat([0, 1], 50)
    >>> points = np.random.default_rng(0).normal(size=(100, 2)) + 20 * labels[:, None]
    >>> print(f"{entry_information(points, labels, kernel=Gaussian(2.0)).value:.1f}")
    -1.0
    """
    values = as_samples(points)
    partition = labels_of(reference, groups, len(values))
    generator = generator_of(rng)
    alpha = check_alpha(alpha)
    affinity, settings = affinity_of(values, kernel, alpha, rng)

    def measured(indices: Indices) -> float:
        return _entries(take_square(affinity, indices), alpha)

    return difference(
        "diffusion matrix entry information",
        measured,
        partition,
        estimator=estimator,
        settings=replace(settings, method="entry_information()"),
        rng=generator,
    )


def _entries(affinity: Floats, alpha: float) -> float:
    """The entropy in nats of P_ij / n: log n and the mean entropy of a row. `affinity` is not changed."""
    rows = affinity * affinity.sum(axis=1) ** -alpha  # columns only: the factor of a row falls out in its sum
    rows /= rows.sum(axis=1)[:, None]
    return math.log(len(rows)) + float(np.mean(entr(rows).sum(axis=1)))
