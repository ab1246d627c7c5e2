"""The gate of all measures: what cannot be used is refused there, before anything is measured."""

import pytest

from diffspec import AlphaDecay, Gaussian, InputError
from diffspec.measures.asked import asked

USABLE = {"kernel": AlphaDecay(), "alpha": 0.5, "t": 2.0, "solver": None, "memory": 1e9, "tol": 1e-3, "rng": 0}


@pytest.mark.parametrize("name", USABLE)
def test_each_argument_is_refused_by_its_name(name):
    asked(**USABLE)
    with pytest.raises(InputError, match=f"^{name} must "):
        asked(**{**USABLE, name: -1.5})


def test_the_time_is_the_kernels_where_none_is_asked_for():
    assert [asked(kernel, alpha=0.5, t=None).t for kernel in (AlphaDecay(), Gaussian())] == [3.0, 1.0]
