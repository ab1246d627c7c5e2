"""One huge finite value does not hide the distances of the rest from estimators of nearest neighbours, or is named."""

import math

import numpy as np
import pytest

from diffspec import InputError
from diffspec.baselines import (
    conditional_ksg,
    kl_divergence,
    knn_probe,
    kozachenko_leonenko,
    ksg,
    levina_bickel,
    lnc,
    logme,
    mixed_ksg,
    ross,
    two_nn,
)

FILL = 9.96921e36  # of NetCDF
LABELS = np.arange(121) // 60 % 2
NOISE = np.random.default_rng(1).normal(size=(121, 1))


def bulk():
    points = np.random.default_rng(0).normal(size=(120, 3))
    points[60:] += 4.0
    return points


def with_row(value):
    return np.r_[bulk(), np.full((1, 3), value)]


def with_half(value):
    """Of every class half lies far out and apart from one another."""
    points = with_row(0.0)[:, :1]
    points[::2] = value * np.geomspace(1.0, 2.0, 61)[:, None]
    return points


@pytest.mark.parametrize("measure", [two_nn, levina_bickel])
def test_a_dimension_is_that_beside_a_point_that_is_just_far(measure):
    assert measure(with_row(FILL)).value == pytest.approx(measure(with_row(1e8)).value, rel=1e-6)


def test_the_differential_entropy_grows_by_the_logarithm_of_the_far_distance():
    grown = kozachenko_leonenko(with_row(FILL)).value - kozachenko_leonenko(with_row(1e8)).value
    assert grown == pytest.approx(3 / 121 * math.log2(FILL / 1e8), abs=1e-6)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("measure", [ross, mixed_ksg])
def test_information_where_half_the_values_are_huge(measure, standardize):
    found, wanted = (measure(with_half(value), LABELS, standardize=standardize).value for value in (FILL, 1e6))
    assert found == pytest.approx(wanted, abs=1e-9)


FAR = {
    "ross": lambda p: ross(p, LABELS),
    "ross, standardized": lambda p: ross(p, LABELS, standardize=True),
    "knn_probe": lambda p: knn_probe(p, LABELS),
    "logme": lambda p: logme(p, LABELS),
    "mixed_ksg, labels": lambda p: mixed_ksg(p, LABELS),
    "mixed_ksg": lambda p: mixed_ksg(p, NOISE),
    "ksg": lambda p: ksg(p, NOISE),
    "ksg 2": lambda p: ksg(p, NOISE, variant=2, standardize=False),
    "lnc": lambda p: lnc(p, NOISE),
    "conditional_ksg": lambda p: conditional_ksg(p, NOISE, NOISE + 1.0),
}


@pytest.mark.parametrize("value", [FILL, -1e18])
@pytest.mark.parametrize("measure", FAR.values(), ids=list(FAR))
def test_a_row_from_which_the_others_are_at_one_distance_is_named(measure, value):
    with pytest.raises(InputError, match=rf"got {abs(value):.6g} in row 120; remove that row".replace("+", r"\+")):
        measure(with_row(value))
    assert math.isfinite(measure(with_row(1e8)).value)


def test_a_far_reference_is_named():
    with pytest.raises(InputError, match=r"reference must not lie over 1e12 times .*, got 1e\+20 in row 3; remove"):
        ksg(with_row(0.0), np.where(np.arange(121) == 3, 1e20, NOISE[:, 0]))


def test_distances_that_vanish_are_told_from_copies():
    with pytest.raises(InputError, match="got distances of 0 in float64; remove far rows"):
        kl_divergence(with_row(1e300), bulk() + 0.3)


def test_logme_refuses_a_feature_beside_which_the_others_are_rounding(rng):
    labels = np.repeat([0, 1, 2], 60)
    points = rng.normal(size=(3, 8))[labels] + rng.normal(size=(180, 8))
    wide = rng.normal(size=(180, 1))
    assert logme(np.hstack([points, 1e10 * wide]), labels).value < logme(points, labels).value
    with pytest.raises(InputError, match=r"got feature 8 .*e\+13 times as large as the median one; standardise them"):
        logme(np.hstack([points, 1e14 * wide]), labels)
    collinear = np.hstack([points, points])  # of a lower rank in any unit: nothing is hidden
    assert logme(collinear, labels).value == pytest.approx(logme(points * np.sqrt(2.0), labels).value)
