"""Runs of a monitor, ranked by what it measured last."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diffspec import Agreement, agreement
from diffspec.errors import InputError
from diffspec.results.lines import columns, one_line
from diffspec.results.verdicts import other_sizes
from diffspec.runs.log import Record, read

__all__ = ["rank_runs"]

# By these a run is ranked: the first that every run has.
MEASURES = ("adjusted DSMI(Z;Y)", "DSMI(Z;Y)")

PARTS = ("run", "layer", "rule")


def rank_runs(paths: Sequence[Path], against: Mapping[str, float] | None, *, as_json: bool = False) -> str:
    """A table (or one JSON object) of the runs in some logs, layer by layer, by the information measured last.

    `against` has numbers by run; they are compared rule by rule, and layer by layer where a run has several.

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
    last = {tuple(record.get(part) for part in PARTS): record for record in records if record["name"] == measure}
    ranked = sorted(last.values(), key=lambda record: -record["value"])
    agrees = [] if against is None else _agreements(ranked, against)
    return _as_json(measure, ranked, agrees) if as_json else _as_text(measure, ranked, agrees)


def _agreements(ranked: Sequence[Record], against: Mapping[str, float]) -> list[tuple[str, Agreement]]:
    """Rank correlations with their words, one for each set of values in which a run has one."""
    held = Counter((record["run"], record.get("rule")) for record in ranked)
    alone = max(held.values()) == 1
    values: dict[str, dict[str, float]] = {}
    for record in ranked:
        words = _named([record.get("rule")] if alone else [record.get("layer"), record.get("rule")])
        values.setdefault(words, {})[record["run"]] = record["value"]
    return [(words, agreement(some, against)) for words, some in values.items()]


def _as_text(measure: str, ranked: Sequence[Record], agrees: Sequence[tuple[str, Agreement]]) -> str:
    names = [_named([record.get(part) for part in PARTS]) for record in ranked]
    rows = [
        [str(place), name, _number(record), str(record["step"])]
        for place, (name, record) in enumerate(zip(names, ranked, strict=True), start=1)
    ]
    lines = columns([["place", "run, layer, rule", measure, "step"], *rows])
    notes = ["a log holds no points: which runs differ is not known; rank their embeddings for that"]
    notes += filter(None, [other_sizes([record["n"] for record in ranked])])
    notes += [f"against ({words}): {one}" if words else f"against: {one}" for words, one in agrees]
    return "\n".join([*lines, "", *notes])


def _as_json(measure: str, ranked: Sequence[Record], agrees: Sequence[tuple[str, Agreement]]) -> str:
    fields = (*PARTS, "value", "unit", "stderr", "n", "step", "verdict")
    rows = [{name: record.get(name) for name in fields} for record in ranked]
    compared = [{"of": words, **one.to_dict()} for words, one in agrees]
    return json.dumps({"measure": measure, "rows": rows, "against": compared or None}, allow_nan=False)


def _named(parts: Sequence[Any]) -> str:
    return ", ".join(one_line(part) for part in parts if part)


def _number(record: Record) -> str:
    error = "" if record.get("stderr") is None else f" ± {record['stderr']:.2g}"
    return f"{record['value']:.3f}{error}"
