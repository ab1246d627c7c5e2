"""Kernels of local width: each against its formula, its limits and its invariances."""

import math

import numpy as np
import pytest

from diffspec import AlphaDecay, InputError, SelfTuning, dse, dsmi

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
    return (one_way + one_way.T) / 2.0


def test_affinity_is_the_formula(kernel, blobs):
    points, _ = blobs
    affinity = kernel(points)
    assert np.max(np.abs(affinity - formula(kernel, points))) < 1e-11
    assert np.max(np.abs(affinity - affinity.T)) < 1e-14
    assert np.array_equal(np.diag(affinity), np.ones(len(points)))


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
    """On a lattice without ends every point has the same width, so that both kernels are the plain Gaussian."""
    angle = 2 * np.pi * np.arange(40) / 40
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert np.allclose(AlphaDecay(4, decay=2.0)(circle), SelfTuning(4)(circle), rtol=0, atol=1e-12)


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
