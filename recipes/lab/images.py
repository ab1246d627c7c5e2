"""Images as they lie in the folder of data, bytes of shape (n, channels, height, width) with their labels."""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Labelled", "MissingDataError", "cifar", "folders", "mnist", "unit"]

Labelled: TypeAlias = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


class MissingDataError(FileNotFoundError):
    """A file of a data set is not where it should be, or not whole."""


def mnist(data: Path, part: str = "t10k") -> Labelled:
    """Grey images of 28 x 28 pixels: the test part, or ``"train"``."""
    how = "put the four .gz files of MNIST there, as torchvision.datasets.MNIST(..., download=True) gets them"
    images, labels = (
        _read(data / "mnist" / f"{part}-{name}-ubyte.gz", how, partial(_idx, offset=offset))
        for name, offset in (("images-idx3", 16), ("labels-idx1", 8))
    )
    return images.reshape(-1, 1, 28, 28), labels.astype(int)


def cifar(data: Path, part: str = "test_batch") -> Labelled:
    """Colour images of 32 x 32 pixels of one of the Python batches of CIFAR-10, packed by xz or not."""
    folder = data / "cifar-10-batches-py"
    how = "put the Python batches of CIFAR-10 there, as torchvision.datasets.CIFAR10(..., download=True) gets them"
    if (folder / part).exists():
        return _read(folder / part, how, _batch)
    return _read(folder / f"{part}.xz", how, lambda raw: _batch(lzma.decompress(raw)))


def folders(root: Path, part: str, most: int | None = None) -> Labelled:
    """Colour images of one size from a folder per class, listed in classes.csv; one class after the other by turns.

    `most` images in all, where there are more.
    """
    how = "put a folder of images per class there, and classes.csv that names them"
    names = [row["wnid"] for row in csv.DictReader(_bytes(root / "classes.csv", how).decode().splitlines())]
    files = [sorted((root / part / name).glob("*.[jJpP]*")) for name in names]
    if empty := [name for name, found in zip(names, files, strict=True) if not found]:
        raise MissingDataError(f"no images in {root / part / empty[0]}; {how}")
    each = min(map(len, files))
    turns = [(found[k], label) for k in range(each) for label, found in enumerate(files)][:most]
    images = [_read(path, how, _pixels) for path, _label in turns]
    return np.stack(images), np.array([label for _path, label in turns])


def unit(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """`images` of bytes as float32 in [0, 1]."""
    return images.astype(np.float32) / 255


def _read(path: Path, how: str, decoded: Callable[[bytes], Any]) -> Any:
    """What `decoded` makes of the file at `path`; of a file that is damaged, an error that names it."""
    raw = _bytes(path, how)
    try:
        return decoded(raw)
    except Exception as error:  # each format has its own way to say that bytes are missing
        text = " ".join(f"{type(error).__name__}: {error}".split())
        raise MissingDataError(f"{path} is cut off or damaged ({text}); {how}") from error


def _idx(raw: bytes, offset: int) -> np.ndarray[Any, Any]:
    """The values of a packed IDX file behind its head of `offset` bytes, which says how many there are."""
    whole = gzip.decompress(raw)
    shape = np.frombuffer(whole[4:offset], ">i4")
    return np.frombuffer(whole, np.uint8, offset=offset).reshape(shape)


def _batch(raw: bytes) -> Labelled:
    batch = pickle.loads(raw, encoding="bytes")
    return batch[b"data"].reshape(-1, 3, 32, 32), np.array(batch[b"labels"])


def _pixels(raw: bytes) -> np.ndarray[Any, Any]:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(raw)).convert("RGB")).transpose(2, 0, 1)


def _bytes(path: Path, how: str) -> bytes:
    if not path.is_file():
        raise MissingDataError(f"no file {path}; {how}, or give another folder by --data DIR")
    return path.read_bytes()
