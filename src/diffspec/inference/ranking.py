"""Which of several representations of the same points knows most of their labels, and which are not told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diffspec._arrays import Array, as_points
from diffspec._checks import Seed, seed_of, shown
from diffspec.errors import InputError
from diffspec.inference.comparison import p_value_between
from diffspec.inference.measure import Matrix, Measure
from diffspec.inference.resampling import FEWEST, Resamples, is_local
from diffspec.inference.together import measured_together
from diffspec.kernels import AlphaDecay, Kernel
from diffspec.machine.memory import within_memory
from diffspec.measures.asked import asked
from diffspec.measures.estimators import Adjusted, Estimator, check_estimator
from diffspec.points.groups import Grouping, Partition, check_grouping, partition_of
from diffspec.results.estimate import Estimate, Group, Settings
from diffspec.results.lines import columns, one_line
from diffspec.results.records import Record
from diffspec.results.verdicts import INFORMATIVE, in_percent
from diffspec.solvers import Solver

__all__ = ["Ranked", "Ranking", "rank"]

# Points in a subset: enough for its value to spread as that of all points does, few enough that 25 subsets cost less
# than one value of 2000 points. Of groups that are many it needs some of each.
SUBSET, SUBSET_PER_GROUP, LARGEST_SHARE = 300, 15, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One representation and its place."""

    name: str
    value: float
    """The information, in the unit of the ranking."""
    low: float
    high: float
    stderr: float
    """Standard error from the sampling of the points and the matched subsets."""
    best: int
    """The best place that the differences leave it: one more than there are representations that are better for sure.
    Equal to `worst` where it is told from all others."""
    worst: int
    d: int
    """Number of features."""
    settings: Settings
    verdict: str
    groups: tuple[Group, ...]

    @property
    def place(self) -> str:
        """``"2"``, or ``"2-4"`` where it is not told from others."""
        return str(self.best) if self.best == self.worst else f"{self.best}-{self.worst}"

    @property
    def weakest(self) -> tuple[Group, ...]:
        """The groups, least first, by how much more compact than random points they are."""
        return tuple(sorted(self.groups, key=lambda group: group.matched - group.conditional))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking(Record):
    """Representations by their information about the labels, the largest first. `str` is a table."""

    measure: str
    unit: str
    n: int
    ceiling: float
    """The entropy of the groups, in `unit`."""
    level: float
    resamples: int
    share: float
    """Of the points, how many each resample kept."""
    rows: tuple[Ranked, ...]
    p_values: tuple[tuple[float, ...], ...]
    """Row i, column k: of the hypothesis that rows i and k are equal on average over samples of n points."""

    def __str__(self) -> str:
        head = ["place", "name", self.measure, f"{in_percent(self.level)} interval", "of H(Y)", "d", "weakest groups"]
        lines = columns([head, *(self._cells(row) for row in self.rows)])
        notes = [f"{one_line(row.name)}: {row.verdict}" for row in self.rows if row.verdict != INFORMATIVE]
        about = f"n = {self.n}, H(Y) = {self.ceiling:.4g} {self.unit}; places with a dash are not told apart"
        return "\n".join([*lines, "", f"{about} (each pair tested at {1 - self.level:.2g})", *notes])

    @property
    def values(self) -> dict[str, float]:
        """The information of every representation by its name, the largest first."""
        return {row.name: row.value for row in self.rows}

    def ties(self, name: str) -> tuple[str, ...]:
        """The representations that `name` is not told apart from."""
        names = [row.name for row in self.rows]
        if name not in names:
            raise InputError(f"there is no {shown(name)} in the ranking; it has {', '.join(map(one_line, names[:12]))}")
        at = names.index(name)
        pairs = zip(names, self.p_values[at], strict=True)
        return tuple(other for other, p in pairs if other != name and p >= 1.0 - self.level)

    def _cells(self, row: Ranked) -> list[str]:
        weak = ", ".join(f"{one_line(group.name)} {group.matched - group.conditional:.2f}" for group in row.weakest[:3])
        share = row.value / self.ceiling if self.ceiling else 0.0
        return [
            row.place,
            one_line(row.name),
            f"{row.value:.3f}",
            f"{row.low:.3f} to {row.high:.3f}",
            f"{share:.0%}",
            str(row.d),
            weak,
        ]


@within_memory
def rank(
    representations: Mapping[str, Array],
    reference: Any,
    *,
    level: float = 0.95,
    resamples: int = 25,
    share: float | None = None,
    groups: Grouping | None = None,
    estimator: Estimator = Adjusted(),
    kernel: Kernel = AlphaDecay(),
    alpha: float = 0.5,
    t: float | None = None,
    solver: Solver | None = None,
    memory: float | None = None,
    tol: float = 1e-3,
    rng: Seed = 0,
) -> Ranking:
    """Representations of the same points by how much they know of the labels, with intervals, and ties marked.

    All are measured on the same random subsets of the points, with the same matched subsets, so that what they share
    cancels in their differences: a pair may be told apart although the intervals overlap.

    Parameters
    ----------
    representations : mapping of str to array (n, d)
        By name; row i of all stands for the same point. d may differ.
    reference, groups, kernel, alpha, t, solver, memory, tol
        As for `dsmi`. A bandwidth rule is resolved on each representation by itself.
    level : float
        Of the intervals; two representations count as different where the p-value of the pair is below 1 - level. Among
        many pairs some p-values are small by chance: with k pairs that matter give 1 - 0.05 / k.
    resamples : int
        Subsets of the points, at least 10; 25 give the width of an interval to about 14 %, 50 to 10 %.
    share : float, optional
        Of the points in each subset. Default: 300 points or 15 a group, at most half of them. From 300 of 2000 points
        the standard error was stated .67 to 1.6 times as large as it was, from halves (0.5) .79 to 1.5 times.
    estimator : Adjusted or Matched or Literal
        `Adjusted()` by default: `Matched` falls with the number of dimensions.
    rng : int or numpy.random.Generator or RandomState or None
        Draws the subsets of points, the matched subsets and the solver's probes.

    Returns
    -------
    Ranking
        In bits; the largest first, equal ones in the order given.

    Raises
    ------
    InputError
        No representations, unequal numbers of points, fewer than 20, or input that cannot be used.
    TooLargeError
        The affinity of the largest set that has to be stored does not fit.

    Notes
    -----
    Per representation one `dsmi` with `estimator` and `resamples` of a few hundred points: of 2000 points about a
    second of the processor. As for `interval` an array of distances each, of one representation per core and of the
    next. Values of different n are not comparable, so the same points are asked for. The order is of information, not
    of test accuracy; how it predicts that: docs/ranking.md.

    References
    ----------
    liao2024dse, Definition 4.2; shao1989jackknife.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import rank
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat(["cat", "dog"], 60)
    >>> points = rng.normal(size=(120, 3)) + 3 * (labels == "dog")[:, None]
    >>> networks = {"noisy": points + 2 * rng.normal(size=(120, 3)), "clean": points, "copy": -points}
    >>> found = rank(networks, labels, resamples=10)
    >>> [(row.name, row.place) for row in found.rows]
    [('clean', '1-2'), ('copy', '1-2'), ('noisy', '3')]
    """
    given = _checked(representations)
    how = asked(kernel, alpha=alpha, t=t, solver=solver, memory=memory, tol=tol)
    check_estimator(estimator, kernel)
    check_grouping(groups)
    n = next(iter(given.values())).shape[0]
    partition = partition_of(reference, groups, n)
    share = _share(n, partition) if share is None else share
    resampled = Resamples(n, resamples, share, level, is_local(estimator, kernel))
    measure, seed = Measure(estimator, how), seed_of(rng)
    found, draws = measured_together(measure, given, partition, seed, resampled.subsets(partition, seed))
    return _ranking(given, found, resampled, draws)


def _checked(representations: Mapping[str, Array]) -> dict[str, Array]:
    """The representations as points, all of the same number."""
    if not isinstance(representations, Mapping) or not representations:
        raise InputError(
            f"representations must map names to arrays, got {shown(representations)}; give {{name: points}}"
        )
    names: dict[str, Any] = {}
    for name in representations:
        if str(name) in names:
            raise InputError(f"names must differ as text, got {shown(names[str(name)])} and {shown(name)}; rename one")
        names[str(name)] = name
    given = {str(name): as_points(points, name=one_line(name)) for name, points in representations.items()}
    sizes = {name: points.shape[0] for name, points in given.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{size} in {one_line(name)}" for name, size in list(sizes.items())[:6])
        raise InputError(
            f"all representations must hold the same points, got {listed}; measure the same ones, since values at "
            "different n are not comparable"
        )
    return given


def _share(n: int, partition: Partition) -> float:
    """Of n points, what a subset keeps."""
    wanted = max(SUBSET, SUBSET_PER_GROUP * len(partition.names))
    return min(LARGEST_SHARE, wanted / n) if n >= FEWEST else LARGEST_SHARE


def _ranking(given: Mapping[str, Array], found: Sequence[Estimate], resampled: Resamples, draws: Matrix) -> Ranking:
    """The ranking from the estimates, and the measures on subsets of shape (subsets, representations, repetitions)."""
    order = sorted(range(len(found)), key=lambda at: -found[at].value)
    names = list(given)
    p_values = [[_p_value(found, resampled, draws, at, other) for other in order] for at in order]
    first = found[0]

    def row(place: int) -> Ranked:
        at, estimate = order[place], found[order[place]]
        stderr, hidden = resampled.stderr(draws[:, at])
        reach = resampled.quantile * stderr
        apart = [p < 1.0 - resampled.level for p in p_values[place]]
        return Ranked(
            name=names[at],
            value=estimate.value,
            low=estimate.value - reach,
            high=estimate.value + reach,
            stderr=stderr,
            best=1 + sum(apart[:place]),
            worst=len(order) - sum(apart[place + 1 :]),
            d=given[names[at]].shape[1],
            settings=estimate.settings,
            verdict="; ".join(filter(None, [estimate.verdict, hidden])),
            groups=estimate.groups,
        )

    return Ranking(
        measure=first.measure,
        unit=first.unit,
        n=first.n,
        ceiling=first.ceiling or 0.0,
        level=resampled.level,
        resamples=resampled.count,
        share=resampled.share,
        rows=tuple(map(row, range(len(order)))),
        p_values=tuple(map(tuple, p_values)),
    )


def _p_value(found: Sequence[Estimate], resampled: Resamples, draws: Matrix, at: int, other: int) -> float:
    stderr, _hidden = resampled.stderr(draws[:, at] - draws[:, other])
    return p_value_between(found[at].value - found[other].value, stderr, resampled.freedom)
