"""Points that stay on disk: the same operator as in memory, within the bytes promised, or a clear error."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import zarr

from diffspec import Cosine, Exact, Gaussian, InputError, SelfTuning, TooLargeError, dse
from diffspec._foreign import is_stored
from diffspec.errors import MissingExtraError
from diffspec.kernels.bandwidth import Median, Neighbors
from diffspec.operators.blocked import Blocked
from diffspec.operators.dense import Dense, Entrywise, diffusion
from diffspec.operators.streaming import on_disk
from diffspec.points.sources import HeldRows, open_source
from effort import crossed, only

N, D = 260, 110
MEDIAN = Gaussian()
# Enough for the whole affinity in float64, for it in float32, and only for tiles.
MEMORY = {"float64": 5e6, "float32": 7.5e5, "tiles": 4e5}


@pytest.fixture
def points(rng):
    """Points of three dimensions and noise, far from the origin: float32 loses them unless they are centred."""
    return (rng.normal(size=(N, 3)) @ rng.normal(size=(3, D)) + 0.3 * rng.normal(size=(N, D)) + 200).astype(np.float32)


STORED = ["npy", "rows of a map", "zarr"]


@pytest.fixture(params=STORED)
def stored(request, points, tmp_path):
    """The points on disk, in one of the forms that are read."""
    if request.param == "zarr":
        array = zarr.create_array(tmp_path / "points.zarr", shape=(N, D), chunks=(20, 20), dtype="f4")
        array[:] = points
        return array
    path = tmp_path / "points.npy"
    if request.param == "rows of a map":
        np.save(path, np.pad(points, ((5, 3), (2, 4))))
        return np.load(path, mmap_mode="r")[5 : 5 + N, 2 : 2 + D]
    np.save(path, points)
    return str(path)


# Of zarr arrays small tiles open every chunk many times.
FEW_ZARR = pytest.mark.parametrize("stored", only(STORED, *STORED[:2]), indirect=True)


def stream(stored, kernel=MEDIAN, *, memory=MEMORY["float64"]):
    """The operator of points on disk, with what was found of them."""
    found = on_disk(stored, kernel, memory=memory, rng=np.random.default_rng(0))
    return SimpleNamespace(operator=found.operator(0.5), kernel=found.kernel, asked=found.asked, sample=found.sample)


@pytest.mark.parametrize(
    ("stored", "kernel", "memory"),
    crossed(STORED, [Gaussian(25.0), Cosine(0.012)], list(MEMORY)),
    ids=str,
    indirect=["stored"],
)
def test_operator_is_that_of_the_points_in_memory(stored, points, rng, kernel, memory):
    expected = diffusion(kernel(points.astype(np.float64)), 0.5)
    ours = stream(stored, kernel, memory=MEMORY[memory]).operator
    assert isinstance(ours, Entrywise)
    assert isinstance(ours, Blocked if memory == "tiles" else Dense)
    assert str(ours.like.dtype) == ("float64" if memory == "float64" else "float32")
    vectors = rng.normal(size=(N, 4))
    assert ours.matmul(vectors.astype(ours.like.dtype)) == pytest.approx(expected.matmul(vectors), abs=3e-5)
    assert ours.dense() == pytest.approx(expected.matrix, abs=1e-6)
    assert ours.columns(np.array([200, 3])) == pytest.approx(expected.matrix[:, [200, 3]], abs=1e-6)
    assert ours.trace() == pytest.approx(expected.trace(), rel=1e-5)
    assert ours.frobenius2() == pytest.approx(expected.frobenius2(), rel=1e-5)


def test_shards_are_read_by_their_path(points, tmp_path):
    path = tmp_path / "points.zarr"  # each rectangle opens its shards anew, so few are read
    array = zarr.create_array(path, shape=(N, D), chunks=(20, 20), shards=(40, 40), dtype="f4")
    array[:] = points
    kernel = Gaussian(25.0)
    found = stream(path, kernel)
    expected = diffusion(kernel(points.astype(np.float64)), 0.5)
    assert found.operator.dense() == pytest.approx(expected.matrix, abs=1e-6)
    assert np.array_equal(found.sample, points)
    assert stream(path, kernel, memory=MEMORY["float32"]).operator.dense() == pytest.approx(expected.matrix, abs=1e-6)


@pytest.mark.parametrize(
    ("stored", "kernel"),
    crossed(STORED, [Gaussian(), Cosine(), Gaussian(Median(most=100)), Cosine(Median(100))]),
    ids=str,
    indirect=["stored"],
)
def test_the_median_is_that_of_the_same_points_in_memory(stored, points, kernel):
    expected = kernel.resolve(points.astype(np.float64), np.random.default_rng(0))
    assert stream(stored, kernel).kernel.sigma == pytest.approx(expected.sigma, rel=1e-9)


@FEW_ZARR
def test_a_median_that_does_not_fit_is_of_fewer_points_and_says_so(stored):
    found = stream(stored, memory=MEMORY["tiles"])
    assert found.asked == Gaussian(Median(most=found.asked.sigma.most))
    assert found.asked.sigma.most < N
    assert stream(stored).asked == Gaussian()


def test_wide_exponents_are_computed_in_float64(points, tmp_path):
    np.save(tmp_path / "points.npy", points)
    for sigma, dtype in ((25.0, np.float32), (0.5, np.float64)):
        operator = stream(tmp_path / "points.npy", Gaussian(sigma), memory=MEMORY["tiles"]).operator
        assert operator.tiles.like.dtype == dtype


@pytest.mark.parametrize("scale", [1e-200, 1e200])
@pytest.mark.parametrize("kernel", [Gaussian(), Cosine()], ids=repr)
def test_scale_of_the_points_does_not_matter(points, tmp_path, kernel, scale):
    np.save(tmp_path / "points.npy", scale * points.astype(np.float64))
    np.save(tmp_path / "plain.npy", points)
    scaled, plain = (stream(tmp_path / name, kernel).operator for name in ("points.npy", "plain.npy"))
    assert scaled.dense() == pytest.approx(plain.dense(), abs=1e-6)


def test_equal_points(tmp_path):
    np.save(tmp_path / "points.npy", np.full((40, 3), 7.0))
    assert stream(tmp_path / "points.npy").operator.dense() == pytest.approx(np.full((40, 40), 1 / 40))


@FEW_ZARR
def test_sample_for_the_verdict(stored, points):
    assert np.array_equal(stream(stored).sample, points)
    assert len(stream(stored, memory=MEMORY["tiles"]).sample) < N


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (np.ones(5), r"points must have shape \(n, d\), got \(5,\); for n points of one feature"),
        (np.ones((1, 3)), r"must hold at least 2 points with at least 1 feature, got shape \(1, 3\)"),
        (np.ones((4, 3), dtype=complex), "must be real numbers .* got dtype complex128; convert it first"),
        (np.asfortranarray(np.ones((4, 3))), r"each point in one piece, got strides \(8, 32\); write .*C order"),
        (np.array([[1, np.nan], [np.inf, 2], [3, 4.0]]), "got 1 NaN and 1 infinite values in 2 of 3 rows"),
    ],
    ids=lambda value: "" if isinstance(value, str) else f"{value.dtype}{value.shape}",
)
def test_points_that_cannot_be_used(bad, text, tmp_path):
    np.save(tmp_path / "bad.npy", bad)
    with pytest.raises(InputError, match=text):
        stream(tmp_path / "bad.npy")


def test_zero_vectors_have_no_direction(points, tmp_path):
    np.save(tmp_path / "points.npy", points * (np.arange(N) > 1)[:, None])
    with pytest.raises(InputError, match="Cosine needs a direction for every point, got 2 zero vectors"):
        stream(tmp_path / "points.npy", Cosine())


def test_files_that_are_not_whole(points, tmp_path):
    path = tmp_path / "points.npy"
    with pytest.raises(InputError, match=r"there is no file .*points\.npy; check the path"):
        open_source(path)
    np.save(path, points)
    source = open_source(path)
    os.truncate(path, path.stat().st_size - 1000)
    with pytest.raises(InputError, match=r"points\.npy is no whole \.npy file .*; write it again"):
        open_source(path)
    with pytest.raises(InputError, match=r"points\.npy ends before its 260 points do; write it again"):
        source.read(slice(200, N), slice(0, D))


def test_memory_maps_that_do_not_show_the_file(points, tmp_path):
    np.save(tmp_path / "points.npy", points)
    with pytest.raises(InputError, match=r"must show a named file as it is, got mode 'c' of .* open it by its path"):
        open_source(np.load(tmp_path / "points.npy", mmap_mode="c"))


def test_what_is_not_on_disk(points):
    assert not is_stored(points)
    with pytest.raises(InputError, match=r"memory map, a zarr array or a path, got ndarray; save them with numpy.save"):
        open_source(points)


@pytest.mark.parametrize("shards", [None, (40, 40)])
def test_missing_and_broken_chunks(points, tmp_path, shards):
    path = tmp_path / "points.zarr"
    zarr.create_array(path, shape=(N, D), chunks=(20, 20), shards=shards, dtype="f4")[:] = points
    assert is_stored(zarr.open_array(path))
    chunk = path / "c" / "1" / "2"
    chunk.write_bytes(b"broken")
    with pytest.raises(InputError, match=r"points\.zarr cannot be read at features .*; restore the chunk"):
        stream(path)
    chunk.unlink()
    with pytest.raises(InputError, match=r"lacks chunks, the first is 'c/1/2', which would be read as .*; restore"):
        stream(path)


def test_without_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(MissingExtraError, match=r"reading zarr arrays needs .* pip install 'diffspec\[zarr\]'"):
        open_source(tmp_path)


def test_no_zarr_array(tmp_path):
    with pytest.raises(InputError, match=r"is no zarr array .*; check the path"):
        open_source(tmp_path)


@pytest.mark.parametrize(
    ("kernel", "text"),
    [
        (SelfTuning(), r"Gaussian or Cosine, got SelfTuning\(neighbors=7\); give one of these or a sample in memory"),
        (Gaussian("knn"), "must be a number or 'median', got 'knn'; resolve it on a sample"),
        (Cosine(Neighbors()), r"must be a number or 'median', got Neighbors\(k=10, most=4096\)"),
    ],
    ids=repr,
)
def test_kernels_that_need_all_points(stored, kernel, text):
    with pytest.raises(InputError, match=text):
        stream(stored, kernel)


@pytest.mark.parametrize(
    ("far", "text"),
    [(1e200, "1 points lie over 1e150 times as far out as the rest; remove them"), (1e10, "give a larger sigma")],
)
def test_points_beyond_the_reach_of_float64(tmp_path, rng, far, text):
    """One point that is not among the 256 that set the unit."""
    points = rng.normal(size=(600, 3))
    points[1] = far
    np.save(tmp_path / "points.npy", points)
    with pytest.raises(InputError, match=text):
        stream(tmp_path / "points.npy", Gaussian(1e-290))


@pytest.mark.parametrize("stored", only(STORED, "zarr"), indirect=True)
def test_memory_that_holds_nothing_and_what_would_do(stored):
    with pytest.raises(
        TooLargeError, match=r"memory=10000 bytes does not hold what is kept .*; give at least \d+$"
    ) as error:
        stream(stored, Gaussian(25.0), memory=1e4)
    least = int(str(error.value).rsplit(maxsplit=1)[1])
    assert stream(stored, Gaussian(25.0), memory=least).operator.n == N
    with pytest.raises(TooLargeError, match=f"give at least {least}$"):
        stream(stored, Gaussian(25.0), memory=least - 10)


def test_rows_held_in_memory_are_a_source(points):
    held = HeldRows(points[100:200], n=N, first=100)
    assert held.shape == (N, D)
    assert np.array_equal(held.read(slice(120, 130), slice(3, 5)), points[120:130, 3:5])
    assert np.array_equal(held.take(np.array([101, 150]), slice(0, D)), points[[101, 150]])


MEASURE = """
import re, sys
import numpy as np
from diffspec import Gaussian
from diffspec.kernels.bandwidth import Median
from diffspec.operators.streaming import on_disk
warm = np.ones((500, 500)) @ np.ones((500, 500))
# Not getrusage: a process inherits the peak of the one that started it.
peak = lambda: 1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
before = peak()
kernel, rng = Gaussian(Median(most=300)), np.random.default_rng(0)
found = on_disk(sys.argv[1], kernel, memory=float(sys.argv[2]), rng=rng)
operator = found.operator(0.0)
product = operator.matmul(np.ones((operator.n, 1), operator.like.dtype))
print(type(operator).__name__, peak() - before, found.kernel.sigma, float(np.sum(product)))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak memory of a process is read from /proc")
@pytest.mark.parametrize(("shape", "kind"), [((1000, 12500), "Dense"), ((2500, 4000), "Blocked")])
def test_peak_memory_stays_within_the_promise(tmp_path, rng, shape, kind):
    """A file of 40 or 50 MB within 20 MB, measured by the system in a process of its own."""
    path, memory = tmp_path / "points.npy", 20e6
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    half = shape[0] // 2
    out[:half] = np.tile(rng.normal(size=(250, shape[1])), (half // 250, 1)).astype(np.float32)
    out[half:] = out[:half] + 1
    del out
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path), str(memory)], capture_output=True, text=True, check=True
    )
    name, peak, sigma, total = done.stdout.split()
    assert name == kind
    assert float(peak) < memory
    few = np.load(path, mmap_mode="r")[np.r_[:250, half : half + 250]].astype(np.float64)
    small = diffusion(replace(Gaussian(), sigma=float(sigma))(few), 0.0)
    # Every point is there half / 250 times: the same walk, so the same sum per point.
    assert float(total) / shape[0] == pytest.approx(np.sum(small.matmul(np.ones(500))) / 500, rel=1e-4)


@pytest.mark.parametrize("kernel", [Gaussian("median"), Gaussian(4.0), Cosine(0.5)], ids=repr)
def test_dse_leaves_a_large_memory_map_on_disk(tmp_path, kernel, monkeypatch):
    points = np.random.default_rng(0).normal(size=(500, 4000)).astype(np.float32)
    np.save(tmp_path / "points.npy", points)
    mapped = np.load(tmp_path / "points.npy", mmap_mode="r")
    expected = dse(points, kernel=kernel, solver=Exact())
    monkeypatch.setattr("diffspec.measures.entropy.as_points", None)  # what reads all points into memory
    ours = dse(mapped, kernel=kernel, memory=24e6, solver=Exact())
    assert ours.value == pytest.approx(expected.value, abs=1e-4)
    assert ours.settings.rule == expected.settings.rule
    assert ours.settings.sigma == pytest.approx(expected.settings.sigma, rel=1e-6)
    assert ours.n == 500


def test_other_kernels_need_the_points_in_memory(tmp_path):
    points = np.random.default_rng(0).normal(size=(500, 4000)).astype(np.float32)
    np.save(tmp_path / "points.npy", points)
    mapped = np.load(tmp_path / "points.npy", mmap_mode="r")
    text = (
        r"^points on disk or a cluster can be measured with AlphaDecay, NearestNeighbors, Gaussian or Cosine, "
        r"got SelfTuning\(neighbors=7\); give one of these or a sample in memory$"
    )
    with pytest.raises(InputError, match=text):
        dse(mapped, memory=16e6, kernel=SelfTuning())
    # What it says to do is enough; and a map that memory holds is read.
    assert dse(mapped, memory=16e6, kernel=Gaussian(), t=1.0).n == 500
    assert dse(mapped).value == dse(points).value
