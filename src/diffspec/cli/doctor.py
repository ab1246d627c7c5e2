"""The command that shows what a measurement would run on."""

from __future__ import annotations

import json

import click

from diffspec.cli.options import Once
from diffspec.cli.printing.facts import examine
from diffspec.cli.printing.text import facts_text, say

__all__ = ["doctor"]


@click.command(cls=Once)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def doctor(as_json: bool) -> None:
    """Show what a measurement runs on: versions, linear algebra, cores, memory, GPU."""
    facts = examine()
    say(json.dumps(facts) if as_json else facts_text(facts))
