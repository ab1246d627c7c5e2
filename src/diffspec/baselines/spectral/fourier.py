"""Entropy of a signal's graph Fourier transform: over how many eigenvectors of the graph the features spread."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from diffspec._arrays import Array, take_square
from diffspec._checks import Seed, check_alpha, generator_of, integer
from diffspec.baselines._difference import difference
from diffspec.baselines._estimates import call, in_bits
from diffspec.baselines._samples import Floats, as_samples, labels_of, within_one
from diffspec.baselines.spectral.affinities import affinity_of
from diffspec.errors import InputError
from diffspec.kernels import Gaussian, Kernel
from diffspec.machine.memory import within_memory
from diffspec.measures.estimators import Estimator, Matched
from diffspec.measures.subsets import Indices
from diffspec.points.groups import Grouping
from diffspec.results.estimate import Estimate
from diffspec.solvers.leading import conjugate_of, leading

__all__ = ["fourier_entropy", "fourier_information"]


@within_memory
def fourier_entropy(
    points: Array,
    *,
    values: Array | None = None,
    top: int | None = None,
    kernel: Kernel = Gaussian(),
    alpha: float = 0.5,
    rng: Seed = 0,
) -> Estimate:
    """Entropy, in bits, of the energy of a signal over the eigenvectors of the diffusion operator.

    -sum p_k log2 p_k with p_k = |v_k' S|^2 / sum_j |v_j' S|^2, v_k the eigenvectors of the symmetric conjugate of P
    without the first, trivial one. Smooth signals live on few eigenvectors; noise spreads over all.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`; they make the graph.
    values : array (n, m), optional
        The signal S, one column per feature, for example predictions or one-hot labels; default the points themselves.
    top : int, optional
        Only the eigenvectors of the so many largest absolute eigenvalues, of the n - 1.
    kernel, alpha, rng
        As for `dse`.

    Returns
    -------
    Estimate
        Value in bits in [0, log2 min(top, n - 1)].

    Raises
    ------
    InputError
        Input that `dse` would refuse, values of another length, a signal without any energy there (a constant one).

    Notes
    -----
    O(n^2 d + n^3), less where `top` is small. Where eigenvalues coincide, as for clusters without affinity between
    them, it depends on the basis that the eigensolver happens to give. Unlike DSE it depends on the signal: a graph
    with one signal can be simple and with another complex.

    References
    ----------
    shuman2013graph, Eqn 3 (of a diffusion operator in place of the Laplacian); liao2024dse (an early variant of its
    research code).

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import Gaussian
    >>> from diffspec.baselines import fourier_entropy
    >>> line = np.linspace(0.0, 1.0, 100)[:, None]
    >>> noise = np.random.default_rng(0).normal(size=(100, 1))
    >>> for signal in (line, noise):
    ...     print(f"{fourier_entropy(line, values=signal, kernel=Gaussian(0.05)).value:.1f}")
    0.9
    5.5
    """
    graph = as_samples(points)
    n = len(graph)
    signal = graph if values is None else as_samples(values, name="values")
    if len(signal) != n:
        raise InputError(f"values must have one row per point, got {len(signal)} for {n} points")
    most = _top(top, n)
    alpha = check_alpha(alpha)
    affinity, settings = affinity_of(graph, kernel, alpha, rng)
    nats = _spread(affinity, within_one(signal), alpha, most)
    settings = replace(settings, method=call("fourier_entropy", {"top": top}))
    return in_bits("graph Fourier entropy", nats, n=n, settings=settings, ceiling=math.log(most))


@within_memory
def fourier_information(
    points: Array,
    reference: Any,
    *,
    top: int | None = None,
    kernel: Kernel = Gaussian(),
    alpha: float = 0.5,
    groups: Grouping | None = None,
    estimator: Estimator = Matched(),
    rng: Seed = 0,
) -> Estimate:
    """Difference of `fourier_entropy` of the points between groups and random subsets of their size, in bits.

    Parameters
    ----------
    points, top, kernel, alpha
        As for `fourier_entropy`; a bandwidth rule is resolved once, on all points. `top` must be less than the size of
        every group.
    reference, groups, estimator, rng
        As for `dsmi`.

    Returns
    -------
    Estimate
        Value in bits with the `stderr` of the matched subsets. Negative where groups are the more complex ones: random
        subsets of separated groups have their energy on the few eigenvectors that tell the groups apart.

    Raises
    ------
    InputError
        As `fourier_entropy`, for every group; a single class, unequal lengths, an ambiguous reference.

    Notes
    -----
    (repetitions + 1) eigenproblems per group, in parallel.

    References
    ----------
    liao2024dse (an early variant of its research code).

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import fourier_information
    >>> rng = np.random.default_rng(0)
    >>> points = rng.normal(size=(100, 2))
    >>> print(f"{abs(fourier_information(points, np.repeat([0, 1], 50)).value):.0f}")
    0
    """
    values = as_samples(points)
    partition = labels_of(reference, groups, len(values))
    most = None if top is None else _top(top, min(partition.sizes))
    generator = generator_of(rng)
    alpha = check_alpha(alpha)
    affinity, settings = affinity_of(values, kernel, alpha, rng)
    signal = within_one(values)

    def measured(indices: Indices) -> float:
        return _spread(take_square(affinity, indices), signal[indices], alpha, most or len(indices) - 1)

    return difference(
        "graph Fourier information",
        measured,
        partition,
        estimator=estimator,
        settings=replace(settings, method=call("fourier_information", {"top": top})),
        rng=generator,
    )


def _spread(affinity: Floats, signal: Floats, alpha: float, top: int) -> float:
    """The entropy, in nats, of the energy of `signal` over the leading eigenvectors but the trivial one."""
    _values, vectors = leading(*conjugate_of(affinity, alpha), top)
    energy = ((vectors.T @ signal) ** 2).sum(axis=1)
    whole = float(energy.sum())
    if whole <= (len(signal) * np.finfo(np.float64).eps) ** 2 * float((signal**2).sum()):
        raise InputError(
            f"the signal must vary along the {top} eigenvectors asked for, got no energy there; give another "
            "signal or a larger top"
        )
    shares = energy[energy > 0] / whole
    return abs(float(shares @ np.log(shares)))


def _top(top: int | None, n: int) -> int:
    if top is None:
        return n - 1
    return integer(top, "top", least=1, most=n - 1, hint=f"there are n - 1 = {n - 1} eigenvectors but the trivial one")
