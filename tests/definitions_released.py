"""What dse-dsmi 1.1 computes, transcribed from its description as plainly as can be. Imports no diffspec."""

import random

import numpy as np

from definitions import gaussian

EPS = np.finfo(float).eps


def bits(p):
    """Plug-in entropy with eps added after the normalisation."""
    p = p / p.sum() + EPS
    return float(-(p * np.log2(p)).sum())


def walk(points, sigma):
    affinity = gaussian(points, sigma)
    density = affinity.sum(axis=1)
    return affinity / np.sqrt(np.outer(density, density))


def nearest(points, knn):
    distances = np.sqrt(((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2))
    return (distances <= np.sort(distances, axis=1)[:, knn - 1 : knn]).astype(float)


def dse(points, sigma=10, t=1):
    return bits(np.abs(np.linalg.eigvalsh(walk(points, sigma))) ** t)


def classic(points, bins=2):
    low, high = points.min(axis=0), points.max(axis=0)
    codes = np.minimum(((points - low) / (high - low) * bins).astype(int), bins - 1)
    return bits(np.unique(codes, axis=0, return_counts=True)[1])


def entries(points, sigma=10):
    kernel = walk(points, sigma)
    return bits((kernel / kernel.sum(axis=1, keepdims=True)).ravel())


def ase(points, sigma=10, knn=None):
    if knn is not None:
        return bits(np.abs(np.linalg.eigvals(nearest(points, knn))))
    return bits(np.abs(np.linalg.eigvalsh(gaussian(points, sigma))))


def subset(n, size, seed):
    return random.Random(seed).sample(range(n), k=size)


def information(points, groups, entropy, *, repetitions=5, seed=0):
    """sum_g n_g/n (mean over random subsets - the group), the generator seeded anew for every group."""
    n, value = len(points), 0.0
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        generator = random.Random(seed)
        drawn = [entropy(points[generator.sample(range(n), k=len(members))]) for _ in range(repetitions)]
        value += len(members) / n * (np.mean(drawn) - entropy(points[members]))
    return value


def bin_numbers(values, count):
    """1..count, the maximum in the last."""
    share = (values - values.min()) / (values.max() - values.min())
    return np.minimum((share * count).astype(int), count - 1) + 1
