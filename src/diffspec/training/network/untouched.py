"""A network and all randomness as they were, whatever happens inside."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import is_dataclass
from functools import partial
from types import FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any, TypeAlias

import numpy as np
import torch

from diffspec.errors import InputError

__all__ = ["check_whole", "same_draws", "untouched", "unwritten"]

Module: TypeAlias = Any
Tensor: TypeAlias = Any
Restore: TypeAlias = Callable[[], Any]
"""Puts something back as it was."""

PLAIN = (int, float, bool, str, bytes, type(None))

RUN_ONCE = "run one batch through the network before, as in model(inputs)"


@contextmanager
def untouched(network: Module) -> Iterator[None]:
    """Evaluation mode inside; afterwards all that the network holds, and every random state, are as before.

    That is: training flags, buffers, attributes of modules with the lists, dictionaries, tensors, arrays, dataclasses
    and generators in them, the attributes of other objects in them, and which modules and parameters there are.
    Parameters are not copied, see `unwritten`.

    Raises
    ------
    InputError
        Parameters without a shape, before or after, or that are spread over processes.
    """
    check_whole(network)
    names = _initialised(network)
    flags = [(module, module.training) for module in network.modules()]
    # Buffers once more: those of scripted modules are no attributes.
    held = [[vars(module) for module, _flag in flags], list(network.buffers())]
    with same_draws(), ExitStack() as undo:
        for restore in list(_kept(held, set())):
            undo.callback(restore)
        for module, flag in flags:
            undo.callback(setattr, module, "training", flag)
            # Not module.eval(): networks override train() with lasting effects (frozen parts, merged adapters).
            module.training = False
        yield
        if made := _initialised(network) - names:
            raise InputError(f"the network makes its parameter {min(made)!r} while it runs; {RUN_ONCE}")


def check_whole(network: Module) -> None:
    """Raise InputError where no process has all parameters: one alone would wait for the others for ever.

    Nor could FSDP be left as it was, whose first pass makes what the later ones need.
    """
    by_wrapper = any(hasattr(module, "_fsdp_wrapped_module") for module in network.modules())
    if by_wrapper or any(hasattr(parameter, "device_mesh") for parameter in network.parameters()):
        raise InputError(
            "the parameters of the network are spread over processes (FSDP or another use of DTensor), which would all "
            "have to look at once; watch a whole copy of it, on one process: before each look load into it what "
            "get_model_state_dict gives with full_state_dict=True"
        )


@contextmanager
def unwritten(network: Module) -> Iterator[None]:
    """Inside, an evaluation that writes parameters is an error; they are put back.

    Raises
    ------
    InputError
        Names the parameter; also where it has no values, on the device meta.

    Notes
    -----
    Copies all parameters, so it is for one pass before training and not for every look.
    """
    _initialised(network)
    if empty := [name for name, parameter in network.named_parameters() if parameter.is_meta]:
        raise InputError(
            f"the parameter {empty[0]!r} of the network is on the device meta, without values; load it first"
        )
    before = [(name, parameter, parameter.detach().clone()) for name, parameter in network.named_parameters()]
    written = []
    try:
        yield
    finally:
        for name, parameter, bits in before:
            if not _same_bits(parameter.detach(), bits):
                parameter.data.copy_(bits)
                written.append(name)
    if written:
        raise InputError(
            f"the network writes its own parameter {written[0]!r} when it is evaluated, so looking at it would change "
            "the training; write parameters only where self.training is true, or watch a copy.deepcopy of the network"
        )


@contextmanager
def same_draws(*, generators: Iterable[Any] = ()) -> Iterator[None]:
    """Afterwards the global random states of Python, NumPy and torch, and `generators`, are as before."""
    with ExitStack() as undo:
        undo.callback(random.setstate, random.getstate())
        undo.callback(np.random.set_state, np.random.get_state())  # noqa: NPY002  # the user's, to be put back
        undo.callback(torch.set_rng_state, torch.get_rng_state())
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            undo.callback(torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all())
        for restore in _kept(list(generators), set()):
            undo.callback(restore)
        yield


def _initialised(network: Module) -> set[str]:
    """The names of all parameters; InputError where one, or a buffer, would be drawn at the first batch."""
    for name, module in network.named_modules():
        for own, value in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
            if torch.nn.parameter.is_lazy(value):
                where = f"{name}.{own}" if name else own
                kind = type(module).__name__
                raise InputError(f"the network is not initialised yet: {where!r} of {kind} has no shape; {RUN_ONCE}")
    return {name for name, _parameter in network.named_parameters()}


def _kept(value: Any, known: set[int]) -> Iterator[Restore]:
    """What puts `value`, and all that it contains, back as they are now; what is `known` is kept already."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if type(one) in PLAIN or id(one) in known or isinstance(one, torch.nn.Parameter):
            continue
        known.add(id(one))
        yield from _kept_values(one)
        waiting += reversed(_parts(one))


def _kept_values(value: Any) -> Iterator[Restore]:
    """What puts back `value` itself, not what it contains."""
    if isinstance(value, torch.Tensor):
        if not (value.is_nested or value.device.type == "meta"):
            yield partial(_put_bits, value, value.detach().clone())
    elif isinstance(value, dict | list | set | deque):
        yield partial(_put_items, value, _items(value))
    elif isinstance(value, np.ndarray):
        if value.flags.writeable:
            yield partial(np.copyto, value, value.copy())
    else:
        yield from _kept_draws(value)
        if _is_object(value):
            yield partial(_put_items, vars(value), _items(vars(value)))


def _parts(value: Any) -> list[Any]:
    """What `value` contains; of modules, which may stand in lists, and records their attributes."""
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list | set | deque | tuple):
        return list(value)
    record = isinstance(value, torch.nn.Module | SimpleNamespace) or is_dataclass(value)
    return [vars(value)] if record and hasattr(value, "__dict__") else []


def _is_object(value: Any) -> bool:
    """Whether `value` is of a class of the user's: its attributes are kept, not what they hold: that may be much."""
    code = type | ModuleType | FunctionType | MethodType | torch.nn.Module
    return hasattr(value, "__dict__") and not isinstance(value, code)


def _kept_draws(value: Any) -> Iterator[Restore]:
    """Of a generator of random numbers its state."""
    if isinstance(value, torch.Generator | np.random.RandomState):
        yield partial(value.set_state, value.get_state())
    elif isinstance(value, np.random.Generator):
        yield partial(setattr, value.bit_generator, "state", value.bit_generator.state)
    elif isinstance(value, np.random.BitGenerator):
        yield partial(setattr, value, "state", value.state)
    elif isinstance(value, random.Random) and not isinstance(value, random.SystemRandom):
        yield partial(value.setstate, value.getstate())


def _put_bits(tensor: Tensor, bits: Tensor) -> None:
    if _same_bits(tensor.detach(), bits):
        return
    if tensor.shape == bits.shape:
        tensor.data.copy_(bits)  # by .data, so that a graph that waits for its backward pass is not disturbed
    else:
        tensor.data = bits


def _put_items(container: Any, items: list[Any]) -> None:
    now = _items(container)
    if len(now) == len(items) and all(map(_same_item, now, items)):
        return
    container.clear()
    if isinstance(container, dict):
        for key, item in items:  # a Counter would count what `update` is given
            container[key] = item
    elif isinstance(container, set):
        container.update(items)
    else:
        container.extend(items)


def _items(container: Any) -> list[Any]:
    return list(container.items()) if isinstance(container, dict) else list(container)


def _same_item(one: Any, other: Any) -> bool:
    """Whether two items are the same objects; those of dictionaries are pairs of key and value."""
    if type(one) is tuple and type(other) is tuple and len(one) == len(other) == 2:
        return one[0] is other[0] and one[1] is other[1]
    return one is other


def _same_bits(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal bit by bit, NaN and -0 included."""
    if one.shape != other.shape or one.dtype != other.dtype or one.device != other.device:
        return False
    if one.layout != torch.strided or one.is_quantized or one.is_complex():
        return bool(torch.equal(one, other))
    return all(torch.equal(*pair) for pair in zip(_bytes(one), _bytes(other), strict=True))


def _bytes(tensor: Tensor) -> list[Tensor]:
    return [tensor.contiguous().view(-1).view(torch.uint8)] if tensor.numel() else []
