"""Array libraries that every measure is tested on, and the seeded data they share."""

import os
import sys
from pathlib import Path

import array_api_strict
import numpy as np
import pytest
import torch

STARTUP = str(Path(__file__).parent / "startup")
sys.path.insert(0, STARTUP)
os.environ.setdefault("KERAS_BACKEND", "torch")  # read at the first import of keras

import torchvision_operators  # noqa: E402, F401

os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [STARTUP, os.environ.get("PYTHONPATH")]))


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
    parser.addoption("--device", help="also run the conformance tests on this torch device, for example cuda")


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
