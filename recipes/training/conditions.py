"""The three conditions of the paper: true labels, no labels (SimCLR), and labels in a wrong order."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch.nn import functional

from diffspec import Gaussian, paper
from diffspec.training import DSELoss, DSMILoss
from recipes.training.inputs import views

__all__ = ["AUXILIARY", "CONDITIONS", "LOSSES", "Condition", "nt_xent", "nt_xent_published"]

Tensor: TypeAlias = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What differs between the conditions, and nothing else."""

    views: Callable[..., Tensor]
    """Of a batch of images in [0, 1]; `contrasts` takes two."""
    contrasts: bool = False
    """Whether the two views of an image are brought together, with no label."""
    wrong: bool = False
    """Whether the labels are permuted, and training stops when they are known by heart."""
    people: str = ""
    """Which labels of CIFAR-10N are learnt in place of the true ones."""


CONDITIONS = {
    "supervised": Condition(views=views.supervised),
    "contrastive": Condition(views=views.contrastive, contrasts=True),
    "wrong labels": Condition(views=views.plain, wrong=True),
    "plain": Condition(views=views.plain),
    "human labels": Condition(views=views.supervised, people="worse_label"),
}
"""The three of the paper; true labels without views, for networks of `recipes/models`; labels that people gave."""


def nt_xent(first: Tensor, second: Tensor, temperature: float = 0.5) -> Tensor:
    """The loss of SimCLR as usually written: every view has to find its twin among all other views of the batch."""
    both = functional.normalize(torch.cat([first, second]), dim=1)
    similarity = (both @ both.T / temperature).fill_diagonal_(-math.inf)
    return functional.cross_entropy(similarity, torch.arange(len(both), device=both.device).roll(len(first)))


def nt_xent_published(first: Tensor, second: Tensor, temperature: float = 1.0) -> Tensor:
    """The loss of the paper's code: one logarithm for the whole batch, negatives between the two views only.

    -log(sum over pairs exp(s_ii) / sum over i != j exp(s_ij)) / b, where no term is in both sums.
    """
    similarity = functional.normalize(first, dim=1) @ functional.normalize(second, dim=1).T / temperature
    same = torch.eye(len(first), dtype=torch.bool, device=first.device)
    return (similarity[~same].logsumexp(0) - similarity[same].logsumexp(0)) / len(first)


def _of_points(loss: DSELoss) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda points, _labels: loss(points)


LOSSES = {"usual": nt_xent, "published": nt_xent_published}

_KERNELS = {"sigma = 10": paper["kernel"], "median": Gaussian()}
AUXILIARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    **{f"DSE, {name}": _of_points(DSELoss(kernel=kernel, encourage=False)) for name, kernel in _KERNELS.items()},
    **{f"DSMI, {name}": DSMILoss(kernel=kernel, encourage=False) for name, kernel in _KERNELS.items()},
}
"""Measures of a batch's encodings (b, d) and labels (b,), in bits: at a weight above 0 in a loss they are kept low."""
