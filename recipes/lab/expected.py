"""What was published or found before, from `expected.toml`, against what was measured.

Every row of a recipe says what is compared (`what`, `unit`), where our number is (`find`: part of the cells' keys, and
`take`: the name of the value, averaged over the cells found; or `derived`: a number that the recipe computes from all
cells), what it should be (`value` and `tolerance`, or `at_least`, `at_most`), where that comes from (`source`) and,
where our number differs and we know why, the reason (`because`).
"""

from __future__ import annotations

import functools
import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recipes.lab.log import Cell, mean, select

EXPECTED = Path(__file__).resolve().parents[1] / "expected.toml"

REPRODUCED, DIFFERS, NOT, NOT_RUN = "reproduced", "differs because", "not reproduced", "not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of `expected.toml`."""

    what: str
    source: str
    unit: str = "bit"
    find: Mapping[str, Any] = field(default_factory=dict)
    take: str = ""
    derived: str = ""
    value: float | None = None
    tolerance: float = 0.0
    at_least: float = -math.inf
    at_most: float = math.inf
    because: str = ""

    @property
    def theirs(self) -> str:
        """What the number should be, in words."""
        if self.value is not None:
            return f"{self.value:g} ± {self.tolerance:g}"
        parts = [("≥", self.at_least, -math.inf), ("≤", self.at_most, math.inf)]
        return " and ".join(f"{sign} {limit:g}" for sign, limit, none in parts if limit != none)

    def accepts(self, ours: float) -> bool:
        """Whether our number is what it should be."""
        near = self.value is None or abs(ours - self.value) <= self.tolerance
        return near and self.at_least <= ours <= self.at_most


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A row, our number (NaN where the cells were not run) and what is to be said of it."""

    row: Row
    ours: float

    @property
    def status(self) -> str:
        """One of `reproduced`, `differs because`, `not reproduced`, `not run`."""
        if math.isnan(self.ours):
            return NOT_RUN
        if self.row.accepts(self.ours):
            return REPRODUCED
        return DIFFERS if self.row.because else NOT


def rows(name: str) -> list[Row]:
    """The rows of the recipe `name`."""
    return [Row(**row) for row in _read(EXPECTED).get(name, [])]


@functools.lru_cache(maxsize=1)
def _read(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Once: reading takes a tenth of a second, and the pages of all recipes ask for it twice each."""
    return tomllib.loads(path.read_text())


def compare(name: str, cells: Sequence[Cell], derived: Mapping[str, float] | None = None) -> list[Verdict]:
    """Every row of the recipe `name` with our number from `cells`, or from the numbers `derived` from them."""
    return [Verdict(row=row, ours=_ours(row, cells, derived or {})) for row in rows(name)]


def _ours(row: Row, cells: Iterable[Cell], derived: Mapping[str, float]) -> float:
    return derived.get(row.derived, math.nan) if row.derived else mean(select(cells, **row.find), row.take)
