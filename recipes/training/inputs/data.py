"""Data sets by name, as images of one size in memory: a training and a held-out part."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch.nn import functional

from recipes.lab import images as _images
from recipes.lab.data import folder
from recipes.lab.images import MissingDataError
from recipes.training.inputs import published

__all__ = ["Data", "Part", "load", "wrong"]

Tensor: TypeAlias = Any
Labelled: TypeAlias = tuple[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Images and labels: `images[indices]` are bytes (b, 1 or 3, height, width)."""

    images: Any
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """One data set."""

    train: Part
    held: Part
    classes: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    grey: bool = False
    """Whether colour means nothing here, so that views leave it alone."""

    def pixels(self, part: Part, indices: Any, size: int) -> Tensor:
        """The images of `part` at `indices` in [0, 1], of shape (b, 3, size, size)."""
        chosen = part.images[indices]
        return fitted(torch.as_tensor(chosen).float() / 255, size)

    def normal(self, pixels: Tensor) -> Tensor:
        """`pixels` less the mean of each channel, over its spread."""
        shape = (1, 3, 1, 1)
        mean, std = (torch.tensor(values, device=pixels.device).reshape(shape) for values in (self.mean, self.std))
        return (pixels - mean) / std


def fitted(pixels: Tensor, size: int) -> Tensor:
    """Three channels of `size` x `size`: a margin of 0 up to 4 pixels, else bicubic; grey ones repeated."""
    n, channels, height, _width = pixels.shape
    if 0 < size - height <= 4:
        margin = (size - height) // 2
        pixels = functional.pad(pixels, (margin,) * 4)
    elif height != size:
        pixels = functional.interpolate(pixels, (size, size), mode="bicubic", antialias=True).clamp(0, 1)
    return pixels if channels == 3 else pixels.expand(n, 3, size, size)


IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
NORMAL = {
    "MNIST": ((0.1307,) * 3, (0.3081,) * 3),
    "digits": ((0.305,) * 3, (0.376,) * 3),
    "CIFAR-10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "STL-10": ((0.4467, 0.4398, 0.4066), (0.2603, 0.2566, 0.2713)),
}
"""Means and spreads as published; other data sets take those of ImageNet."""


def load(name: str, train: int | None = None, held: int | None = None, extended: int = 0) -> Data:
    """The data set `name`, its first `train` and `held` images; training images repeated to the length `extended`.

    Raises
    ------
    MissingDataError
        Names the file that is missing and how to get it.
    """
    return _read(folder(), name, train, held, extended)


@functools.lru_cache(maxsize=4)
def _read(root: Path, name: str, train: int | None, held: int | None, extended: int) -> Data:
    local = HERE.get(name)
    here = local is not None and (local.folder is None or (root / local.folder).exists() or name not in published.NAMES)
    parts = local.read(root, train, held) if here else published.read(name, root)
    (images, labels), (held_images, held_labels) = parts
    mean, std = NORMAL.get(name, IMAGENET)
    for part, asked, there in (("training", train, labels), ("held-out", held, held_labels)):
        if len(there) < (asked or 1):
            raise MissingDataError(f"{asked or 1} {part} images of {name} are asked for, {root} has {len(there)}")
    first = Part(_bytes(images, train), torch.as_tensor(np.asarray(labels))[:train].long())
    return Data(
        train=_repeated(first, extended),
        held=Part(_bytes(held_images, held), torch.as_tensor(np.asarray(held_labels))[:held].long()),
        classes=int(np.max(labels)) + 1,
        mean=mean,
        std=std,
        grey=name in ("MNIST", "digits"),
    )


def wrong(labels: Tensor, seed: int) -> Tensor:
    """`labels` in another order, one permutation of all: as many of each class, and none says anything of its image."""
    return labels[torch.as_tensor(np.random.default_rng(seed).permutation(len(labels)))]


def _repeated(part: Part, length: int) -> Part:
    """`part` again and again up to `length` images, by index."""
    if length <= len(part):
        return part
    order = torch.arange(length) % len(part)
    return Part(_Reordered(part.images, order), part.labels[order])


@dataclass(frozen=True, slots=True, eq=False)
class _Reordered:
    images: Any
    order: Tensor

    def __getitem__(self, indices: Any) -> Any:
        return self.images[self.order[indices]]


def _bytes(images: Any, most: int | None) -> Any:
    """The first images as one tensor; those that are read one by one stay so."""
    return torch.as_tensor(np.array(images[:most])) if isinstance(images, np.ndarray) else images


@dataclass(frozen=True, slots=True)
class Local:
    """A data set in the layout of shared/data, or made here."""

    folder: str | None
    read: Callable[[Path, int | None, int | None], tuple[Labelled, Labelled]]


def _mnist(root: Path, _train: int | None, _held: int | None) -> tuple[Labelled, Labelled]:
    return _images.mnist(root, "train"), _images.mnist(root)


def _cifar(root: Path, train: int | None, _held: int | None) -> tuple[Labelled, Labelled]:
    batches = 5 if train is None else min(5, -(-train // 10_000))
    read = [_images.cifar(root, f"data_batch_{k}") for k in range(1, batches + 1)]
    images, labels = (np.concatenate(column) for column in zip(*read, strict=True))
    return (images, labels), _images.cifar(root)


def _imagenette(root: Path, train: int | None, held: int | None) -> tuple[Labelled, Labelled]:
    at = root / "imagenette96"
    return _images.folders(at, "train", train), _images.folders(at, "test", held)


def _digits(_root: Path, _train: int | None, _held: int | None) -> tuple[Labelled, Labelled]:
    """The digits of scikit-learn, of 8 x 8 pixels; the first 1000 are for training."""
    from sklearn.datasets import load_digits

    flat, labels = load_digits(return_X_y=True)
    images = np.round(flat * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)
    return (images[:1000], labels[:1000]), (images[1000:], labels[1000:])


HERE = {
    "MNIST": Local("mnist", _mnist),
    "CIFAR-10": Local("cifar-10-batches-py", _cifar),
    "Imagenette at 96x96": Local("imagenette96", _imagenette),
    "digits": Local(None, _digits),
}
