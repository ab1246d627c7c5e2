"""The default kernel on points that stay on disk: the graph of points in memory, whatever the tiles."""

from dataclasses import replace

import numpy as np
import pytest

from diffspec import AlphaDecay, InputError, TooLargeError, dse
from diffspec.operators.dense import diffusion
from diffspec.operators.streaming import on_disk
from diffspec.operators.streaming.graph import StoredGraph


def cloud(n=400, d=60):
    """Six blobs, copies of one point, and one far out."""
    rng = np.random.default_rng(0)
    points = 2.0 * rng.normal(size=(6, d))[np.arange(n) % 6] + rng.normal(size=(n, d))
    points[:40], points[41] = points[0], 100.0
    return points


@pytest.fixture(params=["npy", "zarr"])
def stored(request, tmp_path):
    """The cloud on disk."""
    if request.param == "npy":
        np.save(tmp_path / "points.npy", cloud())
        return np.load(tmp_path / "points.npy", mmap_mode="r")
    zarr = pytest.importorskip("zarr")
    array = zarr.create_array(tmp_path / "points.zarr", shape=(400, 60), chunks=(50, 20), dtype="float64")
    array[:] = cloud()
    return array


def graph(points, kernel=None, memory=1e9):
    return on_disk(points, kernel or AlphaDecay(), memory=memory, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    "kernel", [AlphaDecay(), AlphaDecay(5, decay=10.0), AlphaDecay(45), AlphaDecay(5, decay=0.005)], ids=repr
)
@pytest.mark.parametrize(("side", "features"), [(400, 60), (64, 60), (64, 7), (30, 60)])
def test_the_graph_is_that_of_points_in_memory(stored, kernel, side, features):
    found = graph(stored, kernel)
    assert isinstance(found, StoredGraph)
    tiled = replace(found, side=side, frame=replace(found.frame, features=features))
    expected = diffusion(kernel(cloud()), 0.5).matrix
    ours = tiled.operator(0.5).matrix
    assert ours.nnz == np.count_nonzero(expected)
    assert np.max(np.abs(ours.toarray() - expected)) < 1e-9


def test_dse_of_the_default_kernel_leaves_a_large_map_on_disk(tmp_path, monkeypatch):
    points = np.random.default_rng(0).normal(size=(500, 4000)).astype(np.float32) * (1.0 + np.arange(4000)) ** -0.7
    np.save(tmp_path / "points.npy", points)
    mapped = np.load(tmp_path / "points.npy", mmap_mode="r")
    expected = dse(points)
    monkeypatch.setattr("diffspec.measures.entropy.as_points", None)  # what reads all points into memory
    ours = dse(mapped, memory=24e6)
    assert ours.value == pytest.approx(expected.value, abs=1e-9)
    assert (ours.settings.kernel, ours.settings.t, ours.n) == (expected.settings.kernel, 3.0, 500)


def test_a_graph_that_memory_does_not_hold_is_refused(stored):
    small = replace(graph(stored), memory=1e5)
    text = r"^the graph of 400 points on disk, about \d+ near ones a point, needs .* and 100000 bytes .* allowed"
    with pytest.raises(TooLargeError, match=text):
        small.operator(0.5)


def test_no_more_points_than_neighbours_are_refused(stored):
    with pytest.raises(InputError, match="needs more than 400 points, got 400; lower neighbors"):
        graph(stored, AlphaDecay(400)).operator(0.5)


def test_values_that_are_not_finite_are_counted(tmp_path):
    points = cloud()
    points[3, 5] = np.nan
    np.save(tmp_path / "points.npy", points)
    with pytest.raises(InputError, match="got 1 NaN and 0 infinite values in 1 of 400 rows"):
        graph(np.load(tmp_path / "points.npy", mmap_mode="r"))


def test_little_memory_makes_small_tiles(stored):
    assert graph(stored, memory=8e6).side < 400 == graph(stored).side
