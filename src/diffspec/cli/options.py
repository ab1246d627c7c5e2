"""The options that several commands have, and what they mean to the library: how to measure, one value given once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import click

from diffspec import Adjusted, AlphaDecay, Cosine, Gaussian, Literal, Matched, SelfTuning, conventions

__all__ = ["CONVENTIONS", "ESTIMATORS", "MAX_SEED", "Once", "estimator_of", "kernel_of", "walk_of", "walk_options"]

CONVENTIONS = {"default": conventions.default, "paper": conventions.paper, "released": conventions.released}
ESTIMATORS = ("matched", "literal", "adjusted")
MAX_SEED = 2**32 - 1
"""The largest that NumPy, scikit-learn and torch all take."""

Command = Callable[..., Any]


class Once(click.Command):
    """A command that refuses an option of one value given twice; click keeps the last and drops the others unsaid."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """What click parses, once no option is repeated that must not be."""
        _values, _rest, order = self.make_parser(ctx).parse_args(args=list(args))
        for option, count in Counter(order).items():
            repeatable = not isinstance(option, click.Option) or option.multiple or option.count
            if count > 1 and not repeatable:
                name = " or ".join([*option.opts, *option.secondary_opts])
                raise click.UsageError(f"give {name} once, got it {count} times; call diffspec once for each", ctx=ctx)
        return super().parse_args(ctx, args)


def walk_options(command: Command) -> Command:
    """The options --convention, --kernel, --neighbors, --sigma, --alpha and --seed."""
    options = [
        click.option(
            "--convention",
            type=click.Choice([*CONVENTIONS]),
            default="default",
            show_default=True,
            help="Kernel, alpha and t together: the neighbour graph at t = 3, the paper's, or those of dse-dsmi.",
        ),
        click.option(
            "--kernel",
            type=click.Choice(["alpha-decay", "gaussian", "self-tuning", "cosine"]),
            help="The kernel, in place of the convention's. All but alpha-decay come with t = 1.",
        ),
        click.option(
            "--neighbors",
            type=int,
            help="Neighbours of a point, for alpha-decay and self-tuning.  [default: sqrt(n) / 3 and 7]",
        ),
        click.option(
            "--sigma",
            metavar="median|knn|NUMBER",
            help="Width of the gaussian or cosine kernel, or the rule that chooses it.  [default: median]",
        ),
        click.option(
            "--alpha", type=float, help="How far density is divided out, 0 to 1, in place of the convention's."
        ),
        click.option(
            "--seed", type=click.IntRange(0, MAX_SEED), default=0, show_default=True, help="Seed of everything random."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def walk_of(
    *,
    convention: str,
    kernel: str | None,
    sigma: str | None,
    neighbors: int | None,
    alpha: float | None,
    t: float | None = None,
) -> dict[str, Any]:
    """The keyword arguments of a measure that the options stand for."""
    walk = {**CONVENTIONS[convention], **kernel_of(kernel, sigma, neighbors)}
    walk |= {} if alpha is None else {"alpha": alpha}
    return walk | ({} if t is None else {"t": t})


def kernel_of(name: str | None, sigma: str | None, neighbors: int | None) -> dict[str, Any]:
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


def estimator_of(name: str | None, repetitions: int | None = None) -> Matched | Literal | Adjusted:
    """The estimator called `name`, matched where there is none."""
    if name == "literal":
        if repetitions is not None:
            raise click.UsageError("--estimator literal has no --repetitions; leave them out")
        return Literal()
    kind = Adjusted if name == "adjusted" else Matched
    return kind() if repetitions is None else kind(repetitions)
