"""The three conditions of the paper: true labels, no labels (SimCLR), and labels that were shuffled."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch.nn import functional

from diffspec.demo.networks import classifier, projector

__all__ = ["CONDITIONS", "Condition", "Digits", "load", "nt_xent", "two_views"]

Tensor: TypeAlias = Any
Network: TypeAlias = Any


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """Images (n, 1, 8, 8) in [0, 1] and labels (n,), for training and held out."""

    images: Tensor
    labels: Tensor
    held_images: Tensor
    held_labels: Tensor


def load(train: int = 1000) -> Digits:
    """The handwritten digits that ship with scikit-learn: the first `train` for training, the other 797 held out."""
    from sklearn.datasets import load_digits

    flat, labels = load_digits(return_X_y=True)
    images = torch.as_tensor(flat / 16.0, dtype=torch.float32).reshape(-1, 1, 8, 8)
    classes = torch.as_tensor(labels)
    return Digits(images[:train], classes[:train], images[train:], classes[train:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One way to train: what differs between the conditions, and nothing else."""

    name: str
    meaning: str
    network: Callable[[], Network]
    labels: Callable[[Tensor], Tensor]
    """True training labels to those it is trained with."""
    loss: Callable[[Network, Tensor, Tensor], Tensor]
    """Network, images and labels of a batch to the loss."""
    scores: Callable[[Network, Digits, Tensor], dict[str, float]]
    """Network, digits and the labels trained with, to what is logged beside the measures; `accuracy` is held out."""
    batch: int


def _cross_entropy(network: Network, images: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(network(images), labels)


def _contrast(network: Network, images: Tensor, _labels: Tensor) -> Tensor:
    return nt_xent(*(network(view) for view in two_views(images)))


def nt_xent(first: Tensor, second: Tensor, temperature: float = 0.5) -> Tensor:
    """The loss of SimCLR (Chen et al. 2020): every view has to find its twin among all other views of the batch."""
    views = functional.normalize(torch.cat([first, second]), dim=1)
    similarity = (views @ views.T / temperature).fill_diagonal_(-math.inf)
    return functional.cross_entropy(similarity, torch.arange(len(views)).roll(len(first)))


def two_views(images: Tensor) -> tuple[Tensor, Tensor]:
    """Two random views of every image: turned by up to 17 degrees, scaled by up to 15 %, shifted by a pixel, noisy."""
    return _view(images), _view(images)


def _view(images: Tensor) -> Tensor:
    n = len(images)
    angle = 0.3 * _plus_minus_one(n)
    scale = 1.0 + 0.15 * _plus_minus_one(n)
    shift = 0.25 * _plus_minus_one(n, 2)  # in half widths of the image: one pixel of eight
    rows = [torch.stack([angle.cos(), -angle.sin()], 1), torch.stack([angle.sin(), angle.cos()], 1)]
    turn = torch.stack(rows, 1) * scale[:, None, None]
    grid = functional.affine_grid(torch.cat([turn, shift[:, :, None]], 2), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False) + 0.1 * torch.randn_like(images)


def _plus_minus_one(*shape: int) -> Tensor:
    return 2.0 * torch.rand(*shape) - 1.0


def _shuffled(labels: Tensor) -> Tensor:
    return labels[torch.randperm(len(labels))]


def _class_scores(network: Network, digits: Digits, trained: Tensor) -> dict[str, float]:
    with torch.no_grad():
        held, own = network(digits.held_images).argmax(1), network(digits.images).argmax(1)
    return {"accuracy": _share(held, digits.held_labels), "training_accuracy": _share(own, trained)}


def _probe_scores(network: Network, digits: Digits, trained: Tensor) -> dict[str, float]:
    """Accuracy of a linear probe: a ridge classifier on the frozen Z of the training images, with true labels."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    with torch.no_grad():
        held, own = network.encoder(digits.held_images), network.encoder(digits.images)
    probe = make_pipeline(StandardScaler(), RidgeClassifier()).fit(own.numpy(), trained.numpy())
    return {"accuracy": float(probe.score(held.numpy(), digits.held_labels.numpy()))}


def _share(found: Tensor, wanted: Tensor) -> float:
    return float((found == wanted).double().mean())


CONDITIONS = (
    Condition(
        name="supervised",
        meaning="true labels, cross entropy",
        network=classifier,
        labels=lambda labels: labels,
        loss=_cross_entropy,
        scores=_class_scores,
        batch=25,
    ),
    Condition(
        name="contrastive",
        meaning="no labels: SimCLR with two random views of every image; accuracy by a linear probe",
        network=projector,
        labels=lambda labels: labels,
        loss=_contrast,
        scores=_probe_scores,
        batch=100,
    ),
    Condition(
        name="wrong labels",
        meaning="training labels shuffled, so that all there is to learn is to memorise them",
        network=classifier,
        labels=_shuffled,
        loss=_cross_entropy,
        scores=_class_scores,
        batch=25,
    ),
)
