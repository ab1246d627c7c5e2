"""Runs of a monitor, ranked by what it measured last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diffspec.errors import InputError
from diffspec.inference.agreement import agreement
from diffspec.runs.log import read
from diffspec.spectra.verdicts import other_sizes

__all__ = ["rank_runs"]

# By these a run is ranked: the first that every run has.
MEASURES = ("adjusted DSMI(Z;Y)", "DSMI(Z;Y)")


def rank_runs(paths: Sequence[Path], against: Mapping[str, float] | None) -> str:
    """A table of the runs in some logs, layer by layer, by the information that was measured last.

    Raises
    ------
    InputError
        Logs beside other files, or without such a measure.
    """
    if any(path.suffix != ".jsonl" for path in paths):
        raise InputError("give logs of a monitor (.jsonl) or arrays, not both: points cannot be read from a log")
    records = [record for record in read(*paths) if record["kind"] == "number" and record["name"] in MEASURES]
    names = {record["name"] for record in records}
    measure = next((name for name in MEASURES if name in names), None)
    if measure is None:
        raise InputError(
            f"no run holds {' or '.join(MEASURES)}; give the monitor measures=[DSMI('Y', estimator=Adjusted())]"
        )
    last = {_name(record): record for record in records if record["name"] == measure}
    order = sorted(last, key=lambda name: -last[name]["value"])
    width = max(map(len, order))
    lines = [f"{'place':5}  {'run, layer, rule':{width}}  {measure}  step"]
    for place, name in enumerate(order, start=1):
        lines.append(f"{place:<5}  {name:{width}}  {_number(last[name]):{len(measure)}}  {last[name]['step']}")
    notes = ["a log holds no points: which runs differ is not known; rank their embeddings for that"]
    notes += filter(None, [other_sizes([record["n"] for record in last.values()])])
    if against is not None:
        values = {name: record["value"] for name, record in last.items()}
        by_run = {record["run"]: name for name, record in last.items()}
        numbers = {by_run.get(name, name): number for name, number in against.items()}
        notes.append(f"against: {agreement(values, numbers)}")
    return "\n".join([*lines, "", *notes])


def _name(record: Mapping[str, Any]) -> str:
    return ", ".join(str(record[part]) for part in ("run", "layer", "rule") if record.get(part))


def _number(record: Mapping[str, Any]) -> str:
    error = "" if record.get("stderr") is None else f" ± {record['stderr']:.2g}"
    return f"{record['value']:.3f}{error}"
