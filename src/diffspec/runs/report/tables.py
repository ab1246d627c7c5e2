"""The tables of the report: rows of plain text, escaped by the template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from diffspec.runs.log import Record
from diffspec.runs.plots.looks import quantity, rule_words
from diffspec.runs.plots.series import BY_SCALE, BY_SHAPE, DISTANCE, Curve, Log

__all__ = ["Cell", "Row", "failures", "final_values", "how_measured", "settings"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A text, in grey what belongs to it, and how many columns it fills."""

    text: str
    aside: str = ""
    span: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """A heading and its cells."""

    title: str
    aside: str
    cells: list[Cell]


def final_values(log: Log) -> list[Row]:
    """First and last value of everything that was measured, one column per run."""
    rows = [_ends(log, quantity(name), "", log.scalar(name)) for name in log.scalars]
    rows.append(_ends(log, DISTANCE, "", log.curves(DISTANCE)))
    for rule in log.rules():
        names = [*log.measures, BY_SCALE, BY_SHAPE]
        rows += [_ends(log, quantity(n), rule_words(rule), log.curves(n, rule=rule)) for n in names]
    return [row for row in rows if any(cell.text != "-" for cell in row.cells)]


def how_measured(log: Log) -> list[Row]:
    """The settings that the last value of every measure and rule was measured with; one cell per row."""
    rows = []
    for rule in log.rules():
        for name in log.measures:
            curves = log.curves(name, rule=rule)
            if curves:
                record = curves[0].records[-1]
                rows.append(Row(quantity(name), rule_words(rule), [Cell(_words(record))]))
    return rows


def settings(log: Log) -> list[Row]:
    """The settings of the runs, one column each; a value that they share fills the row."""
    flat = {run: _flat(log.of("settings", run=run)[-1:]) for run in log.runs}
    keys = dict.fromkeys(key for values in flat.values() for key in values)
    return [Row(key, "", _shared([values.get(key, "-") for values in flat.values()])) for key in keys]


def failures(log: Log) -> list[Record]:
    """The failed measurements, in the order of the log."""
    return log.of("failure")


def _ends(log: Log, title: str, rule: str, curves: Sequence[Curve]) -> Row:
    found = {curve.run: curve for curve in curves}
    return Row(title, rule, [_first_to_last(found.get(run)) for run in log.runs])


def _first_to_last(curve: Curve | None) -> Cell:
    if curve is None:
        return Cell("-")
    last = curve.records[-1]
    error = f" ± {last['stderr']:.2g}" if last.get("stderr") else ""
    unit = f" {curve.unit}" if curve.unit == "bit" else ""
    text = f"{_number(curve.values[0])} → {_number(last['value'])}{error}{unit}"
    verdict = str(last.get("verdict") or "").partition(":")[0]
    return Cell(text, verdict if curve.uninformative[-1] else "")


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.4g}"


def _words(record: Record) -> str:
    values = {"n": record.get("n"), **(record.get("settings") or {})}
    return ", ".join(f"{key} = {_short(value)}" for key, value in values.items() if value not in (None, ""))


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _flat(records: Sequence[Record], above: str = "") -> dict[str, str]:
    """Nested settings as one level; a list as its items."""
    flat: dict[str, str] = {}
    for record in records:
        for key, value in record.get("values", record).items():
            if isinstance(value, dict) and value:
                flat |= _flat([{"values": value}], f"{above}{key}: ")
            elif isinstance(value, list):
                flat[f"{above}{key}"] = ", ".join(map(_short, value))
            else:
                flat[f"{above}{key}"] = _short(value)
    return flat


def _shared(texts: list[str]) -> list[Cell]:
    if len(set(texts)) == 1:
        return [Cell(texts[0], span=len(texts))]
    return [Cell(text) for text in texts]
