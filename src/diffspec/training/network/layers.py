"""Which layers of a network are looked at: names, patterns and reductions."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias

import torch

from diffspec._checks import is_word, shown
from diffspec.errors import InputError, LayersWarning
from diffspec.training.network.reductions import REDUCTIONS, Reduction
from diffspec.training.network.untouched import check_whole

__all__ = ["PENULTIMATE", "Layer", "Layers", "Watched", "modules_of", "resolve_layers", "unwrapped", "words_of"]

Module: TypeAlias = Any

PENULTIMATE = "penultimate"
"""Stands for the input of the classifier, wherever a network has it."""

WRAPPERS = (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)
# What a pattern holds besides plain text.
WILD = re.compile(r"(\*\*|\*|\?|\[[^\]]+\])")
SIGNS = {"**": ".*", "*": r"[^.]*", "?": r"[^.]"}


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer to look at, and how its output (or its input) becomes one point per input.

    Parameters
    ----------
    name : str
        As in `model.named_modules()`, or a pattern: ``*`` is any text without a dot, ``**`` any text, ``?`` one
        character, ``[01]`` one of these. ``blocks.*`` are all blocks and nothing inside them. ``penultimate`` is the
        input of the classifier, in a network without a module of that name.
    reduce : str or callable
        What is done with axes beyond (n, d); never guessed. ``none``, ``flatten``; of tokens ``mean`` (every one,
        padding included), ``cls``, ``last``, ``patches`` (the mean without leading class and register tokens, which the
        network tells of), ``masked_mean`` and ``masked_last`` (by the ``attention_mask`` among the inputs). ``gap``
        averages over all axes but inputs and channels, and finds the channels by the convolution, normalisation or
        linear layer that ran last before; where that does not tell, it asks for ``gap_first`` (n, channels, ...) or
        ``gap_last`` (n, ..., channels). A function takes the tensor and gives one of shape (n, d).
    side : {"output", "input"}
        Whether what the layer gives is looked at, or what it is given: the first argument.
    """

    name: str
    reduce: Reduction = "none"
    side: Literal["output", "input"] = "output"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise InputError(f"a layer must be named by a str, got {shown(self.name)}; see model.named_modules()")
        if not callable(self.reduce) and not is_word(self.reduce, REDUCTIONS):
            raise InputError(f"reduce must be one of {', '.join(REDUCTIONS)} or a function, got {shown(self.reduce)}")
        if not is_word(self.side, ("output", "input")):
            raise InputError(f"side must be 'output' or 'input', got {shown(self.side)}")


Layers: TypeAlias = str | Layer | Sequence[str | Layer] | Mapping[str, Reduction]
"""A layer, several, or a mapping from names to reductions."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One module with its reduction, and what its records are called.

    A layer is called by its name; one that is looked at with several reductions by name and reduction; the input of a
    layer by name and ``input``.
    """

    name: str
    reduce: Reduction
    label: str
    by_pattern: bool = False
    side: str = "output"


def unwrapped(model: Module) -> Module:
    """The network inside `torch.compile` and the data-parallel wrappers."""
    while isinstance(model, WRAPPERS) or hasattr(model, "_orig_mod"):
        model = model.module if isinstance(model, WRAPPERS) else model._orig_mod
    if not isinstance(model, torch.nn.Module):
        raise InputError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    return model


def modules_of(network: Module) -> dict[str, Module]:
    """Modules by name, without the marks that `torch.compile` of a part leaves in names."""
    return {_plain(name): module for name, module in network.named_modules()}


def resolve_layers(network: Module, layers: Layers) -> list[Watched]:
    """The layers that `layers` stands for, patterns expanded, in the order given.

    What two patterns, or a pattern and a name, have in common is one layer.

    Raises
    ------
    InputError
        No layers, no such layer (near names are listed), one given twice, or one inside a scripted module; a network
        whose parameters are spread over processes.
    """
    check_whole(network)
    modules = modules_of(network)
    asked = _as_layers(layers)
    if not asked:
        raise InputError("layers is empty; name at least one of model.named_modules()")
    if again := [layer for layer, count in Counter(asked).items() if count > 1]:
        raise InputError(f"{again[0]!r} is given twice; give it once, or with another reduction")
    found: dict[tuple[str, Reduction, str], bool] = {}
    for layer in asked:
        names, by_pattern = _matches(layer.name, list(modules))
        for name in names:
            key = name, layer.reduce, layer.side
            found[key] = found.get(key, True) and by_pattern
    times = Counter((name, side) for name, _reduce, side in found)
    labels = {key: _label(*key, alone=times[key[0], key[2]] == 1) for key in found}
    if twice := [label for label, count in Counter(labels.values()).items() if count > 1]:
        functions = any(callable(key[1]) for key, label in labels.items() if label == twice[0])
        remedy = (
            "give each function a name of its own, by def" if functions else "rename the module with ':' in its name"
        )
        raise InputError(f"two layers would both be called {twice[0]!r}; {remedy}")
    watched = [Watched(key[0], key[1], labels[key], by_pattern, key[2]) for key, by_pattern in found.items()]
    for one in watched:
        _check_scripted(one.name, modules)
    return watched


def words_of(reduce: Reduction) -> str:
    """A reduction by its name, a function by its own."""
    return reduce if isinstance(reduce, str) else str(getattr(reduce, "__name__", type(reduce).__name__))


def _label(name: str, reduce: Reduction, side: str, *, alone: bool) -> str:
    return ":".join([name, *(["input"] if side == "input" else []), *([] if alone else [words_of(reduce)])])


def _as_layers(layers: Layers) -> list[Layer]:
    if isinstance(layers, Mapping):
        return [Layer(name, reduce) for name, reduce in layers.items()]
    if not isinstance(layers, str | Layer | Sequence | set | frozenset):
        raise InputError(f"layers must be names, Layers or a mapping of names to reductions, got {shown(layers)}")
    several = [layers] if isinstance(layers, str | Layer) else list(layers)
    return [layer if isinstance(layer, Layer) else Layer(layer) for layer in several]


def _matches(asked: str, names: Sequence[str]) -> tuple[list[str], bool]:
    """The names that `asked` stands for, and whether by a pattern.

    A name with the prefix of a wrapper stands for the one without.
    """
    plain = _plain(asked)
    if plain == PENULTIMATE and plain not in names:
        return [PENULTIMATE], False
    for wanted in (plain, plain.removeprefix("module.")):
        if wanted in names:
            return [wanted], False
        found = _fitting(wanted, names)
        if found:
            _tell_of_longer(wanted, found, names)
            return found, True
    near = get_close_matches(asked, names, n=5, cutoff=0.4) or [name for name in names if name][:10]
    known = f"near names: {', '.join(near)}; see model.named_modules()" if near else "it is one module without parts"
    raise InputError(f"no layer {asked!r} in the model; {known}")


def _fitting(pattern: str, names: Sequence[str]) -> list[str]:
    parts = WILD.split(pattern)
    if len(parts) == 1:
        return []
    sought = re.compile(
        "".join(SIGNS.get(part, part if place % 2 else re.escape(part)) for place, part in enumerate(parts))
    )
    return [name for name in names if name and sought.fullmatch(name)]


def _tell_of_longer(pattern: str, found: Sequence[str], names: Sequence[str]) -> None:
    """A word where ``blocks.?`` leaves out ``blocks.10``."""
    wider = re.sub(r"\?+", "*", pattern)
    longest = max(map(len, found))
    left_out = [name for name in _fitting(wider, names) if len(name) > longest] if wider != pattern else []
    if left_out:
        text = f"the pattern {pattern!r} stands for {len(found)} layers ({_some(found)}) and not for {_some(left_out)}"
        warnings.warn(f"{text}; for all of them write {wider!r}", LayersWarning, stacklevel=2)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{names[0]} to {names[-1]}"


def _check_scripted(name: str, modules: Mapping[str, Module]) -> None:
    """Scripted modules and their parts run inside their own interpreter, where no hook sees them."""
    above = [name[:place] for place, letter in enumerate(name) if letter == "."] + ["", name]
    if any(isinstance(modules.get(outer), torch.jit.ScriptModule) for outer in above):
        raise InputError(
            f"layer {name!r} is scripted or traced (torch.jit), or a part of what is, and cannot be seen from outside; "
            "give the network as it was before torch.jit, or name a layer around it"
        )


def _plain(name: str) -> str:
    return name.replace("_orig_mod.", "").removesuffix("._orig_mod")
