"""Sinks: a network learns real digits, and the numbers lie in every logger's own store as the run log has them."""

from __future__ import annotations

import re
import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import pages
from diffspec import InputError
from diffspec.errors import SinkWarning
from diffspec.runs.log import Record, read
from diffspec.training import DSE, DSMI, Monitor, Probe
from real_data import mnist

LAYER = "1"


def trained(path: Path, sinks: Any, **changes: Any) -> list[dict[str, float]]:
    """What `observe` gave before and after two epochs of 400 real digits."""
    images, digits = mnist(400)
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(784, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    settings: dict[str, Any] = {"measures": [DSE(), DSMI("Y")], "changes": False, "pictures": (), **changes}
    numbers = []
    probe = Probe(*mnist(60, "t10k"))
    with Monitor(network, layers=LAYER, probe=probe, log=path / "run.jsonl", sinks=sinks, **settings) as monitor:
        for epoch in range(3):
            loss = torch.nn.functional.cross_entropy(network(images), digits)
            numbers.append(monitor.observe(epoch, loss=loss.item()))
            for some in torch.arange(400).split(50):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(network(images[some]), digits[some]).backward()
                optimizer.step()
    assert len({one["diffspec/dse/1"] for one in numbers}) == 3  # it learned
    return numbers


def curves(numbers: list[dict[str, float]]) -> dict[str, list[tuple[int, float]]]:
    """Per key its steps and values."""
    found: dict[str, list[tuple[int, float]]] = {}
    for step, one in enumerate(numbers):
        for key, value in one.items():
            found.setdefault(key, []).append((step, value))
    return found


def of(path: Path, kind: str) -> list[Record]:
    return [record for record in read(path / "run.jsonl") if record["kind"] == kind]


def test_the_numbers_are_those_of_the_run_log(tmp_path: Path) -> None:
    numbers = trained(tmp_path, [])
    keys = {
        ("median distance", None): "diffspec/median_distance/1",
        ("DSE(Z)", "neighbors"): "diffspec/dse/1",
        ("DSE(Z)", "sigma = 10"): "diffspec/dse/sigma_10/1",
        ("DSMI(Z;Y)", "neighbors"): "diffspec/dsmi_y/1",
        ("DSMI(Z;Y)", "sigma = 10"): "diffspec/dsmi_y/sigma_10/1",
    }
    written = [
        {keys[r["name"], r["rule"]]: r["value"] for r in of(tmp_path, "number") if r["step"] == s} for s in (0, 1, 2)
    ]
    losses = [{"loss": r["value"]} for r in of(tmp_path, "scalar")]
    assert numbers == [loss | one for loss, one in zip(losses, written, strict=True)]


def test_tensorboard(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path / "tb")) as writer:
        wanted = curves(trained(tmp_path, [writer]))
        events = EventAccumulator(str(tmp_path / "tb"))  # before the writer is closed: the monitor has it write
        events.Reload()
    assert set(events.Tags()["scalars"]) == set(wanted)
    for key, curve in wanted.items():
        found = [(event.step, event.value) for event in events.Scalars(key)]
        assert found == [(step, pytest.approx(value, rel=1e-6)) for step, value in curve]  # float32 there


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    numbers = pages.run("watching.md", "Plain PyTorch")["numbers"]
    keys = set(re.findall(r"`([\w/]+)<layer>`", (pages.DOCS / "watching.md").read_text()))
    assert keys - {"diffspec/alert_memorisation/"} <= {key.removesuffix("1") for key in numbers}
    assert {record["step"] for record in of(tmp_path, "number")} == {0, 1, 2, 3}
    pages.run("watching.md", "Loggers")
    assert capsys.readouterr().out.endswith("0 10 numbers\n")
    assert list((tmp_path / "runs" / "first").iterdir())


@pytest.mark.parametrize("page", ["watching.md", "start/watch-a-training.md"])
def test_examples_that_are_run_one_after_the_other_share_no_log(page: str) -> None:
    logs = re.findall(r'log="([^"]+)"', (pages.DOCS / page).read_text())
    assert len(logs) == len(set(logs)) > 1


@pytest.mark.thorough  # the same training with real digits: test_memorising_real_digits_under_wrong_labels
def test_the_page_on_alerts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    assert pages.run("watching.md", "Alerts")["monitor"].should_stop
    printed = re.search(r"```text\n(memorisation .*)\n```", (pages.DOCS / "watching.md").read_text())
    assert printed
    form = re.sub(r"\d+", r"\\d+", re.escape(printed[1]))
    assert re.fullmatch(form, capsys.readouterr().out.strip())


def test_wandb_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_SILENT", "true")
    import wandb

    quiet = wandb.Settings(console="off", x_disable_stats=True, x_disable_meta=True, x_disable_machine_info=True)
    with wandb.init(mode="offline", dir=tmp_path, project="digits", settings=quiet) as run:
        run.log({"of the loop": 1.0}, step=7, commit=True)  # ahead of the steps of the monitor
        numbers = trained(tmp_path, [run])
    wandb.teardown()  # the service writes all that it has
    (file,) = tmp_path.rglob("*.wandb")
    records = list(_wandb_records(file))
    rows = [{item.nested_key[0] or item.key: float(item.value_json) for item in row} for row in records if row]
    rows = [{key: value for key, value in row.items() if not key.startswith("_")} for row in rows]
    assert rows == [{"of the loop": 1.0}] + [{**one, "diffspec/step": step} for step, one in enumerate(numbers)]


def _wandb_records(file: Path) -> Any:
    """The rows of history in a file of W&B: a log of LevelDB with a header of 7 bytes."""
    from wandb.proto import wandb_internal_pb2

    data, place, parts = file.read_bytes(), 7, b""
    while place + 7 <= len(data):
        if 32768 - place % 32768 < 7:
            place += 32768 - place % 32768
            continue
        _crc, length, kind = struct.unpack("<IHB", data[place : place + 7])
        parts += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            parts = b""
            if record.HasField("history"):
                yield list(record.history.item)


def test_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    import mlflow

    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    with mlflow.start_run() as run:
        wanted = curves(trained(tmp_path, [mlflow]))
    client = mlflow.MlflowClient()
    for key, curve in wanted.items():
        history = client.get_metric_history(run.info.run_id, key)
        assert [(metric.step, metric.value) for metric in history] == curve


def test_trackio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    import trackio
    from trackio.sqlite_storage import SQLiteStorage

    run = trackio.init(project="digits", name="first", auto_log_cpu=False, embed=False)
    numbers = trained(tmp_path, [run])
    trackio.finish()
    rows = SQLiteStorage.get_logs("digits", "first")
    assert [(row["step"], {key: row[key] for key in row if key not in ("step", "timestamp")}) for row in rows] == list(
        enumerate(numbers)
    )


class Keeps:
    def __init__(self) -> None:
        self.got: list[tuple[int, dict[str, float]]] = []

    def log(self, numbers: dict[str, float], step: int) -> None:
        self.got.append((step, numbers))


class Metrics(Keeps):
    def log_metrics(self, numbers: dict[str, float], step: int | None = None) -> None:
        self.got.append((-1 if step is None else step, numbers))

    def log(self, *_: Any) -> None:  # type: ignore[override]
        raise AssertionError("mlflow has a log_metrics, and Comet another log as well")


def test_functions_and_whatever_logs(tmp_path: Path) -> None:
    called, keeps, metrics = list[Any](), Keeps(), Metrics()
    numbers = trained(tmp_path, [lambda numbers, step: called.append((step, numbers)), keeps, metrics])
    assert called == keeps.got == metrics.got == list(enumerate(numbers))


def test_a_sink_cannot_change_what_others_get(tmp_path: Path) -> None:
    keeps = Keeps()
    numbers = trained(tmp_path, [lambda numbers, step: numbers.clear(), keeps])
    assert keeps.got == list(enumerate(numbers))
    assert all(numbers)


def failing(step: int) -> Callable[[dict[str, float], int], None]:
    def sink(_numbers: dict[str, float], at: int) -> None:
        if at < step:
            raise ConnectionError("no route to the logger")

    return sink


def test_a_sink_that_fails_ends_no_training(tmp_path: Path) -> None:
    keeps = Keeps()
    words = "^the sink sink did not take the numbers at step 0: ConnectionError: no route .*; the training goes on"
    with pytest.warns(SinkWarning, match=words) as caught:
        numbers = trained(tmp_path, [failing(2), keeps])
    assert len(caught) == 1  # of two failures
    assert keeps.got == list(enumerate(numbers))
    failures = [(r["step"], r["name"], r["error"]) for r in of(tmp_path, "failure")]
    assert failures == [(s, "the sink sink", "ConnectionError: no route to the logger") for s in (0, 1)]


def test_a_sink_that_fails_again_is_told_again(tmp_path: Path) -> None:
    def sink(_numbers: dict[str, float], step: int) -> None:
        if step != 1:
            raise ConnectionError

    with pytest.warns(SinkWarning) as caught:
        trained(tmp_path, [sink])
    assert ["at step 0" in str(one.message) for one in caught] == [True, False]


def test_strict_raises_what_a_sink_raises(tmp_path: Path) -> None:
    with pytest.warns(SinkWarning), pytest.raises(ConnectionError):
        trained(tmp_path, [failing(2)], strict=True)


def test_a_flush_that_fails_is_told(tmp_path: Path) -> None:
    class Full(Keeps):
        def flush(self) -> None:
            raise OSError("disk full")

    with pytest.warns(SinkWarning, match="^the sink Full did not take the numbers: OSError: disk full"):
        trained(tmp_path, [Full()])


@pytest.mark.parametrize(
    ("sinks", "words"),
    [
        ([3], r"^a sink must be a function of \(numbers, step\) or have a method log, got 3$"),
        ("tensorboard", r"^sinks must be a list of loggers or functions, got 'tensorboard'; write sinks=\[...\]$"),
        ([Keeps], r"^a sink must be a logger or a function, got the class Keeps; write Keeps\(...\)$"),
        ([[].append], r"^the sink append must take \(numbers, step\); write lambda numbers, step: ... around it$"),
        ([SimpleNamespace(log=lambda numbers: None)], r"^the sink SimpleNamespace must take \(numbers, step\); write"),
        (Keeps(), r"^sinks must be a list of loggers or functions, got .*; write sinks=\[...\]$"),
    ],
)
def test_what_is_no_sink(tmp_path: Path, sinks: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        trained(tmp_path, sinks)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_random_numbers_that_a_sink_draws_do_not_change_the_training(tmp_path: Path) -> None:
    quiet = trained(tmp_path / "a", [])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert trained(tmp_path / "b", [lambda *_: torch.rand(3)]) == quiet
