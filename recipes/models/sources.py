"""Where the networks of `zoo` come from: drawn and trained here, or other people's, whose features are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from recipes.bandwidth.data import load as of_weights
from recipes.bandwidth.networks import families, manifest, network_names, second
from recipes.lab.data import folder
from recipes.models.trained import kept

__all__ = ["Network", "features", "known", "others"]

Network: TypeAlias = Mapping[str, Any]
"""``{"drawn": key of a training}``, ``{"weights": name}`` or ``{"networks2": name}``."""

FACTS = ("data", "family", "accuracy")
Points: TypeAlias = np.ndarray[Any, Any]


def others() -> list[dict[str, Any]]:
    """The networks of shared/data that classify the images of one data set: what is known of each, by row."""
    weights = [
        {
            "network": {"weights": name},
            "data": manifest(folder())[name]["dataset"],
            "family": families(name),
            "accuracy": manifest(folder())[name]["test_accuracy_measured"],
        }
        for name in network_names(folder())
    ]
    more = [
        {
            "network": {"networks2": row["name"]},
            "data": row["data"],
            "family": row["family"],
            "accuracy": float(row["test_accuracy"]),
        }
        for row in second(folder())
    ]
    return more + weights


def known(network: Network) -> dict[str, Any]:
    """Data set, family and accuracy of another's network; nothing of one that was drawn here."""
    return next(({name: row[name] for name in FACTS} for row in others() if row["network"] == network), {})


def features(network: Network) -> tuple[Points, Points]:
    """Penultimate features of test images, float64, and their true labels."""
    if name := network.get("weights"):
        return of_weights(f"network {name}", 2000)
    if name := network.get("networks2"):
        return of_weights(f"others {name}", 2000)
    found = kept(network["drawn"])
    return found["points"].astype(np.float64), found["labels"]
