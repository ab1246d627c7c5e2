"""One huge finite value does not hide the distances of the rest: the definition on distances of float64 differences."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

import definitions
from diffspec import (
    AlphaDecay,
    Gaussian,
    InputError,
    Lanczos,
    NearestNeighbors,
    SelfTuning,
    adjusted_dsmi,
    bandwidth,
    diffusion_matrix,
    dse,
    dsmi,
    paper,
    permutation_test,
    profile,
    spectrum,
)
from diffspec.points.distances import unit_scaled

FILL = 9.96921e36  # of NetCDF


def bulk():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(150, 6))
    points[75:] += 4.0
    return points


def with_row(value):
    return np.r_[bulk(), np.full((1, 6), value)]


def with_cell(value):
    points = bulk()
    points[17, 3] = value
    return points


def with_half(value):
    """Every other row filled, so that neither the mean nor the median lies among the rest."""
    points = bulk()
    points[::2] = value
    return points


def with_column(value):
    return np.c_[bulk(), np.full(150, value)]


def with_column_and_cell(value):
    """A constant column that makes every row as large as the one with the outlying cell."""
    points = np.c_[with_cell(value / 10.0), np.full(150, value)]
    points[3, -1] = 0.0
    return points


HUGE = {
    **{f"a row of {value:g}": with_row(value) for value in (1e9, 1e12, 1e18, 1e20, FILL, -FILL, 1e100)},
    **{f"a cell of {value:g}": with_cell(value) for value in (1e18, FILL, 1e100)},
    **{f"half of {value:g}": with_half(value) for value in (1e18, FILL)},
    "a constant column of 1.797e308": with_column(1.797e308),
    "a constant column of -1e18": with_column(-1e18),
    "two rows of 1e20 on both sides": np.r_[with_row(1e20), with_row(-1e20)[-1:]],
    "a constant column and a cell": with_column_and_cell(1e19),
    "an offset and a row": np.r_[bulk() + 1e9, np.full((1, 6), 1e22)],
}


def alpha_decay(points):
    distances = cdist(points, points)
    k = max(1, round(math.sqrt(len(points)) / 3.0))
    width = np.sort(distances, axis=1)[:, k][:, None]
    ratio = np.divide(distances, width, out=np.where(distances > 0, np.inf, 0.0), where=width > 0)
    directed = np.exp(-(np.minimum(ratio, 10.0) ** 40.0))
    directed[directed < 1e-4] = 0.0
    return (directed + directed.T) / 2.0


def self_tuning(points):
    distances = cdist(points, points)
    width = np.sort(distances, axis=1)[:, 7]
    product = np.outer(width, width)
    ratio = np.divide(distances, product, out=np.where(distances > 0, np.inf, 0.0), where=product > 0)
    return np.exp(-(ratio * distances))


def gaussian(sigma):
    return lambda points: np.exp(-((cdist(points, points) / sigma) ** 2) / 2.0)


def median(points):
    return math.sqrt(np.median(np.square(cdist(points, points)[np.triu_indices(len(points), 1)])) / 2.0)


KERNELS = {
    "AlphaDecay": (AlphaDecay(), alpha_decay, 3.0),
    "SelfTuning": (SelfTuning(), self_tuning, 1.0),
    "Gaussian(1.5)": (Gaussian(1.5), gaussian(1.5), 1.0),
    "Gaussian('median')": (Gaussian(), lambda points: gaussian(median(points))(points), 1.0),
}


def by_definition(affinity, t, alpha=0.5):
    eigenvalues = np.linalg.eigvals(definitions.diffusion_matrix(affinity, alpha))
    return definitions.entropy_bits(definitions.probabilities(eigenvalues, t))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("points", HUGE.values(), ids=list(HUGE))
def test_a_huge_value_does_not_hide_the_other_distances(points, kernel):
    kernel, affinity, t = KERNELS[kernel]
    assert dse(points, kernel=kernel).value == pytest.approx(by_definition(affinity(points), t), abs=1e-6)


@pytest.mark.parametrize("value", [1e18, FILL])
def test_a_huge_row_in_torch_and_with_the_settings_of_the_paper(value, to_library):
    points = with_row(value)
    assert dse(to_library(points)).value == pytest.approx(dse(points).value, abs=1e-9)
    assert dse(to_library(points), **paper).value == pytest.approx(by_definition(gaussian(10.0)(points), 1.0), abs=1e-9)


@pytest.mark.parametrize("door", ["dsmi", "adjusted", "permutation", "spectrum", "matrix", "neighbors"])
def test_a_huge_row_is_one_far_point_for_every_measure(door):
    """1e9 is as far as FILL for kernels of the width of the rest, and centring costs nothing there."""
    labels = np.r_[np.arange(150) // 75, 0]
    kernel = Gaussian(1.0)
    measure = {
        "dsmi": lambda points: dsmi(points, labels).value,
        "adjusted": lambda points: adjusted_dsmi(points, labels).value,
        "permutation": lambda points: permutation_test(points, labels, 19, kernel=kernel).value,
        "spectrum": lambda points: np.asarray(spectrum(points, kernel=kernel).nodes),
        "matrix": lambda points: diffusion_matrix(points, kernel=kernel),
        "neighbors": lambda points: dse(points, kernel=NearestNeighbors(5, sigma=1.0)).value,
    }[door]
    np.testing.assert_allclose(measure(with_row(FILL)), measure(with_row(1e9)), atol=1e-7)


RULES = [
    (bandwidth.Median(), median),
    (bandwidth.Neighbors(5), lambda points: np.sort(cdist(points, points), axis=1)[:, 5].mean()),
    (
        bandwidth.Quantile(0.25),
        lambda p: math.sqrt(np.sort(cdist(p, p)[np.triu_indices(len(p), 1)])[len(p) * (len(p) - 1) // 8] ** 2 / 2.0),
    ),
]


@pytest.mark.parametrize("points", HUGE.values(), ids=list(HUGE))
@pytest.mark.parametrize(("rule", "formula"), RULES, ids=lambda one: type(one).__name__)
def test_rules_of_width_see_all_distances(rule, formula, points):
    assert rule(points, np.random.default_rng(0)) == pytest.approx(formula(points), rel=1e-7)


@pytest.mark.parametrize("solver", [None, Lanczos(probes=4)])
def test_a_profile_reaches_from_the_near_distances_to_the_far_one(solver):
    """At a width between the bulk and the far row there are two clusters, of 150 points and of one."""
    found = profile(with_row(1e22), sigmas=[1.0, 1e12], solver=solver, alpha=0.0)
    assert found.entropy.values[0] == pytest.approx(by_definition(gaussian(1.0)(with_row(1e22)), 1.0, 0.0), abs=0.1)
    assert found.entropy.values[1] == pytest.approx(1.0, abs=1e-6)
    everything = profile(with_row(1e22))
    assert everything.sigmas[0] < 1.0
    assert everything.sigmas[-1] > 1e21


@pytest.mark.parametrize("value", [1e200, -1.797e308])
@pytest.mark.parametrize("make", [with_row, with_cell])
def test_values_beside_which_squares_vanish_are_refused_by_row(make, value, to_library):
    row = 150 if make is with_row else 17
    with pytest.raises(InputError, match=rf"got {abs(value):.6g}\d* in row {row}; remove".replace("+", r"\+")):
        dse(to_library(make(value)))


@pytest.mark.parametrize("scale", [1e-307, 1e-200, 1e-18, 1e18, 1e200, 1e304])
def test_values_do_not_depend_on_the_unit_of_the_points(scale):
    points, labels = bulk(), np.arange(150) // 75
    scaled = points * scale
    for measure in (
        lambda p: dse(p).value,
        lambda p: dse(p, kernel=Gaussian()).value,
        lambda p: dse(p, kernel=Gaussian("log-sum")).value,
        lambda p: dsmi(p, labels).value,
        lambda p: adjusted_dsmi(p, labels).value,
        lambda p: profile(p).dimension,
    ):
        assert measure(scaled) == pytest.approx(measure(points), rel=1e-6)


def test_points_at_the_end_of_float64_have_their_entropy_and_no_profile():
    points = bulk() / np.abs(bulk()).max() * 1.797e308
    for kernel in (AlphaDecay(), SelfTuning(), Gaussian(), Gaussian("knn"), NearestNeighbors()):
        assert dse(points, kernel=kernel).value == pytest.approx(dse(bulk(), kernel=kernel).value, rel=1e-9)
    with pytest.raises(InputError, match="points are too large for their distances to be float64 numbers; divide"):
        profile(points)


def test_the_gradient_of_a_loss_knows_nothing_of_a_huge_row():
    from diffspec.training import DSELoss

    def gradient(value):
        points = torch.tensor(with_row(value), requires_grad=True)
        DSELoss(kernel=Gaussian(1.0))(points).backward()
        return points.grad[:150]

    torch.testing.assert_close(gradient(FILL), gradient(1e6), rtol=1e-6, atol=1e-9)
    assert float(gradient(FILL).abs().max()) > 0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [40, 3000])
@pytest.mark.parametrize("d", [1, 3, 50])
def test_ordinary_points_are_centred_by_their_mean_bit_for_bit(seed, n, d):
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(n, d)) + 3.0
    softmax = np.exp(2.0 * normal)
    for points in (normal, np.maximum(rng.normal(size=(n, d)), 0.0), softmax / softmax.sum(axis=1, keepdims=True)):
        found, unit = unit_scaled(points)
        scaled = points / unit
        np.testing.assert_array_equal(found, scaled - scaled.mean(axis=0, keepdims=True))
