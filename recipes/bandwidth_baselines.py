"""What else ranks networks: the measures that the table of criterion e stands beside, each in a few lines."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from recipes.bandwidth_data import load

__all__ = ["BASELINES", "baselines"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


def baselines(data: str, n: int) -> dict[str, float]:
    """Every baseline on the first `n` points of a labelled data set; larger is meant to be better."""
    points, labels = load(data, n)
    return {name: float(measure(points, labels)) for name, measure in BASELINES.items()}


def rankme(points: Floats, labels: Any) -> float:
    """exp of the entropy of the normalised singular values (Garrido et al. 2023)."""
    return _effective(np.linalg.svd(points, compute_uv=False))


def lidar(points: Floats, labels: Any) -> float:
    """The effective rank of the discriminant matrix (Thilak et al. 2024), with classes in place of augmented images."""
    between, within = _scatter(points, labels)
    values, vectors = np.linalg.eigh(within + 1e-4 * np.trace(within) / len(within) * np.eye(len(within)))
    whiten = (vectors / np.sqrt(values)) @ vectors.T
    return _effective(np.maximum(np.linalg.eigvalsh(whiten @ between @ whiten), 0.0))


def neural_collapse(points: Floats, labels: Any) -> float:
    """Minus NC1, the variability within classes against that between them (Papyan et al. 2020)."""
    between, within = _scatter(points, labels)
    return -float(np.trace(within @ np.linalg.pinv(between, rcond=1e-6, hermitian=True))) / len(np.unique(labels))


def logme(points: Floats, labels: Any) -> float:
    """The mean log evidence of one Bayesian linear regression per class, per point (You et al. 2021)."""
    n, d = points.shape
    left, singular, _right = np.linalg.svd(points, full_matrices=False)
    evidence = []
    for label in np.unique(labels):
        target = (labels == label).astype(float)
        seen = (left.T @ target) ** 2
        left_over = target @ target - seen.sum()
        alpha, beta = 1.0, 1.0
        for _ in range(100):
            ratio = alpha + beta * singular**2
            gamma = float((beta * singular**2 / ratio).sum())
            weight = float((beta**2 * singular**2 * seen / ratio**2).sum())
            misfit = float((alpha**2 * seen / ratio**2).sum()) + left_over
            alpha, beta = gamma / max(weight, 1e-12), (n - gamma) / max(misfit, 1e-12)
        ratio = alpha + beta * singular**2
        logs = (
            d * np.log(alpha) - np.log(ratio).sum() - (d - len(ratio)) * np.log(alpha) + n * np.log(beta / (2 * np.pi))
        )
        evidence.append((logs - beta * misfit - alpha * weight) / (2 * n))
    return float(np.mean(evidence))


def nearest(points: Floats, labels: Any) -> float:
    """Accuracy of the classifier of 10 nearest neighbours, by 5-fold cross-validation."""
    return float(np.mean(cross_val_score(KNeighborsClassifier(10), points, labels, cv=5)))


BASELINES = {"RankMe": rankme, "LiDAR": lidar, "LogME": logme, "NC1": neural_collapse, "10-NN probe": nearest}


def _effective(values: Floats) -> float:
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _scatter(points: Floats, labels: Any) -> tuple[Floats, Floats]:
    """Covariance between the class means and within the classes."""
    names, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    means = np.stack([points[codes == code].mean(0) for code in range(len(names))])
    apart = (means - points.mean(0)) * np.sqrt(counts / len(points))[:, None]
    rest = points - means[codes]
    return apart.T @ apart, rest.T @ rest / len(points)
