"""`python -m benchmarks` (or `make bench`): run every measurement in turn, print a table, write JSON lines.

The competitors alternate (A B C, A B C, ...), so that whatever else the machine does falls on all of them; the table
shows medians. dse-dsmi is measured where the interpreter of the children can import it.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
WHO = ("diffspec", "diffspec exact", "diffspec.released", "numpy", "eigvalsh alone", "dse-dsmi")
THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
FIGURES = {"seconds": ("seconds", 3), "CPU s": ("cpu_seconds", 3), "MiB": ("peak_mib", 0), "added": ("above_mib", 0)}


def main():
    options = arguments()
    machine = child(options, {})
    who = [name for name in options.who if name != "dse-dsmi" or machine["versions"]["dse-dsmi"]]
    if "dse-dsmi" in options.who and "dse-dsmi" not in who:
        print("dse-dsmi is not importable and is left out; docs/benchmarks.md says how to have it compared", flush=True)
    cases = [{"measure": "dse", "n": n, "d": 512, "classes": 10} for n in options.sizes]
    cases += [{"measure": "dsmi", "n": n, "d": 512, "classes": 10} for n in options.dsmi_sizes]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with options.output.open("w") as log:
        write(log, {"machine": machine, "started": datetime.now(UTC).isoformat(timespec="seconds")})
        for case in cases:
            able = [name for name in who if case["measure"] == "dse" or name != "eigvalsh alone"]
            print_table(case, rows_of(case, able, options, log))
    print(f"\nwrote {options.output}")


def arguments():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="interpreter that runs the measurements")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each, the median counts (default 3)")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 2000, 4000], help="points for DSE")
    parser.add_argument("--dsmi-sizes", type=int, nargs="*", default=[10000], help="points for DSMI, 10 classes")
    parser.add_argument("--who", nargs="*", choices=WHO, default=list(WHO), help="competitors, diffspec among them")
    parser.add_argument("--threads", type=int, help="BLAS threads of the measurements (default: as the machine sets)")
    today = datetime.now(UTC).date().isoformat()
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"{today}.jsonl", help="JSON lines to write")
    return parser.parse_args()


def rows_of(case, who, options, log):
    """All measurements of one case, by competitor."""
    rows = {name: [] for name in who}
    for turn, name in itertools.product(range(options.rounds), who):
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        row = {**case, "who": name, "round": turn, "load": load, **child(options, {"who": name, **case})}
        rows[name].append(row)
        write(log, row)
    return rows


def child(options, asked):
    command = [options.python, "-m", "benchmarks.measure", json.dumps(asked)]
    limits = {} if options.threads is None else dict.fromkeys(THREADS, str(options.threads))
    environment = {**os.environ, **limits}
    done = subprocess.run(command, cwd=HERE.parent, env=environment, check=True, text=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[-1])


def write(log, record):
    log.write(json.dumps(record) + "\n")
    log.flush()


def print_table(case, rows):
    """Medians of one case, each with how many times diffspec's it is; `added` are the MiB beyond imports and data."""
    print(f"\n{case['measure'].upper()}, n = {case['n']}, d = {case['d']}, {case['classes']} classes")
    print(f"{'':18}" + "".join(f"{title:>10}      x" for title in FIGURES) + "        bits difference")
    bits = median(rows["diffspec"], "bits")
    for name, measured in rows.items():
        line = f"{name:18}"
        for key, digits in FIGURES.values():
            figure = median(measured, key)
            line += f"{figure:10.{digits}f}{figure / max(median(rows['diffspec'], key), 1e-3):7.2f}"
        print(f"{line}{median(measured, 'bits'):12.6f} {median(measured, 'bits') - bits:.1e}", flush=True)
    stderr = rows["diffspec"][0]["stderr"]
    if stderr is not None:
        print(f"diffspec's own standard error is {stderr:.1e}: its subsets differ from those of dse-dsmi")


def median(rows, key):
    return statistics.median(row[key] for row in rows)


if __name__ == "__main__":
    main()
