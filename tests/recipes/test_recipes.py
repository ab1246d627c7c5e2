"""Every recipe runs at its smallest size, skips all of it the second time, draws, and compares with expected.toml."""

import dataclasses
import importlib
import inspect
import json
import math
import re
import resource
import runpy

import pytest
from click.testing import CliRunner

import diffspec.cli.command
import recipes
from recipes.lab import command as _command
from recipes.lab import expected as _expected
from recipes.lab import log as _log
from recipes.lab import pages as _pages
from recipes.training import cells as training_cells

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Where recipes of this process write, cells in training too: another process may train the same at this moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_cells, "LIVE", tmp_path_factory.mktemp("build"))
        yield tmp_path_factory.mktemp("results")


@pytest.mark.parametrize("name", recipes.NAMES)
def test_smoke_runs_once_and_gives_what_is_expected(name, results):
    first = _command.run(name, "smoke", results)
    assert first.measured > 0
    assert first.failed == 0, [cell.error for cell in _log.read(first.path) if cell.error]
    again = _command.run(name, "smoke", results, endings=())
    assert (again.measured, again.skipped) == (0, first.measured)
    assert again.cells == first.cells
    assert first.path.with_suffix(".png").stat().st_size > 2000
    assert not first.path.with_suffix(".svg").exists()
    # What is expected of these numbers is met or explained; here, for another test may be of another worker.
    verdicts = recipes.load(name).check(again.cells)
    assert verdicts, f"expected.toml has no row for {name}"
    assert [v for v in verdicts if v.status == _expected.NOT] == []


@pytest.mark.parametrize("name", recipes.NAMES)
def test_docstring_says_claim_command_and_time(name):
    recipe = recipes.load(name)
    text = inspect.getdoc(recipe)
    assert f"`python -m recipes {name} --paper`" in text
    assert "Claim: " in text
    assert "Expected time: " in text
    with pytest.raises(AttributeError):
        setattr(recipe.SMOKE, dataclasses.fields(recipe.SMOKE)[0].name, 7)


def test_svg_is_drawn_on_request(tmp_path):
    given = ["matrix-mix", "--smoke", "--svg", "--results", str(tmp_path)]
    assert RUNNER.invoke(_command.command, given).exit_code == 0
    assert (tmp_path / "matrix-mix" / "smoke.svg").read_text().startswith("<?xml")
    assert (tmp_path / "matrix-mix" / "smoke.png").exists()


def row(**fields):
    return _expected.Row(what="x", source="y", **fields)


@pytest.mark.parametrize(
    ("fields", "ours", "status"),
    [
        ({"value": 2.0, "tolerance": 0.1}, 2.05, "reproduced"),
        ({"value": 2.0, "tolerance": 0.1}, 2.15, "not reproduced"),
        ({"value": 2.0, "tolerance": 0.1}, math.nan, "not run"),
        ({"value": 2.0, "tolerance": 0.1, "because": "units"}, 2.15, "differs because"),
        ({"at_least": 3.0}, 3.0, "reproduced"),
        ({"at_least": 3.0}, 2.9, "not reproduced"),
        ({"at_most": 0.1, "because": "units"}, 0.2, "differs because"),
    ],
)
def test_status_of_a_row(fields, ours, status):
    assert _expected.Verdict(row=row(**fields), ours=ours).status == status


def test_reasons_are_numbered_below_the_table():
    verdicts = [_expected.Verdict(row=row(value=1.0, because=text), ours=2.0) for text in ("a", "b", "a")]
    table = _pages.table(verdicts)
    assert re.findall(r"differs because \[(\d)\]", table) == ["1", "2", "1"]
    assert table.endswith("\n\n[1] a\n\n[2] b")


def test_the_table_of_a_recipe_is_on_its_page():
    estimators = recipes.load("estimators")
    keys = [{"task": "2 classes, 2-D", "estimator": "Ross", "n": 9, "seed": seed, "steps": 0} for seed in (0, 1)]
    numbers = [{"value": 0.5, "true": 0.75, "error": -0.25}, {"value": 0.7, "true": 0.75, "error": -0.05}]
    cells = [_log.Cell(key=key, values=values) for key, values in zip(keys, numbers, strict=True)]
    assert "| Ross | -0.15 ± 0.14 |\n" in _pages.page("estimators", cells, "x.png") + "\n"
    assert "| estimator | 2 classes, 2-D (0.75) |\n|---|---|" in estimators.table(cells)


def test_cells_of_another_recipe_are_taken_where_they_are_not_known(tmp_path):
    log = _log.Log(tmp_path / "cells.jsonl")
    log.cell(lambda x: {"y": 1.0}, x=1)
    log.take([_log.Cell(key={"x": x}, values={"y": 5.0}, seconds=3.0) for x in (1, 2)])
    log.cell(lambda x: {"y": 1.0}, x=2)
    assert [cell.values["y"] for cell in _log.Log(log.path).cells] == [1.0, 5.0]
    assert (log.measured, log.skipped) == (1, 1)


def test_adjacency_takes_dsmi_from_blobs(tmp_path, monkeypatch):
    adjacency, compared = recipes.load("adjacency"), importlib.import_module("recipes.information.compared")
    planned = [cell for cell in compared.plan(adjacency.SMOKE) if cell["method"] == "diffusion"]
    other = {**planned[0], "n": 77}
    beside = _log.Log(tmp_path / "blobs" / "smoke.jsonl")
    beside.take([_log.Cell(key=key, values={"DSMI": 9.0}) for key in (planned[0], other)])
    monkeypatch.setattr(adjacency, "run_grid", lambda *given: None)
    log = _log.Log(tmp_path / "adjacency" / "smoke.jsonl")
    adjacency.run(adjacency.SMOKE, log)
    assert [dict(cell.key) for cell in log.cells] == [planned[0]]


def test_extremes_are_over_all_curves():
    compared = importlib.import_module("recipes.information.compared")
    given = [(20, 0.0, 1.0), (20, 0.0, 1.4), (20, 1.0, 0.3), (100, 0.0, 0.8), (100, 0.5, 0.9)]
    cells = [
        _log.Cell(key={"d": d, "noise": 1.0, "share": share, "seed": seed}, values={"DSMI": value})
        for seed, (d, share, value) in enumerate(given)
    ]
    found = compared.extremes(cells, 3)
    assert found["DSMI, clean, least"] == 0.8
    assert found["DSMI, clean, most"] == pytest.approx(1.2)
    assert found["DSMI, rise"] == pytest.approx(0.1)
    assert found["DSMI, random, farthest from 0"] == 0.3
    assert found["DSMI, below the truth"] == pytest.approx(math.log2(3) - 0.8)
    assert found["DSMI, above the truth"] == pytest.approx(0.9 - compared.truth(0.5, 3))


def test_a_failing_cell_is_a_line_and_is_tried_again(tmp_path):
    def measure(x):
        calls.append(x)
        if x == 0:
            raise ValueError("no zero\nplease")
        return {"y": math.nan if x == 1 else 1.0 / x}

    calls = []
    for _ in range(2):
        log = _log.Log(tmp_path / "cells.jsonl")
        for x in range(3):
            log.cell(measure, x=x)
        assert [cell.values for cell in log.cells] == [{"y": 0.5}]
        assert log.failed == 2
    assert calls == [0, 1, 2, 0, 1]
    assert [cell.error for cell in _log.read(log.path)][:2] == ["ValueError: no zero please", "not finite: y"]


@pytest.mark.parametrize("value", [math.inf, [1.0, math.nan], {"a": [0.5], "b": (math.inf,)}])
def test_a_number_in_a_list_that_is_not_finite_fails_its_cell_alone(value, tmp_path):
    log = _log.Log(tmp_path / "cells.jsonl")
    log.cell(lambda x: {"y": value, "z": [None, 1.0, "a"]}, x=1)
    log.cell(lambda x: {"y": [None, 1.0]}, x=2)
    assert [cell.error for cell in _log.read(log.path)] == ["not finite: y", ""]


def test_a_line_cut_off_by_a_kill_is_measured_again(tmp_path):
    log = _log.Log(tmp_path / "cells.jsonl")
    for x in (1.0, 2.0):
        log.cell(lambda x: {"y": x}, x=x)
    log.path.write_bytes(log.path.read_bytes()[:-10])
    again = _log.Log(log.path)
    for x in (1.0, 2.0):
        again.cell(lambda x: {"y": x}, x=x)
    assert (again.measured, again.skipped) == (1, 1)
    assert [json.loads(line)["values"]["y"] for line in log.path.read_text().splitlines()] == [1.0, 2.0]


def test_a_line_that_a_full_disk_cut_off_spoils_no_other(tmp_path):
    """Its own process is told; another that goes on writing begins a line of its own."""
    log = _log.Log(tmp_path / "cells.jsonl")
    log.cell(lambda x: {"y": x}, x=1.0)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.path.stat().st_size + 30, limits[1]))
    try:
        with pytest.raises(OSError, match=r"No space left on device: .*cells\.jsonl"):
            log.cell(lambda x: {"y": x}, x=2.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    log.cell(lambda x: {"y": x}, x=3.0)
    again = _log.Log(log.path)
    assert [cell.key["x"] for cell in again.cells] == [1.0, 3.0]
    again.cell(lambda x: {"y": x}, x=2.0)
    assert [cell.key["x"] for cell in _log.Log(log.path).cells] == [1.0, 3.0, 2.0]


@pytest.mark.parametrize("how", ["module", "diffspec"])
def test_results_that_cannot_be_written_are_told_before_anything_is_measured(how, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    arguments = ["matrix-mix", "--results", str(tmp_path / "file")]
    if how == "module":
        monkeypatch.setattr("sys.argv", ["recipes", *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("recipes", run_name="__main__")
        assert ended.value.code == 2
    else:
        assert diffspec.cli.command.run(["recipe", *arguments]) == 2
    told = capsys.readouterr().err
    assert re.fullmatch(
        r"Error: results cannot be written to .*matrix-mix.*; give another folder by --results DIR\n", told
    )


def test_check_fails_where_a_number_is_off_without_a_reason(tmp_path, monkeypatch):
    given = ["check", "matrix-mix", "--results", str(tmp_path)]
    monkeypatch.setattr(_expected, "_ours", lambda row, cells, derived: row.value)
    assert RUNNER.invoke(_command.command, given).exit_code == 0
    monkeypatch.setattr(_expected, "_ours", lambda row, cells, derived: row.value + 100.0)
    found = RUNNER.invoke(_command.command, given)
    assert found.exit_code == 1
    assert found.output.splitlines()[-1].endswith(" not reproduced")


def test_pages_without_results_say_so(tmp_path):
    found = RUNNER.invoke(_command.command, ["pages", "--results", str(tmp_path), "--docs", str(tmp_path / "docs")])
    assert found.exit_code == 0, found.output
    assert "has not been made" in (tmp_path / "docs" / f"{recipes.NAMES[0]}.md").read_text()


def test_the_command_diffspec_recipe_is_the_same(capsys):
    assert diffspec.cli.command.run(["recipe", "list", "--short"]) == 0
    assert capsys.readouterr().out.split() == list(recipes.NAMES)
    assert diffspec.cli.command.run(["recipe", "nothing"]) == 2
    assert capsys.readouterr().err.startswith("Error: No such command 'nothing'")


def test_outside_a_checkout_one_line_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("diffspec.cli.recipe.__file__", str(tmp_path / "a" / "b" / "cli" / "recipe.py"))
    assert diffspec.cli.command.run(["recipe", "check"]) == 2
    error = capsys.readouterr().err
    assert re.fullmatch(
        r"Error: no recipes beside .*; they come with the source: install a checkout of diffspec .*that you trust\n",
        error,
    )
