"""Settings with a name: what diffspec takes by default, what the paper defines, what its released package computes.

Each is a mapping of keyword arguments: ``dse(points, **paper)``, ``dsmi(points, labels, **released)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from diffspec.kernels import AlphaDecay, Gaussian

__all__ = ["Walk", "default", "paper", "released"]

Walk = Mapping[str, Any]
"""Some or all of `kernel`, `alpha` and `t`: how points become a distribution over eigenvalues."""

default: Walk = MappingProxyType({"kernel": AlphaDecay(), "alpha": 0.5, "t": 3.0})
"""The neighbour graph at t = 3: has no scale to choose, won the comparison in docs/bandwidth.md."""

paper: Walk = MappingProxyType({"kernel": Gaussian(10.0), "alpha": 0.5, "t": 1.0})
"""Definition 4.1 and the width of the published experiments: values follow the scale of the embedding."""

released: Walk = MappingProxyType({"kernel": Gaussian(10.0), "alpha": 0.0, "t": 1.0})
"""What dse-dsmi computes, which divides no density out; `diffspec.released` has its functions by their names."""
