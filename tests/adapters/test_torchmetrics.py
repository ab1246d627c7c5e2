"""Metrics of torchmetrics: a fixed sample of all that was seen, however it came, and the functions' own value of it."""

from __future__ import annotations

import pickle
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pages
from diffspec import Gaussian, InputError, adjusted_dsmi, dse, dsmi
from real_data import mnist

NAMES = (
    "DiffusionSpectralEntropy",
    "DiffusionSpectralMutualInformation",
    "AdjustedDiffusionSpectralMutualInformation",
)


@pytest.fixture(scope="module")
def made() -> Any:
    """Makes a metric by the place of its name."""
    adapters = import_module("diffspec.adapters.torchmetrics")

    def make(place: int = 0, size: int = 100, **settings: Any) -> Any:
        return getattr(adapters, NAMES[place])(size, **settings)

    return make


@pytest.fixture(scope="module")
def learnt() -> tuple[Any, Any]:
    """What a layer that has learnt real digits gives for others, and these."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(784, 16), torch.nn.ReLU(), torch.nn.Linear(16, 10))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.2)
    images, digits = mnist(500)
    for some in torch.arange(500).repeat(4).split(50):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(images[some]), digits[some]).backward()
        optimizer.step()
    images, digits = mnist(400, "t10k")
    with torch.no_grad():
        return network[:2](images), digits


def fed(metric: Any, points: Any, labels: Any, batch: int = 64) -> Any:
    for some, classes in zip(points.split(batch), labels.split(batch), strict=True):
        metric.update(some, classes)
    return metric


def kept(metric: Any) -> set[bytes]:
    """The points of the sample."""
    (table,) = metric._tables()
    return {row.numpy().tobytes() for row in table[:, 3:]}


@pytest.mark.parametrize(("place", "function"), [(0, lambda x, _y: dse(x)), (1, dsmi), (2, adjusted_dsmi)])
def test_the_value_is_that_of_the_function(made: Any, learnt: Any, place: int, function: Any) -> None:
    points, labels = learnt
    metric = fed(made(place, size=400), points, labels)
    value = metric.compute()
    assert (value.dtype, value.shape) == (torch.float32, ())
    wanted = function(points.numpy(), labels.numpy())
    # The subsets of matched estimators are drawn from rows in another order.
    assert metric.estimate.value == pytest.approx(wanted.value, abs=1e-9 + 5 * (wanted.stderr or 0.0))
    assert float(value) == pytest.approx(metric.estimate.value, rel=1e-6)
    assert (metric.estimate.n, metric.estimate.verdict) == (400, "informative")
    (table,) = metric._tables()
    again = function(table[:, 3:].numpy(), table[:, 2].numpy().astype(int))
    assert again.value == metric.estimate.value


def test_settings_are_those_of_dse(made: Any, learnt: Any) -> None:
    metric = fed(made(kernel=Gaussian(2.0), alpha=0.0, t=2.0), *learnt)
    metric.compute()
    settings = metric.estimate.settings
    assert (settings.sigma, settings.alpha, settings.t, metric.estimate.n) == (2.0, 0.0, 2.0, 100)


def test_the_sample_is_fixed_in_size_and_does_not_depend_on_batches(made: Any, learnt: Any) -> None:
    points, labels = learnt
    one, other = fed(made(), points, labels, batch=400), fed(made(), points, labels, batch=7)
    (row,) = one.rows
    assert row.shape == (100 * (16 + 3),)
    assert torch.equal(one.rows[0], other.rows[0])
    many = made()
    for _ in range(20):
        many.update(points, labels)
        assert [len(part) for part in many.rows] == [100 * 19]
    assert len(pickle.dumps(many)) < 2 * len(pickle.dumps(one))
    assert kept(fed(made(seed=1), points, labels)) != kept(one)


def chosen(metrics: Any, n: int, together: Any) -> np.ndarray:
    """How often each of n points is in the sample of 20, over metrics of many seeds."""
    points = torch.arange(n, dtype=torch.float32)[:, None]
    times = np.zeros(n)
    for seed in range(250):
        (table,) = together(metrics, points, seed)._tables()
        assert len(table) == 20
        times[table[:, 3].numpy().astype(int)] += 1
    return times


def in_batches(made: Any, points: Any, seed: int) -> Any:
    return fed(made(0, 20, seed=seed), points, torch.zeros(len(points), dtype=torch.int64), batch=9)


def merged(made: Any, points: Any, seed: int) -> Any:
    """Two thirds seen by one metric, one third by another."""
    metric, other = made(0, 20, seed=2 * seed), made(0, 20, seed=2 * seed + 1)
    metric.update(points[:40])
    other.update(points[40:])
    metric.merge_state(other)
    return metric


@pytest.mark.parametrize("together", [in_batches, merged])
def test_all_points_are_chosen_equally_often(made: Any, together: Any) -> None:
    times = chosen(made, 60, together)
    expected = 250 * 20 / 60
    # Draws without replacement vary less than chi squared of 59; 100 has a probability of .0006.
    assert ((times - expected) ** 2 / expected).sum() / (1 - 20 / 60) < 100


def test_metrics_of_one_seed_are_not_merged(made: Any, learnt: Any) -> None:
    points, labels = learnt
    one, other = fed(made(), points[:200], labels[:200]), fed(made(), points[200:], labels[200:])
    before = one.rows[0].clone()
    with pytest.raises(
        InputError, match=r"^both metrics drew with seed 0; give one of them another seed, then merge them$"
    ):
        one.merge_state(other)
    assert torch.equal(one.rows[0], before)
    one.merge_state(made(seed=5))  # of nothing
    assert torch.equal(one.rows[0], before)
    empty = made(seed=5)
    empty.merge_state(one)
    assert kept(empty) == kept(one)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (lambda made: made(0, 50, seed=1), "one size, got 100 and 50"),
        (lambda made: made(seed=1), "one features, got 16 and 4"),
    ],
)
def test_samples_that_do_not_fit_are_not_merged(made: Any, learnt: Any, other: Any, words: str) -> None:
    one, second = fed(made(), *learnt), other(made)
    second.update(learnt[0][:, :4] if "features" in words else learnt[0])
    with pytest.raises(InputError, match=f"^metrics that are merged must have {words}$"):
        one.merge_state(second.metric_state)  # a state is as good as a metric
    assert len(one._tables()[0]) == 100


def test_reset_begins_anew(made: Any, learnt: Any) -> None:
    metric = fed(made(), *learnt)
    first = kept(metric)
    metric.compute()
    metric.reset()
    assert metric.estimate is None
    with pytest.warns(UserWarning, match="before"), pytest.raises(InputError, match="needs at least 2 points, got 0"):
        metric.compute()
    metric.reset()
    assert kept(fed(metric, *learnt)) == first  # the same points in the same order: the same sample
    metric.reset()
    metric.update(torch.randn(30, 5))  # of another layer
    assert metric.compute() > 0


def test_pickled_it_goes_on(made: Any, learnt: Any) -> None:
    points, labels = learnt
    metric = fed(made(1), points[:192], labels[:192])
    again = pickle.loads(pickle.dumps(metric))
    for one in (metric, again):
        fed(one, points[192:], labels[192:])
    assert metric.compute() == again.compute() == fed(made(1), points, labels).compute()
    assert again.clone().compute() == again.compute()


def test_forward_gives_the_batch_and_keeps_the_rest(made: Any, learnt: Any) -> None:
    points, labels = learnt
    metric = made(1, 150)
    for some, classes in zip(points.split(200), labels.split(200), strict=True):
        value = metric(some, classes)
        assert float(value) == pytest.approx(dsmi(some.numpy(), classes.numpy()).value, rel=1e-6)  # all 200
        assert metric._forward_cache is value  # what Lightning logs
    assert metric.compute() == fed(made(1, 150), points, labels).compute()


def test_a_collection_shares_one_sample(made: Any, learnt: Any) -> None:
    from torchmetrics import MetricCollection

    points, labels = learnt
    several = MetricCollection([made(place) for place in range(3)])
    for some, classes in zip(points.split(64), labels.split(64), strict=True):
        several.update(some, classes)
    found = several.compute()
    assert found == {NAMES[place]: fed(made(place), points, labels).compute() for place in range(3)}
    several.reset()
    assert set(several(points, labels)) == set(NAMES)
    assert several.compute()[NAMES[0]] == fed(made(), points, labels).compute()


def test_a_collection_keeps_samples_of_two_sizes_apart(made: Any, learnt: Any) -> None:
    from torchmetrics import MetricCollection

    points, labels = learnt
    several = MetricCollection({"few": made(0, 80), "many": made(0, 300), "others": made(0, 80, seed=1)})
    for some, classes in zip(points.split(20), labels.split(20), strict=True):  # alike after the first batch
        several.update(some, classes)
    assert len(several.compute_groups) == 3
    assert several["many"]._tables()[0].shape[0] == 300


def shared(rank: int, made: Any, learnt: Any, folder: Path, size: int, places: list[list[int]]) -> None:
    """One of two processes: it sees the points at its places, and writes what both together give."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    points, labels = learnt
    metric, mine = made(1, size), torch.tensor(places[rank], dtype=torch.int64)
    if len(mine):
        fed(metric, points[mine], labels[mine])
    with warnings.catch_warnings():  # torchmetrics says so where a process saw nothing
        warnings.filterwarnings("ignore", "The ``compute`` method", UserWarning)
        value = float(metric.compute())
    table = metric._tables()[0] if len(mine) else torch.zeros(0, 19)  # its own again
    torch.save({"value": value, "n": metric.estimate.n, "table": table}, folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("size", "split"), [(400, 150), (100, 150), (100, 0)])
def test_two_processes(made: Any, learnt: Any, tmp_path: Path, size: int, split: int) -> None:
    places = [list(range(split)), list(range(split, 400))]
    torch.multiprocessing.start_processes(shared, (made, learnt, tmp_path, size, places), nprocs=2, start_method="fork")
    one, other = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    assert one["value"] == other["value"]
    assert one["n"] == other["n"] == size
    tables = torch.cat([one["table"], other["table"]])
    assert len(torch.unique(tables[:, :2], dim=0)) == len(tables)  # keys of their own
    order = np.argsort(tables[:, 0].double().numpy() * 2.0**24 + tables[:, 1].double().numpy())[:size]
    wanted = dsmi(tables[order, 3:].numpy(), tables[order, 2].numpy().astype(int)).value
    assert one["value"] == pytest.approx(wanted, rel=1e-6)


def test_plot(made: Any, learnt: Any) -> None:
    metric = fed(made(), *learnt)
    _figure, axes = metric.plot()
    assert axes.lines[0].get_ydata()[0] == pytest.approx(float(metric.compute()))
    _figure, axes = metric.plot([torch.tensor(1.0), torch.tensor(2.0)])
    assert list(axes.lines[0].get_ydata()) == [1.0, 2.0]
    import_module("matplotlib.pyplot").close("all")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_points_of_any_precision(made: Any, learnt: Any, dtype: Any) -> None:
    points = learnt[0].to(dtype).requires_grad_()
    metric = made()
    metric.update(points)
    wanted = made()
    wanted.update(points.detach().float())
    assert metric.compute() == wanted.compute()


def test_no_global_random_state_is_touched(made: Any, learnt: Any) -> None:
    state = torch.get_rng_state()
    fed(made(), *learnt).compute()
    assert torch.equal(torch.get_rng_state(), state)


POINTS, LABELS = torch.zeros(4, 3), torch.arange(4)


@pytest.mark.parametrize(
    ("points", "labels", "words"),
    [
        (POINTS[0], LABELS, r"points must be a floating tensor \(n, d\), got \(3,\), torch.float32; flatten"),
        (POINTS.int(), LABELS, r"points must be a floating tensor \(n, d\), got \(4, 3\), torch.int32"),
        (POINTS.numpy(), LABELS, r"points must be a floating tensor \(n, d\), got "),
        (POINTS / 0, LABELS, "points must be finite, got NaN or infinity"),
        (POINTS, None, r"labels are needed; write update\(points, labels\)"),
        (POINTS, LABELS[:3], r"labels must be whole numbers, one per point \(4\), got \(3,\), torch.int64"),
        (POINTS, LABELS.float(), r"labels must be whole numbers, one per point \(4\), got \(4,\), torch.float32"),
        (POINTS, LABELS + 2**24, "labels must lie below 16777216, got 16777219"),
    ],
)
def test_what_is_no_batch(made: Any, points: Any, labels: Any, words: str) -> None:
    metric = made(1)
    with pytest.raises(InputError, match=f"^{words}"):
        metric.update(points, labels)
    assert not metric._tables()


def test_wrong_settings(made: Any) -> None:
    for settings, words in [
        ({"size": 1}, "^size must be an integer of at least 2, got 1"),
        ({"seed": -1}, "^seed must be an integer of at least 0, got -1"),
        ({"kernel": "median"}, "^kernel must be a kernel such as"),
        ({"alpha": 2.0}, "^alpha must lie in"),
    ]:
        with pytest.raises(InputError, match=words):
            made(**settings)
    with pytest.raises(
        InputError, match=r"^a sample is kept in float32, got set_dtype\(torch.float16\); leave it out$"
    ):
        made().set_dtype(torch.float16)
    metric = made()
    metric.update(torch.randn(5, 3))
    with pytest.raises(InputError, match=r"^points must have 3 features as before, got 4$"):
        metric.update(torch.randn(5, 4))


def test_the_page(made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = pages.run("watching.md", "torchmetrics")
    assert set(names["values"]) == set(NAMES)
