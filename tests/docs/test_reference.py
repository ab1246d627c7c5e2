"""Every public name has its place in docs/reference, and nothing else has."""

import importlib
import re
from collections import Counter
from pathlib import Path

import pytest

PAGES = Path(__file__).resolve().parents[2] / "docs" / "reference"
DOORS = ("", ".bandwidth", ".baselines", ".cluster", ".conventions", ".errors", ".released", ".synthetic", ".training")
INSIDE = (
    ".adapters.lightning",
    ".adapters.torchmetrics",
    ".adapters.transformers",
    ".runs.log",
    ".runs.plots",
    ".runs.report",
)
ELSEWHERE = {"diffspec.__version__"} | {
    f"diffspec.{name}"
    for name in ("DiffspecError", "InputError", "MissingExtraError", "RunLogWarning", "TooLargeError", "paper")
}
"""Of the top level, what stands on the page of its own module."""


def shown(text):
    """The full names in the autosummary blocks of a page."""
    module, found, inside = "", [], False
    for line in text.splitlines():
        if line.startswith(".. currentmodule:: "):
            module = line.split()[-1]
        elif line.startswith(".. py:data:: "):
            found.append(f"{module}.{line.split()[-1]}")
        elif line.startswith(".. "):
            inside = line == ".. autosummary::"
        elif inside and (name := re.fullmatch(r"   ([\w.]+)", line)):
            found.append(f"{module}.{name[1]}")
        elif line and not line.startswith(" "):
            inside = False
    return found


def public():
    """All that the doors promise."""
    modules = [importlib.import_module(f"diffspec{name}") for name in DOORS + INSIDE]
    names = [f"diffspec{name}.{each}" for name, m in zip(DOORS + INSIDE, modules, strict=True) for each in m.__all__]
    return set(names) - ELSEWHERE


SHOWN = [name for page in sorted(PAGES.glob("*.rst")) for name in shown(page.read_text(encoding="utf-8"))]


def test_every_public_name_is_in_the_reference():
    assert sorted(public() - set(SHOWN)) == []


def test_the_reference_holds_public_names_only_and_each_once():
    assert sorted(set(SHOWN) - public()) == []
    assert [name for name, count in Counter(SHOWN).items() if count > 1] == []


def test_every_baseline_has_its_formula_and_source_on_one_page():
    lines = re.findall(r"^- (.*?)(?=^- |^\S|\Z)", (PAGES / "formulas.rst").read_text(encoding="utf-8"), re.M | re.S)
    told = {name for line in lines if ":cite:t:" in line for name in re.findall(r"(?<!:)`(\w+)`", line.split(": ")[0])}
    settings = {"Nearest", "Training"}
    assert sorted(set(importlib.import_module("diffspec.baselines").__all__) - settings - told) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (".. currentmodule:: a.b\n\n.. autosummary::\n   :toctree: api\n\n   c\n   d.e\n", ["a.b.c", "a.b.d.e"]),
        (".. currentmodule:: a\n\n.. toctree::\n\n   c\n", []),
        (".. currentmodule:: a\n\n.. py:data:: b\n\n   What it is.\n", ["a.b"]),
    ],
)
def test_names_are_read_off_a_page(text, names):
    assert shown(text) == names
