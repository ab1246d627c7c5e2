"""Which tests reach a mutant, and which of them are worth running: from the coverage data of a run of the suite."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from coverage import CoverageData
from mutation.durations import FILE
from mutation.faults import Mutant

DATA = Path(".coverage")
# A test of the file named after the module goes before others that are up to this many times as quick.
OWN = 3.0


class Covering:
    """Tests by the lines that they reach, with their durations in seconds."""

    def __init__(self, root: Path) -> None:
        if not (root / DATA).exists() or not (root / FILE).exists():
            raise SystemExit("no coverage data by test; run `make test-all CONTEXT=--cov-context=test` first")
        self.data = CoverageData(str(root / DATA))
        self.data.read()
        self.files = {name.split("/src/diffspec/")[-1]: name for name in self.data.measured_files()}
        self.seconds: dict[str, float] = json.loads((root / FILE).read_text())
        self.by_line: dict[str, dict[int, list[str]]] = {}

    def tests_of(self, mutant: Mutant, *, limit: float) -> list[str]:
        """Tests that reach `mutant`, the quick ones and the module's own first, `limit` seconds in all."""
        by_line = self._contexts(f"{mutant.module}.py")
        reached = {test for line in mutant.lines for test in by_line.get(line, ())} & self.seconds.keys()
        chosen: list[str] = []
        for test in sorted(reached, key=lambda test: self._rank(test, mutant.module)):
            if chosen and limit < self.seconds[test]:
                continue
            chosen.append(test)
            limit -= self.seconds[test]
        return chosen

    def _contexts(self, file: str) -> dict[int, list[str]]:
        if file not in self.by_line:
            found = self.data.contexts_by_lineno(self.files[file]) if file in self.files else {}
            self.by_line[file] = {line: _named(contexts) for line, contexts in found.items()}
        return self.by_line[file]

    def _rank(self, test: str, module: str) -> tuple[float, str]:
        return self.seconds[test] / (OWN if self.is_own(test, module) else 1.0), test

    def is_own(self, test: str, module: str) -> bool:
        """Whether the file of `test` is named after `module`."""
        file = test.split("::")[0]
        return any(re.search(rf"(test_(\w+_)?|/){word}", file) for word in module.replace("/_", "/").split("/"))


def _named(contexts: Iterable[str]) -> list[str]:
    """The tests of contexts such as `tests/test_x.py::test_y|run`."""
    return sorted({context.rsplit("|", 1)[0] for context in contexts if "::" in context})
