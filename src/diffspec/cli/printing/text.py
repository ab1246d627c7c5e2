"""What a person reads in a terminal: estimates and facts about the machine as aligned text."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path
from typing import Any

import click

from diffspec import Estimate
from diffspec.cli.printing.facts import EXTRAS
from diffspec.results.lines import columns, one_line

__all__ = ["ANY_TERMINAL", "aligned", "estimates_text", "facts_text", "say"]

ANY_TERMINAL = "diffspec.any_terminal"
"""Name of the error handler for streams that cannot take every character: in its place they get ASCII that says it."""

IN_ASCII = {"±": "+-", "→": "->"}


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(IN_ASCII.get(character) or _escaped(character) for character in lost), error.end


codecs.register_error(ANY_TERMINAL, _in_ascii)


def say(text: str) -> None:
    """`text` on the standard output."""
    try:
        click.echo(text, file=sys.stdout)  # by itself click writes UTF-8 to a stream that takes ASCII only
    except BrokenPipeError:  # a reader that has gone has seen enough
        raise
    except OSError as error:
        raise click.ClickException(f"the output cannot be written ({error.strerror})") from error


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def estimates_text(estimates: list[Estimate], file: Path, d: int) -> str:
    """What a person wants to read: what was measured and how, then one row per time, then the groups."""
    first = estimates[0]
    about = [["points", f"{first.n} with {d} features, {one_line(file)}"], *_how(first)]
    measured = [
        ["t", first.measure, "", f"share of {_ceiling(first)}", "effective rank"],
        *(_row(estimate) for estimate in estimates),
    ]
    if first.groups:
        measured = [row[:-1] for row in measured]
    parts = [aligned(about), aligned(measured, right=(0, 1, 3, 4), bold=1)]
    parts += [_groups(estimate) for estimate in estimates if estimate.groups]
    return "\n\n".join(parts)


def _how(estimate: Estimate) -> list[list[str]]:
    settings = estimate.settings
    width = "" if settings.sigma is None else f", sigma = {settings.sigma:.4g}"
    rule = "" if settings.rule is None else f" ({settings.rule} rule)"
    alpha = "" if settings.alpha is None else f", alpha = {settings.alpha:g}"
    # A width is printed by itself, with its rule; other settings as they are.
    name = settings.kernel if settings.sigma is None else settings.kernel.split("(")[0]
    rows = [["kernel", f"{name}{width}{rule}{alpha}"]]
    if estimate.groups:
        rows.append(["groups", f"{len(estimate.groups)} by {settings.partition}"])
        rows.append(["estimator", f"{settings.estimator}, seed {settings.seed}"])
    return [*rows, *_verdict(estimate.verdict)]


def _verdict(verdict: str) -> list[list[str]]:
    """The verdict, its advice on a line of its own."""
    colour = "green" if verdict == "informative" else "yellow"
    return [["" if k else "verdict", click.style(part, fg=colour)] for k, part in enumerate(verdict.split("; "))]


def _ceiling(estimate: Estimate) -> str:
    return "the groups' entropy" if estimate.groups else "log2 n"


def _row(estimate: Estimate) -> list[str]:
    error = "" if estimate.stderr is None else f" ± {estimate.stderr:.2g}"
    share = f"{estimate.normalized:.1%} of {estimate.ceiling:.4g}"
    rank = f"{estimate.effective_rank:.4g}"
    return [_time(estimate), f"{estimate.value:.6g}{error}", estimate.unit, share, rank]


def _time(estimate: Estimate) -> str:
    return "" if estimate.settings.t is None else f"{estimate.settings.t:g}"


def _groups(estimate: Estimate) -> str:
    """Per group, in the unit of the estimate: entropy within, what it is compared with, and the difference."""
    other = "all points" if str(estimate.settings.estimator).startswith("Literal") else "random subsets"
    head = [f"at t = {_time(estimate)}", "n", "within", other, "difference"]
    rows = [
        [
            one_line(group.name),
            f"{group.n}",
            *(f"{x:.4f}" for x in (group.conditional, group.matched, group.matched - group.conditional)),
        ]
        for group in estimate.groups
    ]
    return aligned([head, *rows], right=(1, 2, 3, 4))


def aligned(rows: list[list[str]], *, right: tuple[int, ...] = (), bold: int | None = None) -> str:
    """`rows` as columns two spaces apart, those numbered in `right` flush right."""
    styled = [[click.style(cell, bold=True) if k == bold else cell for k, cell in enumerate(row)] for row in rows]
    return "\n".join(columns(styled, right=right, plain=click.unstyle))


def facts_text(facts: dict[str, Any]) -> str:
    """What `diffspec.cli.printing.facts.examine` found, one line each."""
    blas = [f"{found['name']} {found['version']}, {found['threads']} threads" for found in facts["blas"]]
    gpus = facts["gpu"] if isinstance(facts["gpu"], list) else []
    devices = [
        f"{g['device']} {g['name']}, {g['memory_free_gib']:.1f} of {g['memory_total_gib']:.1f} GiB free" for g in gpus
    ]
    rows = [
        ["diffspec", facts["diffspec"]],
        ["python", f"{facts['python']} on {facts['platform']}"],
        *([name, version or _missing(name)] for name, version in facts["packages"].items()),
        ["BLAS", "; ".join(dict.fromkeys(blas)) or "none that threadpoolctl knows"],
        ["cores", f"{facts['cores']} usable"],
        ["memory", f"{facts['memory_free_gib']:.1f} of {facts['memory_total_gib']:.1f} GiB free"],
        ["largest n", f"{facts['largest_n']:,} points in one exact DSE, by the memory free now"],
        ["GPU", "; ".join(devices) or str(facts["gpu"])],
    ]
    return aligned(rows)


def _missing(package: str) -> str:
    return click.style(f"missing; for it run: pip install 'diffspec[{EXTRAS.get(package, 'all')}]'", fg="yellow")
