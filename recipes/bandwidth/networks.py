"""The trained networks of shared/data/weights as functions from pixels to their penultimate layer."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch.nn import functional

from recipes.lab.data import folder
from recipes.lab.images import cifar, mnist, unit

__all__ = ["Embedded", "accuracy", "embed", "families", "manifest", "network_names", "second"]

Tensor: TypeAlias = Any
Weights: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """What a network makes of the first test images."""

    points: np.ndarray[Any, Any]
    """Input of the last linear layer, shape (n, d)."""
    labels: np.ndarray[Any, Any]
    accuracy: float
    """On the images that were embedded."""


def manifest(data: Path) -> dict[str, Any]:
    """What is known of every network."""
    found: dict[str, Any] = json.loads((data / "weights" / "manifest.json").read_text())
    return found


def network_names(data: Path) -> list[str]:
    """The CIFAR-10 and MNIST classifiers, best first within each data set; none where there are no data."""
    if not data.exists():
        return []
    known = {name: row for name, row in manifest(data).items() if row["dataset"] in ("CIFAR-10", "MNIST")}
    return sorted(known, key=lambda name: (known[name]["dataset"], -known[name]["test_accuracy_measured"]))


def second(data: Path) -> list[dict[str, str]]:
    """The table of the networks whose features alone are stored; empty where it is not there."""
    table = data / "networks2" / "table.csv"
    return list(csv.DictReader(table.read_text().splitlines())) if table.exists() else []


def accuracy(data: str) -> dict[str, float]:
    """The test accuracy of the data set ``"accuracy of NAME"``."""
    return {"test accuracy": manifest(folder())[data.removeprefix("accuracy of ")]["test_accuracy_measured"]}


def families(name: str) -> str:
    """The family of a network: what is left out together when the choice of a rule is cross-validated."""
    for family in ("marabou", "oval", "cnn_a", "conv_small_sigmoid", "mnist_v_fc"):
        if family in name:
            return family
    if name.startswith("mnist"):
        return "mnist convolutional"
    return "certified residual" if "_v_resnet" in name else "residual"


def embed(data: Path, name: str, n: int) -> Embedded:
    """The penultimate layer of the network `name` on the first `n` test images of its data set."""
    row = manifest(data)[name]
    images, labels = (mnist if row["dataset"] == "MNIST" else cifar)(data)
    shape = (1, -1, 1, 1)
    mean, std = (np.reshape(row["normalize"][key], shape).astype(np.float32) for key in ("mean", "std"))
    pixels = torch.as_tensor((unit(images[:n]) - mean) / std)
    with np.load(data / "weights" / row["file"]) as stored:
        weights = {key: torch.as_tensor(stored[key]) for key in stored.files}
    forward = FORWARD[row["architecture"]["kind"].split(" (")[0]]
    with torch.no_grad():
        parts = [forward(row, weights, some) for some in pixels.split(250)]
    points, logits = (torch.cat(column) for column in zip(*parts, strict=True))
    right = logits.argmax(1).numpy() == labels[:n]
    return Embedded(points.double().numpy(), labels[:n], float(right.mean()))


def _sequential(row: dict[str, Any], weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
    layers = row["architecture"]["layers"]
    for layer in layers[:-1]:
        x = LAYERS[layer["type"]](layer, weights, x)
    return x, LAYERS["linear"](layers[-1], weights, x)


def _affine(prefix: str, weights: Weights) -> tuple[Tensor, Tensor | None]:
    return weights[f"{prefix}.weight"], weights.get(f"{prefix}.bias")


LAYERS = {
    "conv2d": lambda layer, weights, x: functional.conv2d(
        x, *_affine(layer["key"], weights), stride=layer["stride"], padding=layer["padding"]
    ),
    "linear": lambda layer, weights, x: functional.linear(x, *_affine(layer["key"], weights)),
    "relu": lambda _layer, _weights, x: x.relu(),
    "sigmoid": lambda _layer, _weights, x: x.sigmoid(),
    "flatten": lambda _layer, _weights, x: x.flatten(1),
}


def _norm(prefix: str, weights: Weights, x: Tensor, eps: float = 1e-5) -> Tensor:
    known = (weights[f"{prefix}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
    return functional.batch_norm(x, *known, eps=eps)


def _cifar_resnet(row: dict[str, Any], weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
    def conv(key: str, x: Tensor, stride: int = 1) -> Tensor:
        return functional.conv2d(x, weights[f"{key}.weight"], stride=stride, padding=1)

    x = _norm("bn1", weights, conv("conv1", x)).relu()
    for stage in (1, 2, 3):
        for block in range(sum(key.startswith(f"layer{stage}.") and key.endswith("conv1.weight") for key in weights)):
            at = f"layer{stage}.{block}"
            halve = stage > 1 and block == 0
            y = _norm(f"{at}.bn1", weights, conv(f"{at}.conv1", x, 2 if halve else 1)).relu()
            y = _norm(f"{at}.bn2", weights, conv(f"{at}.conv2", y))
            if halve:
                pad = y.shape[1] // 4
                x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, pad, pad))
            x = (x + y).relu()
    x = x.mean((2, 3))
    return x, functional.linear(x, *_affine("linear", weights))


def _small_residual(row: dict[str, Any], weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
    def conv(key: str, x: Tensor, stride: int = 1) -> Tensor:
        weight, bias = _affine(key, weights)
        return functional.conv2d(x, weight, bias, stride=stride, padding=weight.shape[-1] // 2)

    x = conv("conv1", x, 2).relu()
    blocks = sorted({key.split(".conv1")[0] for key in weights if key.startswith("layer") and ".conv1" in key})
    for at in blocks:
        stride = 2 if at.endswith(".0") else 1
        y = conv(f"{at}.conv2", conv(f"{at}.conv1", x, stride).relu())
        x = (y + (conv(f"{at}.shortcut.0", x, stride) if f"{at}.shortcut.0.weight" in weights else x)).relu()
    x = functional.linear(x.flatten(1), *_affine("linear1", weights)).relu()
    return x, functional.linear(x, *_affine("linear2", weights))


def _resnet8(row: dict[str, Any], weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
    def conv(index: int, x: Tensor, stride: int = 1) -> Tensor:
        weight, bias = _affine(f"conv{index}", weights)
        if weight.shape[-1] == 3:
            x = functional.pad(x, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
        return functional.conv2d(x, weight, bias, stride=stride)

    def norm(index: int, x: Tensor) -> Tensor:
        return _norm(f"bn{index}", weights, x, eps=1e-3)

    x = norm(0, conv(0, x)).relu()
    x = (x + norm(2, conv(2, norm(1, conv(1, x)).relu()))).relu()
    x = (conv(5, x, 2) + norm(4, conv(4, norm(3, conv(3, x, 2)).relu()))).relu()
    x = (conv(8, x, 2) + norm(6, conv(7, norm(5, conv(6, x, 2)).relu()))).relu()
    x = x.mean((2, 3))
    return x, functional.linear(x, *_affine("dense" if "dense.weight" in weights else "linear", weights))


FORWARD = {
    "sequential": _sequential,
    "CIFAR ResNet, option A": _cifar_resnet,
    "small residual net": _small_residual,
    "ResNet-8": _resnet8,
}
