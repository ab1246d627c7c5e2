"""The commands on several representations, and on how sure a number is: what the library says, from files."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diffspec import (
    Adjusted,
    Comparison,
    Estimate,
    Interval,
    PermutationTest,
    Ranking,
    adjusted_dsmi,
    agreement,
    compare,
    dse,
    dsmi,
    interval,
    permutation_test,
    rank,
)
from diffspec.cli.command import run
from diffspec.runs.log import RunLog
from diffspec.training.network import pretrained


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder, made current, with four networks in one file and in files of their own, labels and accuracies."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 20)
    networks = {f"net{k}": (3 - k) * np.eye(3)[labels] + rng.normal(size=(60, 3)) for k in range(4)}
    np.savez("all.npz", labels=labels, **networks)
    (tmp_path / "nets").mkdir()
    for name, points in networks.items():
        np.save(f"nets/{name}.npy", points)
    np.save("labels.npy", labels)
    rows = [f"net{k},3,{0.9 - 0.2 * k}" for k in range(4)]
    (tmp_path / "accuracy.csv").write_text("\n".join(["name,layers,test_accuracy", *rows]))
    return networks, labels


def printed(capsys, *arguments):
    code = run(arguments)
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    return out


def refused(capsys, *arguments):
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err


@pytest.mark.parametrize(
    "given",
    [
        ["all.npz", "--labels-key", "labels"],
        ["all.npz", "--key", "net*", "--labels", "labels.npy"],
        ["nets", "--labels", "labels.npy"],
        ["nets/net0.npy", "nets/net1.npy", "nets/net2.npy", "nets/net3.npy", "--labels", "labels.npy"],
    ],
)
def test_rank_takes_arrays_of_a_file_files_and_folders(folder, capsys, given):
    found = json.loads(printed(capsys, "rank", *given, "--resamples", "10", "--json", "--seed", "2"))
    assert found.pop("against") is None
    expected = rank(*folder, resamples=10, rng=2)
    ours = Ranking.from_dict(found)
    assert [(row.name, row.place) for row in ours.rows] == [(row.name, row.place) for row in expected.rows]
    assert list(ours.values.values()) == pytest.approx(list(expected.values.values()), abs=1e-9)


@pytest.fixture
def few(monkeypatch):
    """`agreement` with few resamples, and the commands with it: the usual thousand take a second a number."""
    quicker = partial(agreement, resamples=40)
    monkeypatch.setattr("diffspec.cli.ranking.agreement", quicker)
    monkeypatch.setattr("diffspec.cli.runs.agreement", quicker)
    return quicker


def test_rank_against_accuracies_and_as_a_figure(folder, few, capsys, tmp_path):
    given = ["rank", "all.npz", "--labels-key", "labels", "--resamples", "10", "--against", "accuracy.csv"]
    text = printed(capsys, *given, "--plot", "ranking.png")
    with Image.open("ranking.png") as image:
        assert image.size[0] > 500
    accuracy = {f"net{k}": 0.9 - 0.2 * k for k in range(4)}
    expected = few(rank(*folder, resamples=10).values, accuracy)
    assert text.splitlines()[-1] == f"against: {expected}"
    found = json.loads(printed(capsys, *given, "--json"))["against"]
    assert found["spearman"]["value"] == expected.spearman.value
    layers = refused(capsys, *given, "--against-column", "layers")
    assert "finite and not all equal" in layers
    assert "has no column of numbers 'x'; it has layers, test_accuracy" in refused(
        capsys, *given, "--against-column", "x"
    )
    assert "cannot be drawn" in refused(capsys, *given, "--plot", "ranking.xyz")
    Path("link.png").symlink_to("accuracy.csv")
    assert "link.png is what is read (accuracy.csv) and would be lost" in refused(capsys, *given, "--plot", "link.png")
    assert json.loads(printed(capsys, *given, "--json"))["against"] == found


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (["rank"], "give files or folders to rank, or --timm with --images"),
        (["rank", "all.npz"], "give --labels FILE, or --labels-key KEY"),
        (["rank", "all.npz", "--timm", "resnet18"], "--timm needs --images"),
        (["rank", "all.npz", "--key", "x*", "--labels", "labels.npy"], "has no key 'x*'"),
        (["rank", "nets/net0.npy", "nets/net0.npy", "--labels", "labels.npy"], "would be called 'net0.npy'"),
        (["rank", "all.npz", "--labels-key", "labels", "--against", "none.csv"], "there is no file none.csv"),
        (["compare", "nets", "--labels", "labels.npy"], "give two representations, got 4"),
        (["compare", "nets/net0.npy", "nets/net1.npy", "--estimator", "adjusted"], "--estimator needs --labels"),
        (["test", "nets/net0.npy"], "give --labels FILE"),
        (["interval", "all.npz", "--labels-key", "labels"], "holds 4 arrays (net0, net1, net2, net3); choose one"),
    ],
)
def test_what_is_missing_is_said_in_one_line(folder, capsys, given, text):
    assert text in refused(capsys, *given)


def test_labels_that_differ_between_files_are_refused(folder, capsys):
    np.savez("a.npz", z=np.eye(30), y=np.arange(30) % 2)
    np.savez("b.npz", z=np.eye(30), y=np.arange(30) % 3)
    assert "the labels 'y' of a.npz and b.npz differ" in refused(capsys, "rank", "a.npz", "b.npz", "--labels-key", "y")


def test_interval_test_and_compare_say_what_the_library_does(folder, capsys):
    networks, labels = folder
    of_one = ["nets/net1.npy", "--labels", "labels.npy", "--estimator", "adjusted", "--seed", "3"]
    found = Interval.from_json(printed(capsys, "interval", *of_one, "--resamples", "10", "--json"))
    expected = interval(networks["net1"], labels, estimator=Adjusted(), resamples=10, rng=3)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    tested = PermutationTest.from_json(printed(capsys, "test", *of_one, "--permutations", "19", "--json"))
    assert tested.p_value == permutation_test(networks["net1"], labels, 19, estimator=Adjusted(), rng=3).p_value
    two = ["nets/net0.npy", *of_one, "--resamples", "10"]
    paired = Comparison.from_json(printed(capsys, "compare", *two, "--json"))
    own = compare(networks["net0"], networks["net1"], labels, estimator=Adjusted(), resamples=10, rng=3)
    assert paired.difference == pytest.approx(own.difference, abs=1e-9)
    assert printed(capsys, "compare", *two) == f"a is net0, b is net1: {own}\n"
    plain = printed(capsys, "interval", "nets/net1.npy", "--resamples", "10", "--sigma", "2", "--t", "1.5")
    assert plain.startswith("DSE = ")


def test_runs_of_a_monitor_are_ranked_by_what_they_measured_last(folder, capsys):
    log = RunLog("run.jsonl")
    for run_name, values in {"a": (0.5, 1.0), "b": (0.4, 2.0)}.items():
        for step, value in enumerate(values):
            where = {"run": run_name, "step": step, "layer": "top", "name": "adjusted DSMI(Z;Y)", "rule": "neighbors"}
            number = {"value": value, "unit": "bit", "stderr": 0.01, "n": 60 if run_name == "a" else 90, "ceiling": 2.0}
            log.write("number", **where, **number, verdict="informative", seconds=0.1, settings={})
    lines = printed(capsys, "rank", "run.jsonl").splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [["1", "b,"], ["2", "a,"]]
    assert "measured at different n (60 to 90)" in lines[-1]
    assert "not both" in refused(capsys, "rank", "run.jsonl", "all.npz")
    RunLog("empty.jsonl").write("scalar", run="a", step=0, name="loss", value=1.0)
    assert "estimator=Adjusted()" in refused(capsys, "rank", "empty.jsonl")


def logged(name, values):
    """A log of runs: by run, layer and rule the last adjusted DSMI."""
    log = RunLog(name)
    for (run_name, layer, rule), value in values.items():
        where = {"run": run_name, "step": 1, "layer": layer, "name": "adjusted DSMI(Z;Y)", "rule": rule}
        number = {"value": value, "unit": "bit", "stderr": 0.01, "n": 60, "ceiling": 2.0}
        log.write("number", **where, **number, verdict="informative", seconds=0.1, settings={})


def test_names_of_runs_are_one_line_of_the_table_each(folder, capsys):
    logged("odd.jsonl", {("a\nb", "模型", "neighbors"): 2.0, ("\x1b[31mred", "top", "neighbors"): 1.0})
    lines = printed(capsys, "rank", "odd.jsonl").splitlines()
    assert lines[1:3] == [
        "1      a b, 模型, neighbors         2.000 ± 0.01        1",
        r"2      \x1b[31mred, top, neighbors  1.000 ± 0.01        1",
    ]


def test_runs_are_compared_with_accuracies_layer_by_layer(folder, few, capsys):
    up = {f"run{k}": 0.1 * k for k in range(5)}
    values = {(run_name, "low", "neighbors"): -value for run_name, value in up.items()}
    logged("runs.jsonl", values | {(run_name, "top", "neighbors"): value for run_name, value in up.items()})
    Path("acc.csv").write_text("\n".join(["name,acc", *(f"{name},{value}" for name, value in up.items())]))
    text = printed(capsys, "rank", "runs.jsonl", "--against", "acc.csv")
    assert "against (low, neighbors): Spearman -1.00" in text
    assert "against (top, neighbors): Spearman 1.00" in text
    found = json.loads(printed(capsys, "rank", "runs.jsonl", "--against", "acc.csv", "--json"))
    assert {one["of"]: one["spearman"]["value"] for one in found["against"]} == {
        "low, neighbors": pytest.approx(-1.0),
        "top, neighbors": pytest.approx(1.0),
    }
    assert [found["rows"][0][part] for part in ("run", "layer", "rule", "value")] == ["run4", "top", "neighbors", 0.4]


def test_a_run_with_one_layer_is_known_by_its_name(folder, few, capsys):
    logged("runs.jsonl", {(f"run{k}", f"layer{k}", "neighbors"): 0.1 * k for k in range(4)})
    Path("acc.csv").write_text("".join(f"run{k},{-k}\n" for k in range(4)))
    assert "against (neighbors): Spearman -1.00" in printed(capsys, "rank", "runs.jsonl", "--against", "acc.csv")


@pytest.mark.parametrize(
    "given", [["--plot", "x.png"], ["--labels", "labels.npy"], ["--labels-key", "y"], ["--key", "net0"]]
)
def test_what_a_log_has_no_points_for_is_refused(folder, capsys, given):
    logged("runs.jsonl", {("run", "layer", "neighbors"): 1.0})
    assert f"{given[0]} is for arrays, and a log (.jsonl) holds no points" in refused(
        capsys, "rank", "runs.jsonl", *given
    )


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for k in range(12):
            pixels = rng.integers(0, 128 if name == "cat" else 256, size=(8, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{k}.png")
    return tmp_path / "images"


def test_networks_of_timm_are_ranked_on_a_folder_of_images(images, capsys, monkeypatch):
    timm = pytest.importorskip("timm")
    made = timm.create_model
    monkeypatch.setattr(
        timm, "list_models", lambda pretrained: ["test_resnet.r160_in1k", "test_vit.r160_in1k", "other"]
    )
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained, **rest: made(name, pretrained=False, **rest))
    asked = ["rank", "--timm", "test_*", "--images", str(images), "--resamples", "10", "--json"]
    found = json.loads(printed(capsys, *asked))
    assert sorted(row["name"] for row in found["rows"]) == ["test_resnet.r160_in1k", "test_vit.r160_in1k"]
    assert found["n"] == 24
    assert {group["name"] for group in found["rows"][0]["groups"]} == {"cat", "dog"}
    assert "timm has no pretrained network 'x*'" in refused(capsys, "rank", "--timm", "x*", "--images", str(images))

    def offline(*_names, **_rest):
        raise OSError("no network\nat all")

    monkeypatch.setattr(timm, "create_model", offline)
    assert "the weights of test_resnet.r160_in1k cannot be had (no network)" in refused(capsys, *asked)


def test_images_are_drawn_evenly_and_the_same_for_a_seed(images):
    paths, labels = pretrained.images_in(images, n=10, seed=1)
    assert [int((labels == name).sum()) for name in ("cat", "dog")] == [5, 5]
    assert paths == pretrained.images_in(images, n=10, seed=1)[0] != pretrained.images_in(images, n=10, seed=2)[0]


def test_measure_of_several_is_one_table_with_the_largest_first(folder, capsys):
    networks, labels = folder
    text = printed(capsys, "measure", "nets", "--labels", "labels.npy", "--estimator", "adjusted")
    order = sorted(networks, key=lambda name: -adjusted_dsmi(networks[name], labels).value)
    assert [line.split()[0] for line in text.splitlines()[1:5]] == order
    assert text.split()[:7] == ["name", "n", "d", "t", "adjusted", "DSMI", "[bit]"]
    entropies = printed(capsys, "measure", "all.npz", "--key", "net[01]", "--t", "1", "--t", "3").splitlines()
    assert [line.split()[3] for line in entropies[1:]] == ["1", "1", "3", "3"]
    assert "effective rank" in entropies[0]


def test_an_error_of_one_among_several_files_says_which(folder, capsys):
    bad = np.where(np.arange(180).reshape(60, 3) == 7, np.nan, folder[0]["net1"])
    np.save("nets/bad.npy", bad)
    assert refused(capsys, "measure", "nets").startswith("Error: bad: points must be finite, got 1 NaN")
    assert refused(capsys, "measure", "nets/bad.npy").startswith("Error: points must be finite, got 1 NaN")
    np.save("nets/bad.npy", np.stack([bad] * 2, axis=1))
    assert refused(capsys, "measure", "nets").startswith("Error: nets/bad.npy holds an array of shape (60, 2, 3)")


@pytest.mark.parametrize(
    "command", [["measure"], ["measure", "nets"], ["compare", "nets/net0.npy"], ["interval"], ["rank", "nets"]]
)
def test_labels_in_place_of_points_are_told_by_their_file(folder, capsys, command):
    np.save("y.npy", np.arange(60) % 3)
    assert "got (60,) in y.npy; labels go to --labels" in refused(capsys, *command, "y.npy", "--labels", "labels.npy")


def test_measure_of_different_numbers_of_points_says_so(folder, capsys):
    np.save("few.npy", folder[0]["net0"][:40])
    text = printed(capsys, "measure", "few.npy", "nets/net1.npy")
    assert "measured at different n (40 to 60)" in text.splitlines()[-1]
    assert "different n" not in printed(capsys, "measure", "nets")


def test_every_line_of_json_says_where_its_points_came_from(folder, capsys):
    given = ["measure", "all.npz", "--key", "net*", "--labels-key", "labels", "--json"]
    lines = [json.loads(line) for line in printed(capsys, *given).splitlines()]
    assert [line["key"] for line in lines] == ["net0", "net1", "net2", "net3"]
    assert {(line["file"], line["d"], line["labels"]) for line in lines} == {("all.npz", 3, "all.npz:labels")}
    for line in lines:
        own = dsmi(folder[0][line["key"]], folder[1])
        assert line["normalized"] == pytest.approx(own.normalized, abs=1e-12)
        assert line["effective_rank"] is None
        assert Estimate.from_json(json.dumps(line)).value == pytest.approx(own.value, abs=1e-12)
    alone = json.loads(printed(capsys, "measure", "nets/net0.npy", "--json"))
    assert (alone["key"], alone["labels"]) == (None, None)
    assert alone["effective_rank"] == pytest.approx(dse(folder[0]["net0"]).effective_rank)


def test_what_a_network_saw_is_kept_and_a_broken_run_goes_on(images, tmp_path, capsys, monkeypatch):
    timm = pytest.importorskip("timm")
    made, calls = timm.create_model, []

    def create(name, pretrained, **rest):
        calls.append(name)
        if len(calls) == 2:
            raise OSError("no network")
        return made(name, pretrained=False, **rest)

    names = ["test_resnet.r160_in1k", "test_vit.r160_in1k"]
    monkeypatch.setattr(timm, "list_models", lambda pretrained: names)
    monkeypatch.setattr(timm, "create_model", create)
    asked = ["rank", "--timm", "test_*", "--images", str(images), "--resamples", "10", "--json"]
    kept = [*asked, "--keep", str(tmp_path / "kept")]
    assert run(kept) == 2
    assert "1 of 2: test_resnet.r160_in1k, " in capsys.readouterr().err
    assert run(kept) == 0
    first = capsys.readouterr()
    assert first.err.splitlines()[0] == "1 of 2: test_resnet.r160_in1k, kept"
    assert calls == [*names, names[1]]
    assert run(kept) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == json.loads(first.out)["rows"]
    assert calls == [*names, names[1]]
    next((images / "cat").iterdir()).unlink()  # other images are not those that were kept
    assert run(kept) == 0
    assert len(calls) == 5
    capsys.readouterr()
    assert "--keep needs --timm" in refused(capsys, "rank", "all.npz", "--keep", str(tmp_path))


def test_a_damaged_file_of_what_was_kept_is_named(images, tmp_path, capsys, monkeypatch):
    timm = pytest.importorskip("timm")
    made = timm.create_model
    monkeypatch.setattr(timm, "list_models", lambda pretrained: ["test_resnet.r160_in1k"])
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained, **rest: made(name, pretrained=False, **rest))
    asked = ["rank", "--timm", "test_*", "--images", str(images), "--resamples", "10", "--keep", str(tmp_path / "kept")]
    assert run(asked) == 0
    (path,) = (tmp_path / "kept").iterdir()
    path.write_bytes(path.read_bytes()[:100])
    capsys.readouterr()
    assert "cannot be read" in refused(capsys, *asked)
