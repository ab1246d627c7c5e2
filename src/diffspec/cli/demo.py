"""The command that runs the demo."""

from __future__ import annotations

from pathlib import Path

import click

from diffspec.cli.options import MAX_SEED, Once

__all__ = ["demo"]


@click.command(cls=Once)
@click.option(
    "--folder", type=click.Path(path_type=Path), default="diffspec-demo", show_default=True, help="Where to write."
)
@click.option("--smoke", is_flag=True, help="A few steps only, to see that everything works.")
@click.option(
    "--seed", type=click.IntRange(0, MAX_SEED), default=0, show_default=True, help="Seed of everything random."
)
def demo(folder: Path, smoke: bool, seed: int) -> None:
    """Train a small network on digits three ways, measure it all the while and write a report."""
    from diffspec.demo import run as train

    train(folder=folder, smoke=smoke, seed=seed)
