"""docs/features.md: every one of the 81 features has a row, and every file and name in it is there."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "features.md"
ROW = re.compile(r"\| (\d+) \| (.+) \| (.+) \|")
FILE = re.compile(r"\[(\S+)\]\(\.\./(\S+)\)((?:,? `[^`]+`)+)")
NAME = re.compile(r"`(diffspec[\w.]*)`")


def rows(text):
    return {int(found[1]): found[3] for found in map(ROW.fullmatch, text.splitlines()) if found}


def named(name):
    """The object of a dotted name: as much of it as is a module, then attributes."""
    parts = name.split(".")
    for k in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:k]))
        except ModuleNotFoundError:
            continue
        for part in parts[k:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(name)


def faults(where):
    """What a row says that is not so."""
    if where == "not yet":
        return []
    files, names = FILE.findall(where), NAME.findall(where)
    wrong = [] if files or names else [f"nothing is named: {where}"]
    for shown, path, quoted in files:
        text = (ROOT / path).read_text() if (ROOT / path).is_file() else ""
        wrong += [] if shown == path and text else [f"no file {path}"]
        wrong += [
            f"no {name} in {path}" for name in re.findall(r"`([^`]+)`", quoted) if not re.search(rf"\b{name}\b", text)
        ]
    for name in names:
        try:
            named(name)
        except (ModuleNotFoundError, AttributeError) as error:
            wrong.append(f"{name}: {error}")
    return wrong


ROWS = rows(PAGE.read_text())


def test_all_81_have_a_row():
    assert sorted(ROWS) == list(range(1, 82))
    done = sum(where != "not yet" for where in ROWS.values())
    assert f"{done} of 81 are here." in PAGE.read_text()


@pytest.mark.parametrize("number", ROWS)
def test_what_a_row_names_is_there(number):
    assert faults(ROWS[number]) == []


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ("`diffspec.dze`", "diffspec.dze: "),
        ("`diffspec.baselines.nothing`", "diffspec.baselines.nothing: "),
        ("[recipes/absent.py](../recipes/absent.py) `x`", "no file recipes/absent.py"),
        ("[recipes/__init__.py](../recipes/__init__.py) `ROOM`", "no ROOM in recipes/__init__.py"),
        ("somewhere", "nothing is named: somewhere"),
    ],
)
def test_a_row_that_is_wrong_is_found(where, fault):
    assert faults(where)[0].startswith(fault)
