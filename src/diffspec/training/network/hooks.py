"""What the layers of a network give on fixed inputs, as points; the network and all randomness stay as they were."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from diffspec.errors import InputError, LayersWarning
from diffspec.machine.memory import is_shortage, within_memory
from diffspec.training.network.batches import LABELS, as_batches, copied, mapped, size_of, unknown_to, words_of
from diffspec.training.network.layers import PENULTIMATE, Layers, Module, Watched, modules_of, resolve_layers, unwrapped
from diffspec.training.network.penultimate import first_of, leading_tokens, penultimate
from diffspec.training.network.reductions import Channels, Points, Tokens, reduced
from diffspec.training.network.untouched import untouched, unwritten

__all__ = ["answered", "collect", "look", "plainly", "trial"]

UNFIT = (TypeError, ValueError, IndexError, RuntimeError)
"""What networks raise where inputs do not fit them."""


@within_memory
def collect(model: Module, layers: Layers, batches: Iterable[Any]) -> dict[str, Points]:
    """Per layer its output on `batches`, reduced, on the host: an array (n, d) each, rows in the order of the inputs.

    Parameters
    ----------
    model : torch.nn.Module
        Also one wrapped by `torch.compile`, `DataParallel` or `DistributedDataParallel`; the network inside is run,
        eagerly, in evaluation mode and without gradients.
    layers : str, Layer, sequence of them, or mapping name to reduction
        The layers by the names of the network inside the wrappers. One that is asked for with several reductions is
        given under ``name:reduction`` for each.
    batches : iterable of tensor or mapping, or pairs of them with labels
        Inputs, each on any device, for example a `DataLoader`; of a mapping the network is given what it has arguments
        for, labels are not looked at. A single tensor or mapping is one batch. The network gets a copy, in the floating
        dtype of its parameters.

    Returns
    -------
    dict of str to array (n, d)
        The output of a layer as it was when the layer had run, also where later layers change it in place.

    Raises
    ------
    InputError
        No such layer, an output that needs a reduction, a layer that ran not once per pass, a network whose
        parameters have no shape yet or that does not take the batches.

    Warns
    -----
    LayersWarning
        Layers that only a pattern named and that did not run once, and entries of a mapping that the network has no
        argument for, labels apart; they are left out.

    Notes
    -----
    One forward pass. Hooks, training flags, buffers, attributes and random states are put back also when the pass
    fails. Buffers are copied for that; parameters are not.
    """
    network = unwrapped(model)
    return look(network, resolve_layers(network, layers), _telling(network, batches))


def look(network: Module, layers: Sequence[Watched], batches: Iterable[Any]) -> dict[str, Points]:
    """`collect` of layers that are resolved already."""
    parts: dict[str, list[Points]] = {}
    with untouched(network), torch.no_grad(), plainly():
        # Inside, since a DataLoader draws from the global random state whenever it is iterated.
        for batch in as_batches(batches):
            layers = _placed(network, layers, batch)
            # Not the answer, which would stay beside the next one and may be the largest array of all.
            seen = _one_pass(network, layers, batch)[0]
            layers = [layer for layer in layers if layer.label in seen]
            for label, rows in seen.items():
                parts.setdefault(label, []).append(rows)
    return {label: _joined(label, rows) for label, rows in parts.items()}


def trial(network: Module, layers: Sequence[Watched], batch: Any) -> list[Watched]:
    """Those of `layers` that run, by two passes of a batch before any training, three to find the penultimate one.

    Raises
    ------
    InputError
        A layer whose output cannot be used, a network that does not take the batch, one that writes its own
        parameters, or one that keeps something else that is not put back.
    """
    with unwritten(network):
        try:
            with untouched(network), torch.no_grad(), plainly():
                layers = _placed(network, layers, batch)
            with untouched(network), torch.no_grad(), plainly():
                found, answer = _one_pass(network, layers, batch)
                first = _real(answer)
                del answer
            with untouched(network), torch.no_grad(), plainly():
                second = _real(answered(network, copied(batch, network)))
        except InputError:
            raise
        except Exception as error:
            raise _unfit(batch, error) from error
    if len(first) != len(second) or not all(map(_alike, first, second)):
        raise InputError(
            "the network answers otherwise when the same inputs come again: it keeps or draws something that cannot be "
            "put back; keep it in buffers, lists or numbers, and draw from generators of torch, NumPy or Python"
        )
    _tell_of_unknown(network, batch)
    return [layer for layer in layers if layer.label in found]


def _telling(network: Module, batches: Iterable[Any]) -> Iterator[Any]:
    """The inputs of `batches`; after the first pass it is told what of them the network did not get."""
    for place, batch in enumerate(as_batches(batches)):
        yield batch
        if place == 0:
            _tell_of_unknown(network, batch)


def _tell_of_unknown(network: Module, batch: Any) -> None:
    if names := [name for name in unknown_to(network, batch) if name not in LABELS]:
        text = f"the network has no argument for {', '.join(map(repr, names))} of the inputs, and does not get them"
        warnings.warn(text, LayersWarning, stacklevel=2)


def _real(answer: Any) -> list[Any]:
    """Copies of the tensors of real values in what a network gave, which it may write again."""
    found: list[Any] = []
    mapped(answer, found.append)
    return [tensor.clone() for tensor in found if tensor.is_floating_point() and tensor.layout == torch.strided]


def _alike(one: Any, other: Any) -> bool:
    """Whether two answers are equal but for the rounding of a GPU, which adds in any order."""
    if one.shape != other.shape:
        return False
    one, other = one.double(), other.double()
    largest = float(one.nan_to_num(0.0, 0.0, 0.0).abs().max()) if one.numel() else 0.0
    return bool(torch.allclose(one, other, rtol=1e-3, atol=1e-3 * largest, equal_nan=True))


@dataclass(slots=True)
class _Seen:
    """What a hook saw of a layer: how often it ran, and the points or why there are none."""

    layer: Watched
    runs: int = 0
    points: Points | None = None
    error: InputError | None = None

    def take(self, output: Any, size: int, channels: Channels, tokens: Tokens) -> None:
        """Reduce the first output at once: what runs later may change it in place."""
        self.runs += 1
        if self.runs > 1:
            return
        try:
            self.points = reduced((self.layer.name, self.layer.reduce), output, size, channels, tokens)
        except InputError as error:  # not raised here, where the network's own code could catch it
            self.error = error


def _one_pass(network: Module, layers: Sequence[Watched], batch: Any) -> tuple[dict[str, Points], Any]:
    """The reduced outputs of `layers` on one batch, and what the network gave."""
    size, inputs = size_of(batch), copied(batch, network)
    seen = [_Seen(layer) for layer in layers]
    mask = inputs.get("attention_mask") if isinstance(inputs, Mapping) else None
    with _hooked(network, seen, size, Tokens(mask, leading_tokens(network))):
        answer = answered(network, inputs)
    found = {one.layer.label: _found(one) for one in seen if one.runs == 1 or not one.layer.by_pattern}
    left = [one for one in seen if one.layer.label not in found]
    if not found:
        raise InputError(f"no layer that a pattern names runs once in a pass: {_times(left)}; name one that does")
    _tell_of_left_out(left)
    return found, answer


def _placed(network: Module, layers: Sequence[Watched], batch: Any) -> list[Watched]:
    """`layers` with the penultimate one found by a pass."""
    if not any(layer.name == PENULTIMATE and PENULTIMATE not in modules_of(network) for layer in layers):
        return list(layers)
    name, reduce = penultimate(network, lambda: answered(network, copied(batch, network)), batch)
    return [
        replace(layer, name=name, reduce=reduce if layer.reduce == "none" else layer.reduce, side="input")
        if layer.name == PENULTIMATE
        else layer
        for layer in layers
    ]


def answered(network: Module, inputs: Any) -> Any:
    """What the network gives for `inputs`; one line where it cannot take them."""
    try:
        if not isinstance(inputs, Mapping):
            return network(inputs)
        left_out = unknown_to(network, inputs)
        return network(**{name: value for name, value in inputs.items() if name not in left_out})
    except UNFIT as error:
        if isinstance(error, InputError) or is_shortage(error):
            raise
        raise _unfit(inputs, error) from error


def _unfit(batch: Any, error: Exception) -> InputError:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return InputError(f"the network cannot take {words_of(batch)}: {text}; give what model(inputs) takes")


@contextmanager
def _hooked(network: Module, seen: Sequence[_Seen], size: int, tokens: Tokens) -> Iterator[None]:
    """Inside, what the layers give is seen."""
    modules, channels = modules_of(network), Channels()
    with ExitStack() as hooks:
        if any(one.layer.reduce == "gap" for one in seen):
            # Before the others, so that a layer counts for its own output.
            for module in filter(channels.tells, modules.values()):
                handle = module.register_forward_hook(lambda module, _i, _o: channels.saw(module))
                hooks.callback(handle.remove)
        for one in seen:
            module = modules.get(one.layer.name)
            if module is None:
                one.error = InputError(f"the network has no layer {one.layer.name!r} any more; make another Monitor")
            elif one.layer.side == "input":
                given = lambda _m, args, kwargs, one=one: one.take(  # noqa: E731
                    first_of(args, kwargs), size, channels, tokens
                )
                hooks.callback(module.register_forward_pre_hook(given, with_kwargs=True).remove)
            else:
                take = lambda _m, _i, output, one=one: one.take(output, size, channels, tokens)  # noqa: E731
                hooks.callback(module.register_forward_hook(take).remove)
        yield


def _found(one: _Seen) -> Points:
    if one.error and not one.runs:
        raise one.error
    if one.runs != 1:
        times = f"ran {one.runs} times in one pass"
        raise InputError(f"layer {one.layer.name!r} {times}; name a layer that runs once")
    if one.points is None:
        raise one.error or InputError(f"layer {one.layer.name!r} gave nothing")
    return one.points


def _tell_of_left_out(layers: Sequence[_Seen]) -> None:
    if layers:
        text = f"layers that a pattern names and that did not run once are left out: {_times(layers)}"
        warnings.warn(text, LayersWarning, stacklevel=2)


def _times(layers: Sequence[_Seen]) -> str:
    return ", ".join(f"{one.layer.label} ({one.runs} times)" for one in layers)


def _joined(label: str, rows: Sequence[Points]) -> Points:
    widths = sorted({part.shape[1] for part in rows})
    if len(widths) > 1:
        text = f"layer {label!r} gives {widths[0]} features for one batch and {widths[-1]} for another"
        raise InputError(f"{text}; pad all inputs to one length, or take a mean over it")
    return np.concatenate(rows)


@contextmanager
def plainly() -> Iterator[None]:
    """Modules run one by one: no compiled parts, no fused transformer layers, no casts of weights that are kept.

    Hooks and evaluation mode would make every look compile anew; fused layers run without their parts and hand on
    nested tensors where a padding mask is given. In older versions of torch (2.5 is one) a cast that `torch.autocast`
    keeps of a pass without gradients takes the weight's gradient from the training that goes on inside it.
    """
    fused, keeps = torch.backends.mha.get_fastpath_enabled(), torch.is_autocast_cache_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    torch.set_autocast_cache_enabled(False)
    try:
        with _eager():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        torch.set_autocast_cache_enabled(keeps)


def _eager() -> AbstractContextManager[Any]:
    stance = getattr(torch.compiler, "set_stance", None)  # since torch 2.6
    nothing_compiled = "torch._dynamo" not in sys.modules  # importing it takes seconds
    return nullcontext() if stance is None or nothing_compiled else stance("force_eager")
