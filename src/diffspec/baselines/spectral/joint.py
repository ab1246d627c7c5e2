"""Information from the entropy of points and labels together: the labels are appended to the points."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from diffspec._arrays import Array
from diffspec._checks import Seed, check_alpha, positive
from diffspec.baselines._estimates import call, in_bits
from diffspec.baselines._samples import Floats, as_samples, labels_of
from diffspec.baselines.spectral.affinities import affinity_of
from diffspec.kernels import Gaussian, Kernel
from diffspec.machine.memory import within_memory
from diffspec.operators.dense import diffusion
from diffspec.points.groups import Grouping
from diffspec.results.estimate import Estimate
from diffspec.solvers import Exact
from diffspec.spectra.spectrum import check_time, shannon

__all__ = ["joint_information"]


@within_memory
def joint_information(
    points: Array,
    reference: Any,
    *,
    groups: Grouping | None = None,
    kernel: Kernel = Gaussian(),
    separation: float = 10.0,
    alpha: float = 0.5,
    t: float = 1.0,
    rng: Seed = 0,
) -> Estimate:
    """H(Z) + H(Y) - H(Z, Y), in bits, of diffusion spectral entropies; the labels are appended to the points.

    Every class becomes a feature, `separation` sigma where a point belongs to it and 0 elsewhere. With the Gaussian
    kernel that multiplies the affinity of points of different classes by exp(-separation^2), which is how it is done,
    for any kernel.

    Parameters
    ----------
    points, kernel, alpha, t, rng
        As for `dse`; a dense kernel.
    reference, groups
        As for `dsmi`.
    separation : float
        How far apart the classes are put; at 10 they do not touch.

    Returns
    -------
    Estimate
        Value in bits. Not bounded by the entropy of the labels: H(Y), its `ceiling`, counts classes, whatever their
        sizes, once they do not touch.

    Raises
    ------
    InputError
        Input that `dsmi` would refuse, a single class, a separation that is not positive.

    Notes
    -----
    Three eigenproblems of order n. Biased upwards for independent labels as the literal estimator of `dsmi` is.

    References
    ----------
    liao2024dse (an early variant of its research code).

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import Gaussian
    >>> from diffspec.baselines import joint_information
    >>> labels = np.repeat([0, 1], 50)
    >>> points = np.random.default_rng(0).normal(size=(100, 2)) + 30 * labels[:, None]
    >>> print(f"{joint_information(points, labels, kernel=Gaussian(2.0)).value:.1f}")
    1.0
    """
    values = as_samples(points)
    n = len(values)
    time = check_time(t)
    separation = positive(separation, "separation")
    partition = labels_of(reference, groups, n)
    alpha = check_alpha(alpha)
    affinity, settings = affinity_of(values, kernel, alpha, rng)
    same = np.equal.outer(partition.codes, partition.codes)
    classes = np.where(same, 1.0, math.exp(-(min(separation, 1e3) ** 2)))
    joint = _walk(affinity * classes, alpha, time)
    of_classes = _walk(classes, alpha, time)
    nats = _walk(affinity, alpha, time) + of_classes - joint
    method = call("joint_information", {"separation": separation})
    settings = replace(settings, method=method, t=time, partition=partition.origin)
    return in_bits("joint-entropy information", nats, n=n, settings=settings, ceiling=of_classes)


def _walk(affinity: Floats, alpha: float, t: float) -> float:
    """The diffusion spectral entropy in nats."""
    return shannon(Exact()(diffusion(affinity, alpha), np.random.default_rng(0)), t)
