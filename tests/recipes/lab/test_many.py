"""Many cells of one recipe, here or on the workers of a cluster: the same cells, whoever dies."""

import os
import signal
from pathlib import Path

import pytest

from diffspec.errors import InputError
from recipes.lab import data as _data
from recipes.lab import log as _log
from recipes.lab import many


def test_the_bar_says_how_long_the_rest_takes():
    now = iter([0.0, 60.0, 240.0])
    bar = many.Bar([1.0, 3.0], clock=lambda: next(now))
    assert bar.after(1.0) == "[#####---------------] 1 of 2 cells, 3 min left"
    assert bar.after(3.0) == "[####################] 2 of 2 cells, 0 min left"


def square(x):
    if x == 2:
        raise ValueError("no two")
    return {"y": float(x * x)}


def test_cells_on_a_cluster_are_the_same_and_fail_alone(tmp_path):
    from distributed import LocalCluster

    said = []
    log = _log.Log(tmp_path / "cells.jsonl", say=said.append)
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0") as local:
        log.cluster = local.scheduler_address
        many.measure_all(log, square, [{"x": x} for x in range(4)], lambda key: 1.0)
    assert {cell.key["x"]: cell.values["y"] for cell in log.cells} == {0: 0.0, 1: 1.0, 3: 9.0}
    assert (log.measured, log.failed) == (4, 1)
    assert sum("of 4 cells" in line for line in said) == 4


@pytest.fixture(scope="module")
def two_workers():
    """The address of a scheduler of two processes; they import this module, so it imports no torch."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0") as local:
        yield local.scheduler_address


def data_of_worker(x):
    return {"x": x, "data": os.environ.get(_data.VARIABLE, "")}


def test_workers_look_for_data_where_it_was_said(two_workers, tmp_path, monkeypatch):
    monkeypatch.setenv(_data.VARIABLE, str(tmp_path))
    log = _log.Log(tmp_path / "cells.jsonl", cluster=two_workers)
    many.measure_all(log, data_of_worker, [{"x": 1}], lambda key: 1.0)
    assert [cell.values["data"] for cell in log.cells] == [str(tmp_path)]


def dies_once(x, died):
    """A cell whose worker is killed the first time that the last of them is measured."""
    if x == 2 and not os.path.exists(died):
        Path(died).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return square(x + 3)


def test_a_killed_worker_changes_nothing(two_workers, tmp_path):
    log = _log.Log(tmp_path / "cells.jsonl", cluster=two_workers)
    died = tmp_path / "died"
    many.measure_all(log, dies_once, [{"x": x, "died": str(died)} for x in range(3)], lambda key: 1.0)
    assert died.exists()
    assert {cell.key["x"]: cell.values for cell in log.cells} == {x: square(x + 3) for x in range(3)}
    assert (log.measured, log.failed) == (3, 0)


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1:1"])
def test_a_cluster_that_does_not_answer_is_one_line(address, tmp_path):
    import dask

    log = _log.Log(tmp_path / "cells.jsonl", cluster=address)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "100ms"}),
        pytest.raises(InputError, match=rf"no Dask scheduler answers at '{address}' .*leave --cluster out"),
    ):
        many.measure_all(log, square, [{"x": 1}], lambda key: 1.0)
