"""Rank correlations of measures with accuracy: against scipy, their intervals, and what is compared with what."""

import math

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from recipes.models.agreeing import Row, banded, difference, kendall, spearman, table_of


def rows(count=40, seed=0):
    rng = np.random.default_rng(seed)
    accuracy = rng.random(count)
    values = {"near": accuracy + 0.05 * rng.normal(size=count), "noise": rng.normal(size=count)}
    return [
        Row(name=str(k), group="a", family="f", accuracy=accuracy[k], values={name: v[k] for name, v in values.items()})
        for k in range(count)
    ]


@pytest.mark.parametrize("measure", ["near", "noise"])
def test_it_is_the_rank_correlation_of_scipy(measure):
    some = rows()
    pairs = np.array([(row.values[measure], row.accuracy) for row in some]).T
    found = spearman(some, measure)
    assert found.value == pytest.approx(spearmanr(*pairs).statistic, abs=1e-12)
    assert found.low <= found.value <= found.high
    assert kendall(some, measure) == pytest.approx(kendalltau(*pairs).statistic)


def test_intervals_cover_what_is_known():
    true = spearman(rows(5000, 99), "near").value
    found = [spearman(rows(60, seed), "near") for seed in range(40)]
    assert sum(one.low <= true <= one.high for one in found) >= 34


def test_a_measure_that_some_refused_is_compared_where_it_is():
    some = rows()
    without = [
        Row(**{**fields(row), "values": {"near": row.values["near"]}}) if k < 10 else row for k, row in enumerate(some)
    ]
    assert spearman(without, "noise").count == 30
    assert difference(without, "near", "noise").count == 30
    assert math.isnan(spearman(without[:10], "noise").value)


def fields(row):
    return {name: getattr(row, name) for name in ("name", "group", "family", "accuracy", "here")}


def test_differences_are_of_the_same_networks():
    apart = difference(rows(), "near", "noise")
    assert apart.value == pytest.approx(spearman(rows(), "near").value - spearman(rows(), "noise").value)
    assert apart.low > 0
    assert difference(rows(), "near", "near").high == 0.0


def test_within_bands_only_the_order_of_alike_networks_counts():
    some = [
        Row(name=str(k), group="a", family="f", accuracy=k / 30, values={"thirds": float(k // 10)}) for k in range(30)
    ]
    assert spearman(some, "thirds").value > 0.9
    assert banded(some, "thirds") == 0.0


def test_the_best_of_a_column_is_bold():
    told = table_of({"all": rows()}, ("near", "noise"))
    assert told.splitlines()[0] == "| measure | all (40) |"
    assert told.splitlines()[2].startswith("| near | **0.9")
    assert "**" not in told.splitlines()[3]
