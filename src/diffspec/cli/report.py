"""The command that draws run logs."""

from __future__ import annotations

from pathlib import Path

import click

from diffspec.cli.options import Once
from diffspec.cli.printing import say, shown
from diffspec.files.writing import is_plain

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
def report(logs: tuple[Path, ...], output: Path) -> None:
    """Draw one or several run logs as one HTML file that opens offline."""
    from diffspec.runs.report import write

    plain = is_plain(output)
    write(logs, output)
    if plain:  # the standard output, or a pipe, is to hold the page and nothing else
        say(f"wrote {shown(output)}")
