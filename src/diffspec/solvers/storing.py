"""What of an operator is stored, from the size of the points, the kernel, the solver and memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from diffspec._arrays import Array, device_name, namespace
from diffspec.errors import TooLargeError
from diffspec.kernels import Kernel, Storage
from diffspec.machine.memory import in_words
from diffspec.operators.build import Plan
from diffspec.operators.tiles import GaussianTiles, exponent_error
from diffspec.points.distances import unit_scaled, vanishing
from diffspec.solvers import Exact, LowRank, Solver
from diffspec.spectra.rounding import harmless

__all__ = ["Size", "distances_for", "plan_for_sets", "plan_in", "rounded", "stored_for", "whole_of"]

FAR = (
    "some points lie more than 500,000 sigma from the mean, where only the {n} x {n} float64 affinity has their "
    "distances: it needs {need} and {free} are allowed; remove those points, take a larger sigma or give "
    "more memory"
)
# Where the spectrum decays, n eigenvalues that are rounding noise may together move the entropy by 1e-4 bits: float32
# affinities serve no smaller tolerance than this.
FINEST = 5e-4

# Up to this many points the whole affinity is computed even of a kernel that has few entries.
DENSE = 2048
# The same of points on a device: their array is solved there, and beyond this it takes over 20 GB. Then the neighbours
# are found there and the graph is solved on the host.
DENSE_ELSEWHERE = 50_000
# Beyond this many points neighbours are sought in cells and most of them found: measured, at fewer a search through all
# is as fast.
SEARCHED = 100_000

# Beyond this many points LowRank factors the affinity alone: a pass over all pairs, for exact degrees, costs more.
FACTORED = 8192


@dataclass(frozen=True, slots=True)
class Size:
    """What a plan has to know of some points."""

    n: int
    d: int
    host: bool = True
    """Whether they lie in the memory of the host, not on a device."""
    different: int | None = None
    """How many of them differ, where merging the others makes them few."""
    stays: Literal["disk", "cluster"] | None = None
    """Where they stay; None: they are in memory."""
    rounding: float = 0.0
    """The largest relative rounding of an affinity in float32 (`exponent_error`)."""
    item: float = 8.0
    """Bytes of an affinity in their own precision."""

    @property
    def far(self) -> bool:
        """Whether float64 products lose the distances of near ones (beyond about 1e6 widths)."""
        return not harmless(self.rounding * 2.0**-29)


def stored_for(size: Size, kernel: Kernel, solver: Solver, memory: float) -> Plan:
    """What of the operator is stored for `solver`."""
    storages = kernel.storages
    if size.stays:
        return Plan(size.stays, "points", memory)
    if size.different is not None:
        return Plan("merged", "kernel", memory)
    if "cells" in storages and size.host and size.n > SEARCHED and not isinstance(solver, Exact):
        return Plan("cells", "kernel", memory)
    if _has_graph(size, kernel):
        return Plan("graph", "kernel", memory)
    if isinstance(solver, Exact) or "tiles" not in storages:
        return Plan("dense", "kernel", memory)
    if isinstance(solver, LowRank):
        return _low_rank(size, solver.rank, memory)
    return _stochastic(size, getattr(solver, "tol", None), memory)


def _has_graph(size: Size, kernel: Kernel) -> bool:
    most = DENSE if size.host else DENSE_ELSEWHERE
    return "dense" not in kernel.storages or ("graph" in kernel.storages and size.n > most)


def _stochastic(size: Size, tol: float | None, memory: float) -> Plan:
    """What is stored of a kernel that has tiles for a solver that multiplies."""
    need = 8.0 * size.n**2
    if not size.far:
        return _by_products(size, tol, memory)
    if need > memory:
        raise TooLargeError(FAR.format(n=size.n, need=in_words(need), free=in_words(memory)))
    return Plan("dense", "kernel", memory)


def _low_rank(size: Size, rank: int, memory: float) -> Plan:
    """The same for a solver that takes a few columns, in float64."""
    if size.n > FACTORED:
        return _factor(size, rank, memory)
    if 8.0 * size.n**2 <= memory:
        return Plan("dense", "kernel", memory)
    return _stochastic(size, None, memory)


def _by_products(size: Size, tol: float | None, memory: float) -> Plan:
    """An array that tiles fill where `memory` holds it, else tiles; in float32 where that is harmless."""
    single = harmless(size.rounding) and (tol is None or tol >= FINEST)
    fits = (min(4.0, size.item) if single else size.item) * size.n**2 <= memory
    return Plan("dense" if fits else "tiles", "float32" if single else "points", memory)


def _factor(size: Size, rank: int, memory: float) -> Plan:
    n, d = size.n, size.d
    # Two factors, and twice the points with their extra columns, in float64.
    need = 16.0 * n * (rank + d + 2)
    if need > memory:
        raise TooLargeError(
            f"LowRank(rank={rank}) on {n} points of {d} features needs {in_words(need)} and {in_words(memory)} are "
            f"allowed; use rank={max(1, int(memory / (16.0 * n)) - d - 2)} or give more memory"
        )
    if size.far:
        raise TooLargeError(FAR.format(n=n, need=in_words(8.0 * n * n), free=in_words(memory)))
    return Plan("factor", "points", memory, rank)


def plan_for_sets(
    points: Array,
    kernel: Kernel,
    *,
    solvers: Iterable[Solver],
    sizes: Sequence[int],
    memory: float,
    widths: Callable[[], Array],
) -> Plan | None:
    """What sets of these `sizes` share of all `points`, to take their own from: None where each makes its own.

    "dense" (or "graph"): the affinity of all; "tiles": pieces of it. `widths` gives the points in widths of the kernel,
    for those that look at them and for whoever makes the tiles.
    """
    n = points.shape[0]
    fits = 8.0 * n * n <= memory
    whole = Plan(whole_of(points, kernel), "kernel", memory)
    if kernel.own_graph:
        return None
    if "tiles" not in kernel.storages:
        return whole
    if all(isinstance(solver, Exact) for solver in solvers):
        return whole if fits else None
    size = rounded(Size(*points.shape), widths)
    if size.far:
        return whole if fits else None
    tiled = _by_products(size, None, memory)
    shared = tiled.storage == "dense" and n * n <= sum(size * size for size in sizes)
    return tiled if shared else replace(tiled, storage="tiles")


def distances_for(points: Array, solver: Solver | None, memory: float) -> Plan:
    """How all squared distances of `points` are stored, from which the operators of all widths follow.

    In float32, unless `solver` wants each eigenvalue or some distances are too small for it. None: they are kept for as
    long as a training, in float32 whatever solves them.
    """
    single = not isinstance(solver, Exact) and not vanishing(unit_scaled(points)[0], namespace(points).float32)
    return Plan("distances", "float32" if single else "points", memory)


def whole_of(points: Array, kernel: Kernel) -> Storage:
    """How the affinity of all `points` is stored where it is wanted itself: "graph" or "dense"."""
    n, d = points.shape
    return "graph" if _has_graph(Size(n, d, host=device_name(points) == "cpu"), kernel) else "dense"


def plan_in(tiles: GaussianTiles, memory: float) -> Plan:
    """What of some `tiles` is stored: an array that they fill where `memory` holds it."""
    size = float(namespace(tiles.like).finfo(tiles.like.dtype).bits) / 8.0 * tiles.n**2
    return Plan("dense" if size <= memory else "tiles", "points", memory)


def rounded(size: Size, widths: Callable[[], Array]) -> Size:
    """`size` with what float32 would cost the points that `widths` gives in widths of a kernel."""
    scaled = widths()
    bits = float(namespace(scaled).finfo(scaled.dtype).bits)
    return replace(size, rounding=exponent_error(scaled), item=bits / 8.0)
