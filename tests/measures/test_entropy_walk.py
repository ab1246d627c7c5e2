"""How `spectrum` reads points, hands on memory and seeds, and what it writes down."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import diffspec
from diffspec import AlphaDecay, Gaussian, Lanczos, LowRank, Precomputed, Thresholded, dse, spectrum


class SeenError(Exception):
    """Stops a walk at the place that a test asks about."""


@pytest.mark.parametrize(("memory", "part"), [(3199, "streamed"), (3200, "read")])
def test_a_file_is_streamed_where_it_takes_more_than_half_of_the_memory(tmp_path, monkeypatch, memory, part):
    def seen(name):
        def stop(*_given, **settings):
            raise SeenError(name, settings)

        return stop

    np.save(tmp_path / "points.npy", np.arange(200.0).reshape(50, 4))
    mapped = np.load(tmp_path / "points.npy", mmap_mode="r")
    monkeypatch.setattr("diffspec.measures.entropy.on_disk", seen("streamed"))
    monkeypatch.setattr("diffspec.measures.entropy.as_points", seen("read"))
    generator = np.random.default_rng(0)
    with pytest.raises(SeenError) as caught:
        spectrum(mapped, kernel=Gaussian(2.0), memory=memory, rng=generator)
    name, settings = caught.value.args
    assert name == part
    if part == "streamed":
        assert settings == {"memory": 3199.0, "rng": generator}


def test_the_memory_allowed_chooses_solver_and_storage(blobs):
    # The float64 affinity of 150 points takes 180,000 bytes: one byte less, and all eigenvalues cannot be had.
    points, _labels = blobs
    assert dse(points, kernel=Gaussian(6.0), memory=180_000).settings.solver == "Exact()"
    assert dse(points, kernel=Gaussian(6.0), memory=179_999).settings.solver.startswith("Lanczos")


def test_a_factor_is_drawn_from_the_seed_given(blobs, monkeypatch):
    monkeypatch.setattr("diffspec.solvers.storing.FACTORED", 100)
    values = [dse(blobs[0], kernel=Gaussian(2.0), solver=LowRank(rank=20), rng=seed).value for seed in (0, 1, 1)]
    assert values[0] != values[1] == values[2]


def test_negative_eigenvalues_are_news_where_nothing_says_that_the_kernel_has_them(rng):
    affinity = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.9], [0.0, 0.9, 1.0]])
    given = spectrum(affinity, kernel=Precomputed(), solver=Lanczos())
    assert given.negative < -0.1
    assert "the operator has negative eigenvalues" in given.shannon().verdict
    points = rng.normal(size=(40, 3))
    graph = AlphaDecay().resolve(points, rng)(points)
    assert spectrum(graph, kernel=Precomputed(), solver=Lanczos()).negative < -0.01
    assert spectrum(points, kernel=AlphaDecay(), solver=Lanczos()).negative == 0.0


def test_the_floor_of_the_eigenvalues_and_the_precision_of_the_affinity_are_written_down(blobs):
    found = spectrum(blobs[0], kernel=Gaussian(6.0))
    assert found.settings.floor == found.floor > 0.0
    assert found.settings.dtype == "float64"
    tiled = spectrum(blobs[0], kernel=Gaussian(6.0), memory=179_999)
    assert tiled.settings.dtype == "float32"


def test_a_kernel_that_drops_entries_bounds_what_they_cost(blobs):
    found = dse(blobs[0], kernel=Thresholded(6.0), t=2.0)
    exact = dse(blobs[0], kernel=Gaussian(6.0), t=2.0).value
    low, high = found.bounds
    assert low <= exact <= high


def entered(measure, shape):
    """Into which modules of the package `measure` hands what holds points of this `shape`, each time from another."""
    house, found = f"{Path(diffspec.__file__).parent}/", []

    def held(value, parts=True):
        names = getattr(type(value), "__dataclass_fields__", ()) if parts else ()
        return getattr(value, "shape", None) == shape or any(held(getattr(value, name, None), False) for name in names)

    def place(frame):
        return frame.f_code.co_filename.removeprefix(house).removesuffix(".py")

    def called(frame, event, _argument):
        code, here, before = frame.f_code, place(frame), place(frame.f_back)
        ground = here.startswith(("/", "_", "<", "machine/"))
        if event == "call" and not ground and here != before:
            given = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            found.extend([here] if any(held(frame.f_locals[name]) for name in given) else [])

    sys.setprofile(called)
    try:
        measure()
    finally:
        sys.setprofile(None)
    return Counter(found)


@pytest.mark.parametrize(
    ("kernel", "n"),
    [(AlphaDecay(5), 60), (Gaussian(2.0), 60), (Gaussian("median"), 60), (AlphaDecay(5), 2100)],
    ids=repr,
)
def test_points_go_top_down_through_few_modules(kernel, n):
    points = np.random.default_rng(0).normal(size=(n, 3))
    found = entered(lambda: dse(points, kernel=kernel), points.shape)
    assert {"measures/entropy", "operators/build"} < set(found)
    assert "solvers/choice" not in found  # a plan is made of sizes
    assert len(found) <= 8, found
    assert max(found.values()) <= 2, found
