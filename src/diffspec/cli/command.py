"""The command line: parse, call, print.

Every expected failure is one line on standard error and exit code 2; an interrupt is exit code 130.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import click

from diffspec._version import __version__
from diffspec.cli.demo import demo
from diffspec.cli.doctor import doctor
from diffspec.cli.measure import measure
from diffspec.cli.ranking import rank
from diffspec.cli.recipe import recipe
from diffspec.cli.report import report
from diffspec.cli.sureness import compare, interval, test
from diffspec.cli.watch import watch
from diffspec.errors import DiffspecError
from diffspec.results.lines import one_line

__all__ = ["command", "flushed", "run"]


def run(arguments: Sequence[str], group: click.Group | None = None, name: str = "diffspec") -> int:
    """The exit code of the command line `arguments`; whatever it has to say is printed.

    Of the commands of `group`, called `name`, where it is given: those of the recipes come from outside the package.
    """
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            found = (group or command).main(list(arguments) or ["--help"], prog_name=name, standalone_mode=False)
            return int(found or 0)
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else name
            return _fail(f"{error.format_message()} (see '{path} --help')")
        except click.ClickException as error:
            return _fail(error.format_message())
        except DiffspecError as error:
            return _fail(str(error))
        except OSError as error:  # whose own text begins with [Errno 13]
            named = error.filename is not None and error.strerror is not None
            return _fail(f"{error.filename} cannot be used ({error.strerror}); give another" if named else str(error))
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
    click.echo(f"Error: {one_line(text)}", err=True)
    return 2


def _show_warning(message: Warning | str, *_where: Any, **_more: Any) -> None:
    click.echo(f"Warning: {one_line(message)}", err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="diffspec")
def command() -> None:
    """Measure the diffusion spectral entropy (DSE) and mutual information (DSMI) of neural representations."""


for each in (measure, interval, test, compare, rank, report, watch, demo, doctor, recipe):
    command.add_command(each)
