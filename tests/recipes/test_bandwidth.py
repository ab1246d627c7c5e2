"""The bandwidth study where the folder of data is absent: what needs it is left out, and the results can be checked."""

import pytest
from click.testing import CliRunner

from recipes.bandwidth import bandwidth
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
    monkeypatch.setattr(bandwidth, "train_all", lambda seeds: None)
    log = _log.Log(tmp_path / "cells.jsonl")
    monkeypatch.setattr(log, "cell", lambda function, **key: planned.append(key["data"]))
    planned = []
    bandwidth.run(bandwidth.SMOKE, log)
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
