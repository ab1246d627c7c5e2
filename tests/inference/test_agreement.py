"""Rank correlations of a ranking and another number."""

import numpy as np
import pytest
from scipy import stats

from diffspec import InputError, agreement
from diffspec.inference.agreement import Agreement

NAMES = [f"net{k}" for k in range(12)]
RNG = np.random.default_rng(0)
VALUES = dict(zip(NAMES, RNG.normal(size=12), strict=True))
AGAINST = {name: value + 0.5 * RNG.normal() for name, value in VALUES.items()}


def test_the_correlations_are_those_of_scipy():
    found = agreement(VALUES, AGAINST, resamples=50)
    pair = [list(VALUES.values()), [AGAINST[name] for name in NAMES]]
    assert float(found.spearman) == pytest.approx(stats.spearmanr(*pair)[0])
    assert float(found.kendall) == pytest.approx(stats.kendalltau(*pair)[0])
    assert float(found.weighted_tau) == pytest.approx(stats.weightedtau(*pair)[0])
    assert Agreement.from_json(found.to_json()) == found
    assert str(found).startswith("Spearman 0.")


def test_the_intervals_are_the_bootstrap_over_the_names():
    found = agreement(VALUES, AGAINST, resamples=200, level=0.9, rng=4)
    pairs = np.array([[VALUES[name], AGAINST[name]] for name in NAMES])
    drawn = np.random.default_rng(4).integers(12, size=(200, 12))
    again = [stats.spearmanr(*pairs[chosen].T)[0] for chosen in drawn]
    assert (found.spearman.low, found.spearman.high) == pytest.approx(tuple(np.quantile(again, [0.05, 0.95])))
    wider = agreement(VALUES, AGAINST, resamples=200, level=0.99, rng=4).kendall
    assert wider.low < found.kendall.low < found.kendall.value < found.kendall.high < wider.high


def test_names_that_one_side_lacks_are_left_out_and_named():
    found = agreement(VALUES | {"new": 3.0}, AGAINST | {"other": 1.0}, resamples=10)
    assert (found.count, found.missing) == (12, ("new",))


@pytest.mark.parametrize(
    ("against", "text"),
    [
        ({"a": 1.0}, "at least 4 names with both numbers, got 0 of 12; the other side has 'a'"),
        (dict.fromkeys(NAMES, 1.0), "finite and not all equal"),
        (AGAINST | {"net3": np.nan}, "finite and not all equal"),
    ],
)
def test_what_cannot_be_correlated(against, text):
    with pytest.raises(InputError, match=text):
        agreement(VALUES, against)
    with pytest.raises(InputError, match="level must lie in"):
        agreement(VALUES, AGAINST, level=1.0)
