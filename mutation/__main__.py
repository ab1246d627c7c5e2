"""`python -m mutation` (or `make mutation`): mutants of every module on trial, the survivors held against the list.

Exit code 1 where a mutant survives that `mutation/survivors.toml` does not name with a reason.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mutation.covering import Covering
from mutation.faults import Mutant, mutants_of
from mutation.trial import Workshop, write

ROOT = Path(__file__).resolve().parents[1]
MODULES = (
    *(
        "measures/entropy",
        "measures/information",
        "measures/estimators",
        "measures/parts",
        "measures/adjusted",
        "measures/several",
        "operators/dense",
        "operators/build",
        "inference/permutation",
        "inference/shuffles",
    ),
    *("runs/log", "runs/format", "runs/writing", "files/held"),
    *("training/network/hooks", "training/network/layers", "training/network/reductions"),
    *("training/network/untouched", "training/network/batches"),
    *("solvers/choice", "solvers/storing", "solvers/exact", "solvers/lanczos", "solvers/lowrank", "solvers/chebyshev"),
    *("solvers/_calibrate", "solvers/_krylov", "solvers/_lapack"),
)
# A mutant may take this many times what its tests took before it counts as one that never ends, and SLACK seconds.
PATIENCE, SLACK = 4.0, 15.0


class UnsoundError(Exception):
    """Tests that fail without a fault: nothing can be said about mutants then."""


def main() -> None:
    options = arguments()
    covering, listed = Covering(ROOT), tomllib.loads((ROOT / "mutation" / "survivors.toml").read_text())
    unlisted: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        workshop = Workshop(ROOT, Path(folder) / "tree")
        for module in options.modules or MODULES:
            try:
                fates = tried(module, workshop, covering, options)
            except UnsoundError as error:
                unlisted.append(f"all of {module}: {error}")
            else:
                unlisted += report(module, fates, listed.get(module, {}))
    for key in unlisted:
        print(f"not in the list of survivors: {key}")
    sys.exit(bool(unlisted))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", help="for example measures/entropy or solvers/lanczos; default: the core")
    parser.add_argument("--sample", type=int, default=None, help="mutants per module, drawn with --seed; default all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", type=Path, help="only mutants that did not die in this file of --output")
    parser.add_argument("--place", default="", help="only mutants whose name holds this text")
    parser.add_argument("--seconds", type=float, default=20.0, help="of tests per mutant, the quickest first")
    parser.add_argument("--output", type=Path, default=ROOT / "mutants.jsonl")
    return parser.parse_args()


def tried(module: str, workshop: Workshop, covering: Covering, options: argparse.Namespace) -> dict[str, str]:
    """The fate of every mutant of the sample: killed, timeout, survived, or unreached where no test gets there."""
    path = workshop.source(module)
    sound = path.read_bytes()
    alive = survivors_of(options.again) if options.again else None
    mutants = [one for one in mutants_of(module, sound) if options.place in one.key and (not alive or one.key in alive)]
    if options.sample is not None and options.sample < len(mutants):
        drawn = set(random.Random(options.seed).sample(range(len(mutants)), options.sample))
        mutants = [mutant for index, mutant in enumerate(mutants) if index in drawn]
    tests = {mutant.key: covering.tests_of(mutant, limit=options.seconds) for mutant in mutants}
    pace = pace_of(sorted({test for row in tests.values() for test in row}), workshop, covering)
    fates = {}
    for mutant in mutants:
        begun = time.monotonic()
        path.write_bytes(mutant.applied(sound))
        fate = fate_of(mutant, tests[mutant.key], workshop, covering, pace)
        path.write_bytes(sound)
        seconds = round(time.monotonic() - begun, 2)
        write(options.output, module=module, line=mutant.line, mutant=mutant.key, fate=fate, seconds=seconds)
        fates[mutant.key] = fate
    return fates


def survivors_of(path: Path) -> set[str]:
    """The mutants that did not die in an earlier run, by the last word on each."""
    fates = {record["mutant"]: record["fate"] for record in map(json.loads, path.read_text().splitlines())}
    return {key for key, fate in fates.items() if fate in ("survived", "unreached")}


def pace_of(tests: Sequence[str], workshop: Workshop, covering: Covering) -> float:
    """How much longer `tests` take here than when they were recorded; they must pass while the source is sound."""
    recorded = sum(covering.seconds[test] for test in tests)
    begun = time.monotonic()
    if tests and workshop.verdict(tests, 20.0 * recorded + 60.0) != "passed":
        raise UnsoundError(f"its tests must pass while its source is sound\n{workshop.said()}")
    return max(1.0, (time.monotonic() - begun) / max(recorded, 1.0))


def fate_of(mutant: Mutant, tests: Sequence[str], workshop: Workshop, covering: Covering, pace: float) -> str:
    """What becomes of the mutant that the workshop holds."""
    first = [test for test in tests if covering.is_own(test, mutant.module)] or tests[:10]
    rest = [test for test in tests if test not in first]
    for part in filter(None, (first, rest)):
        seconds = PATIENCE * pace * sum(covering.seconds[test] for test in part) + SLACK
        verdict = workshop.verdict(part, seconds)
        if verdict != "passed":
            return "killed" if verdict == "failed" else verdict
    return "survived" if tests else "unreached"


def report(module: str, fates: dict[str, str], reasons: dict[str, str]) -> list[str]:
    """Print how a module fared; the survivors without a reason."""
    count = Counter(fates.values())
    dead = count["killed"] + count["timeout"]
    survivors = [key for key, fate in fates.items() if fate in ("survived", "unreached")]
    unlisted = [key for key in survivors if key.split(":", 1)[1] not in reasons]
    share = f"{dead / len(fates):6.1%}" if fates else "     -"
    print(f"{module:22} {dead:4} of {len(fates):4} killed {share}, {len(survivors) - len(unlisted)} listed", flush=True)
    return unlisted


if __name__ == "__main__":
    main()
