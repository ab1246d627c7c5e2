"""Representations in order, with intervals, and which of them are not told apart."""

import math

import numpy as np
import pytest

from diffspec import (
    Adjusted,
    Cosine,
    Gaussian,
    InputError,
    Matched,
    Precomputed,
    Ranking,
    adjusted_dsmi,
    compare,
    dsmi,
    interval,
    rank,
)
from diffspec.inference.drawing import ranking_figure
from diffspec.inference.ranking import _share
from diffspec.points.groups import partition_of


def _networks(n=120, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, size=n)
    clean = 2.0 * np.eye(3, 6)[labels] + 0.6 * rng.normal(size=(n, 6))
    noisy = clean + 1.5 * rng.normal(size=(n, 6))
    return {"noisy": noisy, "clean": clean, "turned": clean[:, ::-1], "chance": rng.normal(size=(n, 2))}, labels


@pytest.fixture(scope="module")
def found():
    networks, labels = _networks()
    return rank(networks, labels, resamples=12, rng=3)


def test_the_largest_comes_first_with_the_value_of_the_estimator(found):
    networks, labels = _networks()
    assert [row.name for row in found.rows][2:] == ["noisy", "chance"]
    assert found.values == {row.name: row.value for row in found.rows}
    for row in found.rows:
        own = adjusted_dsmi(networks[row.name], labels, rng=3)
        assert (row.value, row.groups, row.d) == (own.value, own.groups, networks[row.name].shape[1])
    assert (found.measure, found.n, found.unit) == ("adjusted DSMI", 120, "bit")
    assert found.ceiling == pytest.approx(own.ceiling)


def test_what_is_not_told_apart_shares_its_places(found):
    places = {row.name: row.place for row in found.rows}
    assert places == {"clean": "1-2", "turned": "1-2", "noisy": "3", "chance": "4"}
    assert found.ties("clean") == ("turned",)
    assert found.ties("noisy") == ()
    with pytest.raises(InputError, match="there is no 'other' in the ranking; it has"):
        found.ties("other")


def test_a_pair_has_the_p_value_of_its_comparison_and_a_row_the_interval(found):
    networks, labels = _networks()
    how = {"estimator": Adjusted(), "resamples": 12, "share": found.share, "rng": 3}
    names = [row.name for row in found.rows]
    pair = compare(networks[names[0]], networks[names[2]], labels, **how)
    assert found.p_values[0][2] == pytest.approx(pair.p_value, rel=1e-6)
    assert found.p_values[2][0] == found.p_values[0][2]
    assert [found.p_values[k][k] for k in range(4)] == [1.0] * 4
    own = interval(networks[names[2]], labels, **how)
    row = found.rows[2]
    assert (row.low, row.high, row.stderr) == pytest.approx((own.low, own.high, own.stderr), rel=1e-9)


def test_the_weakest_groups_are_the_least_compact():
    rng = np.random.default_rng(1)
    labels = np.repeat(["cat", "dog", "emu"], 40)
    points = 3.0 * np.eye(3)[np.repeat([0, 0, 1], 40)] + rng.normal(size=(120, 3))
    points[80:] *= 0.5
    row = rank({"only": points}, labels, resamples=10).rows[0]
    assert row.place == "1"
    assert {group.name for group in row.weakest[:2]} == {"cat", "dog"}


def test_it_goes_to_json_and_back_and_to_text(found):
    assert Ranking.from_json(found.to_json()) == found
    lines = str(found).splitlines()
    assert " ".join(lines[0].split()) == "place name adjusted DSMI 95% interval of H(Y) d weakest groups"
    assert lines[3].startswith("3      noisy")
    assert "n = 120, H(Y) = 1.5" in str(found)
    assert "chance: not told from chance" in str(found)


def test_other_estimators_and_kernels():
    networks, labels = _networks(n=60)
    found = rank(networks, labels, resamples=10, estimator=Matched(2), kernel=Gaussian(2.0), t=1.0)
    for row in found.rows:
        expected = dsmi(networks[row.name], labels, estimator=Matched(2), kernel=Gaussian(2.0), t=1.0)
        assert row.value == expected.value
    assert found.measure == "DSMI"


def test_subsets_are_300_points_or_15_a_group_or_half():
    shares = {(n, k): _share(n, partition_of(np.arange(n) % k, None, n)) for n, k in ((2000, 10), (2000, 40), (400, 3))}
    assert shares == {(2000, 10): 0.15, (2000, 40): 0.3, (400, 3): 0.5}


@pytest.mark.parametrize(
    ("networks", "text"),
    [
        ({}, "representations must map names to arrays, got"),
        (np.zeros((30, 2)), "representations must map names to arrays, got"),
        ({"a": np.eye(30), "b": np.eye(31)}, "all representations must hold the same points, got 30 in a, 31 in b"),
        ({"a": np.full((30, 2), np.nan)}, "a must be finite"),
        ({1: np.eye(30), "1": np.eye(30)}, "names must differ as text, got 1 and '1'; rename one"),
        ({"a": np.eye(12)}, "resampling needs at least 20 points, got 12"),
    ],
)
def test_what_cannot_be_ranked(networks, text):
    labels = np.arange(12 if isinstance(networks, dict) and "a" in networks and len(networks["a"]) == 12 else 30) % 2
    with pytest.raises(InputError, match=text):
        rank(networks, labels)


@pytest.mark.parametrize(
    ("kernel", "bad", "text"),
    [
        (
            Precomputed(),
            np.ones((60, 5)),
            r"Precomputed affinities must be a square \(n, n\) matrix, got shape \(60, 5\)",
        ),
        (
            Precomputed(),
            np.ones((60, 61)),
            r"Precomputed affinities must be a square \(n, n\) matrix, got shape \(60, 61",
        ),
        (Cosine(), np.eye(60) * (np.arange(60) < 20), "Cosine needs a direction for every point, got 40 zero vectors"),
    ],
)
@pytest.mark.parametrize("memory", [None, 2e5])
def test_what_is_wrong_with_one_of_several_is_told_of_all_its_points_and_by_its_name(kernel, bad, text, memory):
    labels = np.arange(60) % 2
    good = np.exp(-(np.subtract.outer(labels, labels) ** 2.0))
    with pytest.raises(InputError, match=f"^ep 17: {text}"):
        rank({"ep 1": good, "ep\n17": bad, "ep 2": good}, labels, resamples=10, kernel=kernel, memory=memory)


def test_an_error_of_a_comparison_says_of_which():
    bad = np.eye(60) * (np.arange(60) < 20)
    for a, b, name in ((bad, np.eye(60), "a"), (np.eye(60), bad, "b")):
        with pytest.raises(InputError, match=f"^{name}: Cosine needs a direction for every point, got 40 zero vectors"):
            compare(a, b, resamples=10, kernel=Cosine())


class OnAllOnly(Gaussian):
    def resolve(self, points, rng):
        if len(points) == 60:
            return super().resolve(points, rng)
        raise InputError("too few")


def test_an_error_of_subsets_alone_names_what_they_are_of():
    with pytest.raises(InputError, match=r"^a: too few$"):
        rank({"a": np.eye(60), "b": np.eye(60)}, np.arange(60) % 2, resamples=10, kernel=OnAllOnly(1.0))


def test_the_stated_error_is_the_spread_over_fresh_samples():
    # A small edition of benchmarks/coverage.py, whose numbers are in docs/significance.md.
    found, values = [], []
    for seed in range(20):
        networks, labels = _networks(90, seed=seed)
        found.append(interval(networks["noisy"], labels, estimator=Adjusted(), resamples=12, rng=seed))
        values.append(found[-1].value)
    values += [adjusted_dsmi(x["noisy"], y, rng=s).value for s in range(100, 150) for x, y in [_networks(90, seed=s)]]
    stated = math.sqrt(np.mean([each.stderr**2 for each in found]))
    assert 0.7 < stated / np.std(values, ddof=1) < 1.5
    assert np.mean([each.low <= np.mean(values) <= each.high for each in found]) >= 0.85


def test_the_figure_has_every_row_and_the_entropy_of_the_groups(found):
    figure = ranking_figure(found)
    (axes,) = figure.axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [f"{row.place}  {row.name}" for row in found.rows]
    assert any(line.get_xdata()[0] == found.ceiling for line in axes.lines if len(line.get_xdata()))
