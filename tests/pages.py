"""Examples of pages, run as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(page: str, section: str) -> dict[str, Any]:
    """The names that the examples of a section leave, after the opening ones; KeyError where it has none."""
    opening, *rest = (DOCS / page).read_text(encoding="utf-8").split("\n## ")
    sections = {text.partition("\n")[0]: BLOCK.findall(text) for text in rest}
    if not sections[section]:
        raise KeyError(f"the section {section!r} of {page} has no example")
    names: dict[str, Any] = {"__name__": "example"}
    for code in [*BLOCK.findall(opening), *sections[section]]:
        exec(compile(code, f"{page}, {section}", "exec"), names)
    return names
