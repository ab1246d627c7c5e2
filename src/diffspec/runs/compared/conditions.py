"""Runs that differ in the seed only are one condition."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from diffspec.runs.plots.series import Log

__all__ = ["Condition", "conditions"]

SEED = re.compile(r"[\s,;_(\[-]*(?<![a-z])seed[\s=_:-]*\d+[)\]]?", re.IGNORECASE)
"""In the name of a run: ", seed 3", "-seed3", "(seed = 3)"."""

FILE = re.compile(r" \([^()]*\.jsonl(, \d+)?\)$")
"""What `diffspec.runs.log.read` adds to a run that two logs hold."""

APART = ("probe digest",)
"""Settings that may follow the seed."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What is drawn as one: its name, and its runs, one per seed."""

    name: str
    runs: tuple[str, ...]


def conditions(log: Log) -> list[Condition]:
    """The conditions of `log` in the order of their first runs.

    Runs are seeds of one condition where their settings are equal but for the seed, or where only the seed in their
    names differs.
    """
    alike: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for run in log.runs:
        values = (log.of("settings", run=run)[-1:] or [{"values": {}}])[0]["values"]
        rest = {key: value for key, value in values.items() if not _is_seed(key) and key not in APART}
        seeds = json.dumps([value for key, value in values.items() if _is_seed(key)]) + "".join(SEED.findall(run))
        alike.setdefault((_base(run), json.dumps(rest, sort_keys=True)), []).append((run, seeds))
    found: list[Condition] = []
    for (base, _rest), runs in alike.items():
        apart = len({seeds for _run, seeds in runs}) == len(runs)
        groups = [[run for run, _seeds in runs]] if apart else [[run] for run, _seeds in runs]
        found += [Condition(_name(base, group, found), tuple(group)) for group in groups]
    place = {run: k for k, run in enumerate(log.runs)}
    return sorted(found, key=lambda condition: place[condition.runs[0]])


def _is_seed(key: str) -> bool:
    return key.lower() == "seed"


def _base(run: str) -> str:
    return SEED.sub("", FILE.sub("", run)).strip() or "all seeds"


def _name(base: str, runs: Sequence[str], others: Sequence[Condition]) -> str:
    """The name of a run that is alone; else what is common to them, unless another condition is called so."""
    if len(runs) == 1:
        return runs[0]
    return base if base not in {other.name for other in others} else f"{base} ({runs[0]})"
