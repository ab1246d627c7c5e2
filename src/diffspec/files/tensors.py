"""Tensors in torch files, however they are nested, without running anything that such a file could hold."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from diffspec.errors import InputError
from diffspec.files.archives import require_room
from diffspec.files.tables import Values

__all__ = ["as_numpy", "read_torch"]


def read_torch(path: Path) -> Values | dict[str, Callable[[], Values]]:
    """The tensor in a torch file; of dictionaries and lists, nested too, every tensor by its keys with dots between.

    Raises
    ------
    InputError
        The file needs ``pickle`` to be read, holds no tensors, or two that would have the same name.
    TooLargeError
        What it holds, unpacked, is larger than the free memory.
    """
    import torch

    _check(path)
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} is no torch file of plain tensors (torch.load with weights_only=True refused it); "
            "write it with torch.save(tensor, path) or torch.save({'name': tensor}, path)"
        ) from error
    if isinstance(held, torch.Tensor):
        return as_numpy(held, path)
    found: dict[str, Callable[[], Values]] = {}
    for name, tensor in _tensors(held):
        if name in found:
            raise InputError(f"{path} holds two tensors that would both be called {name!r}; rename one")
        found[name] = partial(as_numpy, tensor, path)
    if not found:
        kind = type(held).__name__
        raise InputError(
            f"{path} holds a {kind} without tensors; expected a tensor, or a dictionary or list of tensors"
        )
    return found


def _check(path: Path) -> None:
    """Raise where the file, unpacked, is too large, or damaged: torch itself compares no checksums."""
    require_room(path.stat().st_size, path)
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        require_room(sum(member.file_size for member in archive.infolist()), path)
        damaged = archive.testzip()
    if damaged is not None:
        raise InputError(f"{path} is no whole torch file ({damaged!r} does not fit its checksum); write it again")


def _tensors(held: Any) -> Iterator[tuple[str, Any]]:
    """Every tensor once, in order; a container that comes again is not entered again, since it may hold itself."""
    import torch

    entered: set[int] = set()
    waiting: list[tuple[str, Any]] = [("", held)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, torch.Tensor):
            yield name, value
        elif isinstance(value, dict | list | tuple) and id(value) not in entered:
            entered.add(id(value))
            inner = value.items() if isinstance(value, dict) else enumerate(value)
            waiting.extend(reversed([(f"{name}.{key}" if name else str(key), each) for key, each in inner]))


def as_numpy(tensor: Any, path: Path) -> Values:
    """`tensor`, dense and widened to what NumPy knows, where it fits into memory."""
    import torch

    require_room(tensor.numel() * tensor.element_size(), path)  # a broadcast or sparse one may be small in the file
    tensor = tensor.detach()
    tensor = tensor.dequantize() if tensor.is_quantized else tensor
    tensor = tensor if tensor.layout == torch.strided else tensor.to_dense()
    small = tensor.is_floating_point() and tensor.dtype not in (torch.float16, torch.float32, torch.float64)
    return np.asarray((tensor.to(torch.float32) if small else tensor).resolve_neg().resolve_conj().numpy())
