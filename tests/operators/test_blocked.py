"""The tiled operator against the dense one, in both precisions and at every tile size."""

import numpy as np
import pytest

from diffspec import Cosine, Gaussian, TooLargeError
from diffspec._arrays import namespace, to_numpy
from diffspec.operators.blocked import Blocked, blocked_diffusion
from diffspec.operators.dense import Operator, diffusion
from diffspec.operators.tiles import GaussianTiles, exponent_error

KERNELS = [Gaussian(3.0), Cosine(0.5)]


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("memory", [5e4, 1e9])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-5)])
def test_agrees_with_the_dense_operator(blobs, rng, to_library, kernel, alpha, memory, dtype, tolerance):
    points, _ = blobs
    dense = diffusion(kernel(points), alpha)
    vectors = rng.normal(size=(150, 4))
    given = to_library(points)
    tiles = GaussianTiles.of(kernel.in_widths(given), getattr(namespace(given), dtype))
    ours = blocked_diffusion(tiles, alpha, memory)
    assert isinstance(ours, Operator)
    assert (ours.size == 150) is (memory == 1e9)
    assert to_numpy(ours.matmul(to_library(vectors))) == pytest.approx(dense.matmul(vectors), abs=tolerance)
    assert to_numpy(ours.dense()) == pytest.approx(dense.matrix, abs=tolerance)
    assert to_numpy(ours.diagonal()) == pytest.approx(np.diagonal(dense.matrix), abs=tolerance)
    assert to_numpy(ours.columns(np.array([3, 140]))) == pytest.approx(dense.matrix[:, [3, 140]], abs=tolerance)
    assert ours.trace() == pytest.approx(dense.trace(), rel=tolerance * 10)
    assert ours.frobenius2() == pytest.approx(dense.frobenius2(), rel=tolerance * 10)


def test_the_stated_rounding_of_the_exponent_holds(rng):
    points = rng.normal(size=(300, 30)) * rng.uniform(0.1, 6.0, size=(300, 1))
    tiles = [GaussianTiles.of(points, dtype)(slice(0, 300), slice(0, 300)) for dtype in (np.float64, np.float32)]
    visible = tiles[0] > 1e-30
    relative = np.abs(tiles[1][visible] / tiles[0][visible] - 1).max()
    bound = exponent_error(points)
    assert bound / 100 < relative < bound


def test_a_point_is_at_affinity_one_with_itself(rng):
    points = 100.0 * rng.normal(size=(90, 8))
    whole = GaussianTiles.of(points, np.float32)(slice(0, 90), slice(0, 90))
    assert (np.diagonal(whole) == 1.0).all()


def test_memory_too_small_for_one_tile(rng):
    tiles = GaussianTiles.of(rng.normal(size=(90, 8)), np.float32)
    with pytest.raises(TooLargeError, match=r"memory=1000 bytes does not hold a tile .* give more memory"):
        blocked_diffusion(tiles, 0.5, 1000)


def test_result_does_not_depend_on_the_number_of_workers(blobs, monkeypatch, rng):
    import diffspec.operators.blocked as module

    points, _ = blobs
    vectors = rng.normal(size=(150, 2))
    tiles = GaussianTiles.of(Gaussian(3.0).in_widths(points), np.float64)
    found = []
    for workers in (1, 3):
        monkeypatch.setattr(module, "cores", lambda workers=workers: workers)
        found.append(Blocked(tiles, np.ones(150), 40).matmul(vectors))
    assert found[0] == pytest.approx(found[1], abs=1e-12)
