"""The drawn networks trained, and what they make of images kept, so that nothing is trained twice."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

from diffspec.synthetic import corrupt
from recipes.models.drawn import PIXELS, build, settings
from recipes.training.epochs import Trainer
from recipes.training.inputs.data import Data, Part, load
from recipes.training.probing import encoded

__all__ = ["kept", "place", "train"]

Key: TypeAlias = Mapping[str, Any]

KEPT = Path(__file__).resolve().parents[2] / "build" / "zoo"
"""Penultimate features and logits of trained networks, float16; made again where they are missing."""


def train(**key: Any) -> dict[str, Any]:
    """Train the network of `key` and keep its features; its settings, and its accuracy on all held-out images.

    Of a key: `data`, `number`, `seen` and `images` (see `settings`), `held` images for the accuracy, `kept` of them
    with features, and `transfer`: data sets whose images are looked at too, `probed` of either part.
    """
    data = load(key["data"], key["images"], key["held"])
    drawn = settings(key["data"], key["number"], tuple(key["seen"]), key["images"])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key["number"])
        network = build(drawn, data.classes)
        trainer = _trainer(network, data, drawn, key["number"])
        for epoch in range(1, drawn["epochs"] + 1):
            seen = trainer.epoch(epoch)
    points = encoded(network, data.normal(data.pixels(data.held, slice(None), PIXELS)))
    logits = network.linear(points).detach()
    right = float((logits.argmax(1) == data.held.labels).double().mean())
    arrays = {"points": points, "logits": logits, "labels": data.held.labels}
    found = {name: _stored(values[: key["kept"]]) for name, values in arrays.items()}
    for other in key["transfer"]:
        found |= _seen_elsewhere(network, other, key)
    KEPT.mkdir(parents=True, exist_ok=True)
    np.savez(place(key), **found)
    numbers = {"accuracy": right, "train accuracy": round(seen["train accuracy"], 4), "d": points.shape[1]}
    return {"drawn": drawn, **numbers}


def place(key: Key) -> Path:
    """The file of the features of the network `key`."""
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:12]
    return KEPT / f"{key['data']}-{key['number']}-{digest}.npz"


def kept(key: Key) -> dict[str, np.ndarray[Any, Any]]:
    """The features, logits and labels of the network `key`, trained where they are not there."""
    if not place(key).exists():
        train(**key)
    with np.load(place(key)) as stored:
        return {name: stored[name] for name in stored.files}


def _trainer(network: Any, data: Data, drawn: Mapping[str, Any], seed: int) -> Trainer:
    """On the first images, a share of whose labels is wrong."""
    part = Part(data.train.images[: drawn["train"]], data.train.labels[: drawn["train"]])
    labels = torch.as_tensor(corrupt(part.labels.numpy(), drawn["wrong"], rng=seed))
    key = {
        "condition": "supervised" if drawn["augmented"] else "plain",
        "pixels": PIXELS,
        "warmup": 1 if drawn["epochs"] > 2 else 0,
        **{name: drawn[name] for name in ("rate", "decay", "epochs")},
    }
    return Trainer(network, replace(data, train=part), labels, key, drawn["batch"])


def _seen_elsewhere(network: Any, name: str, key: Key) -> dict[str, np.ndarray[Any, Any]]:
    """Features, logits and labels of images of both parts of another data set, normalised as its own."""
    found = {}
    for part in ("train", "held"):
        pixels, labels = _elsewhere(name, part, key["probed"])
        points = encoded(network, pixels)
        values = {"points": points, "logits": network.linear(points).detach(), "labels": labels}
        found |= {f"{name} {part} {each}": _stored(array) for each, array in values.items()}
    return found


@functools.lru_cache(maxsize=4)
def _elsewhere(name: str, part: str, count: int) -> tuple[Any, Any]:
    """Normalised pixels and labels of the first `count` images; the same for all networks."""
    data = load(name, count, count)
    some = data.train if part == "train" else data.held
    return data.normal(data.pixels(some, slice(None), PIXELS)), some.labels


def _stored(values: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(values)
    return array.astype(np.float16) if array.dtype.kind == "f" else array
