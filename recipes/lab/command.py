"""The command line of the recipes, also as ``diffspec recipe``."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from recipes import NAMES, load
from recipes.lab.data import use
from recipes.lab.drawing import save
from recipes.lab.expected import NOT, Verdict
from recipes.lab.log import Log
from recipes.lab.pages import committed, write

HERE = Path(__file__).resolve().parents[1]
RESULTS = HERE / "results"


def run(
    name: str,
    scale: str,
    results: Path = RESULTS,
    *,
    endings: Sequence[str] = (".png",),
    share: tuple[int, int] = (1, 1),
    cluster: str = "",
) -> Log:
    """The recipe `name` run at `scale`, its results and figure written under `results`.

    `scale` is ``"smoke"``, ``"paper"``, or ``"cpu"`` where a recipe has it; of all cells the `share` (i, k).
    """
    recipe = load(name)
    say = partial(_say, name)
    log = Log(results / name / f"{scale}.jsonl", say=say, share=share, cluster=cluster)
    log.touch()
    recipe.run(getattr(recipe, scale.upper()), log)
    if log.cells and endings:
        _draw(recipe, log, endings)
    return log


def _draw(recipe: ModuleType, log: Log, endings: Sequence[str]) -> None:
    """The figure of `recipe`, and the further ones it may have, beside the log."""
    drawn = {log.path.stem: recipe.figure}
    drawn |= {f"{log.path.stem}-{name}": draw for name, draw in getattr(recipe, "FURTHER", {}).items()}
    for name, draw in drawn.items():
        figure = draw(log.cells)
        for ending in endings:
            save(figure, log.path.with_name(f"{name}{ending}"))


def _say(name: str, line: str) -> None:
    click.echo(f"{name} {line}", err=True)


def scales(recipe: ModuleType) -> list[str]:
    """The sizes that `recipe` can be run at, smallest first."""
    return [scale for scale in ("smoke", "cpu", "paper") if hasattr(recipe, scale.upper())]


class Share(click.ParamType):
    """``2/3``: of every three cells the second."""

    name = "i/k"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        """The pair (i, k)."""
        if isinstance(value, tuple):
            return value
        first, _, count = value.partition("/")
        if not (first.isdigit() and count.isdigit() and 1 <= int(first) <= int(count)):
            self.fail(f"{value!r} is no share; write 1/2 and 2/2 for two workers", param, ctx)
        return int(first), int(count)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def command() -> None:
    """Reproduce the figures and tables of the paper, one recipe each, and compare with what was published."""


def _add(name: str) -> None:
    """Make the recipe `name` a command."""
    text = inspect.getdoc(load(name)) or ""
    sizes = scales(load(name))

    @command.command(name, help="\b\n" + text.replace("\n\n", "\n\n\b\n"), short_help=text.splitlines()[0])
    @click.option("--smoke", "scale", flag_value="smoke", default=True, help="A few seconds of it (default).")
    @_where("cpu" in sizes, click.option("--cpu", "scale", flag_value="cpu", help="The size of the results in git."))
    @click.option("--paper", "scale", flag_value="paper", help="The published size.")
    @click.option("--cells", "share", type=Share(), default="1/1", help="Of every k cells the i-th: one of k workers.")
    @click.option("--cluster", default="", help="Address of a Dask scheduler, for recipes that train networks.")
    @click.option("--results", type=click.Path(path_type=Path), default=RESULTS, help="Folder of results and figures.")
    @click.option(
        "--data",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="Folder of data sets, for recipes that need any.  [default: shared/data beside the checkout]",
    )
    @click.option("--svg", is_flag=True, help="Draw the figure as SVG too.")
    def one(scale: str, share: tuple[int, int], cluster: str, results: Path, data: Path | None, svg: bool) -> None:
        if data is not None:
            use(data)
        endings = (".png", ".svg") if svg else (".png",)
        log = run(name, scale, results, endings=endings, share=share, cluster=cluster)
        click.echo(f"{log.measured} cells measured ({log.failed} failed), {log.skipped} found in {log.path}")
        _print(name, load(name), log)
        if log.failed:
            raise click.exceptions.Exit(1)


def _where(so: bool, decorator: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return decorator if so else lambda function: function


for _name in NAMES:
    _add(_name)


@command.command("list")
@click.option("--short", is_flag=True, help="Names only.")
def names(short: bool) -> None:
    """Print all recipes."""
    for name in NAMES:
        click.echo(name if short else f"{name:<14} {(inspect.getdoc(load(name)) or '').splitlines()[0]}")


@command.command()
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, help="Folder of results and figures.")
def check(names: tuple[str, ...], results: Path) -> None:
    """Compare the results in git of NAMES (default: all recipes) with expected.toml.

    Exit code 1 where a number is not reproduced and no reason is given.
    """
    found = [
        status
        for name in names or NAMES
        for status in _print(name, load(name), Log(results / name / f"{committed(load(name))}.jsonl"))
    ]
    click.echo("; ".join(f"{found.count(status)} {status}" for status in dict.fromkeys(found)))
    if NOT in found:
        raise click.exceptions.Exit(1)


@command.command()
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, help="Folder of results and figures.")
@click.option(
    "--docs", type=click.Path(path_type=Path), default=HERE.parent / "docs" / "recipes", help="Where to write."
)
def pages(results: Path, docs: Path) -> None:
    """Write one page per recipe from results and expected.toml."""
    click.echo(f"wrote {len(write(results, docs))} pages into {docs}")


def _print(name: str, recipe: ModuleType, log: Log) -> list[str]:
    """Print a line per row of expected.toml; their statuses."""
    verdicts = recipe.check(log.cells)
    for verdict in verdicts:
        click.echo(_line(name, verdict))
    return [verdict.status for verdict in verdicts]


def _line(name: str, verdict: Verdict) -> str:
    row = verdict.row
    ours = "" if math.isnan(verdict.ours) else f"{verdict.ours:.4g} {row.unit}, "
    reason = f" {row.because}" if verdict.status.endswith("because") else ""
    return f"{name}: {row.what}: {ours}expected {row.theirs}: {verdict.status}{reason}"
