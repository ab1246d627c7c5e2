"""Several representations of the same points and their labels, from files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from diffspec.errors import InputError
from diffspec.files.reading import Loaded, Source, load_labels, load_points
from diffspec.files.several import Named, sources
from diffspec.files.tables import Selection

__all__ = ["labels_options", "labels_with", "representations"]

Command = Callable[..., Any]
Values = np.ndarray[Any, Any]


def labels_options(command: Command) -> Command:
    """The options --key, --labels and --labels-column."""
    options = [
        click.option(
            "--key",
            "keys",
            multiple=True,
            help="Which arrays of a file with several, a name or 'layer*'. May be repeated.",
        ),
        click.option("--labels", type=click.Path(path_type=Path), help="Class labels, one per point."),
        click.option(
            "--labels-column",
            "--labels-key",
            "labels_key",
            help="Which array or column of --labels. Without --labels it is in each FILE itself.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def representations(
    paths: Sequence[Path], keys: Sequence[str], labels: Path | None, labels_key: str | None
) -> tuple[dict[str, Values], Values | None]:
    """The points in all `paths` by their names, and the labels.

    Raises
    ------
    InputError
        No files, two of one name, labels that differ between files, and whatever cannot be read.
    """
    own = labels_key if labels is None else None
    found = sources(paths, keys, without=() if own is None else (own,), every=True)
    names = [named.name for named in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"two of the arrays would be called {twice[0]!r}; rename a file, or give each once")
    points = {named.name: _points(named.source, own) for named in found}
    return points, labels_with(found, labels, labels_key)


def labels_with(found: Sequence[Named], labels: Path | None, key: str | None) -> Values | None:
    """The labels in a file of their own, or those that all files hold alike."""
    if labels is not None:
        return load_labels(Source(labels, key)).values
    if key is None:
        return None
    first, *others = dict.fromkeys(named.source.path for named in found)
    values = load_labels(Source(first, key)).values
    for path in others:
        if not np.array_equal(values, load_labels(Source(path, key)).values):
            raise InputError(
                f"the labels {key!r} of {first} and {path} differ; compare representations of the same points only"
            )
    return values


def _points(source: Source, label: str | None) -> Values:
    loaded: Loaded = load_points(source, Selection(label=label))
    for note in loaded.notes:
        click.echo(f"Note: {note}", err=True)
    return loaded.values
