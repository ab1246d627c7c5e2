"""Estimates: units, text, JSON."""

import json
import math

import numpy as np
import pytest

from diffspec import AlphaDecay, Estimate, Gaussian, InputError, Settings, dse, dsmi, permutation_test

SETTINGS = Settings(kernel="Gaussian(sigma=2.0)", sigma=2.0, rule=None, alpha=0.5, t=1.0, solver="Exact()")
ESTIMATE = Estimate(
    measure="DSE", value=3.0, unit="bit", n=16, settings=SETTINGS, stderr=0.1, bounds=(2.5, 3.5), ceiling=4.0
)


def test_a_number_with_its_unit():
    assert float(ESTIMATE) == 3.0
    assert ESTIMATE.effective_rank == pytest.approx(8.0)
    assert ESTIMATE.normalized == 0.75
    assert f"{ESTIMATE:.1f}" == "3.0"
    assert str(ESTIMATE) == "DSE = 3 ± 0.1 bit (n = 16, sigma = 2, alpha = 0.5, t = 1)"
    assert f"{ESTIMATE}" == str(ESTIMATE)


def test_what_plays_no_part_is_not_told():
    plain = Settings(method="ksg(neighbors=3)")
    estimate = Estimate(measure="KSG information", value=1.0, unit="bit", n=9, settings=plain)
    assert str(estimate) == "KSG information = 1 bit (n = 9)"
    assert Estimate.from_json(estimate.to_json()) == estimate


def test_verdicts_are_told_where_there_is_something_to_tell(blobs):
    assert "informative" not in str(dse(blobs[0]))
    assert "saturated" in str(dse(blobs[0], kernel=Gaussian(1e-3)))


def test_units_convert_with_their_errors():
    nats = ESTIMATE.to("nat")
    assert nats.value == pytest.approx(3.0 * math.log(2))
    assert nats.stderr == pytest.approx(0.1 * math.log(2))
    assert nats.bounds == pytest.approx((2.5 * math.log(2), 3.5 * math.log(2)))
    assert nats.effective_rank == pytest.approx(ESTIMATE.effective_rank)
    assert nats.normalized == pytest.approx(ESTIMATE.normalized)
    assert nats.to("bit").value == pytest.approx(3.0)
    assert ESTIMATE.to("bit") is ESTIMATE


@pytest.mark.parametrize("make", [lambda points, labels: dse(points), dsmi], ids=["dse", "dsmi"])
def test_json_round_trip(blobs, make):
    estimate = make(*blobs)
    text = estimate.to_json()
    assert "\n" not in text
    assert Estimate.from_json(text) == estimate
    assert Estimate.from_dict(json.loads(json.dumps(estimate.to_dict()))) == estimate


def test_settings_are_values_that_say_how_to_get_the_number_again(blobs):
    for kernel, rule in ((AlphaDecay(), None), (Gaussian(), "median")):
        estimate = dse(blobs[0], kernel=kernel, t=2)
        settings = estimate.settings
        assert hash(settings) == hash(dse(blobs[0], kernel=kernel, t=2).settings)
        assert (settings.rule, settings.seed, settings.solver, settings.t) == (rule, 0, "Exact()", 2.0)
        assert (settings.dtype, settings.library) == ("float64", "numpy on cpu")
        again = dse(blobs[0], kernel=eval(settings.kernel), alpha=settings.alpha, t=settings.t)
        assert again.value == estimate.value
    assert settings.kernel == f"Gaussian(sigma={settings.sigma})"
    assert dse(blobs[0], rng=np.random.default_rng(0)).settings.seed is None


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: ESTIMATE.to("bytes"), "unit must be 'bit' or 'nat', got 'bytes'"),
        (lambda: Estimate.from_json("{"), "not JSON: .*; expected what Estimate.to_json gives"),
        (
            lambda: Estimate.from_json("{}"),
            "Estimate: missing fields measure, n, settings, unit, value",
        ),
        (lambda: Estimate.from_dict({**ESTIMATE.to_dict(), "extra": 1}), "unknown fields extra; expected what"),
        (lambda: Estimate.from_json("[1]"), "not the dictionary of Estimate: Estimate must be a dictionary, got .1."),
    ],
)
def test_bad_use(make, text):
    with pytest.raises(InputError, match=text):
        make()


def test_an_estimate_without_ceiling_has_no_normalized_value():
    with pytest.raises(InputError, match="a DSE has no ceiling"):
        _ = Estimate(measure="DSE", value=1.0, unit="bit", n=2, settings=SETTINGS).normalized


def test_estimates_are_ordered_and_averaged_as_numbers():
    other = Estimate(measure="DSE", value=1.0, unit="bit", n=16, settings=SETTINGS)
    assert ESTIMATE > 1
    assert ESTIMATE >= 3.0
    assert other < ESTIMATE <= np.float64(3.0)
    assert not other > ESTIMATE
    assert sorted([ESTIMATE, other]) == [other, ESTIMATE]
    assert max([other, ESTIMATE]) is ESTIMATE
    assert np.mean([ESTIMATE, other]) == 2.0
    assert np.array([ESTIMATE, other]).dtype == np.float64
    assert not math.nan < ESTIMATE


@pytest.mark.parametrize("other", ["3", None, [1.0], ESTIMATE.to("nat")], ids=["text", "None", "list", "nats"])
@pytest.mark.parametrize("sign", ["__lt__", "__le__", "__gt__", "__ge__"])
def test_estimates_are_not_compared_with_what_is_no_number_of_their_unit(other, sign):
    with pytest.raises(InputError, match=r"compares with numbers, got|do not compare; use .to\('bit'\)"):
        getattr(ESTIMATE, sign)(other)


ALTERED = [
    ("value", math.nan),
    ("value", "3.0"),
    ("value", True),
    ("value", None),
    ("n", 16.5),
    ("n", 0),
    ("stderr", -0.1),
    ("stderr", math.inf),
    ("bounds", "ab"),
    ("bounds", [1.0]),
    ("bounds", [2.0, 1.0]),
    ("bounds", [None, 1.0]),
    ("unit", "byte"),
    ("measure", 5),
    ("verdict", None),
    ("ceiling", [4.0]),
    ("settings", "x"),
    ("settings", {"alpha": "x"}),
    ("settings", {"seed": 0.5}),
    ("settings", {"colour": 1}),
    ("groups", 5),
    ("groups", [{"name": "a", "n": 2, "conditional": math.nan, "matched": 1.0}]),
    ("groups", [{"name": "a"}]),
]


@pytest.mark.parametrize(("field", "value"), ALTERED, ids=repr)
def test_what_no_estimate_can_be_is_not_read(field, value):
    plain = json.loads(ESTIMATE.to_json()) | {field: value}
    with pytest.raises(InputError, match="not the dictionary of Estimate: ") as caught:
        Estimate.from_json(json.dumps(plain))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("field", "value"), [("p_value", "a"), ("groups", [{}]), ("n", 1.5), ("level", None)])
def test_what_no_test_can_be_is_not_read(blobs, field, value):
    test = permutation_test(*blobs, 19)
    assert type(test).from_json(test.to_json()) == test
    with pytest.raises(InputError, match="not the dictionary of PermutationTest: "):
        type(test).from_dict(test.to_dict() | {field: value})


@pytest.mark.parametrize("text", [None, 5, "[" * 10**5])
def test_what_is_no_json_is_refused_in_words(text):
    with pytest.raises(InputError, match=r"not JSON: .*; expected what Estimate.to_json gives"):
        Estimate.from_json(text)
