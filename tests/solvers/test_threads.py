"""BLAS threads are capped inside a measurement and are the caller's again after it, also after an error."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from diffspec import Chebyshev, Exact, Gaussian, InputError, Lanczos, LowRank, dse, dsmi
from diffspec.machine import threads
from diffspec.machine.threads import parallel_both, parallel_map, single_threaded_blas

SOLVERS = {
    "exact": Exact(),
    "lanczos": Lanczos(tol=None, probes=4, deflation=4, power=1, steps=4),
    "lowrank": LowRank(rank=40),
    "chebyshev": Chebyshev(moments=16, probes=4),
}


def blas_threads():
    """The libraries of NumPy and SciPy; faiss, which other tests load, brings one that counts per OpenMP thread."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas" and "faiss" not in pool["filepath"]]
    return sorted((pool["filepath"], pool["num_threads"]) for pool in pools)


@pytest.fixture(params=[1, 2])
def before(request):
    """The caller's own setting: one thread, two threads."""
    with threadpool_limits(request.param, user_api="blas"):
        yield blas_threads()


class Fails:
    """A solver that breaks off inside the context that caps the threads; it has seen how many there were."""

    def __init__(self):
        self.seen = set()

    def __call__(self, operator, rng):
        self.seen |= {threads for _path, threads in blas_threads()}
        with single_threaded_blas():
            raise InputError("the solver breaks off")


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_threads_are_the_callers_again(before, solver):
    points = np.random.default_rng(0).normal(size=(300, 3))
    dse(points, kernel=Gaussian(1.0), solver=solver)
    assert blas_threads() == before
    dsmi(points, np.arange(300) % 3, kernel=Gaussian(1.0), solver=solver)
    assert blas_threads() == before


@pytest.mark.parametrize("measure", [dse, lambda points, **rest: dsmi(points, np.arange(900) % 2, **rest)])
def test_threads_are_the_callers_again_after_an_error(before, measure):
    points = np.random.default_rng(0).normal(size=(900, 3))
    with pytest.raises(InputError, match="the solver breaks off"):
        measure(points, kernel=Gaussian(1.0), solver=Fails())
    assert blas_threads() == before


def test_sets_side_by_side_have_one_thread_each(before):
    fails = Fails()
    points = np.random.default_rng(0).normal(size=(900, 3))
    with pytest.raises(InputError, match="the solver breaks off"):
        dsmi(points, np.arange(900) % 2, kernel=Gaussian(1.0), solver=fails)
    assert fails.seen == {1}
    assert set(parallel_map(lambda _: max(threads for _path, threads in blas_threads()), range(8))) == {1}
    assert blas_threads() == before


@pytest.mark.parametrize(("large", "small"), [(3, 7), (5, 2), (0, 2), (2, 0), (0, 0)])
def test_two_kinds_of_work_advance_evenly_and_keep_their_order(large, small, monkeypatch):
    begun = []
    monkeypatch.setattr(threads, "parallel_map", lambda work, items: [work(item) for item in items])

    def one(kind, place):
        return lambda: begun.append(kind) or (kind, place)

    found = parallel_both([one("large", k) for k in range(large)], [one("small", k) for k in range(small)])
    assert found == ([("large", k) for k in range(large)], [("small", k) for k in range(small)])
    for done in range(1, len(begun) + 1):
        assert abs(begun[:done].count("large") - large * done / len(begun)) <= 1.0


@pytest.mark.parametrize("ends", [KeyboardInterrupt, InputError])
def test_workers_begin_nothing_more_once_nobody_waits(ends, monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 2)
    begun, seen = threading.Event(), []

    def step(k):
        seen.append(k)
        begun.set()
        time.sleep(0.01)

    def work(place):
        if place == 0:
            begun.wait(60)
            raise ends
        return parallel_map(step, range(500))

    with pytest.raises(ends):
        parallel_map(work, range(2))
    assert 0 < len(seen) < 250  # before, all 500: Ctrl-C waited for a whole measurement
    assert parallel_map(lambda _: parallel_map(abs, range(-3, 0)), range(2)) == [[3, 2, 1]] * 2
