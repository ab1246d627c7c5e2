"""Inputs of a network, in one batch or many: copied, cut, joined and counted."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import torch

from diffspec._checks import shown
from diffspec.errors import InputError

__all__ = [
    "LABELS",
    "Batch",
    "as_batches",
    "copied",
    "joined",
    "mapped",
    "part_of",
    "size_of",
    "split",
    "unknown_to",
    "words_of",
]

Batch: TypeAlias = Any
"""A tensor, or a mapping that is given as keyword arguments: tensors, further mappings, and values that stay."""

Module: TypeAlias = Any

LABELS = ("labels", "label", "label_ids")
"""What the labels are called in mappings, by the collators of transformers."""

OF_TABLE = "use torch.as_tensor(inputs.to_numpy())"
"""What to do with a table of pandas or polars, which torch cannot read."""

SHARED = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def as_batches(batches: Any) -> Iterator[Batch]:
    """The inputs of each of `batches`; of a pair (inputs, labels), as a DataLoader gives it, the first.

    Raises
    ------
    InputError
        No batches at all, an empty one, or one that holds no tensor.
    """
    if isinstance(batches, torch.Tensor | Mapping):
        batches = [batches]
    if hasattr(batches, "to_numpy"):  # a table, whose parts would be the names of its columns
        raise InputError(f"batches must be tensors or mappings, got {type(batches).__name__}; {OF_TABLE}")
    if not hasattr(batches, "__iter__"):
        raise InputError(f"batches must be an iterable of tensors or mappings, got {shown(batches)}")
    place = -1
    for place, batch in enumerate(batches):
        inputs, _labels = split(batch)
        if size_of(inputs) == 0:
            raise InputError(f"batch {place} is empty; leave it out")
        yield inputs
    if place < 0:
        raise InputError("batches is empty; give at least one batch of inputs (a generator can be read once only)")


def split(batch: Any) -> tuple[Batch, Any]:
    """Inputs and labels of a batch: the first two of a tuple or list; labels are None where there is one part."""
    parts = list(batch) if isinstance(batch, tuple | list) else [batch]
    inputs = parts[0] if parts else None
    if not isinstance(inputs, torch.Tensor | Mapping):
        raise InputError(
            f"a batch must be a tensor, a mapping of tensors, or a pair of such inputs and labels, got {shown(batch)}; "
            "use torch.as_tensor(inputs)"
        )
    return inputs, parts[1] if len(parts) > 1 else None


def unknown_to(network: Module, batch: Batch) -> list[str]:
    """The keys of `batch` that the network has no argument for: what a data set holds besides inputs."""
    if not isinstance(batch, Mapping):
        return []
    try:
        arguments = inspect.signature(network.forward).parameters
    except (TypeError, ValueError):  # one that does not say, such as a scripted network
        return []
    if any(argument.kind is argument.VAR_KEYWORD for argument in arguments.values()):
        return []
    return [name for name in batch if name not in arguments]


def size_of(batch: Batch) -> int:
    """The number of inputs of a batch, the length of every tensor in it that has one.

    Raises
    ------
    InputError
        Tensors of unequal lengths, none at all, or one without values.
    """
    tensors: list[Any] = []
    mapped(batch, lambda tensor: tensors.append(_checked(tensor)))
    sizes = sorted({len(tensor) for tensor in tensors if tensor.ndim})
    if len(sizes) != 1:
        got = f"tensors with {', '.join(map(str, sizes))}; cut them alike" if sizes else "none; use torch.as_tensor"
        raise InputError(f"inputs must be tensors with as many inputs each, got {got}")
    return sizes[0]


def part_of(batch: Batch, part: slice) -> Batch:
    """The inputs at `part`; what has no length stays as it is."""
    return mapped(batch, lambda tensor: tensor[part] if tensor.ndim else tensor)


def joined(batches: Sequence[Batch]) -> Batch:
    """Several batches as one, all on the host.

    Raises
    ------
    InputError
        Batches of different keys or shapes.
    """
    first = batches[0]
    if isinstance(first, Mapping):
        if any(not isinstance(batch, Mapping) or batch.keys() != first.keys() for batch in batches):
            raise InputError("the batches of a loader must all have the same keys; leave the others out")
        return {name: joined([batch[name] for batch in batches]) for name in first}
    if not isinstance(first, torch.Tensor) or not first.ndim:
        return first
    try:
        return torch.cat([batch.detach().cpu() for batch in batches])
    except RuntimeError:
        shapes = ", ".join(sorted({str(tuple(batch.shape[1:])) for batch in batches}))
        raise InputError(f"inputs of a loader must have one shape, got {shapes}; pad or resize them alike") from None


def words_of(batch: Batch) -> str:
    """The shape and dtype of a batch, for an error."""
    if isinstance(batch, torch.Tensor):
        return f"inputs of shape {tuple(batch.shape)}, {batch.dtype}"
    return "inputs " + ", ".join(
        f"{name}: {tuple(v.shape)}" for name, v in batch.items() if isinstance(v, torch.Tensor)
    )


def copied(batch: Batch, network: Module | None = None) -> Batch:
    """A copy of `batch`, which the network may change, on its device and in the floating dtype of its parameters."""
    parameters = [] if network is None else list(network.parameters())
    device = parameters[0].device if parameters else None
    dtypes = {parameter.dtype for parameter in parameters if parameter.is_floating_point()}
    dtype = next(iter(dtypes)) if len(dtypes) == 1 and dtypes <= set(SHARED) else None

    def copy(tensor: Any) -> Any:
        to = dtype if tensor.dtype in SHARED else None
        return tensor.detach().to(device=device or tensor.device, dtype=to or tensor.dtype, copy=True)

    return mapped(batch, copy)


def mapped(batch: Batch, function: Callable[[Any], Any]) -> Batch:
    """`function` of every tensor, in mappings, tuples and lists too; other values stay."""
    if isinstance(batch, torch.Tensor):
        return function(batch)
    if isinstance(batch, Mapping):
        return {name: mapped(value, function) for name, value in batch.items()}
    if type(batch) in (tuple, list):
        return type(batch)(mapped(value, function) for value in batch)
    return batch


def _checked(tensor: Any) -> Any:
    if tensor.is_nested or tensor.layout != torch.strided or tensor.device.type == "meta":
        kind = "nested" if tensor.is_nested else f"{tensor.layout} on {tensor.device.type}"
        raise InputError(
            f"inputs must be plain tensors, got a {kind} one; use to_padded_tensor, to_dense or real values"
        )
    return tensor
