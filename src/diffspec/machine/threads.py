"""Many pieces of work at once: one BLAS thread each, as many workers as cores, restored afterwards."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

from diffspec.machine.memory import allow, allowed

__all__ = ["as_many", "cores", "one_by_one", "parallel_both", "parallel_map", "shared", "single_threaded_blas"]

# Blocks may take this share of what is allowed, all cores together: the rest is for what stays.
BLOCK_SHARE = 0.2

Item = TypeVar("Item")
Result = TypeVar("Result")
Other = TypeVar("Other")


def cores() -> int:
    """The number of cores this process may use (its affinity, not what the machine has)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def shared(memory: float) -> float:
    """What of `memory` that all cores may take is the share of this thread: all of it where it works alone."""
    return memory / cores() if getattr(_here, "working", False) else memory


def as_many(most: int, item: float) -> int:
    """`most`, or where `memory=` is small as many things of `item` bytes as one core may hold in a block."""
    share = BLOCK_SHARE * allowed() / (1 if getattr(_here, "working", False) else cores()) / item
    return most if share >= most else max(1, int(share))


def parallel_map(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """`function` of every item, in order, on all cores with single-threaded BLAS.

    LAPACK gains little from threads at a few hundred points and loses badly with more threads than cores, so the
    parallelism lies across the items. The thread limits hold inside this call only. Every worker may use its share of
    the memory that is allowed. Where one item fails, or the caller is interrupted, the workers begin nothing more, in
    maps of their own neither: what they are at may be minutes of work.
    """
    if getattr(_here, "working", False):
        # A worker's own map: all cores are busy with its siblings.
        return [function(item) for item in _wanted(items)]
    stop = threading.Event()
    with single_threaded_blas(), _workers(allowed() / cores(), stop) as pool:
        try:
            return list(pool.map(function, items))
        except BaseException:
            stop.set()
            raise


def one_by_one(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """`function` of every item, in order, as one worker of `parallel_map` would: for items too small for threads."""
    if getattr(_here, "working", False):
        return [function(item) for item in _wanted(items)]
    before = allowed()
    with single_threaded_blas():
        _begin(before / cores(), threading.Event())
        try:
            return [function(item) for item in items]
        finally:
            _here.working = False
            allow(before)


def parallel_both(
    first: Sequence[Callable[[], Result]], second: Sequence[Callable[[], Other]]
) -> tuple[list[Result], list[Other]]:
    """What two kinds of work give, each in order, on all cores, both kinds advancing evenly.

    For large eigenproblems beside many small ones: the large ones need no interpreter, for which the small ones wait
    where all cores work on those.
    """
    shares = [place / len(first) for place in range(len(first))]
    shares += [(place + 0.5) / len(second) for place in range(len(second))]
    order = sorted(range(len(shares)), key=shares.__getitem__)
    work: list[Callable[[], Any]] = [*first, *second]
    found = dict(zip(order, parallel_map(lambda place: work[place](), order), strict=True))
    done = [found[place] for place in range(len(work))]
    return done[: len(first)], done[len(first) :]


_here = threading.local()


class _Stopped(BaseException):
    """Nobody waits for this worker any more. No Exception, or a handler might take it for a failure and try again."""


def _wanted(items: Iterable[Item]) -> Iterator[Item]:
    """Of a worker's own map the items, until nobody waits for them."""
    for item in items:
        if _here.stop.is_set():
            raise _Stopped
        yield item


def _workers(memory: float, stop: threading.Event) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=cores(), initializer=_begin, initargs=(memory, stop))


def _begin(memory: float, stop: threading.Event) -> None:
    """Mark the thread as a worker of `parallel_map`, which may use so many bytes, and works until it is to stop."""
    _here.working, _here.stop = True, stop
    allow(memory)


@cache
def _controller() -> ThreadpoolController:
    """The thread pools of the loaded BLAS libraries; finding them reads the process's memory map, a millisecond."""
    return ThreadpoolController()


class _Limits:
    """The BLAS limit of this process, which several threads of the caller may want at once."""

    lock = threading.Lock()
    users = 0
    limits: Any = None


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """BLAS calls use one thread inside this context; the caller's setting is back when the last one has left it."""
    # The limit belongs to the process. If every user saved and restored it alone, two that overlap would leave it at 1.
    with _Limits.lock:
        if _Limits.users == 0:
            _Limits.limits = _controller().limit(limits=1, user_api="blas")
        _Limits.users += 1
    try:
        yield
    finally:
        with _Limits.lock:
            _Limits.users -= 1
            if _Limits.users == 0 and _Limits.limits is not None:
                _Limits.limits.restore_original_limits()
                _Limits.limits = None
