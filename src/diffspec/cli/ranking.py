"""The command that ranks representations of the same points by what they know of the labels."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from diffspec import Agreement, Ranking, agreement
from diffspec import rank as ranked
from diffspec.cli.options import ESTIMATORS, Once, estimator_of, walk_of, walk_options
from diffspec.cli.printing.text import say
from diffspec.cli.representations import Asked, labels_options, representations
from diffspec.errors import InputError, MissingExtraError
from diffspec.files import writing
from diffspec.files.accuracies import accuracies
from diffspec.files.tables import listed

__all__ = ["rank"]


@click.command(cls=Once)
@click.argument("files", metavar="FILE|FOLDER...", nargs=-1, type=click.Path(path_type=Path))
@labels_options
@click.option(
    "--against", type=click.Path(path_type=Path), help="A table of names and numbers, such as test accuracies."
)
@click.option(
    "--against-column", help="The column of numbers in --against.  [default: the first called *acc*, else the first]"
)
@click.option("--timm", "patterns", multiple=True, help="Pretrained networks of timm, 'resnet*', on --images.")
@click.option("--images", type=click.Path(path_type=Path), help="A folder of images in one folder per class.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    help="A folder that keeps the features of --timm, from which a broken run goes on.",
)
@click.option("--n", "count", type=int, default=2000, show_default=True, help="Images of --images, of all classes.")
@click.option(
    "--estimator",
    type=click.Choice(ESTIMATORS),
    default="adjusted",
    show_default=True,
    help="How the information is estimated.",
)
@walk_options
@click.option("--t", type=float, help="Diffusion time, in place of the convention's.")
@click.option(
    "--level", type=float, default=0.95, show_default=True, help="Confidence of the intervals, and of telling apart."
)
@click.option("--resamples", type=int, default=25, show_default=True, help="How many subsets of the points.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the ranking into this file (.png, .pdf, .svg).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def rank(
    files: tuple[Path, ...],
    *,
    asked: Asked,
    against: Path | None,
    against_column: str | None,
    patterns: tuple[str, ...],
    images: Path | None,
    keep: Path | None,
    count: int,
    estimator: str,
    convention: str,
    kernel: str | None,
    neighbors: int | None,
    sigma: str | None,
    alpha: float | None,
    seed: int,
    t: float | None,
    level: float,
    resamples: int,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Rank representations of the same points by their information about the labels.

    Give files with one representation each, folders of them, files whose arrays are one each (all but the labels, or
    those that fit --key), logs of a monitor (.jsonl: what was measured last), or networks of timm. Representations with
    a range of places are not told apart: they are compared on the same random subsets of the points.
    """
    if bool(patterns) != bool(images):
        raise click.UsageError("--timm needs --images, and --images needs --timm")
    if keep is not None and not patterns:
        raise click.UsageError("--keep needs --timm")
    if bool(files) == bool(patterns):
        raise click.UsageError("give files or folders to rank, or --timm with --images")
    if any(path.suffix == ".jsonl" for path in files):
        from diffspec.cli.runs import rank_runs

        _require_no_points(**asdict(asked), plot=plot)
        numbers = None if against is None else accuracies(against, against_column)
        say(rank_runs(files, numbers, as_json=as_json))
        return
    if patterns and images is not None:
        try:
            from diffspec.training.network.pretrained import features
        except MissingExtraError as error:  # of torch, which comes with timm
            raise MissingExtraError("--timm", "timm") from error
        points, truth = features(patterns, images, n=count, seed=seed, keep=keep, say=_told(keep))
    else:
        points, given = representations(files, asked)
        truth = _required(given)
    walk = walk_of(convention=convention, kernel=kernel, sigma=sigma, neighbors=neighbors, alpha=alpha, t=t)
    how: dict[str, Any] = {"level": level, "resamples": resamples, "rng": seed, **walk}
    found = ranked(points, truth, estimator=estimator_of(estimator), **how)
    agrees = None if against is None else agreement(found.values, accuracies(against, against_column), rng=seed)
    if plot is not None:
        read = [path for path in (*files, asked.labels, against) if path is not None]
        _draw(found, plot, inputs=[*read, *(images.rglob("*") if images is not None else ())])
    say(_as_json(found, agrees) if as_json else _as_text(found, agrees))


def _told(keep: Path | None) -> Callable[[str], None]:
    """Where progress goes: to standard error where somebody looks on, or asked for something to last."""
    watched = keep is not None or sys.stderr.isatty()
    return partial(click.echo, err=True) if watched else lambda _line: None


def _require_no_points(**options: Any) -> None:
    if asked := [name.replace("_", "-") for name, value in options.items() if value not in (None, ())]:
        raise click.UsageError(f"--{asked[0].replace('keys', 'key')} is for arrays, and a log (.jsonl) holds no points")


def _required(labels: Any) -> Any:
    if labels is None:
        raise click.UsageError("give --labels FILE, or --labels-key KEY for labels in the files themselves")
    return labels


def _as_json(found: Ranking, agrees: Agreement | None) -> str:
    return json.dumps({**found.to_dict(), "against": None if agrees is None else agrees.to_dict()}, allow_nan=False)


def _as_text(found: Ranking, agrees: Agreement | None) -> str:
    if agrees is None:
        return str(found)
    missing = f"; no number for {listed(agrees.missing)}" if agrees.missing else ""
    return f"{found}\nagainst: {agrees}{missing}"


def _draw(found: Ranking, path: Path, *, inputs: Sequence[Path]) -> None:
    from diffspec.inference.drawing import ranking_figure

    content = io.BytesIO()
    try:
        ranking_figure(found).savefig(content, format=path.suffix[1:].lower() or "png", bbox_inches="tight", dpi=150)
    except ValueError as error:  # an ending that matplotlib does not write
        raise InputError(f"{path} cannot be drawn ({error}); give a .png, .pdf or .svg") from error
    writing.replace(path, content.getvalue(), inputs=inputs)
