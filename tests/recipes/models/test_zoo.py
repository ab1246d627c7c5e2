"""Networks drawn at random: how they are drawn, trained, kept and asked."""

import json

import numpy as np
import pytest
import torch

import recipes
from recipes.lab.log import Cell
from recipes.models import asked, drawn, measures, trained, zoo_tables

ZOO = recipes.load("zoo")
SIZES = {"seen": [200, 400], "images": 800, "held": 400, "kept": 300, "probed": 200}
KEY = {**json.loads(json.dumps(ZOO.plan(ZOO.SMOKE)[2])), **SIZES}  # a perceptron


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(trained, "KEPT", tmp_path)
    return trained.place(KEY)


def test_settings_are_of_the_number_alone_and_all_different():
    some = [drawn.settings("MNIST", k, (300, 5000), 1000) for k in range(40)]
    assert some == [drawn.settings("MNIST", k, [300, 5000], 1000) for k in range(40)]
    assert len({json.dumps(one) for one in some}) == 40
    assert some[0] != drawn.settings("CIFAR-10", 0, (300, 5000), 1000)
    assert [one["family"] for one in some[:8]] == [*drawn.FAMILIES, *drawn.FAMILIES]
    assert all(250 <= one["train"] * one["epochs"] <= 5200 and one["train"] <= 1000 for one in some)
    assert {one["wrong"] > 0 for one in some} == {one["augmented"] for one in some} == {False, True}


@pytest.mark.parametrize("number", range(8))
def test_every_network_gives_points_and_logits(number):
    one = drawn.settings("MNIST", number, (300, 5000), 1000)
    network = drawn.build(one, 10).eval()
    points = network.encoder(torch.zeros(2, 3, 32, 32))
    assert points.ndim == 2
    assert network.linear(points).shape == (2, 10)


def test_accuracy_is_that_of_the_logits_and_features_are_kept(place):
    found = trained.train(**KEY)
    kept = trained.kept(KEY)
    assert kept["points"].dtype == np.float16
    assert kept["points"].shape == (300, found["d"])
    right = np.mean(kept["logits"].argmax(1) == kept["labels"])
    assert right == pytest.approx(found["accuracy"], abs=0.08)  # of 300 of the 400 held-out images
    assert kept["digits train points"].shape == (200, found["d"])


def test_images_of_another_data_set_are_as_many_as_are_looked_at_however_many_train_a_network():
    network = drawn.build(drawn.settings("digits", 2, (200, 400), 800), 10).eval()
    found = trained._seen_elsewhere(network, "digits", {"images": 10**6, "held": 10**6, "probed": 30})
    assert {name: len(values) for name, values in found.items() if name.endswith("labels")} == {
        "digits train labels": 30,
        "digits held labels": 30,
    }


def test_what_is_kept_is_not_trained_again_and_what_is_gone_is(place, monkeypatch):
    calls = []
    once = trained.train
    monkeypatch.setattr(trained, "train", lambda **key: calls.append(key) or once(**key))
    first = trained.kept(KEY)
    again = trained.kept(KEY)
    assert len(calls) == 1
    assert np.array_equal(first["points"], again["points"])
    place.unlink()
    assert np.array_equal(trained.kept(KEY)["points"], first["points"])
    assert len(calls) == 2


def test_a_share_of_the_labels_is_wrong():
    data = trained.load("digits", 800, 400)
    one = {**drawn.settings("digits", 2, (200, 400), 800), "train": 500, "wrong": 0.4}
    network = drawn.build(one, 10)
    trainer = trained._trainer(network, data, one, seed=0)
    differ = float((trainer.labels != data.train.labels[:500]).double().mean())
    assert 0.3 < differ <= 0.4
    assert torch.equal(trainer.labels.bincount(), data.train.labels[:500].bincount())


def test_a_measure_that_refuses_is_told():
    found = measures.measured(np.ones((30, 2)), np.arange(30) % 3, ["LogME", "-NC1", "10-NN probe"])
    assert list(found["refused"]) == ["-NC1"]
    assert "equal ones up to rounding" in found["refused"]["-NC1"]


def test_a_probe_is_a_regression_on_standardised_points(rng):
    labels = np.arange(200) % 2
    points = np.stack([1e-3 * (labels + 0.1 * rng.normal(size=200)), 1e3 * rng.normal(size=200)], axis=1)
    parts = [{"points": points[some], "labels": labels[some]} for some in (slice(100), slice(100, None))]
    assert asked.probe(*parts) > 0.95


def measured(number, accuracy, adjusted, data="MNIST"):
    key = {"data": data, "number": number}
    values = {"accuracy": accuracy, "drawn": {"family": drawn.FAMILIES[number % 4]}}
    told = {name: adjusted if name == measures.ADJUSTED else -accuracy for name in measures.MEASURES}
    return [
        Cell(key=key, values=values),
        Cell(key={"network": {"drawn": key}, "n": 9}, values=told | {"probe": 1 - accuracy}),
        Cell(
            key={"network": {"drawn": key}, "counts": [5, 9], "shares": [0.0], "n": 9},
            values={
                "by points": {name: [[adjusted, None], [adjusted]] for name in measures.FEW},
                "by wrong labels": {name: [accuracy] for name in measures.FEW},
            },
        ),
    ]


def test_tables_join_what_was_measured_with_what_was_trained():
    cells = [cell for k in range(12) for cell in measured(k, k / 12, float(k))]
    cells.append(
        Cell(key={"network": {"networks2": "x"}, "n": 9}, values={"data": "MNIST", "family": "f", "accuracy": 0.5})
    )
    found = zoo_tables.numbers(cells)
    assert found["networks"] == 12
    assert found[f"{measures.ADJUSTED}: MNIST, drawn here"] == pytest.approx(1.0)
    assert found["LogME: MNIST, drawn here"] == pytest.approx(-1.0)
    assert found["adjusted less the best: MNIST, all"] == pytest.approx(2.0)
    assert zoo_tables.by_points(cells)["MNIST"][5]["LogME"] == pytest.approx(1.0)
    assert zoo_tables.by_wrong_labels(cells)["MNIST"][0.0]["LogME"] == pytest.approx(1.0)
    assert "| MNIST, drawn here (12) | 1.00 |" in zoo_tables.table(cells)


def test_what_features_allow_is_asked_beside_what_the_classifier_reaches(place):
    cells = [cell for k in range(12) for cell in measured(k, k / 12, float(k))]
    rows = zoo_tables.probed(cells)["MNIST"]
    assert [row.accuracy for row in rows] == [1 - k / 12 for k in range(12)]
    assert [row.values["accuracy of its classifier"] for row in rows] == [k / 12 for k in range(12)]
    assert zoo_tables.numbers(cells)[f"{measures.ADJUSTED} with a probe: MNIST"] == pytest.approx(-1.0)
    found = asked.whole({"drawn": KEY}, 200)
    kept = trained.kept(KEY)
    parts = (
        {"points": kept["points"][some].astype(float), "labels": kept["labels"][some]}
        for some in (slice(200, None), slice(200))
    )
    assert found["probe"] == asked.probe(*parts)
    assert "probe" not in asked.whole({"drawn": KEY}, 300)  # all features that are kept are measured
