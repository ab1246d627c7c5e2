"""The diffusion matrix itself and what its steps do to points: to look at what the entropies measure.

All results are NumPy float64 on the host, whatever library the points come from.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.sparse import issparse

from diffspec._arrays import Array, as_points, to_numpy
from diffspec._checks import Seed, integer
from diffspec.errors import InputError
from diffspec.kernels import AlphaDecay, Kernel
from diffspec.machine.memory import within_memory
from diffspec.measures.asked import Asked, asked
from diffspec.operators.build import affinity_of
from diffspec.solvers.leading import Floats, as_dense, conjugate_of, leading, scaled
from diffspec.solvers.storing import whole_of

__all__ = ["diffuse", "diffusion_map", "diffusion_matrix", "potential_distances"]

# What PHATE adds to a probability before its logarithm is taken.
UNSEEN = 1e-7


@within_memory
def diffusion_matrix(points: Array, *, kernel: Kernel = AlphaDecay(), alpha: float = 0.5, rng: Seed = 0) -> Any:
    """The diffusion matrix P (n, n), whose row i holds where a step from point i leads, and how likely.

    P_ij = K_ij / sum_j K_ij with K_ij = G_ij / (q_i q_j)^alpha, q the row sums of the affinity G.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    kernel, alpha, rng
        As for `dse`.

    Returns
    -------
    numpy.ndarray or scipy.sparse.csr_array (n, n)
        Sparse where the kernel stores a sparse graph: `AlphaDecay` beyond 2048 points, `NearestNeighbors`,
        `Thresholded`. Rows sum to 1.

    Raises
    ------
    InputError
        Points or alpha that cannot be used.
    TooLargeError
        A dense matrix does not fit.

    Notes
    -----
    O(n^2 d). Not symmetric; `dse` takes the eigenvalues of its symmetric conjugate, which are the same.

    References
    ----------
    liao2024dse, Eqn 1; coifman2006diffusion.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import Gaussian, diffusion_matrix
    >>> diffusion_matrix(np.array([[0.0], [1.0], [9.0]]), kernel=Gaussian(1.0), alpha=0.0).round(2)
    array([[0.62, 0.38, 0.  ],
           [0.38, 0.62, 0.  ],
           [0.  , 0.  , 1.  ]])
    """
    conjugate, root = _conjugate(points, asked(kernel, alpha=alpha, t=None, rng=rng))
    return scaled(conjugate, 1.0 / root, root)


@within_memory
def diffuse(
    points: Array,
    steps: int,
    *,
    values: Array | None = None,
    kernel: Kernel = AlphaDecay(),
    alpha: float = 0.5,
    rng: Seed = 0,
) -> Floats:
    """P^steps X: every point moved to the mean of where a walk of so many steps from it leads.

    Clusters contract to points, each to its own; with steps without end all points of a connected graph meet.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`; they make the graph.
    steps : int
        At least 0.
    values : array (n, m), optional
        What is averaged in place of the points: denoised features, or labels spread over the graph.
    kernel, alpha, rng
        As for `dse`.

    Returns
    -------
    numpy.ndarray (n, d) or (n, m)
        The points, or the `values`, after the steps.

    Raises
    ------
    InputError
        Points, steps or alpha that cannot be used, values of another length.
    TooLargeError
        A dense matrix does not fit.

    Notes
    -----
    O(n^2 (d + steps m)), or with a sparse graph O(steps m) per entry.

    References
    ----------
    vandijk2018magic.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import Gaussian, diffuse
    >>> two = np.array([[0.0], [1.0], [8.0], [9.0]])
    >>> diffuse(two, 100, kernel=Gaussian(1.0)).ravel().round(3)
    array([0.5, 0.5, 8.5, 8.5])
    """
    steps = integer(steps, "steps", least=0)
    walk = diffusion_matrix(points, kernel=kernel, alpha=alpha, rng=rng)
    moved = to_numpy(as_points(points if values is None else values, name="values")).astype(np.float64)
    if len(moved) != walk.shape[0]:
        raise InputError(f"values must have one row per point, got {len(moved)} for {walk.shape[0]} points")
    for _ in range(steps):
        moved = walk @ moved
    return moved


@within_memory
def diffusion_map(
    points: Array,
    *,
    components: int = 2,
    kernel: Kernel = AlphaDecay(),
    alpha: float = 0.5,
    t: float | None = None,
    rng: Seed = 0,
) -> Floats:
    """Coordinates in which Euclidean distance is diffusion distance: |lambda_k|^t psi_k, the trivial one left out.

    psi_k are the right eigenvectors of P, of mean square 1 under its stationary distribution pi. With all n - 1
    components, |x_i - x_j|^2 = sum_l (P^t_il - P^t_jl)^2 / pi_l.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    components : int
        How many, those of the largest |lambda| first; at most n - 1.
    kernel, alpha, t, rng
        As for `dse`.

    Returns
    -------
    numpy.ndarray (n, components)
        The sign of each is such that its entry of largest size is positive.

    Raises
    ------
    InputError
        Points, alpha, t or components that cannot be used.
    TooLargeError
        A dense matrix does not fit.

    Notes
    -----
    O(n^2 d) and some hundred products with the matrix (230 to 510 for 4000 to 16,000 Gaussian points in 16 dimensions,
    1.6 s at most on the default's sparse graph); O(n^3) where more than a third of all are asked for. Where eigenvalues
    coincide, as for clusters without any affinity between them, their coordinates are fixed up to a rotation only.

    References
    ----------
    coifman2006diffusion, Eqn 11.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import Gaussian, diffusion_map
    >>> two = np.array([[0.0], [1.0], [8.0], [9.0]])
    >>> diffusion_map(two, components=1, kernel=Gaussian(2.0)).ravel().round(1)
    array([ 1.,  1., -1., -1.])
    """
    how = asked(kernel, alpha=alpha, t=t, rng=rng)
    t, components = how.t, integer(components, "components", least=0)
    conjugate, root = _conjugate(points, how)
    n = len(root)
    if not 1 <= components < n:
        raise InputError(f"components must lie in 1 .. n - 1 = {n - 1}, got {components}")
    values, vectors = leading(conjugate, root, components)
    vectors = vectors * (math.sqrt(root @ root) / root)[:, None]
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(components)]
    sizes = np.minimum(np.abs(values), 1.0)  # no eigenvalue of P is above 1; rounding to 1 + 1e-16 overflows at huge t
    return np.asarray(np.sign(largest) * sizes**t * vectors)


@within_memory
def potential_distances(
    points: Array, steps: int, *, kernel: Kernel = AlphaDecay(), alpha: float = 0.5, rng: Seed = 0
) -> Floats:
    """PHATE's potential distances: how far the logarithms of two rows of P^steps are apart.

    D_ij = |log(P^t_i + 1e-7) - log(P^t_j + 1e-7)| (Euclidean), which weighs where a walk hardly ever leads as much as
    where it mostly does.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`.
    steps : int
        t, at least 0.
    kernel, alpha, rng
        As for `dse`; PHATE's own are `AlphaDecay(5)` and alpha = 0.

    Returns
    -------
    numpy.ndarray (n, n)
        Symmetric with a zero diagonal.

    Raises
    ------
    InputError
        Points, steps or alpha that cannot be used.
    TooLargeError
        A dense matrix does not fit.

    Notes
    -----
    O(n^3), three (n, n) arrays. `diffspec.baselines.adjacency_entropy` of it with ``graph=Precomputed(), alpha=0.5`` is
    the entropy of the PHATE matrix in the research code of the paper.

    References
    ----------
    moon2019phate.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import Gaussian, potential_distances
    >>> two = np.array([[0.0], [1.0], [8.0], [9.0]])
    >>> potential_distances(two, 100, kernel=Gaussian(1.0)).round(1)[0]
    array([ 0. ,  0. , 30.8, 30.8])
    """
    from scipy.spatial.distance import pdist, squareform  # slow to import, needed here only

    steps = integer(steps, "steps", least=0)
    walk = diffusion_matrix(points, kernel=kernel, alpha=alpha, rng=rng)
    potential = np.log(np.linalg.matrix_power(as_dense(walk), steps) + UNSEEN)
    return np.asarray(squareform(pdist(potential)))


def _conjugate(points: Array, how: Asked) -> tuple[Any, Floats]:
    """A = D^(1/2) P D^(-1/2), dense or sparse, and the square roots of the degrees D."""
    points = as_points(points)
    kernel = how.kernel.resolve(points, how.rng)
    affinity = affinity_of(points, kernel, whole_of(points, kernel))
    return conjugate_of(affinity if issparse(affinity) else to_numpy(affinity).astype(np.float64), how.alpha)
