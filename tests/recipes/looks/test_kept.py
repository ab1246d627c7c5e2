"""Cells of the recipe `training` that are kept are not trained again; all others are."""

import json

import numpy as np
import pytest

import recipes
from recipes.lab.log import Cell, Log
from recipes.looks import kept
from recipes.training import cells

TRAINING = recipes.load("training")
KEY = json.loads(json.dumps(TRAINING.plan(TRAINING.SMOKE)[0]))


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(cells, "LIVE", tmp_path / "build")
    folder = cells.place(KEY)
    folder.mkdir(parents=True)
    for epoch in (0, 2, 10):
        np.savez(folder / f"embedding-{epoch}.npz", points=np.full((3, 2), epoch, np.float16), labels=np.arange(3))
    return folder


@pytest.fixture
def trainings(monkeypatch):
    made = []
    monkeypatch.setattr(cells, "measure", lambda **key: made.append(key) or {"looks": [0], "new": 1.0})
    return made


@pytest.fixture
def results(tmp_path):
    log = Log(tmp_path / "results" / "training" / "smoke.jsonl")
    log.add(Cell(key=KEY, values={"looks": [0, 2, 10]}))
    return str(log.path)


def test_a_kept_cell_is_not_trained_again(place, trainings, results):
    found, folder = kept.trained(KEY, results)
    assert found == {"looks": [0, 2, 10]}
    assert folder == place
    assert kept.curves(KEY, results) == found
    assert trainings == []


def test_a_cell_in_training_is_trained_to_its_end(place, trainings, results):
    (place / "state.pt").touch()
    assert kept.trained(KEY, results)[0] == {"looks": [0], "new": 1.0}
    assert trainings == [KEY]


def test_a_cell_whose_embeddings_are_gone_or_only_begun_is_trained(place, trainings, results):
    for epoch in (2, 10):
        (place / f"embedding-{epoch}.npz").unlink()
    assert "new" in kept.trained(KEY, results)[0]


def test_another_setting_is_another_cell(place, trainings, results):
    assert "new" in kept.trained({**KEY, "rate": 0.5}, results)[0]
    assert "new" in kept.curves({**KEY, "rate": 0.5}, results)
    assert [key["rate"] for key in trainings] == [0.5, 0.5]


def test_a_failed_cell_and_a_missing_file_are_trained(place, trainings, results, tmp_path):
    failed = Log(tmp_path / "failed.jsonl")
    failed.add(Cell(key=KEY, error="no memory"))
    assert "new" in kept.curves(KEY, str(failed.path))
    assert "new" in kept.trained(KEY, str(tmp_path / "none.jsonl"))[0]


def test_embeddings_are_those_of_the_epochs_that_were_kept(place):
    found = list(kept.embeddings(place, [0, 1, 10]))
    assert [epoch for epoch, _look in found] == [0, 10]
    points, labels = found[1][1]
    assert points.dtype == np.float64
    assert points.tolist() == [[10.0, 10.0]] * 3
    assert labels.tolist() == [0, 1, 2]


def test_the_results_of_training_lie_beside(tmp_path):
    assert kept.beside(Log(tmp_path / "watching" / "cpu.jsonl")) == str(tmp_path / "training" / "cpu.jsonl")
