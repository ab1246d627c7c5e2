"""Write docs/cli.md from the command's own help: ``python docs/make_cli.py``. A test fails when the page is stale."""

from __future__ import annotations

from pathlib import Path

import click

from diffspec.cli.command import command

HEAD = """# The command line

Made by `python docs/make_cli.py` from `diffspec --help`. Change the help there, not here.

- An error is one line on standard error and exit code 2. An interrupt is exit code 130.
- Several `--t` share one decomposition for DSE. For DSMI each costs the eigenproblems again.
- With `--json` and several `--t` there is one object per line, in the order given.
- `--labels` takes every distinct value for a class, floats too.
- `--reference` bins floats in one column and clusters several columns. It takes integers and text for classes, unless
  `--bins` or `--clusters` is given.
- Of a table the columns of numbers are the features. Columns of text, row numbers and the labels are left out, and a
  note on standard error says so. A gap, or text among numbers, is an error that names column and row.
- `measure table.csv --labels-column y` takes the labels from the table itself and leaves them out of the features.
- Labels in a text file are kept as they are written: 3.1 and 3.10, 01 and 1 are two classes each.
- The separator of a .csv, .tsv or .txt is found: commas, semicolons, tabs or blanks.
- The first line names the columns where numbers follow below words, where no word of it comes again in its column, or
  where it counts 0, 1, 2, ... as pandas does. `--header` and `--labels-header` decide it, for each file by itself.
- Lines of `#` above a table are comments where they have not as many fields as the rows. Else they name the columns, as
  `numpy.savetxt` writes them.
- Points or arrays that would not fit into memory are refused before they are unpacked.
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
