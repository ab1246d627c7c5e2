"""How large a step is: the rate of an epoch, and of every convolution beside the spread of its weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

__all__ = ["groups", "rate_at", "relative_step"]


def rate_at(epoch: int, epochs: int, warmup: int) -> float:
    """The rate of `epoch` = 1, 2, ..., as a share of the highest, which is that of the epoch `warmup`.

    A linear rise, then half a cosine that is 0 after the last.
    """
    if epoch <= warmup:
        return epoch / warmup
    return (1 + math.cos(math.pi * (epoch - warmup) / (epochs + 1 - warmup))) / 2


def groups(network: nn.Module, step_of: float | None) -> list[dict[str, Any]]:
    """The parameters for an optimizer, each group with the `share` of the rate that it learns at.

    All of it; with `step_of`, each convolution the share std / `step_of`, so that beside its weights' spread std its
    steps are as large as those of weights of spread `step_of`.
    """
    if step_of is None:
        return [{"params": list(network.parameters()), "share": 1.0}]
    kernels = [module.weight for module in _convolutions(network)]
    apart = set(map(id, kernels))
    others = [parameter for parameter in network.parameters() if id(parameter) not in apart]
    scaled = [{"params": [kernel], "share": float(kernel.detach().std()) / step_of} for kernel in kernels]
    return [{"params": others, "share": 1.0}, *scaled]


def relative_step(network: nn.Module, parts: Sequence[Mapping[str, Any]], rate: float) -> float:
    """The rate of a convolution over the spread of its weights, the geometric mean over convolutions."""
    share = {id(parameter): part["share"] for part in parts for parameter in part["params"]}
    logs = [
        math.log(rate * share[id(module.weight)] / float(module.weight.detach().std()))
        for module in _convolutions(network)
    ]
    return math.exp(math.fsum(logs) / len(logs))


def _convolutions(network: nn.Module) -> list[nn.Conv2d]:
    return [module for module in network.modules() if isinstance(module, nn.Conv2d)]
