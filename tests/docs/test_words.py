"""Pages can be read aloud: a table cell has ten words at most, a sentence not many more than thirty."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md")
PAGES = [*TOP, *(page for folder in ("", "start", "recipes") for page in sorted((ROOT / "docs" / folder).glob("*.md")))]
CELL, SENTENCE = 10, 35
FENCED = re.compile(r"^ *(```|:::+).*?^ *\1[ \t]*$", re.MULTILINE | re.DOTALL)


def words(text):
    """How many words: a link is its text, code is one word, and marks alone are none."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`]*`|\$[^$]*\$", "code", text)
    return sum(bool(re.search(r"\w", word)) for word in text.split())


def long_cells(text):
    """The cells of tables with too many words."""
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("|")]
    return [cell.strip() for row in rows for cell in row if words(cell) > CELL]


def long_sentences(text):
    """The sentences with too many words; a line of settings is none."""
    found = []
    for part in re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) |#|\|)", FENCED.sub("\n\n", text)):
        whole = " ".join(re.sub(r"`[^`]*`", "code", part).split())
        if not whole.startswith(("|", "#")):
            found += [one for one in re.split(r"(?<=[.!?:;]) +", whole) if words(one) > SENTENCE]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_can_be_read_aloud(page):
    text = page.read_text(encoding="utf-8")
    assert long_cells(text) == []
    assert long_sentences(text) == []


def test_what_is_too_long_is_seen():
    many = " ".join(["Word"] * 36)
    assert long_cells(f"| a | {' '.join(['b'] * 11)} |\n| `c d e` | {' '.join(['f'] * 10)} |") == [" ".join(["b"] * 11)]
    assert long_sentences(f"Short. {many}.\n\n```text\n{many}\n```") == [f"{many}."]
    assert long_sentences(f"- `{many}` {' '.join(['word'] * 34)}.") == []
