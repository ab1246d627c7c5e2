"""Images as they lie in the folder of data, bytes of shape (n, channels, height, width) with their labels."""

from __future__ import annotations

import csv
import gzip
import lzma
import pickle
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Labelled", "MissingDataError", "cifar", "folders", "mnist", "unit"]

Labelled: TypeAlias = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


class MissingDataError(FileNotFoundError):
    """A file of a data set is not where it should be."""


def mnist(data: Path, part: str = "t10k") -> Labelled:
    """Grey images of 28 x 28 pixels: the test part, or ``"train"``."""
    how = "put the four .gz files of MNIST there, as torchvision.datasets.MNIST(..., download=True) gets them"
    read = [
        gzip.decompress(_bytes(data / "mnist" / f"{part}-{name}-ubyte.gz", how))
        for name in ("images-idx3", "labels-idx1")
    ]
    images, labels = (np.frombuffer(raw, np.uint8, offset=at) for raw, at in zip(read, (16, 8), strict=True))
    return images.reshape(-1, 1, 28, 28), labels.astype(int)


def cifar(data: Path, part: str = "test_batch") -> Labelled:
    """Colour images of 32 x 32 pixels of one of the Python batches of CIFAR-10, packed by xz or not."""
    folder = data / "cifar-10-batches-py"
    if (folder / part).exists():
        raw = (folder / part).read_bytes()
    else:
        how = "put the Python batches of CIFAR-10 there, as torchvision.datasets.CIFAR10(..., download=True) gets them"
        raw = lzma.decompress(_bytes(folder / f"{part}.xz", how))
    batch = pickle.loads(raw, encoding="bytes")
    return batch[b"data"].reshape(-1, 3, 32, 32), np.array(batch[b"labels"])


def folders(root: Path, part: str, most: int | None = None) -> Labelled:
    """Colour images of one size from a folder per class, listed in classes.csv; one class after the other by turns.

    `most` images in all, where there are more.
    """
    from PIL import Image

    how = "put a folder of images per class there, and classes.csv that names them"
    names = [row["wnid"] for row in csv.DictReader(_bytes(root / "classes.csv", how).decode().splitlines())]
    files = [sorted((root / part / name).glob("*.[jJpP]*")) for name in names]
    if empty := [name for name, found in zip(names, files, strict=True) if not found]:
        raise MissingDataError(f"no images in {root / part / empty[0]}; {how}")
    each = min(map(len, files))
    turns = [(found[k], label) for k in range(each) for label, found in enumerate(files)][:most]
    images = [np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1) for path, _label in turns]
    return np.stack(images), np.array([label for _path, label in turns])


def unit(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """`images` of bytes as float32 in [0, 1]."""
    return images.astype(np.float32) / 255


def _bytes(path: Path, how: str) -> bytes:
    if not path.is_file():
        raise MissingDataError(f"no file {path}; {how}, or give another folder by --data DIR")
    return path.read_bytes()
