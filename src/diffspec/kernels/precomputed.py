"""Affinities or distances that were computed before."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from diffspec._arrays import Array, namespace
from diffspec._checks import is_word, shown
from diffspec.errors import InputError
from diffspec.kernels.bandwidth import Sigma, check_sigma
from diffspec.kernels.bandwidth.pairs import median_ranks
from diffspec.kernels.bandwidth.protocol import TINY
from diffspec.kernels.bandwidth.ranks import of_matrix
from diffspec.kernels.gaussian import SMALLEST, resolved_number
from diffspec.kernels.protocol import Kernel
from diffspec.points.blocks import in_blocks, row_slices

__all__ = ["Precomputed"]


@dataclass(frozen=True, slots=True)
class Precomputed(Kernel):
    """Affinities or distances that were computed before; the points are then the (n, n) matrix itself.

    Parameters
    ----------
    of : {"affinities", "distances"}
        What the matrix holds. Distances go through the Gaussian of width `sigma`.
    sigma : float or "median"
        Only for distances: a number, or sqrt(median d^2 / 2) over pairs. That is the smallest positive number where
        more than half of the pairs coincide, as for `Gaussian`.

    Raises
    ------
    InputError
        The matrix is not square, not symmetric (relative 1e-8) or has a negative entry; an affinity has a zero row.

    Notes
    -----
    An affinity that is not positive semi-definite has negative eigenvalues; entropies use their absolute values, and
    bounds that rest on a spectrum within [0, 1] do not hold.
    """

    of: str = "affinities"
    sigma: Sigma = "median"

    def __post_init__(self) -> None:
        if not is_word(self.of, ("affinities", "distances")):
            raise InputError(f"of must be 'affinities' or 'distances', got {shown(self.of)}")
        if (isinstance(self.sigma, str) and self.sigma != "median") or callable(self.sigma):
            raise InputError(f"sigma of Precomputed must be a positive number or 'median', got {shown(self.sigma)}")
        check_sigma(self.sigma)

    def resolve(self, points: Array, rng: np.random.Generator) -> Precomputed:
        """The kernel with sigma as a number (for distances)."""
        _check_square(points, self.of)
        if self.of == "affinities" or not isinstance(self.sigma, str):
            return self
        low, high = of_matrix(points, median_ranks(points.shape[0]))
        return replace(self, sigma=math.hypot(low / 2.0, high / 2.0) or TINY)

    def __call__(self, points: Array) -> Array:
        """The affinity (n, n), a copy."""
        xp = namespace(points)
        both = points + points.T
        if self.of == "affinities":
            both /= 2.0
            return both
        # In a unit of their own, as points are: no distance is too small or too large to be squared.
        unit = 2.0 ** (math.frexp(float(xp.max(points)))[1] - 1)
        width = 2.0 * max(resolved_number(self.sigma) / unit, SMALLEST)

        def weights(some: Array, _rows: slice) -> Array:
            ratio = some / unit / width
            return xp.exp(-0.5 * ratio * ratio)

        return in_blocks(weights, both)


def _check_square(matrix: Array, of: str) -> None:
    xp = namespace(matrix)
    if matrix.shape[0] != matrix.shape[1]:
        raise InputError(
            f"Precomputed {of} must be a square (n, n) matrix, got shape {tuple(matrix.shape)}; give all pairs"
        )
    largest = max(float(xp.max(matrix)), -float(xp.min(matrix)))
    skew = max(float(xp.max(xp.abs(matrix[rows, :] - matrix[:, rows].T))) for rows in row_slices(matrix))
    if skew > 1e-8 * largest:
        raise InputError(
            f"Precomputed {of} must be symmetric, got entries that differ by {skew:.3g} from their mirror; "
            "use (matrix + matrix.T) / 2 if that is what you mean"
        )
    if float(xp.min(matrix)) < 0:
        raise InputError(f"Precomputed {of} must be non-negative, got a minimum of {float(xp.min(matrix)):.3g}")
    if of == "affinities" and float(xp.min(xp.sum(matrix, axis=1))) <= 0:
        raise InputError("Precomputed affinities must have a positive sum in every row; remove isolated points")
    if of == "distances" and float(xp.max(xp.abs(xp.linalg.diagonal(matrix)))) > 0:
        raise InputError("Precomputed distances must have a zero diagonal; for affinities leave of= out")
