"""One version everywhere, and the smallest ones that the package says it works with."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FLOOR = re.compile(r"([\w.-]+)>=([\w.]+)")


def version(root: Path = ROOT) -> str:
    """The version that the build writes into the wheel."""
    return re.search(r'^__version__ = "(.+)"', (root / "src/diffspec/_version.py").read_text(), re.MULTILINE)[1]


def disagreements(root: Path = ROOT) -> list[str]:
    """Files that do not speak of this version; the changelog has to give its day too."""
    now = version(root)
    wanted = {
        "CHANGELOG.md": rf"^## {re.escape(now)} \(\d{{4}}-\d\d-\d\d\)$",
        "CITATION.cff": rf"^version: {re.escape(now)}$",
    }
    return [
        f"{name} has no line like {pattern}"
        for name, pattern in wanted.items()
        if not re.search(pattern, (root / name).read_text(encoding="utf-8"), re.MULTILINE)
    ]


def lowest(root: Path = ROOT) -> list[str]:
    """The dependencies without extras, each at the smallest version that pyproject.toml takes."""
    asked = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    found = [FLOOR.fullmatch(each) for each in asked]
    if None in found:
        raise ValueError(f"every dependency must be written name>=version, got {asked}")
    return [f"{each[1]}=={each[2]}" for each in found]
