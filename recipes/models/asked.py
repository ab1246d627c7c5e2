"""What is asked of every network of `zoo`, of the features that are kept: nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from diffspec.baselines import leep, nce
from diffspec.synthetic import corrupt
from recipes.models.measures import FEW, measured
from recipes.models.sources import Network, features, known
from recipes.models.trained import kept

__all__ = ["curves", "transferred", "whole"]

Points: TypeAlias = np.ndarray[Any, Any]

CURVE_SEEDS = {50: 5, 100: 5, 200: 3, 500: 2}
"""How often a number of points is drawn; more than these once."""

TRANSFERRED = 1000
"""Training images of another data set that a measure sees."""


def whole(network: Network, n: int) -> dict[str, Any]:
    """Every measure of the first `n` test images; of another's network what is known of it, too.

    And what a linear probe makes of these images, learnt from the other ones that are kept, where there are any: what
    the features allow, whatever the network's own classifier learnt.
    """
    points, labels = features(network)
    first, rest = ({"points": points[some], "labels": labels[some]} for some in (slice(n), slice(n, None)))
    reached = {"probe": probe(rest, first)} if len(points) > n else {}
    return {**known(network), **reached, **measured(points[:n], labels[:n])}


def curves(network: Network, counts: Sequence[int], shares: Sequence[float], n: int) -> dict[str, Any]:
    """A few measures by the number of points, and of `n` points by the share of labels that are wrong."""
    points, labels = features(network)
    by_count: dict[str, list[Any]] = {name: [] for name in FEW}
    by_share: dict[str, list[Any]] = {name: [] for name in FEW}
    for count in counts:
        drawn = [np.random.default_rng([count, seed]).permutation(len(points))[:count] for seed in _seeds(count)]
        found = [measured(points[some], labels[some], FEW) for some in drawn]
        for name in FEW:
            by_count[name].append([one.get(name) for one in found])
    for share in shares:
        wrong = corrupt(labels[:n], share, rng=0)
        one = measured(points[:n], wrong, FEW)
        for name in FEW:
            by_share[name].append(one.get(name))
    return {"by points": by_count, "by wrong labels": by_share}


def _seeds(count: int) -> range:
    return range(next((seeds for most, seeds in CURVE_SEEDS.items() if count <= most), 1))


def transferred(drawn: Mapping[str, Any], other: str) -> dict[str, Any]:
    """How well a linear probe learns the data set `other` from features, and what measures foretold of it.

    The probe learns from all images of the training part that are kept; a measure sees the first of them.
    """
    found = kept(drawn)
    train, held = (
        {what: found[f"{other} {part} {what}"].astype(np.float64) for what in ("points", "logits")}
        | {"labels": found[f"{other} {part} labels"]}
        for part in ("train", "held")
    )
    first = {what: values[:TRANSFERRED] for what, values in train.items()}
    source = {name: float(way(first["logits"], first["labels"])) for name, way in (("LEEP", leep), ("NCE", nce))}
    told = measured(first["points"], first["labels"], (*FEW, "N-LEEP", "label overlap"))
    return {"probe": probe(train, held), **told, **source}


def probe(train: Mapping[str, Points], held: Mapping[str, Points]) -> float:
    """The accuracy on `held` of a logistic regression on the standardised points of `train`."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    return float(model.fit(train["points"], train["labels"]).score(held["points"], held["labels"]))
