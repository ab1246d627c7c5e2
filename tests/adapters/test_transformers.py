"""The callback in the real Trainer: a tiny transformer learns film reviews, and the numbers are wherever it reports."""

from __future__ import annotations

import gc
import json
import socket
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

import pages
from diffspec import InputError, dse
from diffspec.errors import RunLogWarning
from diffspec.runs.log import Record, read
from diffspec.training import DSE, Monitor, Probe, collect
from effort import only
from real_data import reviews

pytestmark = [
    pytest.mark.filterwarnings("default"),  # what the libraries warn of
    *(pytest.mark.filterwarnings(f"error::diffspec.errors.{name}Warning") for name in ("Layers", "RunLog", "Sink")),
]

POOLED = "eval_diffspec/dse/bert.pooler"
LENGTH = 16


@pytest.fixture(scope="module")
def transformers() -> Any:
    return import_module("transformers")


@pytest.fixture(scope="module")
def film() -> tuple[list[dict[str, Any]], dict[str, Any], Any]:
    """160 reviews to learn from, and the tokens and classes of 60 others."""
    texts, good = reviews(220)
    index = {
        word: place for place, word in enumerate(sorted({word for text in texts for word in text.split()}), start=2)
    }
    tokens = torch.zeros(220, LENGTH, dtype=torch.int64)
    for row, text in zip(tokens, texts, strict=True):
        found = [1, *(index[word] for word in text.split())][:LENGTH]
        row[: len(found)] = torch.tensor(found)
    inputs = {"input_ids": tokens, "attention_mask": (tokens > 0).long()}
    learnt = [{**{name: value[k] for name, value in inputs.items()}, "labels": good[k]} for k in range(160)]
    return learnt, {name: value[160:] for name, value in inputs.items()}, good[160:]


def bert(transformers: Any, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.BertConfig(vocab_size=3000, max_position_embeddings=LENGTH, num_labels=2, **sizes)
    return transformers.BertForSequenceClassification(config)


def watched(model: Any, film: Any, path: Path, **changes: Any) -> Monitor:
    settings: dict[str, Any] = {"measures": [DSE()], "changes": False, "pictures": (), "strict": True, **changes}
    settings = {"layers": "bert.pooler", "log": path / "run.jsonl", **settings}
    return Monitor(model, probe=Probe(film[1], film[2], batch_size=16), **settings)


def trainer(transformers: Any, model: Any, film: Any, path: Path, **changes: Any) -> Any:
    """Two epochs of five steps, evaluated after each."""
    settings = {"num_train_epochs": 2, "eval_strategy": "epoch", "save_strategy": "no", "report_to": "none", **changes}
    quiet = {"use_cpu": True, "disable_tqdm": True, "per_device_train_batch_size": 32, "learning_rate": 1e-3}
    settings["per_device_eval_batch_size"] = 30
    arguments = transformers.TrainingArguments(output_dir=path / "out", **quiet, **settings)
    held = [{**{name: value[k] for name, value in film[1].items()}, "labels": film[2][k]} for k in range(len(film[2]))]
    accuracy = lambda found: {"accuracy": float((found.predictions.argmax(1) == found.label_ids).mean())}  # noqa: E731
    return transformers.Trainer(model, arguments, train_dataset=film[0], eval_dataset=held, compute_metrics=accuracy)


def watching(monitor: Monitor, found: Any) -> Any:
    from diffspec.adapters.transformers import MonitorCallback

    callback = MonitorCallback(monitor, found)
    found.add_callback(callback)
    return callback


def of(path: Path, kind: str, **wanted: Any) -> list[Record]:
    records = [r for r in read(path / "run.jsonl") if r["kind"] == kind]
    return [r for r in records if all(r[name] == value for name, value in wanted.items())]


def entropies(path: Path) -> dict[int, float]:
    return {r["step"]: r["value"] for r in of(path, "number", name="DSE(Z)", rule="neighbors")}


def test_numbers_are_in_the_log_and_wherever_the_trainer_reports(
    transformers: Any, film: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "tb"))
    model = bert(transformers)
    before = collect(model, "bert.pooler", [film[1]])["bert.pooler"]
    fit = trainer(transformers, model, film, tmp_path, report_to="tensorboard")
    watching(watched(model, film, tmp_path), fit)
    fit.train()
    found = entropies(tmp_path)
    assert list(found) == [0, 5, 10]  # before training, and at the end of each epoch of five steps
    assert found[0] == dse(before).value
    assert found[10] == dse(collect(model, "bert.pooler", [film[1]])["bert.pooler"]).value
    assert len(set(found.values())) == 3
    history = {row["step"]: row[POOLED] for row in fit.state.log_history if POOLED in row}
    assert history == found
    (folder,) = {file.parent for file in (tmp_path / "tb").rglob("events*")}
    events = EventAccumulator(str(folder))
    events.Reload()
    seen = {event.step: event.value for event in events.Scalars("eval/diffspec/dse/bert.pooler")}
    assert seen == pytest.approx(found, rel=1e-6)
    accuracies = of(tmp_path, "scalar", name="eval_accuracy")
    assert [r["step"] for r in accuracies] == [5, 10]
    assert {r["name"] for r in of(tmp_path, "scalar")} == {"eval_accuracy", "eval_loss"}  # no timings


def test_all_evaluations_of_a_step_are_in_the_run_log(transformers: Any, film: Any, tmp_path: Path) -> None:
    model = bert(transformers)
    fit = trainer(transformers, model, film, tmp_path, num_train_epochs=1, eval_on_start=True)
    fit.eval_dataset = {"long": fit.eval_dataset, "short": fit.eval_dataset[:20]}
    watching(watched(model, film, tmp_path), fit)
    fit.train()
    held = {
        (row["step"], name): row[name] for row in fit.state.log_history for name in row if name.endswith("accuracy")
    }
    assert set(held) == {(step, f"eval_{name}_accuracy") for step in (0, 5) for name in ("long", "short")}
    scalars = [r for r in of(tmp_path, "scalar") if r["name"].endswith("accuracy")]
    assert {(r["step"], r["name"]): r["value"] for r in scalars} == held
    assert list(entropies(tmp_path)) == [0, 5]


def test_monitors_of_the_same_layers_have_keys_of_their_own(transformers: Any, film: Any, tmp_path: Path) -> None:
    model = bert(transformers)
    fit = trainer(transformers, model, film, tmp_path, num_train_epochs=1)
    watching(watched(model, film, tmp_path), fit)
    some = {name: value[:20] for name, value in film[1].items()}
    watching(watched(model, (None, some, film[2][:20]), tmp_path, run="some"), fit)
    fit.train()
    last = {r["run"]: r["value"] for r in of(tmp_path, "number", name="DSE(Z)", rule="neighbors", step=5)}
    found = {name: value for row in fit.state.log_history for name, value in row.items()}
    assert last["run"] != last["some"]
    assert (found[POOLED], found["eval_diffspec/some/dse/bert.pooler"]) == (last["run"], last["some"])


@pytest.mark.thorough  # those of test_the_page, and all of them
def test_the_standard_measures_of_tokens(transformers: Any, film: Any, tmp_path: Path) -> None:
    model = bert(transformers)
    fit = trainer(transformers, model, film, tmp_path, num_train_epochs=1)
    layers = {"bert.pooler": "none", "bert.encoder.layer.*": "cls"}
    watching(watched(model, film, tmp_path, layers=layers, measures=None), fit)
    fit.train()
    names = {(r["name"], r["layer"]) for r in of(tmp_path, "number")}
    wanted = ("bert.pooler", "bert.encoder.layer.0", "bert.encoder.layer.1")
    measures = ("DSE(Z)", "DSMI(Z;Y)", "adjusted DSMI(Z;Y)", "median distance")
    assert names == {(name, layer) for name in measures for layer in wanted}


def test_weights_are_those_of_a_training_without_it(transformers: Any, film: Any, tmp_path: Path) -> None:
    weights = []
    for with_it in (False, True):
        model = bert(transformers)
        fit = trainer(transformers, model, film, tmp_path, num_train_epochs=1)
        if with_it:
            watching(watched(model, film, tmp_path), fit)
        fit.train()
        weights.append(model.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_without_evaluation_it_looks_after_every_epoch(transformers: Any, film: Any, tmp_path: Path) -> None:
    model = bert(transformers)
    fit = trainer(transformers, model, film, tmp_path, eval_strategy="no", gradient_accumulation_steps=2)
    watching(watched(model, film, tmp_path), fit)
    fit.train()
    assert list(entropies(tmp_path)) == [0, 3, 6]  # two batches are one step


def test_the_best_model_and_early_stopping_go_by_the_numbers(transformers: Any, film: Any, tmp_path: Path) -> None:
    model = bert(transformers)
    best = {"metric_for_best_model": POOLED, "greater_is_better": False, "save_strategy": "epoch"}
    fit = trainer(transformers, model, film, tmp_path, num_train_epochs=9, load_best_model_at_end=True, **best)
    watching(watched(model, film, tmp_path), fit)
    fit.add_callback(transformers.EarlyStoppingCallback(early_stopping_patience=1, early_stopping_threshold=10.0))
    fit.train()
    found = entropies(tmp_path)
    assert list(found) == [0, 5, 10]  # stopped, since the second epoch was not 10 bits better
    assert fit.state.best_metric == min(found[5], found[10])
    again = dse(collect(model, "bert.pooler", [film[1]])["bert.pooler"])
    assert again.value == pytest.approx(fit.state.best_metric, rel=1e-9)  # the best weights are loaded


@pytest.mark.parametrize("restore", only([False, True], True))
def test_a_resumed_training_continues_the_log(transformers: Any, film: Any, tmp_path: Path, restore: bool) -> None:
    saved = {"save_strategy": "epoch", "restore_callback_states_from_checkpoint": restore}
    for epochs in (1, 2):
        model = bert(transformers, seed=epochs)
        fit = trainer(transformers, model, film, tmp_path, num_train_epochs=2, **saved)
        monitor = watched(model, film, tmp_path)
        watching(monitor, fit)
        if epochs == 1:
            fit.add_callback(_stops_after(transformers, 5))
            fit.train()
            before = entropies(tmp_path)
        else:
            fit.train(resume_from_checkpoint=str(tmp_path / "out" / "checkpoint-5"))
    assert list(before) == [0, 5]
    found = of(tmp_path, "number", name="DSE(Z)", rule="neighbors")
    assert [r["step"] for r in found] == [0, 5, 10]  # none measured again, and no warning
    state = json.loads((tmp_path / "out" / "checkpoint-10" / "trainer_state.json").read_text())
    (kept,) = [value for key, value in state["stateful_callbacks"].items() if key.startswith("diffspec")]
    assert kept["attributes"] == monitor.state_dict()


def _stops_after(transformers: Any, step: int) -> Any:
    class Stops(transformers.TrainerCallback):  # type: ignore[misc]
        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            control.should_training_stop = state.global_step >= step

    return Stops()


@pytest.mark.thorough  # goes on as a resumed training does
def test_a_checkpoint_of_a_training_without_it(transformers: Any, film: Any, tmp_path: Path) -> None:
    fit = trainer(transformers, bert(transformers), film, tmp_path, num_train_epochs=1, save_strategy="epoch")
    fit.train()
    model = bert(transformers)
    fit = trainer(transformers, model, film, tmp_path, save_strategy="epoch")
    watching(watched(model, film, tmp_path), fit)
    fit.train(resume_from_checkpoint=True)
    assert list(entropies(tmp_path)) == [5, 10]


def test_an_alert_ends_the_training(transformers: Any, film: Any, tmp_path: Path) -> None:
    model = bert(transformers)
    heard = list[Any]()
    fit = trainer(transformers, model, film, tmp_path, num_train_epochs=5)
    layer = {"bert.encoder.layer.1": "mean"}
    monitor = watched(model, film, tmp_path, layers=layer, stop_on="collapse", on_alert=heard.append)
    watching(monitor, fit)

    class Flattens(transformers.TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == 5:
                with torch.no_grad():
                    model.bert.encoder.layer[1].output.LayerNorm.weight.zero_()
                    model.bert.encoder.layer[1].output.LayerNorm.bias.fill_(1.0)

    fit.add_callback(Flattens())
    fit.train()
    assert [(one.name, one.step) for one in heard] == [("collapse", 5)]
    assert fit.state.global_step == 5  # of 25
    assert {
        row["step"] for row in fit.state.log_history if "eval_diffspec/alert_collapse/bert.encoder.layer.1" in row
    } == {5}


def of_two(rank: int, folder: Path, film: Any) -> None:
    """One of two processes that train together, as torchrun or accelerate start them."""
    import os

    import transformers

    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1")
    torch.set_num_threads(1)
    model = bert(transformers)
    fit = trainer(transformers, model, film, folder, num_train_epochs=2, ddp_backend="gloo", seed=1)
    monitor = watched(model, film, folder / f"{rank}")
    watching(monitor, fit)
    fit.train()
    seen: dict[str, Any] = {"processes": torch.distributed.get_world_size(), "found": fit.evaluate().get(POOLED)}
    seen |= {"history": {row["step"]: row[POOLED] for row in fit.state.log_history if POOLED in row}}
    seen |= {"weights": model.bert.pooler.dense.weight.detach()}
    torch.save(seen, folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.timeout(180)
def test_two_processes(transformers: Any, film: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MASTER_PORT", str(free.getsockname()[1]))
    film = (film[0][:155], *film[1:])  # uneven: 78 and 77 reviews
    torch.multiprocessing.start_processes(of_two, (tmp_path, film), nprocs=2, start_method="fork")
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    assert first["processes"] == second["processes"] == 2
    assert torch.equal(first.pop("weights"), second.pop("weights"))
    assert first == second  # the numbers are in both
    assert entropies(tmp_path / "0") == first["history"]
    assert list(first["history"]) == [0, 3, 6]
    assert not of(tmp_path / "1", "number")  # and in one log


def test_memory_does_not_grow(transformers: Any, film: Any, tmp_path: Path) -> None:
    model = bert(transformers)
    fit = trainer(transformers, model, film, tmp_path, num_train_epochs=3)
    watching(watched(model, film, tmp_path), fit)
    held, batches = list[int](), list[int]()

    class Weighs(transformers.TrainerCallback):  # type: ignore[misc]
        def on_evaluate(self, *_: Any, **__: Any) -> None:
            gc.collect()
            arrays = [one for one in gc.get_objects() if type(one) is torch.Tensor]
            held.append(sum(one.numel() for one in arrays))

    fit.add_callback(Weighs())

    def seen(_module: Any, _inputs: Any, output: Any) -> None:
        batches.append(len(output))

    model.bert.pooler.register_forward_hook(seen)
    fit.train()
    assert len(held) == 3
    assert held[1] == held[-1]  # the first evaluation makes what later ones have
    assert set(batches) == {32, 30, 16, 12}  # of the training, of evaluations, and of looks at 60 inputs


def test_another_network_is_refused(transformers: Any, film: Any, tmp_path: Path) -> None:
    fit = trainer(transformers, bert(transformers), film, tmp_path)
    watching(watched(bert(transformers), film, tmp_path), fit)
    with pytest.raises(InputError, match=r"^the monitor looks at another network than is trained; give"):
        fit.train()


def test_wrong_arguments(transformers: Any, film: Any, tmp_path: Path) -> None:
    model = bert(transformers)
    fit = trainer(transformers, model, film, tmp_path)
    with pytest.raises(InputError, match=r"^monitor must be a Monitor, got <"):
        watching(fit, fit)
    with pytest.raises(InputError, match=r"^trainer must be a transformers.Trainer, got .*; write trainer.add"):
        watching(watched(model, film, tmp_path), model)


def test_what_waits_is_written_at_the_end(transformers: Any, film: Any, tmp_path: Path) -> None:
    model = bert(transformers)
    fit = trainer(transformers, model, film, tmp_path)
    monitor = watched(model, film, tmp_path / "there", strict=False)

    class Moves(transformers.TrainerCallback):  # type: ignore[misc]
        def on_train_end(self, *_: Any, **__: Any) -> None:
            (tmp_path / "away").rename(tmp_path / "there")

    fit.add_callback(Moves())
    watching(monitor, fit)
    (tmp_path / "there").rename(tmp_path / "away")
    with pytest.warns(RunLogWarning, match="cannot be written"):
        fit.train()
    assert list(entropies(tmp_path / "there")) == [0, 5, 10]


def test_an_accelerator_is_a_sink(transformers: Any, film: Any, tmp_path: Path) -> None:
    from accelerate import Accelerator
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accelerator = Accelerator(log_with="tensorboard", project_dir=tmp_path, cpu=True)
    accelerator.init_trackers("tb")
    with watched(bert(transformers), film, tmp_path, sinks=[accelerator]) as monitor:
        wanted = monitor.observe(3)["diffspec/dse/bert.pooler"]
    accelerator.end_training()
    events = EventAccumulator(str(tmp_path / "tb"))
    events.Reload()
    (event,) = events.Scalars("diffspec/dse/bert.pooler")
    assert (event.step, event.value) == (3, pytest.approx(wanted, rel=1e-6))


def test_the_page(transformers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = pages.run("watching.md", "Hugging Face")
    (tmp_path / "trainer.jsonl").rename(tmp_path / "run.jsonl")
    pooled = of(tmp_path, "number", name="DSMI(Z;Y)", rule="neighbors", layer="bert.pooler")
    assert [r["step"] for r in pooled] == [0, 10]
    assert names["trainer"].state.best_metric > 0
