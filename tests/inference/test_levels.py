"""The confidence of an interval is written as it was asked for."""

import numpy as np
import pytest

from diffspec import agreement, interval, rank
from diffspec.inference.drawing import ranking_figure

POINTS, LABELS = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2


@pytest.mark.parametrize(("level", "written"), [(0.95, "95%"), (0.999, "99.9%"), (0.57, "57%"), (0.001, "0.1%")])
def test_no_level_is_rounded_to_all_or_nothing(level, written):
    assert f", {written} interval " in str(interval(POINTS, level=level, resamples=10))
    found = rank({"a": POINTS, "b": POINTS**2}, LABELS, level=level, resamples=10)
    assert f" {written} interval " in str(found)
    assert ranking_figure(found).axes[0].get_xlabel().endswith(f"], {written} intervals, n = 40")
    numbers = dict(zip("abcd", range(4), strict=True))
    assert f", {written} bootstrap intervals" in str(agreement(numbers, numbers, level=level, resamples=10))
