"""A budget leaves looks out, says so, and never the first."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from diffspec import Gaussian, InputError
from diffspec.errors import LayersWarning
from diffspec.runs.log import Record, read
from diffspec.training import DSE, Monitor, Probe
from diffspec.training.budget import Budget

INPUTS = torch.randn(24, 6, generator=torch.Generator().manual_seed(0))


class Clock:
    """Time that passes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def look(budget: Budget, clock: Clock, seconds: float) -> None:
    with budget.look():
        clock.now += seconds


def test_a_look_is_left_out_where_it_would_pass_the_share() -> None:
    clock = Clock()
    budget = Budget(0.25, clock)
    clock.now += 50.0  # before the first look there is no training
    assert not budget.why_not()
    look(budget, clock, 2.0)
    for trained in (0.0, 8.0, 15.9):  # 2 s, and 2 s more, are a quarter of 16 s
        clock.now = 152.0 + trained
        assert budget.why_not()
    clock.now = 152.0 + 16.0
    assert not budget.why_not()
    look(budget, clock, 4.0)  # slower than expected
    clock.now += 40.0 - 16.0 - 0.1
    assert budget.why_not() == (
        "looks have taken 6 s beside 39.9 s of training, and one more, of some 4 s, would pass budget=0.25; "
        "all until there is time for one are left out"
    )
    clock.now += 0.1
    assert not budget.why_not()


def test_over_a_training_no_more_than_the_share_is_taken() -> None:
    clock = Clock()
    budget = Budget(0.01, clock)
    looks = 0
    for _step in range(2000):
        if not budget.why_not():
            look(budget, clock, 0.7)
            looks += 1
        clock.now += 1.0
    assert looks == int(0.01 * 2000 / 0.7)
    assert budget.spent <= 0.01 * 2000


def test_without_a_budget_every_look_is_made() -> None:
    clock = Clock()
    budget = Budget(None, clock)
    for _step in range(3):
        look(budget, clock, 9.0)
        assert not budget.why_not()


def test_a_look_that_fails_is_timed_too() -> None:
    clock = Clock()
    budget = Budget(0.5, clock)

    def breaks() -> None:
        clock.now += 3.0
        raise KeyError

    with pytest.raises(KeyError), budget.look():
        breaks()
    assert (budget.spent, budget.last) == (3.0, 3.0)


def monitor(path: Path, **changes: Any) -> Monitor:
    settings: dict[str, Any] = {"measures": [DSE()], "rules": {"wide": Gaussian(2.0)}, "pictures": (), **changes}
    return Monitor(torch.nn.Linear(6, 4), layers="", probe=Probe(INPUTS), log=path / "run.jsonl", **settings)


def of(path: Path, kind: str) -> list[Record]:
    return [record for record in read(path / "run.jsonl") if record["kind"] == kind]


def test_what_is_left_out_is_said_once_and_scalars_are_kept(tmp_path: Path) -> None:
    clock, sent = Clock(), list[dict[str, float]]()
    watching = monitor(tmp_path, budget=0.1, sinks=[lambda numbers, step: sent.append(numbers)])
    watching._budget.clock = clock
    whole = watching.observe(0, loss=3.0)
    watching._budget.spent = watching._budget.last = 1.0  # as if it had taken a second
    clock.now += 1.0
    with pytest.warns(LayersWarning, match=r"^the look at step 1 is left out: looks have taken 1 s beside 0 s of"):
        assert watching.observe(1, loss=2.0) == {"loss": 2.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert watching.observe(2, loss=1.0) == {"loss": 1.0}
        assert watching.observe(2) == {}
        clock.now += 20.0
        assert watching.observe(3).keys() == whole.keys() - {"loss"} | {
            "diffspec/dse_change_by_scale/wide/_",
            "diffspec/dse_change_by_shape/wide/_",
        }
        watching._budget.spent = 5.0
        watching.observe(4)
    assert [(r["step"], r["text"][:16]) for r in of(tmp_path, "skipped")] == [
        (1, "looks have taken"),
        (4, "looks have taken"),
    ]
    assert [r["step"] for r in of(tmp_path, "scalar")] == [0, 1, 2]
    assert [r["step"] for r in of(tmp_path, "number") if r["name"] == "DSE(Z)"] == [0, 3]
    assert [len(one) for one in sent] == [len(whole), 1, 1, len(whole) + 1]  # nothing of a step that has nothing


@pytest.mark.parametrize("budget", [0.0, -0.1, 1.5, float("nan"), "1 %", True])
def test_a_budget_that_is_no_share_is_refused(tmp_path: Path, budget: Any) -> None:
    with pytest.raises(InputError, match=r"^budget must be a share of the training's time such as 0.01, or None, got"):
        monitor(tmp_path, budget=budget)
    assert not list(tmp_path.iterdir())
