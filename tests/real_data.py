"""Small parts of real data sets, for tests that train; a test skips where they do not lie beside the checkout."""

from __future__ import annotations

import gzip
import lzma
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def mnist(n: int, part: str = "train") -> tuple[Any, Any]:
    """Images (n, 784) in [0, 1] and their digits; part is "train" or "t10k"."""
    pixels = _bytes(DATA / "mnist" / f"{part}-images-idx3-ubyte.gz", 16 + 784 * n)[16:].reshape(n, 784)
    digits = _bytes(DATA / "mnist" / f"{part}-labels-idx1-ubyte.gz", 8 + n)[8:]
    return torch.tensor(pixels / 255.0, dtype=torch.float32), torch.tensor(digits, dtype=torch.int64)


def cifar(n: int) -> tuple[Any, Any]:
    """Images (n, 3, 32, 32) around 0 and their classes, of the test batch of CIFAR-10."""
    path = _there(DATA / "cifar-10-batches-py" / "test_batch.xz")
    batch = pickle.loads(lzma.decompress(path.read_bytes()), encoding="bytes")
    images = batch[b"data"][:n].reshape(-1, 3, 32, 32).astype(np.float32) / 255.0
    return torch.from_numpy((images - 0.47) / 0.25), torch.tensor(batch[b"labels"][:n])


def reviews(n: int) -> tuple[list[str], Any]:
    """n sentences of film reviews (senteval), in turn bad and good, and whether they are good."""
    halves = []
    for kind in ("neg", "pos"):
        path = _there(DATA / "senteval" / f"rt-polarity.{kind}")
        halves.append(path.read_text(encoding="latin-1").splitlines()[: n // 2])
    return [text for pair in zip(*halves, strict=True) for text in pair], torch.arange(n) % 2


def _bytes(path: Path, count: int) -> np.ndarray:
    with gzip.open(_there(path)) as file:
        return np.frombuffer(file.read(count), dtype=np.uint8)


def _there(path: Path) -> Path:
    if not path.is_file():
        pytest.skip(f"needs the data at {path}")
    return path
