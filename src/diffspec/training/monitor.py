"""A monitor: measures layers of a network while any loop trains it, and writes what it saw into a run log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from diffspec._checks import integer, shown
from diffspec.conventions import Walk
from diffspec.errors import InputError
from diffspec.kernels import Kernel
from diffspec.runs import resuming
from diffspec.runs.log import RunLog
from diffspec.runs.writing import Writer
from diffspec.training.alerts.alarms import ALERTS, Alarms, checked_alerts, checked_kinds
from diffspec.training.alerts.rules import Alert, Rule
from diffspec.training.budget import Budget, checked_budget
from diffspec.training.changes import Changes
from diffspec.training.looks import Looks, Plan
from diffspec.training.measures import RULES, Measure, standard
from diffspec.training.network.hooks import trial
from diffspec.training.network.layers import Layers, resolve_layers, unwrapped, words_of
from diffspec.training.network.untouched import same_draws
from diffspec.training.pictures import ONE_TWO_FIVE, Album
from diffspec.training.probe import Probe
from diffspec.training.settings import (
    checked_measures,
    checked_rules,
    checked_steps,
    checked_text,
    number_of,
    opened,
    plain_settings,
    rule_words,
)
from diffspec.training.sinks.aftermath import Aftermath, checked_listener
from diffspec.training.sinks.keys import Keys
from diffspec.training.sinks.loggers import Sink, Sinks

__all__ = ["Monitor"]


class Monitor:
    """Measures the layers of a network on held-out inputs whenever it is told to look.

    The training it watches goes on exactly as without it: trained weights, buffers and random states are equal bit by
    bit. A network for which that cannot be is refused when the monitor is made.

    Parameters
    ----------
    model : torch.nn.Module
        The network in training, also inside `torch.compile` or a data-parallel wrapper.
    layers : str, Layer, sequence of them, or mapping name to reduction
        What to look at, by the names of `model.named_modules()`. Outputs with more axes than (n, d) need a reduction.
    probe : Probe
        Held-out inputs with their labels.
    log : str, Path or RunLog
        Where to write; an existing log is continued, `RunLog.afresh(path)` begins it anew. On several ranks give a
        monitor to one of them only.
    run : str
        Name of the condition, one curve in the report.
    every : int
        `observe` does nothing unless its step is a multiple of this, and new.
    measures : sequence of Measure, optional
        Default DSE(Z); DSMI(Z;Y), matched and adjusted, where there are labels; DSMI(Z;X) where the inputs are one
        tensor. Also functions of the points, or of points and labels, that give a number or an Estimate.
    rules : mapping of str to Kernel or mapping
        Every measure is taken with each of these kernels, or keyword arguments of `dse`: kernel, alpha and t. Default
        the paper's sigma = 10 at t = 1 and the neighbour graph at t = 3.
    changes : bool
        Whether the change of DSE(Z) since the first look, at every fixed sigma, is split into what the scale of the
        embedding and what its shape contributes (see `diffspec.scale_and_shape`).
    pictures : collection of int
        Steps at which each layer is pictured; by default looks 0, 1, 2, 5, 10, ... and, by `close`, the last.
    settings : mapping, optional
        What the run was trained with, for the report: numbers (also of NumPy and torch), text, truth values, None, and
        lists and mappings of these.
    sinks : iterable of loggers and functions
        Where the numbers of every look go beside the log: a `SummaryWriter` of TensorBoard, a run of W&B, `mlflow`,
        `trackio`, a logger of Lightning, whatever has log(numbers, step), or a function of (numbers, step).
    resume : {"allow", "never", "must"}
        What is done where the log holds the run already. "allow" (default) continues one that was measured alike, with
        a warning where settings or bits of the probe are others, or where a step does not exceed the last in the log.
        "never" refuses, "must" continues only what is there and has the same settings.
    strict : bool
        Raise where a look, a measure, a sink, `on_alert` or the writing of a record fails. Otherwise such a failure
        never ends the training: it becomes a failure record, and records that cannot be written wait in memory, with a
        warning each.
    alerts : iterable of Collapse, Saturation, Memorisation
        What is told when it begins, as a record, to `on_alert`, and as the number 1 in the sinks; () for nothing.
        Memorisation is told of the last of `layers`, from the adjusted DSMI(Z;Y) under the kernel that `diffspec.dse`
        takes, and from a scalar such as ``train_accuracy``: one that is named after "train" and "acc".
    on_alert : callable, optional
        Is given every `Alert`.
    stop_on : str or collection of str
        The alerts after which `should_stop` is true: some of "collapse", "saturation", "memorisation".
    budget : float, optional
        Most of the training's time that looks may take, such as 0.01: a look that would pass it is left out, with a
        record and one warning. Not fewer points: values of different numbers of points are not comparable.
    axis : str, optional
        What a step is called in the report, such as "epoch".

    Raises
    ------
    InputError
        A layer, reduction, probe or setting that cannot be used, a network that does not take the probe or that would
        not be left as it was, a log that cannot be written: all before any training, by passes of the first batch.

    Warns
    -----
    LayersWarning
        Layers that a pattern names and that do not run; later, once each: a pass, a measure or `on_alert` that fails,
        and a look that the budget leaves out.
    RunLogWarning
        See `resume`; once, steps that come again, as in a new training; once per outage, a log that cannot be written.
    SinkWarning
        Once per outage, a sink that does not take the numbers.

    Notes
    -----
    A look costs a forward pass and, per layer and rule, one graph and its O(n^3) eigenproblem of the n probe inputs: at
    n = 800 some 0.3 s of one core per layer for everything. `changes` add two more per fixed sigma (COST), and keep
    4 n^2 bytes per layer. When not to use: inside a timed benchmark, or with a probe of more than some 5000 inputs.

    Examples
    --------
    >>> import tempfile, torch
    >>> from diffspec.training import Monitor, Probe
    >>> network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> probe = Probe(torch.randn(40, 4, generator=torch.Generator().manual_seed(0)), labels=[0, 1] * 20)
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Monitor(network, layers=["1"], probe=probe, log=folder.name + "/run.jsonl") as monitor:
    ...     numbers = monitor.observe(0, accuracy=0.5)  # after every epoch of your loop
    >>> sorted(numbers)[:3]
    ['accuracy', 'diffspec/adjusted_dsmi_y/1', 'diffspec/adjusted_dsmi_y/sigma_10/1']
    >>> folder.cleanup()
    """

    def __init__(
        self,
        model: Any,
        *,
        layers: Layers,
        probe: Probe,
        log: str | Path | RunLog,
        run: str = "run",
        every: int = 1,
        measures: Sequence[Measure] | None = None,
        rules: Mapping[str, Kernel | Walk] = RULES,
        changes: bool = True,
        pictures: Collection[int] = ONE_TWO_FIVE,
        settings: Mapping[str, Any] | None = None,
        sinks: Iterable[Sink] = (),
        resume: resuming.Resume = "allow",
        strict: bool = False,
        alerts: Iterable[Rule] = ALERTS,
        on_alert: Callable[[Alert], Any] | None = None,
        stop_on: str | Collection[str] = (),
        budget: float | None = None,
        axis: str | None = None,
    ) -> None:
        self.every, self.run = integer(every, "every", least=1), checked_text(run, "run")
        if not isinstance(probe, Probe):
            raise InputError(f"probe must be a Probe, got {shown(probe)}; write Probe(inputs, labels)")
        self.probe, self.axis = probe, None if axis is None else checked_text(axis, "axis")
        self._model, self._rules, told = model, checked_rules(rules), checked_alerts(alerts)
        after = Aftermath(Sinks(sinks), checked_listener(on_alert), checked_kinds(stop_on, told))
        self._budget = Budget(checked_budget(budget))
        network = unwrapped(model)
        self.layers = resolve_layers(network, layers)
        self.measures = standard(probe) if measures is None else checked_measures(measures)
        plan = Plan(
            probe=probe,
            measures=self.measures,
            rules=self._rules,
            changes=Changes() if changes else None,
            pictures=Album(checked_steps(pictures)),
        )
        settings = plain_settings(settings or {}, taken=resuming.MEASURED_WITH)
        with same_draws():
            for measure in self.measures:
                measure.check(probe)
        self.layers = trial(network, self.layers, next(probe.batches()))
        self._settings = self._described(settings)
        self.log = opened(log)
        resuming.check_resume(resume, self.log, self.run, self._settings)
        self._writer = Writer(self.log, self.run, strict=strict)
        alarms = Alarms(told, plan.rules, self.layers[-1].label)
        self._looks = Looks(plan, self._writer, strict, Keys(plan.rules), alarms, after)
        self._steps = resuming.Steps(self.run)

    @property
    def should_stop(self) -> bool:
        """Whether there has been an alert of `stop_on`, so that the loop should end the training."""
        return self._looks.after.should_stop

    def observe(self, step: int, **scalars: float) -> dict[str, float]:
        """Look at the network now and write what is seen; `scalars` (accuracy, loss) are written beside it.

        A step that was observed before is not looked at again, as with accumulated gradients; scalars that the last one
        lacks are written still. A scalar that is NaN or infinite is written as a failure; so is, after the first look,
        one that is no number.

        Returns
        -------
        dict of str to float
            Scalars by their names and what was measured, in the units of the run log, by keys that every logger takes:
            ``diffspec/dse/<layer>``, ``diffspec/dsmi_y/<layer>``, under other rules than the default kernel's
            ``diffspec/dse/<rule>/<layer>``; where an alert begins, 1 under ``diffspec/alert_collapse/<layer>``. Empty
            where this was no look, and with scalars alone where the budget left it out; what failed is not in it.

        Raises
        ------
        InputError
            A step that is no integer; at the first look, a scalar that is no number.
        """
        step = integer(step, "step")
        if step % self.every:
            return {}
        if not self._steps.is_new(step):
            with same_draws():
                self._looks.late(step if step in self._steps.seen else None, scalars)
            return {}
        self._writer.retry()
        if not self._steps.seen:
            self._begin(step, scalars)
        self._steps.seen.add(step)
        self._looks.begin(step)
        for name, value in scalars.items():
            self._looks.scalar(name, value)
        if why := self._budget.why_not():
            self._looks.left_out(why)
        else:
            with self._budget.look(), same_draws():
                self._looks.look(unwrapped(self._model), self.layers)
        with same_draws():
            self._looks.send()
        self._looks.after.speak()
        return dict(self._looks.numbers)

    def close(self) -> None:
        """Write a last picture and the records that wait; sinks write what they hold back, and stay open.

        Notes
        -----
        Leaving ``with Monitor(...) as monitor:`` does it. One that is closed may go on. At most 64 MiB of points wait.
        """
        self._looks.finish()
        self._writer.finish()
        self._looks.after.sinks.flush()

    def watches(self, network: Any) -> bool:
        """Whether what is looked at is `network`, or a part of it."""
        watched = unwrapped(self._model)
        return any(module is watched for module in unwrapped(network).modules())

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint: which log and run, and the last step that was observed, or None. Plain values."""
        return {"log": str(self.log.path.resolve()), "run": self.run, "step": self._steps.last}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a monitor with this state stopped: its steps are not looked at again.

        Raises
        ------
        InputError
            A state that no monitor gave.

        Warns
        -----
        RunLogWarning
            The state belongs to another log or run than this monitor writes.
        """
        self._steps.continued = resuming.continued(state, self.log, self.run)

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _begin(self, step: int, scalars: Mapping[str, Any]) -> None:
        for name, value in scalars.items():
            number_of(name, value)
        if self._steps.continued is None:
            resuming.tell_of_rewind(self.log, self.run, step=step)
        self._looks.alarms.recall(self.log, self.run)
        self._writer.write("settings", values=self._settings, axis=self.axis)

    def _described(self, settings: dict[str, Any]) -> dict[str, Any]:
        """What the run was trained and measured with, as plain values."""
        return settings | {
            "layers": {layer.label: words_of(layer.reduce) for layer in self.layers},
            "every": self.every,
            "probe": len(self.probe),
            resuming.DIGEST: self.probe.digest,
            "measures": [repr(measure) for measure in self.measures],
            "rules": {rule: rule_words(walk) for rule, walk in self._rules.items()},
        }
