"""`memory=` is what a call holds at most, containers have limits, and memory that cannot be had is said in bytes."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import diffspec.baselines
import diffspec.released
import diffspec.training
from benchmarks.memory import FACTOR, ROWS, child, kept, row
from diffspec import Gaussian, TooLargeError
from diffspec.kernels.bandwidth import Median, Quantile
from diffspec.machine.memory import allowed, cgroup_memory, within_memory
from diffspec.machine.threads import as_many, cores, parallel_map

LINUX = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are read from /proc of Linux")


def longer(*given, **more):
    """A row of a promise that another row holds in less time."""
    return pytest.param(row(*given, **more), marks=pytest.mark.thorough)


SMALL = [
    row("dse", "Gaussian()", n=2500, memory=16),  # the median rule held all pairs twice: 115 MiB
    longer("dse", "Gaussian('quantile')", n=2500, memory=16),
    longer("dse", "SelfTuning()", "Exact()", n=2200, memory=40),  # seven n x n arrays: 300 MiB
    row("dse", "AlphaDecay()", n=2000, memory=40),
    row("dse", "AlphaDecay()", data="stored", n=3000, d=2000, memory=64),
    row("dse", data="copies", n=4000, memory=40),  # seven points: all eigenvalues of 4000
    longer("dse", "Thresholded(bandwidth.Scaled(bandwidth.Neighbors(), 0.3))", n=3500, memory=40),
    longer("dse", "NearestNeighbors()", n=3000, memory=40),
    row("adjusted_dsmi", "Gaussian()", "Exact()", n=2000, memory=40),
    row("dse", "SelfTuning()", data="tensors", n=2000, memory=40),  # other libraries than NumPy: 220 MiB
    longer("dse", "AlphaDecay()", data="strict", n=2000, memory=40),
]


@LINUX
@pytest.mark.parametrize("asked", SMALL, ids=lambda asked: f"{asked['door']}-{asked['kernel']}-{asked['data']}")
def test_peak_of_a_process_stays_within_what_was_allowed(asked):
    found = child(asked, {"OPENBLAS_NUM_THREADS": "1"})
    assert kept(found), found
    assert found["refused"] is None or "bytes" in found["refused"]


def test_every_kernel_and_solver_has_a_row_in_the_benchmark():
    text = " ".join(f"{asked['door']} {asked['kernel']} {asked['solver']} {asked['data']}" for asked in ROWS)
    words = "Gaussian Cosine AlphaDecay SelfTuning NearestNeighbors Thresholded Precomputed Exact LowRank Chebyshev"
    words += " None copies stored median knn knn-share quantile log-sum dsmi adjusted_dsmi permutation_test interval"
    assert [word for word in words.split() if word not in text] == []
    assert FACTOR == 1.25


@pytest.mark.parametrize("rule", [Median(), Quantile(0.1), Quantile(0.9)], ids=repr)
@pytest.mark.parametrize("n", [2, 3, 150, 151])
def test_rules_in_passes_over_blocks_find_the_same_pair(rule, n, rng):
    # Ties and equal points, and with their mirror images a mean of exactly 0: no step of the arithmetic rounds.
    half = rng.integers(0, 9, size=(n // 2, 3)).astype(float)
    points = np.concatenate([half, -half, np.zeros((n % 2, 3))])
    whole = rule(points, np.random.default_rng(0))
    starved = within_memory(lambda *, memory: rule(points, np.random.default_rng(0)))(memory=1e3)
    assert starved == whole


def test_what_is_allowed_is_shared_by_workers_and_given_back():
    seen = within_memory(lambda *, memory: (allowed(), parallel_map(lambda _: allowed(), range(3))))(memory=6e6)
    assert seen == (6e6, [6e6 / cores()] * 3)
    assert allowed() == np.inf
    assert as_many(1000, 8) == 1000
    inner = within_memory(lambda *, memory: within_memory(lambda *, memory: allowed())(memory=9e9))
    assert inner(memory=5.0) == 5.0  # no more than the outer call allows


def written(path, **files):
    path.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (path / name.replace("__", ".")).write_text(text)


def process(tmp_path, cgroup, mount):
    written(tmp_path / "proc", cgroup=cgroup, mountinfo=f"1 2 0:3 / / rw - ext4 /dev/sda rw\n{mount}\n")
    return tmp_path / "proc"


class TestContainers:
    """Made-up files of cgroups: what a container leaves is the least over its folders."""

    def test_version_2_walks_up_and_takes_idle_file_pages_for_free(self, tmp_path):
        me = process(tmp_path, "0::/pod/box\n", f"9 1 0:4 / {tmp_path}/v2 rw - cgroup2 cgroup rw")
        idle = "anon 5\ninactive_file 30\n"
        written(tmp_path / "v2/pod/box", memory__max="max", memory__current="900", memory__stat=idle)
        written(tmp_path / "v2/pod", memory__max="1000", memory__current="900", memory__stat=idle)
        assert cgroup_memory(me) == 1000 - 900 + 30

    def test_version_1_beside_other_controllers_and_below_the_root_of_its_mount(self, tmp_path):
        mount = f"9 1 0:4 /docker/ab {tmp_path}/v1 rw - cgroup cgroup rw,memory"
        me = process(tmp_path, "5:cpu:/docker/ab\n4:memory:/docker/ab\n0::/\n", mount)
        files = {"memory__limit_in_bytes": "500", "memory__usage_in_bytes": "100"}
        written(tmp_path / "v1", **files, memory__stat="total_inactive_file 7\n")
        assert cgroup_memory(me) == 500 - 100 + 7

    def test_no_limit_and_no_cgroups(self, tmp_path):
        me = process(tmp_path, "4:memory:/\n", f"9 1 0:4 / {tmp_path}/none rw - cgroup cgroup rw,memory")
        written(tmp_path / "none", memory__limit_in_bytes="9223372036854771712", memory__usage_in_bytes="100")
        assert cgroup_memory(me) == np.inf
        assert cgroup_memory(tmp_path / "absent") == np.inf

    def test_the_limit_decides_what_is_refused(self, monkeypatch, rng):
        monkeypatch.setattr("diffspec.machine.memory.cgroup_memory", lambda: 3e6)
        with pytest.raises(TooLargeError, match=r"needs 5120000 bytes .* 3000000 bytes \(2.9 MiB\) are free"):
            Gaussian(1.0)(rng.normal(size=(800, 3)))


STARVED = """
import resource, sys
import numpy as np
import diffspec
from diffspec import _arrays
from diffspec.machine import memory as host
x, y = np.random.default_rng(0).normal(size=(3000, 8)), np.arange(3000) % 3
diffspec.dse(x[:200]), diffspec.dsmi(x[:200], y[:200])
# The gates see plenty, so that the allocation itself fails.
host._limit_memory = lambda: 1e15
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 45 * 2**20,) * 2)
try:
    {call}
except diffspec.TooLargeError as error:
    print(error)
"""
CALLS = [
    "diffspec.dse(x, kernel=diffspec.Gaussian(1.0), solver=diffspec.Exact())",
    "diffspec.spectrum(x, kernel=diffspec.SelfTuning())",
    pytest.param("diffspec.adjusted_dsmi(x, y, kernel=diffspec.SelfTuning())", marks=pytest.mark.thorough),
    "diffspec.permutation_test(x, y, 19, kernel=diffspec.SelfTuning())",
    pytest.param("diffspec.profile(x, sigmas=3)", marks=pytest.mark.thorough),
]


@LINUX
@pytest.mark.parametrize("call", CALLS)
def test_memory_that_cannot_be_had_is_our_error_with_bytes(call):
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", STARVED.replace("{call}", call)], text=True, capture_output=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "bytes" in done.stdout
    assert done.stdout.count("\n") == 1


def test_every_public_function_says_so():
    """All of them pass the gate that turns a MemoryError into ours; `choose` computes nothing of a size."""
    doors = {
        f"{module.__name__}.{name}": getattr(module, name)
        for module in (diffspec, diffspec.baselines, diffspec.released, diffspec.training)
        for name in module.__all__
        if inspect.isfunction(getattr(module, name))
    }
    assert [name for name, door in doors.items() if not hasattr(door, "__wrapped__")] == ["diffspec.choose"]
    assert len(doors) > 50


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (MemoryError(), r"memory ran out: this process holds \d+ bytes .* and \d+ bytes .* are free"),
        (RuntimeError("DefaultCPUAllocator: you tried to allocate 4096 bytes."), r"an array of 4096 bytes"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."), None),
        (RuntimeError("can't start new thread"), "memory ran out"),
    ],
)
def test_texts_of_others(error, text):
    @within_memory
    def door():
        raise error

    with pytest.raises(TooLargeError if text else RuntimeError, match=text):
        door()
