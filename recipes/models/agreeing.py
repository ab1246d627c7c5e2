"""How well measures order networks as their accuracy does: rank correlations with intervals, by groups."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy.stats import kendalltau, rankdata

__all__ = ["FEWEST", "Rank", "Row", "banded", "difference", "kendall", "pearson", "spearman", "table_of"]

Floats: TypeAlias = np.ndarray[Any, Any]

FEWEST = 5
RESAMPLES = 400
QUANTILE = 1.96
BANDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One network: what is known of it, and what was measured."""

    name: str
    group: str
    """The data set that it classifies."""
    family: str
    accuracy: float
    values: Mapping[str, float]
    here: bool = True
    """Whether it was trained for this study."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """One rank correlation, or a difference of two, over `count` networks, with its 95 % interval."""

    value: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return "" if math.isnan(self.value) else f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def spearman(rows: Iterable[Row], measure: str) -> Rank:
    """Of a measure with the accuracy; NaN for fewer than FEWEST networks, 0 where all are equal.

    The interval is that of Bonett and Wright (2000) in Fisher's z: the percentiles of a bootstrap, whose resamples
    hold ties, lie too low near 1 (32 of 40 covered .986 of 60 networks).
    """
    values, accuracy = _columns(rows, measure)
    if len(values) < FEWEST:
        return Rank(value=math.nan, low=math.nan, high=math.nan, count=len(values))
    value = float(_rho(values[None], accuracy[None])[0])
    n = len(values)
    least = 6 / (n * (n * n - 1))  # half of what two neighbours in the wrong order cost: 1 itself has no z
    middle = math.atanh(max(least - 1, min(1 - least, value)))
    reach = QUANTILE * math.sqrt((1 + value**2 / 2) / (n - 3))
    low, high = math.tanh(middle - reach), math.tanh(middle + reach)
    return Rank(value=value, low=min(low, value), high=max(high, value), count=n)


def kendall(rows: Iterable[Row], measure: str) -> float:
    """Kendall's tau of a measure with the accuracy; NaN for fewer than FEWEST networks."""
    values, accuracy = _columns(rows, measure)
    return float(kendalltau(values, accuracy).statistic) if len(values) >= FEWEST else math.nan


def pearson(rows: Iterable[Row], measure: str) -> float:
    """Of a measure with the accuracy; NaN for fewer than five networks, 0 where all are equal."""
    known = np.array(_columns(rows, measure))
    if known.shape[1] < FEWEST:
        return math.nan
    return float(np.corrcoef(known)[0, 1]) if np.ptp(known, axis=1).all() else 0.0


def banded(rows: Sequence[Row], measure: str) -> float:
    """The mean Spearman within thirds of equal accuracy: the question that is left among alike networks."""
    order = sorted(rows, key=lambda row: row.accuracy)
    parts = [spearman([order[at] for at in some], measure) for some in np.array_split(np.arange(len(order)), BANDS)]
    known = [part.value for part in parts if not math.isnan(part.value)]
    return float(np.mean(known)) if known else math.nan


def difference(rows: Sequence[Row], first: str, second: str) -> Rank:
    """Spearman of `first` less that of `second` over the networks that have both, resampled together."""
    both = [row for row in rows if first in row.values and second in row.values]
    (one, accuracy), (other, _same) = _columns(both, first), _columns(both, second)
    if len(both) < FEWEST:
        return Rank(value=math.nan, low=math.nan, high=math.nan, count=len(both))
    drawn = np.random.default_rng(0).integers(len(both), size=(RESAMPLES, len(both)))
    apart = _rho(one[drawn], accuracy[drawn]) - _rho(other[drawn], accuracy[drawn])
    low, high = np.quantile(apart, [0.025, 0.975])
    value = _rho(one[None], accuracy[None])[0] - _rho(other[None], accuracy[None])[0]
    return Rank(value=float(value), low=float(low), high=float(high), count=len(both))


def table_of(groups: Mapping[str, Sequence[Row]], measures: Sequence[str]) -> str:
    """A row per measure, a column per group with its Spearman and interval, the best of a column in bold."""
    lines = [f"| measure | {' | '.join(f'{name} ({len(rows)})' for name, rows in groups.items())} |"]
    lines.append("|---|" + "---|" * len(groups))
    found = {name: {measure: spearman(rows, measure) for measure in measures} for name, rows in groups.items()}
    best = {name: max((one.value for one in each.values()), default=math.nan) for name, each in found.items()}
    for measure in measures:
        told = [_bold(str(found[name][measure]), found[name][measure].value == best[name]) for name in groups]
        lines.append(f"| {measure} | {' | '.join(told)} |")
    return "\n".join(lines)


def _bold(text: str, so: bool) -> str:
    return f"**{text}**" if so and text else text


def _columns(rows: Iterable[Row], measure: str) -> tuple[Floats, Floats]:
    known = [(row.values[measure], row.accuracy) for row in rows if measure in row.values]
    return tuple(np.array(known, dtype=float).reshape(-1, 2).T)  # type: ignore[return-value]


def _rho(values: Floats, accuracy: Floats) -> Floats:
    """Spearman of every line of two arrays (resamples, networks); 0 where one is constant."""
    ranks = [rankdata(each, axis=1) for each in (values, accuracy)]
    x, y = (each - each.mean(axis=1, keepdims=True) for each in ranks)
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return np.divide((x * y).sum(axis=1), scale, out=np.zeros(len(x)), where=scale > 0)
