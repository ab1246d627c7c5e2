"""Scale told apart from shape: the definition, pure changes, symmetry, bad input."""

import json

import numpy as np
import pytest

import definitions
from diffspec import Exact, Gaussian, InputError, Lanczos, ScaleShape, dse, scale_and_shape
from diffspec.kernels.bandwidth import Neighbors


def snapshots(n=80, d=3, seed=0):
    rng = np.random.default_rng(seed)
    before = rng.normal(size=(n, d))
    after = 4.0 * before + 10.0 * np.eye(3, d)[rng.integers(3, size=n)]
    return before, after


@pytest.mark.parametrize(("alpha", "t"), [(0.5, 1.0), (0.0, 2.0)])
def test_both_parts_are_the_definition(alpha, t):
    a, b = snapshots()
    sigma, ratio = 1.7, definitions.median_sigma(b) / definitions.median_sigma(a)
    found = scale_and_shape(a, b, sigma=sigma, alpha=alpha, t=t)

    def entropy(points, width):
        return definitions.dse(points, width, alpha, t)

    grown, rest = entropy(ratio * a, sigma), entropy(b / ratio, sigma)
    scale_first = grown - entropy(a, sigma), entropy(b, sigma) - grown
    shape_first = entropy(b, sigma) - rest, rest - entropy(a, sigma)
    assert found.scale == pytest.approx((scale_first[0] + shape_first[0]) / 2, abs=1e-7)
    assert found.shape == pytest.approx((scale_first[1] + shape_first[1]) / 2, abs=1e-7)
    assert found.growth == pytest.approx(ratio)
    assert found.stderr is None


@pytest.mark.parametrize("factor", [1e-3, 2.5, 1e4])
def test_a_pure_change_of_scale_has_no_shape(factor):
    a, _b = snapshots()
    found = scale_and_shape(a, factor * a + 3.0, sigma=1.0)
    assert found.shape == pytest.approx(0.0, abs=1e-7)
    assert abs(found.scale) > 0.5
    assert found.total == pytest.approx(found.scale, abs=1e-7)


def test_a_change_at_the_same_scale_has_no_scale_part():
    a, b = snapshots()
    b *= definitions.median_sigma(a) / definitions.median_sigma(b)
    found = scale_and_shape(a, b, sigma=0.7)
    assert found.scale == pytest.approx(0.0, abs=1e-7)
    assert abs(found.shape) > 0.1


def test_parts_add_up_and_change_sign_with_the_order():
    a, b = snapshots()
    there, back = scale_and_shape(a, b, sigma=2.0), scale_and_shape(b, a, sigma=2.0)
    assert there.scale + there.shape == pytest.approx(there.total, abs=1e-14)
    assert there.total == pytest.approx(float(dse_at(b)) - float(dse_at(a)), abs=1e-12)
    assert back.scale == pytest.approx(-there.scale, abs=1e-12)
    assert back.shape == pytest.approx(-there.shape, abs=1e-12)


def dse_at(points):
    return dse(points, kernel=Gaussian(2.0), t=1.0)


def test_features_may_differ_and_a_rule_is_resolved_on_the_first():
    a, b = snapshots()
    wide = np.hstack([b, np.zeros((len(b), 4))])
    found = scale_and_shape(a, wide, sigma="median", scale=Neighbors(5))
    assert found.settings.sigma == pytest.approx(definitions.median_sigma(a))
    assert found.shape == pytest.approx(scale_and_shape(a, b, sigma="median", scale=Neighbors(5)).shape, abs=1e-9)


def test_errors_of_a_random_solver_are_as_stated():
    a, b = snapshots(400, 8)
    solver = Lanczos(tol=None, probes=8, deflation=8, steps=6)
    found, exact = (scale_and_shape(a, b, sigma=2.0, solver=s) for s in (solver, Exact()))
    assert 0.0 < found.stderr < 0.1
    assert abs(found.scale - exact.scale) < 4 * found.stderr
    assert abs(found.shape - exact.shape) < 4 * found.stderr


def test_what_comes_out():
    a, b = snapshots()
    found = scale_and_shape(a, b, sigma=2.0)
    assert float(found) == found.shape
    assert [e.measure for e in found.estimates()] == ["DSE change by scale", "DSE change by shape"]
    assert [e.value for e in found.estimates()] == [found.scale, found.shape]
    assert "bit at sigma = 2: " in str(found)
    assert "by scale (6.32 times)" in str(found)
    assert ScaleShape.from_dict(json.loads(found.to_json())) == found
    assert ScaleShape.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": np.ones((3, 2))}, "a and b must hold the same points, got 80 and 3; give both on the same inputs"),
        ({"b": np.ones((80, 2))}, "b has scale 0 by the rule 'median': too many of its points coincide"),
        ({"a": np.full((80, 2), np.nan)}, "a must be finite"),
        ({"scale": 2.0}, "scale must be a rule such as 'median', got 2.0; a number does not grow with the points"),
        ({"scale": "mode"}, "sigma must be a positive number or one of"),
        ({"sigma": -1.0}, "sigma must be a positive number, got -1.0"),
        ({"t": -1.0}, "t must be a positive number"),
    ],
)
def test_bad_input(change, message):
    a, b = snapshots()
    given = {"a": a, "b": b, "sigma": 1.0, **change}
    with pytest.raises(InputError, match=message):
        scale_and_shape(given.pop("a"), given.pop("b"), **given)


def test_bad_dictionary():
    with pytest.raises(
        InputError,
        match=r"not the dictionary of ScaleShape: missing fields .*settings.*; expected what ScaleShape.to_dict gives",
    ):
        ScaleShape.from_dict({})
    found = scale_and_shape(*snapshots(), sigma=1.0)
    with pytest.raises(InputError, match=r"unknown fields KIND; expected what ScaleShape.to_dict gives"):
        ScaleShape.from_dict(found.to_dict() | {"KIND": "a"})
