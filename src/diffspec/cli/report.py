"""The command that draws run logs."""

from __future__ import annotations

from pathlib import Path

import click

from diffspec.cli.options import Once
from diffspec.cli.printing.text import say
from diffspec.files.writing import is_plain
from diffspec.results.lines import one_line

__all__ = ["report"]


@click.command(cls=Once)
@click.argument("logs", metavar="RUN.jsonl...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="report.html",
    show_default=True,
    help="The file to write.",
)
@click.option("--axis", help="What a step is called, such as epoch.  [default: what the monitor was told, else step]")
@click.option("--against", help="The logged number to draw measures against.  [default: an accuracy, if there is one]")
def report(logs: tuple[Path, ...], output: Path, axis: str | None, against: str | None) -> None:
    """Draw one or several run logs, side by side, as one HTML file that opens offline."""
    from diffspec.runs.report import write

    plain = is_plain(output)
    write(logs, output, axis=axis, against=against)
    if plain:  # the standard output, or a pipe, is to hold the page and nothing else
        say(f"wrote {one_line(output)}")
