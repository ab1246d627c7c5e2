"""What is known of a training epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["History"]


@dataclass
class History:
    """A row per epoch, and the seconds of a processor that were spent."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: {"all": 0.0, "looks": 0.0})

    @property
    def next(self) -> int:
        """The epoch that comes next; epoch 0 is the network before training."""
        return len(self.rows)

    def add(self, row: Mapping[str, Any]) -> None:
        """The epoch that was trained."""
        self.rows.append(dict(row))

    def set(self, values: Mapping[str, Any]) -> None:
        """More of the last epoch."""
        self.rows[-1].update(values)

    def last(self, name: str) -> float:
        """The number `name` of the last epoch, 0 where it has none."""
        return self.rows[-1].get(name, 0.0) if self.rows else 0.0

    def passed(self, name: str) -> bool:
        """Whether the last epoch is the first to reach 20 %, 30 %, ... by the number `name`."""
        tenths = [int(10 * row.get(name, 0.0) + 1e-9) for row in self.rows]
        return tenths[-1] > max([1, *tenths[:-1]])

    def best(self, *, memorising: bool) -> bool:
        """Whether the accuracy is the highest so far; if `memorising`, how far that of training is ahead of it."""
        ahead = [
            row.get("train accuracy", 0.0) - row["accuracy"] if memorising else row["accuracy"]
            for row in self.rows
            if "accuracy" in row
        ]
        return "accuracy" in self.rows[-1] and ahead[-1] > max(ahead[:-1], default=-math.inf)

    def stalled(self, patience: int | None) -> bool:
        """Whether the accuracy has not risen for `patience` epochs."""
        known = [row["accuracy"] for row in self.rows if "accuracy" in row]
        return patience is not None and len(known) > patience and max(known[-patience:]) <= max(known[:-patience])

    def words(self) -> str:
        """The last epoch, for people."""
        numbers = {name: value for name, value in self.rows[-1].items() if isinstance(value, float)}
        return ", ".join(f"{name} {value:.3g}" for name, value in numbers.items())

    def values(self) -> dict[str, Any]:
        """A list per number over ``epochs``, None where it was not taken, as they are kept."""
        names = ("loss", "train accuracy", "accuracy", "class accuracy", "calibration error")
        table = {name: [_short(row.get(name)) for row in self.rows] for name in names}
        table["class accuracy"] = table["class accuracy"][-1:]
        told = {name: values for name, values in table.items() if any(value is not None for value in values)}
        spent = {f"cpu seconds, {name}": round(value, 1) for name, value in self.seconds.items()}
        return {"epochs": len(self.rows) - 1, **{f"{name} by epoch": values for name, values in told.items()}, **spent}


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value
