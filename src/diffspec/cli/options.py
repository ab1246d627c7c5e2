"""What the options of all commands have in common: one value is given once, and seeds have a range."""

from __future__ import annotations

from collections import Counter

import click

__all__ = ["MAX_SEED", "Once"]

MAX_SEED = 2**32 - 1
"""The largest that NumPy, scikit-learn and torch all take."""


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
