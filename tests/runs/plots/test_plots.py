"""The figures for papers: what the log holds, drawn without touching matplotlib's global state."""

import subprocess
import sys

import numpy as np
import pytest

from diffspec import InputError, MissingExtraError, Profile, profile
from diffspec.runs.log import RunLog, read
from diffspec.runs.plots import changes, embedding, scale_curves, spectra, training_curves
from diffspec.runs.plots.series import open_log
from digits_log import RUNS, write_log
from effort import crossed


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return write_log(tmp_path_factory.mktemp("log"))


def test_curves_are_those_of_the_log(log):
    figure = training_curves(log)
    assert len(figure.axes) == 6
    wanted = [
        record["value"]
        for record in read(log)
        if record.get("name") == "DSMI(Z;Y)" and record["run"] == "wrong labels" and record["rule"] == "neighbors"
    ]
    drawn = [list(line.get_ydata()) for axis in figure.axes for line in axis.lines]
    assert any(values == pytest.approx(wanted) for values in drawn)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(RUNS)


def test_fixed_widths_stand_left_of_what_is_free_of_scale(log):
    backwards = [record for record in read(log) if record.get("rule") != "sigma = 10"]
    backwards += [record for record in read(log) if record.get("rule") == "sigma = 10"]
    top = training_curves(backwards).axes[:2]
    found = " ".join(axis.get_title(loc="left") + "".join(text.get_text() for text in axis.texts) for axis in top)
    assert found.index("fixed sigma = 10, as published") < found.index("scale-free neighbour graph, t = 3")


def test_records_do_as_well_as_a_path(log):
    a, b = training_curves(log, against="accuracy"), training_curves(read(log), against="accuracy")
    assert [len(axis.lines) for axis in a.axes] == [len(axis.lines) for axis in b.axes]


@pytest.mark.parametrize(
    ("draw", "kind"),
    crossed([embedding, training_curves, spectra, changes], ["png", "svg", "pdf"]),
    ids=lambda value: getattr(value, "__name__", value),
)
def test_every_figure_can_be_saved(log, tmp_path, draw, kind):
    path = tmp_path / f"figure.{kind}"
    draw(log).savefig(path)
    assert path.stat().st_size > 2000


@pytest.mark.parametrize("draw", [embedding, training_curves, spectra, changes, scale_curves])
def test_no_part_of_a_name_is_a_formula_or_another_line(log, draw):
    odd = "$\\frac 1\nor $2 "
    named = {f"{odd}{k}": measured(labels=False) for k in range(2)} if draw is scale_curves else None
    records = [{**r, "run": f"{odd}{r['run']}"} for r in read(log)]
    if draw is training_curves:  # the others look for names of measures
        records = [{**r, "name": f"{odd}{r['name']}"} if "name" in r else r for r in records]
    figure = draw(named or records, **({"layer": "penultimate"} if draw is changes else {}))
    figure.draw_without_rendering()
    texts = [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]
    assert not any("\n" in text for text in texts)
    assert any(text.startswith(r"\$\frac 1 or \$2 ") for text in texts)


def test_the_parts_of_changes_are_those_of_the_log(log):
    figure = changes(log, layer="penultimate")
    assert [axis.get_title(loc="left") for axis in figure.axes] == list(RUNS)
    by_shape = [r["value"] for r in read(log) if r.get("name") == "DSE(Z) change by shape" and r["run"] == RUNS[0]]
    lines = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines}
    assert lines["by shape"] == by_shape
    assert lines["both"] == pytest.approx(np.add(lines["by scale"], by_shape))


def resumed() -> list[dict]:
    """Changes since step 0, and after a new start since step 4: as far from 0 as the first look then was."""
    parts = {"DSE(Z) change by scale": 1.0, "DSE(Z) change by shape": 0.5}
    where = {"kind": "number", "run": "a", "layer": "z", "rule": "sigma = 10", "unit": "bit", "n": 9}
    return [
        {**where, "step": step, "name": name, "value": size * (step - since), "settings": {"since": since}}
        for since, steps in ((0, (1, 2, 3)), (4, (5, 6)))
        for step in steps
        for name, size in parts.items()
    ]


def test_changes_since_different_steps_are_no_one_curve():
    (axis,) = changes(resumed()).axes
    for line, slope in zip(axis.lines, (1.0, 0.5, 1.5), strict=True):
        assert list(line.get_xdata()) == pytest.approx([1, 2, 3, np.nan, 5, 6], nan_ok=True)
        assert list(line.get_ydata()) == pytest.approx(
            [slope, 2 * slope, 3 * slope, np.nan, slope, 2 * slope], nan_ok=True
        )
    once = changes([record for record in resumed() if record["step"] < 4])
    assert list(once.axes[0].lines[0].get_xdata()) == [1, 2, 3]


def test_a_run_has_its_place_and_colour_in_every_layer():
    where = {"kind": "number", "step": 0, "name": "DSE(Z)", "rule": "median", "value": 1.0}
    log = open_log(
        [
            {"kind": "settings", "run": "a", "values": {}},
            *({**where, "run": run, "layer": layer} for run, layer in (("b", "y"), ("a", "y"), ("b", "z"), ("c", "z"))),
        ]
    )
    assert (log.runs, log.at("y").runs, log.at("z").runs) == (["a", "b", "c"], ["a", "b"], ["a", "b", "c"])
    assert [curve.run for curve in log.at("y").curves("DSE(Z)", rule="median")] == ["a", "b"]


def measured(*, labels: bool) -> Profile:
    rng = np.random.default_rng(0)
    groups = np.arange(60) % 3
    return profile(rng.normal(size=(60, 3)) + 5.0 * groups[:, None], groups if labels else None, sigmas=12)


def test_a_profile_is_drawn_as_it_is(tmp_path):
    found = measured(labels=True)
    figure = scale_curves(found)
    entropy, information = figure.axes
    assert list(entropy.lines[0].get_xdata()) == list(found.sigmas)
    assert list(entropy.lines[0].get_ydata()) == list(found.entropy.values)
    assert list(information.lines[0].get_ydata()) == list(found.information.values)
    assert entropy.lines[1].get_xdata() == [found.settings.sigma] * 2
    shaded = [patch.get_x() for patch in entropy.patches]
    assert shaded == pytest.approx([found.sigmas[0], found.plateaus[1]])
    figure.savefig(tmp_path / "profile.pdf")


def test_several_profiles_are_drawn_over_their_scale():
    found = {"labels": measured(labels=True), "none": measured(labels=False)}
    figure = scale_curves(found)
    assert [list(axis.lines[0].get_xdata()) for axis in figure.axes] == [
        pytest.approx(np.divide(found["labels"].sigmas, found["labels"].scale))
    ] * 2
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["labels", "none"]
    assert len(scale_curves(found["none"]).axes) == 1


@pytest.mark.parametrize(
    ("scalars", "expected"),
    [
        ({"accuracy": 0.1, "val_acc": 0.2}, 0.1),
        ({"train_acc": 0.1, "val_acc": 0.2}, 0.2),
        ({"train_accuracy": 0.1, "loss": 0.3}, 0.1),
        ({"Accuracy@1": 0.4}, 0.4),
        ({"stop10": 3.0, "eval_top1": 0.4}, 0.4),
        ({"topAcc5": 0.5, "accumulated": 3.0}, 0.5),
    ],
)
def test_accuracy_is_found_by_its_usual_names(scalars, expected):
    number = {"kind": "number", "run": "a", "step": 0, "layer": "z", "name": "DSE(Z)", "rule": "median", "value": 1.0}
    given = [{"kind": "scalar", "run": "a", "step": 0, "name": name, "value": value} for name, value in scalars.items()]
    (axis,) = training_curves([number, *given], against="accuracy").axes
    assert axis.lines[0].get_xdata() == [expected]
    named = next(iter(scalars))
    (axis,) = training_curves([number, *given], against=named).axes
    assert axis.lines[0].get_xdata() == [scalars[named]]


def test_a_step_is_called_what_the_log_calls_it():
    number = {"kind": "number", "run": "a", "step": 0, "layer": "z", "name": "DSE(Z)", "rule": "median", "value": 1.0}
    named = {"kind": "settings", "run": "a", "values": {}, "axis": "epoch"}
    assert [training_curves(records).axes[0].get_xlabel() for records in ([number], [named, number])] == [
        "step",
        "epoch",
    ]
    other = {**number, "run": "b"}
    mixed = [named, {**named, "run": "b", "axis": "batch"}, number, other]
    assert training_curves(mixed).axes[0].get_xlabel() == "step"


def test_pyplot_is_left_alone(tmp_path):
    log = RunLog(tmp_path / "run.jsonl")
    log.write("number", run="a", step=0, layer="z", name="DSE(Z)", rule="median", value=1.0, unit="bit", n=9)
    code = (
        "import sys; from diffspec.runs.plots import training_curves; "
        f"training_curves({str(log.path)!r}); print('matplotlib.pyplot' in sys.modules)"
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
    with pytest.raises(InputError, match="the log holds no changes; observe twice with a rule of fixed sigma"):
        changes(bare.path)
    with pytest.raises(InputError, match="profiles must be a Profile or a mapping of names to them, got "):
        scale_curves({"a": 3})
    with pytest.raises(InputError, match="no step of the log has a accuracy"):
        training_curves(bare.path, against="accuracy")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"this figure needs packages .*diffspec\[plots\]"):
        training_curves(log)
