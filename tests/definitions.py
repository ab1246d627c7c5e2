"""The definitions, transcribed from the paper as plainly as can be: the oracle of the tests. Imports no diffspec."""

import math

import numpy as np


def gaussian(points, sigma):
    """exp(-d^2 / (2 sigma^2)), Eqn 1 with sigma_paper = 2 sigma^2."""
    difference = points[:, None, :] - points[None, :, :]
    return np.exp(-(difference**2).sum(axis=2) / (2.0 * sigma**2))


def diffusion_matrix(affinity, alpha):
    """The row-stochastic P of Eqn 1: G -> K = G / (q_i q_j)^alpha -> P = K / row sums."""
    density = affinity.sum(axis=1) ** alpha
    anisotropic = affinity / np.outer(density, density)
    return anisotropic / anisotropic.sum(axis=1, keepdims=True)


def probabilities(eigenvalues, t):
    powers = np.abs(eigenvalues) ** t
    return powers / powers.sum()


def entropy_bits(p):
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())


def dse(points, sigma, alpha=0.5, t=1.0):
    """Definition 4.1 on the unsymmetric P itself, in bits."""
    eigenvalues = np.linalg.eigvals(diffusion_matrix(gaussian(points, sigma), alpha))
    return entropy_bits(probabilities(eigenvalues, t))


def dsmi_literal(points, labels, sigma, alpha=0.5, t=1.0):
    """Definition 4.2, in bits."""
    conditional = 0.0
    for label in np.unique(labels):
        members = points[labels == label]
        conditional += len(members) / len(points) * dse(members, sigma, alpha, t)
    return dse(points, sigma, alpha, t) - conditional


def median_sigma(points):
    distances = [math.dist(a, b) for i, a in enumerate(points) for b in points[:i]]
    return math.sqrt(np.median(np.square(distances)) / 2.0)


def bound_4_3(n, d, sigma_paper):
    """The right-hand side of Proposition 4.3 in nats."""
    beta = (1.0 + 4.0 / sigma_paper) ** (-d / 2.0)
    return math.log(n / (1 - beta)) - (1 / n + (n - 1) / n * beta) * math.log(1 + beta * n / (1 - beta))
