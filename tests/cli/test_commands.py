"""The command prints what the library computes, and says in one line what it cannot do."""

import json
import runpy
import subprocess
import sys
import tomllib
import types
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
import torch

import diffspec
from diffspec import AlphaDecay, Bins, Clusters, Cosine, Estimate, Gaussian, Labels, Literal, Matched, SelfTuning
from diffspec.cli.command import run
from diffspec.cli.printing.facts import EXTRAS, REQUIRED
from diffspec.conventions import released
from effort import only

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def data(blobs):
    return blobs


@pytest.fixture
def folder(tmp_path, data, monkeypatch):
    """A folder, made current, with the points in every type and references of every sort."""
    points, labels = data
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame(points, columns=list("abcde"))
    np.save("points.npy", points)
    np.savez("points.npz", z=points, labels=labels)
    table.to_csv("points.csv", index=False)
    table.to_csv("points.tsv", index=False, sep="\t")
    table.to_parquet("points.parquet")
    safetensors.numpy.save_file({"z": points}, "points.safetensors")
    torch.save(torch.asarray(points), "points.pt")
    np.save("labels.npy", labels)
    np.save("float-labels.npy", labels.astype(float))
    np.save("value.npy", points[:, 0])
    pd.DataFrame({"name": np.array(["cat", "dog", "emu"])[labels]}).to_csv("labels.csv", index=False)
    return tmp_path


@pytest.fixture
def measured(capsys):
    """The estimates that a command line prints as JSON."""

    def measure(*arguments):
        code = run(["measure", *arguments, "--json"])
        out, err = capsys.readouterr()
        assert (code, err) == (0, "")
        return [Estimate.from_json(line) for line in out.splitlines()]

    return measure


def assert_same(found, expected):
    """Equal estimates, numbers to 1e-9: the last digit may depend on where in memory the points lie."""
    assert [words(one) for one in found] == [words(one) for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert numbers(one) == pytest.approx(numbers(other), abs=1e-9, rel=1e-9)


def words(estimate):
    settings = estimate.settings
    kernel = settings.kernel.split("=")[0]
    names = [(group.name, group.n) for group in estimate.groups]
    chosen = (settings.rule, settings.solver, settings.estimator, settings.partition, settings.seed, settings.library)
    return estimate.measure, estimate.unit, estimate.n, estimate.verdict, kernel, chosen, names


def numbers(estimate):
    settings = estimate.settings
    rows = [x for group in estimate.groups for x in (group.conditional, group.matched)]
    maybe = [estimate.stderr, estimate.ceiling, settings.sigma, settings.floor]
    return [estimate.value, settings.alpha, settings.t, *rows, *(-1.0 if x is None else x for x in maybe)]


FILES = {
    "points.npy": [],
    "points.npz": ["--key", "z"],
    "points.csv": [],
    "points.tsv": [],
    "points.parquet": [],
    "points.safetensors": [],
    "points.pt": [],
}


@pytest.mark.parametrize("file", FILES)
def test_dse_of_every_file_type_is_that_of_the_library(folder, measured, data, file):
    assert_same(measured(file, *FILES[file]), [diffspec.dse(data[0])])


@pytest.mark.parametrize("file", FILES)
def test_dsmi_of_every_file_type_is_that_of_the_library(folder, measured, data, file):
    assert_same(measured(file, *FILES[file], "--labels", "labels.npy"), [diffspec.dsmi(*data)])


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ([], {}),
        (["--convention", "paper"], diffspec.paper),
        (["--convention", "released", "--t", "2"], {**released, "t": 2.0}),
        (["--neighbors", "7", "--alpha", "0"], {"kernel": AlphaDecay(7), "alpha": 0.0}),
        (["--kernel", "alpha-decay", "--convention", "paper"], {}),
        (["--sigma", "10"], {"kernel": Gaussian(10.0), "t": 1.0}),
        (["--sigma", "knn", "--alpha", "0"], {"kernel": Gaussian("knn"), "alpha": 0.0, "t": 1.0}),
        (["--kernel", "cosine"], {"kernel": Cosine(), "t": 1.0}),
        (["--kernel", "self-tuning", "--neighbors", "4"], {"kernel": SelfTuning(4), "t": 1.0}),
        (["--kernel", "self-tuning", "--t", "2.5"], {"kernel": SelfTuning(), "t": 2.5}),
        (["--seed", "7"], {"rng": 7}),
    ],
)
def test_options_of_dse(folder, measured, data, options, settings):
    assert_same(measured("points.npy", *options), [diffspec.dse(data[0], **settings)])


def test_several_times_come_from_one_decomposition(folder, measured, data, monkeypatch):
    calls = []
    real = diffspec.cli.measure.spectrum
    monkeypatch.setattr("diffspec.cli.measure.spectrum", lambda *a, **k: calls.append(1) or real(*a, **k))
    estimates = measured("points.npy", "--t", "4", "--t", "1", "--t", "0.5")
    assert_same(estimates, [diffspec.dse(data[0], t=t) for t in (4, 1, 0.5)])
    assert calls == [1]


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (["--labels", "float-labels.npy"], {"groups": Labels()}),
        (["--labels", "points.npz", "--labels-key", "labels"], {}),
        (["--labels", "labels.npy", "--estimator", "literal"], {"estimator": Literal()}),
        (["--labels", "labels.npy", "--repetitions", "2", "--seed", "3"], {"estimator": Matched(2), "rng": 3}),
        (["--reference", "labels.npy"], {"groups": Labels()}),
        (["--reference", "labels.npy", "--bins", "2"], {"groups": Bins(2)}),
        (["--reference", "float-labels.npy"], {"groups": Bins(10)}),
        (["--reference", "float-labels.npy", "--bins", "2"], {"groups": Bins(2)}),
    ],
)
def test_options_of_dsmi(folder, measured, data, options, settings):
    points, labels = data
    reference = labels.astype(float) if "float-labels.npy" in options else labels
    expected = diffspec.dsmi(points, reference, **{"groups": Labels()} | settings)
    assert_same(measured("points.npy", *options), [expected])


def test_text_labels_give_their_names(folder, measured, data):
    (estimate,) = measured("points.npy", "--labels", "labels.csv")
    assert [group.name for group in estimate.groups] == ["cat", "dog", "emu"]
    assert estimate.value == pytest.approx(float(diffspec.dsmi(*data)), abs=1e-9)


@pytest.mark.filterwarnings("ignore:Graph is not fully connected")
@pytest.mark.parametrize(("options", "count"), [([], 10), (["--clusters", "3"], 3)])
def test_vectors_are_clustered(folder, data, capsys, options, count):
    assert run(["measure", "points.npy", "--reference", "points.npy", "--json", *options]) == 0
    expected = diffspec.dsmi(data[0], data[0], groups=Clusters(count, seed=0))
    assert_same([Estimate.from_json(capsys.readouterr().out)], [expected])


def test_one_column_can_be_clustered(folder, measured, data):
    expected = diffspec.dsmi(data[0], data[0][:, :1], groups=Clusters(2, seed=0))
    assert_same(measured("points.npy", "--reference", "value.npy", "--clusters", "2"), [expected])


def test_header_can_be_said(folder, measured):
    assert measured("points.csv", "--header")[0].n == 150
    pd.DataFrame(np.load("points.npy")).to_csv("plain.csv", index=False, header=False)
    assert measured("plain.csv", "--header")[0].n == 149
    assert measured("plain.csv", "--no-header")[0].n == measured("plain.csv")[0].n == 150


def test_json_is_one_object_and_nothing_else(folder, capsys):
    assert run(["measure", "points.npy", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out)["unit"] == "bit"


def test_text_of_dse(folder, capsys, data):
    assert run(["measure", "points.npy", "--t", "2", "--t", "3"]) == 0
    found = diffspec.spectrum(data[0])
    one, two = found.shannon(2), found.shannon(3)
    assert capsys.readouterr().out.splitlines() == [
        "points   150 with 5 features, points.npy",
        "kernel   AlphaDecay(neighbors=4, decay=40.0), alpha = 0.5",
        "verdict  informative",
        "",
        "t      DSE       share of log2 n  effective rank",
        f"2  {one.value:.6g}  bit   {one.normalized:.1%} of 7.229{one.effective_rank:>16.4g}",
        f"3  {two.value:.6g}  bit   {two.normalized:.1%} of 7.229{two.effective_rank:>16.4g}",
    ]


def test_text_of_dsmi(folder, capsys, data):
    assert run(["measure", "points.npy", "--labels", "labels.csv"]) == 0
    out = capsys.readouterr().out
    estimate = diffspec.dsmi(*data)
    assert "groups     3 by Labels()\nestimator  Matched(repetitions=5), seed 0\nverdict    informative\n" in out
    assert f"3  {estimate.value:.6g} ± {estimate.stderr:.2g}  bit" in out
    assert "at t = 3   n  within  random subsets  difference\n" in out
    assert "effective rank" not in out
    dog = estimate.groups[1]
    row = [f"{x:.4f}" for x in (dog.conditional, dog.matched, dog.matched - dog.conditional)]
    assert ["dog", "50", *row] in [line.split() for line in out.splitlines()]


def test_text_of_the_literal_estimator(folder, capsys):
    assert run(["measure", "points.npy", "--labels", "labels.csv", "--estimator", "literal"]) == 0
    assert "at t = 3   n  within  all points  difference\n" in capsys.readouterr().out


def test_text_gives_the_advice_of_a_verdict_a_line(folder, capsys):
    assert run(["measure", "points.npy", "--sigma", "1e-6"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("verdict  saturated: ")
    assert lines[3].startswith("         informative for sigma between about ")


BAD = {
    "none.npy": "there is no file none.npy; check the path",
    "empty.npy": "empty.npy is empty (0 bytes)",
    "folder.npy": "folder.npy is a directory",
    "points.xyz": "unknown type '.xyz'",
    "objects.npy": "holds pickled Python objects",
    "cut.parquet": "is no readable .parquet file",
    "cut.npz": "is no readable .npz file",
    "cut.safetensors": "is no readable .safetensors file",
    "cut.pt": "is no readable .pt file",
    "points.npz": "holds 2 arrays; choose one by its key: z, labels",
    "points.npz --key q": "has no key 'q'; it has z, labels",
    "value.npy": "points must have shape (n, d), got (150,)",
    "nan.npy": "points must be finite, got 1 NaN",
    "labels.csv": "labels.csv has no columns of numbers to measure; it has name",
    "points.npy --t 0": "t must be a positive number, got 0.0",
    "none.npy --t 1 --t 0": "t must be a positive number, got 0.0",  # before anything is read or computed
    "points.npy --t nan": "t must be a positive number, got nan",
    "points.npy --alpha 2": "alpha must lie in [0, 1], got 2.0",
    "points.npy --sigma 0": "sigma must be a positive number, got 0.0",
    "points.npy --sigma x": "one of knn, knn-share, lafon, log-sum, median, quantile, sqrt-d, got 'x'",
    "points.npy --labels short.npy": "one label or reference per point, got 2 in short.npy for 150 in points.npy",
    "points.npy --labels points.npy": "labels must have shape (n,), got (150, 5)",
    "points.npy --labels none.npy": "there is no file none.npy",
    "points.npy --reference value.npy --bins 0": "count of Bins must be an integer of at least 1",
    "points.npy --labels labels.npy --repetitions 0": "repetitions must be an integer of at least 1",
    "points.npy --labels labels.npy --reference labels.npy": "give --labels or --reference, not both",
    "points.npy --reference value.npy --bins 2 --clusters 2": "give --bins or --clusters, not both",
    "points.npy --bins 3": "--bins and --clusters need --reference",
    "points.npy --estimator literal": "--estimator, --repetitions and --labels-header need --labels or --reference",
    "points.npy --labels labels.npy --estimator literal --repetitions 2": "literal has no --repetitions",
    "points.npy --kernel self-tuning --sigma 2": "self-tuning has no --sigma",
    "points.npy --kernel alpha-decay --sigma 2": "alpha-decay has no --sigma; leave it out, or use --kernel gaussian",
    "points.npy --kernel gaussian --neighbors 2": "gaussian has no --neighbors",
    "points.npy --convention ours": "'ours' is not one of 'default', 'paper', 'released'",
    "points.npy --t x": "'x' is not a valid float",
    "points.npy --unknown": "No such option",
    "": "Missing argument 'FILE...'",
}


@pytest.fixture
def broken(folder, data):
    """The folder, with files that cannot be used beside the good ones."""
    Path("empty.npy").touch()
    Path("folder.npy").mkdir()
    Path("points.xyz").write_text("1")
    np.save("objects.npy", np.array([None, {}], dtype=object))
    np.save("short.npy", np.array([0, 1]))
    np.save("nan.npy", np.where(np.arange(750).reshape(150, 5) == 7, np.nan, data[0]))
    for suffix in ("parquet", "npz", "safetensors", "pt"):
        content = Path(f"points.{suffix}").read_bytes()
        Path(f"cut.{suffix}").write_bytes(content[: len(content) // 2])
    return folder


@pytest.mark.parametrize("arguments", BAD)
def test_bad_input_is_one_line_and_code_2(broken, capsys, arguments):
    before = sorted(broken.iterdir())
    assert run(["measure", *arguments.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Error: ")
    assert BAD[arguments] in err
    assert err.count("\n") == 1
    assert sorted(broken.iterdir()) == before


@pytest.mark.parametrize(
    "arguments",
    only(["cut.pt", "objects.npy", "points.npy --alpha 2", "points.npy --unknown"], "cut.pt", "points.npy --unknown"),
)
def test_bad_input_in_a_real_process(broken, arguments):
    command = [sys.executable, "-m", "diffspec", "measure", *arguments.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert BAD.get(arguments, "") in done.stderr
    assert done.stderr.count("\n") == 1


def test_good_input_in_a_real_process(folder, data):
    command = [sys.executable, "-m", "diffspec", "measure", "points.npy", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert Estimate.from_json(done.stdout).value == pytest.approx(float(diffspec.dse(data[0])), abs=1e-9)
    assert done.stderr == ""


@pytest.mark.parametrize("error", [MemoryError("no room"), OSError(28, "No space left on device")])
def test_failures_of_the_machine_are_one_line(folder, capsys, monkeypatch, error):
    def fail(*_arguments, **_more):
        raise error

    monkeypatch.setattr("diffspec.cli.measure.spectrum", fail)
    assert run(["measure", "points.npy"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("Error: ")
    assert str(error) in err


def test_a_bug_is_not_hidden(folder, monkeypatch):
    monkeypatch.setattr("diffspec.cli.measure.spectrum", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(["measure", "points.npy"])


def test_a_folder_that_cannot_be_made_is_told_in_words(folder, capsys):
    Path("file").touch()
    assert run(["demo", "--smoke", "--folder", "file/demo"]) == 2
    err = capsys.readouterr().err
    assert err == f"Error: {Path('file/demo').absolute()} cannot be used (Not a directory); give another\n"


def test_interrupt_is_code_130(folder, capsys, monkeypatch):
    def interrupt(*_arguments, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr("diffspec.cli.measure.spectrum", interrupt)
    assert run(["measure", "points.npy"]) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.filterwarnings("always:told")
def test_warnings_are_one_line(folder, capsys, monkeypatch):
    real = diffspec.cli.measure.spectrum

    def warn(*arguments, **more):
        warnings.warn("told\nyou", stacklevel=1)
        return real(*arguments, **more)

    monkeypatch.setattr("diffspec.cli.measure.spectrum", warn)
    shown = warnings.showwarning
    assert run(["measure", "points.npy", "--json"]) == 0
    assert capsys.readouterr().err == "Warning: told you\n"
    assert warnings.showwarning is shown


def test_report_is_written_by_the_report_module(tmp_path, capsys, monkeypatch):
    calls = []

    def write(log, output, *, axis, against):
        calls.append((log, output, axis, against))
        return output

    monkeypatch.setitem(sys.modules, "diffspec.runs.report", types.SimpleNamespace(write=write))
    assert run(["report", "run.jsonl", "-o", "here.html"]) == 0
    assert calls == [((Path("run.jsonl"),), Path("here.html"), None, None)]
    assert run(["report", "a.jsonl", "b.jsonl", "-o", "here.html", "--axis", "epoch", "--against", "val_acc"]) == 0
    assert calls[1] == ((Path("a.jsonl"), Path("b.jsonl")), Path("here.html"), "epoch", "val_acc")
    assert capsys.readouterr().out == "wrote here.html\n" * 2


def test_demo_is_run_by_the_demo_module(monkeypatch):
    calls = []
    demo = types.SimpleNamespace(run=lambda **options: calls.append(options))
    monkeypatch.setitem(sys.modules, "diffspec.demo", demo)
    assert run(["demo"]) == 0
    assert run(["demo", "--smoke", "--folder", "there", "--seed", "3"]) == 0
    assert calls == [
        {"folder": Path("diffspec-demo"), "smoke": False, "seed": 0},
        {"folder": Path("there"), "smoke": True, "seed": 3},
    ]


def test_doctor(capsys, monkeypatch):
    import diffspec.cli.printing.facts

    real = diffspec.cli.printing.facts._version
    monkeypatch.setattr(diffspec.cli.printing.facts, "_version", lambda name: None if name == "pyarrow" else real(name))
    assert run(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["diffspec"] == diffspec.__version__
    assert facts["packages"]["numpy"] == np.__version__
    assert facts["packages"]["pyarrow"] is None
    assert facts["blas"]
    assert 8 * facts["largest_n"] ** 2 <= facts["memory_free_gib"] * 2**30
    assert run(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"numpy             {np.__version__}" in lines
    assert "pyarrow           missing; for it run: pip install 'diffspec[files]'" in lines
    assert [line.split("  ")[0] for line in lines[-5:]] == ["BLAS", "cores", "memory", "largest n", "GPU"]


def test_doctor_knows_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    own = [extra for extra in extras if extra not in ("all", "dev", "docs", "studies")]  # these are made of others
    named = {r.split(">")[0]: extra for extra in own for r in extras[extra] if "[" not in r}
    assert named == EXTRAS
    assert {requirement.split(">")[0] for requirement in project["dependencies"]} == set(REQUIRED)


def test_version_and_help(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"diffspec, version {diffspec.__version__}\n"
    assert run([]) == 0
    assert "Commands:" in capsys.readouterr().out


def test_importing_the_entry_point_does_not_import_click():
    code = "import sys, diffspec.__main__; sys.exit('click' in sys.modules or 'diffspec.cli.command' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_page_is_that_of_the_help():
    page = runpy.run_path(str(ROOT / "docs" / "make_cli.py"))["page"]()
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == written, "docs/cli.md is stale; run: python docs/make_cli.py"
