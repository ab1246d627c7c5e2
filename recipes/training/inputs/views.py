"""Random views of a batch of images, all at once; every draw is of the global generator.

As the paper's, with three differences: a crop takes 60 to 100 % of the area (scales above 1 can never fit, and
torchvision then draws again), colours change in one order, and hue turns about the grey axis.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import torch
from torch.nn import functional

__all__ = ["contrastive", "plain", "supervised"]

Tensor: TypeAlias = Any

GREY = (0.299, 0.587, 0.114)
COLOURED, GREYED, BLURRED, FLIPPED = 0.4, 0.2, 0.5, 0.5
"""How often each is done."""

STRENGTH, HUE = 0.8, 0.2
LEAST_AREA, LONGEST = 0.6, 4 / 3
BLUR = (0.1, 2.0)


def plain(images: Tensor, *, grey: bool) -> Tensor:
    """As they are."""
    return images


def supervised(images: Tensor, *, grey: bool) -> Tensor:
    """Cropped and flipped; where colours mean something, jittered or without them too."""
    images = _cropped(images)
    return images if grey else _greyed(_jittered(images))


def contrastive(images: Tensor, *, grey: bool) -> Tensor:
    """As `supervised`, and half of them blurred."""
    return _blurred(supervised(images, grey=grey))


def _uniform(n: int, low: float, high: float, like: Tensor) -> Tensor:
    return low + (high - low) * torch.rand(n, device=like.device)


def _cropped(images: Tensor) -> Tensor:
    """A part of each image at its full size; half of them as in a mirror."""
    n = len(images)
    area = _uniform(n, LEAST_AREA, 1.0, images)
    ratio = torch.exp(_uniform(n, -math.log(LONGEST), math.log(LONGEST), images) / 2)
    width, height = (area.sqrt() * ratio).clamp(max=1), (area.sqrt() / ratio).clamp(max=1)
    x, y = ((1 - extent) * _uniform(n, -1, 1, images) for extent in (width, height))
    mirror = torch.where(torch.rand(n, device=images.device) < FLIPPED, -1.0, 1.0)
    zero = torch.zeros_like(x)
    map_ = torch.stack([torch.stack([width * mirror, zero, x], 1), torch.stack([zero, height, y], 1)], 1)
    grid = functional.affine_grid(map_, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _grey(images: Tensor) -> Tensor:
    weights = torch.tensor(GREY, device=images.device).reshape(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True)


def _jittered(images: Tensor) -> Tensor:
    """Brightness, contrast, saturation and hue of some of them."""
    chosen = (torch.rand(len(images), device=images.device) < COLOURED).nonzero()[:, 0]
    some = images[chosen]
    brightness, contrast, saturation = (
        _uniform(len(some), 1 - STRENGTH, 1 + STRENGTH, images).reshape(-1, 1, 1, 1) for _ in range(3)
    )
    some = (some * brightness).clamp(0, 1)
    some = (_grey(some).mean((2, 3), keepdim=True) * (1 - contrast) + some * contrast).clamp(0, 1)
    some = (_grey(some) * (1 - saturation) + some * saturation).clamp(0, 1)
    turned = torch.einsum("nij,njhw->nihw", _turns(_uniform(len(some), -HUE, HUE, images)), some).clamp(0, 1)
    return images.index_copy(0, chosen, turned)


def _turns(hue: Tensor) -> Tensor:
    """Rotations by `hue` of a whole turn about the grey axis, shape (n, 3, 3)."""
    angle = (2 * math.pi * hue).reshape(-1, 1, 1)
    third = torch.full((3, 3), 1 / 3, device=hue.device)
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=hue.device) / math.sqrt(3)
    return angle.cos() * torch.eye(3, device=hue.device) + angle.sin() * cross + (1 - angle.cos()) * third


def _greyed(images: Tensor) -> Tensor:
    chosen = (torch.rand(len(images), device=images.device) < GREYED).reshape(-1, 1, 1, 1)
    return torch.where(chosen, _grey(images), images)


def _blurred(images: Tensor) -> Tensor:
    """Half of them, by a Gaussian of 0.1 to 2 pixels whose window is a tenth of the image."""
    chosen = (torch.rand(len(images), device=images.device) < BLURRED).nonzero()[:, 0]
    size = images.shape[-1]
    sigma = _uniform(len(chosen), *BLUR, images)
    reach = max(1, size // 20)
    weights = torch.exp(-(torch.arange(-reach, reach + 1, device=images.device) ** 2) / (2 * sigma[:, None] ** 2))
    weights = (weights / weights.sum(1, keepdim=True)).T.reshape(2 * reach + 1, len(chosen), 1, 1, 1)
    some = images[chosen]
    for axis, pad in ((3, (reach, reach, 0, 0)), (2, (0, 0, reach, reach))):
        wide = functional.pad(some, pad, mode="reflect")
        some = sum(weight * wide.narrow(axis, k, size) for k, weight in enumerate(weights))
    return images.index_copy(0, chosen, some)
