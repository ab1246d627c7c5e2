"""What was measured of several files or arrays: one table, or one line of JSON each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from diffspec import Estimate
from diffspec.cli.printing.text import aligned
from diffspec.files.several import Named
from diffspec.files.shapes import Held
from diffspec.results.lines import one_line
from diffspec.results.verdicts import INFORMATIVE, other_sizes

__all__ = ["Measured", "listing_text", "measured_text"]


@dataclass(frozen=True, slots=True)
class Measured:
    """The estimates of one array, one per diffusion time."""

    named: Named
    d: int
    estimates: list[Estimate]
    labels: str | None = None
    """Where the labels or the reference came from."""

    def lines(self) -> Iterator[str]:
        """One object of strict JSON per estimate, with where its points came from."""
        for estimate in self.estimates:
            beside = {
                "file": str(self.named.source.path),
                "key": self.named.source.key,
                "d": self.d,
                "labels": self.labels,
                "normalized": estimate.normalized,
                "effective_rank": None if estimate.groups else estimate.effective_rank,
            }
            yield json.dumps({**estimate.to_dict(), **beside}, allow_nan=False)


def measured_text(every: Sequence[Measured]) -> str:
    """One row per array and time, the largest value of a time first, and what is to be said of them."""
    rows = [(estimate, one) for one in every for estimate in one.estimates]
    rows.sort(key=lambda row: (row[0].settings.t or 0.0, -row[0].value))
    first = rows[0][0]
    head = ["name", "n", "d", "t", f"{first.measure} [{first.unit}]", "share", *_rank_head(first), "verdict"]
    table = [head, *(_cells(estimate, one) for estimate, one in rows)]
    text = aligned(table, right=tuple(range(1, len(head) - 1)), bold=4)
    return "\n\n".join(filter(None, [text, other_sizes([one.estimates[0].n for one in every])]))


def listing_text(held: Sequence[Held]) -> str:
    """One row per array, with the shape that it has."""
    head = ["file", "key", "shape", "type"]
    paths = {one.path for one in held}
    apart = len({path.name for path in paths}) == len(paths)
    rows = [
        [one_line(one.path.name if apart else one.path), one_line(one.key or ""), str(one.shape), one.dtype]
        for one in held
    ]
    return aligned([head, *rows])


def _rank_head(estimate: Estimate) -> list[str]:
    return [] if estimate.groups else ["effective rank"]


def _cells(estimate: Estimate, one: Measured) -> list[str]:
    error = "" if estimate.stderr is None else f" ± {estimate.stderr:.2g}"
    rank = [] if estimate.groups else [f"{estimate.effective_rank:.4g}"]
    t = "" if estimate.settings.t is None else f"{estimate.settings.t:g}"
    said = "" if estimate.verdict == INFORMATIVE else one_line(estimate.verdict.split(":")[0].split(";")[0])
    value = f"{estimate.value:.4f}{error}"
    return [one_line(one.named.name), str(estimate.n), str(one.d), t, value, f"{estimate.normalized:.1%}", *rank, said]
