"""Which places of many a figure has room for."""

import numpy as np
import pytest

from diffspec.runs.plots.thinning import evenly, log_spaced, outline


def test_an_outline_keeps_ends_and_extremes(rng):
    values = rng.normal(size=5000).tolist()
    kept = outline(values, 100)
    assert len(kept) <= 100
    assert kept == sorted(kept)
    assert {0, 4999, int(np.argmin(values)), int(np.argmax(values))} <= set(kept)
    assert outline(values[:100], 100) == list(range(100))


@pytest.mark.parametrize("count", [1, 2, 5, 399, 400, 401, 12345])
def test_evenly_has_both_ends(count):
    kept = evenly(count)
    assert (kept[0], kept[-1]) == (0, count - 1)
    assert len(kept) == len(set(kept)) == min(count, 400)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (range(3), [0, 1, 2]),
        (range(50), [0, 2, 6, 18, 49]),
        (range(0, 25000, 500), [0, 2, 6, 18, 49]),  # the same whatever a step is
        ([0, 1, 2, 5, 10, 20, 50, 100], [0, 2, 4, 6, 7]),
    ],
)
def test_log_spaced_takes_many_at_first(steps, expected):
    assert log_spaced(list(steps), 5) == expected
