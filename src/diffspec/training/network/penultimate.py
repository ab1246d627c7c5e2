"""Where a classifier begins: its input is the representation that transfer, probes and rankings look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import torch

from diffspec.errors import InputError
from diffspec.training.network.layers import Module, modules_of

__all__ = ["first_of", "leading_tokens", "penultimate"]

WIDTHS = {torch.nn.Linear: "out_features", torch.nn.modules.conv._ConvNd: "out_channels"}
"""Kinds of layers that can be the last of a classifier, and how many classes they would tell."""

LEADING = ("cls_token", "class_token", "dist_token", "distillation_token", "reg_token", "register_tokens")
"""What networks call the tokens that they put before those of the input: parameters (1, tokens, d)."""


def penultimate(network: Module, run: Callable[[], Any], batch: Any) -> tuple[str, str]:
    """The name of the module whose input is the representation before the classifier, and the reduction that it needs.

    The classifier is what the network itself calls so (`get_classifier`, as timm's networks have it). Else it is the
    last linear layer or convolution to run that has as many outputs as the network has classes.

    Parameters
    ----------
    run : callable
        One pass of `batch` through the network; gives its answer.

    Raises
    ------
    InputError
        Nothing that looks like a classifier.
    """
    modules = modules_of(network)
    ran: dict[str, Any] = {}
    with ExitStack() as hooks:
        for name, module in modules.items():
            note = lambda _m, args, kwargs, name=name: _note(ran, name, first_of(args, kwargs))  # noqa: E731
            hooks.callback(module.register_forward_pre_hook(note, with_kwargs=True).remove)
        answer = run()
    found = _told(network, modules, ran) or _last(modules, ran, answer)
    if found is None:
        raise InputError(
            "the network has no classifier that can be found: no get_classifier(), and no linear layer or convolution "
            "with as many outputs as its answer; name the layer, as in Layer('fc', side='input')"
        )
    return found, _reduction(found, ran[found], batch)


def first_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The first argument of a call, however it was given."""
    return args[0] if args else next(iter(kwargs.values()), None)


def leading_tokens(network: Module) -> int | None:
    """How many class and register tokens a network puts first: what it says, else the parameters that hold them."""
    for module in network.modules():
        if isinstance(told := getattr(module, "num_prefix_tokens", None), int):
            return told
    held = {name: value for name, value in network.named_parameters() if name.rsplit(".", 1)[-1] in LEADING}
    sizes = [value.shape[1] for value in held.values() if value.ndim == 3 and value.shape[0] == 1]
    return sum(sizes) if sizes else None


def _note(ran: dict[str, Any], name: str, given: Any) -> None:
    ran.pop(name, None)  # so that the order is that of the last run
    ran[name] = tuple(given.shape) if isinstance(given, torch.Tensor) else None


def _told(network: Module, modules: Mapping[str, Module], ran: dict[str, Any]) -> str | None:
    """The classifier that the network names itself; of several the first, of a list of stages the last."""
    get = getattr(network, "get_classifier", None)
    found = get() if callable(get) else None
    if isinstance(found, tuple | list):
        found = found[0] if found else None
    if isinstance(found, torch.nn.ModuleList):
        found = found[-1] if len(found) else None
    name = next((name for name, module in modules.items() if module is found and ran.get(name)), None)
    if name is None or len(ran[name]) == 2:
        return name
    # A head that pools first: the layer inside that is given points.
    return next(
        (inner for inner in reversed(ran) if inner.startswith(f"{name}.") and _gives_classes(modules[inner])), name
    )


def _last(modules: Mapping[str, Module], ran: dict[str, Any], answer: Any) -> str | None:
    """The last layer to run that gives as many numbers as the answer has."""
    logits = getattr(answer, "logits", answer)
    if isinstance(logits, tuple | list) and logits:
        logits = logits[0]
    if not isinstance(logits, torch.Tensor) or logits.ndim < 2:
        return None
    classes = logits.shape[-1]
    return next((name for name in reversed(ran) if ran[name] and _gives_classes(modules[name], classes)), None)


def _gives_classes(module: Module, classes: int | None = None) -> bool:
    """Whether it is a layer that a classifier can end with, and of so many classes."""
    widths = [getattr(module, attribute) for kind, attribute in WIDTHS.items() if isinstance(module, kind)]
    return bool(widths) and classes in (None, widths[0])


def _reduction(name: str, shape: tuple[int, ...], batch: Any) -> str:
    """How an input of `shape` becomes one point: pixels are averaged, of tokens the last that counts is taken."""
    if len(shape) == 2:
        return "none"
    if len(shape) == 3:
        return "masked_last" if isinstance(batch, Mapping) and "attention_mask" in batch else "last"
    if len(shape) > 5:
        raise InputError(f"the classifier {name!r} is given shape {shape}; name a layer, and how it is reduced")
    return "gap_first"
