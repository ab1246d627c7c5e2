"""How the output of a layer becomes one point per input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch

from diffspec.errors import InputError

__all__ = ["REDUCTIONS", "Channels", "Points", "Reduction", "Tokens", "reduced"]

Points: TypeAlias = np.ndarray[Any, Any]
Tensor: TypeAlias = Any
Reduction: TypeAlias = str | Callable[[Tensor], Tensor]
"""A name of `REDUCTIONS`, or a function from the output of a layer to a tensor (n, d)."""

ANY = range(2, 99)
REDUCTIONS: dict[str, tuple[range, Callable[[Tensor], Tensor], str]] = {
    "none": (range(2, 3), lambda z: z, "the output is (n, d) already"),
    "flatten": (ANY, lambda z: z.flatten(1), "all trailing axes become features"),
    "mean": (range(3, 4), lambda z: z.mean(1), "mean over the tokens of (n, tokens, d)"),
    "cls": (range(3, 4), lambda z: z[:, 0], "first token of (n, tokens, d)"),
    "last": (range(3, 4), lambda z: z[:, -1], "last token of (n, tokens, d)"),
    "patches": (range(3, 4), lambda z: z.mean(1), "mean over the tokens but leading class and register tokens"),
    "masked_mean": (range(3, 4), lambda z: z, "mean over the tokens where attention_mask is 1"),
    "masked_last": (range(3, 4), lambda z: z, "last token where attention_mask is 1"),
    "gap": (range(3, 6), lambda z: z, "mean over all axes but inputs and channels, which are found"),
    "gap_first": (range(3, 6), lambda z: z.mean(tuple(range(2, z.ndim))), "mean over the pixels of (n, channels, ...)"),
    "gap_last": (
        range(3, 6),
        lambda z: z.mean(tuple(range(1, z.ndim - 1))),
        "mean over the pixels of (n, ..., channels)",
    ),
}
"""Per name: the number of axes it takes, what it does, and that in words."""

USUAL = ("none", "mean", "gap", "flatten")
"""What is offered first, where it fits."""

# What tells how many channels there are: layers that have them on axis 1, and such that have them last.
FIRST = {
    torch.nn.modules.conv._ConvNd: "out_channels",
    torch.nn.modules.batchnorm._NormBase: "num_features",
    torch.nn.GroupNorm: "num_channels",
}
LAST = {torch.nn.Linear: "out_features", torch.nn.LayerNorm: "normalized_shape"}


@dataclass(slots=True)
class Channels:
    """How many channels the layer that ran last has, and whether layers of its kind have them first."""

    count: int = 0
    first: bool = False

    def tells(self, module: Any) -> bool:
        """Whether a module of this kind tells of channels."""
        return isinstance(module, (*FIRST, *LAST))

    def saw(self, module: Any) -> None:
        """Take note of a layer that ran, and that tells of channels."""
        for kinds in (FIRST, LAST):
            for kind, attribute in kinds.items():
                if isinstance(module, kind):
                    self.count, self.first = _channels(getattr(module, attribute)), kinds is FIRST

    def reduction(self, shape: tuple[int, ...]) -> str | None:
        """``gap_first`` or ``gap_last`` for an output of `shape`; None where nothing tells."""
        fits_first, fits_last = shape[1] == self.count, shape[-1] == self.count
        if not self.first and len(shape) == 3:
            return None  # linear layers mix tokens as well as channels, and then their number is that of the tokens
        if fits_first != fits_last:
            return "gap_first" if fits_first else "gap_last"
        # Both fit (32 channels of 32 x 32 pixels) or neither does (several outputs one after the other, as in
        # DenseNet): a convolution leaves channels first. A linear layer leaves them last only where its own fit.
        return "gap_first" if self.first else None


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """What is known of the tokens of a batch."""

    mask: Tensor | None = None
    """Shape (n, tokens), 1 where a token is none that only pads."""
    leading: int | None = None
    """How many class and register tokens come before those of the input; None: not known."""


def reduced(
    layer: tuple[str, Reduction], output: Any, size: int, channels: Channels, tokens: Tokens = Tokens()
) -> Points:
    """A copy of the output of a layer (name, reduction) for `size` inputs, as an array (size, d) on the host."""
    name, reduce = layer
    tensor = _tensor(name, output).detach()
    shape = tuple(tensor.shape)
    if not isinstance(reduce, str):
        return _by_function(name, reduce, tensor, size)
    if tensor.ndim not in REDUCTIONS[reduce][0]:
        text = f"layer {name!r} gives shape {shape}, not fit for reduce={reduce!r}; "
        raise InputError(text + _choices(name, tensor.ndim) + _one(size))
    if shape[0] != size:
        text = f"layer {name!r} gives {shape[0]} rows for {size} inputs; the first axis must be inputs"
        raise InputError(text + _one(size))
    if reduce == "gap":
        reduce = channels.reduction(shape) or _ask(name, shape)
    elif reduce == "patches":
        tensor = tensor[:, _leading(name, tokens) :]
    elif reduce.startswith("masked"):
        tensor = (_masked_mean if reduce == "masked_mean" else _masked_last)(tensor, _mask(name, tensor, tokens))
    # A copy also where nothing is reduced: later layers may change this memory in place.
    return np.array(REDUCTIONS[reduce][1](_wide(name, tensor)).cpu().numpy())


def _ask(name: str, shape: tuple[int, ...]) -> str:
    raise InputError(
        f"layer {name!r} gives shape {shape}, and what ran before does not tell which axis holds the channels; "
        f'write {{"{name}": "gap_first"}} where it is axis 1, {{"{name}": "gap_last"}} where it is the last'
    )


def _by_function(name: str, reduce: Callable[[Tensor], Tensor], tensor: Tensor, size: int) -> Points:
    found = reduce(tensor)
    if not isinstance(found, torch.Tensor) or found.ndim != 2 or len(found) != size:
        got = f"shape {tuple(found.shape)}" if isinstance(found, torch.Tensor) else f"a {type(found).__name__}"
        raise InputError(
            f"the reduction of layer {name!r} must give a tensor (n, d) for {size} inputs, got {got} from "
            f"{tuple(tensor.shape)}"
        )
    return np.array(_wide(name, found.detach()).cpu().numpy())


def _leading(name: str, tokens: Tokens) -> int:
    if tokens.leading is None:
        raise InputError(
            f"the network does not tell how many class and register tokens lead in layer {name!r}; give a function: "
            f'{{"{name}": lambda z: z[:, 1:].mean(1)}} where it is one'
        )
    return tokens.leading


def _mask(name: str, tensor: Tensor, tokens: Tokens) -> Tensor:
    """The mask of the batch, as booleans beside `tensor`."""
    mask = tokens.mask
    if not isinstance(mask, torch.Tensor) or tuple(mask.shape) != tuple(tensor.shape[:2]):
        got = f"shape {tuple(mask.shape)}" if isinstance(mask, torch.Tensor) else "none"
        raise InputError(
            f"layer {name!r} gives shape {tuple(tensor.shape)}, whose mean over a mask needs inputs with an "
            f"attention_mask of shape {tuple(tensor.shape[:2])}, got {got}; give it in the mapping of inputs, or "
            "reduce='mean'"
        )
    mask = mask.to(tensor.device) != 0
    if not bool(mask.any(1).all()):
        row = int((~mask.any(1)).nonzero()[0])
        raise InputError(f"attention_mask must keep at least one token of every input, got none in row {row}")
    return mask


def _masked_mean(tensor: Tensor, mask: Tensor) -> Tensor:
    wide = tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
    return torch.where(mask[:, :, None], wide, 0).sum(1) / mask.sum(1, keepdim=True)


def _masked_last(tensor: Tensor, mask: Tensor) -> Tensor:
    places = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    return tensor[torch.arange(len(tensor), device=mask.device), torch.where(mask, places, -1).argmax(1)]


def _one(size: int) -> str:
    """What is likely where a batch of one input lost an axis."""
    hint = "; this batch holds one input, and squeeze() in a network takes its axis away: leave no batch of one"
    return hint if size == 1 else ""


def _tensor(name: str, output: Any) -> Tensor:
    """The tensor of an output: itself, the first of a tuple, or the last hidden state of a transformers output."""
    if hasattr(output, "last_hidden_state"):
        output = output.last_hidden_state
    elif isinstance(output, tuple | list) and output:
        output = output[0]
    if not isinstance(output, torch.Tensor):
        raise InputError(f"layer {name!r} gives a {type(output).__name__}, not a tensor; name a layer that gives one")
    if output.is_nested or output.layout != torch.strided or output.is_complex() or output.device.type == "meta":
        kind = "nested" if output.is_nested else f"{output.dtype}, {output.layout}, {output.device.type}"
        raise InputError(f"layer {name!r} gives a tensor without plain real values ({kind}); name another layer")
    return output


def _wide(name: str, tensor: Tensor) -> Tensor:
    """In float32 or float64: NumPy knows no bfloat16 or float8, and a mean over few digits loses some."""
    if tensor.is_quantized:
        return tensor.dequantize()
    if tensor.dtype in (torch.float32, torch.float64):
        return tensor
    return tensor.float() if tensor.is_floating_point() else tensor.double()


def _channels(told: int | tuple[int, ...]) -> int:
    """The number of channels; 0, which fits nothing, for a normalisation over pixels and channels together."""
    if isinstance(told, int):
        return told
    return told[0] if len(told) == 1 else 0


def _choices(name: str, axes: int) -> str:
    """The line to write for an output of so many axes, and what else fits."""
    fitting = {choice: words for choice, (taken, _f, words) in REDUCTIONS.items() if axes in taken}
    usual = next((choice for choice in USUAL if choice in fitting), None)
    if usual is None:
        return "no reduction takes so few axes; name another layer"
    others = ", ".join(f"{choice} ({words})" for choice, words in fitting.items() if choice != usual)
    return f'write layers={{"{name}": "{usual}"}} ({fitting[usual]}), or in its place {others}'
