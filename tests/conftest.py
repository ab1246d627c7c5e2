"""Array libraries that every measure is tested on, and the seeded data they share."""
# ruff: noqa: E402

import os

# Read when the libraries are loaded. With a process per core more threads would only wait for one another.
# Where torch has several, tests that fork wait for ever: its threads are not in the child.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import sys
from pathlib import Path

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import settings

STARTUP = str(Path(__file__).parent / "startup")
sys.path.insert(0, STARTUP)
os.environ.setdefault("KERAS_BACKEND", "torch")  # read at the first import of keras

import torchvision_operators  # noqa: F401

import effort

os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [STARTUP, os.environ.get("PYTHONPATH")]))


def _compare_arrays_at_once():
    """pytest.approx takes 10 microseconds a number, which was a tenth of the suite: it is asked where arrays differ."""
    kind = type(pytest.approx(np.zeros(1)))
    by_number = kind.__eq__

    def equal(self, actual):
        return _is_close(actual, self) or by_number(self, actual)

    kind.__eq__ = equal


def _is_close(actual, approx):
    """Whether finite arrays of floats are equal to the tolerance, by the rule of pytest.approx."""
    expected = approx.expected
    if not (isinstance(actual, np.ndarray) and actual.shape == expected.shape):
        return False
    if not (actual.dtype.kind == expected.dtype.kind == "f" and np.isfinite(expected).all()):
        return False
    absolute = 1e-12 if approx.abs is None else approx.abs
    relative = approx.rel if approx.rel is not None else 1e-6 if approx.abs is None else 0.0
    tolerance = np.maximum(relative * np.abs(expected), absolute)
    with np.errstate(invalid="ignore", over="ignore"):
        return bool(np.all(np.abs(actual - expected) <= tolerance))


_compare_arrays_at_once()


def _read_only(values):
    array = np.array(values)
    array.flags.writeable = False
    return array


LIBRARIES = {
    "numpy": np.asarray,
    "numpy read-only": _read_only,
    "array_api_strict": array_api_strict.asarray,
    "array_api_strict device1": lambda v: array_api_strict.asarray(v, device=array_api_strict.Device("device1")),
    "torch": torch.asarray,
}


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="every test, over all of its seeds and sizes")
    parser.addoption("--device", help="also run the conformance tests on this torch device, for example cuda")


def pytest_configure(config):
    effort.thorough = config.option.thorough
    settings.register_profile("quick", max_examples=25)
    settings.load_profile("default" if effort.thorough else "quick")


def pytest_collection_modifyitems(config, items):
    """What is marked thorough is left out, unless it is asked for by its own name."""
    if config.option.thorough or any("::" in given for given in config.args):
        return
    longer = [item for item in items if item.get_closest_marker("thorough")]
    config.hook.pytest_deselected(items=longer)
    items[:] = [item for item in items if item not in set(longer)]


def pytest_generate_tests(metafunc):
    if "to_library" in metafunc.fixturenames:
        libraries = dict(LIBRARIES)
        if device := metafunc.config.getoption("--device"):
            libraries[f"torch {device}"] = lambda values: torch.asarray(values, device=device)
        names = [name.replace(" ", "-") for name in libraries]
        metafunc.parametrize("to_library", libraries.values(), ids=names)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def blobs(rng):
    """150 points around 3 centres in 5 dimensions, with labels."""
    labels = np.repeat(np.arange(3), 50)
    centres = 6.0 * rng.normal(size=(3, 5))
    return centres[labels] + rng.normal(size=(150, 5)), labels
