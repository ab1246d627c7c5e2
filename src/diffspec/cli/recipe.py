"""The command that hands over to the recipes, which are no part of the installed library."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import click

from diffspec.errors import InputError

__all__ = ["recipe"]


@click.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def recipe(arguments: tuple[str, ...]) -> int:
    """Reproduce a figure of the paper: recipe NAME, recipe check, recipe --help. In a checkout of the source only."""
    found = _recipes().main(list(arguments) or ["--help"], prog_name="diffspec recipe", standalone_mode=False)
    return int(found or 0)


def _recipes() -> click.Group:
    """The commands of the recipes, which are no part of the installed library."""
    # Never those of the working directory: whoever filled that folder would have his code run here.
    root = Path(__file__).resolve().parents[3]
    if not (root / "recipes" / "expected.toml").is_file():
        raise InputError(
            f"no recipes beside {Path(__file__).parents[1]}; they come with the source: "
            "install a checkout of diffspec (pip install --editable), or run python -m recipes in one that you trust"
        )
    sys.path.insert(0, str(root))
    recipes: click.Group = import_module("recipes.lab.command").command
    return recipes
