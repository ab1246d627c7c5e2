"""Textbook formulas of the baselines, as plainly as can be: the oracle of their tests. Imports no diffspec; nats."""

import math

import numpy as np
from scipy.special import digamma


def distances(values, norm):
    difference = np.abs(values[:, None, :] - values[None, :, :])
    return difference.max(axis=2) if norm == "max" else np.sqrt((difference**2).sum(axis=2))


def standard(values):
    return (values - values.mean(axis=0)) / values.std(axis=0)


def kozachenko_leonenko(points, k):
    n, d = points.shape
    ball = math.pi ** (d / 2) / math.gamma(d / 2 + 1)
    total = 0.0
    for row in distances(points, "euclidean"):
        total += math.log(sorted(row)[k])
    return digamma(n) - digamma(k) + math.log(ball) + d * total / n


def ksg_first(x, y, k):
    """Eqn 8 of Kraskov et al. 2004."""
    n = len(x)
    dx, dy = distances(x, "max"), distances(y, "max")
    joint = np.maximum(dx, dy)
    total = 0.0
    for i in range(n):
        radius = sorted(joint[i])[k]
        near_x = sum(dx[i, j] < radius for j in range(n) if j != i)
        near_y = sum(dy[i, j] < radius for j in range(n) if j != i)
        total += digamma(near_x + 1) + digamma(near_y + 1)
    return digamma(k) + digamma(n) - total / n


def ksg_second(x, y, k):
    """Eqn 9 of Kraskov et al. 2004."""
    n = len(x)
    dx, dy = distances(x, "max"), distances(y, "max")
    joint = np.maximum(dx, dy)
    total = 0.0
    for i in range(n):
        near = np.argsort(joint[i])[1 : k + 1]
        near_x = sum(dx[i, j] <= dx[i, near].max() for j in range(n) if j != i)
        near_y = sum(dy[i, j] <= dy[i, near].max() for j in range(n) if j != i)
        total += digamma(near_x) + digamma(near_y)
    return digamma(k) - 1.0 / k + digamma(n) - total / n


def conditional(x, y, z, k):
    """Eqn 8 of Frenzel and Pompe 2007."""
    n = len(x)
    dx, dy, dz = (distances(side, "max") for side in (x, y, z))
    joint = np.maximum(np.maximum(dx, dy), dz)
    total = 0.0
    for i in range(n):
        radius = sorted(joint[i])[k]
        sides = [np.maximum(dx, dz), np.maximum(dy, dz), dz]
        near = [sum(side[i, j] < radius for j in range(n) if j != i) for side in sides]
        total += digamma(near[0] + 1) + digamma(near[1] + 1) - digamma(near[2] + 1)
    return digamma(k) - total / n


def kl_divergence(x, y, k):
    """Eqn 14 of Wang et al. 2009."""
    (n, d), m = x.shape, len(y)
    total = 0.0
    for i in range(n):
        own = sorted(math.dist(x[i], other) for other in x)[k]
        across = sorted(math.dist(x[i], other) for other in y)[k - 1]
        total += math.log(across / own)
    return d * total / n + math.log(m / (n - 1))


def nonuniformity(x, y, k, threshold):
    """What Gao et al. 2015 add to the estimate of KSG: the mean log ratio of turned to upright boxes."""
    both = np.hstack([x, y])
    joint = distances(both, "max")
    total = 0.0
    for i in range(len(x)):
        offsets = both[np.argsort(joint[i])[1 : k + 1]] - both[i]
        _u, _s, axes = np.linalg.svd(offsets)
        ratio = math.prod(np.abs(offsets @ axes.T).max(axis=0)) / math.prod(np.abs(offsets).max(axis=0))
        total += math.log(ratio) if ratio < threshold else 0.0
    return -total / len(x)


def ross(x, labels, k):
    """Eqn 2 of Ross 2014."""
    n = len(x)
    dx = distances(x, "euclidean")
    total = 0.0
    for i in range(n):
        own = [j for j in range(n) if labels[j] == labels[i]]
        radius = sorted(dx[i, own])[k]
        nearer = sum(dx[i, j] <= radius for j in range(n) if j != i)
        total += digamma(len(own)) + digamma(nearer)
    return digamma(n) + digamma(k) - total / n


def mixed_ksg(dx, dy, k):
    """Algorithm 1 of Gao et al. 2017 on the distances in each variable, in its digamma form."""
    n = len(dx)
    joint = np.maximum(dx, dy)
    total = 0.0
    for i in range(n):
        radius = sorted(joint[i])[k]
        if radius == 0:
            ties = (joint[i] == 0).sum()
            total += digamma(ties) - digamma((dx[i] == 0).sum()) - digamma((dy[i] == 0).sum())
        else:
            total += digamma(k) - digamma((dx[i] < radius).sum()) - digamma((dy[i] < radius).sum())
    return total / n + math.log(n)


def plug_in(*columns):
    """Entropy of the rows of some columns of symbols."""
    _rows, counts = np.unique(np.column_stack(columns), axis=0, return_counts=True)
    p = counts / counts.sum()
    return float(-(p * np.log(p)).sum())


def gram_entropy(kernel, order):
    """Definition 1 of Sanchez Giraldo et al. 2015."""
    root = np.sqrt(np.diag(kernel))
    eigenvalues = np.linalg.eigvalsh(kernel / np.outer(root, root) / len(kernel))
    eigenvalues = eigenvalues[eigenvalues > 1e-14]
    if order == 1:
        return float(-(eigenvalues * np.log(eigenvalues)).sum())
    return float(np.log((eigenvalues**order).sum()) / (1 - order))


def gaussian_information(dimension, correlation):
    """Of two Gaussians whose coordinates are correlated in pairs."""
    return -dimension / 2 * math.log(1 - correlation**2)


def gaussian_entropy(covariance):
    """Differential entropy of a multivariate Gaussian."""
    d = len(covariance)
    return 0.5 * (d * math.log(2 * math.pi * math.e) + np.linalg.slogdet(covariance)[1])


def h_score(points, labels, covariance=None, factor=1.0):
    """tr(cov(Z)^-1 cov(E[Z | Y])) of Bao et al. 2019; with another covariance and a factor, the shrunk."""
    means = np.stack([points[labels == label].mean(axis=0) for label in labels])
    whole = np.cov(points.T, bias=True) if covariance is None else covariance
    return factor * float(np.trace(np.linalg.inv(np.atleast_2d(whole)) @ np.atleast_2d(np.cov(means.T, bias=True))))


def leep(shares, labels):
    """Of Nguyen et al. 2020, from the source's probabilities (n, s)."""
    n = len(labels)
    total = 0.0
    for i in range(n):
        expected = 0.0
        for s in range(shares.shape[1]):
            joint = sum(shares[j, s] for j in range(n) if labels[j] == labels[i]) / n
            expected += joint / (shares[:, s].sum() / n) * shares[i, s]
        total += math.log(expected)
    return total / n


def mutual_neighbors(x, y, k):
    dx, dy = (distances(side, "euclidean") for side in (x, y))
    shared = [len(set(np.argsort(dx[i])[1 : k + 1]) & set(np.argsort(dy[i])[1 : k + 1])) for i in range(len(x))]
    return float(np.mean(shared)) / k


def information_imbalance(x, y, k):
    """Of Glielmo et al. 2022."""
    n = len(x)
    dx, dy = (distances(side, "euclidean") for side in (x, y))
    total = 0
    for i in range(n):
        rank = {j: place for place, j in enumerate(np.argsort(dy[i]))}
        total += sum(rank[j] for j in np.argsort(dx[i])[1 : k + 1])
    return 2 / (n * n * k) * total


def gride(points, d, k):
    """The log likelihood of Denti et al. 2022 with n1 = k and n2 = 2 k, without its constant."""
    total = 0.0
    for row in distances(points, "euclidean"):
        ordered = sorted(row)
        ratio = ordered[2 * k] / ordered[k]
        total += math.log(d) + (k - 1) * math.log(ratio**d - 1) - ((2 * k - 1) * d + 1) * math.log(ratio)
    return total
