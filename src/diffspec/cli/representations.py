"""Points and their labels from files: the options that say which, and several representations of the same points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import Any

import click
import numpy as np

from diffspec import Labels, Partition
from diffspec.errors import InputError
from diffspec.files.reading import Loaded, Source, load_labels, load_points
from diffspec.files.several import Named, same_file, sources
from diffspec.files.shapes import REDUCTIONS, reduced
from diffspec.files.tables import Selection
from diffspec.results.lines import one_line

__all__ = [
    "Asked",
    "columns_options",
    "labels_options",
    "points_in",
    "representations",
    "require_pairs",
    "tell",
]

Command = Callable[..., Any]
Values = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the options say of points and labels; the fields are called as the options are."""

    keys: tuple[str, ...]
    labels: Path | None
    labels_key: str | None
    features: tuple[str, ...]
    drop: tuple[str, ...]
    reduce: str | None
    header: bool | None
    labels_header: bool | None


def labels_options(command: Command) -> Command:
    """The options --key, --labels, --labels-column and `columns_options`; the `command` takes them as `asked`."""

    @wraps(command)
    def call(**given: Any) -> Any:
        return command(asked=Asked(**{field.name: given.pop(field.name) for field in fields(Asked)}), **given)

    with_options: Command = call
    options: list[Callable[[Command], Command]] = [
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
        columns_options,
    ]
    for option in reversed(options):
        with_options = option(with_options)
    return with_options


def columns_options(command: Command) -> Command:
    """The options --features, --drop, --reduce, --header and --labels-header."""
    options = [
        click.option(
            "--features", multiple=True, help="Which columns of a table are features, a name or 'f*'; may be repeated."
        ),
        click.option("--drop", multiple=True, help="Which columns of a table are no features; may be repeated."),
        click.option(
            "--reduce",
            type=click.Choice(list(REDUCTIONS)),
            help="Make points of an array with more axes: gap averages (n, c, h, w) over pixels, mean (n, tokens, d) "
            "over tokens, first and last take one token, flatten joins all.",
        ),
        click.option(
            "--header/--no-header", default=None, help="Whether FILE starts with column names  [default: look]."
        ),
        click.option(
            "--labels-header/--no-labels-header", default=None, help="The same for the labels or the reference."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def representations(paths: Sequence[Path], asked: Asked) -> tuple[dict[str, Values], Partition | None]:
    """The points in all `paths` by their names, and the groups by the labels.

    Raises
    ------
    InputError
        No files, two of one name, labels that differ between files, and whatever cannot be read.
    """
    if asked.labels is None and asked.labels_key is None and asked.labels_header is not None:
        raise click.UsageError("--labels-header needs --labels")
    inside = asked.labels is None or any(same_file(path, asked.labels) for path in paths)
    own = asked.labels_key if inside else None
    alone = asked.labels if asked.labels_key is None else None
    found = sources(paths, asked.keys, without=() if own is None else (own,), every=True, labels=alone)
    names = [named.name for named in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"two of the arrays would be called {twice[0]!r}; rename a file, or give each once")
    labels = _labels(found, asked)
    chosen = Selection(asked.features, asked.drop, own, None if labels is None else labels.values)
    points = {}
    for named in found:
        source = replace(named.source, header=asked.header)
        loaded = points_in(source, chosen, asked.reduce)
        if labels is not None:
            require_pairs(loaded, labels, source.path, asked.labels or source.path)
        tell(loaded)
        points[named.name] = loaded.values
    return points, None if labels is None else Labels()(labels.values)  # floats too are classes here


def _labels(found: Sequence[Named], asked: Asked) -> Loaded | None:
    """The labels in a file of their own, or those that all files hold alike."""
    key, header = asked.labels_key, asked.labels_header
    if asked.labels is not None:
        return load_labels(Source(asked.labels, key, header))
    if key is None:
        return None
    header = asked.header if header is None else header
    first, *others = dict.fromkeys(named.source.path for named in found)
    labels = load_labels(Source(first, key, header))
    for path in others:
        if not np.array_equal(labels.values, load_labels(Source(path, key, header)).values):
            raise InputError(
                f"the labels {key!r} of {first} and {path} differ; compare representations of the same points only"
            )
    return labels


def points_in(source: Source, chosen: Selection, reduce: str | None) -> Loaded:
    """The points in a file: its columns that are `chosen`, and of an array with more axes what `reduce` makes of it."""
    found = load_points(source, chosen)
    shape, names = found.values.shape, ", ".join(REDUCTIONS)
    if reduce is None and source.key is None and len(shape) == 1 and found.values.dtype.names is None:
        raise InputError(
            f"points must have shape (n, d), got {shape} in {source.path}; labels go to --labels, and points of one "
            "feature into one row each"
        )
    if reduce is None and len(shape) > 2:
        raise InputError(f"{source.path} holds an array of shape {shape}; give --reduce gap, or another of {names}")
    return replace(found, values=reduced(found.values, reduce))


def require_pairs(points: Loaded, labels: Loaded, file: Path, given: Path) -> None:
    """Raise InputError where there is not one label per point, and say which first line may have been misread."""
    if not points.values.shape or not labels.values.shape or len(points.values) == len(labels.values):
        return  # what has no rows is refused by its shape
    n, found = len(points.values), len(labels.values)
    read = "; ".join(line for line in dict.fromkeys([points.first_line, labels.first_line]) if line)
    hint = f"; {read} (--header, --no-header, --labels-header and --no-labels-header decide it)" if read else ""
    raise InputError(f"there must be one label or reference per point, got {found} in {given} for {n} in {file}{hint}")


def tell(*loaded: Loaded) -> None:
    """What was left out, on standard error."""
    for note in dict.fromkeys(note for each in loaded for note in each.notes):
        click.echo(f"Note: {one_line(note)}", err=True)
