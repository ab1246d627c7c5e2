"""The commands on how sure a number is: its interval, its test against chance, and the comparison of two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from diffspec import compare as compared
from diffspec import interval as interval_of
from diffspec import permutation_test
from diffspec.cli.options import ESTIMATORS, Once, estimator_of, walk_of, walk_options
from diffspec.cli.printing.text import say
from diffspec.cli.representations import Asked, labels_options, representations
from diffspec.files.tables import listed
from diffspec.results.lines import one_line

__all__ = ["compare", "interval", "test"]

LEVEL = click.option("--level", type=float, default=0.95, show_default=True, help="Confidence of the interval.")
RESAMPLES = click.option("--resamples", type=int, default=50, show_default=True, help="How many subsets of the points.")
ESTIMATOR = click.option(
    "--estimator", type=click.Choice(ESTIMATORS), help="How DSMI is estimated.  [default: matched]"
)
TIME = click.option("--t", type=float, help="Diffusion time, in place of the convention's.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")


@click.command(cls=Once)
@click.argument("file", type=click.Path(path_type=Path))
@labels_options
@ESTIMATOR
@walk_options
@TIME
@LEVEL
@RESAMPLES
@JSON
def interval(
    file: Path,
    *,
    asked: Asked,
    estimator: str | None,
    level: float,
    resamples: int,
    as_json: bool,
    **walk: Any,
) -> None:
    """How far the DSE of the points in FILE, or with labels their DSMI, would move with other points of their kind."""
    points, truth = _one(file, asked)
    how = {"level": level, "resamples": resamples, **_options(estimator, truth, walk)}
    found = interval_of(points, truth, **how)
    say(found.to_json() if as_json else str(found))


@click.command(cls=Once)
@click.argument("files", metavar="FILE FILE", nargs=-1, required=True, type=click.Path(path_type=Path))
@labels_options
@ESTIMATOR
@walk_options
@TIME
@LEVEL
@RESAMPLES
@JSON
def compare(
    files: tuple[Path, ...],
    *,
    asked: Asked,
    estimator: str | None,
    level: float,
    resamples: int,
    as_json: bool,
    **walk: Any,
) -> None:
    """Whether two representations of the same points differ in DSE, or with labels in DSMI.

    Give two files, or one whose two arrays are named by --key; row i of both stands for the same point.
    """
    points, truth = representations(files, asked)
    if len(points) != 2:
        raise click.UsageError(f"give two representations, got {len(points)}; rank takes more")
    (first, a), (second, b) = points.items()
    how = {"level": level, "resamples": resamples, **_options(estimator, truth, walk)}
    found = compared(a, b, truth, **how)
    say(found.to_json() if as_json else f"a is {one_line(first)}, b is {one_line(second)}: {found}")


@click.command(cls=Once)
@click.argument("file", type=click.Path(path_type=Path))
@labels_options
@ESTIMATOR
@walk_options
@TIME
@click.option("--permutations", type=int, default=199, show_default=True, help="How many random deals of the labels.")
@click.option("--level", type=float, default=0.05, show_default=True, help="The p-value that counts as significant.")
@JSON
def test(
    file: Path,
    *,
    asked: Asked,
    estimator: str | None,
    permutations: int,
    level: float,
    as_json: bool,
    **walk: Any,
) -> None:
    """Whether the labels have more to do with the points in FILE than chance: p-value and value above chance."""
    points, truth = _one(file, asked)
    if truth is None:
        raise click.UsageError("give --labels FILE, or --labels-key KEY for labels in FILE itself")
    found = permutation_test(points, truth, permutations, level=level, **_options(estimator, truth, walk))
    say(found.to_json() if as_json else str(found))


def _one(file: Path, asked: Asked) -> tuple[Any, Any]:
    """The one representation in a file, and the labels."""
    points, truth = representations([file], asked)
    if len(points) != 1:
        raise click.UsageError(f"{file} holds {len(points)} arrays ({listed(list(points))}); choose one by --key")
    return next(iter(points.values())), truth


def _options(estimator: str | None, truth: Any, walk: dict[str, Any]) -> dict[str, Any]:
    if estimator is not None and truth is None:
        raise click.UsageError("--estimator needs --labels, or --labels-key for labels in the file itself")
    seed, named = walk.pop("seed"), estimator_of(estimator)
    return {"estimator": named, "rng": seed, **walk_of(**walk)}
