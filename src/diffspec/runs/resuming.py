"""Whether a run that the log holds already may be continued."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from diffspec._checks import integer, shown
from diffspec.errors import InputError, RunLogWarning
from diffspec.runs.log import RunLog

__all__ = ["DIGEST", "MEASURED_WITH", "Resume", "Steps", "check_resume", "continued", "tell_of_rewind"]

Resume: TypeAlias = Literal["allow", "never", "must"]

MEASURED_WITH = ("layers", "every", "probe", "measures", "rules")
"""The settings that a monitor writes itself; values measured with others do not belong on one curve."""

DIGEST = "probe digest"
"""What tells one probe from another of its size. It may differ by rounding, so another one is told and not refused."""


@dataclass(slots=True)
class Steps:
    """Which steps of a run were looked at: by whom asks, and up to `continued` by the training that it goes on from."""

    run: str
    seen: set[int] = field(default_factory=set)
    continued: int | None = None
    _told: bool = False

    @property
    def last(self) -> int | None:
        """The largest, or None."""
        before = [] if self.continued is None else [self.continued]
        return max([*self.seen, *before], default=None)

    def is_new(self, step: int) -> bool:
        """Whether `step` was not looked at yet; one that comes again after later ones is told of, once."""
        if self.continued is not None and step <= self.continued:
            return False
        if step not in self.seen:
            return True
        if step < max(self.seen) and not self._told:
            self._told = True
            text = f"step {step} of the run {self.run!r} comes after step {max(self.seen)}"
            meaning = "a step that was looked at before is not looked at again"
            advice = "for another training make another Monitor, with another run= or log="
            warnings.warn(f"{text}; {meaning}, {advice}", RunLogWarning, stacklevel=4)
        return False


def check_resume(resume: Resume, log: RunLog, run: str, settings: Mapping[str, Any]) -> None:
    """Compare `run` with what `log` holds of it, and warn where it was trained otherwise.

    Raises
    ------
    InputError
        The run is there and must not be, or is not there and must be, or was measured with other settings.
    """
    if resume not in get_args(Resume):
        raise InputError(f"resume must be one of {', '.join(get_args(Resume))}, got {shown(resume)}")
    written = log.settings(run)
    known = written is not None or log.last_step(run) is not None
    if resume == "must" and not known:
        raise InputError(f"{log.path} holds no run {run!r} to continue; take resume='allow' to begin one")
    if resume == "never" and known:
        raise InputError(f"{log.path} holds a run {run!r} already; {_elsewhere(log)}")
    if written is not None:
        _compare(resume, (written, json.loads(json.dumps(settings))), f"the run {run!r} in {log.path}", _elsewhere(log))


def tell_of_rewind(log: RunLog, run: str, *, step: int) -> None:
    """A warning where the run goes back behind what the log holds now, so that two trainings may be on one curve."""
    try:
        last = log.last_step(run)
    except (OSError, InputError):  # the writer says what is wrong with the log
        return
    if last is None or step > last:
        return
    text = f"the run {run!r} in {log.path} has reached step {last:g} already, and goes on at step {step}"
    meaning = "the later record of a step holds; where this is another training, the two are mixed"
    warnings.warn(f"{text}; {meaning}: {_elsewhere(log)}", RunLogWarning, stacklevel=3)


def continued(state: Any, log: RunLog, run: str) -> int | None:
    """The last step of the `state` of a monitor; a warning where it wrote to another log or run.

    Raises
    ------
    InputError
        A state that no monitor gave.
    """
    names = ("log", "run", "step")
    if not isinstance(state, Mapping) or any(name not in state for name in names):
        raise InputError(f"state must be what Monitor.state_dict() gave, got {shown(state)}")
    step = None if state["step"] is None else integer(state["step"], "step of the state")
    before, now = (str(state["log"]), state["run"]), (str(log.path.resolve()), run)
    if before != now:
        text = f"the checkpoint belongs to the run {before[1]!r} in {before[0]}, and {now[1]!r} in {now[0]} goes on"
        warnings.warn(f"{text}; give the same log= and run= to have one curve", RunLogWarning, stacklevel=4)
    return step


def _compare(resume: Resume, settings: tuple[dict[str, Any], dict[str, Any]], what: str, advice: str) -> None:
    """Raise where the run was measured otherwise, warn where it was trained otherwise."""
    before, now = settings
    other = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    other = [name for name in other if name != DIGEST or name in before]  # older logs have none
    if not other:
        return
    name = next((name for name in other if name in MEASURED_WITH), other[0])
    text = f"{what} has other settings: {name} was {shown(before.get(name))}, now {shown(now.get(name))}"
    if resume == "must" or name in MEASURED_WITH:
        raise InputError(f"{text}; {advice}")
    warnings.warn(f"{text}; where this is another training, {advice}", RunLogWarning, stacklevel=4)


def _elsewhere(log: RunLog) -> str:
    return f"give another run=, another log=, or log=RunLog.afresh({str(log.path)!r}), which removes what is there"
