"""Spectral entropy of adjacency matrices, without diffusion: the paper's ASE and the information that goes with it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from diffspec._arrays import Array, take_square
from diffspec._checks import Seed, check_alpha, generator_of
from diffspec.baselines._difference import EntropyOf, difference
from diffspec.baselines._estimates import in_bits
from diffspec.baselines._samples import Floats, as_samples, labels_of
from diffspec.baselines.spectral.affinities import affinity_of
from diffspec.errors import InputError
from diffspec.kernels import Gaussian, Kernel
from diffspec.machine.memory import within_memory
from diffspec.measures.estimators import Estimator, Matched
from diffspec.measures.subsets import Indices
from diffspec.operators.dense import Dense
from diffspec.points.groups import Grouping
from diffspec.released.measures import Nearest
from diffspec.results.estimate import Estimate, Settings
from diffspec.solvers import Exact
from diffspec.spectra.spectrum import Spectrum, shannon

__all__ = ["Nearest", "adjacency_entropy", "adjacency_information"]

Graph: TypeAlias = Kernel | Nearest


@within_memory
def adjacency_entropy(points: Array, *, graph: Graph = Gaussian(), alpha: float = 0.0, rng: Seed = 0) -> Estimate:
    """Spectral entropy of the adjacency matrix of `points`, in bits (the paper's ASE).

    -sum p log2 p with p the absolute eigenvalues over their sum, of q_i^-alpha K_ij q_j^-alpha, q the row sums of K.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    graph : Kernel or Nearest
        A dense kernel, or `Nearest(10)`: 1 where a point is among the 10 nearest of another, itself counted; that
        matrix is not symmetric and its eigenvalues are complex.
    alpha : float
        In [0, 1]. 0 (default) is the affinity itself; 1/2 the released package's anisotropic variant, which is the
        random walk on the affinity: `dse` with alpha = 0 and t = 1.
    rng : int or numpy.random.Generator or RandomState or None
        Seed of the bandwidth rule's subsample.

    Returns
    -------
    Estimate
        Value in bits in [0, log2 n].

    Raises
    ------
    InputError
        Input that `dse` would refuse, fewer points than `Nearest` needs, `alpha` with `Nearest`.

    Notes
    -----
    O(n^2 d + n^3), one n x n array; `Nearest` up to ten times slower, least where the graph falls apart.

    References
    ----------
    liao2024dse.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import Gaussian
    >>> from diffspec.baselines import adjacency_entropy
    >>> three = np.repeat([[0.0], [50.0], [100.0]], 20, axis=0)
    >>> print(f"{adjacency_entropy(three, graph=Gaussian(1.0)).value:.4f}")
    1.5850
    """
    values = as_samples(points)
    measured, settings = _adjacency(values, graph, alpha, rng)
    settings = replace(settings, method="adjacency_entropy()")
    n = len(values)
    nats = measured(np.arange(n))
    return in_bits("adjacency spectral entropy", nats, n=n, settings=settings, ceiling=math.log(n))


@within_memory
def adjacency_information(
    points: Array,
    reference: Any,
    *,
    graph: Graph = Gaussian(),
    alpha: float = 0.0,
    groups: Grouping | None = None,
    estimator: Estimator = Matched(),
    rng: Seed = 0,
) -> Estimate:
    """Difference of `adjacency_entropy` between groups and random subsets of their size, in bits (the paper's ASMI).

    Parameters
    ----------
    points, graph, alpha
        As for `adjacency_entropy`; a bandwidth rule is resolved once, on all points.
    reference, groups, estimator, rng
        As for `dsmi`.

    Returns
    -------
    Estimate
        Value in bits with the `stderr` of the matched subsets. With `Nearest` it may be negative for well-separated
        groups: a subset of all points falls apart into more pieces than a group of its size, and its entropy is lower.

    Raises
    ------
    InputError
        As `adjacency_entropy`, for every group; a single class, unequal lengths, an ambiguous reference.

    Notes
    -----
    (repetitions + 1) eigenproblems per group, in parallel.

    References
    ----------
    liao2024dse.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import adjacency_information
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat([0, 1], 50)
    >>> points = rng.normal(size=(100, 2)) + 20 * labels[:, None]
    >>> print(f"{adjacency_information(points, rng.permutation(labels)).value:.1f}")
    0.0
    """
    values = as_samples(points)
    partition = labels_of(reference, groups, len(values))
    generator = generator_of(rng)
    measured, settings = _adjacency(values, graph, alpha, rng)
    return difference(
        "adjacency spectral information",
        measured,
        partition,
        estimator=estimator,
        settings=replace(settings, method="adjacency_information()"),
        rng=generator,
    )


def _adjacency(values: Floats, graph: Graph, alpha: float, rng: Seed) -> tuple[EntropyOf, Settings]:
    """From indices to the entropy of the adjacency of those points in nats, and what led to it."""
    if isinstance(graph, Nearest):
        if alpha != 0:
            raise InputError(f"alpha must be 0 with Nearest, which has no weights to normalise, got {alpha!r}")
        return (lambda indices: _of_moduli(_moduli(graph.adjacency(values[indices])))), Settings(kernel=repr(graph))
    alpha = check_alpha(alpha)
    affinity, settings = affinity_of(values, graph, alpha, rng)

    def measured(indices: Indices) -> float:
        own = take_square(affinity, indices)
        weight = own.sum(axis=1) ** -alpha
        own *= weight[:, None]
        own *= weight[None, :]
        return abs(shannon(Exact()(Dense(own, disposable=True), np.random.default_rng(0))))

    return measured, settings


def _moduli(adjacency: Floats) -> Floats:
    """Absolute eigenvalues of a matrix that is not symmetric: those of its strongly connected parts, each by itself.

    In the order of the parts the matrix is block-triangular. Points that nobody has for a neighbour are parts of their
    own, clusters too; what is left is smaller by far, and has fewer of the defective eigenvalues that rounding moves.
    """
    count, part = connected_components(csr_array(adjacency), connection="strong")
    order = np.argsort(part, kind="stable")
    ends = np.cumsum(np.bincount(part, minlength=count))
    parts = [np.abs(np.linalg.eigvals(adjacency[np.ix_(own, own)])) for own in np.split(order, ends[:-1])]
    return np.concatenate(parts)


def _of_moduli(moduli: Floats) -> float:
    nodes = np.sort(moduli)[::-1]
    return abs(shannon(Spectrum(nodes=nodes, weights=np.ones_like(nodes), n=len(nodes))))
