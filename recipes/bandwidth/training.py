"""Criterion f: small networks trained with true and with wrong labels, and what they make of held-out images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from recipes.bandwidth.data import KEPT
from recipes.lab.data import folder
from recipes.lab.images import mnist, unit

__all__ = ["SNAPSHOTS", "names", "train_all"]

Tensor: TypeAlias = Any

SNAPSHOTS = ("at 90 %", "1.5 x later", "2 x later")
"""When the training accuracy first passes 90 %, and after half as many and as many epochs again."""

AT_LEAST, AT_MOST = 4, 400


def names(data: str, labels: str, seed: int) -> list[str]:
    """The data sets that one training gives."""
    return [f"training {data}, {labels} labels, seed {seed}, {when}" for when in SNAPSHOTS]


def train_all(on: Sequence[str], seeds: int) -> None:
    """Train networks and keep their embeddings of held-out images, with the true labels.

    On "digits", "digits, few" or "MNIST". MNIST is left out where the folder of data is missing.
    """
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / "training.npz"
    kept = dict(np.load(path)) if path.exists() else {}
    for data in on:
        if data == "MNIST" and not folder().exists():
            continue
        images, classes, held, truth = DATA[data]()
        for labels in ("true", "wrong"):
            for seed in range(seeds):
                wanted = names(data, labels, seed)
                if f"{wanted[-1]} points" in kept:
                    continue
                with torch.random.fork_rng(devices=[]):
                    torch.default_generator.manual_seed(seed)
                    trained = classes if labels == "true" else classes[torch.randperm(len(classes))]
                    for name, points in zip(wanted, _train(images, trained, held), strict=True):
                        kept |= {f"{name} points": points, f"{name} labels": truth}
                np.savez(path, **kept)


def _train(images: Tensor, labels: Tensor, held: Tensor) -> list[Any]:
    width = images.shape[1]
    encoder = nn.Sequential(nn.Linear(width, 512), nn.ReLU(), nn.Linear(512, 128), nn.ReLU())
    network = nn.Sequential(encoder, nn.Linear(128, 10))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    seen, passed, found, epoch = [], 0, [], 0
    while len(found) < len(SNAPSHOTS):
        epoch += 1
        for batch in torch.randperm(len(images)).split(50):
            optimizer.zero_grad()
            functional.cross_entropy(network(images[batch]), labels[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            accuracy = float((network(images).argmax(1) == labels).double().mean())
            seen.append(accuracy)
            passed = passed or (epoch if accuracy > 0.9 or epoch == AT_MOST else 0)
            if passed and epoch >= (1 + len(found) / 2) * passed:
                found.append(encoder(held).numpy())
    return found


def _digits(count: int = 1000) -> tuple[Tensor, Tensor, Tensor, Any]:
    """`count` images to learn from, and those that are held out, the same whatever the count."""
    from sklearn.datasets import load_digits

    flat, labels = load_digits(return_X_y=True)
    pixels = torch.as_tensor(flat / 16.0, dtype=torch.float32)
    return pixels[:count], torch.as_tensor(labels[:count]), pixels[1000:], labels[1000:]


def _mnist() -> tuple[Tensor, Tensor, Tensor, Any]:
    images, labels = mnist(folder(), "train")
    held, truth = mnist(folder())
    flat = torch.as_tensor(unit(images[:2000]).reshape(2000, -1))
    return flat, torch.as_tensor(labels[:2000]), torch.as_tensor(unit(held[:1000]).reshape(1000, -1)), truth[:1000]


DATA = {"digits": _digits, "digits, few": partial(_digits, 100), "MNIST": _mnist}
"""The few are of a smoke run: their wrong labels are known by heart in a twentieth of the time."""
