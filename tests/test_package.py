"""The package as a whole: what importing it costs and what it offers."""

import importlib
import inspect
import subprocess
import sys

import pytest

import diffspec
from effort import only

CONSTANTS = {"paper": "diffspec.conventions"}
HEAVY = ("torch", "matplotlib", "plotly", "dask", "lightning", "transformers", "click", "pandas", "rich", "jinja2")
HEAVY += ("sklearn", "scipy.optimize", "scipy.spatial", "scipy.stats")
PROBE = "import sys; {statement}; print(*sorted(set({heavy!r}) & set(sys.modules)))"


def loaded_by(statement):
    """Which of the heavy packages a fresh process has loaded after `statement`."""
    code = PROBE.format(statement=statement, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_import_is_light():
    assert loaded_by("import diffspec") == []


@pytest.mark.parametrize("package", only(["click", "torch", "matplotlib"], "click"))
def test_the_test_above_can_fail(package):
    assert package in loaded_by(f"import diffspec, {package}")


def test_measuring_is_light():
    assert (
        loaded_by("import numpy, diffspec; diffspec.dse(numpy.eye(5)); diffspec.dsmi(numpy.eye(4), [0, 0, 1, 1])") == []
    )


def test_everything_public_is_there_and_documented():
    assert sorted(diffspec.__all__) == diffspec.__all__
    for name in diffspec.__all__:
        thing = getattr(diffspec, name)
        if name != "__version__" and name not in CONSTANTS:
            assert inspect.getdoc(thing), f"{name} has no docstring"


@pytest.mark.parametrize(("name", "module"), CONSTANTS.items())
def test_public_constants_are_documented_below_their_assignment(name, module):
    # A mapping cannot carry a docstring: what it means stands in the source, where editors and Sphinx look for it.
    lines = inspect.getsource(importlib.import_module(module)).splitlines()
    (assigned,) = [number for number, line in enumerate(lines) if line.startswith((f"{name} =", f"{name}: "))]
    assert lines[assigned + 1].startswith('"""')


def test_nothing_global_is_changed(blobs):
    import random
    import warnings

    import numpy as np

    state, filters = random.getstate(), list(warnings.filters)
    legacy = np.random.get_state()[1].tobytes()  # noqa: NPY002
    diffspec.dsmi(*blobs)
    diffspec.dse(blobs[0])
    assert random.getstate() == state
    assert warnings.filters == filters
    assert np.random.get_state()[1].tobytes() == legacy  # noqa: NPY002
