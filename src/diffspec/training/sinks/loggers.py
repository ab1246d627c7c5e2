"""Where numbers go beside the run log: loggers as people have them, and functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from diffspec._checks import shown, takes
from diffspec.errors import InputError, SinkWarning
from diffspec.training.alerts.rules import Alert
from diffspec.training.sinks.keys import PREFIX

__all__ = ["Sink", "Sinks"]

Sink: TypeAlias = Any
"""A function of (numbers, step), or a logger that has `add_scalar`, `log_metrics` or `log`."""

Numbers: TypeAlias = Mapping[str, float]
Send: TypeAlias = Callable[[dict[str, float], int], Any]

STEP = "diffspec/step"
"""The axis that W&B draws the numbers against: its own step must grow, and counts the caller's calls."""


class Sinks:
    """Sends the numbers of every look to all of `sinks`; one that fails is told of, and does not end a training.

    Parameters
    ----------
    sinks : iterable of Sink
        Each is known by what it can do, so none of their libraries is imported here.

    Raises
    ------
    InputError
        One that can do nothing of it.
    """

    def __init__(self, sinks: Iterable[Sink]) -> None:
        if isinstance(sinks, Mapping | str) or not hasattr(sinks, "__iter__"):
            raise InputError(f"sinks must be a list of loggers or functions, got {shown(sinks)}; write sinks=[...]")
        self._sinks = [(sink, _sender(sink)) for sink in sinks]
        self._failed: set[int] = set()

    def send(self, numbers: Numbers, step: int) -> list[tuple[str, Exception]]:
        """Give `numbers` to every sink; returned are those that failed, with their errors."""
        failures: list[tuple[str, Exception]] = []
        for place, (sink, send) in enumerate(self._sinks):
            try:
                send(dict(numbers), step)
            except Exception as error:  # whatever a logger raises: a full disk, no network, a run that is finished
                failures.append((_name(sink), error))
                self._tell(place, step, error)
            else:
                self._failed.discard(place)
        return failures

    def tell(self, alert: Alert) -> None:
        """The words of an alert, where a sink has a place for words: TensorBoard and W&B; all have it as a number."""
        for place, (sink, _send) in enumerate(self._sinks):
            words = next((WORDS[name] for name in WORDS if callable(getattr(sink, name, None))), None)
            try:
                if words is not None:
                    words(sink, alert)
            except Exception as error:  # as above
                self._tell(place, alert.step, error)

    def flush(self) -> None:
        """What sinks hold back is written, where they can be told so."""
        for place, (sink, _send) in enumerate(self._sinks):
            flush = getattr(sink, "flush", None)
            if not callable(flush):
                continue
            try:
                flush()
            except Exception as error:  # as above
                self._tell(place, None, error)

    def _tell(self, place: int, step: int | None, error: Exception) -> None:
        """One warning until it works again."""
        if place in self._failed:
            return
        self._failed.add(place)
        when = "" if step is None else f" at step {step}"
        text = f"{_name(self._sinks[place][0])} did not take the numbers{when}: {type(error).__name__}: {error}"
        warnings.warn(f"{text}; the training goes on, and the run log has them", SinkWarning, stacklevel=4)


def _sender(sink: Sink) -> Send:
    if isinstance(sink, type):
        raise InputError(
            f"a sink must be a logger or a function, got the class {sink.__name__}; write {sink.__name__}(...)"
        )
    for method, sender in SENDERS.items():
        if callable(own := getattr(sink, method, None)):
            if method == "log":
                _require_two(sink, own)
            return sender(sink)
    if callable(sink):
        _require_two(sink, sink)
        return sink  # type: ignore[no-any-return]
    raise InputError(f"a sink must be a function of (numbers, step) or have a method log, got {shown(sink)}")


def _require_two(sink: Sink, call: Any) -> None:
    if not takes(call, 2):
        raise InputError(f"{_name(sink)} must take (numbers, step); write lambda numbers, step: ... around it")


def _by_scalar(writer: Sink) -> Send:
    """TensorBoard's SummaryWriter."""

    def send(numbers: dict[str, float], step: int) -> None:
        for name, value in numbers.items():
            writer.add_scalar(name, value, step)

    return send


def _by_definition(run: Sink) -> Send:
    """A run of W&B, and wandb itself."""
    defined: list[bool] = []

    def send(numbers: dict[str, float], step: int) -> None:
        if not defined:  # not before training: the module has no run yet
            run.define_metric(STEP, hidden=True)
            run.define_metric("diffspec/*", step_metric=STEP)
            defined.append(True)
        run.log({**numbers, STEP: step})

    return send


def _by_metrics(logger: Sink) -> Send:
    """mlflow, and the loggers of Lightning."""
    return lambda numbers, step: logger.log_metrics(numbers, step=step)


def _by_log(logger: Sink) -> Send:
    """Trackio, accelerate, and whatever has log(dict, step)."""
    return lambda numbers, step: logger.log(numbers, step)


SENDERS: Mapping[str, Callable[[Sink], Send]] = {
    "add_scalar": _by_scalar,
    "define_metric": _by_definition,
    "log_metrics": _by_metrics,
    "log": _by_log,
}
"""By the method that tells a logger, the first that it has."""


WORDS: Mapping[str, Callable[[Sink, Alert], Any]] = {
    "add_text": lambda writer, alert: writer.add_text(f"{PREFIX}{alert.name}", str(alert), alert.step),
    "alert": lambda run, alert: run.alert(title=f"diffspec: {alert.name}", text=str(alert)),
}
"""By the method that takes words: TensorBoard, W&B."""


def _name(sink: Sink) -> str:
    return f"the sink {getattr(sink, '__name__', None) or type(sink).__name__}"
