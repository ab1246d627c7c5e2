"""A monitor: measures layers of a network while any loop trains it, and writes what it saw into a run log."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import index
from pathlib import Path
from typing import Any

import numpy as np

from diffspec._arrays import as_points
from diffspec._checks import integer
from diffspec.bandwidth import Median
from diffspec.conventions import Walk, default
from diffspec.entropy import check_walk, time_for
from diffspec.errors import InputError
from diffspec.kernels import Kernel
from diffspec.operators import check_alpha
from diffspec.result import Estimate
from diffspec.runlog import RunLog
from diffspec.solvers import Exact
from diffspec.training.changes import Changes, is_fixed
from diffspec.training.hooks import Layers, Points, collect, resolve_layers, untouched, unwrapped
from diffspec.training.measures import RULES, Measure, Probe, standard

__all__ = ["ONE_TWO_FIVE", "Monitor"]

ONE_TWO_FIVE = (0, *(digit * 10**power for power in range(10) for digit in (1, 2, 5)))
"""Steps 0, 1, 2, 5, 10, 20, ...: pictures often at first, when much changes, and few in all."""

LEADING = 50  # eigenvalues kept per spectrum: beyond them lies less than a pixel of the plot


class Monitor:
    """Measures the layers of a network on held-out inputs whenever it is told to look.

    The training it watches goes on exactly as without it: the trained weights are equal bit by bit.

    Parameters
    ----------
    model : torch.nn.Module
        The network in training, also inside `torch.compile` or a data-parallel wrapper.
    layers : str, Layer, sequence of them, or mapping name to reduction
        What to look at, by the names of `model.named_modules()`. Outputs with more axes than (n, d) need a reduction.
    probe : Probe
        Held-out inputs with their labels.
    log : str, Path or RunLog
        Where to write; an existing log is continued. On several ranks give a monitor to one of them only.
    run : str
        Name of the condition, one curve in the report.
    every : int
        `observe` does nothing unless its step is a multiple of this.
    measures : sequence of Measure, optional
        Default DSE(Z), DSMI(Z;Y) where there are labels, DSMI(Z;X).
    rules : mapping of str to Kernel or mapping
        Every measure is taken with each of these kernels, or keyword arguments of `dse`: kernel, alpha and t. Default
        the paper's sigma = 10 at t = 1 and the neighbour graph at t = 3.
    changes : bool
        Whether the change of DSE(Z) since the first look, at every fixed sigma, is split into what the scale of the
        embedding and what its shape contributes (see `diffspec.scale_and_shape`).
    pictures : collection of int
        The steps at which a picture of each layer is written; default 0, 1, 2, 5, 10, 20, 50, ...
    settings : mapping, optional
        What the run was trained with; plain values, for the report.
    strict : bool
        Raise where a measure fails, instead of writing a failure record and going on.

    Raises
    ------
    InputError
        A layer, reduction, probe or setting that cannot be used; already here, before any training, except that the
        shapes of outputs are seen at the first `observe`.

    Notes
    -----
    A look costs a forward pass and, per layer and rule, an O(n^3) eigenproblem of the n probe inputs: 0.5 s at n = 800
    on two cores. `changes` add two more per fixed sigma (COST), and keep 4 n^2 bytes per layer. When not to use: inside
    a timed benchmark, or with a probe of more than some 5000 inputs.

    Examples
    --------
    >>> import tempfile, torch
    >>> from diffspec.training import Monitor, Probe
    >>> network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> probe = Probe(torch.randn(40, 4, generator=torch.Generator().manual_seed(0)), labels=[0, 1] * 20)
    >>> folder = tempfile.TemporaryDirectory()
    >>> monitor = Monitor(network, layers=["1"], probe=probe, log=folder.name + "/run.jsonl")
    >>> monitor.observe(0, accuracy=0.5)  # after every epoch of your loop
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
        strict: bool = False,
    ) -> None:
        self.run, self.probe, self.strict = run, probe, strict
        self.every = integer(every, "every", least=1)
        self._model, self._pictures = model, pictures
        self._rules = {rule: _walk(rule, given) for rule, given in rules.items()}
        network = unwrapped(model)
        self.layers = resolve_layers(network, layers)
        self.measures = standard(probe) if measures is None else tuple(measures)
        with untouched(network):
            for measure in self.measures:
                measure.check(probe)
        self.log = log if isinstance(log, RunLog) else RunLog(log)
        self._changes = Changes() if changes else None
        self._settings = self._described(settings or {})
        self._started = False

    def observe(self, step: int, **scalars: float) -> None:
        """Look at the network now and write what is seen; `scalars` (accuracy, loss) are written beside it.

        A scalar that is NaN or infinite is written as a failure.

        Raises
        ------
        InputError
            A scalar that is no number; at the first look, an output whose shape needs a reduction.
        """
        step = index(step)
        if step % self.every:
            return
        if not self._started:
            self.log.write("settings", run=self.run, values=self._settings)
        for name, value in scalars.items():
            self._scalar(step, name, value)
        with untouched(unwrapped(self._model)):
            for layer, points in self._points(step).items():
                self._look(step, layer, points)
        self._started = True

    def _scalar(self, step: int, name: str, value: float) -> None:
        number = _number(name, value)
        if math.isfinite(number):
            self.log.write("scalar", run=self.run, step=step, name=name, value=number)
        else:
            self.log.write("failure", run=self.run, step=step, layer=None, name=name, error=f"the value was {number}")

    def _points(self, step: int) -> dict[str, Points]:
        """The points of every layer; none where the pass failed."""
        try:
            return collect(self._model, self.layers, self.probe.batches())
        except Exception as error:
            # A pass that fails at once is a wrong setting; one that fails later must not end a long training.
            if self.strict or not self._started:
                raise
            layers = ", ".join(layer.name for layer in self.layers)
            self._failed(error, step=step, layer=layers, name="forward pass")
            return {}

    def _look(self, step: int, layer: str, points: Points) -> None:
        where = {"step": step, "layer": layer}
        with self._attempt(**where, name="median distance"):
            self._distance(points, where)
        fixed: dict[str, Estimate] = {}
        for rule, walk in self._rules.items():
            for measure in self.measures:
                fields = {**where, "name": measure.name, "rule": rule}
                with self._attempt(**fields):
                    estimate = self._measure(measure, points, walk, fields)
                    if is_fixed(measure, walk):
                        fixed[rule] = estimate
        if fixed and self._changes is not None:
            with self._attempt(**where, name="DSE(Z) change"):
                self._change(self._changes, points, fixed, where)
        if step in self._pictures:
            with self._attempt(**where, name="picture"):
                self._picture(points, where)

    def _measure(self, measure: Measure, points: Points, walk: Walk, fields: dict[str, Any]) -> Estimate:
        started = time.perf_counter()
        estimate = measure(points, self.probe, walk)
        seconds = round(time.perf_counter() - started, 4)
        self.log.write("number", run=self.run, **fields, **_plain(estimate), seconds=seconds)
        if estimate.spectrum is not None:
            where = {key: fields[key] for key in ("step", "layer", "rule")}
            self.log.write("spectrum", run=self.run, **where, values=_short(estimate.spectrum.nodes[:LEADING]))
        return estimate

    def _change(self, changes: Changes, points: Points, fixed: Mapping[str, Estimate], where: dict[str, Any]) -> None:
        """Since the first look, what scale and what shape did to the entropies at `fixed` widths."""
        started = time.perf_counter()
        found = changes.since_first(points=points, ends=fixed, **where)
        seconds = round((time.perf_counter() - started) / max(len(found), 1), 4)
        for rule, record in found:
            self.log.write("number", run=self.run, **where, rule=rule, **record, seconds=seconds)

    def _distance(self, points: Points, where: dict[str, Any]) -> None:
        """The scale of the embedding: without it a value at a fixed sigma cannot be read."""
        started = time.perf_counter()
        sigma = Median()(as_points(points), np.random.default_rng(0))
        self.log.write(
            "number",
            run=self.run,
            **where,
            name="median distance",
            rule=None,
            value=sigma * math.sqrt(2.0),
            unit="distance",
            stderr=None,
            n=len(points),
            ceiling=None,
            verdict="",
            settings={"sigma": sigma},
            seconds=round(time.perf_counter() - started, 4),
        )

    def _picture(self, points: Points, where: dict[str, Any]) -> None:
        x, y = _plane(points)
        classes: list[str] = []
        if self.probe.labels is not None:
            groups = self.probe.label_groups
            classes = [groups.names[code] for code in groups.codes]
        self.log.write("picture", run=self.run, **where, method="PCA", x=_short(x), y=_short(y), classes=classes)

    @contextmanager
    def _attempt(self, **fields: Any) -> Iterator[None]:
        """A failure inside becomes a record, unless strict."""
        try:
            yield
        except Exception as error:
            if self.strict:
                raise
            self._failed(error, **fields)

    def _failed(self, error: Exception, **fields: Any) -> None:
        self.log.write("failure", run=self.run, **fields, error=f"{type(error).__name__}: {error}")

    def _described(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """What the run was trained and measured with, as plain values."""
        return {
            **settings,
            "layers": {layer.name: layer.reduce for layer in self.layers},
            "every": self.every,
            "probe": len(self.probe),
            "measures": [repr(measure) for measure in self.measures],
            "rules": {rule: _words(walk) for rule, walk in self._rules.items()},
        }


def _walk(rule: str, given: Kernel | Walk) -> Walk:
    """A kernel alone, with its usual time, or settings, filled up as `dse` does."""
    walk: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {"kernel": given}
    if wrong := [name for name in walk if name not in ("kernel", "alpha", "t")]:
        raise InputError(f"the rule {rule!r} may hold kernel, alpha and t, got {', '.join(map(str, wrong))}")
    filled = {"kernel": default["kernel"], "alpha": default["alpha"], "t": None, **walk}
    check_walk(filled["kernel"], Exact())
    return {**filled, "alpha": check_alpha(filled["alpha"]), "t": time_for(filled["kernel"], filled["t"])}


def _words(walk: Walk) -> str:
    return ", ".join(f"{name} = {value!r}" if name != "kernel" else repr(value) for name, value in walk.items())


def _plain(estimate: Estimate) -> dict[str, Any]:
    """The fields of a number record that an estimate has."""
    record = estimate.to_dict()
    return {key: record[key] for key in ("value", "unit", "stderr", "n", "ceiling", "verdict", "settings")}


def _plane(points: Points) -> tuple[Points, Points]:
    """The first two principal components, shape (n,) each; the second is 0 where there is one feature."""
    from sklearn.decomposition import PCA  # slow to import, needed here only

    with np.errstate(invalid="ignore"):  # equal points have no variance to divide by; their picture is one dot
        flat = PCA(min(2, *points.shape), svd_solver="full").fit_transform(points)
    return flat[:, 0], flat[:, 1] if flat.shape[1] > 1 else np.zeros(len(flat))


def _short(values: Points) -> list[float]:
    """Five digits each: a picture or a spectrum is looked at, and a log holds many."""
    return [float(f"{value:.5g}") for value in values.tolist()]


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"the scalar {name!r} must be a number, got {value!r}") from None
