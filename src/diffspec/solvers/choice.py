"""What is decided of a measurement: which solver, what of the operator is stored, and why. Nowhere else.

`plan` knows sizes, and looks at the points where their rounding decides besides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from diffspec._arrays import Array, memory_for
from diffspec._checks import integer, positive, shown, takes
from diffspec.errors import InputError, TooLargeError
from diffspec.kernels import AlphaDecay, Gaussian, Kernel
from diffspec.machine.memory import in_words
from diffspec.operators.build import Plan
from diffspec.results.records import Told
from diffspec.solvers import Exact, Lanczos, Solver
from diffspec.solvers.storing import Size, distances_for, rounded, stored_for
from diffspec.spectra.spectrum import check_time

__all__ = [
    "Choice",
    "check_tol",
    "check_walk",
    "choose",
    "plan",
    "planned_for_widths",
]

# Seconds of a core per n^3 for all eigenvalues (60 ms at n = 1000), and how many seconds are worth an exact number.
EXACT_COST, EXACT_SECONDS = 6e-11, 1.0
# Below this a stochastic solver has nothing to gain.
ALWAYS_EXACT = 400
# The same of a graph, whose products cost more than those of an array: measured at 1000 and 2000 points.
GRAPH_EXACT = 2000
# Where neighbours are sought in cells: probes times the root of n, the fewest, the most, and vectors that deflate.
# Thousands of eigenvalues are of about one size, so few vectors take little of their sum. The error of a probe falls as
# n^(-1/4): these leave about .005 bits, as what is missed does; .001 would take twenty times as many. Fewer than 8 say
# too little of their own spread.
PROBES, FEWEST_PROBES, MOST_PROBES, FEW = 1.2e4, 8, 32, 4
# The time of a matrix-free entropy on two cores, to tell minutes from days: PASSES over all pairs, each pair costing
# its features and about as much as OTHER_WORK features for the exponential and the products.
PASSES, OTHER_WORK, CPU_SPEED, MOST_HOURS = 20, 64, 1e11, 3.0
STORED = {
    "dense": "one n x n array",
    "merged": "different points and their numbers",
    "tiles": "nothing but tiles, computed again in every product",
    "graph": "a graph of near points",
    "cells": "a graph of near points, sought in cells",
    "factor": "a matrix of low rank",
    "distances": "one array for all widths",
    "disk": "points that are read from disk",
    "cluster": "tiles on the workers",
}


@dataclass(frozen=True, slots=True)
class Choice(Told):
    """A solver, how the operator is stored, and why."""

    solver: Solver
    plan: Plan
    reason: str

    @property
    def storage(self) -> str:
        """``"dense"``: one n x n array; ``"tiles"``: computed again in every product; ``"graph"``: only what is near.

        ``"cells"``: most of what is near, sought in cells of points near one another; ``"factor"``: a matrix of low
        rank; ``"merged"``: the different points with their numbers; ``"distances"``: one array for all widths;
        ``"disk"``: tiles or an array, of points that are read from disk; ``"cluster"``: tiles that workers compute.
        """
        return self.plan.storage

    def __str__(self) -> str:
        return f"{self.solver!r}, stored as {STORED[self.storage]}: {self.reason}"


def choose(
    n: int,
    d: int,
    *,
    kernel: Kernel = AlphaDecay(),
    solver: Solver | None = None,
    t: float | None = None,
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
    t : float, optional
        Diffusion time at which `tol` is to hold; default that of the kernel, as for `dse`.
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
    Exact(), stored as one n x n array: all eigenvalues take about 0.06 s
    >>> choose(40_000, 64, memory=2**30).storage
    'graph'
    >>> choose(100_000, 64, kernel=Gaussian(), memory=2**30).storage
    'tiles'
    """
    check_walk(kernel, solver)
    size = Size(integer(n, "n", least=2), integer(d, "d", least=1))
    t, sets = check_time(kernel.time if t is None else t), integer(sets, "sets", least=1)
    return plan(size, kernel, solver=solver, t=t, memory=memory_for(memory), tol=check_tol(tol), sets=sets)


def plan(
    size: Size,
    kernel: Kernel,
    *,
    solver: Solver | None,
    t: float,
    memory: float,
    tol: float,
    sets: int = 1,
    widths: Callable[[], Array] | None = None,
) -> Choice:
    """What is decided for points of `size` under `kernel` within `memory` bytes; the same for the same arguments.

    `widths` gives the points in widths of a resolved kernel, to be looked at where their rounding decides.

    Raises
    ------
    TooLargeError
        As `choose`; and a factor that `memory` does not hold.
    """
    asked: dict[str, Any] = {"solver": solver, "t": t, "memory": memory, "tol": tol, "sets": sets}
    choice = _of_size(size, kernel, **asked)
    if widths is None or choice.plan.precision == "kernel":
        return choice
    return _of_size(rounded(size, widths), kernel, **asked)


def _of_size(
    size: Size, kernel: Kernel, *, solver: Solver | None, t: float, memory: float, tol: float, sets: int
) -> Choice:
    if solver is None and size.stays == "cluster" and "graph" not in kernel.storages:
        stored = stored_for(size, kernel, Lanczos(), memory)
        return Choice(Lanczos(times=(t,)), stored, "the affinity stays there")
    order = size.n if size.different is None else max(2, size.different)
    seconds = EXACT_COST * order**3 * sets
    always = GRAPH_EXACT if "graph" in kernel.storages else ALWAYS_EXACT
    if solver is None and (order <= always or seconds <= EXACT_SECONDS) and 8 * order * order <= memory:
        reason = f"all eigenvalues take about {_in_words(seconds)}"
        return Choice(Exact(), stored_for(size, kernel, Exact(), memory), reason)
    if solver is not None:
        stored = stored_for(size, kernel, solver, memory)
        return Choice(solver, stored, "as asked")
    chosen = Lanczos(tol=tol, times=(t,))
    if sets > 1:
        # Each set has its own probes, so their errors average out: start with fewer.
        chosen = replace(chosen, probes=8, deflation=8)
    need, stored = 4.0 * order * order, stored_for(size, kernel, chosen, memory)
    slow = f"all eigenvalues would take about {_in_words(seconds)}"
    if stored.storage == "cells":
        probes = min(MOST_PROBES, max(FEWEST_PROBES, round(PROBES / math.sqrt(order))))
        chosen = replace(chosen, probes=probes, deflation=FEW, power=1, most=probes)
        missed = "what the cells miss is measured on some points, and part of the error"
        return Choice(chosen, stored, f"{slow}; {missed}; one round of {probes} probes, whatever tol")
    if stored.storage == "graph" or (size.stays and "graph" in kernel.storages):
        return Choice(chosen, stored, f"{slow}; only near points have a weight")
    _check_hours(order, size.d, need, memory)
    if need <= memory:
        return Choice(chosen, stored, f"{slow}; the float32 affinity takes {need / 2.0**30:.2f} GiB")
    reason = (
        f"the float32 affinity would take {need / 2.0**30:.2f} GiB, more than the {memory / 2.0**30:.2f} GiB allowed"
    )
    return Choice(chosen, stored, reason)


def _in_words(seconds: float) -> str:
    """A time in the unit that people would take."""
    units = (("s", 1.0, 120.0), ("min", 60.0, 7200.0), ("hours", 3600.0, 172_800.0), ("days", 86_400.0, math.inf))
    unit, size = next((unit, size) for unit, size, end in units if seconds < end)
    return f"{seconds / size:{'.2g' if seconds < 10.0 * size else '.0f'}} {unit}"


def planned_for_widths(
    points: Array,
    *,
    solver: Solver | None,
    t: float,
    memory: float,
    tol: float,
    widths: int = 1,
) -> Choice:
    """The plan for `points` under Gaussians of so many `widths`, whose operators follow from one array of distances."""
    reason = "as asked"
    if solver is None:
        choice = plan(Size(*points.shape), Gaussian(), solver=None, t=t, memory=memory, tol=tol, sets=widths)
        solver, reason = choice.solver, choice.reason
    return Choice(solver, distances_for(points, solver, memory), reason)


def _check_hours(n: int, d: int, need: float, memory: float) -> None:
    """Raise TooLargeError where an array of `need` bytes does not fit and tiles would take hours."""
    hours = n * n * (d + OTHER_WORK) * PASSES / CPU_SPEED / 3600.0
    if need > memory and hours > MOST_HOURS:
        raise TooLargeError(
            f"the {n} x {n} affinity array needs {in_words(2.0 * need)} and {in_words(memory)} are free for "
            f"it; computing it tile by tile would take about {hours:.0f} hours; measure a random subset of the points, "
            "or take kernel=Gaussian() with LowRank(), kernel=Thresholded(...) with Lanczos(), a GPU or a cluster"
        )


def check_walk(kernel: Kernel, solver: Solver | None) -> None:
    """Raise InputError where `kernel` or `solver` is not one, for example a class that was not called."""
    if isinstance(kernel, type) or not isinstance(kernel, Kernel):
        raise InputError(f"kernel must be a kernel such as Gaussian(sigma=10.0), got {shown(kernel)}")
    if solver is not None and not takes(solver, 2):
        raise InputError(f"solver must be a solver such as Exact(), got {shown(solver)}")


def check_tol(tol: float) -> float:
    """`tol`, or InputError where it is no positive number."""
    return positive(tol, "tol", hint="it is the standard error in bits to reach, 1e-3 by default")
