"""The data sets of the bandwidth study by name, each made or read once."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from recipes.bandwidth.networks import embed
from recipes.lab.data import folder
from recipes.lab.images import cifar, mnist, unit

__all__ = ["DIMENSION", "KEPT", "SUITE", "labelled", "load", "there"]

Points: TypeAlias = np.ndarray[Any, Any]

KEPT = Path(__file__).resolve().parents[2] / "build" / "bandwidth"
"""Embeddings are kept here: a network is run once."""

AMBIENT = 512
DIMENSION = re.compile(r"(uniform|gaussian) d=(\d+) noise=([\d.]+)")
IMAGENET = (
    "mobilenet_v1_0.25_128_quant",
    "mobilenet_v1_0.75_192_quant",
    "mobilenet_v2_1.0_224_quant",
    "squeezenet_v1.0",
)
SUITE = (
    "uniform d=5 noise=0",
    "uniform d=100 noise=0.01",
    "gaussian d=20 noise=0",
    "gaussian d=512 noise=0",
    "3 blobs",
    "swiss roll",
    "tree",
    "MNIST pixels",
    "CIFAR pixels",
    *(f"ImageNet {name}" for name in IMAGENET),
    "tokens",
)
"""Criterion b, beside the embeddings of all networks."""


def load(name: str, n: int, seed: int = 0) -> tuple[Points, Points]:
    """`n` points of the data set `name`, float64, and their labels (zeros where it has none)."""
    points, labels = _whole(name, n, seed)
    return points[:n], labels[:n]


def there(name: str) -> bool:
    """Whether the data set is made here, or what it is made from lies in the folder of data."""
    made = name.startswith("training digits") or not name.startswith(("network ", "training ", "others ", "ImageNet "))
    return folder().exists() or (made and not name.endswith("pixels"))


def labelled(name: str) -> bool:
    """Whether labels are part of the data set."""
    return name.startswith(("network ", "training ", "others ")) or "blobs" in name


@lru_cache(maxsize=4)
def _whole(name: str, n: int, seed: int) -> tuple[Points, Points]:
    rng = np.random.default_rng([seed, n, *name.encode()])
    if found := DIMENSION.fullmatch(name):
        return _known_dimension(found[1], int(found[2]), float(found[3]), n, rng), np.zeros(n, int)
    if name.startswith("network "):
        return _network(name.removeprefix("network "), n)
    if name.startswith("others "):
        with np.load(folder() / "networks2" / f"{name.removeprefix('others ')}.npz") as stored:
            return stored["points"].astype(np.float64), stored["labels"]
    if name.startswith("ImageNet "):
        with np.load(folder() / "weights" / "imagenet" / "imagenet20-val-embeddings.npz") as stored:
            order = np.random.default_rng(seed).permutation(len(stored["label"]))
            return stored[name.removeprefix("ImageNet ")].astype(np.float64)[order], stored["label"][order]
    if name.startswith("training "):
        with np.load(KEPT / "training.npz") as stored:
            return stored[f"{name} points"].astype(np.float64), stored[f"{name} labels"]
    return _made(name, n, rng)


def _made(name: str, n: int, rng: np.random.Generator) -> tuple[Points, Points]:
    if name == "3 blobs":
        labels = rng.integers(3, size=n)
        return rng.uniform(-10, 10, (3, 20))[labels] + rng.normal(size=(n, 20)), labels
    if name == "10 blobs d=512":
        labels = np.arange(n) % 10
        return rng.normal(size=(10, AMBIENT))[labels] + rng.normal(size=(n, AMBIENT)), labels
    if name == "swiss roll":
        angle = 1.5 * np.pi * (1 + 2 * rng.random(n))
        return np.stack([angle * np.cos(angle), 21 * rng.random(n), angle * np.sin(angle)], 1), np.zeros(n, int)
    if name == "tree":
        steps = [rng.uniform(-1, 1, (n // 5, 20)).cumsum(0) for _ in range(5)]
        starts = [np.zeros(20), *(steps[0][rng.integers(n // 5)] for _ in range(4))]
        points = np.concatenate([start + walk for start, walk in zip(starts, steps, strict=True)])
        return points[rng.permutation(len(points))], np.zeros(n, int)
    if name.endswith("pixels"):
        images, labels = (mnist if name.startswith("MNIST") else cifar)(folder())
        return unit(images).reshape(len(images), -1).astype(np.float64), labels
    if name == "tokens":
        return _tokens(n), np.zeros(n, int)
    raise KeyError(name)


def _known_dimension(kind: str, d: int, noise: float, n: int, rng: np.random.Generator) -> Points:
    points = np.zeros((n, AMBIENT))
    points[:, :d] = rng.uniform(-1, 1, (n, d)) if kind == "uniform" else rng.normal(size=(n, d))
    return points + noise * rng.uniform(-1, 1, points.shape)


def _network(name: str, n: int) -> tuple[Points, Points]:
    path = KEPT / f"{name}.npz"
    if not path.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        found = embed(folder(), name, 2000)
        np.savez(path, points=found.points, labels=found.labels, accuracy=found.accuracy)
    with np.load(path) as stored:
        return stored["points"].astype(np.float64), stored["labels"]


def _tokens(n: int) -> Points:
    """The last layer of a random transformer of 2 layers and width 64 on sequences of 50 random tokens."""
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        table = nn.Embedding(500, 64)
        layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True)
        body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
        with torch.no_grad():
            positions = torch.randn(1, 50, 64)
            return body(table(torch.randint(500, (-(-n // 50), 50))) + positions).reshape(-1, 64).double().numpy()
