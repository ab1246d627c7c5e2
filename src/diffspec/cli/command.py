"""The command line: parse, call, print.

Every expected failure is one line on standard error and exit code 2; an interrupt is exit code 130.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from diffspec._version import __version__
from diffspec.cli.facts import examine
from diffspec.cli.measure import measure
from diffspec.cli.options import MAX_SEED, Once
from diffspec.cli.printing import facts_text, say, shown
from diffspec.errors import DiffspecError, InputError
from diffspec.files.writing import is_plain

__all__ = ["command", "flushed", "run"]


def run(arguments: Sequence[str]) -> int:
    """The exit code of the command line `arguments`; whatever it has to say is printed."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            return int(command.main(list(arguments) or ["--help"], prog_name="diffspec", standalone_mode=False) or 0)
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else "diffspec"
            return _fail(f"{error.format_message()} (see '{path} --help')")
        except click.ClickException as error:
            return _fail(error.format_message())
        except (DiffspecError, OSError) as error:
            return _fail(str(error))
        except MemoryError as error:
            return _fail(f"not enough memory: {error}; measure fewer points")
        except click.Abort:  # click's form of KeyboardInterrupt
            return 130


def flushed(code: int) -> int:
    """`code`, once all output is out; where it cannot go out the rest is dropped and the code says so."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter would try once more, and complain
        # A reader that has gone has seen enough; click ends with 1 then.
        return 1 if isinstance(error, BrokenPipeError) else _fail(f"the output cannot be written ({error.strerror})")
    return code


def _fail(text: str) -> int:
    click.echo(f"Error: {shown(text)}", err=True)
    return 2


def _show_warning(message: Warning | str, *_where: Any, **_more: Any) -> None:
    click.echo(f"Warning: {shown(message)}", err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="diffspec")
def command() -> None:
    """Measure the diffusion spectral entropy (DSE) and mutual information (DSMI) of neural representations."""


command.add_command(measure)


@command.command(cls=Once)
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


@command.command(cls=Once)
@click.option(
    "--folder", type=click.Path(path_type=Path), default="diffspec-demo", show_default=True, help="Where to write."
)
@click.option("--smoke", is_flag=True, help="A few steps only, to see that everything works.")
@click.option("--seed", type=click.IntRange(0, MAX_SEED), default=0, show_default=True, help="Of everything random.")
def demo(folder: Path, smoke: bool, seed: int) -> None:
    """Train a small network on digits three ways, measure it all the while and write a report."""
    from diffspec.demo import run as train

    train(folder=folder, smoke=smoke, seed=seed)


@command.command(cls=Once)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def doctor(as_json: bool) -> None:
    """Show what a measurement runs on: versions, linear algebra, cores, memory, GPU."""
    facts = examine()
    say(json.dumps(facts) if as_json else facts_text(facts))


@command.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def recipe(arguments: tuple[str, ...]) -> int:
    """Reproduce a figure of the paper: recipe NAME, recipe check, recipe --help. In a checkout of the source only."""
    found = _recipes().main(list(arguments) or ["--help"], prog_name="diffspec recipe", standalone_mode=False)
    return int(found or 0)


def _recipes() -> click.Group:
    """The commands of the recipes, which are no part of the installed library."""
    # Never those of the working directory: whoever filled that folder would have his code run here.
    root = Path(__file__).resolve().parents[2]
    if not (root / "recipes" / "expected.toml").is_file():
        raise InputError(
            f"no recipes beside {Path(__file__).parent}; they come with the source: "
            "install a checkout of diffspec (pip install --editable), or run python -m recipes in one that you trust"
        )
    sys.path.insert(0, str(root))
    recipes: click.Group = import_module("recipes.lab.command").command
    return recipes
