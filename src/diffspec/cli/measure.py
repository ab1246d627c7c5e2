"""The command that measures a file: which options go together, and what they mean to the library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from diffspec import Bins, Clusters, Labels, Partition, dsmi, spectrum
from diffspec.cli.options import ESTIMATORS, Once, estimator_of, walk_of, walk_options
from diffspec.cli.printing.tables import Measured, listing_text, measured_text
from diffspec.cli.printing.text import estimates_text, say
from diffspec.cli.representations import columns_options, points_in, require_pairs, tell
from diffspec.errors import InputError
from diffspec.files.reading import Source, load_labels, load_reference
from diffspec.files.several import Named, same_file, sources
from diffspec.files.shapes import held_in
from diffspec.files.tables import Selection
from diffspec.spectra.spectrum import check_time

__all__ = ["measure"]


@click.command(cls=Once)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--labels", type=click.Path(path_type=Path), help="Class labels, one per point: measure DSMI with them.")
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    help="What to measure DSMI with. Numbers with a fraction are binned, vectors clustered, the rest are classes.",
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    help="Which array of FILE (.npz, .safetensors, .pt), or which column of a table. Arrays by patterns too, 'layer*'. "
    "May be repeated.",
)
@click.option(
    "--labels-column",
    "--labels-key",
    "labels_key",
    help="The same for the file of --labels or --reference. Without these the labels are in FILE itself.",
)
@columns_options
@walk_options
@click.option(
    "--t", "times", type=float, multiple=True, help="Diffusion time, in place of the convention's; may be repeated."
)
@click.option("--bins", type=int, help="Cut a --reference of numbers into this many bins.  [default: 10]")
@click.option("--clusters", type=int, help="Cluster a --reference of vectors into this many groups.  [default: 10]")
@click.option("--estimator", type=click.Choice(ESTIMATORS), help="How DSMI is estimated.  [default: matched]")
@click.option("--repetitions", type=int, help="Random subsets per group, for matched and adjusted.  [default: 5]")
@click.option("--list", "as_list", is_flag=True, help="Print the arrays of each FILE with their shapes, and end.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per --t, each on one line, and nothing else."
)
def measure(
    files: tuple[Path, ...],
    *,
    labels: Path | None,
    reference: Path | None,
    keys: tuple[str, ...],
    labels_key: str | None,
    features: tuple[str, ...],
    drop: tuple[str, ...],
    reduce: str | None,
    header: bool | None,
    labels_header: bool | None,
    convention: str,
    kernel: str | None,
    neighbors: int | None,
    sigma: str | None,
    alpha: float | None,
    times: tuple[float, ...],
    bins: int | None,
    clusters: int | None,
    estimator: str | None,
    repetitions: int | None,
    seed: int,
    as_list: bool,
    as_json: bool,
) -> None:
    """Measure the points in FILE: their DSE, or with --labels or --reference their DSMI.

    FILE holds one row per point: .npy, .npz, .csv, .tsv, .txt, .parquet, .safetensors, .pt or .pth. Of a table
    the columns of numbers are the features, without the labels and row numbers. Several files, folders or keys make one
    table, the largest value first. All numbers are in bits. Each line of --json is read back by Estimate.from_json.
    """
    if as_list:
        say(listing_text([held for named in sources(files) for held in held_in(named.source.path)]))
        return
    given = _one_of(labels, reference)
    if not given and labels_key is None and _any(estimator, repetitions, labels_header):
        raise click.UsageError("--estimator, --repetitions and --labels-header need --labels or --reference")
    if not reference and _any(bins, clusters):
        raise click.UsageError("--bins and --clusters need --reference")
    walk = walk_of(convention=convention, kernel=kernel, sigma=sigma, neighbors=neighbors, alpha=alpha)
    times = tuple(map(check_time, times or (walk.pop("t"),)))
    walk.pop("t", None)
    how = estimator_of(estimator, repetitions)
    groups = _Groups(reference is not None, bins, clusters, seed)

    def measured(named: Named) -> Measured:
        file, key = named.source.path, named.source.key
        held = given or (file if labels_key is not None else None)
        same = held is not None and same_file(file, held)
        chosen = Selection(features, drop, labels_key if same else None)
        if held is None:
            points = points_in(Source(file, key, header), chosen, reduce)
            tell(points)
            found = spectrum(points.values, **walk, t=times[0], rng=seed)
            return Measured(named, _features_of(points.values), [found.shannon(t) for t in times])
        source = Source(held, labels_key, header if same and labels_header is None else labels_header)
        values = load_reference(source) if reference else load_labels(source)
        known = None if reference else values.values
        points = points_in(Source(file, key, header), replace(chosen, labels=known), reduce)
        require_pairs(points, values, file, held)
        tell(points, values)
        partition = groups(values.values)
        estimates = [dsmi(points.values, partition, estimator=how, **walk, t=t, rng=seed) for t in times]
        return Measured(
            named, _features_of(points.values), estimates, f"{held}" + (f":{labels_key}" if labels_key else "")
        )

    without, alone = () if given else (labels_key or "",), given if labels_key is None else None
    found = sources(files, keys, without=without, labels=alone)
    every = [measured(named) if len(found) == 1 else _told_of(measured, named) for named in found]
    if as_json:
        say("\n".join(line for one in every for line in one.lines()))
    elif len(every) == 1:
        say(estimates_text(every[0].estimates, every[0].named.source.path, every[0].d))
    else:
        say(measured_text(every))


def _told_of(measured: Callable[[Named], Measured], named: Named) -> Measured:
    """What is `measured`; an error says in which of several files it is."""
    try:
        return measured(named)
    except InputError as error:
        if str(named.source.path) in str(error):
            raise
        raise InputError(f"{named.name}: {error}") from None


def _one_of(labels: Path | None, reference: Path | None) -> Path | None:
    if labels and reference:
        raise click.UsageError("give --labels or --reference, not both")
    return labels or reference


def _features_of(values: Any) -> int:
    """How many features points have; of a structured array, one per field."""
    return int(values.shape[1]) if len(values.shape) > 1 else len(values.dtype.names or ())


def _any(*options: object) -> bool:
    return any(option is not None for option in options)


@dataclass(frozen=True, slots=True)
class _Groups:
    """The groups of labels, or of a reference, whose floats are a quantity: labels have an option of their own."""

    of_reference: bool
    bins: int | None
    clusters: int | None
    seed: int

    def __post_init__(self) -> None:
        if _any(self.bins) and _any(self.clusters):
            raise click.UsageError("give --bins or --clusters, not both")

    def __call__(self, values: np.ndarray[Any, Any]) -> Partition:
        if not self.of_reference:
            return Labels()(values)
        if self.clusters is not None:
            return Clusters(self.clusters, seed=self.seed)(values[:, None] if values.ndim == 1 else values)
        if self.bins is not None:
            return Bins(self.bins)(values)
        if values.ndim == 2 and values.shape[1] > 1:
            return Clusters(seed=self.seed)(values)
        return Bins()(values) if values.dtype.kind == "f" else Labels()(values)
