"""Whether a run that the log holds already may be continued."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

from diffspec._checks import shown
from diffspec.errors import InputError, RunLogWarning
from diffspec.runlog import Record, RunLog, read

__all__ = ["MEASURED_WITH", "Resume", "check_resume", "last_step", "tell_of_rewind"]

Resume: TypeAlias = Literal["allow", "never", "must"]

MEASURED_WITH = ("layers", "every", "probe", "measures", "rules")
"""The settings that a monitor writes itself; values measured with others do not belong on one curve."""


def check_resume(resume: Resume, log: RunLog, run: str, settings: Mapping[str, Any]) -> int | None:
    """The last step of `run` in `log`, None where it holds none.

    Raises
    ------
    InputError
        The run is there and must not be, or is not there and must be, or was measured with other settings.
    """
    if resume not in get_args(Resume):
        raise InputError(f"resume must be one of {', '.join(get_args(Resume))}, got {shown(resume)}")
    records = [record for record in read(log.path) if record.get("run") == run]
    if resume == "must" and not records:
        raise InputError(f"{log.path} holds no run {run!r} to continue; take resume='allow' to begin one")
    if resume == "never" and records:
        raise InputError(f"{log.path} holds a run {run!r} already; {_elsewhere(log)}")
    if records:
        _compare(resume, records, settings, f"the run {run!r} in {log.path}", _elsewhere(log))
    return last_step(records)


def last_step(records: list[Record]) -> int | None:
    """The largest step of `records`."""
    return max((record["step"] for record in records if isinstance(record.get("step"), int)), default=None)


def tell_of_rewind(log: RunLog, run: str, *, step: int, last: int) -> None:
    """A warning: the run goes back behind what the log holds, so two trainings may be on one curve."""
    text = f"the run {run!r} in {log.path} has reached step {last} already, and goes on at step {step}"
    meaning = "the later record of a step holds; where this is another training, the two are mixed"
    warnings.warn(f"{text}; {meaning}: {_elsewhere(log)}", RunLogWarning, stacklevel=3)


def _compare(resume: Resume, records: list[Record], settings: Mapping[str, Any], what: str, advice: str) -> None:
    """Raise where the run was measured otherwise, warn where it was trained otherwise."""
    written = [record.get("values") or {} for record in records if record.get("kind") == "settings"][-1:]
    if not written:
        return
    now = json.loads(json.dumps(settings))
    other = [name for name in {**written[0], **now} if written[0].get(name) != now.get(name)]
    if not other:
        return
    name = next((name for name in other if name in MEASURED_WITH), other[0])
    text = f"{what} has other settings: {name} was {shown(written[0].get(name))}, now {shown(now.get(name))}"
    if resume == "must" or name in MEASURED_WITH:
        raise InputError(f"{text}; {advice}")
    warnings.warn(f"{text}; where this is another training, {advice}", RunLogWarning, stacklevel=4)


def _elsewhere(log: RunLog) -> str:
    return f"give another run=, another log=, or log=RunLog.afresh({str(log.path)!r}), which removes what is there"
