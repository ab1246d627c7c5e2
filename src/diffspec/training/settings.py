"""What a monitor is told when it is made, checked: a mistake is an error before any training."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from diffspec._checks import integer, shown
from diffspec.conventions import Walk, default
from diffspec.errors import InputError
from diffspec.measures.asked import asked
from diffspec.runs.format import DEEPEST, LARGEST, fault
from diffspec.runs.log import RunLog
from diffspec.training.measures import Measure, OfPoints
from diffspec.training.pictures import Steps

__all__ = [
    "checked_measures",
    "checked_rules",
    "checked_steps",
    "checked_text",
    "number_of",
    "opened",
    "plain_settings",
    "rule_words",
]


def checked_text(value: Any, name: str) -> str:
    """`value`, a text that is not empty and that UTF-8 can write."""
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{name} must be a str that is not empty, got {shown(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InputError(f"{name} must be text that UTF-8 can write, got {value!a}; take the surrogates out") from None
    return str(value)


def checked_steps(pictures: Any) -> Collection[int]:
    """`pictures`, a collection of steps."""
    if isinstance(pictures, range | Steps):
        return pictures
    if isinstance(pictures, str) or not isinstance(pictures, Collection):
        raise InputError(f"pictures must be a collection of steps such as [0, 10, 20], got {shown(pictures)}")
    return frozenset(integer(step, "a step of pictures") for step in pictures)


def checked_measures(measures: Any) -> tuple[Measure, ...]:
    """`measures`, each of its own name; functions as measures."""
    several = (
        tuple(map(_measure, measures)) if isinstance(measures, Sequence) and not isinstance(measures, str) else None
    )
    if several is None:
        raise InputError(f"measures must be a sequence such as [DSE(), DSMI('Y')], got {shown(measures)}")
    for measure in several:
        callables = (measure, getattr(measure, "check", None))
        if isinstance(measure, type) or not all(map(callable, callables)) or not hasattr(measure, "name"):
            raise InputError(f"a measure must be a Measure such as DSE() or DSMI('Y'), got {shown(measure)}")
    names = [checked_text(measure.name, "the name of a measure, which a function has from def,") for measure in several]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"two measures are called {twice[0]!r}, and the report would show one; leave one out")
    return several


def checked_rules(rules: Any) -> dict[str, Walk]:
    """Per rule its kernel, alpha and t."""
    if not isinstance(rules, Mapping):
        raise InputError(f"rules must be a mapping of names to kernels or settings, got {shown(rules)}")
    return {checked_text(rule, "the name of a rule"): _walk(rule, given) for rule, given in rules.items()}


def rule_words(walk: Walk) -> str:
    """A rule as it is written into the log."""
    return ", ".join(f"{name} = {value!r}" if name != "kernel" else repr(value) for name, value in walk.items())


def plain_settings(settings: Any, *, taken: Collection[str] = ()) -> dict[str, Any]:
    """`settings` as JSON can hold them; scalars of NumPy and torch become numbers.

    Raises
    ------
    InputError
        A value that is neither a finite number, a text, a truth value nor None, nor a list or mapping of these; a name
        that is `taken`.
    """
    if not isinstance(settings, Mapping):
        raise InputError(f"settings must be a mapping such as {{'lr': 0.1}}, got {shown(settings)}")
    if clash := sorted(set(settings) & set(taken)):
        raise InputError(f"settings holds {clash[0]!r}, which the monitor writes itself; give it another name")
    try:
        found = {checked_text(name, "a name in settings"): _plain(value, name) for name, value in settings.items()}
    except RecursionError:
        found = None
    if found is None or fault(
        {"kind": "settings", "run": "", "values": found}
    ):  # as the log would find at the first look
        raise InputError(
            f"settings must not hold itself, or lists within lists over {DEEPEST} deep; give str(...) of it"
        )
    return found


def opened(log: Any) -> RunLog:
    """The log at `log`, made where there is none."""
    if isinstance(log, RunLog):
        return log
    if not isinstance(log, str | Path) or not str(log):
        raise InputError(f"log must be a path or a RunLog, got {shown(log)}")
    try:
        return RunLog(log)
    except OSError as error:
        raise InputError(f"the log {str(log)!r} cannot be written: {error}; give another place") from error


def number_of(name: str, value: Any) -> float:
    """The scalar `value` as a float, NaN and infinite ones too."""
    try:
        return float(value)
    except Exception:  # whatever a tensor, an array or an object of the user's raises
        raise InputError(f"the scalar {name!r} must be a number, got {shown(value)}") from None


def _measure(given: Any) -> Any:
    return OfPoints(given) if callable(given) and not isinstance(given, type) and not hasattr(given, "check") else given


def _plain(value: Any, name: str) -> Any:
    value = _item(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return checked_text(value, f"settings[{name!r}]") if value else ""
    if isinstance(value, int | float) and -LARGEST <= value <= LARGEST:  # false for NaN
        return int(value) if isinstance(value, int) else float(value)
    if isinstance(value, Mapping):
        return {
            checked_text(key, f"a name in settings[{name!r}]"): _plain(v, f"{name}.{key}") for key, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(part, name) for part in value]
    raise InputError(
        f"settings[{name!r}] must be a number up to {LARGEST:g}, text, truth value, None, or a list or mapping of "
        f"these, got {shown(value)}; give str(...) of it"
    )


def _item(value: Any) -> Any:
    """The number in a scalar of NumPy or torch; other values as they are."""
    alone = getattr(value, "ndim", None) == 0 and hasattr(value, "item")
    return value.item() if alone else value


def _walk(rule: str, given: Any) -> Walk:
    """A kernel alone, with its usual time, or settings, filled up as `dse` does."""
    walk: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {"kernel": given}
    if wrong := [name for name in walk if name not in ("kernel", "alpha", "t")]:
        raise InputError(f"the rule {rule!r} may hold kernel, alpha and t, got {', '.join(map(str, wrong))}")
    how = asked(**{"kernel": default["kernel"], "alpha": default["alpha"], "t": None, **walk})
    return {"kernel": how.kernel, "alpha": how.alpha, "t": how.t}
