"""Conditional information, divergence and the correction of KSG: textbook formulas, closed forms, what they refuse."""

import math
import re

import numpy as np
import pytest

import definitions_baselines as textbook
from diffspec import Estimate, InputError
from diffspec.baselines import conditional_ksg, kl_divergence, ksg, lnc

BITS = 1.0 / math.log(2.0)


@pytest.fixture
def three(rng):
    """90 draws of x and y that share z and a little more."""
    z = rng.normal(size=(90, 2))
    shared = rng.normal(size=90)
    x = np.column_stack([z[:, 0] + shared, rng.normal(size=90)])
    return x, (3.0 * z[:, 1] + shared + 0.5 * rng.normal(size=90))[:, None], z


@pytest.mark.parametrize("k", [1, 4])
def test_conditional_information_is_its_formula(three, k):
    plain = conditional_ksg(*three, neighbors=k, standardize=False).value
    assert plain == pytest.approx(textbook.conditional(*three, k) * BITS, abs=1e-9)
    standard = [textbook.standard(side) for side in three]
    scaled = conditional_ksg(*(7.0 * side for side in three), neighbors=k).value
    assert scaled == pytest.approx(textbook.conditional(*standard, k) * BITS, abs=1e-9)
    assert abs(plain - scaled) > 0.01


def test_what_a_third_variable_explains_is_not_counted(rng):
    cause, a, b = rng.normal(size=(3, 3000))
    x, y = cause + a, cause + b
    assert ksg(x[:, None], y).value == pytest.approx(-0.5 * math.log2(0.75), abs=0.05)
    assert conditional_ksg(x[:, None], y, cause).value == pytest.approx(0.0, abs=0.05)
    # Two independent causes are dependent once their sum is known: 1/2 log2(1 / (1 - rho^2)) with rho^2 = 1/1.21.
    known = a + b + 0.458 * cause
    assert conditional_ksg(a[:, None], b, known).value == pytest.approx(-0.5 * math.log2(1 - 1 / 1.21**2), abs=0.15)


@pytest.mark.parametrize("k", [1, 4])
def test_divergence_is_its_formula(rng, k):
    x, y = rng.normal(size=(40, 3)), 2.0 + 3.0 * rng.normal(size=(55, 3))
    found = kl_divergence(x, y, neighbors=k)
    assert found.value == pytest.approx(textbook.kl_divergence(x, y, k) * BITS, abs=1e-9)
    assert kl_divergence(1e-200 * x, 1e-200 * y, neighbors=k).value == pytest.approx(found.value, abs=1e-9)
    assert kl_divergence(y, x, neighbors=k).value != pytest.approx(found.value, abs=0.1)


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.8, 1.0), (0.0, 2.0)])
def test_divergence_of_gaussians_is_found(rng, shift, scale):
    x, y = rng.normal(size=(4000, 2)), shift + scale * rng.normal(size=(4000, 2))
    nats = 2 * (math.log(scale) + (1 + shift**2) / (2 * scale**2) - 0.5)
    assert kl_divergence(x, y).value == pytest.approx(nats * BITS, abs=0.15)


@pytest.mark.parametrize("k", [3, 6])
@pytest.mark.parametrize("threshold", [0.25, 0.9])
def test_the_correction_is_its_formula(rng, k, threshold):
    x = rng.normal(size=(60, 1))
    y = np.column_stack([x[:, 0] + 0.05 * rng.normal(size=60), rng.normal(size=60)])
    added = textbook.nonuniformity(x, y, k, threshold) * BITS
    assert added > 0.1
    corrected = lnc(x, y, neighbors=k, threshold=threshold, standardize=False).value
    assert corrected == pytest.approx(ksg(x, y, neighbors=k, standardize=False).value + added, abs=1e-9)


@pytest.mark.parametrize("width", [1e-2, 1e-5])
def test_the_correction_finds_strong_dependence_and_ksg_does_not(rng, width):
    x, noise = rng.normal(size=(2, 1000))
    truth = 0.5 * math.log2(1 + 1 / width**2)
    assert lnc(x[:, None], x + width * noise).value == pytest.approx(truth, abs=0.4)
    assert ksg(x[:, None], x + width * noise, neighbors=5).value < truth - 0.4


def test_nothing_is_corrected_where_nothing_depends(rng):
    x, y = rng.normal(size=(2, 1500))
    assert lnc(x[:, None], y).value == pytest.approx(0.0, abs=0.15)


def test_estimates_say_how_they_were_made_and_go_to_json(three):
    x, y, z = three
    found = [conditional_ksg(x, y, z), kl_divergence(x, z), lnc(x, y)]
    assert [each.settings.method for each in found] == [
        "conditional_ksg(neighbors=3, standardize=True)",
        "kl_divergence(neighbors=3)",
        "lnc(neighbors=5, threshold=None, standardize=True)",
    ]
    for each in found:
        assert (each.unit, each.n) == ("bit", 90)
        assert Estimate.from_json(each.to_json()) == each


POINTS = np.random.default_rng(1).normal(size=(30, 2))
SCALAR = np.random.default_rng(2).normal(size=30)
OTHERS = np.random.default_rng(3).normal(size=(20, 2))
DOUBLED = np.vstack([POINTS[:15], POINTS[:15]])

REFUSED = {
    "given, labels": (
        lambda: conditional_ksg(POINTS, SCALAR, np.arange(30) % 2),
        "reference must be continuous (floats), got labels; use one call per class",
    ),
    "given, copies": (
        lambda: conditional_ksg(POINTS, SCALAR, np.round(SCALAR)),
        "given must be continuous, got",
    ),
    "given, flat": (lambda: conditional_ksg(POINTS, SCALAR, POINTS * [1.0, 0.0]), "given must have no constant"),
    "given, lengths": (lambda: conditional_ksg(POINTS, SCALAR, SCALAR[:9]), "one entry per point, got 9 for 30"),
    "conditional, few": (lambda: conditional_ksg(POINTS[:3], SCALAR[:3], SCALAR[:3]), "needs at least 4 points"),
    "conditional, copies": (lambda: conditional_ksg(DOUBLED, SCALAR, SCALAR + 1), "points must be continuous, got 15"),
    "divergence, features": (
        lambda: kl_divergence(POINTS, SCALAR[:, None]),
        "others must have the 2 features of the points, got 1",
    ),
    "divergence, few": (lambda: kl_divergence(POINTS[:3], OTHERS), "neighbors = 3 needs at least 4 points, got 3"),
    "divergence, few others": (
        lambda: kl_divergence(POINTS, OTHERS[:3], neighbors=4),
        "neighbors = 4 needs as many others, got 3; lower neighbors",
    ),
    "divergence, copies": (lambda: kl_divergence(DOUBLED, OTHERS), "points must be continuous, got 15 of 30"),
    "divergence, copied others": (
        lambda: kl_divergence(POINTS, np.repeat(OTHERS, 2, axis=0)),
        "others must be continuous, got 20 of 40",
    ),
    "divergence, shared": (
        lambda: kl_divergence(POINTS, np.vstack([OTHERS, POINTS[:2]])),
        "points and others must be separate draws, got 2 points that are among the others",
    ),
    "divergence, nan": (lambda: kl_divergence(POINTS, OTHERS * np.nan), "others must be finite"),
    "lnc, neighbours": (lambda: lnc(POINTS, POINTS, neighbors=3), "at least the 4 features of both sides, got 3"),
    "lnc, features": (
        lambda: lnc(np.hstack([POINTS] * 5), SCALAR, neighbors=20),
        "lnc takes at most 10 features of both sides together, got 11; use ksg or mine",
    ),
    "lnc, threshold": (lambda: lnc(POINTS, SCALAR, threshold=1.0), "threshold must lie in (0, 1), got 1.0"),
    "lnc, labels": (lambda: lnc(POINTS, np.arange(30) % 2), "got labels; use ross"),
    "lnc, copies": (lambda: lnc(DOUBLED, SCALAR), "points must be continuous, got 15 of 30"),
    "lnc, flat": (lambda: lnc(POINTS * [1.0, 0.0], SCALAR), "points must have no constant feature"),
}


@pytest.mark.parametrize(("attempt", "text"), REFUSED.values(), ids=REFUSED)
def test_what_lies_outside_the_domain_is_refused(attempt, text):
    with pytest.raises(InputError, match=re.escape(text)) as caught:
        attempt()
    assert "\n" not in str(caught.value)


def test_an_exact_function_is_refused():
    x = np.linspace(0.0, 1.0, 40)[:, None] ** 2
    with pytest.raises(InputError, match=r"must not determine one another, .* the information is infinite"):
        lnc(x, 2.0 * x[:, 0])


@pytest.mark.parametrize("d", [1, 3])
def test_a_uniform_density_is_left_alone_but_for_a_few_in_a_thousand(rng, d):
    x, y = rng.uniform(size=(2, 1500, d))
    assert lnc(x, y, neighbors=2 * d + 3).value == pytest.approx(ksg(x, y, neighbors=2 * d + 3).value, abs=0.15)
