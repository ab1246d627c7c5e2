"""What else ranks networks: the measures that the table of criterion e stands beside."""

from __future__ import annotations

from diffspec.baselines import effective_rank, knn_probe, lidar, logme, neural_collapse
from recipes.bandwidth.data import load

__all__ = ["baselines"]


def baselines(data: str, n: int) -> dict[str, float]:
    """Every baseline on the first `n` points of a labelled data set; larger is meant to be better."""
    points, labels = load(data, n)
    return {
        "RankMe": effective_rank(points).value,
        "LiDAR": lidar(points, labels).value,
        "LogME": logme(points, labels).value,
        "NC1": -neural_collapse(points, labels).value,
        "10-NN probe": knn_probe(points, labels).value,
    }
