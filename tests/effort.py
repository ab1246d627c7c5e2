"""How much of a test that repeats itself is run: a part of it by `make test`, all of it by `make test-all`.

`@pytest.mark.thorough` leaves a whole test to `make test-all`. It is for one that takes seconds and repeats, with more
sizes, kills or processes, what a quicker test holds.
"""

import itertools
import zlib

import numpy as np
import pytest
from scipy.stats import binom

thorough = False  # set by conftest.py from --thorough


def seeds(all_of_them, share=0.2):
    """How many seeds a test over many of them runs."""
    return all_of_them if thorough else round(share * all_of_them)


def is_honest(covered, number):
    """Whether 92 to 98 % of 95 % intervals hold the truth; of fewer in a quick run, what 99 % of honest ones do."""
    low, high = (0.92, 0.98) if thorough else np.array(binom.interval(0.99, number, 0.95)) / number
    return low <= covered <= high


def drawn(name, parts):
    """Whether this one of many like it is run: always, or one in `parts` by its name, the same in every run."""
    return thorough or zlib.crc32(name.encode()) % parts == 0


def only(values, *quick):
    """`values` as parameters, of which a quick run takes those that are `quick`."""
    return [pytest.param(value, marks=_marks(value in quick)) for value in values]


def crossed(*axes):
    """The parameters of all combinations of `axes`, of which a quick run takes so few that each value is among them."""
    first = {tuple(k % len(axis) for axis in axes) for k in range(max(map(len, axes)))}
    places = itertools.product(*(range(len(axis)) for axis in axes))
    return [
        pytest.param(*(axis[k] for axis, k in zip(axes, at, strict=True)), marks=_marks(at in first)) for at in places
    ]


def _marks(quick):
    return () if quick else pytest.mark.thorough
