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
    parser.addoption("--device", help="also run the conformance tests on this torch device, for example cuda")


# What these reach, quicker tests have reached (nearly all of it): tracing them takes a third of their time.
REPEATED = {
    *("docs", "mutation", "recipes"),
    *("test_walk_of_inputs.py", "test_extreme_arguments.py", "test_properties.py"),
    *("test_calibration.py", "test_resampling.py"),
    "test_the_bound_is_never_violated_on_1000_random_cases",
    "test_bounds_hold_on_1000_random_cases",
    "test_the_bracket_of_the_quadrature_holds_on_1000_random_cases",
    "test_p_values_are_uniform_where_nothing_depends",
    "test_p_values_are_uniform_under_the_null",
    "test_what_is_missed_costs_no_more_than_is_stated",
    "test_over_seeds_the_error_stays_within_the_stated_one",
    "test_equal_networks_rarely_differ",
    "test_nothing_changes_when_the_points_are",
    "test_every_figure_can_be_saved",
    "test_a_killed_worker_changes_nothing",
    "test_a_worker_killed_in_the_search_changes_nothing",
    "test_an_item_that_kills_its_workers_is_a_failure",
    "test_data_larger_than_the_memory_of_a_worker",
    "test_a_scheduler_that_is_killed",
}
# Tests that start processes which alone reach some lines; in those of others nothing is traced.
IN_PROCESSES = {"test_cluster.py", "test_process.py", "test_watch.py", "test_transformers.py", "test_lightning.py"}


def pytest_collection_modifyitems(config, items):
    # `make mutation` asks for all tests that reach a line, and tries mutants without the plugin.
    if not config.pluginmanager.hasplugin("pytest_cov") or config.option.cov_context:
        return
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and REPEATED & {
            *item.path.relative_to(here).parts,
            getattr(item, "originalname", None),
        }:
            item.add_marker("no_cover")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """Processes that a test starts are traced where that is needed."""
    traced = item.path.name in IN_PROCESSES and not item.get_closest_marker("no_cover")
    kept = None if traced else os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
    yield
    if kept is not None:
        os.environ["COVERAGE_PROCESS_CONFIG"] = kept


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
