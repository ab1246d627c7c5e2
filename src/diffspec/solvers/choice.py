"""What is decided of a measurement: which solver, what of the operator is stored, and why. Nowhere else.

`plan` knows sizes only; `planned` looks at the points for what it has to know of them besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from diffspec._arrays import Array, device_name, free_memory, namespace
from diffspec._checks import integer, positive, real, shown
from diffspec._memory import in_words
from diffspec.errors import InputError, TooLargeError
from diffspec.kernels import AlphaDecay, Kernel, Storage
from diffspec.operators.build import Plan
from diffspec.operators.tiles import GaussianTiles, exponent_error
from diffspec.solvers import Exact, Lanczos, LowRank, Solver
from diffspec.spectra.spectrum import check_time

__all__ = [
    "Choice",
    "Size",
    "check_memory",
    "choose",
    "memory_for",
    "plan",
    "plan_for_sets",
    "plan_in",
    "planned",
    "whole_of",
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
class Size:
    """What a plan has to know of some points."""

    n: int
    d: int
    host: bool = True
    """Whether they lie where a graph can be made of them."""
    different: int | None = None
    """How many of them differ, where merging the others makes them few."""
    disk: bool = False
    """Whether they stay on disk."""
    rounding: float = 0.0
    """The largest relative rounding of an affinity in float32 (`exponent_error`)."""
    item: float = 8.0
    """Bytes of an affinity in their own precision."""

    @property
    def far(self) -> bool:
        """Whether float64 products lose the distances of near ones (beyond about 1e6 widths)."""
        return self.rounding * 2.0**-29 > ROUNDING


@dataclass(frozen=True, slots=True)
class Choice:
    """A solver, how the operator is stored, and why."""

    solver: Solver
    plan: Plan
    reason: str

    @property
    def storage(self) -> str:
        """``"dense"``: one n x n array; ``"tiles"``: computed again in every product; ``"graph"``: only what is near.

        ``"factor"``: a matrix of low rank; ``"merged"``: the different points with their numbers; ``"disk"``: tiles or
        an array, of points that are read from disk.
        """
        return self.plan.storage

    def __str__(self) -> str:
        return f"{self.solver!r} on {self.storage}: {self.reason}"


def choose(
    n: int,
    d: int,
    *,
    kernel: Kernel = AlphaDecay(),
    solver: Solver | None = None,
    t: float = 1.0,
    memory: float | None = None,
    tol: float = 1e-3,
    sets: int = 1,
) -> Choice:
    """The solver that `dse` uses for n different points of d features, and how it stores their operator.

    Parameters
    ----------
    n, d : int
        Number of points and of features.
    kernel, solver
        As for `dse`.
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
    >>> from diffspec import Gaussian, choose
    >>> print(choose(1000, 64, memory=2**30))
    Exact() on dense: all eigenvalues take about 0.06 s
    >>> choose(100_000, 64, memory=2**30).storage
    'graph'
    >>> choose(100_000, 64, kernel=Gaussian(), memory=2**30).storage
    'tiles'
    """
    size = Size(integer(n, "n", least=2), integer(d, "d", least=1))
    sets = integer(sets, "sets", least=1)
    return plan(size, kernel, solver=solver, t=check_time(t), memory=memory_for(memory), tol=tol, sets=sets)


def plan(
    size: Size, kernel: Kernel, *, solver: Solver | None, t: float, memory: float, tol: float, sets: int = 1
) -> Choice:
    """What is decided for points of `size` under `kernel` within `memory` bytes; the same for the same arguments.

    Raises
    ------
    TooLargeError
        As `choose`; and a factor that `memory` does not hold.
    """
    tol = positive(tol, "tol", hint="it is the standard error in bits to reach, 1e-3 by default")
    order = size.n if size.different is None else max(2, size.different)
    seconds = EXACT_COST * order**3 * sets
    if solver is None and (order <= ALWAYS_EXACT or seconds <= EXACT_SECONDS) and 8 * order * order <= memory:
        reason = f"all eigenvalues take about {seconds:.2g} s"
        return Choice(Exact(), _stored(size, kernel, Exact(), memory), reason)
    if solver is not None:
        stored = _stored(size, kernel, solver, memory)
        return Choice(solver, stored, "as asked")
    chosen = Lanczos(tol=tol, times=(t,))
    if sets > 1:
        # Each set has its own probes, so their errors average out: start with fewer.
        chosen = replace(chosen, probes=8, deflation=8)
    need, stored = 4.0 * order * order, _stored(size, kernel, chosen, memory)
    slow = f"all eigenvalues would take about {seconds:.2g} s"
    if stored.storage == "graph":
        return Choice(chosen, stored, f"{slow}; only near points have a weight")
    _check_hours(order, size.d, need, memory)
    if need <= memory:
        return Choice(chosen, stored, f"{slow}; the float32 affinity takes {need / 2.0**30:.2f} GiB")
    reason = (
        f"the float32 affinity would take {need / 2.0**30:.1f} GiB, more than the {memory / 2.0**30:.1f} GiB allowed"
    )
    return Choice(chosen, stored, reason)


def planned(
    points: Array,
    kernel: Kernel,
    *,
    solver: Solver | None,
    t: float,
    memory: float,
    tol: float,
    sets: int = 1,
) -> Choice:
    """The plan for `points` in memory under a resolved `kernel`; they are looked at where their rounding decides."""
    asked: dict[str, Any] = {"solver": solver, "t": t, "memory": memory, "tol": tol, "sets": sets}
    n, d = points.shape
    size = Size(n, d, host=device_name(points) == "cpu")
    choice = plan(size, kernel, **asked)
    if choice.storage in ("tiles", "factor") or choice.plan.precision != "kernel":
        return plan(_looked_at(size, points, kernel), kernel, **asked)
    return choice


def whole_of(points: Array, kernel: Kernel) -> Storage:
    """How the affinity of all `points` is stored where it is wanted itself: "graph" or "dense"."""
    n, d = points.shape
    return "graph" if _has_graph(Size(n, d, host=device_name(points) == "cpu"), kernel) else "dense"


def plan_for_sets(points: Array, kernel: Kernel, *, exact: bool, sizes: Sequence[int], memory: float) -> Plan | None:
    """What sets of these `sizes` share of all `points`, to take their own from: None where each makes its own.

    "dense" (or "graph"): the affinity of all; "tiles": pieces of it.
    """
    n = points.shape[0]
    fits = 8.0 * n * n <= memory
    whole = Plan(whole_of(points, kernel), "kernel", memory)
    if kernel.own_graph:
        return None
    if "tiles" not in kernel.storages:
        return whole
    if exact:
        return whole if fits else None
    size = _looked_at(Size(*points.shape), points, kernel)
    if size.far:
        return whole if fits else None
    tiled = _by_products(size, None, memory)
    shared = tiled.storage == "dense" and n * n <= sum(size * size for size in sizes)
    return tiled if shared else replace(tiled, storage="tiles")


def plan_in(tiles: GaussianTiles, memory: float) -> Plan:
    """What of some `tiles` is stored: an array that they fill where `memory` holds it."""
    size = float(namespace(tiles.like).finfo(tiles.like.dtype).bits) / 8.0 * tiles.n**2
    return Plan("dense" if size <= memory else "tiles", "points", memory)


def _looked_at(size: Size, points: Array, kernel: Kernel) -> Size:
    """`size` with what float32 would cost `points`."""
    scaled = kernel.in_widths(points)
    bits = float(namespace(scaled).finfo(scaled.dtype).bits)
    return replace(size, rounding=exponent_error(scaled), item=bits / 8.0)


def _stored(size: Size, kernel: Kernel, solver: Solver, memory: float) -> Plan:
    """What of the operator is stored for `solver`."""
    storages = kernel.storages
    if size.disk:
        return Plan("disk", "points", memory)
    if size.different is not None and "merged" in storages:
        return Plan("merged", "kernel", memory)
    if _has_graph(size, kernel):
        return Plan("graph", "kernel", memory)
    if isinstance(solver, Exact) or "tiles" not in storages:
        return Plan("dense", "kernel", memory)
    if isinstance(solver, LowRank):
        return _low_rank(size, solver.rank, memory)
    return _stochastic(size, getattr(solver, "tol", None), memory)


def _has_graph(size: Size, kernel: Kernel) -> bool:
    return "dense" not in kernel.storages or ("graph" in kernel.storages and size.n > DENSE and size.host)


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
    single = size.rounding <= ROUNDING and (tol is None or tol >= FINEST)
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


def _check_hours(n: int, d: int, need: float, memory: float) -> None:
    """Raise TooLargeError where an array of `need` bytes does not fit and tiles would take hours."""
    hours = n * n * (d + OTHER_WORK) * PASSES / CPU_SPEED / 3600.0
    if need > memory and hours > MOST_HOURS:
        raise TooLargeError(
            f"the {n} x {n} affinity array needs {in_words(2.0 * need)} and {in_words(memory)} are free for "
            f"it; computing it tile by tile would take about {hours:.0f} hours; measure a random subset of the points, "
            "or take kernel=Gaussian() with LowRank(), kernel=Thresholded(...) with Lanczos(), a GPU or a cluster"
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
