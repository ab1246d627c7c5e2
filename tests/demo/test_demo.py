"""The demo: small in the tests, whole in `make demo`."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
import torch
from rich.console import Console
from threadpoolctl import threadpool_info

from diffspec import InputError, demo
from diffspec.demo.conditions import CONDITIONS, load, nt_xent, two_views
from diffspec.demo.table import summary
from diffspec.runs.log import RunLog, read


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one smoke run, started over an earlier log; random states and threads must come out unchanged."""
    folder = tmp_path_factory.mktemp("demo")
    RunLog(folder / "run.jsonl").write("scalar", run="earlier", step=0, name="accuracy", value=0.5)
    before = torch.get_rng_state(), torch.get_num_threads(), threadpool_info()
    assert demo.run(folder, smoke=True) == folder / "report.html"
    after = torch.get_rng_state(), torch.get_num_threads(), threadpool_info()
    assert torch.equal(before[0], after[0])
    assert before[1] == after[1]
    threads = {library["filepath"]: library["num_threads"] for library in before[2]}
    now = {library["filepath"]: library["num_threads"] for library in after[2]}
    assert threads.items() <= now.items()
    return folder


def test_every_epoch_of_every_condition_is_measured(folder: Path) -> None:
    records = read(folder / "run.jsonl")
    assert not [record for record in records if record["kind"] == "failure"]
    for condition in CONDITIONS:
        numbers = [r for r in records if r["kind"] == "number" and r["run"] == condition.name]
        assert len(numbers) == 3 * 9 + 2 * 2  # the change since the first look, by scale and by shape
        assert {r["step"] for r in numbers} == {0, 1, 2}
        assert {r["n"] for r in numbers} == {797}
        accuracy = [r for r in records if r["kind"] == "scalar" and r["run"] == condition.name]
        assert [r["step"] for r in accuracy if r["name"] == "accuracy"] == [0, 1, 2]


def test_an_earlier_log_is_replaced(folder: Path) -> None:
    assert {record["run"] for record in read(folder / "run.jsonl")} == {condition.name for condition in CONDITIONS}


def test_the_report_is_there(folder: Path) -> None:
    assert "<html" in (folder / "report.html").read_text(encoding="utf-8")[:2000]
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "run.jsonl"]


def test_the_table_shows_first_and_last(folder: Path) -> None:
    records = read(folder / "run.jsonl")
    console = Console(width=80, file=StringIO())
    console.print(summary(records))
    text = console.file.getvalue()
    assert all(len(line) <= 80 for line in text.splitlines())
    for rule in ("sigma = 10", "neighbors"):
        ends = []
        for condition in CONDITIONS:
            where = {"run": condition.name, "name": "DSMI(Z;Y)", "rule": rule}
            values = [r["value"] for r in records if where.items() <= r.items()]
            ends.append(f"{values[0]:.2f} → {values[-1]:.2f}")
        assert any(line.split("  ")[-3:] == ends for line in _closed_up(text))


def _closed_up(text: str) -> list[str]:
    """Lines with the cells apart by two blanks."""
    return [re.sub(r" {2,}", "  ", line).strip() for line in text.splitlines()]


def test_the_same_seed_gives_the_same_numbers() -> None:
    digits = load()
    losses = []
    for _ in range(2):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(7)
            network = CONDITIONS[1].network()
            losses.append(CONDITIONS[1].loss(network, digits.images[:50], digits.labels[:50]).item())
    assert losses[0] == losses[1]


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("mine")
    with pytest.raises(InputError, match="folder must be a folder, got the file"):
        demo.run(tmp_path / "demo")


def test_a_log_that_is_none_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_text("my notes\n")
    with pytest.raises(InputError, match="is no run log"):
        demo.run(tmp_path)
    assert (tmp_path / "run.jsonl").read_text() == "my notes\n"


def test_the_split_is_fixed() -> None:
    digits = load()
    assert digits.images.shape == (1000, 1, 8, 8)
    assert digits.held_images.shape == (797, 1, 8, 8)
    assert float(digits.images.min()) == 0.0
    assert float(digits.images.max()) == 1.0


def test_wrong_labels_keep_the_class_sizes() -> None:
    digits = load()
    wrong = CONDITIONS[2].labels(digits.labels)
    assert torch.equal(wrong.bincount(), digits.labels.bincount())
    assert float((wrong == digits.labels).double().mean()) < 0.2


def test_nt_xent_is_the_loss_of_simclr() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(5, 3, generator=generator), torch.randn(5, 3, generator=generator)
    views = torch.nn.functional.normalize(torch.cat([first, second]), dim=1)
    total = 0.0
    for i in range(10):
        twin = (i + 5) % 10
        others = sum(math.exp(float(views[i] @ views[k]) / 0.5) for k in range(10) if k != i)
        total -= math.log(math.exp(float(views[i] @ views[twin]) / 0.5) / others)
    assert float(nt_xent(first, second)) == pytest.approx(total / 10, rel=1e-5)


def test_views_differ_and_keep_the_digit() -> None:
    images = load().images[:50]
    first, second = two_views(images)
    assert first.shape == second.shape == images.shape
    assert not torch.equal(first, second)
    same = torch.nn.functional.cosine_similarity(first.flatten(1), images.flatten(1)).mean()
    other = torch.nn.functional.cosine_similarity(first.flatten(1), images.roll(1, 0).flatten(1)).mean()
    assert float(same) > float(other) + 0.1


def test_missing_packages_are_named_before_training(tmp_path: Path) -> None:
    code = f"""
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "plotly" else found(name)
from diffspec import demo
demo.run({str(tmp_path / "demo")!r}, smoke=True)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "MissingExtraError: diffspec demo needs packages" in done.stderr
    assert "pip install 'diffspec[demo]'" in done.stderr
    assert not (tmp_path / "demo").exists()
