"""The definitions in plain NumPy, as a reader of the paper would write them. Imports no diffspec."""

import numpy as np


def operator(points, sigma, alpha):
    """The symmetric conjugate of the diffusion matrix."""
    norms = (points * points).sum(axis=1)
    squared = np.maximum(norms[:, None] + norms[None, :] - 2.0 * points @ points.T, 0.0)
    affinity = np.exp(-squared / (2.0 * sigma**2))
    density = affinity.sum(axis=1) ** alpha
    anisotropic = affinity / np.outer(density, density)
    degree = np.sqrt(anisotropic.sum(axis=1))
    return anisotropic / np.outer(degree, degree)


def dse(points, sigma, alpha):
    """Entropy in bits of the eigenvalues of the symmetric conjugate of P (Definition 4.1)."""
    return entropy(np.linalg.eigvalsh(operator(points, sigma, alpha)))


def entropy(eigenvalues):
    """In bits, of absolute values that are made to sum to 1."""
    p = np.abs(eigenvalues) / np.abs(eigenvalues).sum()
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())


def dsmi(points, labels, sigma, alpha, repetitions=5, seed=0):
    """Matched estimator in bits: every group against random subsets of its size."""
    rng = np.random.default_rng(seed)
    value = 0.0
    for label in np.unique(labels):
        group = points[labels == label]
        drawn = [
            dse(points[rng.choice(len(points), size=len(group), replace=False)], sigma, alpha)
            for _ in range(repetitions)
        ]
        value += len(group) / len(points) * (np.mean(drawn) - dse(group, sigma, alpha))
    return float(value)
