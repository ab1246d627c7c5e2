"""`python -m benchmarks.default` (or `make bench-default`): the default settings beside what they cannot do without.

`kneighbors_graph` of scikit-learn with as many neighbours as the default kernel takes, and at 2000 points all
eigenvalues of its finished operator, beside `dse`, `dsmi`, `adjusted_dsmi` and `rank` with nothing but their defaults.
Points are those of `benchmarks.measure`: around 10 centres. Every measurement is a process of its own after one small
call; the competitors alternate. Seconds are those of the wall, and of the processor; with `--one-core` every process
has one core and one thread, for a machine that is busy with something else.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.measure import cloud, machine, peak_mib

HERE = Path(__file__).resolve().parent
CLASSES = 10
# n, d: what is measured there.
CASES = {
    (2000, 512): ("neighbours", "eigenvalues", "dse", "dsmi", "adjusted_dsmi"),
    (4000, 512): ("neighbours", "dse", "dsmi", "adjusted_dsmi"),
    (10_000, 512): ("neighbours", "dse", "dsmi", "adjusted_dsmi"),
    (2000, 64): ("neighbours", "eigenvalues", "dse", "dsmi", "adjusted_dsmi"),
    (4000, 64): ("neighbours", "dse", "dsmi", "adjusted_dsmi"),
    (10_000, 64): ("neighbours", "dse", "dsmi", "adjusted_dsmi"),
    (2000, 0): ("rank",),
}
# Growth: n of d = 64 for these.
GROWTH = {"rank3": (500, 1000, 2000, 4000, 8000), "interval": (500, 1000, 2000, 4000, 8000)}
FLOORS = ("neighbours", "eigenvalues")
DIMENSIONS = (64, 128, 256, 384, 512, 768, 1024, 1280, 2048)  # of networks' last layers, each twice


def neighbours(points, _labels):
    from sklearn.neighbors import kneighbors_graph

    return kneighbors_graph(points, round(len(points) ** 0.5 / 3)).nnz


def eigenvalues(matrix, _labels):
    from scipy.linalg import eigvalsh

    return eigvalsh(matrix)[-1]


def operator_of(points):
    from diffspec import AlphaDecay
    from diffspec.operators.dense import diffusion

    return diffusion(AlphaDecay()(points), 0.5).dense()


def networks(n, dimensions):
    """Representations of one set of labels, from noise to nearly separated."""
    labels = np.arange(n) % CLASSES
    found = {}
    for k, d in enumerate(dimensions):
        r = np.random.default_rng(k)
        centres = r.normal(size=(CLASSES, d)) * (0.1 + 0.05 * (k % 9))
        found[f"network {k}"] = centres[labels] + r.normal(size=(n, d)) / (1 + np.arange(d)) ** 0.25
    return found, labels


def calls():
    import diffspec

    return {
        "neighbours": neighbours,
        "eigenvalues": eigenvalues,
        "dse": lambda x, _y: diffspec.dse(x),
        "dsmi": diffspec.dsmi,
        "adjusted_dsmi": diffspec.adjusted_dsmi,
        "rank": diffspec.rank,
        "rank3": diffspec.rank,
        "interval": lambda x, _y: diffspec.interval(x),
    }


def given(what, n, d):
    """What a call is given: points or networks, and labels."""
    if what.startswith("rank"):
        return networks(n, (64, 64, 64) if what == "rank3" else 2 * DIMENSIONS)
    points, labels = cloud(n, d, CLASSES)
    return (operator_of(points) if what == "eigenvalues" else points), labels


def measure(what, n, d, one_core):
    if one_core:
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    call = calls()[what]
    call(*given(what, 300, max(d, 8)))  # whatever is loaded at the first use is not timed
    points, labels = given(what, n, d)
    before = peak_mib()
    start, cpu_start = time.perf_counter(), time.process_time()
    found = call(points, labels)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "added_mib": peak_mib() - before,
        "bits": getattr(found, "value", None),
        "stderr": getattr(found, "stderr", None),
        "solver": getattr(getattr(found, "settings", None), "solver", None),
    }


def main():
    options = arguments()
    cases = [(what, n, d) for (n, d), names in CASES.items() for what in names]
    if options.growth:
        cases = [(what, n, 64) for what, sizes in GROWTH.items() for n in sizes]
    cases = [case for case in cases if case[0] in (options.what or case) and case[1] in (options.sizes or case)]
    rows = {case: [] for case in cases}
    with options.output.open("a") as log:
        log.write(json.dumps({"machine": machine(), "started": datetime.now(UTC).isoformat(timespec="seconds")}) + "\n")
        for turn, case in itertools.product(range(options.rounds), cases):
            row = child(case, options.one_core)
            rows[case].append(row)
            record = dict(zip(("what", "n", "d"), case, strict=True))
            record |= {"round": turn, "load": os.getloadavg()[0], "one_core": options.one_core}
            log.write(json.dumps(record | row) + "\n")
            log.flush()
    table(rows)
    if options.growth:
        exponents(rows)


def arguments():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.default", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--what", nargs="*", help="only these measures")
    parser.add_argument("--sizes", type=int, nargs="*", help="only these numbers of points")
    parser.add_argument("--growth", action="store_true", help="rank and interval from 500 to 8000 points instead")
    parser.add_argument("--one-core", action="store_true", help="one core and one thread for every process")
    today = datetime.now(UTC).date().isoformat()
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"{today}-default.jsonl")
    return parser.parse_args()


def child(case, one_core):
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1") if one_core else {}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.default", "--one", json.dumps([*case, one_core])],
        cwd=HERE.parent, check=True, text=True, stdout=subprocess.PIPE, env={**os.environ, **threads},
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def table(rows):
    print("| n | d | | seconds | CPU seconds | x of the floor | CPU x | added MiB | bits |")
    print("| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for (what, n, d), measured in rows.items():
        floors = [rows[name, n, d] for name in FLOORS if rows.get((name, n, d))]
        shares = [
            f"{median(measured, key) / sum(median(floor, key) for floor in floors):.2f}" if floors else "-"
            for key in ("seconds", "cpu_seconds")
        ]
        row = measured[0]
        error = "" if row["stderr"] is None else f" ± {row['stderr']:.1e}"
        bits = "" if row["bits"] is None else f"{row['bits']:.6f}{error}"
        figures = [f"{median(measured, key):.3f}" for key in ("seconds", "cpu_seconds")]
        cells = [str(n), str(d or "64 to 2048"), what, *figures, *shares, f"{median(measured, 'added_mib'):.0f}", bits]
        print("| " + " | ".join(cells) + " |", flush=True)


def exponents(rows):
    for what in dict.fromkeys(what for what, _n, _d in rows):
        for key in ("seconds", "cpu_seconds"):
            sizes, seconds = zip(*[(case[1], median(rows[case], key)) for case in rows if case[0] == what], strict=True)
            if len(sizes) > 1:
                print(f"{what}: {key} grow as n^{np.polyfit(np.log(sizes), np.log(seconds), 1)[0]:.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(*json.loads(sys.argv[2]))))
    else:
        main()
