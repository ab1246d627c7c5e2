"""Embeddings of trained ImageNet networks, whose scales differ a hundredfold; skipped where they are absent."""

from pathlib import Path

import numpy as np
import pytest

from diffspec import Gaussian, dse, dsmi, paper

EMBEDDINGS = (
    Path(__file__).resolve().parents[3] / "shared" / "data" / "weights" / "imagenet" / "imagenet20-val-embeddings.npz"
)


@pytest.fixture(scope="module")
def networks():
    if not EMBEDDINGS.is_file():
        pytest.skip(f"needs the embeddings at {EMBEDDINGS}")
    with np.load(EMBEDDINGS) as stored:
        labels = stored["label"]
        found = {name: stored[name] for name in stored.files if stored[name].ndim == 2}
    assert len(found) == 4
    return found, labels


def test_the_default_is_informative_on_every_network(networks):
    points, _ = networks
    found = [dse(some) for some in points.values()]
    assert {estimate.verdict for estimate in found} == {"informative"}
    assert all(0.1 < estimate.normalized < 0.9 for estimate in found)


def test_the_median_rule_is_informative_on_every_network_and_a_fixed_width_is_not(networks):
    points, _ = networks
    by_rule = {name: dse(some, kernel=Gaussian(), t=1.0) for name, some in points.items()}
    sigmas = [estimate.settings.sigma for estimate in by_rule.values()]
    assert max(sigmas) > 10 * min(sigmas)
    assert {estimate.verdict for estimate in by_rule.values()} == {"informative"}
    assert all(0.1 < estimate.normalized < 0.9 for estimate in by_rule.values())
    fixed = {name: dse(some, **paper).normalized for name, some in points.items()}
    # At sigma = 10 every one of them is near the ceiling, one of them wholly.
    assert min(fixed.values()) > 0.9
    assert max(fixed.values()) > 0.999


def test_classes_are_carried_and_chance_is_zero(networks):
    points, labels = networks
    shuffled = np.random.default_rng(0).permutation(labels)
    for some in points.values():
        ours, chance = dsmi(some, labels), dsmi(some, shuffled)
        assert ours.value > 10 * ours.stderr
        assert abs(chance.value) < 0.1 < ours.value
        assert len(ours.groups) == 20
