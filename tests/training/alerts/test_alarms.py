"""Alerts of a monitor: told when they begin, as records, to the caller and to sinks, and they stop what they shall."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diffspec import Gaussian, InputError, adjusted_dsmi
from diffspec.baselines import effective_rank
from diffspec.conventions import default
from diffspec.errors import LayersWarning
from diffspec.runs.log import Record, read
from diffspec.training import (
    DSE,
    DSMI,
    RULES,
    Alert,
    Collapse,
    Memorisation,
    Monitor,
    Probe,
    Saturation,
    collect,
)
from diffspec.training.alerts.alarms import Alarms
from real_data import mnist

RNG = np.random.default_rng(3)
LABELS = np.arange(60) % 3
INPUTS = torch.as_tensor(RNG.normal(size=(60, 6)) + 3.0 * np.eye(3, 6)[LABELS], dtype=torch.float32)


class Scaled(torch.nn.Module):
    """What it is given, times `by`, plus 1."""

    def __init__(self) -> None:
        super().__init__()
        self.by = torch.nn.Parameter(torch.tensor(1.0))
        self.out = torch.nn.Identity()

    def forward(self, inputs: Any) -> Any:
        return self.out(1.0 + self.by * inputs)


def monitor(path: Path, model: Any, **changes: Any) -> Monitor:
    settings: dict[str, Any] = {"measures": [DSE()], "changes": False, "pictures": (), "strict": True, **changes}
    settings = {"layers": "out", "probe": Probe(INPUTS, LABELS), **settings}
    return Monitor(model, log=path / "run.jsonl", **settings)


def alerts(path: Path) -> list[Record]:
    return [record for record in read(path / "run.jsonl") if record["kind"] == "alert"]


def told(watching: Monitor, model: Any, scales: list[float], **scalars: float) -> list[dict[str, float]]:
    """The alerts in what `observe` gives at each of some scales."""
    found = []
    for step, scale in enumerate(scales):
        with torch.no_grad():
            model.by.fill_(scale)
        numbers = watching.observe(step, **scalars)
        found.append({key: value for key, value in numbers.items() if "alert" in key})
    return found


def test_collapse_is_told_when_it_begins_and_when_it_begins_again(tmp_path: Path) -> None:
    model, heard = Scaled(), list[Alert]()
    watching = monitor(tmp_path, model, on_alert=heard.append, rules={"neighbors": default})
    one = {"diffspec/alert_collapse/out": 1.0}
    assert told(watching, model, [1.0, 1e-4, 1e-5, 1.0, 0.0]) == [{}, one, {}, {}, one]
    assert [(r["step"], r["name"], r["layer"], r["rule"]) for r in alerts(tmp_path)] == [
        (1, "collapse", "out", None),
        (4, "collapse", "out", None),
    ]
    assert [(a.name, a.step, a.layer, a.rule, a.text) for a in heard] == [
        (r["name"], r["step"], r["layer"], r["rule"], r["text"]) for r in alerts(tmp_path)
    ]
    assert heard[0].text.startswith("collapsed: the effective rank is 1, and was ")
    assert str(heard[0]) == f"collapse at step 1 (layer 'out'): {heard[0].text}"
    assert not watching.should_stop


def test_saturation_is_told_under_its_rule(tmp_path: Path) -> None:
    model = Scaled()
    watching = monitor(tmp_path, model, rules={"wide": Gaussian(2.0), "neighbors": default})
    one = {"diffspec/alert_saturation/wide/out": 1.0}
    assert told(watching, model, [1.0, 1e3, 1e4]) == [{}, one, {}]
    (record,) = alerts(tmp_path)
    assert (record["step"], record["name"], record["rule"]) == (1, "saturation", "wide")
    verdicts = [r["verdict"] for r in read(tmp_path / "run.jsonl") if r["kind"] == "number" and r["rule"] == "wide"]
    assert record["text"] == verdicts[1]
    assert "informative for sigma between" in record["text"]


def test_which_widths_would_tell_more_is_said_when_a_kernel_begins_to_tell_nothing(tmp_path: Path) -> None:
    model = Scaled()
    watching = monitor(tmp_path, model, rules={"wide": Gaussian(2.0)}, measures=[DSE(), DSMI("Y")])
    told(watching, model, [1e3, 1e4, 1.0, 1e-4, 1e-4])
    found = [r for r in read(tmp_path / "run.jsonl") if r["kind"] == "number" and r["rule"] == "wide"]
    for name in ("DSE(Z)", "DSMI(Z;Y)"):
        verdicts = [r["verdict"] for r in found if r["name"] == name]
        assert ["between about" in verdict for verdict in verdicts] == [True, False, False, True, False]
        words = ("saturated", "saturated", "", "collapsed", "collapsed")
        assert all(verdict.startswith(word) for verdict, word in zip(verdicts, words, strict=True))


def learnt(seed: int = 0) -> tuple[Any, Any, Any]:
    """A network, 300 digits under wrong labels, and how an epoch is trained."""
    torch.manual_seed(seed)
    images, digits = mnist(300)
    wrong = digits[torch.randperm(300)]
    hidden = [torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU()]
    network = torch.nn.Sequential(*hidden, torch.nn.Linear(256, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def epoch() -> float:
        for some in torch.randperm(300).split(30):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(images[some]), wrong[some]).backward()
            optimizer.step()
        return float((network(images).argmax(1) == wrong).double().mean())

    return network, epoch, wrong


def test_memorising_real_digits_under_wrong_labels_stops_the_training(tmp_path: Path) -> None:
    network, epoch, _wrong = learnt()
    probe = Probe(*mnist(200, "t10k"))
    settings: dict[str, Any] = {"layers": ["1", "5"], "measures": None, "probe": probe, "stop_on": "memorisation"}
    heard = list[Alert]()
    with monitor(tmp_path, network, on_alert=heard.append, **settings) as watching:
        accuracies = [0.1]
        watching.observe(0, train_accuracy=0.1)
        while not watching.should_stop and len(accuracies) < 30:
            accuracies.append(epoch())
            watching.observe(len(accuracies) - 1, train_accuracy=accuracies[-1])
    stopped = len(accuracies) - 1
    (alert,) = [one for one in heard if one.name == "memorisation"]
    assert (alert.step, alert.layer, alert.rule) == (stopped, "5", "neighbors")
    assert stopped < 30
    # The rule of its own, on the numbers of the log.
    found = [r for r in read(tmp_path / "run.jsonl") if r["kind"] == "number" and r["rule"] == "neighbors"]
    information = [r for r in found if r["name"] == "adjusted DSMI(Z;Y)" and r["layer"] == "5"]
    values, ceiling = [r["value"] for r in information], information[0]["ceiling"]
    said = [Memorisation()(accuracy, values[: k + 1], ceiling=ceiling) for k, accuracy in enumerate(accuracies)]
    assert [bool(one) for one in said] == [False] * stopped + [True]
    assert alert.text == said[-1]
    points = collect(network, "5", [probe.inputs])["5"]
    assert values[-1] == pytest.approx(adjusted_dsmi(points, probe.labels).value, rel=1e-9)


@pytest.mark.parametrize(
    "name", ["train_accuracy", "train/acc", "acc_train", "Train accuracy", "accTrain", "pretrain_acc1", "trainAccTop1"]
)
def test_memorisation_takes_an_accuracy_in_training(tmp_path: Path, name: str) -> None:
    watching = monitor(tmp_path, Scaled(), measures=None)
    told(watching, watching._model, [1.0, 1.0], **{name: 0.99})
    assert [(r["step"], r["name"]) for r in alerts(tmp_path)] == [(1, "memorisation")]


@pytest.mark.parametrize(
    "name",
    ["accuracy", "val_accuracy", "train_loss", "train/accumulated_loss", "train_accept_rate", "constraint_accuracy"],
)
def test_and_no_other_number(tmp_path: Path, name: str) -> None:
    watching = monitor(tmp_path, Scaled(), measures=None)
    told(watching, watching._model, [1.0, 1.0], **{name: 0.99})
    assert alerts(tmp_path) == []


def test_memorisation_is_not_told_of_a_look_that_has_none_to_compare_with(tmp_path: Path) -> None:
    """The first look, here after an epoch, and one at which the information could not be measured."""
    model = Scaled()
    watching = monitor(tmp_path, model, measures=None, strict=False)
    assert told(watching, model, [1.0], train_accuracy=0.99) == [{}]
    with torch.no_grad():
        model.by.fill_(torch.nan)
    with pytest.warns(LayersWarning, match="NaN"):
        numbers = watching.observe(1, train_accuracy=0.99)
    assert set(numbers) == {"train_accuracy"}
    assert alerts(tmp_path) == []
    with torch.no_grad():
        model.by.fill_(1.0)
    assert watching.observe(2, train_accuracy=0.99)["diffspec/alert_memorisation/out"] == 1.0


@pytest.mark.parametrize(
    "changes",
    [
        {"measures": [DSE(), DSMI("Y")]},  # no adjusted information
        {"rules": {"wide": Gaussian(2.0)}},  # not under the kernel that it was measured under
        {"alerts": [Collapse(), Saturation()]},
        {"alerts": ()},
    ],
)
def test_without_what_it_needs_memorisation_is_not_told(tmp_path: Path, changes: dict[str, Any]) -> None:
    watching = monitor(tmp_path, Scaled(), **{"measures": None, **changes})
    told(watching, watching._model, [1.0, 1.0], train_accuracy=0.99)
    assert alerts(tmp_path) == []


def test_a_continued_run_knows_what_it_began_with(tmp_path: Path) -> None:
    """Held-out classes are told less than before the training, though not less than when it went on."""
    model = torch.nn.Sequential(torch.nn.Linear(6, 6))
    weights = [torch.eye(6), torch.zeros(6, 6), torch.zeros(6, 6)]
    generator = torch.Generator().manual_seed(0)
    weights[1][0] = weights[2][0] = torch.randn(6, generator=generator)
    said = []
    for step, weight in enumerate(weights):
        watching = monitor(tmp_path, model, layers="0", measures=None)  # a process of its own each
        with torch.no_grad():
            model[0].weight.copy_(weight)
        watching.observe(step, train_accuracy=0.6 if step == 2 else 0.1)
        said += [r["text"] for r in alerts(tmp_path) if r["step"] == step and r["name"] == "memorisation"]
    values = [r["value"] for r in read(tmp_path / "run.jsonl") if r.get("name") == "adjusted DSMI(Z;Y)"]
    first = values[
        [r["rule"] for r in read(tmp_path / "run.jsonl") if r.get("name") == "adjusted DSMI(Z;Y)"].index("neighbors")
    ]
    assert len(said) == 1
    assert f"at the first look {100 * first / np.log2(3):.0f} %" in said[0]


def test_a_continued_run_knows_how_large_the_rank_was(tmp_path: Path) -> None:
    """A layer that collapsed while nobody looked: between the kill of a training and the first look of the next."""
    model = torch.nn.Sequential(torch.nn.Linear(6, 6))
    for step, scale in enumerate([1.0, 0.9, 0.0]):
        watching = monitor(tmp_path, model, layers="0", stop_on="collapse")  # a process of its own each
        with torch.no_grad():
            model[0].weight.copy_(scale * torch.eye(6))
        watching.observe(step)
        assert watching.should_stop == (scale == 0.0)
    with torch.no_grad():
        largest = max(effective_rank((scale * INPUTS + model[0].bias).numpy()).value for scale in (1.0, 0.9))
    (alert,) = alerts(tmp_path)
    assert alert["step"] == 2
    assert f"and was {largest:.3g}:" in alert["text"]
    other = monitor(tmp_path, model, layers="0", run="other")  # what another run saw is nothing to this one
    other.observe(0)
    assert len(alerts(tmp_path)) == 1


def test_a_percentage_is_a_failure_and_not_the_end(tmp_path: Path) -> None:
    watching = monitor(tmp_path, Scaled(), measures=None, strict=False)
    with pytest.warns(LayersWarning, match=r"^alert of layer 'out' failed at step 0: .* got 99.5; give the share"):
        watching.observe(0, train_accuracy=99.5)
    (failure,) = [record for record in read(tmp_path / "run.jsonl") if record["kind"] == "failure"]
    assert failure["name"] == "alert"
    with pytest.raises(InputError, match="give the share that is right"):
        monitor(tmp_path, Scaled(), measures=None, run="strict").observe(0, train_accuracy=99.5)


def fails(_alert: Alert) -> None:
    raise OSError("no network")


def test_a_callback_that_fails_is_a_failure_and_the_look_goes_on(tmp_path: Path) -> None:
    model = Scaled()
    settings: dict[str, Any] = {"on_alert": fails, "stop_on": ("collapse",), "rules": {"neighbors": default}}
    watching = monitor(tmp_path, model, strict=False, **settings)
    watching.observe(0)
    with torch.no_grad():
        model.by.zero_()
    with pytest.warns(LayersWarning, match=r"^alert of layer 'out' failed at step 1: OSError: no network; the"):
        numbers = watching.observe(1)
    assert numbers["diffspec/alert_collapse/out"] == 1.0
    assert len(alerts(tmp_path)) == 1
    assert watching.should_stop
    watching = monitor(tmp_path, model, run="strict", **settings)
    with pytest.raises(OSError, match="no network"):
        told(watching, model, [1.0, 0.0])


def test_tensorboard_and_wandb_have_the_words(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    said = list[dict[str, str]]()

    class Run:
        def define_metric(self, *_: Any, **__: Any) -> None:
            pass

        def log(self, numbers: Any) -> None:
            pass

        def alert(self, *, title: str, text: str) -> None:
            said.append({"title": title, "text": text})

    model = Scaled()
    with SummaryWriter(str(tmp_path / "tb")) as writer:
        watching = monitor(tmp_path, model, sinks=[writer, Run()], rules={"neighbors": default})
        told(watching, model, [1.0, 0.0])
        watching.close()
    (record,) = alerts(tmp_path)
    words = f"collapse at step 1 (layer 'out'): {record['text']}"
    events = EventAccumulator(str(tmp_path / "tb"))
    events.Reload()
    (event,) = events.Tensors("diffspec/collapse/text_summary")
    assert (event.step, event.tensor_proto.string_val[0].decode()) == (1, words)
    assert [e.step for e in events.Scalars("diffspec/alert_collapse/out")] == [1]
    assert said == [{"title": "diffspec: collapse", "text": words}]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"alerts": "collapse"},
            r"^alerts must be a list of Collapse\(\), Saturation\(\) and Memorisation\(\), or \(\)",
        ),
        ({"alerts": [Collapse]}, "^alerts must be a list of"),
        ({"alerts": Collapse()}, "^alerts must be a list of"),
        ({"alerts": [Collapse(), Collapse(2.0)]}, "^alerts holds two rules of collapse"),
        ({"stop_on": "overfitting"}, "^stop_on must be some of collapse, saturation, memorisation, got 'overfitting'"),
        ({"stop_on": ["memorisation", 3]}, "^stop_on must be some of"),
        ({"stop_on": None}, "^stop_on must be some of"),
        ({"stop_on": "collapse", "alerts": [Saturation()]}, "^stop_on must be some of saturation, got 'collapse'"),
        ({"stop_on": "collapse", "alerts": ()}, "^stop_on must be some of no alert at all, got 'collapse'"),
        ({"on_alert": "print"}, "^on_alert must be a function of an Alert, such as print, got 'print'"),
        ({"on_alert": Alert}, "^on_alert must be a function of an Alert"),
    ],
)
def test_what_is_no_alert_is_refused_before_training(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        monitor(tmp_path, Scaled(), **given)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


# --- the rules themselves ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ranks", "alarm"),
    [
        ([1.5], False),  # it began so
        ([2.9, 1.5], False),  # not half of what it was
        ([3.0, 1.5], True),
        ([30.0, 1.51], False),
        ([30.0, 1.0], True),
        ([1.0, 30.0, 1.4], True),
        ([1.0, 30.0], False),
    ],
)
def test_collapse_needs_a_rank_near_1_and_a_fall(ranks: list[float], alarm: bool) -> None:
    assert bool(Collapse(1.5)(ranks)) is alarm
    assert Collapse(1.6)([30.0, 1.51])


@pytest.mark.parametrize("n", [30, 512, 1300])
def test_the_rank_is_that_of_some_points(n: int) -> None:
    alarms = Alarms((Collapse(),), RULES, "a")
    points = RNG.normal(size=(n, 20))
    for spread in (1.0, 1e-2, 2e-3, 1.0, 1e-3, 0.0):
        found = alarms.points("a", 1.0 + spread * points)
        rank = effective_rank(1.0 + spread * points).value
        assert (rank <= 1.5) is (spread < 0.05)
        assert bool(found) is (spread in (1e-2, 1e-3))  # when it begins
        assert all(float(alert.text.split()[5].removesuffix(",")) == pytest.approx(rank, rel=0.05) for alert in found)


@pytest.mark.parametrize(
    ("ranks", "words"),
    [
        ([], "ranks must be finite numbers, one per look"),
        ([2.0, np.nan], "ranks must be finite numbers, one per look"),
        (3.0, "ranks must be a sequence of numbers, one per look, got 3.0"),
    ],
)
def test_ranks_that_cannot_be(ranks: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Collapse()(ranks)


@pytest.mark.parametrize("rank", [1.0, 0.5, float("nan"), float("inf"), "2", None, True])
def test_a_rank_that_tells_nothing_is_refused(rank: Any) -> None:
    with pytest.raises(InputError, match=r"^rank must be a number over 1, got "):
        Collapse(rank)


def test_saturation_repeats_the_verdict() -> None:
    assert Saturation()("saturated: every point is its own cluster") == "saturated: every point is its own cluster"
    assert Saturation()("informative") == Saturation()("collapsed: all points are one cluster") == ""


def test_alerts_go_through_json(tmp_path: Path) -> None:
    model = Scaled()
    watching = monitor(tmp_path, model, rules={"neighbors": default})
    told(watching, model, [1.0, 0.0])
    lines = (tmp_path / "run.jsonl").read_text().splitlines()
    assert [json.loads(line)["name"] for line in lines if '"kind": "alert"' in line] == ["collapse"]
