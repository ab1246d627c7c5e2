"""The demo: one small network, three ways to train it, and what the measures see of each."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from diffspec._checks import path_of
from diffspec.errors import InputError, MissingExtraError
from diffspec.runs.log import RunLog, read

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

__all__ = ["run"]

EPOCHS, SMOKE_EPOCHS = 30, 2

READING = """\
How to read it: with sigma fixed at 10, the values follow the scale of the
embedding (the median distance). On the neighbour graph they are free of
scale: DSMI(Z;Y) rises where classes form, falls where wrong labels are memorised."""

SMOKE_READING = "Two epochs show that everything works; the effects need the whole demo."


def run(folder: str | Path = Path("diffspec-demo"), *, smoke: bool = False, seed: int = 0) -> Path:
    """Train three ways on digits, measure all the while; the path of the report.

    Writes `folder`/run.jsonl and `folder`/report.html, and shows a progress bar and a table. The log of an earlier demo
    in the folder is replaced when this one starts, so that one log holds one demo.

    Parameters
    ----------
    folder : str or Path
        Where to write; made where it does not exist.
    smoke : bool
        Two epochs instead of thirty, to see that everything works.
    seed : int
        Of weights, batches, views and shuffled labels.

    Raises
    ------
    MissingExtraError
        torch, rich, plotly or jinja2 is not installed.
    InputError
        `folder` is a file, or holds a run.jsonl that is no run log.

    Notes
    -----
    About a minute on two cores. Nothing is downloaded: the digits ship with scikit-learn.
    """
    _require("torch", "rich", "plotly", "jinja2")
    from rich.console import Console

    from diffspec.demo.table import summary
    from diffspec.runs.report import write

    console = Console(highlight=False)
    log = _fresh_log(path_of(folder, "folder"), console)
    _train_all(log, SMOKE_EPOCHS if smoke else EPOCHS, seed, console)
    report = write(log.path, log.path.with_name("report.html"))
    console.print()
    console.print(summary(read(log.path)))
    console.print(SMOKE_READING if smoke else READING, style="dim", soft_wrap=True)
    console.print(f"\nRun log: {log.path}\nReport:  [bold]{report}[/bold] (open it in a browser)", soft_wrap=True)
    return report


def _require(*packages: str) -> None:
    """Before the training, not after it."""
    if any(find_spec(package) is None for package in packages):
        raise MissingExtraError("diffspec demo", "demo")


def _fresh_log(folder: Path, console: Console) -> RunLog:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"folder must be a folder, got the file {folder}; give another with --folder")
    path = folder / "run.jsonl"
    if path.exists():
        console.print(f"{path} of an earlier demo is replaced: one log holds one demo.", soft_wrap=True)
    return RunLog.afresh(path)


def _train_all(log: RunLog, epochs: int, seed: int, console: Console) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from diffspec.demo.conditions import CONDITIONS, load
    from diffspec.demo.training import train

    digits = load()
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("epochs  accuracy {task.fields[accuracy]:4.0%}"),
        TimeElapsedColumn(),
    )
    # Everything here is small: one thread is as fast as two, gives the same numbers on every machine, and does not
    # stall where something else wants the cores (DSMI still runs its groups on all of them). Set after the import of
    # torch, whose threads would not be seen before.
    with threadpool_limits(1), Progress(*columns, console=console) as bar:
        tasks = [bar.add_task(c.name, total=epochs, accuracy=0.0, start=False) for c in CONDITIONS]
        for task, condition in zip(tasks, CONDITIONS, strict=True):
            bar.start_task(task)

            def seen(epoch: int, scores: dict[str, float], task: TaskID = task) -> None:
                bar.update(task, completed=epoch, accuracy=scores["accuracy"])

            train(condition, digits, epochs=epochs, seed=seed, log=log, seen=seen)
