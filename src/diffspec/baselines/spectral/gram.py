"""Matrix-based entropies: the eigenvalues of a kernel matrix of trace 1 as probabilities, without any diffusion."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from diffspec._arrays import Array
from diffspec._checks import Seed, generator_of, real, shown
from diffspec.baselines._estimates import call, finite, in_bits
from diffspec.baselines._samples import Floats, as_reference, as_samples, holds_labels, labels_of
from diffspec.errors import InputError
from diffspec.kernels import Gaussian, Kernel
from diffspec.machine.memory import within_memory
from diffspec.measures.asked import asked
from diffspec.measures.entropy import settings_of
from diffspec.operators.dense import Dense
from diffspec.points.groups import Grouping
from diffspec.results.estimate import COUNT, Estimate, Settings
from diffspec.solvers import Exact
from diffspec.spectra.spectrum import renyi

__all__ = ["gram_entropy", "gram_information", "vendi_score"]


@within_memory
def gram_entropy(points: Array, *, kernel: Kernel = Gaussian(), order: float = 1.0, rng: Seed = 0) -> Estimate:
    """Matrix-based Renyi entropy of `points`, in bits: log(sum lambda^q) / (1 - q) of the eigenvalues of K / n.

    K is the affinity brought to a diagonal of ones; q = 1 is the von Neumann entropy, as a limit (Sanchez Giraldo et
    al., Definition 1).

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    kernel : Kernel
        A dense positive semi-definite one (`Gaussian`, `Cosine`, `Precomputed`); bandwidth rules as for `dse`.
    order : float
        q > 0, default 1; 1.01 and 2 are common elsewhere.
    rng : int or numpy.random.Generator or RandomState or None
        Seed of the bandwidth rule's subsample (over 4096 points).

    Returns
    -------
    Estimate
        Value in bits in [0, log2 n].

    Raises
    ------
    InputError
        Input that `dse` would refuse, a kernel without a positive diagonal, an order that is not positive.

    Notes
    -----
    O(n^2 d + n^3), one n x n array. Rests on the kernel's width as `dse` does, and is no estimate of Shannon entropy.

    References
    ----------
    sanchez2015measures, Definition 1.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import Gaussian
    >>> from diffspec.baselines import gram_entropy
    >>> print(f"{gram_entropy(np.repeat([[0.0], [9.0]], 8, axis=0), kernel=Gaussian(1.0)).value:.4f}")
    1.0000
    """
    values = as_samples(points)
    order = _positive(order)
    matrix, settings = _kernel_matrix(values, kernel, rng)
    n = len(values)
    settings = replace(settings, method=call("gram_entropy", {"order": order}))
    nats = _entropy(matrix, order)
    return in_bits(f"Gram entropy (q = {order:g})", nats, n=n, settings=settings, ceiling=math.log(n))


@within_memory
def gram_information(
    points: Array,
    reference: Any,
    *,
    kernel: Kernel = Gaussian(),
    reference_kernel: Kernel = Gaussian(),
    groups: Grouping | None = None,
    order: float = 1.0,
    rng: Seed = 0,
) -> Estimate:
    """Matrix-based mutual information, in bits: S(A) + S(B) - S(n A * B) with * the entrywise product.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    reference : array (n,) or (n, m) or Partition
        Integers, booleans and strings are labels, whose kernel is 1 for equal ones and 0 else; floats go through
        `reference_kernel`.
    kernel, order, rng
        As for `gram_entropy`.
    reference_kernel : Kernel
        For a reference of floats.
    groups : Grouping, optional
        How a reference of floats becomes labels.

    Returns
    -------
    Estimate
        Value in bits, at least 0; with labels `ceiling` is the entropy S(B) of their kernel.

    Raises
    ------
    InputError
        As `gram_entropy`; unequal lengths, a single class.

    Notes
    -----
    O(n^3), three n x n arrays. Biased upwards for independent variables, the more so the narrower the kernels.

    References
    ----------
    sanchez2015measures, Eqn 12.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import Gaussian
    >>> from diffspec.baselines import gram_information
    >>> two = np.repeat([0, 1], 20)
    >>> print(f"{gram_information(9.0 * two[:, None], two, kernel=Gaussian(1.0)).value:.4f}")
    1.0000
    """
    values = as_samples(points)
    n = len(values)
    order = _positive(order)
    asked(reference_kernel, alpha=0.0, t=None)
    labels = groups is not None or holds_labels(reference)
    if labels:
        partition = labels_of(reference, groups, n)
        other = np.equal.outer(partition.codes, partition.codes).astype(float)
    else:
        other, _settings = _kernel_matrix(as_reference(reference, n, instead="labels"), reference_kernel, rng)
    matrix, settings = _kernel_matrix(values, kernel, rng)
    of_reference = _entropy(other.copy(), order)
    other *= matrix
    nats = _entropy(matrix, order) + of_reference - _entropy(other, order)
    options = {"order": order} if labels else {"order": order, "reference_kernel": reference_kernel}
    return in_bits(
        f"Gram information (q = {order:g})",
        nats,
        n=n,
        settings=replace(
            settings,
            method=call("gram_information", options),
            partition=partition.origin if labels else None,
        ),
        ceiling=of_reference,
    )


@within_memory
def vendi_score(points: Array, *, kernel: Kernel | None = None, order: float = 1.0, rng: Seed = 0) -> Estimate:
    """Vendi score of `points`: the exponential of `gram_entropy`, an effective number of distinct points.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    kernel : Kernel, optional
        As for `gram_entropy`. Default: the cosine x.y / (|x| |y|) itself, which may be negative, as in the source.
    order : float
        q > 0 of the Renyi entropy.
    rng : int or numpy.random.Generator or RandomState or None
        As for `gram_entropy`.

    Returns
    -------
    Estimate
        A count from 1 (all alike) to n; with the cosine at most d.

    Raises
    ------
    InputError
        As `gram_entropy`; for the cosine also a zero vector.

    Notes
    -----
    Cosine: O(n d min(n, d)); else as `gram_entropy`.

    References
    ----------
    friedman2023vendi, Definition 3.1; pasarkar2024cousins for other orders.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import vendi_score
    >>> print(f"{vendi_score(np.tile(np.eye(3), (5, 1))).value:.3f}")
    3.000
    """
    values = as_samples(points)
    order = _positive(order)
    generator_of(rng)
    if kernel is None:
        matrix, settings = _cosines(values), Settings(kernel="cosine of two points")
    else:
        matrix, settings = _kernel_matrix(values, kernel, rng)
    n = len(values)
    return Estimate(
        measure="Vendi score",
        value=finite(math.exp(_entropy(matrix, order)), "Vendi score", n),
        unit=COUNT,
        n=n,
        ceiling=float(n),
        settings=replace(settings, method=call("vendi_score", {"order": order})),
    )


def _kernel_matrix(values: Floats, kernel: Kernel, rng: Seed) -> tuple[Floats, Settings]:
    """The affinity with a diagonal of ones, and what led to it."""
    how = asked(kernel, alpha=0.0, t=None, rng=rng)
    resolved = how.kernel.resolve(values, how.rng)
    matrix = resolved(values)
    if not isinstance(matrix, np.ndarray):
        raise InputError(f"kernel must give a dense matrix, got {kernel!r}; use Gaussian()")
    diagonal = matrix.diagonal().copy()
    if not (diagonal > 0).all():
        raise InputError(f"kernel must have a positive diagonal, got a minimum of {diagonal.min():.3g}; use Gaussian()")
    if not (diagonal == 1.0).all():
        root = np.sqrt(diagonal)
        matrix /= root[:, None]
        matrix /= root[None, :]
    settings = settings_of(values, kernel, resolved, alpha=0.0, solver=Exact(), rng=rng)
    return matrix, replace(settings, alpha=None, t=None)


def _entropy(matrix: Floats, order: float) -> float:
    """The entropy in nats of the eigenvalues of `matrix`, which is used up."""
    return abs(renyi(Exact()(Dense(matrix, disposable=True), np.random.default_rng(0)), order))


def _cosines(values: Floats) -> Floats:
    """The products of directions with one another, or of features where those are fewer: the same eigenvalues."""
    largest = np.abs(values).max(axis=1, keepdims=True)
    zeros = int(np.count_nonzero(largest == 0))
    if zeros:
        raise InputError(f"the cosine needs a direction for every point, got {zeros} zero vectors; remove them")
    directions = values / largest
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    n, d = directions.shape
    return np.asarray(directions @ directions.T if n <= d else directions.T @ directions)


def _positive(order: float) -> float:
    if not real(order) > 0.0:
        raise InputError(f"order must be a positive number, got {shown(order)}; 1 is von Neumann's entropy")
    return float(order)
