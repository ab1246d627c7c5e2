"""How a network is initialised before it is trained."""

from __future__ import annotations

import re
from typing import Any

from torch import nn

__all__ = ["PAPER", "TIMM", "drop_norms", "initialise"]

TIMM, PAPER = "timm", "paper"
"""The library's own, and the paper's: convolutions by Kaiming, every linear layer N(0, 0.001)."""

LINEAR = 1e-3
SPREAD = re.compile(r"conv std ([0-9.e-]+)")


def initialise(network: Any, how: str) -> None:
    """Draw the weights of `network` anew, from the global generator.

    `how` is ``"timm"`` (leave all as it is), ``"paper"``, ``"kaiming"`` (as the paper's, linear layers as they are) or
    ``"conv std 0.01"`` (as the paper's, convolutions N(0, 0.01)).
    """
    if how == TIMM:
        return
    spread = SPREAD.fullmatch(how)
    if how not in (PAPER, "kaiming") and spread is None:
        raise ValueError(f"no initialisation {how!r}; take timm, paper, kaiming or 'conv std 0.01'")
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            _convolution(module, float(spread[1]) if spread else None)
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear) and how != "kaiming":
            nn.init.normal_(module.weight, std=LINEAR)
            _no_bias(module)


def drop_norms(network: Any) -> None:
    """Take all batch norms out of `network`: what they stood behind goes on as it is."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
                setattr(module, name, nn.Identity())


def _convolution(module: nn.Conv2d, std: float | None) -> None:
    if std is None:
        nn.init.kaiming_normal_(module.weight, mode="fan_in")
    else:
        nn.init.normal_(module.weight, std=std)
    _no_bias(module)


def _no_bias(module: Any) -> None:
    if module.bias is not None:
        nn.init.zeros_(module.bias)
