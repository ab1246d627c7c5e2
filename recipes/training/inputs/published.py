"""Data sets by torchvision's own classes, downloaded where they can be; images are read as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from recipes.lab.images import MissingDataError

__all__ = ["NAMES", "PEOPLE", "human_labels", "read"]

Labelled: TypeAlias = tuple[Any, Any]

HOW = "give a folder that has it by --data DIR, as torchvision lays it out"
PEOPLE = "CIFAR-10_human.pt"
"""The file of CIFAR-10N in the folder of data."""

SIDE = 256
"""Images of many sizes become central squares of this many pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Lazy:
    """A data set of torchvision whose images are read when they are asked for."""

    dataset: Any

    def __getitem__(self, indices: Any) -> np.ndarray[Any, Any]:
        return np.stack([_square(self.dataset[int(k)][0]) for k in np.atleast_1d(np.asarray(indices))])


def read(name: str, root: Path) -> tuple[Labelled, Labelled]:
    """The training and the held-out part of the data set `name`, under `root`."""
    if name not in NAMES:
        raise MissingDataError(f"no data set {name!r} under {root}; known by torchvision: {', '.join(NAMES)}")
    try:
        train, held = NAMES[name](root)
    except MissingDataError:
        raise
    except Exception as error:  # no network, a file that is cut off: whatever torchvision says of it
        text = " ".join(f"{type(error).__name__}: {error}".split())
        raise MissingDataError(
            f"{name} is not in {root} and torchvision cannot get it there ({text}); {HOW}"
        ) from error
    return _labelled(train), _labelled(held)


def human_labels(path: Path, kind: str, clean: Any) -> np.ndarray[Any, Any]:
    """The labels `kind`, such as ``"worse_label"``, that people gave CIFAR-10, from the file CIFAR-10_human.pt."""
    import torch

    if not path.is_file():
        raise MissingDataError(f"no file {path}; CIFAR-10N publishes it as {PEOPLE}")
    found = torch.load(path, weights_only=False)
    if not np.array_equal(found["clean_label"][: len(clean)], np.asarray(clean)):
        raise ValueError(f"{path} is of other images: its clean labels are not those of the data set")
    return np.asarray(found[kind][: len(clean)])


def _square(image: Any) -> np.ndarray[Any, Any]:
    from torchvision.transforms import functional

    small = functional.center_crop(functional.resize(image.convert("RGB"), SIDE), SIDE)
    return np.asarray(small).transpose(2, 0, 1)


def _labelled(dataset: Any) -> Labelled:
    """Images and labels; those that torchvision holds in memory as one array."""
    labels = next(
        getattr(dataset, name) for name in ("targets", "labels", "_labels", "_samples") if hasattr(dataset, name)
    )
    labels = np.array([label[1] if isinstance(label, tuple) else label for label in labels])
    data = np.asarray(getattr(dataset, "data", ()))
    if data.ndim == 3:
        data = data[:, None]
    elif data.ndim == 4 and data.shape[-1] == 3:
        data = data.transpose(0, 3, 1, 2)
    return (data if len(data) else Lazy(dataset)), labels


def _sets() -> Any:
    from torchvision import datasets

    return datasets


def _with(name: str, *arguments: Mapping[str, Any]) -> Callable[[Path], tuple[Any, Any]]:
    """The training and the test part by the class `name`, downloaded where it can be."""
    return lambda root: tuple(getattr(_sets(), name)(str(root), **given) for given in arguments)  # type: ignore[return-value]


def _splits(name: str, train: str, test: str, **rest: Any) -> Callable[[Path], tuple[Any, Any]]:
    return _with(name, {"split": train, **rest}, {"split": test, **rest})


def _tiny(root: Path) -> tuple[Any, Any]:
    """Tiny-ImageNet: a folder per class, and a table of the held-out images' classes."""
    at = root / "tiny-imagenet-200"
    table = at / "val" / "val_annotations.txt"
    if not table.is_file():
        raise MissingDataError(f"no file {table}; unpack tiny-imagenet-200.zip into {root}")
    train, held = (_sets().ImageFolder(str(at / part)) for part in ("train", "val"))
    classes = {row.split("\t")[0]: train.class_to_idx[row.split("\t")[1]] for row in table.read_text().splitlines()}
    held.samples = held.imgs = [(path, classes[Path(path).name]) for path, _folder in held.samples]
    held.targets = [label for _path, label in held.samples]
    return train, held


FETCHED = {"download": True}
NAMES = {
    "MNIST": _with("MNIST", {"train": True, **FETCHED}, {"train": False, **FETCHED}),
    "CIFAR-10": _with("CIFAR10", {"train": True, **FETCHED}, {"train": False, **FETCHED}),
    "CIFAR-100": _with("CIFAR100", {"train": True, **FETCHED}, {"train": False, **FETCHED}),
    "STL-10": _splits("STL10", "train", "test", **FETCHED),
    "Imagenette": _splits("Imagenette", "train", "val", size="320px", **FETCHED),
    "Food101": _splits("Food101", "train", "test", **FETCHED),
    "Flowers102": _splits("Flowers102", "train", "test", **FETCHED),
    "StanfordCars": _splits("StanfordCars", "train", "test"),
    "Tiny-ImageNet": _tiny,
    "ImageNet": _splits("ImageNet", "train", "val"),
}
"""By name what gives both parts; Stanford Cars, Tiny-ImageNet and ImageNet must be there, nobody offers them freely."""
