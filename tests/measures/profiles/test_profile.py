"""Profiles over scale: the definitions at every width, invariance, plateaus, summaries, bad input."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ortho_group

import definitions
from diffspec import (
    Exact,
    Gaussian,
    InputError,
    Lanczos,
    Literal,
    Matched,
    Partition,
    Profile,
    TooLargeError,
    dse,
    dsmi,
    profile,
)


def clusters(n=90, d=4, *, apart=6.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=n)
    return rng.normal(size=(n, d)) + apart * np.eye(3, d)[labels], labels


def by_distance_from_mean(points):
    return np.argsort(((points - points.mean(axis=0)) ** 2).sum(axis=1), kind="stable")


DATA = {
    "line": np.random.default_rng(0).uniform(size=(100, 1)),
    "flat 100-D": np.random.default_rng(1).normal(size=(100, 100)),
    "clusters": clusters(100, apart=1000.0)[0],
    "heavy tails": np.random.default_rng(2).standard_cauchy(size=(100, 3)),
    "duplicates": np.repeat(np.random.default_rng(3).normal(size=(50, 3)), 2, axis=0),
    "all but one equal": np.vstack([np.zeros((99, 2)), np.ones((1, 2))]),
    "two far clusters": np.vstack([np.random.default_rng(4).normal(size=(50, 2)) * 1e-3, np.full((50, 2), 1e3)]),
}


@pytest.mark.parametrize(("alpha", "t"), [(0.5, 1.0), (0.0, 2.0), (1.0, 0.5)])
def test_every_width_is_the_definition(alpha, t):
    points, labels = clusters()
    sigmas = [0.4, 1.5, 9.0]
    found = profile(points, labels, sigmas=sigmas, alpha=alpha, t=t, estimator=Literal())
    assert found.sigmas == tuple(sigmas)
    assert found.entropy.stderr is None
    for sigma, entropy, information in zip(sigmas, found.entropy.values, found.information.values, strict=True):
        assert entropy == pytest.approx(definitions.dse(points, sigma, alpha, t), abs=1e-7)
        assert information == pytest.approx(definitions.dsmi_literal(points, labels, sigma, alpha, t), abs=1e-7)


def test_matched_information_is_that_of_dsmi_on_the_points_in_their_own_order():
    points, labels = clusters()
    order = by_distance_from_mean(points)
    found = profile(points, labels, sigmas=[0.5, 2.0, 4.0], rng=7)
    for estimate in found.estimates()[3:]:
        single = dsmi(points[order], labels[order], kernel=Gaussian(estimate.settings.sigma), t=1.0, rng=7)
        assert estimate.value == pytest.approx(single.value, abs=1e-12)
        assert estimate.stderr == pytest.approx(single.stderr, abs=1e-12)
        assert estimate.ceiling == pytest.approx(single.ceiling)
    assert found.peak.value == max(found.information.values) == float(found)


def test_a_width_does_not_depend_on_the_other_widths():
    points, labels = clusters(100)
    solver = Lanczos(tol=None, probes=4, deflation=4, steps=4)
    many = profile(points, labels, sigmas=[0.5, 1.0, 2.0, 4.0], solver=solver)
    few = profile(points, labels, sigmas=[1.0, 4.0], solver=solver)
    assert few.entropy.values == many.entropy.values[1::2]
    assert few.information.values == many.information.values[1::2]


@pytest.mark.parametrize(
    "solver", [None, pytest.param(Lanczos(tol=None, probes=4, deflation=4, steps=6), marks=pytest.mark.thorough)]
)
@pytest.mark.parametrize("change", ["moved", "rotated", "permuted", "scaled"])
def test_nothing_changes_when_the_points_are(change, solver):
    points, labels = clusters(120)
    rng = np.random.default_rng(5)
    other, others, factor = points, labels, 1.0
    if change == "moved":
        other = points + 30.0
    elif change == "rotated":
        other = points @ ortho_group.rvs(4, random_state=5)
    elif change == "permuted":
        order = rng.permutation(len(points))
        other, others = points[order], labels[order]
    else:
        factor = 1e-3 * math.pi
        other = factor * points
    before, after = (profile(p, y, sigmas=8, solver=solver) for p, y in ((points, labels), (other, others)))
    assert np.asarray(after.sigmas) / factor == pytest.approx(np.asarray(before.sigmas), rel=1e-6)
    close = 1e-9 if solver is None else 2e-4
    assert after.entropy.values == pytest.approx(before.entropy.values, abs=close)
    assert after.information.values == pytest.approx(before.information.values, abs=close)
    for name in ("area", "dimension", "fall"):
        assert getattr(after, name) == pytest.approx(getattr(before, name), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("t", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("name", DATA)
def test_the_default_widths_reach_both_plateaus(name, t):
    found = profile(DATA[name], t=t)
    narrow, wide = found.plateaus
    assert len(found.sigmas) == 30
    assert found.sigmas[0] <= narrow < wide <= found.sigmas[-1]
    assert found.distinct == len(np.unique(DATA[name], axis=0))


def test_informative_ends_are_where_the_entropy_is():
    points = clusters()[0]
    found = profile(points)
    for sigma, share in zip(found.informative, (0.9, 0.1), strict=True):
        assert float(dse(points, kernel=Gaussian(sigma), t=1.0)) / found.limit == pytest.approx(share, abs=0.01)


def test_a_grid_that_ends_inside_says_so():
    points = clusters()[0]
    inside = profile(points, sigmas=[1.2, 1.5])
    assert inside.plateaus == (None, None)
    assert inside.informative == (1.2, 1.5)
    outside = profile(points, sigmas=[1e-6, 1e-5])
    assert outside.informative is None
    assert outside.plateaus == (1e-5, None)
    assert "informative (10 % to 90 % of 6.492 bit): at no width" in str(outside)


def test_growth_is_the_derivative_of_the_log_of_the_kernels_sum():
    points = clusters()[0]
    found = profile(points, sigmas=[0.5, 2.0, 20.0])
    for sigma, growth in zip(found.sigmas, found.growth, strict=True):
        low, high = (math.log(definitions.gaussian(points, s).sum()) for s in (sigma * 0.9999, sigma * 1.0001))
        assert growth == pytest.approx((high - low) / math.log(1.0001 / 0.9999), abs=1e-6)


@pytest.mark.parametrize("d", [1, 2])
def test_dimension_and_fall_of_a_cube(d):
    found = profile(np.random.default_rng(0).uniform(size=(700, d)), sigmas=16)
    assert found.dimension == pytest.approx(d, rel=0.2)
    assert found.fall == pytest.approx(d, rel=0.25)
    assert float(found) == found.dimension


def test_area_does_not_depend_on_the_grid_and_orders_fine_structure():
    rng = np.random.default_rng(0)
    line, ball = rng.uniform(size=(300, 1)), rng.normal(size=(300, 30))
    coarse = profile(line)
    wider = profile(line, sigmas=np.geomspace(coarse.sigmas[0] / 50, coarse.sigmas[-1] * 50, 200))
    assert coarse.area == pytest.approx(wider.area, abs=0.05)
    assert coarse.area < profile(ball).area - 1.0


def test_the_area_by_hand():
    points = clusters()[0]
    found = replace(profile(points, sigmas=[1.0, 4.0]), sigmas=(1.0, 4.0), scale=2.0, distinct=16)
    found = replace(found, entropy=replace(found.entropy, values=(4.0, 0.0)))
    assert found.area == pytest.approx(-1.0 + 2 * 0.5)  # 1 up to sigma / scale = 1/2, then half of two octaves
    assert found.fall == pytest.approx(2.0)


def test_random_errors_are_as_stated():
    points = clusters(900, 6)[0]
    found = profile(points, sigmas=24)
    exact = profile(points, sigmas=found.sigmas[::4], solver=Exact())
    assert "Lanczos" in found.settings.solver
    assert all(error <= 1e-2 for error in found.entropy.stderr)
    assert max(found.entropy.stderr) > 1e-4
    gaps = np.abs(np.subtract(found.entropy.values[::4], exact.entropy.values))
    assert np.all(gaps <= 4.0 * np.asarray(found.entropy.stderr[::4]) + 1e-4)


def test_torch_gives_the_same():
    torch = pytest.importorskip("torch")
    points, labels = clusters()
    host, device = (profile(p, labels, sigmas=5) for p in (points, torch.as_tensor(points)))
    assert device.entropy.values == pytest.approx(host.entropy.values, abs=1e-9)
    assert device.information.values == pytest.approx(host.information.values, abs=1e-9)


def test_one_group_and_groups_of_one_carry_nothing():
    points = clusters(12)[0]
    assert profile(points, [0] * 12, sigmas=3).information.values == (0.0, 0.0, 0.0)
    assert profile(points, np.arange(12), sigmas=3).information.values == (0.0, 0.0, 0.0)


def test_one_repetition_has_no_error():
    points, labels = clusters()
    assert profile(points, labels, sigmas=3, estimator=Matched(1)).information.stderr is None
    assert profile(points, labels, sigmas=3).information.stderr is not None


def test_estimates_know_their_width():
    points, labels = clusters()
    found = profile(points, labels, sigmas=4)
    estimates = found.estimates()
    assert [e.measure for e in estimates] == ["DSE"] * 4 + ["DSMI"] * 4
    assert [e.settings.sigma for e in estimates] == [*found.sigmas, *found.sigmas]
    assert estimates[0].verdict.startswith("saturated: ")
    assert estimates[3].verdict.startswith("collapsed: ")
    assert estimates[0].ceiling == pytest.approx(math.log2(90))
    assert estimates[0].settings.partition is None
    assert estimates[4].settings.estimator == "Matched(repetitions=5)"
    assert found.settings.rule == "median"
    assert found.settings.sigma == pytest.approx(definitions.median_sigma(points))


def test_json_there_and_back():
    points, labels = clusters()
    for found in (profile(points, sigmas=3), profile(points, labels, sigmas=3)):
        assert Profile.from_json(found.to_json()) == found
    assert json.loads(found.to_json())["measure"] == "profile"


def test_what_is_printed():
    points, labels = clusters()
    text = str(profile(points, labels)).splitlines()
    assert text[0].startswith("profile of 90 points, alpha = 0.5, t = 1, sigma ")
    assert text[3].startswith("largest information: DSMI = ")
    assert text[5].split() == ["sigma", "DSE", "share", "DSMI"]
    assert text[6].endswith("saturated")
    assert len(text) <= 18


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sigmas": 1}, "sigmas must be an integer of at least 2, got 1; the default is 30"),
        ({"sigmas": [1.0, 1.0]}, r"at least 2 different widths, got \[1.0\]; for one width use dse"),
        ({"sigmas": [1.0, -2.0]}, "each of sigmas must be a positive number, got -2.0"),
        ({"sigma": "mode"}, "sigma must be a positive number or one of"),
        ({"points": np.ones((5, 2))}, "all points are equal: they have no scale to profile"),
        ({"points": np.ones(5)}, "points must have shape"),
        ({"reference": [0, 1]}, "reference must have one entry per point, got 2 for 90 points"),
        ({"reference": Partition(np.zeros(3, int), ("a",))}, "reference must have one entry per point"),
        ({"t": 0.0}, "t must be a positive number"),
        ({"alpha": 2.0}, "alpha must lie in"),
        ({"tol": 0.0}, "tol must be a positive number"),
        ({"solver": Exact}, "solver must be a solver such as"),
    ],
)
def test_bad_input(change, message):
    given = {"points": clusters()[0], **change}
    with pytest.raises(InputError, match=message):
        profile(given.pop("points"), given.pop("reference", None), **given)


def test_too_little_memory():
    with pytest.raises(TooLargeError, match=r"keeps 90 x 90 distances and one affinity, 129600 bytes .*, and .* are"):
        profile(clusters()[0], memory=1000.0)


def test_bad_json():
    with pytest.raises(InputError, match=r"not JSON: .*; expected what Profile.to_json gives"):
        Profile.from_json("{")
    with pytest.raises(
        InputError,
        match=r"not the dictionary of Profile: missing fields .*settings.*; expected what Profile.to_dict gives",
    ):
        Profile.from_json("{}")


def test_no_peak_without_a_reference():
    with pytest.raises(InputError, match="has no information; give profile"):
        _ = profile(clusters()[0], sigmas=3).peak
