"""What is read off the penultimate features of a network: every measure that could tell its accuracy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np

from diffspec import Gaussian, adjusted_dsmi, dse, dsmi, paper
from diffspec.bandwidth import RootDimension
from diffspec.baselines import effective_rank, h_score, knn_probe, label_overlap, lidar, logme, n_leep, neural_collapse
from diffspec.errors import InputError

__all__ = ["ADJUSTED", "FEW", "MEASURES", "PUBLISHED", "ROOT", "measured"]

Points: TypeAlias = np.ndarray[Any, Any]
Measure: TypeAlias = Callable[[Points, Points], Any]

ROOT: dict[str, Any] = {"kernel": Gaussian(RootDimension()), "alpha": 0.5, "t": 1.0}
"""The settings of the paper's study of ImageNet models."""

ADJUSTED, PUBLISHED = "adjusted DSMI(Z;Y)", "DSMI(Z;Y), sigma = sqrt(d)"
MEASURES: dict[str, Measure] = {
    ADJUSTED: adjusted_dsmi,
    "DSMI(Z;Y)": dsmi,
    PUBLISHED: lambda points, labels: dsmi(points, labels, **ROOT),
    "DSMI(Z;Y), sigma = 10": lambda points, labels: dsmi(points, labels, **paper),
    "DSE(Z)": lambda points, _labels: dse(points),
    "DSE(Z), sigma = sqrt(d)": lambda points, _labels: dse(points, **ROOT),
    "10-NN probe": knn_probe,
    "label overlap": label_overlap,
    "LogME": logme,
    "H-score": h_score,
    "N-LEEP": n_leep,
    "-NC1": lambda points, labels: -float(neural_collapse(points, labels)),
    "LiDAR": lidar,
    "RankMe": lambda points, _labels: effective_rank(points),
}
"""By name, of points and labels; larger is meant to be better."""

FEW = (ADJUSTED, "DSMI(Z;Y)", "10-NN probe", "LogME", "H-score", "-NC1")
"""Those that are asked with fewer points and with wrong labels."""


def measured(points: Points, labels: Points, names: Iterable[str] = tuple(MEASURES)) -> dict[str, Any]:
    """Each measure of `names` by its name; those that refuse the points are left out, and ``"refused"`` says why."""
    found: dict[str, Any] = {}
    refused = {}
    for name in names:
        try:
            found[name] = float(f"{float(MEASURES[name](points, labels)):.6g}")
        except InputError as error:
            refused[name] = str(error)
    return {**found, "refused": refused} if refused else found
