"""A monitor in the Trainer of Lightning, of `lightning` and of `pytorch_lightning`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, Literal, TypeAlias, get_args

import torch

from diffspec._checks import shown
from diffspec.adapters.processes import from_the_first
from diffspec.adapters.several import kept_apart
from diffspec.errors import InputError, MissingExtraError
from diffspec.training import Monitor
from diffspec.training.sinks.keys import PREFIX
from diffspec.training.sinks.loggers import Sinks

__all__ = ["MonitorCallback"]

Trainer: TypeAlias = Any
Module: TypeAlias = Any
At: TypeAlias = Literal["epoch", "step"]

PACKAGES = ("lightning.pytorch", "pytorch_lightning")

AXIS = "step"
"""What a network logs under this name is where its loggers draw the others, and no metric."""


def _bases() -> tuple[type, ...]:
    """The Callback of each package that is imported already; where none is, of the first that is installed."""
    for name in PACKAGES:
        if not any(map(sys.modules.get, PACKAGES)):
            with suppress(ImportError):
                import_module(name)
    found = tuple(sys.modules[name].Callback for name in PACKAGES if sys.modules.get(name))
    if not found:
        raise MissingExtraError("diffspec.adapters.lightning", "lightning")
    return found


Callback: Any = type("Callback", _bases(), {})


class MonitorCallback(Callback):
    """Lets a monitor look before training and after every epoch, and gives its numbers to the trainer.

    They go to the loggers of the trainer, and into `trainer.callback_metrics`, where `EarlyStopping` and
    `ModelCheckpoint` find them: ``EarlyStopping("diffspec/dsmi_y/net.1", mode="max")``. What the network logged itself
    is written into the run log beside them. An alert of the monitor's `stop_on` stops the trainer, in every process.

    Parameters
    ----------
    monitor : Monitor
        Of the LightningModule that is trained, or of a part of it.
    at : {"epoch", "step"}
        Steps of the run log are epochs that are over (default), or optimizer steps, as `trainer.global_step` counts
        them; of these `Monitor(every=...)` takes some.

    Raises
    ------
    InputError
        No monitor; when training starts, one of another network than the trainer's.

    Notes
    -----
    Of several monitors with a layer of one name the later have their run in the keys:
    ``diffspec/<run>/dsmi_y/net.1``. A resumed training continues its run: the checkpoint knows what was looked at.
    Nothing is looked at in the sanity pass. Of several processes the first looks at the whole probe and the others
    wait, so that there is one record and no uneven batch; parameters must be whole in it, which those of FSDP and
    DeepSpeed are not. With ``precision="bf16-mixed"`` the look is in the parameters' float32, with "bf16-true" in
    bfloat16.
    """

    def __init__(self, monitor: Monitor, *, at: At = "epoch") -> None:
        if not isinstance(monitor, Monitor):
            raise InputError(
                f"monitor must be a Monitor, got {shown(monitor)}; write MonitorCallback(Monitor(model, ...))"
            )
        if at not in get_args(At):
            raise InputError(f"at must be one of {', '.join(get_args(At))}, got {shown(at)}")
        self.monitor, self.at = monitor, at
        self._loggers = Sinks([])
        self._last: int | None = None
        self._taken: dict[str, Any] = {}
        """Per name what the trainer held at the last look: it keeps the metrics of a validation until the next."""

    @property
    def state_key(self) -> str:
        """Another for every run and choice of layers, so that a trainer may have several monitors."""
        layers = [layer.label for layer in self.monitor.layers]
        key: str = self._generate_state_key(run=self.monitor.run, layers=layers, at=self.at)
        return key

    def state_dict(self) -> dict[str, Any]:
        """That of the monitor."""
        return self.monitor.state_dict()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """The monitor goes on where it was."""
        self.monitor.load_state_dict(state_dict)

    def on_fit_start(self, trainer: Trainer, pl_module: Module) -> None:
        """Check that the monitor looks at what is trained."""
        if not self.monitor.watches(pl_module):
            raise InputError(
                "the monitor looks at another network than is trained; give Monitor the model of trainer.fit"
            )
        self._loggers, self._last, self._taken = Sinks(trainer.loggers), None, {}
        self.monitor.axis = self.monitor.axis or self.at

    def on_train_start(self, trainer: Trainer, pl_module: Module) -> None:
        """A look before training; of a training that is resumed it has been."""
        self._observe(trainer, trainer.current_epoch if self.at == "epoch" else trainer.global_step, {})

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """A look after an optimizer step, where asked for; batches that only accumulate gradients are none."""
        if self.at == "step":
            self._observe(trainer, trainer.global_step, trainer.callback_metrics)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Module) -> None:
        """A look after an epoch and its validation, whose metrics belong to the last step where steps are looked at."""
        if self.at == "epoch":
            self._observe(trainer, trainer.current_epoch + 1, trainer.callback_metrics)
        elif trainer.global_step == self._last:
            self._ask(trainer.global_step, trainer.callback_metrics)

    def on_fit_end(self, trainer: Trainer, pl_module: Module) -> None:
        """Write what waits."""
        self._close(trainer)

    def on_exception(self, trainer: Trainer, pl_module: Module, exception: BaseException) -> None:
        """Write what waits, whatever ended the training."""
        self._close(trainer)

    def _observe(self, trainer: Trainer, step: int, metrics: Mapping[str, Any]) -> None:
        if step == self._last or step % self.monitor.every:  # known without asking the first process
            return
        self._last = step
        found, stops = self._ask(step, metrics)
        trainer.should_stop = trainer.should_stop or stops
        numbers = {name: value for name, value in found.items() if name.startswith(PREFIX)}
        numbers = kept_apart(numbers, self, trainer.callbacks)
        if not numbers:
            return
        if trainer.is_global_zero:
            self._loggers.send(numbers, trainer.fit_loop.epoch_loop._batches_that_stepped)
        trainer.callback_metrics.update({name: torch.tensor(value) for name, value in numbers.items()})

    def _ask(self, step: int, metrics: Mapping[str, Any]) -> tuple[dict[str, float], bool]:
        """The numbers of the look at `step` and whether to stop; beside it is written what is new of `metrics`."""
        measured = {name: value for name, value in metrics.items() if name != AXIS and not name.startswith(PREFIX)}
        scalars = {name: value for name, value in measured.items() if self._taken.get(name) is not value}
        self._taken = measured
        return from_the_first(lambda: (self.monitor.observe(step, **scalars), self.monitor.should_stop))

    def _close(self, trainer: Trainer) -> None:
        if trainer.is_global_zero:
            self.monitor.close()
