"""A small convolutional network for 8 x 8 digits, in two parts: the encoder, whose output Z is measured, and a head."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torch import nn

__all__ = ["FEATURES", "classifier", "projector"]

FEATURES = 128
"""Width of Z, the penultimate layer."""


def classifier() -> Any:
    """The encoder with a linear layer to ten classes."""
    return _with_head(nn.Linear(FEATURES, 10))


def projector() -> Any:
    """The encoder with the two-layer projection head of SimCLR."""
    return _with_head(nn.Sequential(nn.Linear(FEATURES, FEATURES), nn.ReLU(), nn.Linear(FEATURES, 64)))


def _with_head(head: Any) -> Any:
    return nn.Sequential(OrderedDict(encoder=_encoder(), head=head))


def _encoder() -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 256),
        nn.ReLU(),
        nn.Linear(256, FEATURES),
        nn.ReLU(),
    )
