"""A cell of the training study: resumed in the middle, stopped when labels are known, failing alone."""

import json
import os
import re
import resource
import shutil
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from filelock import FileLock
from sklearn.datasets import load_digits

import recipes
from effort import only
from recipes.lab import data as _data
from recipes.lab import log as _log
from recipes.lab import many
from recipes.lab.command import Share, command
from recipes.training import cells, epochs
from recipes.training.history import History

TRAINING = recipes.load("training")
KEY = json.loads(json.dumps(TRAINING.plan(TRAINING.SMOKE)[0])) | {"train": 64, "batch": 32, "whole looks": [0, 2]}

EPOCH = epochs.Trainer.epoch


@pytest.fixture(autouse=True)
def build(tmp_path, monkeypatch):
    """Cells of a test leave nothing in the checkout."""
    monkeypatch.setattr(cells, "LIVE", tmp_path / "build")
    return tmp_path / "build"


def same(one, other):
    return {k: v for k, v in one.items() if "seconds" not in k} == {
        k: v for k, v in other.items() if "seconds" not in k
    }


@pytest.fixture(scope="module")
def folder_of_whole(tmp_path_factory):
    """The folder of the cell of the fixture `whole`."""
    return tmp_path_factory.mktemp("build") / cells.place(KEY).name


@pytest.fixture(scope="module")
def whole(folder_of_whole):
    """The cell, trained without interruption."""
    live, cells.LIVE = cells.LIVE, folder_of_whole.parent
    try:
        return cells.measure(**KEY)
    finally:
        cells.LIVE = live


@pytest.mark.parametrize(
    ("where", "at"),
    [
        pytest.param("epoch", 1, marks=pytest.mark.thorough),
        ("epoch", 2),  # goes on from a state
        ("_save", 1),  # there is none yet
        pytest.param("_save", 2, marks=pytest.mark.thorough),
    ],
)
@pytest.mark.filterwarnings("ignore:the run .* has reached step")
def test_a_killed_cell_goes_on_to_the_same_numbers(whole, build, monkeypatch, at, where):
    owner = epochs.Trainer if where == "epoch" else cells._Run
    right, calls = getattr(owner, where), []

    def killed(self, *given):
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt
        return right(self, *given)

    monkeypatch.setattr(owner, where, killed)
    with pytest.raises(KeyboardInterrupt):
        cells.measure(**KEY)
    monkeypatch.setattr(owner, where, right)
    trained = []
    monkeypatch.setattr(epochs.Trainer, "epoch", lambda self, k: trained.append(k) or EPOCH(self, k))
    again = cells.measure(**KEY)
    assert same(again, whole)
    assert trained == list(range(at if where == "epoch" else max(1, at - 1), 3))
    assert not (cells.place(KEY) / "state.pt").exists()


def test_a_state_of_another_cell_is_not_used(whole, build, monkeypatch):
    other = {**KEY, "rate": 0.5}
    right = cells._Run._save

    def once(self):
        right(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(cells._Run, "_save", once)
    with pytest.raises(KeyboardInterrupt):
        cells.measure(**other)
    monkeypatch.setattr(cells._Run, "_save", right)
    assert cells.place(other) != cells.place(KEY)
    shutil.copytree(cells.place(other), cells.place(KEY))  # as if the names had met
    assert same(cells.measure(**KEY), whole)


def test_a_file_system_without_locks_is_told_and_no_obstacle(whole, build, monkeypatch):
    def none(self, **given):
        raise NotImplementedError("no flock here")

    monkeypatch.setattr(cells.FileLock, "acquire", none)
    said = []
    assert same(cells.measure(said.append, **KEY), whole)
    assert said[0] == "this cell cannot be locked (no flock here): let no other process train it"


def test_a_state_that_cannot_be_written_leaves_the_one_before(build, monkeypatch):
    right, limits = cells._Run._save, resource.getrlimit(resource.RLIMIT_FSIZE)

    def full(self):
        if self.history.next == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        right(self)

    monkeypatch.setattr(cells._Run, "_save", full)
    try:
        cell = _log.measured(cells.measure, KEY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert re.fullmatch(r"InputError: .*state\.pt cannot be written \(.*\); .*", cell.error)
    found = {path.name for path in cells.place(KEY).iterdir()}
    assert found == {"run.jsonl", "state.pt", "embedding-0.npz", "embedding-1.npz"}  # nothing half-written takes room
    state = torch.load(cells.place(KEY) / "state.pt", weights_only=False)
    assert state["history"].next == 1


@pytest.mark.parametrize("left", only([b"", b"PK half of it"], b"PK half of it"))
def test_a_damaged_state_is_not_used(whole, build, left):
    cells.place(KEY).mkdir(parents=True)
    (cells.place(KEY) / "run.jsonl").touch()
    (cells.place(KEY) / "state.pt").write_bytes(left)
    assert same(cells.measure(**KEY), whole)


def test_of_two_processes_that_train_a_cell_the_second_waits(whole, build, monkeypatch):
    trained, said, waits, found = [], [], threading.Event(), []
    monkeypatch.setattr(epochs.Trainer, "epoch", lambda self, k: trained.append(k) or EPOCH(self, k))

    def say(line):
        said.append(line)
        waits.set()

    build.mkdir()
    held = FileLock(f"{cells.place(KEY)}.lock")  # as another process that trains the cell holds it
    second = threading.Thread(target=lambda: found.append(cells.measure(say, **KEY)), daemon=True)
    try:
        with held:
            second.start()
            assert waits.wait(60)
            assert said == [f"waits for another process that trains this cell ({held.lock_file})"]
            second.join(0.3)
            assert second.is_alive()
            assert trained == []
            assert list(build.iterdir()) == [Path(held.lock_file)]
    finally:
        second.join(120)
    assert trained == [1, 2]
    assert said[1].startswith("live view")
    assert same(found[0], whole)


def test_wrong_labels_end_when_they_are_known(build):
    key = {**KEY, "condition": "wrong labels", "train": 20, "batch": 10, "epochs": 60, "looks": [0], "whole looks": [0]}
    values = cells.measure(**{**key, "rate": 3e-3})
    assert values["memorised"] is True
    assert values["epochs"] < 60
    assert values["train accuracy by epoch"][-1] >= 0.99
    assert values["looks"] == [0, values["epochs"]]
    assert values["CSE(Z)"][-1] is not None  # the last look is a whole one
    known = [share for share in values["train accuracy by epoch"] if share is not None]
    assert all(share < 0.99 for share in known[:-1])


def test_a_network_that_never_memorises_stops_at_the_cap_and_is_marked(build):
    few = {"looks": [0], "whole looks": []}
    values = cells.measure(**{**KEY, **few, "condition": "wrong labels", "rate": 0.0})
    assert (values["memorised"], values["epochs"]) == (False, 2)


def test_a_loss_that_is_no_number_fails_its_cell_alone(build, tmp_path):
    log = _log.Log(tmp_path / "cells.jsonl")
    key = {**KEY, "epochs": 1, "looks": [1], "whole looks": []}
    many.measure_all(log, cells.measure, [{**key, "rate": 1e30}, key], lambda key: 1.0)
    assert (log.measured, log.failed) == (2, 1)
    assert "FloatingPointError: the loss was" in _log.read(log.path)[0].error


def test_out_of_memory_halves_the_batch_once(build, monkeypatch):
    key, sizes = {**KEY, "looks": [2], "whole looks": []}, []

    def small(self, views, labels):
        sizes.append(len(labels))
        if len(labels) > 20:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return step(self, views, labels)

    step = epochs.Trainer._step
    monkeypatch.setattr(epochs.Trainer, "_step", small)
    said = []
    values = cells.measure(say=said.append, **key)
    assert values["batch"] == 16
    assert "out of memory with batches of 32: goes on with 16" in said
    assert said[0] == f"live view: diffspec watch {cells.place(key) / 'run.jsonl'}"
    assert sizes[0] == 32
    assert set(sizes[1:]) == {16}
    monkeypatch.setattr(epochs.Trainer, "_step", lambda *given: (_ for _ in ()).throw(torch.OutOfMemoryError("again")))
    assert _log.measured(cells.measure, {**key, "seed": 5}).error == "OutOfMemoryError: again"


def test_the_network_that_was_too_large_is_gone_before_the_next(build, monkeypatch):
    networks = []

    def too_large(self, epoch):
        if networks:
            assert networks[0]() is None, "two networks at once"
            raise RuntimeError("enough seen")
        networks.append(weakref.ref(self.network))
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(epochs.Trainer, "epoch", too_large)
    with pytest.raises(RuntimeError, match="enough seen"):
        cells.measure(**{**KEY, "looks": [2], "whole looks": []})


def test_early_stopping_and_weights(build):
    key = {**KEY, "rate": 0.0, "epochs": 9, "patience": 2, "weights": True, "looks": [0]}
    values = cells.measure(**key)
    assert values["epochs"] == 2
    found = {path.name: torch.load(path)["epoch"] for path in cells.place(key).glob("weights-*")}
    assert found == {"weights-0.pt": 0, "weights-2.pt": 2, "weights-best.pt": 0}


def test_the_best_weights_are_kept_too(build):
    key = {**KEY, "condition": "wrong labels", "epochs": 4, "rate": 3e-3, "whole looks": [], "looks": [0]}
    values = cells.measure(**key, weights=True)
    pairs = zip(values["accuracy by epoch"], values["train accuracy by epoch"], strict=True)
    kept = torch.load(cells.place({**key, "weights": True}) / "weights-best.pt")
    assert kept["epoch"] == int(np.argmax([(trained or 0.0) - held for held, trained in pairs])) > 0
    assert set(kept["weights"]) == set(torch.load(cells.place({**key, "weights": True}) / "weights-4.pt")["weights"])


def test_labels_that_people_gave_are_learnt_where_they_are_there(build, tmp_path, monkeypatch):
    monkeypatch.setenv(_data.VARIABLE, str(tmp_path))
    assert TRAINING.of_people(TRAINING.CPU) == []
    true = load_digits().target[:1000]
    torch.save({"clean_label": true, "worse_label": (true + 1) % 10}, tmp_path / "CIFAR-10_human.pt")
    keys = TRAINING.of_people(TRAINING.CPU)
    assert len(keys) == 18
    assert {(key["data"], key["condition"], key["epochs"]) for key in keys} == {("CIFAR-10", "human labels", 15)}
    learnt = []
    monkeypatch.setattr(epochs.Trainer, "epoch", lambda self, k: learnt.append(self.labels) or EPOCH(self, k))
    values = cells.measure(**{**KEY, "condition": "human labels", "epochs": 1, "looks": [1]})
    assert learnt[0].tolist() == ((true[:64] + 1) % 10).tolist()
    assert "memorised" not in values


def test_histories_know_the_best_epoch():
    history, best = History(), []
    for accuracy, trained in ((0.1, None), (0.3, 0.3), (None, 0.5), (0.3, 0.7), (0.4, 0.75)):
        known = {"accuracy": accuracy, "train accuracy": trained}
        history.add({name: value for name, value in known.items() if value is not None})
        best.append((history.best(memorising=False), history.best(memorising=True)))
    assert best == [(True, True), (True, True), (False, False), (False, True), (True, False)]


def test_embeddings_are_kept_at_looks_of_small_cells(whole, folder_of_whole):
    found = {path.name for path in folder_of_whole.glob("embedding-*")}
    assert found == {"embedding-0.npz", "embedding-1.npz", "embedding-2.npz"}
    with np.load(folder_of_whole / "embedding-2.npz") as stored:
        assert stored["points"].shape == (KEY["held"], 128)
        assert stored["points"].dtype == np.float16


def test_the_untrained_network_is_seen_calibrated_too(whole):
    assert whole["calibrated"]["looks"] == 0
    assert whole["calibrated"]["median distance"] != whole["median distance"][0]


def test_scaled_steps_without_norms_go_on_where_they_were_killed(build, monkeypatch):
    scaled = {"norms": False, "step of": 0.01, "initialiser": "conv std 0.1", "rate": 1e-4}
    key = {**KEY, **scaled, "looks": [0], "whole looks": []}
    whole = cells.measure(**key)
    assert whole["relative step"] == pytest.approx(0.01)
    assert "calibrated" not in whole
    assert whole["calibration error by epoch"][-1] >= 0
    right = cells._Run._save

    def once(self):
        right(self)
        if self.history.next == 2:
            raise KeyboardInterrupt

    shutil.rmtree(cells.place(key))
    monkeypatch.setattr(cells._Run, "_save", once)
    with pytest.raises(KeyboardInterrupt):
        cells.measure(**key)
    monkeypatch.setattr(cells._Run, "_save", right)
    assert same(cells.measure(**key), whole)


@pytest.mark.parametrize("condition", only(["supervised", "contrastive"], "supervised"))
def test_what_is_added_to_the_loss_changes_what_is_learnt(whole, build, condition):
    key = {**KEY, "condition": condition, "pixels": 32, "epochs": 1, "looks": [1], "whole looks": []}
    name = "DSE(Z), median"
    low, plain, high = (
        cells.measure(**{**key, "auxiliary": "DSE, median", "weight": weight, "rate": 3e-3})[name][-1]
        for weight in (10.0, 0.0, -10.0)
    )
    assert low < plain < high


def test_histories_know_when_a_tenth_is_passed_and_when_nothing_improves():
    history, passed = History(), []
    for accuracy in (0.1, 0.25, 0.29, 0.2, 0.41, 0.40):
        history.add({"epoch": history.next, "accuracy": accuracy})
        passed.append(history.passed("accuracy"))
    assert passed == [False, True, False, False, True, False]
    assert not history.stalled(None)
    assert history.stalled(1)
    assert not history.stalled(2)
    history.add({"epoch": 6})
    assert history.last("accuracy") == 0.0
    assert history.values()["accuracy by epoch"][-1] is None


def test_workers_share_the_cells(tmp_path):
    seen = {}
    for share in ((1, 2), (2, 2)):
        log = _log.Log(tmp_path / "cells.jsonl", share=share)
        for x in range(5):
            log.cell(lambda x: {"y": float(x)}, x=x)
        seen[share] = log.measured
    assert seen == {(1, 2): 3, (2, 2): 2}
    assert [cell.key["x"] for cell in _log.Log(tmp_path / "cells.jsonl").cells] == [0, 2, 4, 1, 3]


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/"])
def test_a_share_that_is_none_is_refused(text):
    found = CliRunner().invoke(command, ["training", "--cells", text])
    assert found.exit_code == 2
    assert f"{text!r} is no share; write 1/2 and 2/2 for two workers" in found.output
    assert Share().convert("2/3", None, None) == (2, 3)


def test_the_plans_hold_all_cells_a_seed_at_a_time():
    for settings, seeds in ((TRAINING.CPU, (0, 1, 2)), (TRAINING.PAPER, (1, 2, 3))):
        keys = TRAINING.plan(settings)
        assert len({json.dumps(key, sort_keys=True) for key in keys}) == 162
        assert [key["seed"] for key in keys] == [seed for seed in seeds for _ in range(54)]
        assert all(TRAINING.price(key) > 0 for key in keys)
    assert keys[0]["condition"] == "supervised"


def test_the_papers_settings():
    keys = TRAINING.plan(TRAINING.PAPER)
    shared = {"small": False, "pixels": 224, "batch": 128, "epochs": 199, "warmup": 10, "initialiser": "paper"}
    assert all(key.items() >= (shared | {"loss": "published", "decay": 1e-2}).items() for key in keys)
    assert {(key["data"], key["rate"]) for key in keys} == {("MNIST", 1e-5), ("CIFAR-10", 1e-4), ("STL-10", 1e-4)}
    extended = {(key["data"], key["condition"]) for key in keys if "extended" in key}
    assert extended == {("STL-10", "supervised"), ("STL-10", "contrastive")}
    assert next(key["looks"][:3] for key in keys if key["condition"] == "contrastive") == [0, 5, 10]


def two_steps(key):
    """A cell of the published size, cut to two steps and few images, on data that are here."""
    few = {
        "steps": 2,
        "batch": 2,
        "train": 4,
        "held": 8,
        "measured": 8,
        "epochs": 1,
        "looks": [1],
        "whole looks": [1],
    }
    return {**key, **few, "data": "digits", "extended": 0, "warmup": 1}


CELLS = TRAINING.plan(TRAINING.PAPER)[:54]
SAMPLE = [6, 22, 44]
"""What is tried of them by `make test-all`; all by DIFFSPEC_ALL_CELLS=1, in half an hour."""

TRIED = only(SAMPLE, 22)
"""By `make test` the one that takes least; that networks of this size are built, `test_networks` sees."""


@pytest.mark.parametrize("number", range(54) if os.environ.get("DIFFSPEC_ALL_CELLS") else TRIED)
def test_two_steps_at_the_published_size(number, build):
    values = cells.measure(**two_steps(CELLS[number]))
    assert values["epochs"] == 1
    assert "failures" not in values
    assert values["DSE(Z), sigma = 10"][-1] >= 0
    assert any(name.endswith("DSMI(Z;Y), neighbors") and name.startswith("encoder.") for name in values)


def test_the_sample_has_every_condition():
    found = [CELLS[number] for number in SAMPLE]
    assert {(key["network"], key["condition"]) for key in found} == {
        ("convnext", "supervised"),
        ("vit", "wrong labels"),
        ("xcit", "contrastive"),
    }
