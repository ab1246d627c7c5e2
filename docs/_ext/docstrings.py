"""Sphinx: docstrings are written to be read in a terminal; here is what a page needs besides.

Keys of references.bib under References become citations, and bars as in |x - y| stay bars.
"""

import re
from pathlib import Path

BIB = Path(__file__).resolve().parents[2] / "references.bib"
KEYS = frozenset(re.findall(r"^@\w+\{([^,]+),", BIB.read_text(encoding="utf-8"), re.MULTILINE))
WORD = re.compile(r"(?<![`\w])([a-z]\w*\d{4}\w*)\b")
BAR = re.compile(r"(``.*?``)|\|")


def cited(line: str) -> str:
    """The line with every key as a citation; other words stay."""
    return WORD.sub(lambda found: f":cite:t:`{found[1]}`" if found[1] in KEYS else found[0], line)


def barred(line: str) -> str:
    """The line with every bar as it is, outside of code."""
    return line if line.lstrip().startswith((">>>", "...")) else BAR.sub(lambda found: found[1] or r"\|", line)


def on_docstring(app, what, name, thing, options, lines):
    """All of a docstring, before numpydoc rearranges it."""
    start = lines.index("References") if "References" in lines else len(lines)
    end = lines.index("Examples") if "Examples" in lines else len(lines)
    lines[:] = [
        line if number > end else barred(cited(line) if number > start else line) for number, line in enumerate(lines)
    ]


def setup(app):
    """Before numpydoc, whose priority is the usual 500."""
    app.connect("autodoc-process-docstring", on_docstring, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
