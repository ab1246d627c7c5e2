"""Many equal points are few points with weights: a small operator with the same non-zero eigenvalues.

With m different points, J (n, m) saying which of them each of the n points is, C = J'J the numbers of copies and K
their affinity, the affinity of all points is G = J K J'. Equal points have equal densities and degrees, so the operator
is A = J B J' with B = W K W, W the weights of `diffspec.operators.diffusion`: its non-zero eigenvalues are those of
C^(1/2) B C^(1/2), of order m, and n - m more are 0.
"""

from __future__ import annotations

import numpy as np

from diffspec.kernels import Kernel
from diffspec.operators.dense import Dense
from diffspec.points.distinct import Copies

__all__ = ["merged_diffusion"]


def merged_diffusion(copies: Copies, kernel: Kernel, alpha: float) -> Dense:
    """The small operator of `copies` under a resolved `kernel`, with anisotropic normalisation `alpha`."""
    matrix, counts = kernel.of_distinct(copies.vectors, copies.counts), copies.counts.astype(np.float64)
    inverse = (matrix @ counts) ** -alpha
    degree = inverse * (matrix @ (counts * inverse))
    weight = inverse * np.sqrt(counts / degree)
    matrix *= weight[:, None]
    matrix *= weight[None, :]
    return Dense(matrix, disposable=True, semidefinite=bool(kernel.semidefinite))
