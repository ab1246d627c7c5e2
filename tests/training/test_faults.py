"""Mistakes are told before training, and nothing that goes wrong later ends one."""

from __future__ import annotations

import gc
import os
import re
import shutil
import warnings
from collections.abc import Iterable
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diffspec import Gaussian, InputError
from diffspec.errors import LayersWarning, RunLogWarning
from diffspec.runs import writing as waiting
from diffspec.runs.log import Record, RunLog, read
from diffspec.training import DSE, DSMI, Monitor, Probe

INPUTS = torch.randn(24, 6, generator=torch.Generator().manual_seed(0))
LABELS = [0, 1, 2] * 8


class Broken(torch.nn.Module):
    """A network that raises what networks seldom do."""

    def forward(self, x: Any) -> Any:
        return {}[len(x)]


class Aside(torch.nn.Module):
    """A network whose only part does not run."""

    def __init__(self) -> None:
        super().__init__()
        self.aside = torch.nn.Linear(6, 4)

    def forward(self, x: Any) -> Any:
        return 2.0 * x


def monitor(path: Path, **changes: Any) -> Monitor:
    torch.manual_seed(1)
    settings: dict[str, Any] = {
        "layers": "0",
        "probe": Probe(INPUTS, LABELS),
        "log": path,
        "measures": [DSE()],
        "rules": {"wide": Gaussian(2.0)},
        "pictures": (),
        **changes,
    }
    return Monitor(settings.pop("model", torch.nn.Sequential(torch.nn.Linear(6, 4))), **settings)


def of(path: Path, kind: str) -> list[Record]:
    return [record for record in read(path) if record["kind"] == kind]


# --- told when the monitor is made ------------------------------------------------------------------------------------

CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)

DEEP = (CIRCLE, reduce(lambda inner, _: [inner], range(20), 1), reduce(lambda inner, _: {"a": inner}, range(20), 1))
WRONG: list[tuple[dict[str, Any], str]] = [
    *[({"run": run}, "run must be a str that is not empty, got") for run in (3, None, "", "  ", b"run", ["run"])],
    ({"run": "\ud800"}, r"run must be text that UTF-8 can write, got '\\ud800'; take the surrogates out"),
    *[({"pictures": given}, "pictures must be a collection of steps") for given in (5, None, "0", iter([1]))],
    ({"pictures": [0.5]}, "a step of pictures must be an integer, got 0.5"),
    *[({"measures": given}, "measures must be a sequence such as") for given in (DSE(), "DSE", 5)],
    *[({"measures": [given]}, r"a measure must be a Measure such as DSE\(\)") for given in ("DSE", DSE, 3, None)],
    ({"measures": [DSE(), DSE()]}, r"two measures are called 'DSE\(Z\)', and the report would show one"),
    ({"rules": [Gaussian()]}, "rules must be a mapping of names to kernels or settings, got"),
    ({"rules": {3: Gaussian()}}, "the name of a rule must be a str that is not empty, got 3"),
    ({"probe": INPUTS}, r"probe must be a Probe, got .*; write Probe\(inputs, labels\)"),
    *[({"log": given}, "log must be a path or a RunLog, got") for given in (None, 3, "")],
    ({"every": 0.5}, "every must be an integer of at least 1, got 0.5"),
    ({"resume": "yes"}, "resume must be one of allow, never, must, got 'yes'"),
    ({"settings": 5}, "settings must be a mapping such as"),
    ({"settings": {3: 1}}, "a name in settings must be a str that is not empty, got 3"),
    ({"settings": {"every": 1}}, "settings holds 'every', which the monitor writes itself; give it another name"),
    *[
        ({"settings": {"a": {"b": value}}}, r"settings\['a.b'\] must be .*, got .*; give str\(...\) of it")
        for value in (Path("x"), float("nan"), np.float32("inf"), np.arange(2), torch.zeros(2), {1}, object(), 1j, b"x")
    ],
    *[
        ({"settings": {"a": {"b": value}}}, r"settings\['a.b'\] must be a number up to 1e\+300, .*, got .*; give str")
        for value in (1e301, -1e301, 10**301, 10**5000)
    ],
    *[
        ({"settings": {"a": deep}}, "settings must not hold itself, or lists within lists over 20 deep")
        for deep in DEEP
    ],
    ({"settings": {"a": ["\udfff"]}}, r"settings\['a'\] must be text that UTF-8 can write"),
    ({"layers": "0*x"}, "no layer"),
    (
        {"layers": "**", "model": Aside()},
        r"no layer that a pattern names runs once in a pass: aside \(0 times\); name one",
    ),
    ({"layers": {"0": "mean"}}, r"layer '0' gives shape \(24, 4\), not fit for reduce='mean'"),
    (
        {"probe": Probe(INPUTS[:, :3])},
        r"the network cannot take inputs of shape \(24, 3\), torch.float32: RuntimeError",
    ),
    ({"model": torch.nn.Sequential(Broken())}, r"the network cannot take inputs of shape \(24, 6\), .*: KeyError: 24"),
    ({"probe": Probe({"a": INPUTS})}, "the network cannot take inputs a: .*missing 1 required positional argument"),
]


@pytest.mark.parametrize(("given", "message"), WRONG, ids=[str(number) for number in range(len(WRONG))])
def test_a_mistake_is_one_line_before_training(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        monitor(tmp_path / "run.jsonl", **given)
    assert "\n" not in str(caught.value)
    assert not of(tmp_path / "run.jsonl", "number") if (tmp_path / "run.jsonl").exists() else True


def test_scalars_of_numpy_and_torch_are_plain_values(tmp_path: Path) -> None:
    given = {
        "lr": np.float32(0.5),
        "n": np.int64(3),
        "flag": np.bool_(True),
        "momentum": torch.tensor(0.25),
        "steps": torch.tensor(7),
        "nested": {"betas": (np.float64(0.5), 1), "name": np.str_("adam"), "none": None, "empty": ""},
    }
    watching = monitor(tmp_path / "run.jsonl", settings=given, every=np.int64(1), pictures=np.arange(2))
    watching.observe(np.int64(0), loss=np.float32(0.5), accuracy=torch.tensor([0.25]))
    (settings,) = of(tmp_path / "run.jsonl", "settings")
    assert {name: settings["values"][name] for name in given} == {
        "lr": 0.5,
        "n": 3,
        "flag": True,
        "momentum": 0.25,
        "steps": 7,
        "nested": {"betas": [0.5, 1], "name": "adam", "none": None, "empty": ""},
    }
    assert [r["value"] for r in of(tmp_path / "run.jsonl", "scalar")] == [0.5, 0.25]
    assert len(of(tmp_path / "run.jsonl", "picture")) == 1


@pytest.mark.parametrize("step", [0.5, "0", None, True, [1]])
def test_a_step_is_an_integer(tmp_path: Path, step: Any) -> None:
    with pytest.raises(InputError, match="step must be an integer, got"):
        monitor(tmp_path / "run.jsonl").observe(step)


@pytest.mark.parametrize("value", ["high", None, torch.zeros(3), np.zeros(2), {}, torch.empty(1, device="meta")])
def test_a_scalar_that_is_no_number_raises_at_first_and_is_recorded_later(tmp_path: Path, value: Any) -> None:
    watching = monitor(tmp_path / "run.jsonl")
    with pytest.raises(InputError, match="the scalar 'loss' must be a number, got"):
        watching.observe(0, loss=value)
    watching.observe(0, loss=1.0)  # nothing was seen of the first try
    with pytest.warns(LayersWarning, match="^loss failed at step 1: InputError: the scalar 'loss' must be a number"):
        watching.observe(1, loss=value, accuracy=0.5)
    (failure,) = of(tmp_path / "run.jsonl", "failure")
    assert (failure["step"], failure["name"]) == (1, "loss")
    assert [(r["step"], r["name"]) for r in of(tmp_path / "run.jsonl", "scalar")] == [(0, "loss"), (1, "accuracy")]


def test_measures_that_overflow_are_failures(tmp_path: Path) -> None:
    watching = monitor(
        tmp_path / "run.jsonl", rules={"wide": Gaussian(2.0), "late": {"kernel": Gaussian(2.0), "t": 1e308}}
    )
    with pytest.warns(
        LayersWarning, match=r"^DSE\(Z\) of layer '0' failed at step 0: InputError: this is a number that needs"
    ):
        watching.observe(0)
    with torch.no_grad():
        watching._model[0].weight.mul_(1e30)
    watching.observe(1)
    values = [r["value"] for r in of(tmp_path / "run.jsonl", "number")]
    assert len(values) >= 4
    assert np.isfinite(values).all()


# --- a network that fails ---------------------------------------------------------------------------------------------

BROKEN: dict[str, tuple[Any, str]] = {
    "out of memory": (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB"), "Tried to allocate"),
    "no memory": (MemoryError(), "MemoryError"),
    "an error of its own": (KeyError("state"), "'state'"),
}


class Breaks(torch.nn.Module):
    """Gives what it gets, until it breaks."""

    error: Exception | None = None

    def forward(self, inputs: Any) -> Any:
        if self.error:
            raise self.error
        return inputs


@pytest.mark.parametrize("name", BROKEN)
def test_a_pass_that_breaks_is_a_failure_and_one_warning(tmp_path: Path, name: str) -> None:
    error, words = BROKEN[name]
    model = torch.nn.Sequential(torch.nn.Linear(6, 4), Breaks())
    watching = monitor(tmp_path / "run.jsonl")
    watching._model = model  # after the dry pass
    watching.observe(0)
    model[1].error = error
    (told,) = warned(watching, [1, 2, 3])
    assert re.match(f"forward pass failed at step 1: .*{words}.*; the training goes on", told)
    model[1].error = None
    assert "diffspec/dse/wide/0" in watching.observe(4)
    assert [r["step"] for r in of(tmp_path / "run.jsonl", "failure")] == [1, 2, 3]
    assert model.training


def test_memory_that_a_measure_lacks_is_a_failure_and_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = monitor(tmp_path / "run.jsonl")
    watching.observe(0)

    def full(*_: Any, **__: Any) -> Any:
        raise MemoryError("Unable to allocate 9 GiB")

    monkeypatch.setattr("numpy.linalg.eigvalsh", full)
    (told,) = warned(watching, [1, 2])
    assert re.match(r"DSE\(Z\) of layer '0' failed at step 1: .*Unable to allocate", told)
    assert [r["step"] for r in of(tmp_path / "run.jsonl", "number") if r["name"] == "median distance"] == [0, 1, 2]
    assert {r["name"] for r in of(tmp_path / "run.jsonl", "failure")} == {"DSE(Z)"}


def test_a_layer_that_changes_its_width_is_measured_as_it_is(tmp_path: Path) -> None:
    watching = monitor(tmp_path / "run.jsonl")
    watching.observe(0)
    watching._model[0] = torch.nn.Linear(6, 9)  # as a network that grows
    assert "diffspec/dse_change_by_shape/wide/0" in watching.observe(1)
    assert not of(tmp_path / "run.jsonl", "failure")


def test_a_layer_that_is_removed_is_a_failure_in_words_or_left_out(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.ReLU())
    watching = monitor(tmp_path / "run.jsonl", model=model, layers=["0", "1"])
    several = monitor(tmp_path / "patterns.jsonl", model=model, layers="*")
    for one in (watching, several):
        one.observe(0)
    del model[1]
    (told,) = warned(watching, [1, 2])
    assert told.startswith("forward pass failed at step 1: InputError: the network has no layer '1' any more; make")
    with pytest.warns(LayersWarning, match=r"left out: 1 \(0 times\)"):
        assert "diffspec/dse/wide/0" in several.observe(1)


def test_an_output_of_another_shape_is_a_failure_and_one_warning(tmp_path: Path) -> None:
    watching = monitor(tmp_path / "run.jsonl")
    watching.observe(0)
    watching._model[0] = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.Unflatten(1, (2, 2)))
    (told,) = warned(watching, [1, 2])
    assert told.startswith("forward pass failed at step 1: InputError: layer '0' gives shape")


def warned(watching: Monitor, steps: Iterable[int]) -> list[str]:
    """The warnings while `steps` are observed, in which no more can be seen than the loss."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = [watching.observe(step, loss=0.5) for step in steps]
    assert all(one["loss"] == 0.5 and "diffspec/dse/wide/0" not in one for one in found)
    assert all(warning.category is LayersWarning for warning in told)
    return [str(warning.message) for warning in told]


# --- a disk that fails ------------------------------------------------------------------------------------------------


class Breaking(RunLog):
    """A run log whose writes fail while it is `broken`."""

    broken: Exception | None = None
    tries = 0

    def write(self, kind: str, **fields: Any) -> None:
        self.tries += 1
        if self.broken:
            raise self.broken
        super().write(kind, **fields)


FAULTS = [
    OSError(28, "No space left on device"),
    PermissionError(13, "x"),
    TimeoutError("held"),
    InputError("no log"),
    MemoryError("no memory"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_what_cannot_be_written_waits_and_is_written_when_it_can(tmp_path: Path, fault: Exception) -> None:
    log = Breaking(tmp_path / "run.jsonl")
    watching = monitor(tmp_path, log=log)
    watching.observe(0, loss=0.0)
    for start in (1, 5):
        log.broken = fault
        with pytest.warns(RunLogWarning, match=r"run.jsonl cannot be written: .*; the training goes on"):
            watching.observe(start, loss=float(start))
        log.tries = 0
        assert observed(watching, [start + 1, start + 2]) == 0  # one warning per outage
        assert log.tries == 2  # one try per look: a lock that another process holds costs a minute
        log.broken = None
        watching.observe(start + 3, loss=float(start + 3))
    scalars = [r["step"] for r in of(log.path, "scalar")]
    assert scalars == list(range(9))  # all of them, once, in order
    steps = [r["step"] for r in read(log.path) if "step" in r]
    assert steps == sorted(steps)
    assert len([r for r in of(log.path, "number") if r["name"] == "DSE(Z)"]) == 9


def test_memory_for_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MOST", 3000)
    log = Breaking(tmp_path / "run.jsonl")
    watching = monitor(tmp_path, log=log)
    watching.observe(0)
    log.broken = FAULTS[0]
    assert observed(watching, range(1, 30)) == 1
    assert watching._writer._bytes <= 3000
    log.broken = None
    watching.observe(30, loss=0.5)
    (failure,) = of(log.path, "failure")
    assert failure["error"].endswith("records could not be written, and memory for them was full")
    dropped = int(failure["error"].split()[0])
    assert failure["step"] == 30
    # Settings once; per look a distance, a value, a spectrum and changes; a scalar but at the first.
    whole = monitor(tmp_path / "whole.jsonl")
    for step in range(31):
        whole.observe(step, **({"loss": 0.5} if step else {}))
    assert dropped + len(read(log.path)) - 1 == len(read(tmp_path / "whole.jsonl"))


def test_what_waits_at_the_end_is_tried_once_more(tmp_path: Path) -> None:
    log = Breaking(tmp_path / "run.jsonl")
    watching = monitor(tmp_path, log=log)
    log.broken = OSError(28, "full")  # a new one: its traceback holds the monitor
    with pytest.warns(RunLogWarning):
        watching.observe(0, loss=0.5)
    log.broken = None
    del watching
    gc.collect()
    assert [r["value"] for r in of(log.path, "scalar")] == [0.5]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_what_waits_when_a_process_is_forked_is_written_once(tmp_path: Path) -> None:
    """A data loader forks, and its workers hold the monitor too."""
    log = Breaking(tmp_path / "run.jsonl")
    watching = monitor(tmp_path, log=log)
    log.broken = OSError(28, "full")
    with pytest.warns(RunLogWarning):
        watching.observe(0, loss=0.5)
    log.broken = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this process has threads
        child = os.fork()
    if child == 0:
        try:
            watching._writer.write("scalar", step=1, name="loss", value=0.25)
            del watching
            gc.collect()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    watching.observe(2, loss=0.125)
    assert [(r["step"], r["value"]) for r in of(log.path, "scalar")] == [(1, 0.25), (0, 0.5), (2, 0.125)]


def test_strict_raises_what_the_disk_says(tmp_path: Path) -> None:
    log = Breaking(tmp_path / "run.jsonl")
    watching = monitor(tmp_path, log=log, strict=True)
    log.broken = FAULTS[0]
    with pytest.raises(OSError, match="No space left"):
        watching.observe(0)


def observed(watching: Monitor, steps: Iterable[int]) -> int:
    """How many warnings there are while `steps` are observed, each with itself as loss."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for step in steps:
            watching.observe(step, loss=float(step))
    assert all(warning.category is RunLogWarning for warning in told)
    return len(told)


@pytest.mark.skipif(os.name != "posix", reason="an open file cannot be removed")
def test_a_removed_folder_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    watching = monitor(folder / "run.jsonl")
    watching.observe(0, loss=0.0)
    shutil.rmtree(folder)
    assert observed(watching, [1, 2]) == 1
    folder.mkdir()
    observed(watching, [3, 4])  # that the log was replaced
    assert [r["value"] for r in of(folder / "run.jsonl", "scalar")] == [1.0, 2.0, 3.0, 4.0]
    shutil.rmtree(folder)
    folder.mkdir()
    assert observed(watching, [5, 6]) == 1
    assert [r["value"] for r in of(folder / "run.jsonl", "scalar")] == [5.0, 6.0]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_told_before_training_where_it_is_full_already() -> None:
    with pytest.raises(InputError, match="/dev/full"):
        monitor(Path("/dev/full"))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told_before_training(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match=r"the log '.*run.jsonl' cannot be written: .*; give another place"):
        monitor(tmp_path / "run.jsonl")


# --- a run that is there already --------------------------------------------------------------------------------------


def test_a_run_goes_on_from_a_later_step_with_equal_settings(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    for start, resume in ((0, "never"), (3, "allow"), (6, "must")):
        watching = monitor(path, resume=resume, settings={"lr": 0.5, "betas": (0.5, 0.25)})
        for step in range(start, start + 3):
            watching.observe(step, loss=float(step))
        del watching
    assert [r["step"] for r in of(path, "scalar")] == list(range(9))


def test_a_step_behind_the_last_is_told(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    watching = monitor(path)
    for step in range(3):
        watching.observe(step, loss=0.0)
    again = monitor(path)
    with pytest.warns(RunLogWarning, match=r"has reached step 2 already, and goes on at step 2; .*give another run="):
        again.observe(2, loss=1.0)
    assert observed(again, [3, 1]) == 0
    other = monitor(path, run="other")
    other.observe(0)  # another run in the same log is no rewind


def test_two_monitors_of_one_run_at_once_are_told(tmp_path: Path) -> None:
    """As on several ranks: both were made before either wrote."""
    path = tmp_path / "run.jsonl"
    first, second = monitor(path), monitor(path)
    assert observed(first, [0]) == 0
    with pytest.warns(RunLogWarning, match=r"has reached step 0 already, and goes on at step 0"):
        second.observe(0)


@pytest.mark.parametrize("changed", [Probe(INPUTS + 1, LABELS), Probe(INPUTS, LABELS[::-1])], ids=["inputs", "labels"])
def test_another_probe_of_the_same_size_is_told_and_must_is_strict(tmp_path: Path, changed: Probe) -> None:
    path = tmp_path / "run.jsonl"
    monitor(path).observe(0)
    monitor(path, probe=Probe(INPUTS.clone(), np.array(LABELS)), resume="must")
    with pytest.warns(RunLogWarning, match=r"has other settings: probe digest was '\w{16}', now '\w{16}'"):
        monitor(path, probe=changed)
    with pytest.raises(InputError, match="has other settings: probe digest"):
        monitor(path, probe=changed, resume="must")
    older = re.sub(r'"probe digest": "\w+", ', "", path.read_text())
    assert older != path.read_text()
    path.write_text(older)
    monitor(path, probe=changed, resume="must")


CHANGED: list[dict[str, Any]] = [
    {"layers": {"0": "flatten"}},
    {"every": 2},
    {"probe": Probe(INPUTS[:20], LABELS[:20])},
    {"measures": [DSE(), DSMI("Y")]},
    {"rules": {"wide": Gaussian(3.0)}},
]


@pytest.mark.parametrize("changed", CHANGED, ids=lambda changed: next(iter(changed)))
@pytest.mark.parametrize("resume", ["allow", "must"])
def test_a_run_that_was_measured_otherwise_is_not_continued(
    tmp_path: Path, changed: dict[str, Any], resume: Any
) -> None:
    path = tmp_path / "run.jsonl"
    monitor(path).observe(0)
    before = path.read_bytes()
    (name,) = changed
    words = rf"the run 'run' in .* has other settings: {name} was .*, now .*; give another run=, .*RunLog.afresh"
    with pytest.raises(InputError, match=words):
        monitor(path, **changed, resume=resume)
    assert path.read_bytes() == before
    monitor(path, **changed, run="other")
    monitor(path, **changed, log=RunLog.afresh(path)).observe(0)
    assert len(of(path, "settings")) == 1


def test_a_run_that_was_trained_otherwise_is_told_and_must_is_strict(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    monitor(path, settings={"lr": 0.1}).observe(0)
    with pytest.warns(RunLogWarning, match=r"has other settings: lr was 0.1, now 0.2; where this is another training"):
        monitor(path, settings={"lr": 0.2})
    with pytest.raises(InputError, match=r"has other settings: lr was 0.1, now None"):
        monitor(path, resume="must")


def test_never_and_must(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with pytest.raises(InputError, match="holds no run 'run' to continue; take resume='allow'"):
        monitor(path, resume="must")
    monitor(path).observe(0)
    with pytest.raises(InputError, match="holds a run 'run' already; give another run="):
        monitor(path, resume="never")
    assert {r["step"] for r in read(path) if "step" in r} == {0}
