"""One page per recipe: figure, claim, our number, their number, status; made from results and `expected.toml`."""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from types import ModuleType

from recipes import NAMES, load
from recipes.lab.expected import DIFFERS, NOT, NOT_RUN, REPRODUCED, Verdict
from recipes.lab.log import Cell, Log


def committed(recipe: ModuleType) -> str:
    """The size of `recipe` whose results are in git: the published one, or what two cores can do of it."""
    return "cpu" if hasattr(recipe, "CPU") else "paper"


def page(name: str, cells: list[Cell], figure: str) -> str:
    """The page of the recipe `name` in Markdown; `figure` is the path of its picture as seen from the page."""
    recipe = load(name)
    title, _, text = inspect.getdoc(recipe).partition("\n\n")
    seconds = sum(cell.seconds for cell in cells)
    parts = [
        f"# {name}: {title}",
        f"![{name}]({figure})" if cells else f"*The {committed(recipe)}-size run has not been made yet.*",
    ]
    further = [figure.replace(".png", f"-{name}.png") for name in getattr(recipe, "FURTHER", ())] if cells else []
    parts += [text, table(recipe.check(cells))]
    parts += [recipe.table(cells)] if hasattr(recipe, "table") and cells else []
    parts += [f"![{Path(path).stem}]({path})" for path in further]
    parts.append(
        f"{len(cells)} cells, measured in {seconds:.0f} s. Settings: `{getattr(recipe, committed(recipe).upper())}`"
    )
    return "\n\n".join(parts) + "\n"


def table(verdicts: list[Verdict]) -> str:
    """`verdicts` as a Markdown table, with the reasons below it."""
    lines = ["| what | ours | expected | from | status |", "|---|---|---|---|---|"]
    reasons: list[str] = []
    for verdict in verdicts:
        row, mark = verdict.row, ""
        if verdict.status == DIFFERS:
            if row.because not in reasons:
                reasons.append(row.because)
            mark = f" [{reasons.index(row.because) + 1}]"
        ours = "" if math.isnan(verdict.ours) else f"{verdict.ours:.4g} {row.unit}"
        lines.append(f"| {row.what} | {ours} | {row.theirs} | {row.source} | {verdict.status}{mark} |")
    return "\n".join(lines) + "".join(f"\n\n[{number}] {reason}" for number, reason in enumerate(reasons, start=1))


def index(results: Path) -> str:
    """The page that lists all recipes with what became of their rows."""
    lines = [
        "# Recipes",
        "",
        "One per figure of the paper, and some of our own. `diffspec recipe check` prints every row.",
        "",
    ]
    lines += [
        f"| recipe | what | {REPRODUCED} | differs, reason given | {NOT} | {NOT_RUN} |",
        "|---|---|---|---|---|---|",
    ]
    for name in NAMES:
        recipe = load(name)
        found = [verdict.status for verdict in recipe.check(_log(results, name).cells)]
        counts = " | ".join(str(found.count(status)) for status in (REPRODUCED, DIFFERS, NOT, NOT_RUN))
        lines.append(f"| [{name}]({name}.md) | {inspect.getdoc(recipe).splitlines()[0]} | {counts} |")
    return "\n".join(lines) + "\n"


def write(results: Path, docs: Path) -> list[Path]:
    """Every page and the index, written into the folder `docs`."""
    docs.mkdir(parents=True, exist_ok=True)
    written = [docs / "README.md"]
    written[0].write_text(index(results))
    for name in NAMES:
        picture = f"../../recipes/results/{name}/{committed(load(name))}.png"
        written.append(docs / f"{name}.md")
        written[-1].write_text(page(name, _log(results, name).cells, picture))
    return written


def _log(results: Path, name: str) -> Log:
    return Log(results / name / f"{committed(load(name))}.jsonl")
