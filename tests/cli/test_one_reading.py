"""All commands that take points read a file alike: what `measure` measures is what the others are sure about."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from diffspec import dsmi
from diffspec.cli.command import run

COMMANDS = {
    "measure": [],
    "interval": ["--resamples", "10"],
    "test": ["--permutations", "19"],
    "compare": ["--resamples", "10"],
    "rank": ["--resamples", "10", "--estimator", "matched"],
}
OWN = ["--labels", "labels.npy"]

every_command = pytest.mark.parametrize("command", COMMANDS)


@pytest.fixture
def points(tmp_path, monkeypatch):
    """60 points of three classes; the folder, made current, holds the labels, and a table of both."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 20)
    found = (np.eye(3)[labels] + rng.normal(size=(60, 3))).round(6)
    np.save("labels.npy", labels)
    table("labelled.csv", "a,b,c,label", np.column_stack([found, labels]).tolist())
    return found


def table(name, header, rows):
    Path(name).write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]))


def given(command, file, *options, labels=OWN):
    several = command in ("compare", "rank")
    second = [shutil.copy(file, f"second{Path(file).suffix}")] if several else []
    return [command, file, *second, *COMMANDS[command], *labels, *options]


def value(capsys, command, file, *options, labels=OWN):
    """The information that a command finds in the first file."""
    code = run([*given(command, file, *options, labels=labels), "--json"])
    out, err = capsys.readouterr()
    assert code == 0, err
    found = json.loads(out)
    if command == "rank":
        found = next(row for row in found["rows"] if row["name"] == file.partition(".")[0])
    return found["first" if command == "compare" else "value"]


def expected(points):
    return pytest.approx(dsmi(points, np.repeat([0, 1, 2], 20)).value, abs=1e-9)


@every_command
@pytest.mark.parametrize("labels", [OWN, ["--labels", "labelled.csv", "--labels-column", "label"]])
def test_labels_from_another_file_are_no_feature_of_a_table_that_holds_them(points, capsys, command, labels):
    assert value(capsys, command, "labelled.csv", labels=labels) == expected(points)


@every_command
def test_a_file_of_labels_among_the_files_of_a_folder_is_none_of_them(points, capsys, command):
    Path("nets").mkdir()
    np.save("nets/points.npy", points)
    if command in ("compare", "rank"):
        np.save("nets/turned.npy", points[:, ::-1])
    shutil.copy("labels.npy", "nets/y.npy")
    assert run([command, "nets", *COMMANDS[command], "--labels", "nets/y.npy"]) == 0
    assert "y.npy" not in capsys.readouterr().out


@every_command
def test_labels_written_as_floats_are_classes(points, capsys, command):
    np.save("points.npy", points)
    np.savetxt("labels.txt", np.load("labels.npy"))
    assert value(capsys, command, "points.npy", labels=["--labels", "labels.txt"]) == expected(points)


@every_command
def test_columns_are_chosen_alike(points, capsys, command):
    rows = [[*row, 7.0 if k else ""] for k, row in enumerate(points.tolist())]
    table("gap.csv", "a,b,c,spoiled", rows)
    assert run(given(command, "gap.csv")) == 2
    assert "--drop 'spoiled'" in capsys.readouterr().err
    assert value(capsys, command, "gap.csv", "--drop", "spoiled") == expected(points)
    assert value(capsys, command, "gap.csv", "--features", "[ab]") == expected(points[:, :2])


@every_command
def test_the_first_line_is_decided_alike(points, capsys, command):
    rows = [[word, k] for k, word in enumerate(["dog", "emu"] * 29 + ["fox"])]
    table("odd.csv", "cat,3", rows)
    assert run(given(command, "odd.csv")) == 2
    assert "say --header or --no-header" in capsys.readouterr().err
    assert run(given(command, "odd.csv", "--header")) == 2
    err = capsys.readouterr().err
    assert "got 60 in labels.npy for 59 in odd.csv; the first line of odd.csv, 'cat,3', was taken for column" in err


@every_command
def test_arrays_of_more_axes_become_points_alike(points, capsys, command):
    np.save("tokens.npy", np.stack([points, points], axis=1))
    assert run(given(command, "tokens.npy")) == 2
    assert "give --reduce gap, or another of gap, mean" in capsys.readouterr().err
    assert value(capsys, command, "tokens.npy", "--reduce", "first") == expected(points)


@pytest.mark.parametrize("command", ["measure", "interval"])
def test_a_first_line_of_no_labels_is_refused(points, capsys, command):
    assert run([command, "labelled.csv", "--labels-header"]) == 2
    assert "--labels-header need" in capsys.readouterr().err


def test_arrays_of_files_of_one_name_are_listed_with_their_folders(points, capsys):
    for name in ("a", "b"):
        Path(name).mkdir()
        np.save(f"{name}/emb.npy", points)
    assert run(["measure", "a/emb.npy", "b", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["file", "a/emb.npy", "b/emb.npy"]
    assert run(["compare", "a/emb.npy", "b/emb.npy", "--resamples", "10"]) == 0
    assert capsys.readouterr().out.startswith("a is a/emb.npy, b is b/emb.npy: no difference")


def test_what_a_log_has_no_columns_for_is_refused(points, capsys):
    for option in (["--drop", "a"], ["--features", "a"], ["--reduce", "gap"], ["--no-header"], ["--labels-header"]):
        assert run(["rank", "run.jsonl", *option]) == 2
        assert f"{option[0].replace('no-', '')} is for arrays" in capsys.readouterr().err
