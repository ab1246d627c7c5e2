"""The bandwidth study where the folder of data is absent: what needs it is left out, and the results can be checked."""

import dataclasses

import numpy as np
import pytest
from click.testing import CliRunner

from diffspec import AlphaDecay
from recipes.bandwidth import bandwidth, corrected
from recipes.bandwidth import data as bandwidth_data
from recipes.bandwidth import tables as bandwidth_tables
from recipes.lab import data as _data
from recipes.lab import log as _log
from recipes.lab.command import RESULTS, command

PAPER = RESULTS / "bandwidth" / "paper.jsonl"


@pytest.fixture
def no_data(monkeypatch, tmp_path):
    monkeypatch.setenv(_data.VARIABLE, str(tmp_path / "absent"))


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("3 blobs", True),
        ("gaussian d=20 noise=0", True),
        ("training digits, true labels, seed 0, at 90 %", True),
        ("training MNIST, true labels, seed 0, at 90 %", False),
        ("MNIST pixels", False),
        ("network mnist_v_fc_2x20", False),
        ("ImageNet squeezenet_v1.0", False),
    ],
)
def test_what_needs_data_is_known(no_data, name, made):
    assert bandwidth_data.there(name) is made


def test_without_data_only_made_points_are_planned(no_data, monkeypatch, tmp_path):
    monkeypatch.setattr(bandwidth, "train_all", lambda on, seeds: None)
    log = _log.Log(tmp_path / "cells.jsonl")
    monkeypatch.setattr(log, "cell", lambda function, **key: planned.append(key["data"]))
    planned = []
    bandwidth.run(dataclasses.replace(bandwidth.SMOKE, trained=bandwidth.PAPER.trained), log)
    assert planned
    assert not [name for name in planned if name.startswith(("network", "accuracy")) or "MNIST" in name]


def test_results_are_checked_without_data(no_data):
    verdicts = {verdict.row.derived: verdict for verdict in bandwidth.check(_log.Log(PAPER).cells)}
    assert verdicts["e all"].ours == pytest.approx(0.957, abs=5e-4)
    assert verdicts["a 0%"].status == "differs because"
    assert "not run" not in {verdict.status for verdict in verdicts.values()}


def test_cells_of_a_smoke_run_meet_no_aim(no_data):
    small = [cell for cell in _log.Log(PAPER).cells if cell.key.get("n", 0) < bandwidth_tables.FULL]
    found = bandwidth_tables.aims(small)
    assert [name for name, value in found.items() if value == value] == []


@pytest.mark.parametrize(("shares", "rho"), [((0.0, 2e-5, 1e-5), 0.0), ((0.3, 0.2, 0.4), 0.5)])
def test_entropies_equal_to_four_digits_do_not_order_dimensions(shares, rho):
    cells = [
        _log.Cell(key={"data": f"{kind} d={d} noise=0", "seed": 0}, values={"share": [share]})
        for kind in ("uniform", "gaussian")
        for d, share in zip((1, 2, 5), shares, strict=True)
    ]
    assert bandwidth_tables.row(cells, 1.0, "matched")["a 0%"] == pytest.approx(rho)


def test_the_folder_of_data_can_be_said(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setenv(_data.VARIABLE, "")  # taken back after the test
    monkeypatch.setattr(bandwidth, "run", lambda settings, log: seen.append(_data.folder()))
    monkeypatch.setattr(bandwidth, "figure", lambda cells: None)
    monkeypatch.setattr("recipes.lab.command.save", lambda figure, path: None)
    given = ["bandwidth", "--results", str(tmp_path), "--data", str(tmp_path)]
    assert CliRunner().invoke(command, given).exit_code == 0
    assert seen == [tmp_path.resolve()]
    missing = CliRunner().invoke(command, ["bandwidth", "--data", str(tmp_path / "absent")])
    assert missing.exit_code == 2
    assert "does not exist" in missing.output


def test_where_no_point_is_a_hub_no_row_of_the_graph_is_long():
    points = np.random.default_rng(0).uniform(-1, 1, (300, 512))
    longest = {name: int((kernel(points) > 0).sum(1).max()) for name, kernel in corrected.CORRECTED.items()}
    default = int((AlphaDecay()(points) > 0).sum(1).max())
    assert max(longest["CSLS"], longest["mutual proximity"]) < 40 < default / 5
    assert longest["mutual neighbours"] < default


@pytest.mark.parametrize("name", sorted(corrected.CORRECTED))
def test_a_correction_is_a_symmetric_affinity_that_no_motion_or_scale_changes(name):
    points = np.random.default_rng(1).normal(size=(60, 5))
    kernel = corrected.CORRECTED[name]
    affinity = kernel(points)
    assert np.allclose(affinity, affinity.T, rtol=1e-11, atol=0)
    assert affinity.min() >= 0
    assert (np.diagonal(affinity) > 0).all()
    assert np.allclose(kernel(1000.0 * points + 3.0), affinity, atol=1e-9)


def test_sums_are_equal_where_they_are_to_be():
    sums = corrected.CORRECTED["equal sums"](np.random.default_rng(2).normal(size=(80, 3))).sum(1)
    assert np.allclose(sums, sums.mean(), rtol=1e-5)


def test_what_csls_joins_is_what_its_formula_joins():
    points = np.random.default_rng(3).normal(size=(30, 4))
    squared = ((points[:, None] - points[None]) ** 2).sum(2)
    k = 2  # sqrt(30) / 3
    near = np.sort(squared, axis=1)[:, 1 : k + 1].mean(1)
    value = squared - (near[:, None] + near[None]) / 2 + np.diag(np.full(30, np.inf))
    chosen = np.zeros((30, 30))
    np.put_along_axis(chosen, np.argsort(value, axis=1)[:, :k], 1.0, axis=1)
    assert np.array_equal(corrected.CORRECTED["CSLS"](points), (chosen + chosen.T) / 2 + np.eye(30))
