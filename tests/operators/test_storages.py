"""All kernels x storages: the spectrum of the dense definition, or one line that says why not."""

import typing

import dask.array as da
import numpy as np
import pytest
from distributed import Client

import definitions
from diffspec import (
    AlphaDecay,
    Cosine,
    DiffspecError,
    Gaussian,
    NearestNeighbors,
    Precomputed,
    SelfTuning,
    Thresholded,
    cluster,
)
from diffspec.kernels import Storage
from diffspec.operators.blocked import filled
from diffspec.operators.build import BUILDERS, Plan, build, distances_of, operator_in, operator_on, tiles_of
from diffspec.operators.streaming import on_disk
from diffspec.points.distinct import copies_of

STORAGES = typing.get_args(Storage)
KERNELS = [
    Gaussian(2.0),
    Gaussian("median"),
    Cosine(0.5),
    SelfTuning(),
    AlphaDecay(),
    Thresholded(2.0),
    NearestNeighbors(),
    Precomputed(),
]
ALPHA, N, COPIES = 0.5, 130, 4


def cloud():
    """Clusters of which every point occurs four times, so that merging pays."""
    rng = np.random.default_rng(0)
    return np.repeat(rng.normal(size=(N, 3)) + 3.0 * np.eye(3)[np.arange(N) % 3], COPIES, axis=0)


def given(kernel):
    if isinstance(kernel, Precomputed):
        return definitions.gaussian(cloud(), 2.0)
    return cloud()


def dense(affinity):
    return affinity.toarray() if hasattr(affinity, "toarray") else np.asarray(affinity)


def eigenvalues(operator):
    return np.sort(np.abs(np.linalg.eigvalsh(operator.dense())))[::-1]


@pytest.fixture(scope="module")
def session():
    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as client:
        yield cluster.Session(client)


def stored(points, kernel, storage, tmp_path, request):
    """The operator of a resolved kernel in `storage`, as the walk of a measure makes it."""
    rng = np.random.default_rng(0)
    plan = Plan(storage, "points" if storage in ("tiles", "factor", "disk", "cluster") else "kernel", 1e8, rank=N)
    if storage == "disk":
        np.save(tmp_path / "points.npy", points)
        points = on_disk(np.load(tmp_path / "points.npy", mmap_mode="r"), kernel, memory=1e8, rng=rng)
    if storage == "distances" and storage in kernel.storages:
        points = distances_of(points, plan.precision)
    if storage == "cluster":
        points = cluster.on_cluster(request.getfixturevalue("session"), da.from_array(points), kernel, rng=rng)
    copies = copies_of(points) if storage == "merged" else None
    return build(points, kernel, ALPHA, plan, rng=rng, copies=copies)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_every_storage_of_every_kernel_is_the_dense_definition_or_is_refused(kernel, storage, tmp_path, request):
    points = given(kernel)
    resolved = kernel.resolve(points, np.random.default_rng(0))
    if storage not in kernel.storages:
        with pytest.raises(
            DiffspecError, match=f"cannot be stored as {storage}; it can as |a cluster can be measured with"
        ):
            stored(points, resolved, storage, tmp_path, request)
        return
    matrix = definitions.diffusion_matrix(dense(resolved(points)), ALPHA)
    expected = np.sort(np.abs(np.linalg.eigvals(matrix)))[::-1]
    found = eigenvalues(stored(points, resolved, storage, tmp_path, request))
    near = 1e-6 if storage in ("cells", "disk", "cluster") else 1e-8  # those in float32, where that is harmless
    assert found == pytest.approx(expected[: len(found)], abs=near)
    assert expected[len(found) :] == pytest.approx(0.0, abs=near)


def test_every_storage_has_one_builder():
    assert set(BUILDERS) == set(STORAGES)
    assert all(set(kernel.storages) <= set(STORAGES) for kernel in KERNELS)


def test_a_whole_affinity_is_used_up_and_not_copied(rng):
    affinity = Gaussian(1.0)(rng.normal(size=(40, 3)))
    assert np.shares_memory(operator_on(affinity, Gaussian(1.0), ALPHA).entries, affinity)


def test_the_array_that_tiles_fill_becomes_the_operator_and_no_second_one_is_made(rng, monkeypatch):
    made = []
    monkeypatch.setattr("diffspec.operators.build.filled", lambda tiles: made.append(filled(tiles)) or made[0])
    tiles = tiles_of(rng.normal(size=(40, 3)), "float32")
    assert operator_in(tiles, 0.5, Plan("dense", "float32", 1e9)).matrix is made[0]
