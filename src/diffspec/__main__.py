"""The `diffspec` command, also as ``python -m diffspec``."""

from __future__ import annotations

import io
import sys

from diffspec import _interrupt

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with its code."""
    # Here and not above: importing this module must not import click.
    from diffspec.cli.command import flushed, run
    from diffspec.cli.printing.text import ANY_TERMINAL

    _interrupt.release()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # nothing, where it was closed
            stream.reconfigure(errors=ANY_TERMINAL)
    sys.exit(flushed(run(sys.argv[1:])))


if __name__ == "__main__":
    main()
