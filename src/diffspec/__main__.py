"""The `diffspec` command, also as ``python -m diffspec``."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with its code."""
    # Here and not above: importing this module must not import click.
    from diffspec.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
