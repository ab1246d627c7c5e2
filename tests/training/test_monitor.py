"""The monitor: it writes what the functions give, and the training it watches goes on as if it were not there."""

from __future__ import annotations

import functools
import inspect
import json
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from diffspec import (
    AlphaDecay,
    Clusters,
    Estimate,
    Exact,
    Gaussian,
    InputError,
    Labels,
    adjusted_dsmi,
    dse,
    dsmi,
    paper,
    scale_and_shape,
)
from diffspec.baselines import effective_rank
from diffspec.conventions import default
from diffspec.errors import LayersWarning, RunLogWarning
from diffspec.measures import subsets
from diffspec.points.groups import Partition
from diffspec.runs.log import Record, RunLog, read
from diffspec.training import DSE, DSMI, RULES, Layer, Monitor, Probe, collect
from diffspec.training.pictures import ONE_TWO_FIVE, Album, plane, short

RNG = np.random.default_rng(5)
LABELS = np.repeat(np.arange(3), 20)
INPUTS = torch.as_tensor(RNG.normal(size=(60, 8)) + 2.0 * LABELS[:, None], dtype=torch.float32)


def network() -> Any:
    torch.manual_seed(1)
    return torch.nn.Sequential(
        torch.nn.Linear(8, 16),
        torch.nn.BatchNorm1d(16),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.3),
        torch.nn.Linear(16, 3),
    )


def monitor(tmp_path: Path, model: Any = None, **changes: Any) -> Monitor:
    settings: dict[str, Any] = {"layers": "2", "probe": Probe(INPUTS, LABELS), "log": tmp_path / "run.jsonl", **changes}
    return Monitor(network() if model is None else model, **settings)


def of(path: Path, kind: str) -> list[Record]:
    return [record for record in read(path) if record["kind"] == kind]


def trained(watch: Callable[[Any], Monitor] | None) -> tuple[dict[str, Any], list[float]]:
    """Weights and buffers after three epochs with every kind of randomness, and the next numbers drawn."""
    with torch.random.fork_rng(devices=[]):
        random.seed(3)
        np.random.seed(4)  # noqa: NPY002
        model = network()
        watching = watch(model) if watch else None
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        loader = DataLoader(TensorDataset(INPUTS, torch.as_tensor(LABELS)), batch_size=16, shuffle=True)
        for epoch in range(3):
            if watching:
                watching.observe(epoch, accuracy=0.5)
            for step, (inputs, labels) in enumerate(loader):
                noise = torch.randn_like(inputs) * random.random() + np.random.rand()  # noqa: NPY002
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(inputs + 0.1 * noise), labels).backward()
                if watching and epoch == 1 and step:
                    watching.observe(10 * step)  # also between the gradient and the step
                optimizer.step()
        drawn = [random.random(), np.random.rand(), float(torch.rand(1))]  # noqa: NPY002
        return {name: value.clone() for name, value in model.state_dict().items()}, drawn


def test_trained_weights_are_bitwise_equal_with_and_without(tmp_path: Path) -> None:
    weights, drawn = trained(None)
    watched, drawn_too = trained(lambda model: monitor(tmp_path, model, layers=["0", "2"]))
    assert drawn == drawn_too
    assert weights.keys() == watched.keys()
    assert all(torch.equal(weights[name], watched[name]) for name in weights)
    assert len(of(tmp_path / "run.jsonl", "number")) == 6 * 2 * 9 + 5 * 2 * 2  # no change at the first look
    assert not of(tmp_path / "run.jsonl", "failure")


def test_numbers_are_what_the_functions_give(tmp_path: Path) -> None:
    model = network()
    monitor(tmp_path, model, run="true").observe(0)
    points = collect(model, "2", [INPUTS])["2"]
    groups = Clusters(10, seed=0)(INPUTS.double().numpy())
    wanted: dict[tuple[str, str], Estimate] = {}
    for rule, walk in {"sigma = 10": paper, "neighbors": {}}.items():  # by default as the functions by default
        wanted["DSE(Z)", rule] = dse(points, **walk)
        wanted["DSMI(Z;Y)", rule] = dsmi(points, LABELS, **walk)
        wanted["adjusted DSMI(Z;Y)", rule] = adjusted_dsmi(points, LABELS, **walk)
        wanted["DSMI(Z;X)", rule] = dsmi(points, groups, **walk)
    found = {(r["name"], r["rule"]): r for r in of(tmp_path / "run.jsonl", "number") if r["rule"]}
    assert found.keys() == wanted.keys()
    for key, estimate in wanted.items():
        record = found[key]
        plain = estimate.to_dict()
        same = ("unit", "n", "ceiling", "verdict")
        assert {name: record[name] for name in same} == {name: plain[name] for name in same}
        for name in ("value", "stderr"):  # equal but for rounding, which depends on where numbers lie in memory
            assert (record[name] or 0.0) == pytest.approx(plain[name] or 0.0, rel=1e-9, abs=1e-12)
        floors = [settings.pop("floor") or 0.0 for settings in (record["settings"], plain["settings"])]
        assert floors[0] == pytest.approx(floors[1], rel=1e-9)
        assert record["settings"] == plain["settings"]
        assert (record["run"], record["step"], record["layer"]) == ("true", 0, "2")
        assert record["seconds"] >= 0


@pytest.mark.parametrize("rule", ["sigma = 10", "neighbors"])
def test_every_measure_is_given_at_further_times_too(tmp_path: Path, rule: str) -> None:
    model, walk = network(), RULES[rule]
    monitor(tmp_path, model).observe(0)
    points = collect(model, "2", [INPUTS])["2"]
    found = {r["name"]: r["times"] for r in of(tmp_path / "run.jsonl", "number") if r["rule"] == rule}
    groups = Clusters(10, seed=0)(INPUTS.double().numpy())
    alone: dict[str, Callable[..., Estimate]] = {
        "DSE(Z)": lambda **walk: dse(points, **walk),
        "DSMI(Z;Y)": lambda **walk: dsmi(points, LABELS, **walk),
        "adjusted DSMI(Z;Y)": lambda **walk: adjusted_dsmi(points, LABELS, **walk),
        "DSMI(Z;X)": lambda **walk: dsmi(points, groups, **walk),
    }
    assert found.keys() == alone.keys()
    for name, measure in alone.items():
        wanted = {t: measure(**{**walk, "t": float(t)}).value for t in ("1", "3", "10", "30", "100")}
        assert found[name] == pytest.approx(wanted, rel=1e-4, abs=1e-9)
        assert len(json.dumps(found[name])) < 100  # a line of the log has some 600 characters


def test_all_measures_of_a_rule_share_one_graph_and_every_decomposition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs, orders = list[int](), list[int]()
    weigh, solve, together = AlphaDecay.__call__, Exact.__call__, subsets.eigenvalues_of
    monkeypatch.setattr(AlphaDecay, "__call__", lambda self, points: graphs.append(len(points)) or weigh(self, points))
    monkeypatch.setattr(
        Exact, "__call__", lambda self, operator, rng: orders.append(operator.n) or solve(self, operator, rng)
    )

    def several(affinity: Any, sets: Any, alpha: float) -> Any:
        orders.extend(map(len, sets))
        return together(affinity, sets, alpha)

    monkeypatch.setattr(subsets, "eigenvalues_of", several)
    watching = monitor(tmp_path, rules={"neighbors": default})
    graphs.clear()
    watching.observe(0)
    assert graphs == [60]
    own = len(set(watching.probe.input_groups.sizes))
    # Of all points; three classes and five sets of their size; ten clusters and five sets of each size.
    singles = sum(size == 1 for size in watching.probe.input_groups.sizes)
    assert orders.count(60) == 1
    assert orders.count(20) >= 3 + 5
    assert len(orders) == 1 + 3 + 5 + 10 + 5 * own - singles - 5 * (singles > 0)


def test_rules_are_kernels_or_keyword_arguments(tmp_path: Path) -> None:
    rules = {
        "kernel": Gaussian(2.0),  # with the default alpha and its usual t
        "settings": {"kernel": Gaussian(2.0), "alpha": 0.0, "t": 2},
        "time": {"t": 1.0},  # with the default kernel and alpha
    }
    model = network()
    monitor(tmp_path, model, rules=rules, measures=[DSE(), DSMI("Y")]).observe(0)
    points = collect(model, "2", [INPUTS])["2"]
    found = {(r["name"], r["rule"]): r for r in of(tmp_path / "run.jsonl", "number") if r["rule"] in rules}
    for rule, walk in {**rules, "kernel": {"kernel": Gaussian(2.0), "alpha": 0.5, "t": 1.0}}.items():
        for name, wanted in {"DSE(Z)": dse(points, **walk), "DSMI(Z;Y)": dsmi(points, LABELS, **walk)}.items():
            assert found[name, rule]["value"] == pytest.approx(wanted.value, rel=1e-9, abs=1e-12)
    told = {rule: found["DSE(Z)", rule]["settings"] for rule in rules}
    assert [(told[rule]["alpha"], told[rule]["t"]) for rule in rules] == [(0.5, 1.0), (0.0, 2.0), (0.5, 1.0)]
    assert told["time"]["kernel"] == "AlphaDecay(neighbors=3, decay=40.0)"  # sqrt(60) / 3
    (settings,) = of(tmp_path / "run.jsonl", "settings")
    assert settings["values"]["rules"] == {
        "kernel": "Gaussian(sigma=2.0), alpha = 0.5, t = 1.0",
        "settings": "Gaussian(sigma=2.0), alpha = 0.0, t = 2.0",
        "time": "AlphaDecay(neighbors=None, decay=40.0), alpha = 0.5, t = 1.0",
    }


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"sigma": 2.0, "t": 1.0}, r"^the rule 'wide' may hold kernel, alpha and t, got sigma$"),
        ({"kernel": Gaussian(2.0), "solver": None, "rng": 0}, r"kernel, alpha and t, got solver, rng$"),
        ({"kernel": Gaussian}, "^kernel must be a kernel such as .* got <class"),
        ("median", "^kernel must be a kernel such as .* got 'median'$"),
        ({"kernel": Gaussian(2.0), "t": -1.0}, "^t must be a positive number, got -1.0"),
        ({"alpha": 2.0}, r"^alpha must lie in \[0, 1\], got 2.0"),
    ],
)
def test_wrong_rules_leave_no_log(tmp_path: Path, rule: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        monitor(tmp_path, rules={"wide": rule})
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_the_median_distance_stands_beside_them(tmp_path: Path) -> None:
    model = network()
    monitor(tmp_path, model).observe(0)
    points = collect(model, "2", [INPUTS])["2"].astype(float)
    squared = ((points[:, None] - points[None]) ** 2).sum(axis=2)[np.triu_indices(60, 1)]
    (record,) = [r for r in of(tmp_path / "run.jsonl", "number") if r["name"] == "median distance"]
    assert record["value"] == pytest.approx(np.median(squared) ** 0.5, rel=1e-9)
    assert record["settings"]["sigma"] == pytest.approx((np.median(squared) / 2) ** 0.5, rel=1e-9)


def test_changes_are_split_into_scale_and_shape(tmp_path: Path) -> None:
    model = network()
    watching = monitor(tmp_path, model, layers=["0", "2"])
    watching.observe(2)
    first = collect(model, "2", [INPUTS])["2"]
    with torch.no_grad():
        model[0].weight *= 3.0
        model[1].weight += torch.linspace(0, 3, 16)
    watching.observe(5)
    later = collect(model, "2", [INPUTS])["2"]
    wanted = scale_and_shape(first, later, sigma=10.0)
    found = {r["name"]: r for r in of(tmp_path / "run.jsonl", "number") if "change" in r["name"] and r["layer"] == "2"}
    by_scale, by_shape = found["DSE(Z) change by scale"], found["DSE(Z) change by shape"]
    assert by_scale["value"] == pytest.approx(wanted.scale, abs=1e-5)
    assert by_shape["value"] == pytest.approx(wanted.shape, abs=1e-5)
    assert abs(wanted.shape) > 0.01
    assert (by_scale["step"], by_scale["rule"], by_scale["unit"]) == (5, "sigma = 10", "bit")
    assert by_scale["settings"]["since"] == 2
    assert by_scale["settings"]["growth"] == pytest.approx(wanted.growth)


def test_changes_can_be_left_out_and_need_a_fixed_width(tmp_path: Path) -> None:
    for number, changes in enumerate(({"changes": False}, {"rules": {"median": Gaussian()}})):
        watching = monitor(tmp_path, log=tmp_path / f"{number}.jsonl", **changes)
        watching.observe(0)
        watching.observe(1)
        assert not [r for r in of(watching.log.path, "number") if "change" in r["name"]]


def test_changes_begin_where_the_layer_is_no_longer_collapsed(tmp_path: Path) -> None:
    model = network()
    weights = model[0].weight.detach().clone()
    watching = monitor(tmp_path, model, measures=[DSE()])
    with torch.no_grad():
        model[0].weight.zero_()
    watching.observe(0)
    with torch.no_grad():
        model[0].weight += weights
    watching.observe(1)
    watching.observe(2)
    found = [r for r in of(watching.log.path, "number") if "change" in r["name"]]
    assert [(r["step"], r["settings"]["since"], r["value"]) for r in found] == [
        (2, 1, pytest.approx(0.0, abs=1e-5))
    ] * 2
    assert not of(watching.log.path, "failure")


def test_spectra_pictures_and_settings(tmp_path: Path) -> None:
    watching = monitor(tmp_path, pictures=[2], settings={"rate": 0.1})
    for step in (0, 2):
        watching.observe(step)
    spectra = of(watching.log.path, "spectrum")
    assert [(r["step"], r["rule"]) for r in spectra] == [(s, rule) for s in (0, 2) for rule in RULES]
    assert all(len(r["values"]) == 50 and r["values"][0] == 1.0 for r in spectra)
    (picture,) = of(watching.log.path, "picture")
    assert (picture["step"], picture["method"], picture["layer"]) == (2, "PCA", "2")
    assert picture["classes"] == [str(label) for label in LABELS]
    assert len(picture["x"]) == len(picture["y"]) == 60
    assert np.var(picture["x"]) > np.var(picture["y"]) > 0
    (settings,) = of(watching.log.path, "settings")
    assert settings["values"]["rate"] == 0.1
    assert settings["values"]["layers"] == {"2": "none"}


def test_inputs_are_clustered_once(tmp_path: Path) -> None:
    calls = []

    def clusters(vectors: np.ndarray) -> Partition:
        calls.append(vectors.shape)
        return Clusters(4, seed=0)(vectors)

    watching = monitor(tmp_path, probe=Probe(INPUTS.reshape(60, 2, 4).flatten(1), LABELS, clusters=clusters))
    for step in range(3):
        watching.observe(step)
    assert calls == [(60, 8)]


def test_a_step_is_observed_once(tmp_path: Path) -> None:
    watching = monitor(tmp_path, every=2, measures=[DSE()], pictures=())
    for batch in range(12):  # gradients of 4 batches are one step
        watching.observe(batch // 4, loss=float(batch))
    assert [r["step"] for r in of(watching.log.path, "scalar")] == [0, 2]
    assert [r["value"] for r in of(watching.log.path, "scalar")] == [0.0, 8.0]
    assert len([r for r in of(watching.log.path, "number") if r["name"] == "median distance"]) == 2


def test_scalars_that_come_after_a_look_are_written_beside_it(tmp_path: Path) -> None:
    sent: list[tuple[dict[str, float], int]] = []
    settings: dict[str, Any] = {"measures": [DSE()], "rules": {}, "changes": False, "pictures": ()}
    watching = monitor(tmp_path, **settings, every=2, sinks=[lambda numbers, step: sent.append((numbers, step))])
    watching.observe(0, loss=1.0)
    assert watching.observe(0, loss=0.5, accuracy=0.25) == {}  # the loss of the look stays
    with pytest.warns(LayersWarning, match="must be a number"):
        watching.observe(0, bad="high")
    watching.observe(0, bad="high", accuracy=0.75)
    watching.observe(1, accuracy=0.1)
    watching.observe(2)
    watching.observe(2, train_accuracy=1.0)
    with pytest.warns(RunLogWarning, match="comes after step 2"):
        watching.observe(0, late=1.0)
    found = [(r["step"], r["name"], r["value"]) for r in of(tmp_path / "run.jsonl", "scalar")]
    assert found == [(0, "loss", 1.0), (0, "accuracy", 0.25), (2, "train_accuracy", 1.0)]
    assert [r["name"] for r in of(tmp_path / "run.jsonl", "failure")] == ["bad"]
    assert [(list(numbers), step) for numbers, step in sent] == [
        (["loss", "diffspec/median_distance/2"], 0),
        (["accuracy"], 0),
        (["diffspec/median_distance/2"], 2),
        (["train_accuracy"], 2),
    ]


def test_an_accuracy_that_comes_after_its_look_alarms(tmp_path: Path) -> None:
    model = network()
    watching = monitor(tmp_path, model, stop_on="memorisation")
    watching.observe(0)
    with torch.no_grad():
        model[0].weight.zero_()[0, 0] = 1.0
    watching.observe(1)
    assert not watching.should_stop
    watching.observe(1, train_accuracy=1.0)
    assert watching.should_stop
    assert [(r["step"], r["name"]) for r in of(tmp_path / "run.jsonl", "alert") if r["name"] != "collapse"] == [
        (1, "memorisation")
    ]


def test_a_step_that_comes_again_after_later_ones_is_told_once(tmp_path: Path) -> None:
    watching = monitor(tmp_path, measures=[DSE()], pictures=())
    for step in (0, 5, 5):
        watching.observe(step)
    words = r"^step 0 of the run 'run' comes after step 5; a step that was looked at before .* make another Monitor"
    with pytest.warns(RunLogWarning, match=words):
        assert watching.observe(0) == {}
    assert watching.observe(3) != {}  # and no warning, which would be an error
    assert watching.observe(0) == {}


def test_what_a_look_gives(tmp_path: Path) -> None:
    watching = monitor(tmp_path, measures=[DSE(), Fails()], every=2, pictures=())
    with pytest.warns(LayersWarning, match="^fails of layer '2' failed at step 0: ZeroDivisionError"):
        numbers = watching.observe(0, loss=torch.tensor(2.0), accuracy=float("nan"))
    found = {r["rule"]: r["value"] for r in of(watching.log.path, "number")}
    assert numbers == {
        "loss": 2.0,
        "diffspec/median_distance/2": found[None],
        "diffspec/dse/2": found["neighbors"],
        "diffspec/dse/sigma_10/2": found["sigma = 10"],
    }
    assert {type(value) for value in numbers.values()} == {float}
    assert watching.observe(1) == watching.observe(0) == {}  # no look, and one that has been
    assert set(watching.observe(2)) > {"diffspec/dse/2", "diffspec/dse_change_by_shape/sigma_10/2"}


def test_what_a_look_gives_is_the_callers(tmp_path: Path) -> None:
    watching = monitor(tmp_path, measures=[DSE()], changes=False)
    first = watching.observe(0)
    kept = dict(first)
    first.clear()
    watching.observe(1)
    assert first == {}
    assert watching.observe(2) == kept


def test_leaving_a_monitor_writes_what_waits(tmp_path: Path) -> None:
    there, away = tmp_path / "there", tmp_path / "away"
    with monitor(tmp_path, log=there / "run.jsonl") as watching:
        there.rename(away)
        with pytest.warns(RunLogWarning, match="cannot be written"):
            watching.observe(0, loss=1.0)
        away.rename(there)
        assert of(watching.log.path, "scalar") == []
    assert [r["value"] for r in of(watching.log.path, "scalar")] == [1.0]
    assert watching.observe(1)  # it may go on


def test_leaving_a_monitor_lets_errors_through(tmp_path: Path) -> None:
    with pytest.raises(KeyError), monitor(tmp_path):
        raise KeyError


def test_a_checkpoint_continues_the_run(tmp_path: Path) -> None:
    first = monitor(tmp_path, measures=[DSE()])
    assert first.state_dict()["step"] is None
    for step in (0, 1, 2):
        state = first.state_dict()  # as written before step 2
        first.observe(step)
    state = json.loads(json.dumps(state))
    again = monitor(tmp_path, measures=[DSE()])
    again.load_state_dict(state)
    assert again.state_dict() == state
    assert again.observe(1) == {}  # seen before the checkpoint
    assert again.observe(2)  # after it, and no warning: it is the same training
    assert again.state_dict()["step"] == 2


@pytest.mark.parametrize("changes", [{"run": "b"}, {"log": "other.jsonl"}])
def test_a_checkpoint_of_another_run_is_told(tmp_path: Path, changes: dict[str, str]) -> None:
    state = monitor(tmp_path, run="a").state_dict()
    changes = {name: str(tmp_path / value) if name == "log" else value for name, value in changes.items()}
    with pytest.warns(
        RunLogWarning, match=r"^the checkpoint belongs to the run 'a' in .*run.jsonl, and '.' in .* goes on"
    ):
        monitor(tmp_path, **{"run": "a", **changes}).load_state_dict(state)


@pytest.mark.parametrize("state", [None, {}, {"log": "a", "run": "b"}, {"log": "a", "run": "b", "step": "3"}])
def test_a_state_that_is_none(tmp_path: Path, state: Any) -> None:
    with pytest.raises(InputError, match="state"):
        monitor(tmp_path).load_state_dict(state)


def test_one_layer_under_two_reductions_is_measured_twice(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Unflatten(1, (1, 2, 4)), torch.nn.Conv2d(1, 3, 1), torch.nn.Flatten())
    layers = [Layer("1", "gap"), Layer("1", "flatten"), "2"]
    watching = monitor(tmp_path, model, layers=layers, measures=[DSE()])
    watching.observe(0)
    points = collect(model, layers, [INPUTS])
    rules = {"sigma = 10": paper, "neighbors": {}}
    found = {(r["layer"], r["rule"]): r["value"] for r in of(watching.log.path, "number") if r["name"] == "DSE(Z)"}
    wanted = {(k, r): dse(v, **walk).value for k, v in points.items() for r, walk in rules.items()}
    assert found == pytest.approx(wanted, rel=1e-9)
    assert {layer for layer, _rule in found} == {"1:gap", "1:flatten", "2"}
    assert len({round(value, 6) for value in found.values()}) == 4  # flattened it is the last layer
    (settings,) = of(watching.log.path, "settings")
    assert settings["values"]["layers"] == {"1:gap": "gap", "1:flatten": "flatten", "2": "none"}


def test_every(tmp_path: Path) -> None:
    watching = monitor(tmp_path, every=3, measures=[DSE()], pictures=())
    for step in range(8):
        watching.observe(step, loss=1.0)
    assert {r["step"] for r in read(watching.log.path) if "step" in r} == {0, 3, 6}


class Fails:
    name = "fails"

    def check(self, probe: Probe) -> None:
        pass

    def __call__(self, *_: object) -> Estimate:
        raise ZeroDivisionError("nothing to divide by")


def test_a_failing_measure_is_a_record_and_the_others_go_on(tmp_path: Path) -> None:
    watching = monitor(tmp_path, measures=[Fails(), DSE()], rules={"median": Gaussian()})
    words = r"^fails of layer '2' failed at step 0: ZeroDivisionError: nothing .*; the training goes on, and the"
    with pytest.warns(LayersWarning, match=words):
        watching.observe(0)
    (failure,) = of(watching.log.path, "failure")
    assert failure["error"] == "ZeroDivisionError: nothing to divide by"
    assert (failure["name"], failure["rule"], failure["layer"], failure["step"]) == ("fails", "median", "2", 0)
    assert "DSE(Z)" in {r["name"] for r in of(watching.log.path, "number")}


def spread(points: Any) -> float:
    return float(points.std())


def apart(points: Any, labels: Any) -> Estimate:
    return dsmi(points, labels)


def test_functions_are_measures_that_are_taken_once_per_look(tmp_path: Path) -> None:
    model = network()
    watching = monitor(tmp_path, model, measures=[DSE(), spread, apart, effective_rank])
    numbers = watching.observe(0)
    points = collect(model, "2", [INPUTS])["2"]
    wanted = {
        "spread": (float(points.std()), None),
        "apart": (dsmi(points, LABELS).value, "bit"),
        "effective_rank": (effective_rank(points).value, "count"),
    }
    found = [r for r in of(watching.log.path, "number") if r["name"] in wanted]
    assert {r["name"]: (r["value"], r["unit"]) for r in found} == wanted
    assert [(r["rule"], r["n"], r.get("times")) for r in found] == [(None, 60, None)] * 3
    assert {key: numbers[f"diffspec/{key}/2"] for key in wanted} == {key: value for key, (value, _) in wanted.items()}
    assert [r["rule"] for r in of(watching.log.path, "spectrum")] == ["sigma = 10", "neighbors"]
    monitor(tmp_path, model, measures=[DSE(), spread, apart, effective_rank], resume="must")  # the same again
    with pytest.raises(InputError, match=r"^apart takes points and labels; give Probe"):
        monitor(tmp_path, model, run="b", probe=Probe(INPUTS), measures=[apart])


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda points: "much", "a measure must give an Estimate or a number, got 'much'"),
        (np.mean, "the value was nan"),
    ],
)
def test_a_function_that_gives_no_number_is_a_failure(tmp_path: Path, function: Any, words: str) -> None:
    model = network()
    watching = monitor(tmp_path, model, measures=[function], changes=False)
    if function is np.mean:
        model[2] = Gives(torch.nan)
    with pytest.warns(LayersWarning):
        watching.observe(0)
    name = function.__name__
    (failure,) = [r for r in of(watching.log.path, "failure") if r["name"] == name]
    assert failure["error"] == f"InputError: {words}"


class Gives(torch.nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, inputs: Any) -> Any:
        return inputs * 0 + self.value


class Largest(DSE):
    """Of the spectrum that is there; at no other time."""

    name = "largest"  # type: ignore[assignment]
    taken_at = None  # type: ignore[assignment]

    def __call__(self, points: Any, probe: Probe, walk: Any) -> Estimate:
        raise AssertionError

    def taken(self, several: Any, probe: Probe) -> Estimate:
        found = several.entropy()
        return replace(found, value=float(found.spectrum.nodes[1]))


def test_a_measure_of_ones_own_takes_its_part_of_what_is_shared(tmp_path: Path) -> None:
    watching = monitor(tmp_path, measures=[DSE(), Largest()], rules={"neighbors": default})
    value = watching.observe(0)["diffspec/largest/2"]
    spectrum = of(watching.log.path, "spectrum")[0]
    assert value == pytest.approx(spectrum["values"][1], rel=1e-4)
    assert [r.get("times") is None for r in of(watching.log.path, "number")] == [True, False, True]


class Halved(DSE):
    def __call__(self, *given: Any) -> Estimate:
        found = super().__call__(*given)
        return replace(found, value=found.value / 2)


def test_a_measure_that_is_made_of_another_is_asked_itself(tmp_path: Path) -> None:
    numbers = [monitor(tmp_path, run=repr(one), measures=[one]).observe(0) for one in (DSE(), Halved())]
    assert numbers[1]["diffspec/dse/2"] == pytest.approx(numbers[0]["diffspec/dse/2"] / 2, rel=1e-9)


def test_strict_raises(tmp_path: Path) -> None:
    model = network()
    watching = monitor(tmp_path, model, measures=[Fails()], strict=True)
    with pytest.raises(ZeroDivisionError):
        watching.observe(0)
    assert all(module.training for module in model.modules())


def test_a_network_that_gives_nan_is_recorded(tmp_path: Path) -> None:
    model = network()
    watching = monitor(tmp_path, model)
    watching.observe(0, loss=torch.tensor(2.0))
    with torch.no_grad():
        model[0].weight.fill_(torch.nan)
    with pytest.warns(
        LayersWarning, match=r"^median distance of layer '2' failed at step 1: .* must be finite"
    ) as told:
        watching.observe(1, loss=float("nan"))
    assert len(told) == 1
    watching.observe(2)  # one warning for all
    failures = [r for r in of(watching.log.path, "failure") if r["step"] == 1]
    assert [r["error"] for r in failures if r["name"] == "loss"] == ["the value was nan"]
    assert sum("must be finite" in r["error"] for r in failures) == 9
    assert len(failures) == 10  # and no picture of what are no points
    assert [r["value"] for r in of(watching.log.path, "scalar")] == [2.0]


def test_a_pass_that_fails_is_told_before_training_and_recorded_later(tmp_path: Path) -> None:
    model = network()
    words = r"cannot take inputs of shape \(60, 5\), torch.float32: RuntimeError: mat1 and mat2 shapes cannot be"
    with pytest.raises(InputError, match=words):
        monitor(tmp_path, model, probe=Probe(INPUTS[:, :5], LABELS))
    assert not list(tmp_path.iterdir())
    watching = monitor(tmp_path, model)
    watching.observe(0)
    model[0] = torch.nn.Linear(9, 16)
    with pytest.warns(
        LayersWarning,
        match=r"^forward pass failed at step 1: InputError: .*; the training goes on, and the run log has",
    ):
        watching.observe(1)
    watching.observe(2)  # one warning for all
    assert [failure["name"] for failure in of(watching.log.path, "failure")] == ["forward pass"] * 2
    assert "shapes cannot be multiplied" in of(watching.log.path, "failure")[0]["error"]


def test_collapsed_embeddings_and_one_feature(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(8, 1), torch.nn.ReLU())
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.fill_(-1.0)
    watching = monitor(tmp_path, model, layers=["0", "1"])  # everywhere -1, everywhere 0
    watching.observe(0)
    assert not of(watching.log.path, "failure")
    values = {(r["name"], r["rule"]): r["value"] for r in of(watching.log.path, "number")}
    assert values["DSE(Z)", "sigma = 10"] == values["DSE(Z)", "neighbors"] == 0.0
    assert set(of(watching.log.path, "picture")[0]["y"]) == {0.0}


def test_a_function_is_a_reduction_whose_name_is_in_the_log(tmp_path: Path) -> None:
    def halves(z: Any) -> Any:
        return z[:, ::2]

    for step in range(2):  # the second continues the log
        layers = [
            Layer("2", halves),
            Layer("2", lambda z: z),
            Layer("0", functools.partial(torch.flatten, start_dim=1)),
        ]
        watching = monitor(tmp_path, layers=layers)
        assert len(watching.observe(step)) > 3
    (settings, _again) = of(watching.log.path, "settings")
    assert settings["values"]["layers"] == {"2:halves": "halves", "2:<lambda>": "<lambda>", "0": "partial"}
    with pytest.raises(InputError, match="has other settings: layers was"):
        monitor(tmp_path, layers=[*layers[1:], Layer("2", torch.relu)])


def test_points_that_are_all_one_have_no_distance(tmp_path: Path) -> None:
    """A width is never 0, but with it a dead layer had a distance of 1e-308, and the report a change of 1e-308-fold."""
    model = network()
    watching = monitor(tmp_path, model)
    for step in range(4):
        watching.observe(step)
        with torch.no_grad():
            model[0].weight.mul_(0.5 if step < 2 else 0.0)
            model[0].bias.mul_(0.0)
    distances = [r["value"] for r in of(watching.log.path, "number") if r["name"] == "median distance"]
    assert min(distances[:3]) > 1e-3
    assert distances[3] == 0.0


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e25), (np.float32, 1e38), (np.float64, 1e200)])
def test_embeddings_that_grow_without_end_are_pictured(dtype: Any, size: float) -> None:
    points = np.random.default_rng(0).uniform(-1, 1, size=(20, 3)).astype(np.float32)
    x, y = plane((points.astype(dtype) * dtype(size)).astype(dtype))  # a warning of NumPy would be an error here
    for found, expected in zip((x, y), plane(points), strict=True):
        np.testing.assert_allclose(np.abs(found) / size, np.abs(expected), rtol=1e-4, atol=1e-5)


def test_without_labels(tmp_path: Path) -> None:
    watching = monitor(tmp_path, probe=Probe(INPUTS))
    watching.observe(0)
    assert {r["name"] for r in of(watching.log.path, "number")} == {"DSE(Z)", "DSMI(Z;X)", "median distance"}
    assert of(watching.log.path, "picture")[0]["classes"] == []
    with pytest.raises(InputError, match=r"DSMI\(Z;Y\) needs labels"):
        monitor(tmp_path, probe=Probe(INPUTS), measures=[DSMI("Y")])


def test_a_log_is_continued(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "run.jsonl")
    monitor(tmp_path, log=log, run="a", measures=[DSE()]).observe(0)
    monitor(tmp_path, log=log.path, run="b", measures=[DSE()]).observe(0)
    assert {r["run"] for r in read(log.path)} == {"a", "b"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"every": 0}, "every must be an integer of at least 1, got 0"),
        ({"layers": "encoder"}, "no layer 'encoder' in the model"),
    ],
)
def test_wrong_settings_leave_no_log(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        monitor(tmp_path, **changes)
    assert not list(tmp_path.iterdir())


def test_a_scalar_that_is_no_number(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the scalar 'loss' must be a number, got 'low'"):
        monitor(tmp_path).observe(0, loss="low")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": INPUTS.numpy().tolist()}, "inputs must be a torch tensor or a mapping of tensors"),
        ({"inputs": pd.DataFrame(INPUTS)}, r"got DataFrame; use torch.as_tensor\(inputs.to_numpy\(\)\)"),
        (
            {"inputs": INPUTS, "labels": LABELS / 1},
            r"give Probe\(inputs, Labels\(\)\(labels\)\) or Probe\(inputs, Bins",
        ),
        ({"inputs": INPUTS, "labels": torch.eye(3)[LABELS]}, r"argmax\(axis=1\), or Probe\(inputs, Labels\(\)\(labels"),
        ({"inputs": {}}, "inputs must be tensors with as many inputs each, got none"),
        ({"inputs": INPUTS[:1]}, "at least 2 inputs"),
        ({"inputs": {"a": INPUTS, "b": INPUTS[:5]}}, "as many inputs each, got tensors with 5, 60"),
        ({"inputs": INPUTS, "labels": LABELS[:7]}, "one entry per point, got 7 for 60 points"),
        ({"inputs": INPUTS, "batch_size": 0}, "batch_size must be an integer of at least 1, got 0"),
    ],
)
def test_wrong_probes(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Probe(**arguments)


def test_floats_are_labels_as_the_error_says() -> None:
    asked, classes = Probe(INPUTS, Labels()(LABELS / 1)).label_groups, Probe(INPUTS, LABELS).label_groups
    assert np.array_equal(asked.codes, classes.codes)


def test_mappings_have_no_clusters(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"DSMI\(Z;X\) needs the inputs as one tensor"):
        monitor(tmp_path, probe=Probe({"input": INPUTS}, LABELS), measures=[DSMI("X")])
    watching = monitor(tmp_path, probe=Probe({"input": INPUTS}, LABELS), rules={"median": Gaussian()})
    watching.observe(0)  # left out of the default measures by itself
    names = {r["name"] for r in of(watching.log.path, "number")}
    assert names == {"DSE(Z)", "DSMI(Z;Y)", "adjusted DSMI(Z;Y)", "median distance"}


def test_information_is_of_labels_or_inputs() -> None:
    with pytest.raises(InputError, match=r"of must be 'Y' \(labels\) or 'X' \(inputs\), got 'Z'"):
        DSMI("Z")


def test_a_missing_torch_names_the_extra() -> None:
    code = "import sys; sys.modules['torch'] = None; import diffspec.training"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "MissingExtraError" in done.stderr
    assert "pip install 'diffspec[torch]'" in done.stderr


def test_help_of_a_monitor_names_the_picture_steps_in_a_word() -> None:
    signature = str(inspect.signature(Monitor))
    assert "pictures: 'Collection[int]' = ONE_TWO_FIVE" in signature
    assert sorted(ONE_TWO_FIVE)[:8] == [0, 1, 2, 5, 10, 20, 50, 100]


@pytest.mark.parametrize("apart", [1, 37])
def test_pictures_are_of_log_spaced_looks_and_of_the_last_whatever_a_step_is(tmp_path: Path, apart: int) -> None:
    with monitor(tmp_path, measures=[DSE()], changes=False) as watching:
        for look in range(9):
            watching.observe(look * apart)
    steps = [record["step"] for record in of(tmp_path / "run.jsonl", "picture")]
    assert steps == [look * apart for look in (0, 1, 2, 5, 8)]
    watching.close()
    assert len(of(tmp_path / "run.jsonl", "picture")) == 5  # once


def test_a_last_picture_is_that_of_its_look(tmp_path: Path) -> None:
    model = network()
    watching = monitor(tmp_path, model=model, measures=[DSE()], changes=False)
    for step in range(4):
        watching.observe(step)
    expected = plane(collect(model, "2", [INPUTS])["2"])
    with torch.no_grad():
        model[0].weight.mul_(3.0)  # trained on after the last look
    watching.close()
    last = of(tmp_path / "run.jsonl", "picture")[-1]
    assert last["step"] == 3
    assert last["x"] == short(expected[0])


def test_points_for_last_pictures_are_kept_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diffspec.training.pictures.KEPT", 1000)
    album = Album(ONE_TWO_FIVE)
    for _ in range(4):
        album.begin()
    for layer in "abc":
        assert not album.due(3, layer, np.zeros((10, 6)))  # 480 bytes
    assert list(album.rest()) == ["b", "c"]
    assert not album.due(3, "d", np.zeros((100, 6)))
    assert list(album.rest()) == ["d"]  # one at least


def test_the_log_says_what_a_step_is_called(tmp_path: Path) -> None:
    monitor(tmp_path, measures=[DSE()], axis="epoch").observe(0)
    monitor(tmp_path, measures=[DSE()], run="other").observe(0)
    assert [record["axis"] for record in of(tmp_path / "run.jsonl", "settings")] == ["epoch", None]
    with pytest.raises(InputError, match="axis must be a str that is not empty"):
        monitor(tmp_path, axis=" ")
