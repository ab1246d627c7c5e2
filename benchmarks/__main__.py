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
WHO = ("diffspec", "diffspec.released", "numpy", "dse-dsmi")


def main():
    options = arguments()
    machine = child(options.python, {})
    who = [name for name in WHO if name != "dse-dsmi" or machine["versions"]["dse-dsmi"]]
    if "dse-dsmi" not in who:
        print("dse-dsmi is not importable and is left out; docs/benchmarks.md says how to have it compared", flush=True)
    cases = [{"measure": "dse", "n": n, "d": 512, "classes": 10} for n in options.sizes]
    cases += [{"measure": "dsmi", "n": n, "d": 512, "classes": 10} for n in options.dsmi_sizes]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with options.output.open("w") as log:
        write(log, {"machine": machine, "started": datetime.now(UTC).isoformat(timespec="seconds")})
        for case in cases:
            print_table(case, rows_of(case, who, options, log))
    print(f"\nwrote {options.output}")


def arguments():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="interpreter that runs the measurements")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each, the median counts (default 3)")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 2000, 4000], help="points for DSE")
    parser.add_argument("--dsmi-sizes", type=int, nargs="*", default=[10000], help="points for DSMI, 10 classes")
    today = datetime.now(UTC).date().isoformat()
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"{today}.jsonl", help="JSON lines to write")
    return parser.parse_args()


def rows_of(case, who, options, log):
    """All measurements of one case, by competitor."""
    rows = {name: [] for name in who}
    for turn, name in itertools.product(range(options.rounds), who):
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        row = {**case, "who": name, "round": turn, "load": load, **child(options.python, {"who": name, **case})}
        rows[name].append(row)
        write(log, row)
    return rows


def child(python, asked):
    command = [python, "-m", "benchmarks.measure", json.dumps(asked)]
    done = subprocess.run(command, cwd=HERE.parent, check=True, text=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[-1])


def write(log, record):
    log.write(json.dumps(record) + "\n")
    log.flush()


def print_table(case, rows):
    """Medians of one case; `x` is how many times diffspec's figure, `added` the MiB beyond imports and data."""
    print(f"\n{case['measure'].upper()}, n = {case['n']}, d = {case['d']}, {case['classes']} classes")
    print(f"{'':18} {'seconds':>9} {'x':>6} {'CPU s':>7} {'MiB':>6} {'x':>6} {'added':>9} {'x':>6} {'bits':>10} differ")
    keys = ("seconds", "cpu_seconds", "peak_mib", "above_mib", "bits")
    ours = {key: median(rows["diffspec"], key) for key in keys}
    for name, measured in rows.items():
        seconds, cpu, peak, above, bits = (median(measured, key) for key in keys)
        print(
            f"{name:18} {seconds:9.3f} {seconds / ours['seconds']:6.2f} {cpu:7.2f} "
            f"{peak:6.0f} {peak / ours['peak_mib']:6.2f} {above:9.0f} {above / max(ours['above_mib'], 1.0):6.2f} "
            f"{bits:10.6f} {bits - ours['bits']:.1e}",
            flush=True,
        )
    stderr = rows["diffspec"][0]["stderr"]
    if stderr is not None:
        print(f"diffspec's own standard error is {stderr:.1e}: its subsets differ from those of dse-dsmi")


def median(rows, key):
    return statistics.median(row[key] for row in rows)


if __name__ == "__main__":
    main()
