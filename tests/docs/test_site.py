"""What the site is made with: links, docstrings made ready for a page, cards; and the versions of a release."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from release import versions

DOCS = Path(__file__).resolve().parents[2] / "docs"


def loaded(path):
    """A file beside conf.py, which is no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_links_that_lead_nowhere_are_named(tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html#here">x</a><a href="b.html#gone">x</a><img src="c.png">')
    (tmp_path / "b.html").write_text('<p id="here"><a href="https://example.org/z">x</a><a href="#here">x</a>')
    assert loaded(DOCS / "check_links.py").broken(tmp_path) == ["a.html: b.html#gone", "a.html: c.png"]


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("exp(-|x - y|^2)", r"exp(-\|x - y\|^2)"),
        ("``|x|`` and |y|", r"``|x|`` and \|y\|"),
        (">>> print(a | b)", ">>> print(a | b)"),
    ],
)
def test_bars_stay_bars(line, becomes):
    assert loaded(DOCS / "_ext/docstrings.py").barred(line) == becomes


def test_keys_become_citations_below_references_only():
    lines = [
        "As in liao2024dse.",
        "",
        "References",
        "----------",
        "liao2024dse, Eqn 1; nobody1999x.",
        "",
        "Examples",
        "|",
    ]
    loaded(DOCS / "_ext/docstrings.py").on_docstring(None, "", "", None, None, lines)
    assert lines[0] == "As in liao2024dse."
    assert lines[4] == ":cite:t:`liao2024dse`, Eqn 1; nobody1999x."
    assert lines[-1] == "|"


def test_every_source_that_a_docstring_names_is_in_the_bibliography():
    keys, faults = loaded(DOCS / "_ext/docstrings.py").KEYS, []
    for path in sorted((DOCS.parent / "src").rglob("*.py")):
        for block in re.findall(r"^ +References\n +-+\n(.*?)(?:\n\n|\"\"\")", path.read_text(), re.M | re.S):
            faults += [f"{path.name}: {word}" for word in re.findall(r"\b[a-z]+\d{4}\w*", block) if word not in keys]
    assert keys
    assert faults == []


def test_every_recipe_with_a_figure_has_a_card_with_it():
    card = loaded(DOCS / "_ext/recipe_cards.py")._card(DOCS / "recipes" / "tree.md")
    assert card[0].endswith("} tree")
    assert ":img-top: ../recipes/results/tree/paper.png" in card


def test_every_example_has_a_title_and_says_what_it_shows():
    found = sorted((DOCS.parent / "examples").glob("*/plot_*.py"))
    assert len(found) >= 15
    for path in found:
        opening = re.match(r'"""\n(.+)\n=+\n\n(.+?)\n"""', path.read_text(encoding="utf-8"), re.S)
        assert opening, path
        assert len(opening[2]) > 40, path


def test_a_release_needs_its_version_in_every_file(tmp_path):
    (tmp_path / "src/diffspec").mkdir(parents=True)
    (tmp_path / "src/diffspec/_version.py").write_text('__version__ = "7.0.1"\n')
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 7.0.1 (2031-05-04)\n")
    (tmp_path / "CITATION.cff").write_text("version: 7.0.1\n")
    assert versions.disagreements(tmp_path) == []
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n")
    (tmp_path / "CITATION.cff").write_text("version: 7.0.10\n")
    assert [line.split()[0] for line in versions.disagreements(tmp_path)] == ["CHANGELOG.md", "CITATION.cff"]


def test_the_lowest_versions_are_those_of_pyproject(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["numpy>=1.26", "click>=8.1"]\n')
    assert versions.lowest(tmp_path) == ["numpy==1.26", "click==8.1"]
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["numpy"]\n')
    with pytest.raises(ValueError, match="name>=version"):
        versions.lowest(tmp_path)


def test_every_extra_stands_on_the_page_of_the_installation():
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (DOCS / "start/install.md").read_text(encoding="utf-8")
    extras = set(project["optional-dependencies"]) - {"dev", "docs"}
    assert {name for name in extras if f"`{name}`" not in page and f"[{name}]" not in page} == set()


def test_all_nine_authors_are_cited():
    text = (DOCS.parent / "CITATION.cff").read_text(encoding="utf-8")
    names = re.search(r"author\s*=\s*\{(.+)\}", (DOCS.parent / "references.bib").read_text(encoding="utf-8"))[1]
    authors = names.split(" and ")
    assert len(authors) == 9
    for author in authors:
        family, given = author.split(", ")
        assert f"- family-names: {family}\n      given-names: {given}\n" in text


def test_every_page_stands_in_a_table_of_contents():
    # Sphinx warns of one that does not, and a warning ends `make docs`, which is slower than this.
    listed = set()
    for page in (*DOCS.glob("*.md"), *DOCS.glob("*/*.md"), *DOCS.glob("reference/*.rst")):
        for block in re.findall(r"(?:```\{toctree\}|\.\. toctree::)\n(.*?)(?:```|\Z)", page.read_text(), re.S):
            listed |= {(page.parent / line.strip()).resolve() for line in block.splitlines() if line.strip()}
    pages = [*DOCS.glob("*.md"), *DOCS.glob("start/*.md"), *DOCS.glob("reference/*.rst")]
    assert len(pages) > 30
    lost = [page.name for page in pages if page.with_suffix("").resolve() not in listed]
    assert lost == ["index.md"]
