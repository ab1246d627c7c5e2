"""A real cluster of processes on this machine: the same numbers, whichever worker dies, and no wait without end."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial

import dask.array as da
import numpy as np
import pytest
import zarr
from distributed import Client, LocalCluster
from scipy.sparse import csr_array

from diffspec import (
    AlphaDecay,
    Cosine,
    Exact,
    Gaussian,
    InputError,
    Lanczos,
    NearestNeighbors,
    SelfTuning,
    TooLargeError,
    dse,
)
from diffspec import cluster as many
from diffspec.errors import MissingExtraError
from diffspec.kernels.bandwidth import Neighbors
from diffspec.operators.dense import Entrywise, diffusion
from diffspec.operators.streaming import on_disk
from diffspec.operators.streaming.graph import BYTES_PER_WEIGHT
from effort import crossed, only

N, D = 240, 30


def local_cluster(n_workers=2, **settings):
    """Workers that are processes, each with a nanny that starts it again."""
    return LocalCluster(
        processes=True, n_workers=n_workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", **settings
    )


@pytest.fixture(scope="module")
def workers():
    with local_cluster() as local:
        yield local


@pytest.fixture(scope="module")
def client(workers):
    with Client(workers) as connected:
        yield connected


@pytest.fixture
def doomed():
    """A cluster of its own for tests that kill workers: LocalCluster gives up one that is killed twice within 15 s."""
    with local_cluster() as local:
        yield local


@pytest.fixture
def points(rng):
    return (rng.normal(size=(N, 3)) @ rng.normal(size=(3, D)) + 0.3 * rng.normal(size=(N, D)) + 9).astype(np.float32)


@pytest.fixture
def path(points, tmp_path):
    np.save(tmp_path / "points.npy", points)
    return tmp_path / "points.npy"


STORED = ["path", "memory map", "zarr", "dask"]


@pytest.fixture(params=STORED)
def stored(request, points, path, tmp_path):
    if request.param == "zarr":
        array = zarr.create_array(tmp_path / "points.zarr", shape=(N, D), chunks=(50, 20), dtype="f4")
        array[:] = points
        return array
    if request.param == "dask":
        return da.from_array(points, chunks=(100, 20))
    return path if request.param == "path" else np.load(path, mmap_mode="r")


def stored_as(*quick):
    """A test of all storages, of `make test` with the `quick` ones."""
    return pytest.mark.parametrize("stored", only(STORED, *quick), indirect=True)


def operator_on(client, stored, kernel, alpha=0.5, **settings):
    session = many.Session(client)
    return many.on_cluster(session, stored, kernel, rng=np.random.default_rng(0), **settings).operator(alpha)


@pytest.mark.parametrize(
    ("stored", "kernel"), crossed(STORED, [Gaussian(9.0), Cosine(0.3)]), ids=str, indirect=["stored"]
)
def test_operator_is_that_of_the_points_in_memory(client, stored, points, rng, kernel):
    alpha = 0.5 if isinstance(kernel, Gaussian) else 0.0
    expected = diffusion(kernel(points.astype(np.float64)), alpha)
    ours = operator_on(client, stored, kernel, alpha)
    assert isinstance(ours, Entrywise)
    assert len(ours.blocks) == 4
    vectors = rng.normal(size=(N, 5))
    assert ours.matmul(vectors) == pytest.approx(expected.matmul(vectors), abs=3e-6)
    assert ours.dense() == pytest.approx(expected.matrix, abs=3e-7)
    assert ours.columns(np.array([200, 3])) == pytest.approx(expected.matrix[:, [200, 3]], abs=3e-7)
    assert ours.diagonal() == pytest.approx(np.diagonal(expected.matrix), abs=3e-7)
    assert ours.trace() == pytest.approx(expected.trace(), rel=1e-5)
    assert ours.frobenius2() == pytest.approx(expected.frobenius2(), rel=1e-5)


def test_the_same_probes_give_the_same_entropy_as_in_memory(client, path, points):
    solver = Lanczos(tol=None, probes=4, deflation=2, power=1, steps=8)
    kernel = Gaussian(9.0)
    ours = many.dse(path, client=client, kernel=kernel, solver=solver, rng=3)
    dense = diffusion(kernel(points.astype(np.float64)), 0.5)
    expected = solver(dense, np.random.default_rng(3))
    assert ours.stderr > 0
    assert ours.spectrum.nodes[:3] == pytest.approx(expected.nodes[:3], abs=1e-5)
    assert ours.value == pytest.approx(replace(expected, settings=ours.settings).shannon().value, abs=1e-4)


@stored_as("memory map", "dask")
def test_exact_solver_and_settings(client, stored, points):
    settings = {"kernel": Gaussian(), "solver": Exact(), "alpha": 0.0, "t": 2.0}
    ours = many.dse(stored, client=client, **settings)
    expected = dse(points, **settings)
    assert ours.value == pytest.approx(expected.value, abs=1e-4)
    assert ours.settings.sigma == pytest.approx(expected.settings.sigma)
    assert (ours.settings.rule, ours.settings.library, ours.settings.t) == ("median", "dask", 2.0)
    assert ours.verdict == expected.verdict == "informative"


def test_a_default_solver_for_the_time_asked_for(client, path):
    found = many.dse(path, client=client, kernel=Gaussian(), t=3.0)
    assert "times=(3.0,)" in found.settings.solver
    assert found.value == pytest.approx(dse(np.load(path), kernel=Gaussian(), t=3.0, solver=Exact()).value, abs=0.02)


class Killer(threading.Thread):
    """Kills a worker as soon as the scheduler has seen `after` tasks of that `name`."""

    def __init__(self, workers, after, name="-tile-"):
        super().__init__(daemon=True)
        self.workers, self.after, self.name, self.killed = workers, after, name, None

    def run(self):
        deadline = time.monotonic() + 30
        while self.killed is None and time.monotonic() < deadline:
            tiles = [key for key in list(self.workers.scheduler.tasks) if self.name in str(key)]
            if len(tiles) >= self.after:
                self.killed = self.workers.workers[0].pid
                os.kill(self.killed, signal.SIGKILL)
            time.sleep(0.001)


@pytest.mark.parametrize("kind", only(["path", "dask"], "path"))
def test_a_killed_worker_changes_nothing(doomed, path, points, kind):
    stored = path if kind == "path" else da.from_array(points, chunks=(60, D))
    with Client(doomed) as client:
        solver = Lanczos(tol=None, probes=4, steps=4)
        measure = partial(many.dse, stored, client=client, kernel=Gaussian(), solver=solver, block=60)
        calm = measure()
        killer = Killer(doomed, after=5)
        killer.start()
        shot = measure()
        killer.join()
    assert killer.killed is not None
    assert shot.value == calm.value
    assert shot.stderr == calm.stderr > 0


def test_data_larger_than_the_memory_of_a_worker(tmp_path, rng):
    """216 MB, on a worker that is stopped at 210 MB and holds half of that before it starts."""
    n, d = 60, 900_000
    path = tmp_path / "points.npy"
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n, d))
    row = rng.normal(size=d + n).astype(np.float32)
    for i in range(n):
        out[i] = row[i : i + d] * (1 + i % 3)
    del out
    with local_cluster(1, memory_limit="210MB") as local, Client(local) as few:
        found = many.dse(path, client=few, kernel=Gaussian(1000.0), alpha=0.0, solver=Exact())
    alone = on_disk(path, Gaussian(1000.0), memory=1e8, rng=rng).operator(0.0)
    expected = replace(Exact()(alone, rng), settings=found.settings).shannon()
    assert found.value == pytest.approx(expected.value, abs=1e-4)


def test_many_measurements_in_order(client, path, points):
    def bad_item():
        return 1 / 0

    items = [points, path, str(path), lambda: points[:100], path.with_name("none.npy"), np.full((4, 2), np.nan)]
    items += [bad_item, local_cluster, threading.Lock()]
    found = many.measure_many(client, items, partial(dse, alpha=0.0, solver=Exact()))
    whole, part = (dse(some, alpha=0.0, solver=Exact()) for some in (points, points[:100]))
    assert [one.value for one in found[:4]] == pytest.approx([each.value for each in (whole, whole, whole, part)])
    assert [one.settings.kernel for one in found[:3]] == [whole.settings.kernel] * 3
    assert [type(one) for one in found[4:]] == [many.Failure] * 5
    assert found[4].error.startswith("InputError: there is no file")
    assert found[4].item == str(path.with_name("none.npy"))
    assert found[5].error.startswith("InputError: points must be finite, got 8 NaN")
    assert found[5].item == "ndarray of shape (4, 2)"
    assert found[6].error == "ZeroDivisionError: division by zero"
    assert "bad_item" in found[6].item
    assert "in bad_item" in found[6].trace
    # This module is not importable on a worker, or, where the path says otherwise, a worker may start no cluster.
    assert found[7].error.startswith(("ModuleNotFoundError: No module named 'test", "RuntimeError: Nanny failed"))
    assert found[8].error.startswith("TypeError: cannot pickle")


def test_an_item_that_kills_its_workers_is_a_failure(doomed, points):
    def kill():
        os.kill(os.getpid(), signal.SIGKILL)

    doomed.scheduler.allowed_failures = 1  # after it the work is given up; by default three more workers die
    with Client(doomed) as client:
        found = many.measure_many(client, [points, kill], partial(dse, solver=Exact()))
    assert found[0].n == N
    assert found[1].error.startswith("LostWorkError: workers died again and again in the same piece of work")


def test_tasks_have_names(client, workers, path):
    operator = operator_on(client, path, Gaussian(9.0))
    operator.matmul(np.ones((N, 1)))
    seen = {prefix for prefix in workers.scheduler.task_prefixes if prefix.startswith("diffspec")}
    assert {"diffspec-tile", "diffspec-sum", "diffspec-vectors", "diffspec-survey", "diffspec-place"} <= seen


def test_errors_of_workers_arrive(client, points, tmp_path):
    bad = points.copy()
    bad[3, 2] = np.nan
    with pytest.raises(InputError, match="points must be finite, got 1 NaN and 0 infinite values in 1 of 240 rows"):
        operator_on(client, da.from_array(bad, chunks=50), Gaussian(9.0))
    array = zarr.create_array(tmp_path / "points.zarr", shape=(N, D), chunks=(50, 20), dtype="f4")
    array[:] = points
    (tmp_path / "points.zarr" / "c" / "1" / "0").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"cannot be read at features 0 to 30 .*; restore the chunk"):
        operator_on(client, array, Gaussian(9.0))


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (da.ones(5), r"points must have shape \(n, d\), got \(5,\)"),
        (da.ones((5, 2), dtype=complex), "points must be real numbers .* got dtype complex128"),
        (da.ones((9, 2))[da.ones(9) > 0], r"must know its shape, got \(nan, 2\); call compute_chunk_sizes\(\) on it"),
        (np.ones((5, 2)), "must be a NumPy memory map, a zarr array or a path, got ndarray"),
    ],
    ids=["rank", "complex", "unknown", "in memory"],
)
def test_points_that_cannot_be_used(client, bad, text):
    with pytest.raises(InputError, match=text):
        operator_on(client, bad, Gaussian(9.0))


def test_a_kernel_that_needs_all_points_at_once_is_refused(client, path):
    with pytest.raises(InputError, match=r"a cluster can be measured with AlphaDecay, Near.*, got SelfTuning\("):
        many.dse(path, client=client, kernel=SelfTuning())
    with pytest.raises(InputError, match=r"must be a number, 'knn', 'lafon' or 'knn-share', got 'median'; resolve it"):
        many.dse(path, client=client, kernel=NearestNeighbors(sigma="median"))


GRAPHS = [AlphaDecay(), AlphaDecay(5, decay=4.0), NearestNeighbors(), NearestNeighbors(4, sigma=9.0)]


@pytest.mark.parametrize(("stored", "kernel"), crossed(STORED, GRAPHS), ids=str, indirect=["stored"])
def test_a_graph_is_that_of_the_points_in_memory(client, stored, points, kernel):
    held = points.astype(np.float64)
    expected = kernel.resolve(held, np.random.default_rng(0))(held)
    dense = diffusion(expected.toarray() if hasattr(expected, "toarray") else expected, 0.5)
    ours = operator_on(client, stored, kernel, block=70)
    assert ours.matrix.nnz == np.count_nonzero(dense.matrix)
    assert ours.dense() == pytest.approx(dense.matrix, abs=1e-9)


@stored_as("path", "zarr")
def test_the_default_kernel_gives_what_it_gives_in_memory(client, stored, points):
    ours, expected = many.dse(stored, client=client), dse(points)
    assert ours.value == pytest.approx(expected.value, abs=1e-9)
    assert (ours.settings.kernel, ours.settings.t) == (expected.settings.kernel, 3.0)
    assert (ours.settings.library, ours.settings.solver) == ("dask", expected.settings.solver)


def test_the_width_is_that_of_a_subset_of_many_points(client, path, points):
    kernel = NearestNeighbors(sigma=Neighbors(10, most=100))
    ours = many.dse(path, client=client, kernel=kernel)
    expected = dse(points, kernel=kernel)
    assert ours.settings.sigma == pytest.approx(expected.settings.sigma, rel=1e-12)
    assert ours.value == pytest.approx(expected.value, abs=1e-9)


@pytest.mark.parametrize("kind", only(["path", "dask"], "dask"))
def test_a_worker_killed_in_the_search_changes_nothing(doomed, path, points, kind):
    stored = path if kind == "path" else da.from_array(points, chunks=(60, D))
    with Client(doomed) as client:
        measure = partial(many.dse, stored, client=client, block=24)
        calm = measure()
        killer = Killer(doomed, after=15, name="-near-")
        killer.start()
        shot = measure()
        killer.join()
    assert killer.killed is not None
    assert shot.value == calm.value


def test_a_moment_without_workers_before_the_search_is_waited_for(client, path, points, monkeypatch):
    found = many.on_cluster(many.Session(client), path, AlphaDecay(), rng=np.random.default_rng(0))

    def none_now(_session):
        raise many.ClusterError("the cluster has no worker")

    monkeypatch.setattr(many.Session, "workers", none_now)
    expected = diffusion(AlphaDecay()(points.astype(np.float64)), 0.5)
    assert found.operator(0.5).dense() == pytest.approx(expected.matrix, abs=1e-9)


def test_a_graph_that_memory_does_not_hold_is_refused(client, path, monkeypatch):
    monkeypatch.setattr("diffspec.cluster.graph.free_memory", lambda _like: 1e5)
    with pytest.raises(TooLargeError, match=r"the graph of 240 points, .* needs .* and 50000 bytes .* are allowed"):
        many.dse(path, client=client)


def test_copies_in_one_block_do_not_speak_for_the_others(client, points, monkeypatch):
    points[:60] = points[0]
    stored = da.from_array(points, chunks=(60, D))
    expected = dse(points)
    graph = csr_array(AlphaDecay()(points.astype(np.float64)))
    monkeypatch.setattr("diffspec.cluster.graph.free_memory", lambda _like: 2.0 * 1.2 * BYTES_PER_WEIGHT * graph.nnz)
    assert many.dse(stored, client=client, block=60).value == pytest.approx(expected.value, abs=1e-9)
    monkeypatch.setattr("diffspec.cluster.graph.free_memory", lambda _like: 2.0 * 0.6 * BYTES_PER_WEIGHT * graph.nnz)
    with pytest.raises(TooLargeError, match=r"the graph of 240 points, about (1[6-9]|2\d) near ones a point or more"):
        many.dse(stored, client=client, block=60)


def test_no_client(path):
    with pytest.raises(InputError, match=r"client must be a connected dask.distributed.Client, got 'tcp"):
        many.dse(path, client="tcp://127.0.0.1:8786", kernel=Gaussian())


def test_without_the_extra(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"measuring on a cluster needs .* pip install 'diffspec\[cluster\]'"):
        many.dse(path, client=None, kernel=Gaussian())


def test_a_cluster_that_loses_all_workers_is_dead_after_its_patience(path):
    with local_cluster(1) as local, Client(local) as lonely:
        operator = many.on_cluster(many.Session(lonely, patience=1.0), path, Gaussian(9.0), rng=None).operator(0.5)
        local.scale(0)
        with pytest.raises(
            many.ClusterError, match="the cluster has had no worker for 1 s; start it and measure again"
        ):
            operator.matmul(np.ones((N, 1)))
        with pytest.raises(many.ClusterError, match="the cluster has no worker; start some"):
            many.dse(path, client=lonely, kernel=Gaussian())


def multiply_on(operator):
    while True:
        operator.matmul(np.ones((N, 1)))


def test_a_scheduler_that_is_killed(path, tmp_path):
    where = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    scheduler = subprocess.Popen([*command, "--scheduler-file", str(where)], stderr=subprocess.DEVNULL)
    worker = [sys.executable, "-m", "dask", "worker", "--no-dashboard", "--no-nanny", "--scheduler-file", str(where)]
    running = subprocess.Popen(worker, stderr=subprocess.DEVNULL)
    try:
        with Client(scheduler_file=str(where), timeout=20) as client:
            client.wait_for_workers(1, timeout=20)
            session = many.Session(client, patience=8.0)
            operator = many.on_cluster(session, path, Gaussian(9.0), rng=None).operator(0.5)
            threading.Timer(0.5, scheduler.kill).start()
            with pytest.raises(many.ClusterError, match=r"the connection to the cluster was lost|has had no worker"):
                multiply_on(operator)
    finally:
        scheduler.kill()
        running.kill()
        scheduler.wait()
        running.wait()
