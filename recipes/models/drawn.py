"""Small networks whose architecture, step, data and noise are drawn at random: no two are alike, few are good."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from torch import nn

from recipes.training.networks.families import Network

__all__ = ["FAMILIES", "build", "settings"]

Settings: TypeAlias = dict[str, Any]

FAMILIES = ("cnn", "resnet", "mlp", "vit")
"""By turns, so that any number of networks holds as many of each."""

PIXELS = 32
RATES = {"cnn": (3e-4, 1e-2), "resnet": (3e-4, 1e-2), "mlp": (1e-4, 3e-3), "vit": (2e-4, 3e-3)}
EPOCHS = (1, 2, 3, 5, 8, 12)
ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}


def settings(data: str, number: int, seen: tuple[int, int], images: int) -> Settings:
    """All that decides the network `number` on the data set `data`, as plain values.

    `seen` bounds how many training images, repeated ones too, pass through it; at most `images` are different.
    """
    rng = np.random.default_rng([number, *data.encode()])
    family = FAMILIES[number % len(FAMILIES)]
    passes, epochs = _between(rng, *seen), int(rng.choice(EPOCHS))
    train = int(min(images, max(100, passes / epochs)))
    return {
        "family": family,
        **_architecture(family, rng),
        "activation": str(rng.choice(tuple(ACTIVATIONS))),
        "train": train,
        "epochs": max(1, round(passes / train)),
        "batch": int(rng.choice((16, 32, 64, 128))),
        "rate": float(f"{_between(rng, *RATES[family]):.3g}"),
        "decay": float(f"{_between(rng, 1e-5, 1e-1):.3g}"),
        "augmented": bool(rng.random() < 0.4),
        "wrong": float(rng.choice((0.0, 0.0, 0.0, 0.1, 0.2, 0.4, 0.6))),
    }


def build(drawn: Settings, classes: int) -> Network:
    """The network of `drawn` for images of 32 x 32, its weights drawn by the global generator."""
    return Network(*BUILDERS[drawn["family"]](drawn), classes)


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def _architecture(family: str, rng: np.random.Generator) -> Settings:
    hidden = int(rng.choice((0, 0, 32, 64, 128, 256)))
    if family == "mlp":
        return {"width": int(rng.choice((32, 64, 128, 256))), "depth": int(rng.integers(1, 4))}
    if family == "vit":
        return {
            "width": int(rng.choice((48, 64, 96))),
            "depth": int(rng.integers(2, 5)),
        }
    return {
        "width": int(rng.choice((8, 12, 16, 24))),
        "depth": int(rng.integers(2, 5) if family == "cnn" else rng.integers(1, 3)),
        "norms": family == "resnet" or bool(rng.random() < 0.5),
        "hidden": hidden,
    }


def _mlp(drawn: Settings) -> tuple[nn.Module, int]:
    widths = [3 * PIXELS**2, *(drawn["width"] for _ in range(drawn["depth"]))]
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), ACTIVATIONS[drawn["activation"]]()]
    return nn.Sequential(*layers), widths[-1]


def _cnn(drawn: Settings) -> tuple[nn.Module, int]:
    """Convolutions of stride 2, each of twice the channels, then a mean over pixels."""
    layers: list[nn.Module] = []
    channels = 3
    for level in range(drawn["depth"]):
        wider = drawn["width"] * 2**level
        norm = [nn.BatchNorm2d(wider)] if drawn["norms"] else []
        layers += [nn.Conv2d(channels, wider, 3, 2, 1), *norm, ACTIVATIONS[drawn["activation"]]()]
        channels = wider
    return _with_head([*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten()], 4 * channels, drawn)


def _resnet(drawn: Settings) -> tuple[nn.Module, int]:
    import timm

    channels = tuple(drawn["width"] * 2**level for level in range(4))
    body = timm.create_model("resnet18", num_classes=0, layers=(1, drawn["depth"], 1, 1), channels=channels)
    body.conv1 = nn.Conv2d(3, body.conv1.out_channels, 3, 2, 1, bias=False)
    body.maxpool = nn.Identity()
    return _with_head([body], body.num_features, drawn)


def _vit(drawn: Settings) -> tuple[nn.Module, int]:
    import timm

    body = timm.create_model(
        "vit_tiny_patch16_224",
        num_classes=0,
        img_size=PIXELS,
        patch_size=8,
        embed_dim=drawn["width"],
        depth=drawn["depth"],
        num_heads=drawn["width"] // 16,
    )
    return body, drawn["width"]


def _with_head(layers: list[nn.Module], width: int, drawn: Settings) -> tuple[nn.Module, int]:
    """`layers`, and a hidden layer after them where one was drawn."""
    if not drawn["hidden"]:
        return nn.Sequential(*layers), width
    hidden = [nn.Linear(width, drawn["hidden"]), ACTIVATIONS[drawn["activation"]]()]
    return nn.Sequential(*layers, *hidden), drawn["hidden"]


BUILDERS = {"mlp": _mlp, "cnn": _cnn, "resnet": _resnet, "vit": _vit}
