"""`python -m benchmarks.scale`: many points, and how the time grows with their number.

Every measurement is a process of its own; it prints a table, fits exponents and writes JSON lines to
`benchmarks/results/DATE-scale.jsonl`.
"""

import argparse
import itertools
import json
import math
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.measure import machine, peak_mib

HERE = Path(__file__).resolve().parent
GIB = 2**30

# Sizes of the growth series, and of the targets: (regime, n, d, times measured).
SERIES = {
    "matrix-free": [(6250, 128), (12_500, 128), (25_000, 128), (50_000, 128)],
    "low rank": [(25_000, 64), (50_000, 64), (100_000, 64), (200_000, 64), (1_000_000, 64)],
    "sparse": [(25_000, 64), (50_000, 64), (100_000, 64), (200_000, 64)],
    "default, a roll": [(2500, 128), (10_000, 128), (50_000, 128), (1_000_000, 64)],
    "default, clusters": [(2500, 128), (10_000, 128), (50_000, 128)],
}


def clusters(n, d):
    r = np.random.default_rng(0)
    return r.normal(size=(10, d))[np.arange(n) % 10] + 0.5 * r.normal(size=(n, d))


def swiss_roll(n, d):
    """A surface of two dimensions in R^d, with noise of 1 % of a radian."""
    r = np.random.default_rng(0)
    angle, height = 1.5 * np.pi * (1.0 + 2.0 * r.random(n)), 21.0 * r.random(n)
    frame = np.linalg.qr(r.normal(size=(d, 3)))[0]
    return np.c_[angle * np.cos(angle), height, angle * np.sin(angle)] @ frame.T + 0.01 * r.normal(size=(n, d))


def matrix_free(n, d):
    from diffspec import Gaussian, Lanczos, dse

    # So little memory that no n x n array is stored at any of the sizes.
    points = clusters(n, d)
    return lambda: dse(points, kernel=Gaussian(5.0), solver=Lanczos(tol=5e-3), memory=2.0 * n * n)


def low_rank(n, d):
    from diffspec import LowRank, dse

    points = swiss_roll(n, d)
    return lambda: dse(points, solver=LowRank())


def sparse(n, d):
    from diffspec import Lanczos, Thresholded, dse

    # As many neighbours at every size: about 400.
    points = swiss_roll(n, d)
    return lambda: dse(points, kernel=Thresholded(0.35 * math.sqrt(50_000 / n)), solver=Lanczos(tol=0.02))


def default_roll(n, d):
    from diffspec import dse

    points = swiss_roll(n, d)
    return lambda: dse(points, tol=tolerance(n))


def default_clusters(n, d):
    from diffspec import dse

    # They overlap, so the graph is in one piece and no eigenvalue falls away.
    r = np.random.default_rng(0)
    points = 0.3 * r.normal(size=(10, d))[np.arange(n) % 10] + r.normal(size=(n, d))
    return lambda: dse(points, tol=tolerance(n))


def tolerance(n):
    """The default's, or what is enough for so many points."""
    return 1e-3 if n < 50_000 else 5e-3


CALLS = {
    "matrix-free": matrix_free,
    "low rank": low_rank,
    "sparse": sparse,
    "default, a roll": default_roll,
    "default, clusters": default_clusters,
}


def measure(regime, n, d):
    CALLS[regime](500, d)()  # whatever is loaded at the first use is not timed
    call = CALLS[regime](n, d)
    start = time.perf_counter()
    found = call()
    bounds = None if found.bounds is None else (found.bounds[1] - found.bounds[0]) / 2.0
    return {
        "seconds": time.perf_counter() - start,
        "peak_mib": peak_mib(),
        "bits": found.value,
        "stderr": found.stderr,
        "half_bounds": bounds,
        "verdict": found.verdict,
        "solver": found.settings.solver,
    }


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--largest", type=int, default=200_000, help="leave out more points than this")
    parser.add_argument("--regimes", nargs="*", default=list(SERIES), choices=list(SERIES))
    today = datetime.now(UTC).date().isoformat()
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"{today}-scale.jsonl")
    options = parser.parse_args()
    cases = [(regime, n, d) for regime in options.regimes for n, d in SERIES[regime] if n <= options.largest]
    rows = {case: [] for case in cases}
    with options.output.open("a") as log:
        log.write(json.dumps({"machine": machine(), "started": datetime.now(UTC).isoformat(timespec="seconds")}) + "\n")
        for turn, case in itertools.product(range(options.rounds), cases):
            row = child(case)
            rows[case].append(row)
            record = dict(zip(("regime", "n", "d"), case, strict=True)) | {"round": turn, "load": os.getloadavg()[0]}
            log.write(json.dumps(record | row) + "\n")
            log.flush()
            print(case, f"{row['seconds']:.2f} s, {row['peak_mib']:.0f} MiB, {row['bits']:.5f} bits", flush=True)
    table(rows)


def child(case):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", "--one", json.dumps(case)],
        cwd=HERE.parent, check=True, text=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def table(rows):
    print("| regime | n | d | seconds | peak MiB | bits | stderr | bounds, +- |\n|---|---|---|---|---|---|---|---|")
    for (regime, n, d), measured in rows.items():
        row = sorted(measured, key=lambda each: each["seconds"])[len(measured) // 2]
        errors = [f"{row[name]:.1e}" if row[name] is not None else "-" for name in ("stderr", "half_bounds")]
        print(f"| {regime} | {n} | {d} | {row['seconds']:.2f} | {row['peak_mib']:.0f} | {row['bits']:.4f} | ", end="")
        print(" | ".join(errors) + " |")
    for regime in dict.fromkeys(regime for regime, _n, _d in rows):
        points = [
            (n, np.median([row["seconds"] for row in rows[case]]))
            for case in rows
            if (n := case[1]) and case[0] == regime
        ]
        if len(points) > 1:
            n, seconds = np.log(np.array(points)).T
            print(f"{regime}: time grows as n^{np.polyfit(n, seconds, 1)[0]:.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(*json.loads(sys.argv[2]))))
    else:
        main()
