"""The figures for papers: what the log holds, drawn without touching matplotlib's global state."""

import subprocess
import sys

import pytest

from diffspec import InputError, MissingExtraError
from diffspec.plots import embedding, spectra, training_curves
from diffspec.runlog import RunLog, read
from digits_log import RUNS, write_log


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return write_log(tmp_path_factory.mktemp("log"))


def test_curves_are_those_of_the_log(log):
    figure = training_curves(log)
    assert len(figure.axes) == 6
    wanted = [
        record["value"]
        for record in read(log)
        if record.get("name") == "DSMI(Z;Y)" and record["run"] == "wrong labels" and record["rule"] == "median"
    ]
    drawn = [list(line.get_ydata()) for axis in figure.axes for line in axis.lines]
    assert any(values == pytest.approx(wanted) for values in drawn)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(RUNS)


def test_records_do_as_well_as_a_path(log):
    a, b = training_curves(log, against="accuracy"), training_curves(read(log), against="accuracy")
    assert [len(axis.lines) for axis in a.axes] == [len(axis.lines) for axis in b.axes]


@pytest.mark.parametrize("draw", [training_curves, spectra, embedding])
@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_every_figure_can_be_saved(log, tmp_path, draw, kind):
    path = tmp_path / f"figure.{kind}"
    draw(log).savefig(path)
    assert path.stat().st_size > 2000


def test_pyplot_is_left_alone(log):
    code = (
        "import sys; from diffspec.plots import training_curves; "
        f"training_curves({str(log)!r}); print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_clear_errors(log, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="against must be one of step, accuracy, median distance, got 'time'"):
        training_curves(log, against="time")
    with pytest.raises(InputError, match="layer must be one of 'penultimate', got 'x'"):
        spectra(log, layer="x")
    with pytest.raises(InputError, match="names must be among the measures of the log"):
        training_curves(log, names=["CSE(Z)"])
    bare = RunLog(tmp_path / "bare.jsonl")
    bare.write("number", run="a", step=0, layer="z", name="DSE(Z)", rule="median", value=1.0, unit="bit", n=9)
    with pytest.raises(InputError, match="the log holds no spectrum"):
        spectra(bare.path)
    with pytest.raises(InputError, match="the log holds no picture"):
        embedding(bare.path)
    with pytest.raises(InputError, match="no step of the log has a accuracy"):
        training_curves(bare.path, against="accuracy")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"this figure needs packages .*diffspec\[plots\]"):
        training_curves(log)
