"""The table that the demo prints: what was measured first and last, per condition."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from diffspec.runs.log import Record

__all__ = ["summary"]

ROWS = (
    ("accuracy, held out", "accuracy", None, "{:.0%}"),
    ("training labels fitted", "training_accuracy", None, "{:.0%}"),
    ("median distance", "median distance", None, "{:.3g}"),
    ("sigma = 10, fixed", None, None, ""),
    ("  DSE(Z)", "DSE(Z)", "sigma = 10", "{:.2f}"),
    ("  DSMI(Z;Y)", "DSMI(Z;Y)", "sigma = 10", "{:.2f}"),
    ("  DSMI(Z;X)", "DSMI(Z;X)", "sigma = 10", "{:.2f}"),
    ("neighbour graph, t = 3", None, None, ""),
    ("  DSE(Z)", "DSE(Z)", "neighbors", "{:.2f}"),
    ("  DSMI(Z;Y)", "DSMI(Z;Y)", "neighbors", "{:.2f}"),
    ("  DSMI(Z;X)", "DSMI(Z;X)", "neighbors", "{:.2f}"),
)
"""Title, name of the record, its rule, format; a row without a name is a heading."""

KINDS = ("number", "scalar")


def summary(records: Sequence[Record]) -> Table:
    """First and last value of every measure, one column per condition, as a rich table."""
    runs = list(dict.fromkeys(record["run"] for record in records))
    steps = [record["step"] for record in records if "step" in record]
    title = f"Layer Z on held-out digits, epoch {min(steps)} → {max(steps)}, entropies in bits"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for run in runs:
        table.add_column(run, justify="right", no_wrap=True)
    for words, name, rule, form in ROWS:
        if name is None:
            table.add_row(f"[bold]{words}", end_section=False)
        else:
            table.add_row(words, *(_ends(records, run, (name, rule), form) for run in runs))
    return table


def _ends(records: Sequence[Record], run: str, what: tuple[str, str | None], form: str) -> str:
    """First and last value, or a dash where the condition has none."""
    values = [
        record["value"]
        for record in records
        if record["run"] == run and record["kind"] in KINDS and (record["name"], record.get("rule")) == what
    ]
    return f"{form.format(values[0])} → {form.format(values[-1])}" if values else "-"
