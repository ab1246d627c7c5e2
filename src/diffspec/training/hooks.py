"""What the layers of a network give on fixed inputs, as points; the network and all randomness stay as they were."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

import numpy as np

from diffspec.errors import InputError, MissingExtraError

try:
    import torch
except ImportError:
    raise MissingExtraError("diffspec.training", "torch") from None

__all__ = ["REDUCTIONS", "Layer", "Layers", "collect", "resolve_layers", "untouched", "unwrapped"]

Points: TypeAlias = np.ndarray[Any, Any]
Module: TypeAlias = Any
Tensor: TypeAlias = Any

REDUCTIONS: dict[str, tuple[range, Callable[[Tensor], Tensor], str]] = {
    "none": (range(2, 3), lambda z: z, "the output is (n, d) already"),
    "flatten": (range(2, 99), lambda z: z.flatten(1), "all trailing axes become features"),
    "mean": (range(3, 4), lambda z: z.mean(1), "mean over the tokens of (n, tokens, d)"),
    "cls": (range(3, 4), lambda z: z[:, 0], "first token of (n, tokens, d)"),
    "last": (range(3, 4), lambda z: z[:, -1], "last token of (n, tokens, d)"),
    "gap": (range(4, 5), lambda z: z.mean((2, 3)), "mean over the pixels of (n, channels, height, width)"),
}
"""Per name: the number of axes it takes, what it does, and that in words."""

WRAPPERS = (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer to look at, and how its output becomes one point per input.

    Parameters
    ----------
    name : str
        As in `model.named_modules()`; ``*`` and ``?`` match several.
    reduce : {"none", "flatten", "mean", "cls", "last", "gap"}
        What is done with axes beyond (n, d); never guessed. ``mean`` averages every token, padding included.
    """

    name: str
    reduce: str = "none"

    def __post_init__(self) -> None:
        if self.reduce not in REDUCTIONS:
            raise InputError(f"reduce must be one of {', '.join(REDUCTIONS)}, got {self.reduce!r}")


Layers: TypeAlias = str | Layer | Sequence[str | Layer] | Mapping[str, str]
"""A layer, several, or a mapping from names to reductions."""


def collect(model: Module, layers: Layers, batches: Iterator[Any] | Sequence[Any]) -> dict[str, Points]:
    """Per layer its output on `batches`, reduced, on the host: an array (n, d) each, rows in the order of the inputs.

    Parameters
    ----------
    model : torch.nn.Module
        Also one wrapped by `torch.compile`, `DataParallel` or `DistributedDataParallel`; the network inside is run,
        eagerly, in evaluation mode and without gradients.
    layers : str, Layer, sequence of them, or mapping name to reduction
        The layers by the names of the network inside the wrappers.
    batches : iterable of tensor or mapping
        Inputs, each on any device; a mapping is given to the network as keyword arguments.

    Raises
    ------
    InputError
        No such layer, an output that needs a reduction, a layer that ran not once per pass.

    Notes
    -----
    One forward pass. Hooks, training flags and random states are put back also when the pass fails.
    """
    network = unwrapped(model)
    found = resolve_layers(network, layers)
    parts: dict[str, list[Points]] = {layer.name: [] for layer in found}
    with untouched(network), torch.no_grad(), _eager():
        for batch in batches:
            for name, rows in _one_pass(network, found, batch).items():
                parts[name].append(rows)
    return {name: np.concatenate(rows) for name, rows in parts.items()}


def unwrapped(model: Module) -> Module:
    """The network inside `torch.compile` and the data-parallel wrappers."""
    while isinstance(model, WRAPPERS) or hasattr(model, "_orig_mod"):
        model = model.module if isinstance(model, WRAPPERS) else model._orig_mod
    if not isinstance(model, torch.nn.Module):
        raise InputError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    return model


def resolve_layers(network: Module, layers: Layers) -> list[Layer]:
    """The layers that `layers` stands for, patterns expanded, in the order given and each once."""
    names = list(_modules(network))
    found: dict[str, Layer] = {}
    for layer in _as_layers(layers):
        for name in _matches(layer.name, names):
            found[name] = Layer(name, layer.reduce)
    if not found:
        raise InputError("layers is empty; name at least one of model.named_modules()")
    return list(found.values())


@contextmanager
def untouched(network: Module) -> Iterator[None]:
    """Evaluation mode inside; afterwards every module's own training flag and every random state are as before."""
    flags = [(module, module.training) for module in network.modules()]
    with ExitStack() as undo:
        undo.callback(random.setstate, random.getstate())
        undo.callback(np.random.set_state, np.random.get_state())  # noqa: NPY002  # the user's, to be put back
        undo.callback(torch.set_rng_state, torch.get_rng_state())
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            undo.callback(torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all())
        for module, flag in flags:
            undo.callback(setattr, module, "training", flag)
            # Not module.eval(): networks override train() with lasting effects (frozen parts, merged adapters).
            module.training = False
        yield


def _one_pass(network: Module, layers: Sequence[Layer], batch: Any) -> dict[str, Points]:
    """The reduced outputs of `layers` on one batch."""
    seen: dict[str, list[Any]] = {layer.name: [] for layer in layers}
    modules = _modules(network)
    batch, size = _moved(batch, network)
    with ExitStack() as hooks:
        for name, outputs in seen.items():
            handle = modules[name].register_forward_hook(lambda _m, _i, output, outputs=outputs: outputs.append(output))
            hooks.callback(handle.remove)
        if isinstance(batch, Mapping):
            network(**batch)
        else:
            network(batch)
    return {layer.name: _points(layer, seen[layer.name], size) for layer in layers}


def _points(layer: Layer, outputs: Sequence[Any], size: int) -> Points:
    if len(outputs) != 1:
        raise InputError(f"layer {layer.name!r} ran {len(outputs)} times in one pass; name a layer that runs once")
    output = _tensor(layer.name, outputs[0]).detach()
    shape = tuple(output.shape)
    axes, reduce, _meaning = REDUCTIONS[layer.reduce]
    if output.ndim not in axes:
        raise InputError(f"layer {layer.name!r} gives shape {shape}, not fit for reduce={layer.reduce!r}; {_choices()}")
    if shape[0] != size:
        raise InputError(f"layer {layer.name!r} gives {shape[0]} rows for {size} inputs; the first axis must be inputs")
    if output.dtype in (torch.bfloat16, torch.float16):
        output = output.float()  # NumPy knows no bfloat16, and a mean over half precision loses digits
    return np.asarray(reduce(output).cpu().numpy())


def _tensor(name: str, output: Any) -> Tensor:
    """The tensor of an output: itself, the first of a tuple, or the last hidden state of a transformers output."""
    if hasattr(output, "last_hidden_state"):
        output = output.last_hidden_state
    elif isinstance(output, tuple | list) and output:
        output = output[0]
    if not isinstance(output, torch.Tensor):
        raise InputError(f"layer {name!r} gives a {type(output).__name__}, not a tensor; name a layer that gives one")
    return output


def _moved(batch: Any, network: Module) -> tuple[Any, int]:
    """`batch` on the device of the network's first parameter, and its number of inputs."""
    device = next((parameter.device for parameter in network.parameters()), None)
    if isinstance(batch, Mapping):
        moved = {name: value.to(device) for name, value in batch.items()}
        return moved, len(next(iter(moved.values())))
    return batch.to(device), len(batch)


def _eager() -> AbstractContextManager[Any]:
    """Compiled parts run uncompiled inside: hooks and evaluation mode would make every look compile them anew."""
    stance = getattr(torch.compiler, "set_stance", None)  # since torch 2.6
    nothing_compiled = "torch._dynamo" not in sys.modules  # importing it takes seconds
    return nullcontext() if stance is None or nothing_compiled else stance("force_eager")


def _modules(network: Module) -> dict[str, Module]:
    """Modules by name, without the marks that `torch.compile` of a part leaves in names."""
    return {_plain(name): module for name, module in network.named_modules()}


def _plain(name: str) -> str:
    return name.replace("_orig_mod.", "").removesuffix("._orig_mod")


def _as_layers(layers: Layers) -> list[Layer]:
    if isinstance(layers, Mapping):
        return [Layer(name, reduce) for name, reduce in layers.items()]
    several = [layers] if isinstance(layers, str | Layer) else list(layers)
    return [layer if isinstance(layer, Layer) else Layer(layer) for layer in several]


def _matches(asked: str, names: Sequence[str]) -> list[str]:
    """The names that `asked` stands for; a name with the prefix of a wrapper stands for the one without."""
    plain = _plain(asked)
    for wanted in (plain, plain.removeprefix("module.")):
        found = [wanted] if wanted in names else [name for name in names if fnmatchcase(name, wanted)]
        if found:
            return found
    near = get_close_matches(asked, names, n=5, cutoff=0.4) or [name for name in names if name][:10]
    raise InputError(f"no layer {asked!r} in the model; near names: {', '.join(near)}; see model.named_modules()")


def _choices() -> str:
    return "reductions: " + "; ".join(f"{name} ({meaning})" for name, (_axes, _f, meaning) in REDUCTIONS.items())
