"""Every Python block of the README and of the pages runs, each in a folder of its own."""

import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import pages
from effort import only

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"\d+(?:\.\d+)?")
WRITTEN = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "start").glob("*.md")))
# Of watching.md the sections are run beside what each is about, and here those that are not.
LONG = ("watching.md",)
SECTIONS = (
    *("Alerts", "A budget", "Other diffusion times"),
    "manylatents, and others that call a function of the embeddings",
)
PAGES = [page for page in WRITTEN if BLOCK.search(page.read_text())]
PAGES = only(PAGES, *(page for page in PAGES if page.name not in LONG))


def names_of_the_reader():
    """What pages leave to those who read them: their points, their network and how it is trained."""
    images, labels = load_digits(return_X_y=True)
    points = images[:200] + np.random.default_rng(0).normal(scale=0.1, size=(200, 64))
    network = torch.nn.Sequential()
    network.add_module("features", torch.nn.Linear(64, 16))
    return {
        "__name__": "page",  # what stands under `if __name__ == "__main__"` starts processes
        "points": points,
        "labels": labels[:200],
        "reference": points[:, 10:12],
        "model": network,
        "images": torch.as_tensor(images).float(),
        "epochs": 2,
        "train_one_epoch": lambda model: None,
        "accuracy": lambda model: 0.5,
    }


@pytest.mark.filterwarnings("default")  # a library's own, of what it will change
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_blocks_of_a_page_run_and_print_what_stands_below(page, tmp_path, monkeypatch, capsys):
    mpl.use("Agg")
    text, names = page.read_text(), names_of_the_reader()
    for count, found in enumerate(BLOCK.finditer(text)):
        (tmp_path / str(count)).mkdir()
        monkeypatch.chdir(tmp_path / str(count))
        line = text[: found.start(1)].count("\n")
        capsys.readouterr()
        exec(compile("\n" * line + found[1], str(page), "exec"), names)
        if found[2]:
            printed = capsys.readouterr().out
            assert NUMBER.sub("0", printed) == NUMBER.sub("0", found[2])
            # Other processors round otherwise.
            assert list(map(float, NUMBER.findall(printed))) == pytest.approx(
                list(map(float, NUMBER.findall(found[2]))), rel=5e-4
            )


@pytest.mark.filterwarnings("default")  # a look that is left out is told
@pytest.mark.parametrize("section", SECTIONS)
def test_sections_that_no_other_test_runs(section, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pages.run("watching.md", section)
