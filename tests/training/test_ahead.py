"""Layers and rules that are measured side by side give the log of those that are measured in turn."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diffspec import Adjusted, Gaussian
from diffspec.conventions import default
from diffspec.errors import LayersWarning
from diffspec.runs.log import read
from diffspec.training import DSE, DSMI, Monitor, Probe
from diffspec.training import ahead as module
from diffspec.training.ahead import Under, ahead, side_by_side

RULES = {"fixed": {"kernel": Gaussian(2.0)}, "neighbors": default}
MEASURES = [DSE(), DSMI("Y"), DSMI("Y", Adjusted()), DSMI("X")]


def probe(n: int = 60) -> Probe:
    return Probe(torch.randn(n, 4, generator=torch.Generator().manual_seed(0)), labels=np.arange(n) % 3)


def looks(path: Path, **how: Any) -> list[dict[str, Any]]:
    """The records of two looks at two layers, between which the network changes, without times of the clock."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 5))
    how = {"rules": RULES, "measures": MEASURES, **how}
    with Monitor(network, layers=["1", "2"], probe=probe(), log=path / "run.jsonl", **how) as monitor:
        for step in range(2):
            monitor.observe(step)
            with torch.no_grad():
                network[0].weight *= 1.5
    records = read(path / "run.jsonl")
    return [{key: value for key, value in record.items() if key not in ("seconds", "time")} for record in records]


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cores", lambda: 2)


def in_turn(path: Path, monkeypatch: pytest.MonkeyPatch, **how: Any) -> list[dict[str, Any]]:
    (path / "turn").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(module, "cores", lambda: 1)
        return looks(path / "turn", **how)


def test_the_log_is_that_of_layers_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, threads = looks(tmp_path), set[str]()
    assert found == in_turn(tmp_path, monkeypatch)
    assert {record["kind"] for record in found} >= {"number", "spectrum", "picture"}
    assert not [record for record in found if record["kind"] == "failure"]
    # They were not measured in turn.
    alone = DSE.taken
    note = lambda *given: threads.add(threading.current_thread().name) or alone(*given)  # noqa: E731
    monkeypatch.setattr(DSE, "taken", note)
    (tmp_path / "again").mkdir()
    looks(tmp_path / "again")
    assert threading.main_thread().name not in threads


def test_measures_of_others_are_taken_in_turn(tmp_path: Path) -> None:
    threads = set[str]()

    class Own(DSE):
        def __call__(self, *given: Any) -> Any:
            threads.add(threading.current_thread().name)
            return super().__call__(*given)

    looks(tmp_path, measures=[Own(), DSMI("Y")])
    assert threads == {threading.main_thread().name}


def test_a_failure_is_that_of_its_measure_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_given: Any) -> Any:
        raise ArithmeticError("no information today")

    monkeypatch.setattr(DSMI, "taken", broken)
    with pytest.warns(LayersWarning, match="ArithmeticError: no information today"):
        found = looks(tmp_path)
    with pytest.warns(LayersWarning):
        assert found == in_turn(tmp_path, monkeypatch)
    failed = [(record["layer"], record["rule"], record["name"]) for record in found if record["kind"] == "failure"]
    assert len(failed) == len(set(failed)) * 2 == 2 * 2 * 2 * 3
    assert sum(record["kind"] == "number" and record["name"] == "DSE(Z)" for record in found) == 8
    (tmp_path / "strict").mkdir()
    with pytest.raises(ArithmeticError, match="no information today"):
        looks(tmp_path / "strict", strict=True)


def test_where_memory_does_not_hold_so_many_graphs_nothing_is_found_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(0).normal(size=(60, 3))
    unders = [Under(points, walk) for walk in RULES.values()]
    assert all(under.found for under in ahead(unders, MEASURES, probe()))
    assert side_by_side(unders, MEASURES)
    assert not side_by_side(unders[:1], MEASURES)
    monkeypatch.setattr(module, "memory_for", lambda memory: 2 * 4 * 8 * 60.0**2)
    assert side_by_side(unders, MEASURES)
    monkeypatch.setattr(module, "memory_for", lambda memory: 2 * 4 * 8 * 60.0**2 - 1)
    assert not side_by_side(unders, MEASURES)
