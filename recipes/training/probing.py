"""Accuracy on held-out images: of the classifier itself, or of a linear one on an encoder that saw no labels."""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
from torch.nn import functional

from recipes.training.schedule import rate_at

__all__ = ["calibration_error", "encoded", "linear_probe", "ridge_probe", "scores"]

Tensor: TypeAlias = Any

BATCH = 256


def encoded(network: Any, pixels: Tensor, what: str = "encoder") -> Tensor:
    """The encodings, or the logits where `what` is ``"logits"``, of normalised images, in evaluation mode."""
    was = network.training
    network.eval()
    run = network.encoder if what == "encoder" else network
    with torch.no_grad():
        found = torch.cat([run(some).float() for some in pixels.split(BATCH)])
    network.train(was)
    return found


def scores(logits: Tensor, labels: Tensor, classes: int) -> tuple[float, list[float]]:
    """The share of images that are classified right, and that of each class."""
    right = (logits.argmax(1).to(labels.device) == labels).double()
    each = [float(right[labels == label].mean()) if bool((labels == label).any()) else 0.0 for label in range(classes)]
    return float(right.mean()), [round(share, 4) for share in each]


def calibration_error(logits: Tensor, labels: Tensor, bins: int = 15) -> float:
    """How far confidence and accuracy lie apart: the expected calibration error of Guo et al. (2017).

    Images are put into `bins` of equal width by their largest probability; the mean over images of the distance
    between their bin's mean of it and their bin's share that is right.
    """
    confidence, found = logits.double().softmax(1).max(1)
    over = confidence - (found == labels).double()
    bin_of = (confidence * bins).long().clamp(max=bins - 1)
    return float(
        torch.zeros(bins, dtype=over.dtype, device=over.device).index_add(0, bin_of, over).abs().sum() / len(over)
    )


def ridge_probe(train: tuple[Tensor, Tensor], held: Tensor) -> Tensor:
    """Logits of the encodings `held` by ridge regression on the encodings and labels `train`."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    points, labels = (values.cpu().numpy() for values in train)
    found = make_pipeline(StandardScaler(), RidgeClassifier(alpha=10.0)).fit(points, labels)
    return torch.as_tensor(found.decision_function(held.cpu().numpy()))


def linear_probe(encodings: Any, classes: int, *, epochs: int = 10, rate: float = 1e-3, warmup: int = 2) -> Any:
    """A linear layer trained as the paper does: weights N(0, 0.01), AdamW; `encodings()` gives an epoch's batches."""
    layer: Any = None
    for epoch in range(1, epochs + 1):
        for points, labels in encodings():
            if layer is None:
                layer = torch.nn.Linear(points.shape[1], classes, device=points.device)
                torch.nn.init.normal_(layer.weight, std=0.01)
                torch.nn.init.zeros_(layer.bias)
                optimizer = torch.optim.AdamW(layer.parameters(), lr=rate)
            for group in optimizer.param_groups:
                group["lr"] = rate * rate_at(epoch, epochs, warmup)
            optimizer.zero_grad()
            functional.cross_entropy(layer(points), labels).backward()
            optimizer.step()
    return layer
