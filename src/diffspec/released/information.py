"""The two mutual informations of dse-dsmi 1.1."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from diffspec._arrays import Array, as_points, to_numpy
from diffspec._checks import integer, seed_of
from diffspec.errors import InputError
from diffspec.machine.memory import within_memory
from diffspec.machine.threads import parallel_map
from diffspec.points.bins import equal_bins
from diffspec.points.groups import Clusters, Labels
from diffspec.points.labels import host
from diffspec.released.entropies import MOST, adjacency_matrix, diffusion_measure, flat_points, say
from diffspec.released.measures import Floats, Measure, SpectralEntropy

__all__ = ["adjacency_spectral_mutual_information", "diffusion_spectral_mutual_information"]

DISCRETE_KINDS = "iubUSO"
Indices: TypeAlias = Sequence[int] | np.ndarray[Any, Any]


@within_memory
def diffusion_spectral_mutual_information(
    embedding_vectors: Array,
    reference_vectors: Array,
    reference_discrete: bool | None = None,
    gaussian_kernel_sigma: float = 10,
    t: float = 1,
    chebyshev_approx: bool = False,
    num_repetitions: int = 5,
    n_clusters: int = 10,
    precomputed_clusters: Array | None = None,
    classic_shannon_entropy: bool = False,
    matrix_entry_entropy: bool = False,
    num_bins_per_dim: int = 2,
    random_seed: int = 0,
    verbose: bool = False,
) -> tuple[float, np.ndarray[Any, Any]]:
    """Diffusion spectral mutual information in bits and the groups it used, as dse-dsmi 1.1 returns them.

    I = sum_g (n_g / n) (mean entropy of random subsets of n_g points - entropy of group g).

    Parameters
    ----------
    embedding_vectors, gaussian_kernel_sigma, t, chebyshev_approx, verbose
        As for `diffusion_spectral_entropy`: with `chebyshev_approx` every entropy of a group or subset is an estimate.
    classic_shannon_entropy, matrix_entry_entropy, num_bins_per_dim
        As for `diffusion_spectral_entropy`.
    reference_vectors : array (n,) or (n, m) or (n, ...)
        Class labels, a continuous scalar or vectors.
    reference_discrete : bool, optional
        Whether the one column of the reference are class labels. Default: integers, booleans and strings are; floats
        are not, even where they hold class numbers, and are cut into `n_clusters` bins.
    num_repetitions : int
        Random subsets per group.
    n_clusters : int
        Equal-width bins of a scalar, spectral clusters of vectors.
    precomputed_clusters : array (n,), optional
        Groups found before, in place of bins or clusters; class labels come before them.
    random_seed : int
        Of the subsets and Chebyshev probes. The generator starts anew for each group, so groups of equal size are
        compared with the same subsets, which correlates their errors; `diffspec.dsmi` draws independent ones.

    Returns
    -------
    value : float
        The mutual information in bits; negative where the groups are no more compact than chance.
    groups : array (n,) or (n, 1)
        The group of every point: the labels or the numbers of the bins as a column, clusters flat.

    Raises
    ------
    InputError
        Input that cannot be used, unequal lengths.

    Notes
    -----
    (`num_repetitions` + 1) eigenproblems per group, in parallel with one BLAS thread each; memory grows with the square
    of the largest group, not of n. Groups of more than 10000 points are measured on a random subset of them, each
    repetition on another (the released package draws its last four alike).

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.released import diffusion_spectral_mutual_information
    >>> labels = np.repeat([0, 1], 50)
    >>> points = np.random.default_rng(0).normal(size=(100, 2)) + 20 * labels[:, None]
    >>> value, groups = diffusion_spectral_mutual_information(points, labels, gaussian_kernel_sigma=2.0)
    >>> f"{value:.4f}", groups.shape
    ('0.9644', (100, 1))
    """
    bins = integer(num_bins_per_dim, "num_bins_per_dim", least=1)
    measure = diffusion_measure(
        gaussian_kernel_sigma,
        t,
        bins=bins if classic_shannon_entropy else None,
        entries=matrix_entry_entropy,
        chebyshev_seed=random_seed if chebyshev_approx else None,
    )
    points = flat_points(embedding_vectors)
    groups = _groups(reference_vectors, reference_discrete, n_clusters, given=precomputed_clusters)
    say(verbose, f"{measure!r} of {len(points)} points in {len(_members(groups))} groups")
    return _information(points, groups, measure, repetitions=num_repetitions, seed=random_seed), groups


@within_memory
def adjacency_spectral_mutual_information(
    embedding_vectors: Array,
    reference_vectors: Array,
    reference_discrete: bool | None = None,
    gaussian_kernel_sigma: float = 10,
    use_knn: bool = False,
    anisotropic: bool = False,
    num_repetitions: int = 5,
    n_clusters: int = 10,
    precomputed_clusters: Array | None = None,
    random_seed: int = 0,
    verbose: bool = False,
) -> tuple[float, np.ndarray[Any, Any]]:
    """`diffusion_spectral_mutual_information` with the entropy of `adjacency_spectral_entropy`.

    Parameters
    ----------
    embedding_vectors, gaussian_kernel_sigma, use_knn, anisotropic
        As for `adjacency_spectral_entropy`, with 10 neighbours; every group needs as many points.
    reference_vectors, reference_discrete, num_repetitions, n_clusters, precomputed_clusters, random_seed, verbose
        As for `diffusion_spectral_mutual_information`.

    Returns
    -------
    value : float
        The mutual information in bits.
    groups : array (n,) or (n, 1)
        The group of every point.

    Raises
    ------
    InputError
        Input that cannot be used, unequal lengths.
    """
    matrix = adjacency_matrix(gaussian_kernel_sigma, anisotropic=anisotropic, knn=10 if use_knn else None)
    points = flat_points(embedding_vectors)
    groups = _groups(reference_vectors, reference_discrete, n_clusters, given=precomputed_clusters)
    say(verbose, f"{matrix!r} of {len(points)} points in {len(_members(groups))} groups")
    return _information(points, groups, SpectralEntropy(matrix), repetitions=num_repetitions, seed=random_seed), groups


def _groups(reference: Any, discrete: bool | None, count: int, *, given: Any) -> np.ndarray[Any, Any]:
    """The group of every point, in the shape the released package gives it."""
    count = integer(count, "n_clusters", least=1)
    values = _columns(reference)
    one_column = values.shape[1] == 1
    if discrete and not one_column:
        raise InputError(
            f"reference_discrete=True needs one column of labels, got {values.shape[1]}; give class labels"
        )
    if one_column and (values.dtype.kind in DISCRETE_KINDS if discrete is None else discrete):
        return values
    if given is not None:
        return host(given, "precomputed_clusters")
    if not one_column:
        return np.asarray(Clusters(count, seed=0)(values).codes)
    scalar = to_numpy(as_points(values, name="reference_vectors"))
    return equal_bins(scalar, count)


def _columns(reference: Any) -> np.ndarray[Any, Any]:
    values = host(reference, "reference_vectors")
    if values.ndim == 0 or values.size == 0:
        got = f"shape {values.shape}" if values.ndim else f"{reference!r:.40}"
        raise InputError(f"reference_vectors must have one row per point, got {got}")
    return values.reshape(len(values), math.prod(values.shape[1:]))


def _members(groups: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    return Labels()(groups).members()


def _information(
    points: Floats, groups: np.ndarray[Any, Any], measure: Measure, *, repetitions: int, seed: int
) -> float:
    """sum_g (n_g / n) (mean entropy of the subsets - entropy of the group); every distinct set is measured once."""
    n = len(points)
    if len(groups) != n:
        raise InputError(f"the reference must have one entry per point, got {len(groups)} for {n} points")
    repetitions, seed = integer(repetitions, "num_repetitions", least=1), seed_of(seed, name="random_seed")
    members = _members(groups)
    # The generator starts anew for each group, so groups of equal size have the same subsets.
    subsets = {size: _subsets(n, size, repetitions, seed=seed) for size in {len(group) for group in members}}
    sets: list[Indices] = [*members, *(subset for drawn in subsets.values() for subset in drawn)]
    bits = dict(zip(map(id, sets), _measured(points, sets, measure), strict=True))
    matched = {size: math.fsum(bits[id(subset)] for subset in drawn) / repetitions for size, drawn in subsets.items()}
    return math.fsum(len(group) / n * (matched[len(group)] - bits[id(group)]) for group in members)


def _measured(points: Floats, sets: Sequence[Indices], measure: Measure) -> list[float]:
    return parallel_map(lambda indices: measure(points[_at_most(indices)]), sets)


def _subsets(n: int, size: int, repetitions: int, *, seed: int) -> list[list[int]]:
    generator = random.Random(seed)
    return [generator.sample(range(n), k=size) for _ in range(repetitions)]


def _at_most(indices: Indices) -> np.ndarray[Any, Any]:
    """`indices`, or the released package's random subset of them where they are more than it measures at once."""
    chosen = np.asarray(indices)
    if len(chosen) <= MOST:
        return chosen
    return chosen[random.Random(0).sample(range(len(chosen)), k=MOST)]
