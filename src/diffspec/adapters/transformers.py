"""A monitor in the Trainer of Hugging Face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from diffspec._checks import shown
from diffspec.adapters.processes import from_the_first
from diffspec.adapters.several import kept_apart
from diffspec.errors import InputError, MissingExtraError
from diffspec.training import Monitor
from diffspec.training.sinks.keys import PREFIX

try:
    from transformers import Trainer, TrainerCallback
except ImportError:
    raise MissingExtraError("diffspec.adapters.transformers", "transformers") from None

__all__ = ["MonitorCallback"]

State: TypeAlias = Any

EVALUATED = "eval_"
"""Without it the Trainer's loggers would file the numbers under "train"."""

TIMING = ("_runtime", "_per_second", "_preparation_time")
"""Ends of names that say how long an evaluation took, which the run log does not need."""


class MonitorCallback(TrainerCallback):
    """Lets a monitor look before training and at every evaluation; where there is none, after every epoch.

    The numbers are ``eval_diffspec/dse/<layer>`` and so on, in `trainer.log` with all that it reports to, in what
    `trainer.evaluate` returns, and for ``metric_for_best_model="eval_diffspec/dsmi_y/<layer>"``. What the evaluation
    found itself is written into the run log beside them. An alert of the monitor's `stop_on` ends the training.

    Parameters
    ----------
    monitor : Monitor
        Of the model that is trained, or of a part of it; with a probe of tokens, a mapping as the model takes it. Steps
        of the run log are optimizer steps, the Trainer's `global_step`; leave ``Monitor(every=1)``.
    trainer : transformers.Trainer
        The Trainer that it is added to, since a callback is not told of it: write
        ``trainer.add_callback(MonitorCallback(monitor, trainer))``. Add an `EarlyStoppingCallback` that goes by these
        numbers after it.

    Raises
    ------
    InputError
        No monitor, no Trainer; when training starts, a monitor of another network than the Trainer's.

    Notes
    -----
    Of several monitors with a layer of one name the later have their run in the keys, as in
    ``eval_diffspec/<run>/dse/<layer>``. A training that is resumed from a checkpoint continues its run. No outputs are
    kept from look to look, and a look holds those of one batch of the probe, reduced to (n, d). Of several processes
    the first looks, and all get the numbers; parameters must be whole in it, which those of FSDP and DeepSpeed ZeRO-3
    are not.
    """

    def __init__(self, monitor: Monitor, trainer: Trainer) -> None:
        if not isinstance(monitor, Monitor):
            raise InputError(f"monitor must be a Monitor, got {shown(monitor)}; write Monitor(model, ...)")
        if not isinstance(trainer, Trainer):
            advice = "write trainer.add_callback(MonitorCallback(monitor, trainer))"
            raise InputError(f"trainer must be a transformers.Trainer, got {shown(trainer)}; {advice}")
        self.monitor, self.trainer = monitor, trainer

    def on_train_begin(self, args: Any, state: State, control: Any, **kwargs: Any) -> None:
        """A look before training; a training that is resumed goes on where it was."""
        if not self.monitor.watches(kwargs["model"]):
            raise InputError("the monitor looks at another network than is trained; give Monitor the Trainer's model")
        if self._key in state.stateful_callbacks:
            self.monitor.load_state_dict(state.stateful_callbacks[self._key]["attributes"])
        self._log(self._observe(state, control, {}))

    def on_evaluate(self, args: Any, state: State, control: Any, metrics: Any = None, **_: Any) -> None:
        """A look beside an evaluation, whose metrics get the numbers as well."""
        found = {} if metrics is None else metrics
        scalars = {name: value for name, value in found.items() if _is_scalar(name, value)}
        numbers = self._observe(state, control, scalars)
        found.update(numbers)
        self._log(numbers)

    def on_epoch_end(self, args: Any, state: State, control: Any, **_: Any) -> None:
        """A look where nothing is evaluated."""
        if args.eval_strategy == "no":
            self._log(self._observe(state, control, {}))

    def on_train_end(self, args: Any, state: State, control: Any, **_: Any) -> None:
        """Write what waits."""
        if state.is_world_process_zero:
            self.monitor.close()

    @property
    def _key(self) -> str:
        """Under which checkpoints have the state; not the class's name, by which the Trainer would make another."""
        layers = ", ".join(layer.label for layer in self.monitor.layers)
        return f"diffspec monitor of {layers} in the run {self.monitor.run}"

    def _observe(self, state: State, control: Any, scalars: Mapping[str, float]) -> dict[str, float]:
        step = int(state.global_step)
        found, stops = from_the_first(lambda: (self.monitor.observe(step, **scalars), self.monitor.should_stop))
        control.should_training_stop = control.should_training_stop or stops
        kept = from_the_first(self.monitor.state_dict)
        state.stateful_callbacks[self._key] = {"args": {}, "attributes": kept}
        numbers = {name: value for name, value in found.items() if name.startswith(PREFIX)}
        numbers = kept_apart(numbers, self, self.trainer.callback_handler.callbacks)
        return {EVALUATED + name: value for name, value in numbers.items()}

    def _log(self, numbers: dict[str, float]) -> None:
        if numbers:
            self.trainer.log(dict(numbers))


def _is_scalar(name: str, value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and name != "epoch" and not name.endswith(TIMING) and PREFIX not in name
