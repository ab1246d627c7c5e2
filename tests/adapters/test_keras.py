"""The page on Keras 3: its ten lines in a real `model.fit`, with numbers that callbacks after them find."""

from __future__ import annotations

import csv
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

import pages
from diffspec import dse
from diffspec.runs.log import read
from diffspec.training import DSE, Monitor, Probe
from real_data import mnist

pytestmark = pytest.mark.filterwarnings("default")  # what the libraries warn of


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("KERAS_BACKEND", "torch")  # read once, at the first import in this process
    found = import_module("keras")
    assert found.backend.backend() == "torch"
    return found


def entropies(path: Path) -> list[float]:
    return [r["value"] for r in read(path) if r.get("name") == "DSE(Z)" and r["rule"] == "neighbors"]


def test_the_page(keras: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = pages.run("watching.md", "Keras 3")
    records = read(tmp_path / "keras.jsonl")
    assert {r["step"] for r in records if r["kind"] == "number"} == {0, 1, 2}
    assert {(r["name"], r["step"]) for r in records if r["kind"] == "scalar"} == {
        (name, step) for name in ("accuracy", "loss") for step in (1, 2)
    }
    assert not [r for r in records if r["kind"] == "failure"]
    hidden = names["hidden"]
    points = keras.ops.convert_to_numpy(hidden(names["probe"].inputs.numpy()))
    assert entropies(tmp_path / "keras.jsonl")[-1] == dse(points).value
    assert names["history"].history["diffspec/dse/places.hidden"] == entropies(tmp_path / "keras.jsonl")[1:]

    # What comes after it in the list of callbacks finds the numbers; the same weights come of a training without it.
    images, digits = (some.numpy() for some in mnist(200))
    learnt = []
    for watched in (False, True):
        keras.utils.set_random_seed(0)
        layers = [
            keras.layers.Dense(24, activation="relu", name="hidden"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(10),
        ]
        model = keras.Sequential([keras.layers.Input((784,)), *layers])
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        callbacks = []
        if watched:
            seen = names["Layers"](model, "hidden")
            log = tmp_path / "mnist.jsonl"
            monitor = Monitor(
                seen, layers="places.hidden", probe=Probe(*mnist(60, "t10k")), measures=[DSE()], log=log, strict=True
            )
            look = keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs, monitor=monitor: logs.update(monitor.observe(epoch + 1, **logs))
            )
            stop = keras.callbacks.EarlyStopping("diffspec/dse/places.hidden", mode="max", min_delta=10, patience=1)
            callbacks = [look, keras.callbacks.CSVLogger(tmp_path / "log.csv"), stop]
        model.fit(images, digits, epochs=9 if watched else 2, callbacks=callbacks, verbose=0)
        learnt.append([torch.as_tensor(weight) for weight in model.get_weights()])
    assert all(torch.equal(one, other) for one, other in zip(*learnt, strict=True))
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["diffspec/dse/places.hidden"]) for row in rows] == entropies(tmp_path / "mnist.jsonl")
    assert len(rows) == 2  # and stopped, since the second epoch was not 10 bits better
