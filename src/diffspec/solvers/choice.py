"""Which solver, and what of the operator is stored: chosen from sizes alone, and explained."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import issparse

from diffspec._arrays import Array, as_float64, device_name, free_memory, namespace, to_numpy
from diffspec._checks import integer, positive, real, shown
from diffspec._memory import allowed, in_words
from diffspec.errors import InputError, TooLargeError
from diffspec.kernels import Kernel
from diffspec.operators.blocked import blocked_diffusion, filled
from diffspec.operators.dense import Operator, diffusion
from diffspec.operators.factored import Factored, factored_diffusion
from diffspec.operators.sparse import nearby, sparse_diffusion
from diffspec.operators.tiles import GaussianTiles, exponent_error
from diffspec.solvers import Exact, Lanczos, LowRank, Solver
from diffspec.spectra.spectrum import check_time

__all__ = [
    "Choice",
    "affinity_of",
    "bytes_of",
    "check_memory",
    "choose",
    "memory_for",
    "operator_in",
    "operator_of",
    "operator_on",
    "tiles_of",
]

# Seconds of a core per n^3 for all eigenvalues (60 ms at n = 1000), and how many seconds are worth an exact number.
EXACT_COST, EXACT_SECONDS = 6e-11, 1.0
# Below this a stochastic solver has nothing to gain.
ALWAYS_EXACT = 400
# float32 tiles are used where the rounding of an affinity stays below this: the entropy then moves far less than tol.
ROUNDING = 1e-4
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

# Beyond this many points LowRank factors the affinity alone: a pass over all pairs, for exact degrees, costs more.
FACTORED = 8192

# The time of a matrix-free entropy on two cores, to tell minutes from days: PASSES over all pairs, each pair costing
# its features and about as much as OTHER_WORK features for the exponential and the products.
PASSES, OTHER_WORK, CPU_SPEED, MOST_HOURS = 20, 64, 1e11, 3.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A solver, how the operator is stored, and why."""

    solver: Solver
    storage: str
    """``"dense"``: one n x n array; ``"tiles"``: computed again in every product."""
    reason: str

    def __str__(self) -> str:
        return f"{self.solver!r} on {self.storage}: {self.reason}"


def choose(n: int, d: int, *, t: float = 1.0, memory: float | None = None, tol: float = 1e-3, sets: int = 1) -> Choice:
    """The solver that `dse` uses for n points of d features, and how it stores the affinity of a `Gaussian`.

    The solver is the same for every kernel. The storage is not: the default `AlphaDecay` keeps a sparse graph beyond
    2048 points, and of that the reason says nothing.

    Parameters
    ----------
    n, d : int
        Number of points and of features.
    t : float
        Diffusion time at which `tol` is to hold.
    memory : float, optional
        Bytes that may be used; default half of what is free on the host. With it given the choice depends on nothing
        but the arguments.
    tol : float
        Standard error in bits that a stochastic solver shall reach.
    sets : int
        How many sets of this size are to be measured: the groups and matched subsets of a `dsmi`.

    Raises
    ------
    InputError
        Fewer than 2 points, or no features; t, memory or tol not positive.
    TooLargeError
        The affinity does not fit and computing it tile by tile would take hours on a CPU.

    Examples
    --------
    >>> from diffspec import choose
    >>> print(choose(1000, 64, memory=2**30))
    Exact() on dense: all eigenvalues take about 0.06 s
    >>> choose(100_000, 64, memory=2**30).storage
    'tiles'
    """
    n, d, sets = integer(n, "n", least=2), integer(d, "d", least=1), integer(sets, "sets", least=1)
    tol = positive(tol, "tol", hint="it is the standard error in bits to reach, 1e-3 by default")
    time, budget = check_time(t), memory_for(memory)
    seconds = EXACT_COST * n**3 * sets
    if (n <= ALWAYS_EXACT or seconds <= EXACT_SECONDS) and 8 * n * n <= budget:
        return Choice(Exact(), "dense", f"all eigenvalues take about {seconds:.2g} s")
    solver = Lanczos(tol=tol, times=(time,))
    if sets > 1:
        # Each set has its own probes, so their errors average out: start with fewer.
        solver = replace(solver, probes=8, deflation=8)
    need = 4.0 * n * n
    hours = n * n * (d + OTHER_WORK) * PASSES / CPU_SPEED / 3600.0
    if need > budget and hours > MOST_HOURS:
        raise TooLargeError(
            f"the {n} x {n} affinity array needs {in_words(2.0 * need)} and {in_words(budget)} are free for "
            f"it; computing it tile by tile would take about {hours:.0f} hours; measure a random subset of the points, "
            "or take kernel=Gaussian() with LowRank(), kernel=Thresholded(...) with Lanczos(), a GPU or a cluster"
        )
    if need <= budget:
        reason = (
            f"all eigenvalues would take about {seconds:.2g} s; the float32 affinity takes {need / 2.0**30:.2f} GiB"
        )
        return Choice(solver, "dense", reason)
    return Choice(
        solver,
        "tiles",
        f"the float32 affinity would take {need / 2.0**30:.1f} GiB, more than the {budget / 2.0**30:.1f} GiB allowed",
    )


def check_memory(memory: float | None) -> None:
    """Raise InputError where `memory` is given and is no positive number; does not ask what is free."""
    if memory is not None:
        memory_for(memory)


def memory_for(memory: float | None, like: Array = None) -> float:
    """`memory` in bytes, or half of what is free on the device of `like` where it is None."""
    if memory is None:
        return free_memory(like) / 2.0
    if not real(memory) > 0:
        raise InputError(f"memory must be a positive number of bytes, got {shown(memory)}; for 2 GB give memory=2e9")
    return float(memory)


def operator_on(affinity: Any, kernel: Kernel, alpha: float) -> Operator:
    """The diffusion operator of an `affinity` that `kernel` gave, dense or sparse; the affinity is used up."""
    if issparse(affinity):
        return sparse_diffusion(nearby(affinity), alpha, dropped=kernel.dropped)
    return replace(diffusion(affinity, alpha, overwrite=True), semidefinite=kernel.semidefinite is True)


def operator_of(
    points: Array,
    kernel: Kernel,
    alpha: float,
    *,
    solver: Solver,
    memory: float | None,
    rng: np.random.Generator | None = None,
) -> Operator:
    """The diffusion operator of `points` under a resolved `kernel`, stored as `solver` and `memory` allow.

    `Exact` and `LowRank` get the float64 matrix, others float32 where the kernel can be computed in tiles and its
    rounding is harmless, and no n x n array at all where it does not fit. `LowRank` gets a factor of many points
    instead, whose columns `rng` draws.
    """
    n = points.shape[0]
    if isinstance(solver, Exact) or not kernel.tiled:
        return operator_on(affinity_of(points, kernel, memory=memory, why=f"{solver!r} with "), kernel, alpha)
    budget = memory_for(memory, points)
    if isinstance(solver, LowRank) and n > FACTORED:
        return _factored(points, kernel, alpha, solver.rank, budget, rng or np.random.default_rng(0))
    if isinstance(solver, LowRank) and 8.0 * n * n <= budget:
        return operator_on(affinity_of(points, kernel, memory=memory, why=f"{solver!r} with "), kernel, alpha)
    tiles = tiles_of(points, kernel, tol=getattr(solver, "tol", None))
    if tiles is not None:
        return operator_in(tiles, alpha, budget)
    if 8.0 * n * n > budget:
        raise TooLargeError(FAR.format(n=n, need=in_words(8.0 * n * n), free=in_words(budget)))
    return operator_on(kernel(points), kernel, alpha)


def affinity_of(points: Array, kernel: Kernel, *, memory: float | None = None, why: str = "") -> Any:
    """The affinity of all `points` under a resolved `kernel`: sparse where it has few entries, else the whole array.

    Raises
    ------
    TooLargeError
        It is not sparse, and the array is larger than `memory`; the message starts with `why`.
    """
    n = points.shape[0]
    if kernel.sparse:
        return kernel(points)
    if n > DENSE and device_name(points) == "cpu":
        near = kernel.near(to_numpy(points), min(memory or math.inf, allowed()))
        if near is not None:
            return near
    limit = min(memory or math.inf, allowed())
    if 8.0 * n * n > limit:
        raise TooLargeError(
            f"{why}{kernel!r} needs the {n} x {n} float64 affinity, {in_words(8.0 * n * n)}, and "
            f"memory allows {in_words(limit)}; give more memory or use Gaussian() with Lanczos()"
        )
    return kernel(points)


def _factored(
    points: Array, kernel: Kernel, alpha: float, rank: int, memory: float, rng: np.random.Generator
) -> Factored:
    n, d = points.shape
    # Two factors, and twice the points with their extra columns, in float64.
    need = 16.0 * n * (rank + d + 2)
    if need > memory:
        raise TooLargeError(
            f"LowRank(rank={rank}) on {n} points of {d} features needs {in_words(need)} and {in_words(memory)} are "
            f"allowed; use rank={max(1, int(memory / (16.0 * n)) - d - 2)} or give more memory"
        )
    scaled = as_float64(kernel.in_widths(points))
    if _far(scaled):
        raise TooLargeError(FAR.format(n=n, need=in_words(8.0 * n * n), free=in_words(memory)))
    return factored_diffusion(GaussianTiles.of(scaled, scaled.dtype), alpha, rank, rng)


def operator_in(tiles: GaussianTiles, alpha: float, memory: float) -> Operator:
    """The diffusion operator of `tiles`: dense where `memory` holds the whole affinity, else computed tile by tile."""
    if bytes_of(tiles) <= memory:
        return replace(diffusion(filled(tiles), alpha, overwrite=True), entry_error=tiles.entry_error)
    return blocked_diffusion(tiles, alpha, memory / 2.0)


def tiles_of(points: Array, kernel: Kernel, *, tol: float | None = None) -> GaussianTiles | None:
    """The tiles of `points`: float32 where its rounding is harmless for them and `tol`, else their own precision.

    None where points lie so far out that matrix products lose the distances between them even in float64.
    """
    scaled = kernel.in_widths(points)
    if _far(scaled):
        return None
    harmless = exponent_error(scaled) <= ROUNDING and (tol is None or tol >= FINEST)
    return GaussianTiles.of(scaled, namespace(scaled).float32 if harmless else scaled.dtype)


def _far(scaled: Array) -> bool:
    """Whether float64 products of points in widths lose the distances of near ones (beyond about 1e6 widths)."""
    return exponent_error(scaled) * 2.0**-29 > ROUNDING


def bytes_of(tiles: GaussianTiles) -> float:
    """What the whole affinity of `tiles` takes."""
    return tiles.n**2 * float(namespace(tiles.like).finfo(tiles.like.dtype).bits) / 8.0
