"""Every dotted name of diffspec that a page, a docstring or a message gives exists, and every path that it names."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md")]
# What `make docs` writes beside the pages is no page: it shortens names.
WRITTEN = (ROOT / "docs" / "reference" / "api", ROOT / "docs" / "gallery")
PAGES += sorted(
    page
    for ending in ("md", "rst")
    for page in (ROOT / "docs").rglob(f"*.{ending}")
    if not any(folder in page.parents for folder in WRITTEN)
)
CODE = ("benchmarks", "examples", "recipes", "src")
PAGES += [page for folder in CODE for page in sorted((ROOT / folder).rglob("*.py"))]
NAME = re.compile(r"(?<![\w./-])diffspec((?:\.\w+)+)")
FILE = re.compile(r"(?<![\w./-])((?:src|tests|recipes|benchmarks|docs|mutation)/[\w/-]+\.(?:py|md|toml))")
NO_NAMES = {"diffspec.exe", "diffspec.any_terminal"}
DOORS = ("bandwidth", "baselines", "cluster", "conventions", "errors", "released", "synthetic", "training")


def found(name):
    """Whether the module `name`, or what it names in a module, is there."""
    parts = name.split(".")
    for last in range(len(parts), 0, -1):
        try:
            place = importlib.import_module(".".join(parts[:last]))
        except ImportError:
            continue
        for part in parts[last:]:
            if not hasattr(place, part):
                return False
            place = getattr(place, part)
        return True
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_name_and_file_that_a_page_gives_exists(page):
    text = page.read_text(encoding="utf-8")
    names = {f"diffspec{match[1]}" for match in NAME.finditer(text)} - NO_NAMES
    assert [name for name in sorted(names) if not found(name)] == []
    files = sorted(set(FILE.findall(text)))
    assert [name for name in files if not any((place / name).exists() for place in (ROOT, page.parent))] == []


@pytest.mark.parametrize("door", DOORS)
def test_the_doors_that_the_docs_promise_can_be_imported_by_name(door):
    assert importlib.import_module(f"diffspec.{door}").__doc__


def test_a_name_that_is_gone_is_seen():
    assert found("diffspec.dse")
    assert not found("diffspec.nothing.at_all")
    assert not found("diffspec.kernels.Nothing")
