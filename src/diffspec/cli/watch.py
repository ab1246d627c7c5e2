"""The command that follows a run log in the terminal."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from diffspec.cli.options import Once
from diffspec.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from rich.console import Console, Group

    from diffspec.runs.following import Follower

__all__ = ["watch"]

ALL = 10**6  # rows, where nothing scrolls away


@click.command(cls=Once)
@click.argument("log", metavar="RUN.jsonl", type=click.Path(path_type=Path))
@click.option("--once", is_flag=True, help="Show what the log holds now, and end.")
@click.option(
    "--every",
    type=click.FloatRange(0.05, 3600),
    default=1.0,
    show_default=True,
    help="Seconds between two looks at the log.",
)
def watch(log: Path, once: bool, every: float) -> None:
    """Follow a run log while it is written: the latest values of every layer, and what is wrong.

    The log need not be there yet. Ctrl-C ends it.
    """
    from diffspec.runs.following import Follower

    console, follower = _console(), Follower(log)
    if not once:
        _follow(console, follower, every)
    if not follower.more() and follower.written is None:
        raise InputError(f"no run log at {log}; give the run.jsonl that a monitor wrote")
    _show(console, follower)


def _console() -> Console:
    try:
        from rich.console import Console
    except ImportError:
        raise MissingExtraError("diffspec watch", "watch") from None
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False)


def _fitted(console: Console, follower: Follower) -> Group:
    from diffspec.cli.printing.board import ASCII_BARS, BARS, board

    height = console.height if console.is_terminal else ALL
    bars = BARS if console.encoding.startswith("utf") else ASCII_BARS
    return board(follower, width=console.width, height=height, bars=bars)


def _show(console: Console, follower: Follower) -> None:
    from diffspec.cli.printing.board import age

    console.print(_fitted(console, follower), age(follower))


def _follow(console: Console, follower: Follower, every: float) -> None:
    """Until it is interrupted: in a terminal in place, elsewhere one table after the other."""
    from rich.console import Group
    from rich.live import Live

    from diffspec.cli.printing.board import age

    if not console.is_terminal:
        while True:
            if follower.more():
                _show(console, follower)
            time.sleep(every)
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        table, size = Group(), console.size
        while True:
            if follower.more() or console.size != size:
                table, size = _fitted(console, follower), console.size
            live.update(Group(table, age(follower)), refresh=True)
            time.sleep(every)
