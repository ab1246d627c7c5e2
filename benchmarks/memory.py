"""`python -m benchmarks.memory`: whether `memory=` is the most that a call holds.

Every row (door, kernel with its rule, solver, data, size) is a process of its own. It makes one small call, makes its
data, forgets its peak so far, makes the call and reports how much more it has held: at most 1.25 x memory= + 64 MiB is
promised. A call that is refused in words (TooLargeError) keeps the promise too, if what it had taken by then does.
Prints a table and writes JSON lines to `benchmarks/results/DATE-memory.jsonl`.
"""

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
MIB = 2**20
FACTOR, ALLOWANCE = 1.25, 64 * MIB


def clusters(n, d):
    """Ten balls in R^d, far enough apart to be told from one another."""
    r = np.random.default_rng(0)
    return r.normal(size=(10, d))[np.arange(n) % 10] + 0.5 * r.normal(size=(n, d))


def ribbon(n, d):
    """A curve in R^d: so few dimensions that a narrow kernel is sparse and a wide one of low rank."""
    r = np.random.default_rng(0)
    angle = np.linspace(0.0, 4.0, n)[:, None] * np.arange(1, d + 1) / d
    return np.cos(angle) + 1e-3 * r.normal(size=(n, d))


def copies(n, d):
    """Seven points, each many times."""
    return np.random.default_rng(0).normal(size=(7, d))[np.arange(n) % 7]


def chain(n, _d):
    """Affinities, which also serve as distances, of neighbours in a row."""
    return 1.0 - np.exp(-np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / 10.0)


def stored(n, d):
    """The clusters in a file."""
    path = Path(tempfile.mkdtemp()) / "points.npy"
    mapped = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n, d))
    for start in range(0, n, 1000):
        mapped[start : start + 1000] = clusters(n, d)[start : start + 1000]
    del mapped
    return np.load(path, mmap_mode="r")


def tensors(n, d):
    """The clusters in torch."""
    import torch

    return torch.from_numpy(clusters(n, d))


def strict(n, d):
    """The clusters in a library that has the functions of the array API standard and no others."""
    import array_api_strict

    return array_api_strict.asarray(clusters(n, d))


DATA = {function.__name__: function for function in (clusters, ribbon, copies, chain, stored, tensors, strict)}


def doors():
    """What can be called, by name, on points, labels and the settings of a row."""
    import diffspec

    return {
        "dse": lambda x, _y, **rest: diffspec.dse(x, **rest),
        "dsmi": lambda x, y, **rest: diffspec.dsmi(x, y, **rest),
        "literal": lambda x, y, **rest: diffspec.dsmi(x, y, estimator=diffspec.Literal(), **rest),
        "adjusted_dsmi": lambda x, y, **rest: diffspec.adjusted_dsmi(x, y, **rest),
        "permutation_test": lambda x, y, **rest: diffspec.permutation_test(x, y, 19, **rest),
        "interval": lambda x, _y, **rest: diffspec.interval(x, resamples=10, **rest),
        "compare": lambda x, _y, **rest: diffspec.compare(x, x + 1.0, resamples=10, **rest),
        "profile": lambda x, _y, **rest: diffspec.profile(x, sigmas=3, **rest),
    }


def row(door, kernel=None, solver=None, *, n, memory, d=32, data="clusters", **rest):
    """One measurement; kernel, solver and further settings as text, memory in MiB."""
    return {"door": door, "kernel": kernel, "solver": solver, "data": data, "n": n, "d": d, "memory": memory, **rest}


NARROW = "bandwidth.Scaled(bandwidth.Neighbors(), {})"

ROWS = [
    # Storages of the Gaussian kernel: whole in float64, whole in float32, tiles; with a number and with every rule.
    row("dse", "Gaussian(2.0)", "Exact()", n=2000, memory=64),
    row("dse", "Gaussian(2.0)", n=2000, memory=20),
    row("dse", "Gaussian(2.0)", n=6000, memory=200),
    row("dse", "Gaussian(2.0)", n=6000, memory=30),
    row("dse", "Gaussian()", n=4000, memory=29),
    row("dse", "Gaussian()", n=12_000, memory=191),
    row("dse", "Gaussian()", "LowRank()", n=12_000, memory=96),
    row("dse", "Gaussian()", "LowRank()", data="ribbon", n=5000, memory=250),
    row("dse", "Gaussian()", "LowRank()", data="ribbon", n=5000, memory=48),
    row("dse", "Gaussian()", "Chebyshev()", n=6000, memory=48),
    row("dse", "Gaussian()", "Chebyshev()", n=6000, memory=160),
    row("dse", "Gaussian('knn')", n=6000, memory=24),
    row("dse", "Gaussian('knn-share')", n=6000, memory=24),
    row("dse", "Gaussian('quantile')", n=6000, memory=24),
    row("dse", "Gaussian('log-sum')", n=6000, memory=24),
    row("dse", "Cosine()", n=6000, memory=24),
    row("dse", "Cosine()", n=6000, memory=160),
    row("dse", "Cosine()", "Exact()", n=3000, memory=80),
    # Kernels of local width, and sparse ones.
    row("dse", n=2000, memory=64),
    row("dse", n=2000, memory=16),
    row("dse", n=6000, memory=64),
    row("dse", n=12_000, memory=191),
    row("dse", "AlphaDecay()", "Exact()", n=3000, memory=80),
    row("dse", "AlphaDecay()", "Chebyshev()", n=6000, memory=96),
    row("dse", "AlphaDecay(decay=2.0)", n=6000, memory=300),
    row("dse", "SelfTuning()", n=3000, memory=80),
    row("dse", "SelfTuning()", n=6000, memory=300),
    row("dse", "SelfTuning()", n=6000, memory=100),
    row("dse", "Precomputed()", data="chain", n=3000, memory=80),
    row("dse", "Precomputed('distances')", data="chain", n=3000, memory=80),
    row("dse", "NearestNeighbors()", n=8000, memory=95),
    row("dse", "NearestNeighbors()", n=20_000, memory=95),
    row("dse", "NearestNeighbors()", "Exact()", n=3000, memory=80),
    row("dse", f"Thresholded({NARROW.format(0.3)})", n=8000, memory=95),
    row("dse", f"Thresholded({NARROW.format(0.3)})", n=12_000, memory=48),
    row("dse", f"Thresholded({NARROW.format(2.0)})", data="ribbon", n=8000, memory=95),
    row("dse", f"Thresholded({NARROW.format(2.0)})", data="ribbon", n=20_000, memory=256),
    row("dse", "Thresholded('median')", n=8000, memory=95),
    # Equal points.
    row("dse", data="copies", n=5000, memory=238),
    row("dse", data="copies", n=22_000, memory=238),
    row("dse", "Gaussian(1.0)", data="copies", n=22_000, memory=64),
    row("dse", "NearestNeighbors()", data="copies", n=5000, memory=238),
    row("dse", "SelfTuning()", data="copies", n=5000, memory=238),
    row("dse", "Thresholded(1.0)", data="copies", n=5000, memory=238),
    # Points on disk.
    row("dse", "Gaussian()", data="stored", n=4000, d=4000, memory=48),
    row("dse", "Gaussian()", data="stored", n=4000, d=4000, memory=128),
    row("dse", "Cosine()", data="stored", n=8000, d=1000, memory=64),
    row("dse", "AlphaDecay()", data="stored", n=4000, d=4000, memory=128),
    # Points of other libraries.
    row("dse", data="tensors", n=2000, memory=64),
    row("dse", data="strict", n=2000, memory=64),
    row("dse", "Gaussian()", data="tensors", n=6000, memory=200),
    row("dse", "SelfTuning()", data="tensors", n=2500, memory=64),
    row("dse", "SelfTuning()", data="strict", n=2500, memory=64),
    row("profile", data="tensors", n=2500, memory=160),
    row("dsmi", data="tensors", n=4000, memory=96),
    row("adjusted_dsmi", data="tensors", n=3000, memory=96),
    # The other doors.
    row("dsmi", n=6000, memory=96),
    row("dsmi", "Gaussian()", n=6000, memory=96),
    row("dsmi", "Gaussian()", n=6000, memory=320),
    row("dsmi", "Gaussian()", "Exact()", n=4000, memory=64),
    row("dsmi", "NearestNeighbors()", n=6000, memory=96),
    row("dsmi", "SelfTuning()", n=4000, memory=128),
    row("dsmi", data="copies", n=5000, memory=238),
    row("literal", "Gaussian()", n=6000, memory=64),
    row("adjusted_dsmi", n=4000, memory=96),
    row("adjusted_dsmi", "Gaussian()", n=4000, memory=64),
    row("adjusted_dsmi", "Gaussian()", n=4000, memory=400),
    row("permutation_test", n=4000, memory=96),
    row("permutation_test", "Gaussian()", n=4000, memory=64),
    row("interval", n=3000, memory=128),
    row("interval", "Gaussian()", n=3000, memory=64),
    row("compare", "Gaussian()", n=3000, memory=64),
    row("profile", n=4000, memory=260),
    row("profile", n=4000, memory=160),
    row("profile", n=4000, memory=500),
    row("profile", n=4000, memory=96),
]


def measure(door, kernel, solver, *, data, n, d, memory, **rest):
    """The peak of one call beyond what the process held before it, in MiB, and what the call gave."""
    import diffspec
    import diffspec.kernels.bandwidth
    from diffspec import TooLargeError

    call = doors()[door]
    given = {"kernel": kernel, "solver": solver, **rest}
    settings = {name: eval(text, vars(diffspec)) for name, text in given.items() if text is not None}
    make = DATA[data]
    small = np.array(make(600, 4)) if data == "stored" else make(600, 4)
    call(small, np.arange(600) % 3, **settings)  # whatever is loaded at the first use is not counted
    points, labels = make(n, d), np.arange(n) % 10
    before = forget_peak()
    start = time.perf_counter()
    try:
        found, refused = call(points, labels, memory=float(memory) * MIB, **settings), None
    except TooLargeError as error:
        found, refused = None, str(error)
    return {
        "seconds": round(time.perf_counter() - start, 2),
        "added_mib": round((status("VmHWM") - before) / MIB, 1),
        "allowed_mib": round((FACTOR * memory * MIB + ALLOWANCE) / MIB, 1),
        "value": None if found is None else float(getattr(found, "value", np.nan)),
        "solver": getattr(getattr(found, "settings", None), "solver", None),
        "refused": refused,
    }


def forget_peak():
    """The bytes that this process holds, after which its peak starts from there. Linux."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


def status(name):
    """A line of /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])


def child(asked, environment=None):
    """`measure` of one row in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", "--one", json.dumps(asked)],
        cwd=HERE.parent, check=True, text=True, stdout=subprocess.PIPE, env={**os.environ, **(environment or {})},
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def kept(found):
    return found["added_mib"] <= found["allowed_mib"]


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--only", default="", help="rows whose JSON holds this text")
    today = datetime.now(UTC).date().isoformat()
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"{today}-memory.jsonl")
    options = parser.parse_args()
    from benchmarks.measure import machine

    rows = [asked for asked in ROWS if options.only in json.dumps(asked)]
    broken = 0
    print("| door | kernel | solver | data | n | d | memory= MiB | peak MiB | allowed | |\n|" + "---|" * 10)
    with options.output.open("w") as log:
        log.write(json.dumps({"machine": machine(), "started": datetime.now(UTC).isoformat(timespec="seconds")}) + "\n")
        for asked in rows:
            found = child(asked)
            broken += not kept(found)
            log.write(json.dumps(asked | found) + "\n")
            log.flush()
            print(line(asked, found), flush=True)
    print(f"\n{len(rows) - broken} of {len(rows)} within {FACTOR:g} x memory= + {ALLOWANCE // MIB} MiB")


def line(asked, found):
    cells = [str(asked[name] or "default") for name in ("door", "kernel", "solver", "data", "n", "d", "memory")]
    word = "" if kept(found) else "**exceeded**"
    word = word if found["refused"] is None else f"{word} refused".strip()
    return "| " + " | ".join([*cells, f"{found['added_mib']:.0f}", f"{found['allowed_mib']:.0f}", word]) + " |"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        asked = json.loads(sys.argv[2])
        places = [asked.pop(name) for name in ("door", "kernel", "solver")]
        print(json.dumps(measure(*places, **asked)))
    else:
        main()
