"""One training, measured as it goes: a cell. Killed in the middle, it goes on from its last whole epoch."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from filelock import FileLock, Timeout

from diffspec.files.writing import replace
from diffspec.runs.log import RunLog
from diffspec.training import Probe
from recipes.lab.data import folder
from recipes.training.conditions import CONDITIONS
from recipes.training.epochs import Trainer
from recipes.training.history import History
from recipes.training.inputs.data import Data, load, wrong
from recipes.training.inputs.published import PEOPLE, human_labels
from recipes.training.measuring import Monitors, collected
from recipes.training.networks.families import blocks, build, device
from recipes.training.networks.initialisers import drop_norms, initialise

__all__ = ["LIVE", "measure", "place"]

Key: TypeAlias = Mapping[str, Any]

LIVE = Path(__file__).resolve().parents[2] / "build" / "training"
"""Run logs, states and embeddings of cells; nothing of it is needed once a cell is done."""

MEASURED = 1000
"""Held-out images that are measured; the accuracy is that of all held-out ones."""

MEMORISED = 0.99
"""Share of wrong labels that are known by heart when training on them ends."""

RUN, CALIBRATED = "cell", "cell, calibrated"


def measure(say: Callable[[str], None] = lambda _line: None, **key: Any) -> dict[str, Any]:
    """Train the network of the cell `key` and return its curves; goes on where a killed process stopped.

    Where a GPU's memory is too small, once more with batches of half the size. Of two processes that measure the same
    cell in one checkout, as two recipes may, the second waits for the first.
    """
    with _alone(key, say):
        with suppress(torch.OutOfMemoryError):
            return _measured(key, key["batch"], say)
        # Not inside an `except`: there the error would hold all that was on the GPU.
        half = key["batch"] // 2
        say(f"out of memory with batches of {key['batch']}: goes on with {half}")
        return {**_measured(key, half, say), "batch": half}


def place(key: Key) -> Path:
    """The folder of the cell `key`, of which no other cell takes anything."""
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    return LIVE / f"{key['network']}-{key['data']}-{key['condition']}-{key['seed']}-{digest}".replace(" ", "_")


@contextmanager
def _alone(key: Key, say: Callable[[str], None]) -> Iterator[None]:
    """No other process writes to the folder of the cell meanwhile, where the file system knows locks."""
    lock = FileLock(f"{place(key)}.lock")
    try:
        LIVE.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        say(f"waits for another process that trains this cell ({lock.lock_file})")
        lock.acquire()
    except (OSError, NotImplementedError) as error:
        say(f"this cell cannot be locked ({error}): let no other process train it")
    try:
        yield
    finally:
        lock.release()


def _measured(key: Key, batch: int, say: Callable[[str], None]) -> dict[str, Any]:
    data = load(key["data"], key["train"], key["held"], key.get("extended", 0))
    with torch.random.fork_rng():
        torch.manual_seed(key["seed"])
        network = build(key["network"], data.classes, key["pixels"], small=key["small"])
        if not key.get("norms", True):
            drop_norms(network)
        initialise(network, key["initialiser"])
        run = _Run(key, data, network.to(device()), batch)
        run.through(say)
    return run.finished()


class _Run:
    """A cell in training: its trainer, its monitors and its folder."""

    def __init__(self, key: Key, data: Data, network: Any, batch: int) -> None:
        self.key, self.data, self.folder = key, data, place(key)
        self.condition = CONDITIONS[key["condition"]]
        self.trainer = Trainer(network, data, self._labels(), key, batch)
        self.history = History()
        self.log = self.folder / "run.jsonl"
        if not self._resumed():
            shutil.rmtree(self.folder, ignore_errors=True)
            RunLog(self.log)
        self.probe = _probe(data, key)
        watched = blocks(key["network"], network.encoder) if key.get("blocks") else None
        self.monitors = Monitors(network, self.probe, self.log, run=RUN, settings=dict(key), blocks=watched)

    def _labels(self) -> Any:
        """What is learnt of the training images."""
        true = self.data.train.labels
        if self.condition.wrong:
            return wrong(true, self.key["seed"])
        if self.condition.people:
            return torch.as_tensor(human_labels(folder() / PEOPLE, self.condition.people, true)).long()
        return true

    def through(self, say: Callable[[str], None]) -> None:
        """Every epoch, looks among them, until the last, or until the wrong labels are known."""
        say(f"live view: diffspec watch {self.log}")
        while not self._over():
            started = time.process_time()
            epoch = self.history.next
            result = self.trainer.epoch(epoch) if epoch else {}
            self.history.add({"epoch": epoch, **result})
            self._see(epoch)
            self.history.seconds["all"] += time.process_time() - started
            self._save()
            say(f"epoch {epoch}: {self.history.words()}")

    def finished(self) -> dict[str, Any]:
        """The curves; the state is not needed any more."""
        values = {**collected(self.log, RUN), **self.history.values()}
        if calibrated := collected(self.log, CALIBRATED):
            values["calibrated"] = {name: found[0] for name, found in calibrated.items() if isinstance(found, list)}
        if self.condition.wrong:
            values["memorised"] = self._known()
        if "step of" in self.key:
            values["relative step"] = self.trainer.relative_step
        (self.folder / "state.pt").unlink(missing_ok=True)
        return values

    def _over(self) -> bool:
        return self.history.next > self.key["epochs"] or self._known() or self.history.stalled(self.key.get("patience"))

    def _known(self) -> bool:
        """Whether the wrong labels are known by heart."""
        return self.condition.wrong and self.history.last("train accuracy") >= MEMORISED

    def _see(self, epoch: int) -> None:
        """The accuracy, except in the middle of contrastive training, and a look where one is due."""
        final = self._over()
        looked = final or epoch in self.key["looks"]
        if looked or not self.condition.contrasts:
            self.history.set(self.trainer.accuracy())
        whole = final or epoch in self.key["whole looks"]
        passed = self.history.passed("train accuracy" if self.condition.wrong else "accuracy")
        if whole or passed or (looked and self.key["small"]):
            self._keep_embedding(epoch)
        if self.key.get("weights"):
            best = self.history.best(memorising=self.condition.wrong)
            self._keep_weights([*([epoch] if whole or passed else []), *(["best"] if best else [])])
        started = time.process_time()
        if looked:
            self.monitors.look(epoch, whole=whole, accuracy=self.history.last("accuracy"))
        if epoch == 0 and looked and self.key["condition"] == "supervised":
            self._look_calibrated()
        self.history.seconds["looks"] += time.process_time() - started

    def _look_calibrated(self) -> None:
        """The untrained network once more, its batch norms knowing the data: before, they show the scale of weights."""
        network = self.trainer.calibrated()
        if network is not None:
            monitors = Monitors(network, self.probe, self.log, run=CALIBRATED, settings=dict(self.key))
            monitors.look(0, whole=False)

    def _keep_embedding(self, epoch: int) -> None:
        """Of all held-out images, for what may be asked of it later."""
        points, labels = self.trainer.embedding()
        np.savez(self.folder / f"embedding-{epoch}.npz", points=points.astype(np.float16), labels=labels)

    def _keep_weights(self, names: list[int | str]) -> None:
        """Under each of `names`: an epoch, or ``"best"``, which the next that is better takes the place of."""
        for name in names:
            kept = {"epoch": self.history.next - 1, "weights": self.trainer.network.state_dict()}
            _replace(self.folder / f"weights-{name}.pt", kept)

    def _save(self) -> None:
        """Whole or not at all: a kill or a full disk while it is written leaves the state of the epoch before."""
        _replace(self.folder / "state.pt", {"key": dict(self.key), "history": self.history, **self.trainer.state()})

    def _resumed(self) -> bool:
        """Whether there was a state of this very cell to go on from."""
        path = self.folder / "state.pt"
        if not path.exists() or not self.log.exists():
            return False
        try:
            state = torch.load(path, weights_only=False)
        except Exception:  # whatever a machine that went down has left of it, a new start needs none of it
            return False
        if state["key"] != dict(self.key):
            return False
        self.history = state["history"]
        self.trainer.restore(state)
        return True


def _replace(path: Path, values: Mapping[str, Any]) -> None:
    held = io.BytesIO()
    torch.save(values, held)
    replace(path, held.getvalue())


def _probe(data: Data, key: Key) -> Probe:
    n = min(len(data.held), key.get("measured", MEASURED))
    pixels = data.normal(data.pixels(data.held, slice(n), key["pixels"]))
    return Probe(pixels, data.held.labels[:n].numpy())
