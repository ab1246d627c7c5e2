"""Settings given values of another kind: every public one takes them or refuses them by an error of our own."""

import contextlib
import dataclasses
import importlib
import inspect

import numpy as np
import pytest

import diffspec
from diffspec import InputError

ODD = (np.eye(3), np.eye(3)[:0], [1, 2], {"a": 1}, "zzz", None, float("nan"), object())


def settings():
    """All public dataclasses of settings, by their names."""
    modules = [importlib.import_module(name) for name in ("diffspec", "diffspec.baselines", "diffspec.training")]
    found = {name: getattr(module, name) for module in modules for name in module.__all__}
    return {name: kind for name, kind in found.items() if inspect.isclass(kind) and dataclasses.is_dataclass(kind)}


@pytest.mark.parametrize("kind", settings().values(), ids=settings())
def test_a_value_of_another_kind_is_taken_or_refused(kind):
    fields = [field for field in dataclasses.fields(kind) if field.init]
    needed = {
        f.name: 1 for f in fields if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    }
    for field in fields:
        for odd in ODD:
            with contextlib.suppress(InputError):
                kind(**{**needed, field.name: odd})


@pytest.mark.parametrize("odd", [np.array(["bit", "nat"]), ["nat"], {"nat": 1}, None, 1])
def test_a_unit_of_another_kind_is_refused(odd):
    with pytest.raises(InputError, match="unit must be 'bit' or 'nat', got"):
        diffspec.dse(np.eye(12)).to(odd)
