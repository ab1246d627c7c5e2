"""Names of any kind leave a table a table."""

import numpy as np
import pytest

from diffspec import rank
from diffspec.inference.drawing import ranking_figure
from diffspec.results.lines import columns, one_line

LABELS = np.repeat(["cat\n", "d\tog", "\x1b[31memu"], 20)
NAMES = {
    "ep\n1": "ep 1",
    "a\tb\r\n": "a b",
    "\x1b[31mred": r"\x1b[31mred",
    "שלום": "שלום",
    "cost $1 or $2": "cost $1 or $2",
}


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(60, 3)) + np.repeat(np.eye(3), 20, axis=0)
    return rank({name: points + rng.normal(size=(60, 3)) for name in NAMES}, LABELS, resamples=10)


def test_a_ranking_has_a_line_for_every_name(found):
    lines = str(found).splitlines()
    assert all(c.isprintable() for line in lines for c in line)
    starts = [line.index(f"  {row.value:.3f}  ") for line, row in zip(lines[1:6], found.rows, strict=True)]
    assert len(set(starts)) == 1
    assert [line[7 : starts[0]].strip() for line in lines[1:6]] == [NAMES[row.name] for row in found.rows]
    assert {row.name for row in found.rows} == set(NAMES)  # kept as given


def test_a_figure_writes_names_as_they_are(found):
    figure = ranking_figure(found)
    figure.savefig("/dev/null", format="png")
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert r"cost \$1 or \$2" in " ".join(labels)
    assert not any("\n" in label for label in labels)


def test_chinese_names_and_accents_take_the_places_that_they_take_in_a_terminal():
    assert columns([["模型", "1"], ["e\u0301p", "22"]], right=(1,)) == ["模型   1", "e\u0301p    22"]


def test_one_line_keeps_what_can_be_printed():
    assert one_line(" a\u00a0b\n\x00\u200f ") == r"a b \x00\u200f"
