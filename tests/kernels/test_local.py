"""Kernels of local width: each against its formula, its limits and its invariances."""

import math

import numpy as np
import pytest

from diffspec import AlphaDecay, Exact, InputError, SelfTuning, TooLargeError, adjusted_dsmi, dse, dsmi
from diffspec._arrays import to_numpy
from diffspec.operators import build
from diffspec.points.distances import pairwise
from diffspec.solvers.storing import DENSE, whole_of

LOCAL = {
    "self-tuning": SelfTuning(7),
    "alpha-decay": AlphaDecay(neighbors=5),
    "alpha-decay, soft": AlphaDecay(neighbors=10, decay=2.0),
}


@pytest.fixture(params=LOCAL.values(), ids=LOCAL)
def kernel(request):
    return request.param


def formula(kernel, points):
    """The textbook formula, from pairwise differences."""
    distance = np.sqrt(((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2))
    width = np.sort(distance, axis=1)[:, kernel.neighbors]
    if isinstance(kernel, SelfTuning):
        return np.exp(-(distance**2) / np.outer(width, width))
    with np.errstate(over="ignore"):
        one_way = np.exp(-((distance / width[:, None]) ** kernel.decay))
    one_way[one_way < 1e-4] = 0.0
    return (one_way + one_way.T) / 2.0


def test_affinity_is_the_formula(kernel, blobs):
    points, _ = blobs
    affinity = kernel(points)
    assert np.max(np.abs(affinity - formula(kernel, points))) < 1e-11
    assert np.max(np.abs(affinity - affinity.T)) < 1e-14
    assert np.array_equal(np.diag(affinity), np.ones(len(points)))


def test_squared_distances_in_any_unit_give_the_affinity(kernel, to_library):
    points = to_library(cloud(200))
    squared, _unit = pairwise(points, lambda squared, _unit: squared)
    for unit in (1.0, 2.0**60, 2.0**-60):
        assert np.array_equal(to_numpy(kernel.of_squared(squared * unit)), to_numpy(kernel(points)))
    with pytest.raises(InputError, match=r"needs more than \d+ points, got 3; lower neighbors"):
        kernel.of_squared(squared[:3, :3])


def test_same_number_in_every_library(kernel, blobs, to_library):
    points, _ = blobs
    expected = dse(points, kernel=kernel, t=2).value
    assert dse(to_library(points), kernel=kernel, t=2).value == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("scale", [1e-150, 1e-3, 1e3, 1e150])
def test_blind_to_scale_translation_and_rotation(kernel, blobs, rng, scale):
    points, _ = blobs
    rotation, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    moved = (points @ rotation + 3.0) * scale
    assert dse(moved, kernel=kernel).value == pytest.approx(dse(points, kernel=kernel).value, abs=1e-9)


def test_a_constant_cloud_is_zero_and_copies_are_one_cluster(kernel, rng):
    assert dse(np.full((60, 3), 0.1), kernel=kernel).value == 0.0
    copies = np.repeat(rng.normal(size=(4, 3)), 20, axis=0)
    assert dse(copies, kernel=kernel).value == pytest.approx(2.0, abs=1e-12)


def test_all_but_one_equal_is_one_cluster_and_its_outlier(kernel):
    """The copies have width 0 and are joined among themselves; the outlier's own width reaches some of them or none."""
    points = np.zeros((50, 2))
    points[7] = 1.0
    assert 0.0 <= dse(points, kernel=kernel).value <= 1.0 + 1e-12


def test_heavy_tails_give_a_finite_informative_number(kernel, rng):
    estimate = dse(rng.standard_cauchy(size=(300, 4)), kernel=kernel)
    assert estimate.verdict == "informative"
    assert 0.0 < estimate.value < math.log2(300)


def test_separated_classes_share_their_labels(kernel, rng):
    labels = np.repeat([0, 1, 2], 60)
    points = rng.normal(size=(180, 3)) + 100.0 * np.eye(3)[labels]
    ours, chance = (dsmi(points, given, kernel=kernel, t=3) for given in (labels, rng.permutation(labels)))
    assert ours.value > 5 * ours.stderr
    assert ours.value > 3 * abs(chance.value)


@pytest.mark.parametrize(("n", "k"), [(2, 1), (30, 2), (100, 3), (1000, 11)])
def test_the_default_number_of_neighbours_is_a_third_of_the_root_of_n(n, k, rng):
    points = rng.normal(size=(n, 2))
    assert AlphaDecay().resolve(points, rng) == AlphaDecay(neighbors=k)
    estimate = dse(points, kernel=AlphaDecay())
    assert estimate.value == dse(points, kernel=AlphaDecay(neighbors=k)).value
    assert estimate.settings.kernel == f"AlphaDecay(neighbors={k}, decay=40.0)"


def test_the_normalised_value_hardly_depends_on_n(rng):
    points = rng.normal(size=(1600, 10))
    shares = [dse(points[:n], kernel=AlphaDecay(), t=3).value / math.log2(n) for n in (400, 1600)]
    assert shares[0] == pytest.approx(shares[1], abs=0.02)


def test_a_decay_of_two_is_a_gaussian_of_local_width(rng):
    """On a lattice without ends every point has the same width, so both are the plain Gaussian, but for its tail."""
    angle = 2 * np.pi * np.arange(40) / 40
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    gaussian = SelfTuning(4)(circle)
    assert np.allclose(AlphaDecay(4, decay=2.0)(circle), np.where(gaussian < 1e-4, 0.0, gaussian), rtol=0, atol=1e-12)


def test_a_large_decay_is_the_neighbour_graph(rng):
    """Only the k-th neighbour itself, at exp(-1), tells the kernel from the graph of the k - 1 nearest."""
    points = rng.normal(size=(80, 3))
    distance = np.sqrt(((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2))
    rank = np.argsort(np.argsort(distance, axis=1), axis=1)
    one_way = (rank < 5) + np.exp(-1.0) * (rank == 5)
    assert np.max(np.abs(AlphaDecay(5, decay=1e6)(points) - (one_way + one_way.T) / 2.0)) < 1e-6


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: AlphaDecay(0), "neighbors must be an integer of at least 1, got 0"),
        (lambda: AlphaDecay(2.5), "neighbors must be an integer of at least 1, got 2.5"),
        (lambda: AlphaDecay(decay=0), "decay must be a positive number, got 0; 40 is PHATE's, 2 a Gaussian"),
        (lambda: AlphaDecay(decay=math.inf), "decay must be a positive number, got inf"),
        (lambda: AlphaDecay(decay=math.nan), "decay must be a positive number, got nan"),
        (lambda: SelfTuning(0), "neighbors must be an integer of at least 1, got 0"),
    ],
)
def test_settings_that_cannot_be_used(make, text):
    with pytest.raises(InputError, match=text):
        make()


def test_too_few_points(kernel):
    with pytest.raises(InputError, match=rf"needs more than {kernel.neighbors} points, got 5; lower neighbors"):
        dse(np.eye(5), kernel=kernel)


def cloud(n, d=3):
    """Ten blobs, and among them 30 copies of one point, one of another twice, and an outlier."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(n, d)) + 4.0 * rng.normal(size=(10, d))[np.arange(n) % 10]
    points[:30], points[31], points[40] = points[0], points[30], 1e4
    return points


@pytest.mark.parametrize("kernel", [AlphaDecay(), AlphaDecay(5, decay=10.0), AlphaDecay(3, decay=1000.0)])
def test_the_sparse_affinity_is_the_dense_one(kernel):
    points = cloud(700)
    near = kernel.near(points)
    assert near.nnz < 0.2 * 700**2
    # Of distances that differ by their rounding the power of 1000 makes more.
    assert np.max(np.abs(near.toarray() - kernel(points))) < 2.5e-13 * max(40.0, kernel.decay)
    assert abs(near - near.T).max() == 0.0


def test_a_cloud_whose_pairs_are_all_alike_has_no_sparse_affinity(rng):
    assert AlphaDecay().near(rng.uniform(size=(400, 2000))) is None


def affinity_of(points, kernel, **rest):
    return build.affinity_of(points, kernel, whole_of(points, kernel), **rest)


def test_many_points_get_a_graph_and_few_or_dense_ones_an_array(rng, monkeypatch):
    assert isinstance(affinity_of(cloud(DENSE), AlphaDecay()), np.ndarray)
    graph = affinity_of(cloud(DENSE + 1), AlphaDecay())
    assert not isinstance(graph, np.ndarray)
    assert graph.nnz < 0.05 * DENSE**2
    monkeypatch.setattr("diffspec.solvers.storing.DENSE", 100)
    assert isinstance(affinity_of(rng.uniform(size=(200, 2000)), AlphaDecay()), np.ndarray)
    with pytest.raises(
        TooLargeError, match=r"^AlphaDecay\(.*\) needs the 200 x 200 float64 affinity, 320000 bytes .*, and memory"
    ):
        affinity_of(rng.uniform(size=(200, 2000)), AlphaDecay(), memory=1000.0)
    with pytest.raises(TooLargeError, match="give more memory"):
        affinity_of(cloud(700), AlphaDecay(), memory=50.0 * 700)
    assert affinity_of(cloud(700), AlphaDecay(), memory=50.0 * 700 * 200).nnz < 700 * 200


@pytest.mark.parametrize("measure", [dsmi, adjusted_dsmi])
def test_information_on_a_graph_is_that_on_the_array(measure, monkeypatch):
    points, labels = cloud(600), np.arange(600) % 10
    whole = measure(points, labels)
    monkeypatch.setattr("diffspec.solvers.storing.DENSE", 100)
    monkeypatch.setattr(AlphaDecay, "__call__", lambda *_: pytest.fail("the whole array was computed"))
    assert measure(points, labels).value == pytest.approx(whole.value, abs=1e-9)


def test_the_entropy_of_a_graph_lies_within_its_error():
    points = cloud(DENSE + 600)
    ours, exact = dse(points), dse(points, kernel=AlphaDecay(), t=3, solver=Exact())
    assert 0 < ours.stderr <= 1e-3
    assert abs(ours.value - exact.value) < 4 * ours.stderr
    assert ours.verdict == "informative"


def test_a_graph_of_torch_tensors_is_that_of_numpy(to_library):
    points = cloud(DENSE + 10)
    assert dse(to_library(points), tol=1e-2).value == pytest.approx(dse(points, tol=1e-2).value, abs=1e-9)


@pytest.mark.parametrize("decay", [1e-5, 0.01, 2.0, 40.0, 1e6])
def test_powers_are_taken_only_where_points_are_near_and_are_those_of_all(decay):
    points, kernel = cloud(300), AlphaDecay(5, decay=decay)
    squared, _unit = pairwise(points, lambda squared, _unit: squared)
    kth = np.sort(squared, axis=1)[:, 5]
    everywhere = kernel._powers(squared, kth[:, None])
    assert np.array_equal(kernel._weights(squared, kth[:, None]), everywhere)


def test_a_graph_that_is_searched_where_the_points_lie_is_that_of_the_host(to_library):
    points, kernel = cloud(700), AlphaDecay()
    found = kernel.near(to_library(points))
    expected = kernel.near(points)
    assert found.nnz == expected.nnz
    assert abs(found - expected).max() < 1e-11


def test_very_many_points_on_a_device_become_a_graph_that_the_host_solves(monkeypatch):
    strict = pytest.importorskip("array_api_strict")
    points = cloud(600)
    expected = dse(points).value
    monkeypatch.setattr("diffspec.solvers.storing.DENSE_ELSEWHERE", 100)
    monkeypatch.setattr(AlphaDecay, "__call__", lambda *_: pytest.fail("the whole array was computed"))
    there = strict.asarray(points, device=strict.Device("device1"))
    assert dse(there).value == pytest.approx(expected, abs=1e-9)
    labels = np.arange(600) % 10
    assert math.isfinite(dsmi(there, labels).value)


@pytest.mark.parametrize("decay", [40.0, 0.005])
def test_copies_are_joined_to_their_copies_however_far_a_weight_reaches(decay, to_library, monkeypatch):
    """A decay of .005 reaches infinitely far, and more copies than neighbours have a width of 0."""
    monkeypatch.setattr("diffspec.kernels.local.SPARSE_SHARE", 2.0)
    rng = np.random.default_rng(0)
    points = np.concatenate([np.repeat(rng.normal(size=(4, 3)), 20, axis=0), rng.normal(size=(40, 3))])
    kernel = AlphaDecay(neighbors=5, decay=decay)
    expected = kernel(points)
    assert expected[:80, :80].sum() >= 4 * 20 * 20
    for given in (points, to_library(points)):
        assert kernel.near(given).toarray() == pytest.approx(expected, abs=1e-12)
