"""Pictures of embeddings in the plane, as numbers that a log can hold."""

from __future__ import annotations

import numpy as np

from diffspec.training.network.reductions import Points

__all__ = ["LEADING", "ONE_TWO_FIVE", "plane", "short"]

LEADING = 50
"""Eigenvalues kept per spectrum: beyond them lies less than a pixel of the plot."""


class Steps(frozenset[int]):
    """Steps that are shown in a signature by their name."""

    def __repr__(self) -> str:
        return "ONE_TWO_FIVE"


ONE_TWO_FIVE = Steps([0, *(digit * 10**power for power in range(10) for digit in (1, 2, 5))])
"""Steps 0, 1, 2, 5, 10, 20, ...: pictures often at first, when much changes, and few in all."""


def plane(points: Points) -> tuple[Points, Points]:
    """The first two principal components, shape (n,) each; the second is 0 where there is one feature."""
    from sklearn.decomposition import PCA  # slow to import, needed here only

    with np.errstate(invalid="ignore"):  # equal points have no variance to divide by; their picture is one dot
        flat = PCA(min(2, *points.shape), svd_solver="full").fit_transform(points)
    return flat[:, 0], flat[:, 1] if flat.shape[1] > 1 else np.zeros(len(flat))


def short(values: Points) -> list[float]:
    """Five digits each: a picture or a spectrum is looked at, and a log holds many."""
    return [float(f"{value:.5g}") for value in values.tolist()]
