"""Many small eigenproblems at once: one BLAS thread each, as many workers as cores, restored afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

__all__ = ["cores", "parallel_map"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """The number of cores this process may use (its affinity, not what the machine has)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parallel_map(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """`function` of every item, in order, on all cores with single-threaded BLAS.

    LAPACK gains little from threads at a few hundred points and loses badly with more threads than cores, so the
    parallelism lies across the problems. The thread limits hold inside this call only.
    """
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(max_workers=cores()) as pool:
        return list(pool.map(function, items))
