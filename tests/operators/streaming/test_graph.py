"""The default kernel on points that stay on disk: the graph of points in memory, whatever the tiles."""

from dataclasses import replace

import numpy as np
import pytest

from diffspec import AlphaDecay, InputError, NearestNeighbors, TooLargeError, dse
from diffspec.kernels.bandwidth import Neighbors
from diffspec.operators.dense import diffusion
from diffspec.operators.streaming import on_disk
from diffspec.operators.streaming.graph import StoredGraph
from effort import crossed


def cloud(n=400, d=60):
    """Six blobs, copies of one point, and one far out."""
    rng = np.random.default_rng(0)
    points = 2.0 * rng.normal(size=(6, d))[np.arange(n) % 6] + rng.normal(size=(n, d))
    points[:40], points[41] = points[0], 100.0
    return points


STORED = ["zarr", "npy"]


@pytest.fixture(params=STORED)
def stored(request, tmp_path):
    """The cloud on disk."""
    if request.param == "npy":
        np.save(tmp_path / "points.npy", cloud())
        return np.load(tmp_path / "points.npy", mmap_mode="r")
    zarr = pytest.importorskip("zarr")
    array = zarr.create_array(tmp_path / "points.zarr", shape=(400, 60), chunks=(100, 30), dtype="float64")
    array[:] = cloud()
    return array


def graph(points, kernel=None, memory=1e9):
    return on_disk(points, kernel or AlphaDecay(), memory=memory, rng=np.random.default_rng(0))


KERNELS = [AlphaDecay(), AlphaDecay(5, decay=10.0), AlphaDecay(45), AlphaDecay(5, decay=0.005)]
TILES = [(400, 60), (64, 60), (64, 17), (30, 60)]


@pytest.mark.parametrize(("stored", "kernel", "tile"), crossed(STORED, KERNELS, TILES), ids=str, indirect=["stored"])
def test_the_graph_is_that_of_points_in_memory(stored, kernel, tile):
    side, features = tile
    found = graph(stored, kernel)
    assert isinstance(found, StoredGraph)
    tiled = replace(found, side=side, frame=replace(found.frame, features=features))
    expected = diffusion(kernel(cloud()), 0.5).matrix
    ours = tiled.operator(0.5).matrix
    assert ours.nnz == np.count_nonzero(expected)
    assert np.max(np.abs(ours.toarray() - expected)) < 1e-9


@pytest.mark.parametrize(
    "kernel",
    [NearestNeighbors(), NearestNeighbors(3, sigma=5.0), NearestNeighbors(45), NearestNeighbors(sigma="knn-share")],
    ids=repr,
)
@pytest.mark.parametrize(("side", "features"), [(400, 60), (64, 7)])
def test_nearest_neighbours_are_those_of_points_in_memory(tmp_path, kernel, side, features):
    points = cloud()[39:]  # without copies: of those in memory any k are taken, on disk all
    np.save(tmp_path / "points.npy", points)
    found = graph(np.load(tmp_path / "points.npy", mmap_mode="r"), kernel)
    tiled = replace(found, side=side, frame=replace(found.frame, features=features))
    resolved = kernel.resolve(points, np.random.default_rng(0))
    assert found.kernel.sigma == pytest.approx(resolved.sigma, rel=1e-12)
    expected = diffusion(resolved(points).toarray(), 0.5).matrix
    ours = tiled.operator(0.5).matrix
    assert ours.nnz == np.count_nonzero(expected)
    assert np.max(np.abs(ours.toarray() - expected)) < 1e-9


def test_all_neighbours_at_one_distance_are_neighbours_on_disk(tmp_path):
    lattice = np.stack(np.meshgrid(*[np.arange(6.0)] * 3), axis=-1).reshape(-1, 3)
    np.save(tmp_path / "points.npy", lattice)
    ours = graph(np.load(tmp_path / "points.npy", mmap_mode="r"), NearestNeighbors(1, sigma=1.0)).operator(0.5)
    assert set(np.diff(ours.matrix.indptr).tolist()) == {4, 5, 6, 7}  # itself and those beside it


def test_the_width_of_many_points_is_that_of_the_same_subset_as_in_memory(stored):
    kernel = NearestNeighbors(sigma=Neighbors(5, most=50))
    found = graph(stored, kernel).kernel.sigma
    assert found == pytest.approx(kernel.resolve(cloud(), np.random.default_rng(0)).sigma, rel=1e-12)
    assert found != pytest.approx(kernel.resolve(cloud(), np.random.default_rng(1)).sigma, rel=1e-3)


def test_where_all_neighbours_are_copies_only_copies_are_joined(tmp_path):
    np.save(tmp_path / "points.npy", np.repeat(np.arange(20.0)[:, None], 20, axis=0))
    ours = graph(np.load(tmp_path / "points.npy", mmap_mode="r"), NearestNeighbors(5)).operator(0.0).matrix
    assert ours.toarray() == pytest.approx(np.kron(np.eye(20), np.full((20, 20), 0.05)), rel=1e-12)


def test_a_rule_of_more_than_neighbours_is_refused(stored):
    text = r"sigma of a graph of points on disk .* must be a number, 'knn', 'lafon' or 'knn-share', got 'median'"
    with pytest.raises(InputError, match=text):
        graph(stored, NearestNeighbors(sigma="median"))
    with pytest.raises(InputError, match="needs more than k = 400 points, got 400; lower k"):
        graph(stored, NearestNeighbors(400, sigma=1.0)).operator(0.5)


def test_dse_of_nearest_neighbours_leaves_a_large_map_on_disk(tmp_path, monkeypatch):
    points = np.random.default_rng(0).normal(size=(500, 4000)).astype(np.float32) * (1.0 + np.arange(4000)) ** -0.7
    np.save(tmp_path / "points.npy", points)
    expected = dse(points, kernel=NearestNeighbors())
    monkeypatch.setattr("diffspec.measures.entropy.as_points", None)
    ours = dse(np.load(tmp_path / "points.npy", mmap_mode="r"), kernel=NearestNeighbors(), memory=24e6)
    assert ours.value == pytest.approx(expected.value, abs=1e-9)
    assert ours.settings.sigma == pytest.approx(expected.settings.sigma, rel=1e-9)
    assert (ours.settings.rule, ours.settings.t) == ("knn", 1.0)


def test_dse_of_the_default_kernel_leaves_a_large_map_on_disk(tmp_path, monkeypatch):
    points = np.random.default_rng(0).normal(size=(500, 4000)).astype(np.float32) * (1.0 + np.arange(4000)) ** -0.7
    np.save(tmp_path / "points.npy", points)
    mapped = np.load(tmp_path / "points.npy", mmap_mode="r")
    expected = dse(points)
    monkeypatch.setattr("diffspec.measures.entropy.as_points", None)  # what reads all points into memory
    ours = dse(mapped, memory=24e6)
    assert ours.value == pytest.approx(expected.value, abs=1e-9)
    assert (ours.settings.kernel, ours.settings.t, ours.n) == (expected.settings.kernel, 3.0, 500)


@pytest.mark.parametrize("far", [1e12, 1e20, 1e140])
@pytest.mark.parametrize("row", [0, 41])
def test_one_huge_value_does_not_hide_the_distances_of_the_rest(tmp_path, far, row):
    points = cloud()
    points[row, 3] = far  # row 0 is among those that give the centre
    np.save(tmp_path / "points.npy", points)
    expected = diffusion(AlphaDecay()(points), 0.5).matrix
    ours = graph(np.load(tmp_path / "points.npy", mmap_mode="r")).operator(0.5).matrix
    assert np.max(np.abs(ours.toarray() - expected)) < 1e-9


@pytest.mark.parametrize("row", [0, 41])
def test_a_value_beside_which_the_rest_vanishes_is_refused(tmp_path, row):
    points = cloud(6000)
    points[row, 3] = 1e200
    np.save(tmp_path / "points.npy", points)
    with pytest.raises(InputError, match="1 points lie over 1e150 times as far out as the rest; remove them"):
        graph(np.load(tmp_path / "points.npy", mmap_mode="r"))


def test_a_crowd_in_one_block_does_not_speak_for_the_others(tmp_path):
    points = np.random.default_rng(0).normal(size=(3000, 8))
    points[:300] = points[0]
    np.save(tmp_path / "points.npy", points)
    found = replace(graph(np.load(tmp_path / "points.npy", mmap_mode="r")), side=300)
    entries = found.operator(0.5).matrix.nnz
    assert replace(found, memory=80.0 * entries).operator(0.5).matrix.nnz == entries
    with pytest.raises(TooLargeError, match="the graph of 3000 points"):
        replace(found, memory=40.0 * entries).operator(0.5)


def test_a_graph_that_memory_does_not_hold_is_refused(stored):
    small = replace(graph(stored), memory=1e5)
    text = r"^the graph of 400 points, about \d+ near ones a point or more, needs .* and 100000 bytes .* allowed"
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
