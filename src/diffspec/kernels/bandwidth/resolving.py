"""From what a user gives as sigma to a number."""

from __future__ import annotations

import numpy as np

from diffspec._arrays import Array
from diffspec._checks import generator_of, positive, shown
from diffspec.errors import InputError
from diffspec.kernels.bandwidth.logsum import LogSum
from diffspec.kernels.bandwidth.nearest import Neighbors, NeighborShare
from diffspec.kernels.bandwidth.pairs import Median, Quantile
from diffspec.kernels.bandwidth.plain import RootDimension
from diffspec.kernels.bandwidth.protocol import Rule, Sigma, check_rule

__all__ = ["NAMED", "check_sigma", "resolve_sigma"]

NAMED: dict[str, Rule] = {
    "knn": Neighbors(),
    "knn-share": NeighborShare(),
    "lafon": Neighbors(k=1),
    "log-sum": LogSum(),
    "median": Median(),
    "quantile": Quantile(),
    "sqrt-d": RootDimension(),
}
"""The rules that can be asked for by name."""


def resolve_sigma(sigma: Sigma, points: Array, rng: np.random.Generator) -> float:
    """The number that `sigma` (a number, a rule's name or a rule) stands for on `points`."""
    check_sigma(sigma)
    if not (isinstance(sigma, str) or callable(sigma)):
        return float(sigma)
    found = (NAMED[sigma] if isinstance(sigma, str) else sigma)(points, generator_of(rng))
    return positive(found, f"what the rule {shown(sigma)} gives", hint="give sigma as a number")


def check_sigma(sigma: Sigma) -> None:
    """Raise InputError unless `sigma` is a positive number, the name of a rule or a rule."""
    if isinstance(sigma, str):
        if sigma not in NAMED:
            raise InputError(f"sigma must be a positive number or one of {', '.join(sorted(NAMED))}, got {sigma!r}")
    elif callable(sigma):
        check_rule(sigma, "sigma")
    else:
        positive(sigma, "sigma", hint="use sigma='median' to take it from the data")
