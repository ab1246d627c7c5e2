"""`python -m benchmarks.accuracy --mnist DIR`: error against time of every solver on four spectra.

Times are those of `dse` from points to bits, medians over seeds in one process; errors are against `Exact`.
"""

import argparse
import gzip
import json
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.measure import machine
from diffspec import Chebyshev, Exact, Gaussian, Lanczos, LowRank, dse

HERE = Path(__file__).resolve().parent
N = 4000
SOLVERS = {
    "Lanczos": [Lanczos(tol=tol) for tol in (3e-2, 1e-2, 3e-3, 1e-3, 3e-4)],
    "LowRank": [LowRank(rank=rank) for rank in (16, 64, 128, 256, 512, 1024)],
    "Chebyshev": [Chebyshev(moments=moments) for moments in (16, 32, 64, 128, 256, 512)],
}
COLORS = {"Exact": "#444444", "Lanczos": "#0b6e99", "LowRank": "#c2571a", "Chebyshev": "#6f8f2f"}


def spectra(mnist):
    """Points and kernel of each, with what its spectrum looks like."""
    r = np.random.default_rng(0)
    centres = r.normal(size=(10, 128))
    return {
        "flat: N(0, I) in 128 dimensions, narrow kernel": (r.normal(size=(N, 128)), Gaussian(5.0)),
        "clustered: 10 clusters in 128 dimensions": (
            centres[np.arange(N) % 10] + 0.5 * r.normal(size=(N, 128)),
            Gaussian(5.0),
        ),
        "decaying: a swiss roll, median rule": (swiss_roll(r), Gaussian()),
        "MNIST test images, median rule": (images(mnist), Gaussian()),
    }


def swiss_roll(r):
    angle = 1.5 * np.pi * (1.0 + 2.0 * r.random(N))
    return np.c_[angle * np.cos(angle), 21.0 * r.random(N), angle * np.sin(angle)]


def images(folder):
    """The first test images, as vectors in [0, 1]."""
    path = next(path for path in sorted(folder.rglob("*t10k-images*")) if path.is_file())
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 784)[:N] / 255.0


def measured(points, kernel, solver, seeds):
    runs = []
    for seed in range(seeds):
        start = time.perf_counter()
        found = dse(points, kernel=kernel, solver=solver, rng=seed)
        runs.append((time.perf_counter() - start, found))
    return runs


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--mnist", type=Path, required=True, help="folder with the idx file of MNIST's test images")
    parser.add_argument("--seeds", type=int, default=3)
    today = datetime.now(UTC).date().isoformat()
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"{today}-accuracy.jsonl")
    parser.add_argument("--plot", type=Path, default=HERE.parent / "docs" / "images" / "error-against-time.png")
    options = parser.parse_args()
    rows = []
    with options.output.open("w") as log:
        log.write(json.dumps({"machine": machine(), "started": datetime.now(UTC).isoformat(timespec="seconds")}) + "\n")
        for name, (points, kernel) in spectra(options.mnist).items():
            dse(points[:200], kernel=kernel)
            exact = measured(points, kernel, Exact(), 3)
            truth = exact[0][1].value
            each = {"spectrum": name, "n": N, "exact_bits": truth}
            rows.append(each | row_of("Exact", Exact(), exact, truth))
            for family, solvers in SOLVERS.items():
                for solver in solvers:
                    rows.append(each | row_of(family, solver, measured(points, kernel, solver, options.seeds), truth))
                    print(rows[-1], flush=True)
        for row in rows:
            log.write(json.dumps(row) + "\n")
    plot(rows, options.plot)


def row_of(family, solver, runs, truth):
    """A line of the log: medians, and the root mean square of the error."""
    found = [estimate for _seconds, estimate in runs]
    return {
        "family": family,
        "solver": repr(solver),
        "seconds": statistics.median(seconds for seconds, _found in runs),
        "error": float(np.sqrt(np.mean([(estimate.value - truth) ** 2 for estimate in found]))),
        "stderr": middle([estimate.stderr for estimate in found]),
        "half_bounds": middle([e.bounds and (e.bounds[1] - e.bounds[0]) / 2.0 for e in found]),
        "outside_bounds": sum(not e.bounds[0] <= truth <= e.bounds[1] for e in found if e.bounds),
    }


def middle(values):
    return None if None in values else statistics.median(values)


def plot(rows, path):
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    figure = Figure(figsize=(11, 7.5), layout="constrained")
    for axes, name in zip(figure.subplots(2, 2).flat, dict.fromkeys(row["spectrum"] for row in rows), strict=True):
        here = [row for row in rows if row["spectrum"] == name]
        exact = here[0]["seconds"]
        axes.axvline(exact, color=COLORS["Exact"], linestyle=":", label=f"Exact: {exact:.1f} s, error 0")
        for family in SOLVERS:
            line = [row for row in here if row["family"] == family]
            x, y = [row["seconds"] for row in line], [max(row["error"], 1e-9) for row in line]
            axes.plot(x, y, "o-", color=COLORS[family], label=family, markersize=5)
            stated = [row["half_bounds"] if row["stderr"] is None else row["stderr"] for row in line]
            axes.plot(x, stated, "_", color=COLORS[family], markersize=11, markeredgewidth=2)
        axes.set(xscale="log", yscale="log", title=f"{name}\n{here[0]['exact_bits']:.3f} bits")
        axes.set(xlabel="seconds, from points to bits", ylabel="error (bits), root mean square")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, title="bars: stated error or bound", title_fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
