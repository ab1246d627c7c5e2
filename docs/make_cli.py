"""Write docs/cli.md from the command's own help: ``python docs/make_cli.py``. A test fails when the page is stale."""

from __future__ import annotations

from pathlib import Path

import click

from diffspec.cli import command

HEAD = """# The command line

Made by `python docs/make_cli.py` from `diffspec --help`; change the help there, not here.

- An error is one line on standard error and exit code 2; an interrupt is exit code 130.
- Several `--t` share one decomposition for DSE. For DSMI each costs the eigenproblems again; the groups are found once.
- With `--json` and several `--t` there is one object per line, in the order given.
- `--labels` takes every distinct value for a class, floats too. `--reference` bins floats in one column, clusters
  several columns, and takes integers and text for classes unless `--bins` or `--clusters` is given.
- The first line of a .csv or .tsv is taken for column names where it holds text that does not come again below (one
  column), holds any text (several), or counts 0, 1, 2, ... as pandas does; `--header` and `--no-header` decide it.
- Nothing in a file is ever run: pickled arrays are refused, and torch files must hold plain tensors.
"""


def page() -> str:
    """The whole page as Markdown."""
    context = click.Context(command, info_name="diffspec", terminal_width=100, help_option_names=["-h", "--help"])
    parts = [HEAD, _section("diffspec", context)]
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        inner = click.Context(found, info_name=name, parent=context, terminal_width=100)
        parts.append(_section(f"diffspec {name}", inner))
    return "\n".join(parts)


def _section(title: str, context: click.Context) -> str:
    text = "\n".join(line.rstrip() for line in context.get_help().splitlines())
    return f"## {title}\n\n```text\n{text}\n```\n"


if __name__ == "__main__":
    Path(__file__).with_name("cli.md").write_text(page(), encoding="utf-8")
