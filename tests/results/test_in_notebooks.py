"""What a notebook shows where a result is the last line of a cell: its `str`."""

import numpy as np
import pytest
from IPython.lib.pretty import pretty

import diffspec

POINTS = np.random.default_rng(0).normal(size=(60, 3))
LABELS = np.arange(60) % 2
RESULTS = {
    "dse": lambda: diffspec.dse(POINTS),
    "spectrum": lambda: diffspec.spectrum(POINTS),
    "choose": lambda: diffspec.choose(60, 3),
    "profile": lambda: diffspec.profile(POINTS),
    "interval": lambda: diffspec.interval(POINTS, resamples=10),
    "compare": lambda: diffspec.compare(POINTS, POINTS[:, :2], resamples=10),
    "permutation_test": lambda: diffspec.permutation_test(POINTS, LABELS, permutations=20),
    "rank": lambda: diffspec.rank({"a": POINTS, "b": POINTS**2}, LABELS, resamples=10),
    "agreement": lambda: diffspec.agreement({"a": 1, "b": 2, "c": 4, "d": 3}, {"a": 1, "b": 2, "c": 3, "d": 4}),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_notebook_shows_what_print_does(name):
    result = RESULTS[name]()
    assert pretty(result) == str(result) != repr(result)


def test_repr_keeps_all_fields():
    assert repr(RESULTS["dse"]()).startswith("Estimate(measure='DSE', value=")


def test_a_table_in_a_list_or_dictionary_keeps_its_columns():
    found = RESULTS["rank"]()
    lines = str(found).splitlines()
    assert [line.rstrip() for line in pretty([found]).splitlines()] == [
        "[",
        *(f" {line}".rstrip() for line in lines[:-1]),
        f" {lines[-1]}]",
    ]
    assert pretty({"a": found}).splitlines()[1:3] == [f" {line}" for line in lines[:2]]
    assert pretty([RESULTS["dse"]()]).startswith("[DSE = ")
