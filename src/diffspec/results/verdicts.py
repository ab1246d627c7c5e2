"""Verdicts in words: what the number that they stand beside is worth. One rule for every door.

A kernel that is nearly the identity gives log n whatever the data, and one that is nearly constant gives 0. A value
from such a kernel says something about sigma and t, nothing about the representation. An information may besides be no
more than chance, or more than the groups hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__ = [
    "ABOVE",
    "EQUAL",
    "HIGH",
    "INFORMATIVE",
    "LOW",
    "above_groups",
    "beside",
    "by_chance",
    "by_p_value",
    "few_points",
    "few_steps",
    "in_percent",
    "kernel_state",
    "other_sizes",
    "tells_nothing",
]

LOW, HIGH = 0.01, 0.99
"""Within these shares of log n, at the diffusion time of the value, a kernel counts as informative."""

# Below these a value is decided by how few points there are: an information of groups of 4 cannot pass log 4.
FEWEST, FEWEST_IN_GROUP = 10, 5
# An information this many errors above 0 is told from chance, at about the level of 5 %.
ERRORS = 2.0

INFORMATIVE, ABOVE = "informative", "above H(Y)"
_NOTHING = ("saturated", "collapsed", "not told from chance", "too few points", "unknown")

CHANCE = "not told from chance: random groups of these sizes give as much"
EQUAL = "all points are equal, so the entropy is 0 for every kernel"


def in_percent(level: float) -> str:
    """The confidence of an interval as it was asked for: 99.9 % is not all."""
    return f"{100.0 * level:.12g}%"


def beside(*doubts: str) -> str:
    """The first of `doubts` that has something to say, else ``"informative"``."""
    return next((doubt for doubt in doubts if doubt not in ("", INFORMATIVE)), INFORMATIVE)


def tells_nothing(verdict: str) -> bool:
    """Whether a value with this verdict says nothing about the points."""
    return verdict.startswith(_NOTHING)


def kernel_state(share: float, t: float, *, first: float, advice: Callable[[], str] = str) -> str:
    """What to say of an entropy that is `share` of log n at time `t`, or nothing where it lies in between.

    Parameters
    ----------
    share, first : float
        At `t` and, to tell what is at fault, at t = 1.
    advice : callable
        What to do where the kernel is at fault; asked only then.
    """
    if LOW <= share <= HIGH:
        return ""
    high = share > HIGH
    word = "saturated: every point is its own cluster" if high else "collapsed: all points are one cluster"
    longer = "larger" if high else "smaller"
    if LOW <= first <= HIGH:
        remedy = f"take a {longer} t"
    else:
        remedy = advice() or f"take a {longer} t or a {'wider' if high else 'narrower'} kernel"
    return (
        f"collapsed: {EQUAL}" if remedy == EQUAL else f"{word} (entropy at t = {t:g} is {share:.1%} of log n); {remedy}"
    )


def few_points(n: int, sizes: Sequence[int] = ()) -> str:
    """What to say of a value of `n` points, in groups of `sizes`, or nothing where they are enough."""
    if n < FEWEST:
        return f"too few points: a value of {n} points says little, give at least {FEWEST}"
    within = sum(size for size in sizes if size < FEWEST_IN_GROUP)
    if 2 * within > n:
        return (
            f"too few points: {within} of {n} lie in groups of fewer than {FEWEST_IN_GROUP}, "
            "whose entropies say little; use fewer groups or more points"
        )
    return ""


def few_steps(cost: float, tol: float, error: float | None) -> str:
    """What to say where few steps of a solver may have cost so many bits beside the standard `error`, or nothing."""
    if cost <= max(tol, 1.96 * (error or 0.0)):
        return ""
    return f"few steps or moments may have cost up to about {cost:.2g} bit besides, use more"


def by_chance(excess: float, error: float | None) -> str:
    """What to say of an information that is `excess` above its mean under chance, both in bits.

    `error` is what such a value spreads by under chance; None: not known, and nothing is said.
    """
    if error is None or excess > ERRORS * error:
        return ""
    return (
        f"not told from chance: random groups of these sizes give as much ({excess:.2g} ± {error:.2g} bit above them)"
    )


def by_p_value(p_value: float, level: float) -> str:
    """`by_chance` where a permutation test has decided it."""
    if p_value <= level:
        return ""
    return f"{CHANCE} (p = {p_value:.2g} above {level:g})"


def other_sizes(sizes: Sequence[int]) -> str:
    """What to say of values that stand side by side and were measured on so many points each, or nothing."""
    if len(set(sizes)) < 2:
        return ""
    return (
        f"measured at different n ({min(sizes)} to {max(sizes)}): these values grow with n and are not comparable; "
        "measure the same number of points"
    )


def above_groups(value: float, ceiling: float, error: float | None, *, adjusted: bool = False) -> str:
    """What to say of an information above the entropy of the groups, in bits, by more than its error.

    Where it is not the adjusted one, that is what to take.
    """
    if value <= ceiling + ERRORS * (error or 0.0) + 1e-9:
        return ""
    return f"{ABOVE}: {value:.3g} bit where the groups hold {ceiling:.3g}, so this is no share of them; " + (
        "compare it with values of the same groups only" if adjusted else "take Adjusted(), which is"
    )
