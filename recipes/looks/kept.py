"""The cells of the recipe `training`: their curves, and the embeddings that they keep; trained where they are not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from recipes.lab.log import Log, read
from recipes.training import cells

__all__ = ["Embedding", "beside", "curves", "embeddings", "trained"]

Key: TypeAlias = Mapping[str, Any]
Embedding: TypeAlias = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]

FILE = re.compile(r"embedding-(\d+)\.npz")


def beside(log: Log, recipe: str = "training") -> str:
    """The file of the results of `recipe` at the size of `log`, in the same folder of results."""
    return str(log.path.parents[1] / recipe / log.path.name)


def curves(key: Key, results: str) -> Mapping[str, Any]:
    """The curves of the cell `key`, from the file `results`; trained where it has none."""
    found = _known(key, results)
    return cells.measure(**key) if found is None else found


def trained(key: Key, results: str) -> tuple[Mapping[str, Any], Path]:
    """The curves of the cell `key`, and the folder of its embeddings; trained where either is missing."""
    folder, found = cells.place(key), _known(key, results)
    if found is None or not _whole(folder):
        found = cells.measure(**key)
    return found, folder


def embeddings(folder: Path, epochs: list[int]) -> Iterator[tuple[int, Embedding]]:
    """Points (n, d) and true labels of the held-out images at each of `epochs` that was kept."""
    for epoch in epochs:
        path = folder / f"embedding-{epoch}.npz"
        if path.exists():
            with np.load(path) as kept:
                yield epoch, (kept["points"].astype(np.float64), kept["labels"])


def _known(key: Key, results: str) -> Mapping[str, Any] | None:
    """The values of the cell in the file, none where it failed."""
    found = [cell.values for cell in read(Path(results)) if cell.key == key and not cell.error]
    return found[-1] if found else None


def _whole(folder: Path) -> bool:
    """Whether the cell was trained to its end: it keeps a state while it is not, from its first embedding on."""
    kept = [path for path in folder.glob("embedding-*.npz") if FILE.fullmatch(path.name)]
    return len(kept) > 1 and not (folder / "state.pt").exists()
