"""What `diffspec watch` shows: a table of the latest values with their courses, and what is wrong."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from diffspec.results.lines import one_line
from diffspec.runs.compared.lines import Line
from diffspec.runs.compared.view import View
from diffspec.runs.following import Follower
from diffspec.runs.plots.looks import briefly, rule_words
from diffspec.runs.plots.series import Log
from diffspec.runs.report.findings import what_happened

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

__all__ = ["age", "board", "sparkline"]

BARS, ASCII_BARS = "▁▂▃▄▅▆▇█", "_.-~=+*#"
WIDTH = 10  # letters of a sparkline
NUMBER = 7  # letters of a value and the blank behind it
MOST, COLUMN = 3, NUMBER + WIDTH + 2  # measures side by side, and letters of each
STEP = 12  # letters of the step and what stands around it
LEAST = 6  # letters of a name
ALARMS = 6
AROUND = 6  # lines: title, head and rule of the table, blank lines around it, how many rows are hidden


def sparkline(values: Sequence[float], bars: str = BARS) -> str:
    """The course of `values` in at most 10 letters: of each stretch the mean, from the lowest to the highest."""
    count = min(len(values), WIDTH)
    edges = [round(k * len(values) / count) for k in range(count + 1)]
    means = [sum(values[start:stop]) / (stop - start) for start, stop in pairwise(edges)]
    low, high = min(means), max(means)
    last = len(bars) - 1
    return "".join(bars[round(last * (mean - low) / (high - low)) if high > low else 0] for mean in means)


def board(log: Follower, *, width: int, height: int, bars: str = BARS) -> Group:
    """What `log` holds now as a table of about `width` letters and `height` rows, and under it what is wrong."""
    from rich.console import Console, Group
    from rich.text import Text

    if _is_empty(log):
        return Group()
    found = Log(tuple(log.records))
    view = View(found, found.axis, found.accuracy)
    alarms = [finding for finding in what_happened(view) if finding.alarm]
    words = [Text(one_line(f"{alarm.text}: {alarm.evidence}"), style="red") for alarm in alarms[:ALARMS]]
    if len(alarms) > ALARMS:
        words.append(Text(f"and {len(alarms) - ALARMS} more; see diffspec report", style="red"))
    below = [*_passed_in(view, bars), *words]
    taken = sum(len(text.wrap(Console(), width)) for text in [*below, age(log)])
    rows = max(3, height - taken - AROUND)
    return Group(_table(view, (width, rows), bars), *below)


def _table(view: View, room: tuple[int, int], bars: str) -> Group:
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    width, most = room
    columns = _columns(view, width)
    brief = briefly(map(one_line, [*(c.name for c in view.conditions), *view.short.values()]), _room(view, width))
    rules = dict.fromkeys(rule for _name, rule in columns)
    title = [Text(one_line(rule_words(columns[0][1])), style="dim")] if len(rules) == 1 and columns[0][1] else []
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in _names(view, "run", "layer"):
        table.add_column(Text(name), no_wrap=True)
    table.add_column(Text(one_line(view.axis)), justify="right")
    for name, rule in columns:
        table.add_column(Text(one_line(name if len(rules) == 1 else f"{name}, {rule}")), no_wrap=True)
    lines = {(name, rule): {(x.condition, x.layer): x for x in view.lines(name, rule)} for name, rule in columns}
    rows = [(c.name, layer) for c in view.conditions for layer in view.layers]
    rows = [row for row in rows if any(row in held for held in lines.values())]
    for condition, layer in rows[-most:]:
        held = [lines[column].get((condition, layer)) for column in columns]
        step = max((line.steps[-1] for line in held if line), default=0.0)
        names = [Text(brief[one_line(name)]) for name in _names(view, condition, view.short[layer])]
        table.add_row(*names, f"{step:g}", *(_cell(line, bars) for line in held))
    hidden = len(rows) - most
    return Group(*title, table, *([Text(f"{hidden} rows more, in a higher window", style="dim")] if hidden > 0 else []))


def _names(view: View, run: str, layer: str) -> list[str]:
    """What tells a row from the others."""
    several = len(view.layers) > 1
    return [run, layer] if several and len(view.conditions) > 1 else [layer] if several else [run]


def _columns(view: View, width: int) -> list[tuple[str, str]]:
    """The measures of the report's opening, and where there is room the next one of their rule."""
    rules = [rule for _name, rule in view.opening[:1]]
    more = [(name, rule) for rule in rules for name in view.measures(rule)]
    longest = (min(max(map(len, names)), _room(view, width)) for names in zip(*_rows(view), strict=True))
    fitting = (width - sum(longest) - STEP) // COLUMN
    return list(dict.fromkeys([*view.opening, *more]))[: max(1, min(MOST, fitting))]


def _room(view: View, width: int) -> int:
    """Most letters of a name, so that all of a row stand beside the step and one measure."""
    count = len(_names(view, "", ""))
    return max(LEAST, (width - STEP - COLUMN) // count - 2)


def _rows(view: View) -> list[list[str]]:
    return [_names(view, c.name, view.short[layer]) for c in view.conditions for layer in view.layers]


def _cell(line: Line | None, bars: str) -> Text:
    from rich.text import Text

    if line is None:
        return Text("")
    value = f"{line.y[-1]:.3g}"
    value = value if len(value) < NUMBER else f"{line.y[-1]:.2g}"
    text = Text(f"{value} ".rjust(NUMBER), style="dim" if line.nothing[-1] else "")
    return text.append(sparkline(line.y, bars), style="cyan")


def _passed_in(view: View, bars: str) -> list[Text]:
    """The latest of what the training loop passed in."""
    from rich.text import Text

    found = []
    for name in view.log.scalars:
        parts = [f"{one_line(line.condition)} {line.y[-1]:.4g} {sparkline(line.y, bars)}" for line in view.scalar(name)]
        found.append(Text(f"{one_line(name)}: {'   '.join(parts)}"))
    return found


def age(log: Follower) -> Text:
    """How much the log holds, and how long ago it was written."""
    from rich.text import Text

    if log.written is None:
        words = f"waiting for {log.path}"
    else:
        held = "no look yet" if _is_empty(log) else f"{len(log.records)} records"
        lost = f"; {log.lost} damaged lines are left out" if log.lost else ""
        words = f"{held}, written {_ago(time.time() - log.written)} ago{lost}: {log.path}"
    return Text(one_line(words), style="dim")


def _is_empty(log: Follower) -> bool:
    return all(record["kind"] == "settings" for record in log.records)


def _ago(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0.0):.0f} s"
