"""Parameters that are crossed: every value of each by `make test`, every combination of them by `make test-all`."""

import itertools

import pytest


def crossed(*axes):
    """The parameters of all combinations of `axes`; those beyond the first of each value are marked thorough."""
    first = {tuple(k % len(axis) for axis in axes) for k in range(max(map(len, axes)))}
    places = itertools.product(*(range(len(axis)) for axis in axes))
    return [
        pytest.param(*(axis[k] for axis, k in zip(axes, at, strict=True)), marks=_marks(at in first)) for at in places
    ]


def _marks(quick):
    return () if quick else pytest.mark.thorough
