"""Rules for sigma: each against a brute-force oracle, its invariances, its subsample, and inputs that break it."""

import math

import numpy as np
import pytest

from diffspec import Cosine, Gaussian, InputError, dse, spectrum
from diffspec.kernels.bandwidth import (
    NAMED,
    TINY,
    Fixed,
    GeometricMean,
    LogSum,
    Median,
    Neighbors,
    NeighborShare,
    Quantile,
    RootDimension,
    Scaled,
    resolve_sigma,
)
from effort import only

SCALING = {
    "median": Median(),
    "quantile": Quantile(0.1),
    "knn": Neighbors(10),
    "lafon": Neighbors(1),
    "knn-share": NeighborShare(0.02),
    "log-sum": LogSum(),
    "half": Scaled(Median(), 0.5),
    "between": GeometricMean(Median(), Neighbors(10)),
}
DETERMINED = [name for name in SCALING if name != "log-sum"]


@pytest.fixture(params=SCALING.values(), ids=SCALING)
def rule(request):
    return request.param


def sigma_of(rule, points, seed=0):
    return rule(points, np.random.default_rng(seed))


def distances(points):
    return np.sqrt(((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2))


def oracle(name, points):
    """The definition of each rule from the sorted distances, without a matrix product."""
    distance = distances(points)
    pairs = np.sort(distance[np.triu_indices(len(points), 1)])
    ranked = np.sort(distance, axis=1)
    median = math.sqrt(np.median(pairs**2) / 2)
    return {
        "median": median,
        "quantile": pairs[int(0.1 * len(pairs))] / math.sqrt(2),
        "knn": ranked[:, 10].mean(),
        "lafon": ranked[:, 1].mean(),
        "knn-share": ranked[:, round(0.02 * (len(points) - 1))].mean(),
        "half": median / 2,
        "between": math.sqrt(median * ranked[:, 10].mean()),
    }[name]


@pytest.mark.parametrize("name", DETERMINED)
def test_agrees_with_its_definition(name, blobs):
    points, _ = blobs
    assert sigma_of(SCALING[name], points) == pytest.approx(oracle(name, points), rel=1e-9)


def test_log_sum_is_the_steepest_growth_of_the_sum_of_affinities(blobs):
    points, _ = blobs
    squared = distances(points) ** 2

    def log_sum(log_squared_sigma):
        return math.log(np.exp(-squared / (2 * math.exp(log_squared_sigma))).sum())

    grid = np.arange(-8, 8, 0.01)
    values = np.array([log_sum(value) for value in grid])
    slopes = np.diff(values) / 0.01
    steepest = slopes.argmax()
    assert sigma_of(LogSum(), points) == pytest.approx(math.exp(grid[steepest] / 2), rel=0.02)
    assert LogSum().dimension(points, np.random.default_rng(0)) == pytest.approx(2 * slopes[steepest], rel=0.005)


@pytest.mark.parametrize(("d", "low", "high"), [(1, 0.9, 1.15), (2, 1.75, 2.2), (3, 2.4, 3.2)])
def test_log_sum_gives_the_intrinsic_dimension(d, low, high, rng):
    turn, _ = np.linalg.qr(rng.normal(size=(20, 20)))
    points = np.pad(rng.uniform(-1, 1, size=(1500, d)), ((0, 0), (0, 20 - d))) @ turn
    assert low < LogSum().dimension(points, rng) < high


@pytest.mark.parametrize("factor", [1e-200, 1e-3, 1e3, 1e200])
def test_scales_with_the_points_and_ignores_where_they_are(rule, blobs, rng, factor):
    points, _ = blobs
    turn, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    moved = rng.permutation((points @ turn + 2.0) * factor)
    assert sigma_of(rule, moved) / factor == pytest.approx(sigma_of(rule, points), rel=1e-4)


@pytest.mark.parametrize("rule", [Fixed(3.0), RootDimension()], ids=repr)
def test_rules_that_do_not_look_at_distances(rule, rng):
    points = rng.normal(size=(20, 9))
    assert sigma_of(rule, points) == sigma_of(rule, 1e6 * points) == 3.0


def test_same_number_in_every_library(rule, blobs, to_library):
    points, _ = blobs
    assert sigma_of(rule, to_library(points)) == pytest.approx(sigma_of(rule, points), rel=1e-9)


@pytest.mark.parametrize(
    ("whole", "tolerance"),
    [
        (Median(most=10**6), 0.01),
        (Quantile(0.1, most=10**6), 0.01),
        (Neighbors(10, most=10**6), 0.01),
        (Neighbors(1, most=10**6), 0.01),
        (NeighborShare(0.01, most=10**6), 0.01),
        (LogSum(most=10**6), 0.05),
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", only(["clusters", "Student t, 3 degrees"], "clusters"))
def test_a_subsample_gives_the_sigma_of_all_points(whole, tolerance, kind, rng):
    n = 5000
    points = {
        "clusters": 8.0 * rng.normal(size=(10, 6))[rng.integers(10, size=n)] + rng.normal(size=(n, 6)),
        "Student t, 3 degrees": rng.standard_t(3, size=(n, 4)),
    }[kind]
    usual = type(whole)(*[getattr(whole, name) for name in whole.__slots__ if name != "most"])
    expected = sigma_of(whole, points)
    assert sigma_of(usual, points) == pytest.approx(expected, rel=tolerance)
    assert sigma_of(usual, points, 1) != sigma_of(usual, points)  # it was a subsample


def test_a_share_of_neighbours_is_stable_in_n_where_a_number_is_not(rng):
    points = rng.uniform(size=(4000, 2))
    few, many = points[:400], points
    assert sigma_of(NeighborShare(0.02), many) == pytest.approx(sigma_of(NeighborShare(0.02), few), rel=0.05)
    assert sigma_of(Neighbors(8), many) < 0.4 * sigma_of(Neighbors(8), few)


def test_all_points_equal_is_the_narrowest_kernel(rule):
    assert sigma_of(rule, np.full((40, 3), 0.1)) in (TINY, TINY / 2)
    assert dse(np.full((40, 3), 0.1), kernel=Gaussian(rule)).value == 0.0


def test_all_but_one_equal(rule):
    """The kernel must tell the one from the others, whatever the rule: two clusters of sizes 39 and 1, or one."""
    points = np.zeros((40, 3))
    points[5] = 1.0
    assert 0.0 <= dse(points, kernel=Gaussian(rule)).value <= 1.0 + 1e-12


def test_every_point_twice_keeps_the_number(rng):
    """Copies have distance 0 to each other; a rule of the 2nd or a later neighbour sees through them."""
    points = rng.normal(size=(60, 3))
    twice = np.repeat(points, 2, axis=0)
    assert sigma_of(Neighbors(1), twice) == TINY
    assert sigma_of(Neighbors(10), twice) == pytest.approx(sigma_of(Neighbors(5), points), rel=1e-12)
    assert dse(twice, kernel=Gaussian(2.0)).value == pytest.approx(dse(points, kernel=Gaussian(2.0)).value, abs=1e-9)


def test_two_far_clusters(rng):
    """The median lies between the clusters, the neighbour rules within them."""
    points = rng.normal(size=(200, 3)) + 1e4 * (np.arange(200) % 2)[:, None]
    assert sigma_of(Median(), points) > 1e3
    for rule in (Neighbors(10), NeighborShare(0.05), Quantile(0.1)):
        assert sigma_of(rule, points) < 3.0


def test_heavy_tails_leave_a_positive_sigma(rule, rng):
    points = rng.standard_cauchy(size=(300, 4))
    assert 0.0 < sigma_of(rule, points) < math.inf
    assert dse(points, kernel=Gaussian(rule)).value > 0.0


def test_two_points_are_enough_for_all_but_the_10th_neighbour():
    points = np.array([[0.0], [2.0]])
    assert sigma_of(Median(), points) == sigma_of(Quantile(0.5), points) == pytest.approx(math.sqrt(2))
    assert sigma_of(Neighbors(1), points) == sigma_of(NeighborShare(0.01), points) == 2.0
    with pytest.raises(InputError, match=r"needs more than k = 10 points, got 2; use sigma='median' or a number"):
        sigma_of(Neighbors(10), points)


@pytest.mark.parametrize("name", NAMED)
def test_every_name_reaches_the_settings_with_its_number(name, blobs):
    points, _ = blobs
    settings = spectrum(points, kernel=Gaussian(name)).settings
    assert settings.rule == name
    assert settings.sigma == resolve_sigma(name, points, np.random.default_rng(0))


def test_a_rule_as_a_value_reaches_the_settings(blobs):
    settings = spectrum(blobs[0], kernel=Cosine(Scaled(Median(), 0.5))).settings
    assert settings.rule == "Scaled(rule=Median(most=4096), factor=0.5)"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Fixed(0.0), "value must be a positive number, got 0.0"),
        (lambda: Fixed(math.nan), "value must be a positive number, got nan"),
        (lambda: Scaled(Median(), -1.0), "factor must be a positive number, got -1.0"),
        (lambda: Quantile(0.0), "q must lie between 0 and 1, got 0.0; 0.5 is the median"),
        (lambda: Quantile(1.0), "q must lie between 0 and 1, got 1.0"),
        (lambda: Neighbors(0), "k must be an integer of at least 1, got 0"),
        (lambda: Neighbors(2.5), "k must be an integer of at least 1, got 2.5"),
        (lambda: NeighborShare(0.0), r"share must lie in \(0, 1\], got 0.0"),
        (lambda: NeighborShare(1.5), r"share must lie in \(0, 1\], got 1.5"),
        (lambda: Gaussian("widest"), "one of knn, knn-share, lafon, log-sum, median, quantile, sqrt-d, got 'widest'"),
        (lambda: Gaussian(Median), r"sigma must be a rule such as Median\(\), got the class Median; call it first"),
    ],
)
def test_settings_that_cannot_be_used(make, text):
    with pytest.raises(InputError, match=text):
        make()
