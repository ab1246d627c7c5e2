"""Points to the operator of a kernel, stored as a plan says; what to store is decided in `diffspec.solvers.choice`.

One row of `BUILDERS` per storage. A new storage is a module with its operator and a row here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy.sparse import issparse

from diffspec._arrays import Array, as_float64, device_name, namespace, to_numpy
from diffspec.errors import InputError, TooLargeError
from diffspec.kernels import Kernel, Storage
from diffspec.kernels.scales import Distances
from diffspec.machine.memory import allowed, in_words
from diffspec.operators.blocked import blocked_diffusion, filled
from diffspec.operators.dense import Dense, Operator, diffusion, rounding_is_harmless
from diffspec.operators.elsewhere import Elsewhere
from diffspec.operators.factored import factored_diffusion
from diffspec.operators.merging import merged_diffusion
from diffspec.operators.searched import searched_diffusion
from diffspec.operators.sparse import sparse_diffusion
from diffspec.operators.tiles import GaussianTiles
from diffspec.points.distinct import Copies

__all__ = [
    "Plan",
    "Precision",
    "affinity_of",
    "build",
    "distances_of",
    "operator_in",
    "operator_on",
    "tiles_of",
    "widened",
]

Precision: TypeAlias = Literal["kernel", "float32", "points"]
"""Of affinities: as the kernel computes them, from float32 matrix products, or from products in that of the points."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What of an operator is stored, and within what."""

    storage: Storage
    precision: Precision
    memory: float = field(compare=False)
    """Bytes that tiles may use: by default half of what is free at the moment, which is no part of what was chosen."""
    rank: int = 0
    """Of a factor."""


def build(
    points: Array,
    kernel: Kernel,
    alpha: float,
    plan: Plan,
    *,
    rng: np.random.Generator,
    memory: float | None = None,
    copies: Copies | None = None,
    known: Callable[[Storage], Any] | None = None,
    why: str = "",
) -> Operator:
    """The diffusion operator of `points` (n, d) under a resolved `kernel`, stored as `plan` says.

    Parameters
    ----------
    points : array (n, d), GaussianTiles, Distances or Elsewhere
        What stands for them: tiles that were made of them for "dense" and "tiles", all squared distances for
        "distances", points that stay where they are for "disk" and "cluster".
    memory : float, optional
        Bytes that one whole affinity may take; default all that is allowed.
    copies : Copies, optional
        The different points, for the storage "merged".
    known : callable, optional
        Gives the affinity, dense or sparse, where it has been computed for something else too; it is used up.
    why : str
        Begins the message where a whole affinity does not fit.

    Raises
    ------
    InputError
        The kernel has no such storage.
    TooLargeError
        A whole affinity does not fit.
    """
    if plan.storage not in kernel.storages:
        raise InputError(f"{kernel!r} cannot be stored as {plan.storage}; it can as {' or '.join(kernel.storages)}")
    return BUILDERS[plan.storage](Order(points, kernel, alpha, plan, rng, memory, copies, known, why))


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """What `build` was given."""

    points: Array
    kernel: Kernel
    alpha: float
    plan: Plan
    rng: np.random.Generator
    memory: float | None
    copies: Copies | None
    known: Callable[[Storage], Any] | None
    why: str

    def affinity(self) -> Any:
        """That of all points, computed or as it is known."""
        if self.known is not None:
            return self.known(self.plan.storage)
        if isinstance(self.points, Distances):
            return self.points.affinity(float(self.kernel.sigma))  # type: ignore[arg-type]  # resolved: a number
        return affinity_of(self.points, self.kernel, self.plan.storage, memory=self.memory, why=self.why)


def _whole(order: Order) -> Operator:
    """One affinity of all pairs, or the graph of those that matter."""
    return _on_affinity(order) if order.plan.precision == "kernel" else _tiled(order)


def _on_affinity(order: Order) -> Operator:
    return operator_on(order.affinity(), order.kernel, order.alpha)


def _tiled(order: Order) -> Operator:
    tiles = order.points
    if not isinstance(tiles, GaussianTiles):
        tiles = tiles_of(order.kernel.in_widths(order.points), order.plan.precision)
    return operator_in(tiles, order.alpha, order.plan)


def _factored(order: Order) -> Operator:
    scaled = as_float64(order.kernel.in_widths(order.points))
    return factored_diffusion(GaussianTiles.of(scaled, scaled.dtype), order.alpha, order.plan.rank, order.rng)


def _merged(order: Order) -> Operator:
    assert order.copies is not None
    return merged_diffusion(order.copies, order.kernel, order.alpha)


def _searched(order: Order) -> Operator:
    return searched_diffusion(to_numpy(order.points), order.kernel, order.alpha)


def _elsewhere(order: Order) -> Operator:
    assert isinstance(order.points, Elsewhere)
    return order.points.operator(order.alpha)


BUILDERS: dict[Storage, Callable[[Order], Operator]] = {
    "dense": _whole,
    "graph": _whole,
    "cells": _searched,
    "tiles": _tiled,
    "factor": _factored,
    "merged": _merged,
    "distances": _on_affinity,
    "disk": _elsewhere,
    "cluster": _elsewhere,
}


def affinity_of(points: Array, kernel: Kernel, storage: Storage, *, memory: float | None = None, why: str = "") -> Any:
    """The affinity of all `points` under a resolved `kernel`: CSR for "graph" where that is smaller, else an array.

    Raises
    ------
    TooLargeError
        The array is larger than `memory`; the message starts with `why`.
    """
    n = points.shape[0]
    if "dense" not in kernel.storages:
        return kernel(points)
    limit = min(memory or math.inf, allowed())
    held = to_numpy(points) if device_name(points) == "cpu" else points
    near = kernel.near(held, limit) if storage == "graph" else None
    if near is not None:
        return near
    if 8.0 * n * n > limit:
        raise TooLargeError(
            f"{why}{kernel!r} needs the {n} x {n} float64 affinity, {in_words(8.0 * n * n)}, and "
            f"memory allows {in_words(limit)}; give more memory or use Gaussian() with Lanczos()"
        )
    return kernel(points)


def operator_on(affinity: Any, kernel: Kernel, alpha: float, entry_error: float = 0.0) -> Operator:
    """The diffusion operator of an `affinity` that `kernel` gave, dense or sparse; the affinity is used up.

    `entry_error` is the relative rounding of an array that tiles filled.
    """
    if issparse(affinity):
        return sparse_diffusion(affinity, alpha, dropped=kernel.dropped)
    made = diffusion(affinity, alpha, overwrite=True)
    return replace(made, semidefinite=kernel.semidefinite is True, entry_error=entry_error)


def operator_in(tiles: GaussianTiles, alpha: float, plan: Plan) -> Operator:
    """The diffusion operator of `tiles`: one array that they fill, or computed again in every product."""
    if plan.storage == "dense":
        return replace(diffusion(filled(tiles), alpha, overwrite=True), entry_error=tiles.entry_error)
    return blocked_diffusion(tiles, alpha, plan.memory / 2.0)


def tiles_of(scaled: Array, precision: Precision) -> GaussianTiles:
    """The tiles of points that are `scaled` in widths of a kernel, in float32 or in the precision of the points."""
    return GaussianTiles.of(scaled, namespace(scaled).float32 if precision == "float32" else scaled.dtype)


def distances_of(points: Array, precision: Precision) -> Distances:
    """All squared distances of `points` (n, d), in float32 or in the precision of the points."""
    return Distances.of(points, namespace(points).float32 if precision == "float32" else points.dtype)


def widened(operator: Operator) -> Operator:
    """`operator` in float64 where its spectrum decays so far that products in float32 would be seen in the entropy."""
    return operator if rounding_is_harmless(operator) else Dense(as_float64(operator.dense()), disposable=True)
