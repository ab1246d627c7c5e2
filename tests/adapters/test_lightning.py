"""The callback in the real Trainer of both packages: a network learns digits, and the numbers are in all stores."""

from __future__ import annotations

import csv
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import pages
from diffspec import InputError, dse
from diffspec.errors import RunLogWarning
from diffspec.runs.log import Record, read
from diffspec.training import DSE, Monitor, Probe, collect
from real_data import mnist

pytestmark = [
    pytest.mark.filterwarnings("default"),  # what the libraries warn of
    *(pytest.mark.filterwarnings(f"error::diffspec.errors.{name}Warning") for name in ("Layers", "RunLog", "Sink")),
]

DSE_KEY = "diffspec/dse/net.1"


@pytest.fixture(scope="module", params=["lightning.pytorch", "pytorch_lightning"])
def either(request: pytest.FixtureRequest) -> Any:
    return import_module(request.param)


@pytest.fixture(scope="module")
def lightning() -> Any:
    return import_module("lightning.pytorch")


def callback(monitor: Monitor, **settings: Any) -> Any:
    from diffspec.adapters.lightning import MonitorCallback  # after the packages, which it takes its base from

    return MonitorCallback(monitor, **settings)


def digits(package: Any, *, seed: int = 0) -> Any:
    """A small network that learns digits, and logs its accuracy on others."""
    torch.manual_seed(seed)

    class Digits(package.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = torch.nn.Sequential(torch.nn.Linear(784, 24), torch.nn.ReLU(), torch.nn.Linear(24, 10))

        def forward(self, x: Any) -> Any:
            return self.net(x)

        def training_step(self, batch: Any, _index: int) -> Any:
            return torch.nn.functional.cross_entropy(self(batch[0]).float(), batch[1])

        def validation_step(self, batch: Any, _index: int) -> None:
            self.log("accuracy", (self(batch[0]).argmax(1) == batch[1]).float().mean(), sync_dist=True)
            self.log("processes", float(self.trainer.world_size), sync_dist=True)

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    return Digits()


def loaders(n: int = 200, batch: int = 32) -> tuple[Any, Any]:
    held = TensorDataset(*mnist(64, "t10k"))
    return DataLoader(TensorDataset(*mnist(n)), batch_size=batch), DataLoader(held, batch_size=32)


def watched(model: Any, path: Path, **changes: Any) -> Monitor:
    settings: dict[str, Any] = {"measures": [DSE()], "changes": False, "pictures": (), "strict": True, **changes}
    settings = {"layers": "net.1", "probe": Probe(*mnist(60, "t10k")), "log": path / "run.jsonl", **settings}
    return Monitor(model, **settings)


def trainer(package: Any, path: Path, callbacks: list[Any], **changes: Any) -> Any:
    settings: dict[str, Any] = {"max_epochs": 2, "logger": False, "enable_checkpointing": False, **changes}
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    return package.Trainer(
        default_root_dir=path, callbacks=callbacks, devices=settings.pop("devices", 1), **quiet, **settings
    )


def of(path: Path, kind: str, **wanted: Any) -> list[Record]:
    records = [r for r in read(path / "run.jsonl") if r["kind"] == kind]
    return [r for r in records if all(r[name] == value for name, value in wanted.items())]


def entropies(path: Path) -> dict[int, float]:
    return {r["step"]: r["value"] for r in of(path, "number", name="DSE(Z)", rule="neighbors")}


def test_numbers_are_in_the_log_and_with_the_loggers(either: Any, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    model = digits(either)
    before = collect(model, "net.1", mnist(60, "t10k")[0])["net.1"]
    loggers = import_module(f"{either.__name__}.loggers")
    stores = [loggers.CSVLogger(tmp_path, name="csv"), loggers.TensorBoardLogger(tmp_path, name="tb")]
    watching = callback(watched(model, tmp_path))
    fit = trainer(either, tmp_path, [watching], logger=stores, log_every_n_steps=1)
    fit.fit(model, *loaders())
    found = entropies(tmp_path)
    assert list(found) == [0, 1, 2]  # once per epoch, and nothing in the sanity pass
    assert found[0] == dse(before).value
    assert found[2] == dse(collect(model, "net.1", mnist(60, "t10k")[0])["net.1"]).value
    assert len(set(found.values())) == 3
    assert [record["axis"] for record in of(tmp_path, "settings")] == ["epoch"]
    accuracies = of(tmp_path, "scalar", name="accuracy")
    assert [r["step"] for r in accuracies] == [1, 2]
    assert accuracies[1]["value"] == pytest.approx(float(fit.callback_metrics["accuracy"]))
    with (tmp_path / "csv" / "version_0" / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row[DSE_KEY]]
    assert [float(row[DSE_KEY]) for row in rows] == list(found.values())
    steps = [int(row["step"]) for row in rows]
    assert steps == [0, 7, 14]  # 7 batches per epoch
    events = EventAccumulator(str(tmp_path / "tb" / "version_0"))
    events.Reload()
    seen = [(event.step, event.value) for event in events.Scalars(DSE_KEY)]
    assert seen == [(s, pytest.approx(v, rel=1e-6)) for s, v in zip(steps, found.values(), strict=True)]
    assert "diffspec/dse/sigma_10/net.1" in events.Tags()["scalars"]


def test_weights_are_those_of_a_training_without_it(lightning: Any, tmp_path: Path) -> None:
    weights = []
    for with_it in (False, True):
        model = digits(lightning)
        callbacks = [callback(watched(model, tmp_path))] if with_it else []
        trainer(lightning, tmp_path, callbacks).fit(model, *loaders())
        weights.append(model.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_steps_with_accumulated_gradients(lightning: Any, tmp_path: Path) -> None:
    model = digits(lightning)
    watching = callback(watched(model, tmp_path, every=2), at="step")
    fit = trainer(lightning, tmp_path, [watching], accumulate_grad_batches=3, max_epochs=2)
    fit.fit(model, loaders(n=256)[0])  # 8 batches: 3 + 3 + 2 per epoch
    assert fit.global_step == 6
    assert list(entropies(tmp_path)) == [0, 2, 4, 6]
    assert [record["axis"] for record in of(tmp_path, "settings")] == ["step"]


@pytest.mark.parametrize(
    ("at", "changes", "steps"),
    [
        ("epoch", {"max_epochs": 4, "check_val_every_n_epoch": 3}, [3]),  # epoch 4 has no accuracy
        ("step", {"max_epochs": 2}, [7, 14]),  # 7 batches per epoch
    ],
)
def test_what_was_validated_stands_at_its_step_alone(
    either: Any, tmp_path: Path, at: str, changes: dict[str, Any], steps: list[int]
) -> None:
    held: list[float] = []

    class Noting(either.Callback):  # type: ignore[misc]
        def on_validation_end(self, trainer: Any, _module: Any) -> None:
            held.append(float(trainer.callback_metrics["accuracy"]))

    model = digits(either)
    fit = trainer(
        either, tmp_path, [callback(watched(model, tmp_path), at=at), Noting()], num_sanity_val_steps=0, **changes
    )
    fit.fit(model, *loaders())
    assert [(r["step"], r["value"]) for r in of(tmp_path, "scalar", name="accuracy")] == list(
        zip(steps, held, strict=True)
    )


def test_a_network_may_say_where_its_loggers_draw(either: Any, tmp_path: Path) -> None:
    model = digits(either)
    model.on_train_epoch_end = lambda: model.log("step", float(model.current_epoch))
    trainer(either, tmp_path, [callback(watched(model, tmp_path))]).fit(model, *loaders())
    assert list(entropies(tmp_path)) == [0, 1, 2]
    assert {r["name"] for r in of(tmp_path, "scalar")} == {"accuracy", "processes"}


def test_a_resumed_training_continues_the_log(lightning: Any, tmp_path: Path) -> None:
    model = digits(lightning)
    first = trainer(lightning, tmp_path, [callback(watched(model, tmp_path))], max_epochs=2)
    first.fit(model, *loaders())
    first.save_checkpoint(tmp_path / "last.ckpt")
    before = entropies(tmp_path)
    other = digits(lightning, seed=1)
    again = trainer(lightning, tmp_path, [callback(watched(other, tmp_path))], max_epochs=4)
    with pytest.warns() as caught:
        again.fit(other, *loaders(), ckpt_path=tmp_path / "last.ckpt")
    assert not [one for one in caught if issubclass(one.category, RunLogWarning)]
    found = entropies(tmp_path)
    assert list(found) == [0, 1, 2, 3, 4]
    assert len(of(tmp_path, "number", name="DSE(Z)", rule="neighbors")) == 5  # none measured again
    assert {step: found[step] for step in before} == before
    whole = digits(lightning)  # what a training without a break gives
    trainer(lightning, tmp_path, [callback(watched(whole, tmp_path / "whole"))], max_epochs=4).fit(whole, *loaders())
    assert entropies(tmp_path / "whole") == found


def test_several_monitors_have_states_of_their_own(lightning: Any, tmp_path: Path) -> None:
    model = digits(lightning)
    several = [callback(watched(model, tmp_path)), callback(watched(model, tmp_path, layers="net.0", run="other"))]
    assert several[0].state_key != several[1].state_key
    fit = trainer(lightning, tmp_path, several, max_epochs=1)
    fit.fit(model, *loaders())
    assert {(r["run"], r["layer"]) for r in of(tmp_path, "number")} == {("run", "net.1"), ("other", "net.0")}
    states = fit.strategy.checkpoint_io and fit._checkpoint_connector.dump_checkpoint()["callbacks"]
    assert [states[one.state_key]["run"] for one in several] == ["run", "other"]


def test_monitors_of_the_same_layers_have_keys_of_their_own(lightning: Any, tmp_path: Path) -> None:
    """Such as one of held-out inputs and one of those that are learned from."""
    model = digits(lightning)
    learned = watched(model, tmp_path, probe=Probe(*mnist(60)), run="in training", layers=["net.0", "net.1"])
    several = [callback(watched(model, tmp_path)), callback(learned)]
    fit = trainer(lightning, tmp_path, several, max_epochs=1)
    fit.fit(model, *loaders())
    last = {r["run"]: r["value"] for r in of(tmp_path, "number", rule="neighbors", layer="net.1", step=1)}
    assert last["run"] != last["in training"]
    assert float(fit.callback_metrics[DSE_KEY]) == pytest.approx(last["run"], rel=1e-6)
    named = float(fit.callback_metrics["diffspec/in_training/dse/net.1"])
    assert named == pytest.approx(last["in training"], rel=1e-6)


def test_early_stopping_and_checkpoints_go_by_the_numbers(lightning: Any, tmp_path: Path) -> None:
    from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

    model = digits(lightning)
    watching = callback(watched(model, tmp_path))
    stopping = EarlyStopping(DSE_KEY, mode="min", patience=1, stopping_threshold=None, min_delta=10.0)  # never better
    saving = ModelCheckpoint(tmp_path / "best", monitor=DSE_KEY, mode="max", filename="best")
    trainer(lightning, tmp_path, [saving, stopping, watching], enable_checkpointing=True, max_epochs=9).fit(
        model, *loaders()
    )
    found = entropies(tmp_path)
    assert list(found) == [0, 1, 2]  # the second epoch was not better by 10 bits
    assert float(saving.best_model_score) == pytest.approx(max(found[1], found[2]), rel=1e-6)
    assert float(stopping.best_score) == pytest.approx(found[1], rel=1e-6)


@pytest.mark.parametrize(("precision", "dtype"), [("bf16-true", torch.bfloat16), ("bf16-mixed", torch.float32)])
def test_half_precision(lightning: Any, tmp_path: Path, precision: str, dtype: Any) -> None:
    model = digits(lightning)
    trainer(lightning, tmp_path, [callback(watched(model, tmp_path))], precision=precision, max_epochs=1).fit(
        model, *loaders()
    )
    assert model.net[0].weight.dtype == dtype
    assert not of(tmp_path, "failure")
    images = mnist(60, "t10k")[0].to(dtype)
    with torch.no_grad():
        points = model.net[1](model.net[0](images)).float().numpy()
    assert entropies(tmp_path)[1] == pytest.approx(dse(points).value, rel=1e-9)


def test_an_alert_ends_the_training(either: Any, tmp_path: Path) -> None:
    model = digits(either)
    monitor = watched(model, tmp_path, stop_on="collapse")
    fit = trainer(either, tmp_path, [flattens(either), callback(monitor)], max_epochs=5)
    fit.fit(model, *loaders())
    assert monitor.should_stop
    assert [(r["step"], r["name"]) for r in of(tmp_path, "alert")] == [(2, "collapse")]
    assert list(entropies(tmp_path)) == [0, 1, 2]


def flattens(package: Any) -> Any:
    """A callback after which all points are one, at the end of the second epoch."""

    class Flattens(package.Callback):  # type: ignore[misc]
        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            if trainer.current_epoch == 1:
                with torch.no_grad():
                    module.net[0].weight.zero_()
                    module.net[0].bias.fill_(1.0)

    return Flattens()


@pytest.mark.timeout(60)
def test_an_alert_ends_the_training_of_two_processes(lightning: Any, tmp_path: Path) -> None:
    model = digits(lightning)
    watching = [flattens(lightning), callback(watched(model, tmp_path, stop_on="collapse"))]
    fit = trainer(lightning, tmp_path, watching, strategy="ddp_fork", devices=2, max_epochs=5)
    fit.fit(model, *loaders(n=195))
    assert len(of(tmp_path, "alert")) == 1
    assert list(entropies(tmp_path)) == [0, 1, 2]  # and neither process waits for the other


@pytest.mark.timeout(60)
def test_two_processes(lightning: Any, tmp_path: Path) -> None:
    model = digits(lightning)
    from lightning.pytorch.callbacks import EarlyStopping

    stopping = EarlyStopping(DSE_KEY, mode="min", patience=1, min_delta=10.0)  # needs the number in both
    watching = [callback(watched(model, tmp_path)), stopping]
    fit = trainer(lightning, tmp_path, watching, strategy="ddp_fork", devices=2, max_epochs=5)
    fit.fit(model, *loaders(n=195))  # 98 and 97 images, the last batches of 2 and 1
    assert {r["value"] for r in of(tmp_path, "scalar", name="processes")} == {2.0}
    found = of(tmp_path, "number", name="DSE(Z)", rule="neighbors")
    assert [(r["step"], r["n"]) for r in found] == [(0, 60), (1, 60), (2, 60)]  # one record, of the whole probe
    assert len(of(tmp_path, "settings")) == 1


class Fails(DSE):
    def __call__(self, *_: Any) -> Any:
        raise ZeroDivisionError("nothing to divide by")


@pytest.mark.timeout(60)
@pytest.mark.filterwarnings("ignore")
def test_an_error_in_one_of_two_processes_ends_both(lightning: Any, tmp_path: Path) -> None:
    model = digits(lightning)
    watching = callback(watched(model, tmp_path, measures=[Fails()]))
    with pytest.raises(Exception, match=r"ZeroDivisionError|the first process stopped"):
        trainer(lightning, tmp_path, [watching], strategy="ddp_fork", devices=2).fit(model, *loaders())


def test_a_part_of_the_module_may_be_watched_and_another_network_not(lightning: Any, tmp_path: Path) -> None:
    model = digits(lightning)
    part = watched(model.net, tmp_path, layers="1")
    trainer(lightning, tmp_path, [callback(part)], max_epochs=1).fit(model, *loaders())
    assert {r["layer"] for r in of(tmp_path, "number")} == {"1"}
    other = callback(watched(digits(lightning), tmp_path / "other"))
    with pytest.raises(
        InputError, match=r"^the monitor looks at another network than is trained; give Monitor the model"
    ):
        trainer(lightning, tmp_path, [other], max_epochs=1).fit(model, *loaders())


def test_what_waits_is_written_when_a_training_breaks(lightning: Any, tmp_path: Path) -> None:
    model = digits(lightning)
    monitor = watched(model, tmp_path / "there", strict=False)

    class Breaks(lightning.Callback):  # type: ignore[misc]
        def on_train_start(self, *_: Any) -> None:
            (tmp_path / "away").rename(tmp_path / "there")
            raise ArithmeticError

    (tmp_path / "there").rename(tmp_path / "away")
    with pytest.warns(RunLogWarning, match="cannot be written"), pytest.raises(ArithmeticError):
        trainer(lightning, tmp_path, [callback(monitor), Breaks()]).fit(model, *loaders())
    assert list(entropies(tmp_path / "there")) == [0]


def test_wrong_arguments(lightning: Any, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^monitor must be a Monitor, got 'run.jsonl'; write MonitorCallback\(Monitor"
    ):
        callback("run.jsonl")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^at must be one of epoch, step, got 'batch'$"):
        callback(watched(digits(lightning), tmp_path), at="batch")


def test_the_page(lightning: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = pages.run("watching.md", "Lightning")
    assert {r["step"] for r in read(tmp_path / "lightning.jsonl") if r["kind"] == "number"} >= {0, 1}
    assert names["trainer"].callback_metrics["diffspec/dsmi_y/net.1"] > 0
