"""The command line: parse, call, print.

Every expected failure is one line on standard error and exit code 2; an interrupt is exit code 130.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import numpy as np

from diffspec import conventions
from diffspec._version import __version__
from diffspec.doctor import examine
from diffspec.entropy import spectrum
from diffspec.errors import DiffspecError, InputError
from diffspec.files import load
from diffspec.groups import Bins, Clusters, Labels, Partition
from diffspec.information import Estimator, Literal, Matched, dsmi
from diffspec.kernels import AlphaDecay, Cosine, Gaussian, SelfTuning
from diffspec.printing import estimates_text, facts_text, shown
from diffspec.spectrum import check_time
from diffspec.writing import is_plain

__all__ = ["command", "flushed", "run"]

MAX_SEED = 2**32 - 1
"""The largest that NumPy, scikit-learn and torch all take."""

CONVENTIONS = {"default": conventions.default, "paper": conventions.paper, "released": conventions.released}


def run(arguments: Sequence[str]) -> int:
    """The exit code of the command line `arguments`; whatever it has to say is printed."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            return int(command.main(list(arguments) or ["--help"], prog_name="diffspec", standalone_mode=False) or 0)
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else "diffspec"
            return _fail(f"{error.format_message()} (see '{path} --help')")
        except click.ClickException as error:
            return _fail(error.format_message())
        except (DiffspecError, OSError) as error:
            return _fail(str(error))
        except MemoryError as error:
            return _fail(f"not enough memory: {error}; measure fewer points")
        except click.Abort:  # click's form of KeyboardInterrupt
            return 130


def flushed(code: int) -> int:
    """`code`, once all output is out; where it cannot go out the rest is dropped and the code says so."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter would try once more, and complain
        # A reader that has gone has seen enough; click ends with 1 then.
        return 1 if isinstance(error, BrokenPipeError) else _fail(f"the output cannot be written ({error.strerror})")
    return code


def _say(text: str) -> None:
    click.echo(text, file=sys.stdout)  # by itself click writes UTF-8 to a stream that takes ASCII only


def _fail(text: str) -> int:
    click.echo(f"Error: {shown(text)}", err=True)
    return 2


def _show_warning(message: Warning | str, *_where: Any, **_more: Any) -> None:
    click.echo(f"Warning: {shown(message)}", err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="diffspec")
def command() -> None:
    """Measure the diffusion spectral entropy (DSE) and mutual information (DSMI) of neural representations."""


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--labels", type=click.Path(path_type=Path), help="Class labels, one per point: measure DSMI with them.")
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    help="What to measure DSMI with: numbers with a fraction are binned, vectors clustered, the rest are classes.",
)
@click.option("--key", help="Which array of FILE (.npz, .safetensors, .pt), or which column of a table.")
@click.option("--labels-key", help="The same for the file of --labels or --reference.")
@click.option(
    "--header/--no-header", default=None, help="Whether .csv and .tsv start with column names [default: look]."
)
@click.option(
    "--convention",
    type=click.Choice([*CONVENTIONS]),
    default="default",
    show_default=True,
    help="Kernel, alpha and t together: the neighbour graph at t = 3, those of the paper, or those of its package.",
)
@click.option(
    "--kernel",
    type=click.Choice(["alpha-decay", "gaussian", "self-tuning", "cosine"]),
    help="In place of the convention's; all but alpha-decay come with t = 1.",
)
@click.option("--neighbors", type=int, help="Of alpha-decay and self-tuning.  [default: sqrt(n) / 3 and 7]")
@click.option(
    "--sigma",
    metavar="median|knn|NUMBER",
    help="Width of the gaussian or cosine kernel, or the rule that chooses it.  [default: median]",
)
@click.option("--alpha", type=float, help="Anisotropic normalisation, 0 to 1, in place of the convention's.")
@click.option(
    "--t", "times", type=float, multiple=True, help="Diffusion time, in place of the convention's; may be repeated."
)
@click.option("--bins", type=int, help="Cut a --reference of numbers into this many bins.  [default: 10]")
@click.option("--clusters", type=int, help="Cluster a --reference of vectors into this many groups.  [default: 10]")
@click.option("--estimator", type=click.Choice(["matched", "literal"]), help="Of the DSMI.  [default: matched]")
@click.option("--repetitions", type=int, help="Random subsets per group of the matched estimator.  [default: 5]")
@click.option("--seed", type=click.IntRange(0, MAX_SEED), default=0, show_default=True, help="Of everything random.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per --t, each on one line, and nothing else."
)
def measure(
    file: Path,
    *,
    labels: Path | None,
    reference: Path | None,
    key: str | None,
    labels_key: str | None,
    header: bool | None,
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
    as_json: bool,
) -> None:
    """Measure the points in FILE: their DSE, or with --labels or --reference their DSMI.

    FILE holds one row per point: .npy, .npz, .csv, .tsv, .parquet, .safetensors, .pt or .pth. All numbers are in bits.
    Each line of --json is read back by Estimate.from_json.
    """
    given = labels or reference
    if labels and reference:
        raise click.UsageError("give --labels or --reference, not both")
    if not given and _any(labels_key, estimator, repetitions):
        raise click.UsageError("--labels-key, --estimator and --repetitions need --labels or --reference")
    if not reference and _any(bins, clusters):
        raise click.UsageError("--bins and --clusters need --reference")
    walk = {**CONVENTIONS[convention], **_kernel(kernel, sigma, neighbors)}
    walk |= {} if alpha is None else {"alpha": alpha}
    times = tuple(map(check_time, times or (walk.pop("t"),)))
    walk.pop("t", None)
    how = _estimator(estimator, repetitions)
    points = load(file, key=key, header=header)
    if given is None:
        found = spectrum(points, **walk, t=times[0], rng=seed)
        estimates = [found.shannon(t) for t in times]
    else:
        values = load(given, key=labels_key, header=header)
        partition = Labels()(values) if labels else _partition(values, bins, clusters, seed=seed)
        estimates = [dsmi(points, partition, estimator=how, **walk, t=t, rng=seed) for t in times]
    _say("\n".join(e.to_json() for e in estimates) if as_json else estimates_text(estimates, file, points.shape[1]))


def _any(*options: object) -> bool:
    return any(option is not None for option in options)


def _kernel(name: str | None, sigma: str | None, neighbors: int | None) -> dict[str, Any]:
    """What the options on the kernel change of a convention; --sigma alone means a Gaussian, --neighbors a graph."""
    name = name or ("gaussian" if sigma is not None else "alpha-decay" if neighbors is not None else None)
    if name is None:
        return {}
    if name in ("gaussian", "cosine"):
        if neighbors is not None:
            raise click.UsageError(f"--kernel {name} has no --neighbors; leave it out")
        width = "median" if sigma is None else _number(sigma)
        return {"kernel": Cosine(width) if name == "cosine" else Gaussian(width), "t": 1.0}
    if sigma is not None:
        raise click.UsageError(f"--kernel {name} has no --sigma; leave it out, or use --kernel gaussian")
    if name == "alpha-decay":
        return {"kernel": AlphaDecay(neighbors), "t": 3.0}
    return {"kernel": SelfTuning() if neighbors is None else SelfTuning(neighbors), "t": 1.0}


def _number(text: str) -> float | str:
    """`text` as a number, or as it is: the kernel knows the names of rules and refuses the rest."""
    try:
        return float(text)
    except ValueError:
        return text


def _estimator(name: str | None, repetitions: int | None) -> Estimator:
    if name == "literal":
        if repetitions is not None:
            raise click.UsageError("--estimator literal has no --repetitions; leave them out")
        return Literal()
    return Matched() if repetitions is None else Matched(repetitions)


def _partition(values: np.ndarray[Any, Any], bins: int | None, clusters: int | None, *, seed: int) -> Partition:
    """The groups of a reference; floats are taken for a quantity, since labels have an option of their own."""
    if _any(bins) and _any(clusters):
        raise click.UsageError("give --bins or --clusters, not both")
    if clusters is not None:
        return Clusters(clusters, seed=seed)(values[:, None] if values.ndim == 1 else values)
    if bins is not None:
        return Bins(bins)(values)
    if values.ndim == 2 and values.shape[1] > 1:
        return Clusters(seed=seed)(values)
    return Bins()(values) if values.dtype.kind == "f" else Labels()(values)


@command.command()
@click.argument("logs", metavar="RUN.jsonl...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="report.html",
    show_default=True,
    help="The file to write.",
)
def report(logs: tuple[Path, ...], output: Path) -> None:
    """Draw one or several run logs as one HTML file that opens offline."""
    from diffspec.report import write

    plain = is_plain(output)
    write(logs, output)
    if plain:  # the standard output, or a pipe, is to hold the page and nothing else
        _say(f"wrote {shown(output)}")


@command.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), default="diffspec-demo", show_default=True, help="Where to write."
)
@click.option("--smoke", is_flag=True, help="A few steps only, to see that everything works.")
@click.option("--seed", type=click.IntRange(0, MAX_SEED), default=0, show_default=True, help="Of everything random.")
def demo(folder: Path, smoke: bool, seed: int) -> None:
    """Train a small network on digits three ways, measure it all the while and write a report."""
    from diffspec.demo import run as train

    train(folder=folder, smoke=smoke, seed=seed)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def doctor(as_json: bool) -> None:
    """Show what a measurement runs on: versions, linear algebra, cores, memory, GPU."""
    facts = examine()
    _say(json.dumps(facts) if as_json else facts_text(facts))


@command.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def recipe(arguments: tuple[str, ...]) -> int:
    """Reproduce a figure of the paper: recipe NAME, recipe check, recipe --help. In a checkout of the source only."""
    found = _recipes().main(list(arguments) or ["--help"], prog_name="diffspec recipe", standalone_mode=False)
    return int(found or 0)


def _recipes() -> click.Group:
    """The commands of the recipes, which are no part of the installed library."""
    # Never those of the working directory: whoever filled that folder would have his code run here.
    root = Path(__file__).resolve().parents[2]
    if not (root / "recipes" / "expected.toml").is_file():
        raise InputError(
            f"no recipes beside {Path(__file__).parent}; they come with the source: "
            "install a checkout of diffspec (pip install --editable), or run python -m recipes in one that you trust"
        )
    sys.path.insert(0, str(root))
    recipes: click.Group = import_module("recipes.lab.command").command
    return recipes
