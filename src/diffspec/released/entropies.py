"""The two entropies of dse-dsmi 1.1."""

from __future__ import annotations

import math
import random
import sys
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from diffspec._arrays import Array, as_points, namespace, to_numpy
from diffspec._checks import integer, path_of, positive, seed_of
from diffspec._foreign import as_array
from diffspec.errors import InputError
from diffspec.machine.memory import within_memory
from diffspec.released.cache import EigenvalueFile
from diffspec.released.measures import (
    Adjacency,
    BinEntropy,
    ChebyshevEntropy,
    EntryEntropy,
    Floats,
    Matrix,
    Measure,
    Nearest,
    SpectralEntropy,
    Walk,
)

__all__ = [
    "MOST",
    "adjacency_matrix",
    "adjacency_spectral_entropy",
    "diffusion_measure",
    "diffusion_spectral_entropy",
    "flat_points",
    "say",
]

MOST = 10000
"""Beyond this many points the released package takes a random subset."""


@within_memory
def diffusion_spectral_entropy(
    embedding_vectors: Array | None,
    gaussian_kernel_sigma: float = 10,
    t: float = 1,
    max_N: int = MOST,  # noqa: N803 (the released package's name)
    chebyshev_approx: bool = False,
    eigval_save_path: str | PathLike[str] | None = None,
    eigval_save_precision: DTypeLike = np.float16,
    classic_shannon_entropy: bool = False,
    matrix_entry_entropy: bool = False,
    num_bins_per_dim: int = 2,
    random_seed: int = 0,
    verbose: bool = False,
) -> float:
    """Diffusion spectral entropy in bits, as dse-dsmi 1.1 returns it: `diffspec.dse` with alpha = 0, up to 1e-11.

    Parameters
    ----------
    embedding_vectors : array (n, d) or (n, ...)
        Further axes are flattened. None reads `eigval_save_path`.
    gaussian_kernel_sigma : float
        sigma of exp(-d^2 / (2 sigma^2)), in the unit of the points.
    t : float
        Diffusion time, at least 0.
    max_N : int
        Beyond this many points a random subset of this size is measured.
    chebyshev_approx : bool
        Estimate the entropy from Chebyshev moments, to within 0.05 bits of the exact one: where they do not resolve the
        spectrum, more are taken, and at last all eigenvalues. No file is read or written. (The estimate of the released
        package is off by several bits; this one is not that of the package but of the spectrum.) No faster than the
        exact entropy below some thousands of points; `diffspec.dse` has better estimates, with their error.
    eigval_save_path : path, optional
        Where to keep the eigenvalues. They are used again only for the same points and sigma, else replaced.
    eigval_save_precision : dtype
        Of the array ``eigvals`` in that file; the returned value does not depend on it.
    classic_shannon_entropy : bool
        Instead: the entropy of the points cut into `num_bins_per_dim` bins per feature. Comes before the next.
    matrix_entry_entropy : bool
        Instead: the entropy of the entries of the diffusion matrix. Like the last it knows neither `t`, nor the file,
        nor `chebyshev_approx`.
    num_bins_per_dim : int
        For `classic_shannon_entropy`.
    random_seed : int
        Of the random subset and of the Chebyshev probes, each drawn by a generator of its own.
    verbose : bool
        One line about what is done, on the standard error stream.

    Returns
    -------
    float
        The entropy in bits.

    Raises
    ------
    InputError
        Points or settings that cannot be used, or a file that is none of eigenvalues.

    Notes
    -----
    O(n^2 d + n^3) time and one n x n array of float64.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.released import diffusion_spectral_entropy
    >>> f"{diffusion_spectral_entropy(np.random.default_rng(0).normal(size=(100, 5)), gaussian_kernel_sigma=1.0):.4f}"
    '5.8590'
    """
    bins = integer(num_bins_per_dim, "num_bins_per_dim", least=1)
    measure = diffusion_measure(
        gaussian_kernel_sigma,
        t,
        bins=bins if classic_shannon_entropy else None,
        entries=matrix_entry_entropy,
        chebyshev_seed=random_seed if chebyshev_approx else None,
    )
    points = _some(embedding_vectors, max_N, random_seed)
    return _entropy(points, measure, file=_file(eigval_save_path, eigval_save_precision), verbose=verbose)


@within_memory
def adjacency_spectral_entropy(
    embedding_vectors: Array | None,
    gaussian_kernel_sigma: float = 10,
    anisotropic: bool = False,
    use_knn: bool = False,
    knn: int = 10,
    max_N: int = MOST,  # noqa: N803 (the released package's name)
    eigval_save_path: str | PathLike[str] | None = None,
    eigval_save_precision: DTypeLike = np.float16,
    random_seed: int = 0,
    verbose: bool = False,
) -> float:
    """Entropy of the spectrum of an adjacency matrix in bits, as dse-dsmi 1.1 returns it.

    Parameters
    ----------
    embedding_vectors, gaussian_kernel_sigma, max_N, eigval_save_path, eigval_save_precision, random_seed, verbose
        As for `diffusion_spectral_entropy`.
    anisotropic : bool
        The matrix of `diffusion_spectral_entropy` instead of the plain Gaussian; the same value as that at t = 1.
    use_knn : bool
        The 0/1 matrix of nearest neighbours instead; comes before `anisotropic`.
    knn : int
        Neighbours per point, the point itself counted; at most n.

    Returns
    -------
    float
        The entropy in bits.

    Raises
    ------
    InputError
        Points or settings that cannot be used, or a file that is none of eigenvalues.

    Notes
    -----
    O(n^2 d + n^3) time; the nearest-neighbour matrix is not symmetric and costs about ten times the others.
    """
    knn = integer(knn, "knn", least=1)
    matrix = adjacency_matrix(gaussian_kernel_sigma, anisotropic=anisotropic, knn=knn if use_knn else None)
    points = _some(embedding_vectors, max_N, random_seed)
    file = _file(eigval_save_path, eigval_save_precision)
    return _entropy(points, SpectralEntropy(matrix), file=file, verbose=verbose)


def diffusion_measure(
    sigma: float, t: float, *, bins: int | None, entries: bool, chebyshev_seed: int | None
) -> Measure:
    """What the diffusion functions compute: bins come before entries, entries before the spectrum."""
    if bins is not None:
        return BinEntropy(bins)
    if entries:
        return EntryEntropy(_positive(sigma))
    if chebyshev_seed is not None:
        return ChebyshevEntropy(_positive(sigma), t, chebyshev_seed)
    return SpectralEntropy(Walk(_positive(sigma)), t)


def adjacency_matrix(sigma: float, *, anisotropic: bool, knn: int | None) -> Matrix:
    """The matrix of the adjacency functions: neighbours come before the Gaussians."""
    if knn is not None:
        return Nearest(knn)
    return Walk(_positive(sigma)) if anisotropic else Adjacency(_positive(sigma))


def flat_points(points: Any) -> Floats:
    """`points` as finite float64 of shape (n, d) on the host; further axes are flattened."""
    array = as_array(points, "embedding_vectors")
    if len(array.shape) > 2:
        array = namespace(array).reshape(array, (array.shape[0], math.prod(array.shape[1:])))
    return to_numpy(as_points(array, name="embedding_vectors"))


def say(verbose: bool, text: str) -> None:
    """`text` as a line on the standard error stream, where that was asked for."""
    if verbose:
        sys.stderr.write(f"{text}\n")


def _entropy(points: Floats | None, measure: Measure, *, file: EigenvalueFile | None, verbose: bool) -> float:
    say(verbose, f"{measure!r} of {'kept eigenvalues' if points is None else f'{len(points)} points'}")
    if file is not None and isinstance(measure, SpectralEntropy):
        return measure.of_eigenvalues(file.eigenvalues(points, measure.matrix))
    if points is None and file is not None:
        raise InputError(f"embedding_vectors is None and {measure!r} reads no file of eigenvalues; give the points")
    if points is None:
        raise InputError("embedding_vectors is None, which needs an eigval_save_path to read a spectrum from")
    return measure(points)


def _some(embedding_vectors: Array | None, most: int, seed: int) -> Floats | None:
    """The points to measure: all, or the released package's random subset of `most`."""
    if embedding_vectors is None:
        return None
    points = flat_points(embedding_vectors)
    most, seed = integer(most, "max_N", least=2), seed_of(seed, name="random_seed")
    if len(points) <= most:
        return points
    return points[random.Random(seed).sample(range(len(points)), k=most)]


def _file(path: str | PathLike[str] | None, precision: DTypeLike) -> EigenvalueFile | None:
    return None if path is None else EigenvalueFile(path_of(path, "eigval_save_path"), precision)


def _positive(sigma: float) -> float:
    return positive(sigma, "gaussian_kernel_sigma")
