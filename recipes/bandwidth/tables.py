"""From the cells of the bandwidth study to one row per kernel, time and estimator: criteria a to f."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from scipy.stats import kendalltau, spearmanr

from recipes.bandwidth.data import DIMENSION, SUITE
from recipes.bandwidth.measures import TIMES, WINNER
from recipes.bandwidth.networks import families
from recipes.lab.log import Cell

__all__ = ["ESTIMATORS", "accuracies", "aims", "baseline_ranking", "by_kernel", "cross_validated", "ranking", "row"]

Row: TypeAlias = dict[str, float]

ESTIMATORS = ("matched", "adjusted", "literal")
LOW, HIGH = 0.1, 0.9
FULL = 500
"""Cells of fewer points are those of a smoke run, which says nothing on the criteria but the exact one."""


def by_kernel(cells: Iterable[Cell]) -> dict[str, list[Cell]]:
    """The cells of every kernel, in the order of the study, and with each the accuracies of the networks."""
    cells = list(cells)
    shared = [cell for cell in cells if "test accuracy" in cell.values]
    found: dict[str, list[Cell]] = defaultdict(shared.copy)
    for cell in cells:
        if "kernel" in cell.key:
            found[cell.key["kernel"]].append(cell)
    return dict(found)


def row(cells: list[Cell], t: float, estimator: str) -> Row:
    """What one kernel does at one time, on every criterion; NaN where a criterion was not measured."""
    at = TIMES.index(t)
    return {
        **_dimensions(cells, at),
        **_informative(cells, at),
        **_stability(cells, at),
        **_corruption(cells, at),
        **{f"e {part}": value for part, value in ranking(cells, at, estimator).items()},
        "f": _memorisation(cells, at, estimator),
    }


def aims(cells: list[Cell]) -> dict[str, float]:
    """The winner's figure on every criterion, under the names of expected.toml."""
    own = by_kernel(cells).get(WINNER, [])
    full = [cell for cell in own if cell.key.get("n", FULL) >= FULL]
    found, matched = (row(full, 3.0, estimator) for estimator in ("adjusted", "matched"))
    exact = {"c moved": _stability(own, TIMES.index(3.0))["c moved"]}
    return {**found, **exact, **{f"{name} matched": matched[name] for name in ("e all", "e CIFAR", "e MNIST", "f")}}


def accuracies(cells: Iterable[Cell]) -> dict[str, float]:
    """The test accuracy of every network."""
    known = [cell for cell in cells if "test accuracy" in cell.values]
    return {cell.key["data"].removeprefix("accuracy of "): cell.values["test accuracy"] for cell in known}


def ranking(cells: list[Cell], at: int, estimator: str) -> dict[str, float]:
    """Rank correlation with test accuracy: all networks, either data set, and the least when one family is left out."""
    names, values, accuracy = _networks(cells, at, estimator)
    return _rhos(values, accuracy, names)


def baseline_ranking(cells: list[Cell]) -> dict[str, dict[str, float]]:
    """The rank correlations of criterion e for every baseline."""
    found = {cell.key["data"].removeprefix("network "): cell.values for cell in cells if "RankMe" in cell.values}
    known = accuracies(cells)
    accuracy = np.array([known[name] for name in found])
    return {
        name: _rhos(np.array([values[name] for values in found.values()]), accuracy, list(found))
        for name in next(iter(found.values()), {})
    }


def cross_validated(kernels: Mapping[str, list[Cell]]) -> list[dict[str, Any]]:
    """For every family: which combination ranks the other networks best, and how it orders this family among them.

    `order` is the share of the pairs with a network of the family that the choice puts in the order of accuracy, and
    `ours` that of the alpha-decay kernel with k = sqrt(n) / 3 and decay 40 at t = 3, adjusted.
    """
    tried = {
        (kernel, t, estimator): _networks(cells, TIMES.index(t), estimator)
        for kernel, cells in kernels.items()
        for t in TIMES
        for estimator in ESTIMATORS
    }
    names, _values, accuracy = next(iter(tried.values()))
    family = np.array([families(name) for name in names])
    found = []
    for one in sorted(set(family)):
        rest = family != one
        best = max(tried, key=lambda key: kendalltau(tried[key][1][rest], accuracy[rest])[0])
        ours = tried[WINNER, 3.0, "adjusted"][1]
        found.append(
            {
                "family": one,
                "chosen": best,
                "order": _order(tried[best][1], accuracy, ~rest),
                "ours": _order(ours, accuracy, ~rest),
            }
        )
    return found


def _order(values: Any, accuracy: Any, which: Any) -> float:
    """The share of pairs with one of `which` that values and accuracy put in the same order."""
    right = np.sign(values[:, None] - values[None, :]) == np.sign(accuracy[:, None] - accuracy[None, :])
    pairs = (which[:, None] | which[None, :]) & ~np.eye(len(values), dtype=bool)
    return float(right[pairs].mean())


def _networks(cells: list[Cell], at: int, estimator: str) -> tuple[list[str], Any, Any]:
    found = {cell.key["data"].removeprefix("network "): cell for cell in cells if _of(cell, "network ")}
    known = accuracies(cells)
    values = [cell.values[estimator][at] for cell in found.values()]
    return list(found), np.array(values), np.array([known[name] for name in found])


def _rhos(values: Any, accuracy: Any, names: list[str]) -> dict[str, float]:
    cifar = np.array([name.startswith("cifar") for name in names], dtype=bool)
    family = np.array([families(name) for name in names])
    return {
        "all": _rho(values, accuracy),
        "CIFAR": _rho(values[cifar], accuracy[cifar]),
        "MNIST": _rho(values[~cifar], accuracy[~cifar]),
        "worst": min((_rho(values[family != one], accuracy[family != one]) for one in set(family)), default=math.nan),
    }


def _dimensions(cells: list[Cell], at: int) -> Row:
    """Criterion a: rank correlation of the entropy with the dimension, the worse of uniform and Gaussian."""
    curves = defaultdict(list)
    for cell in cells:
        known = DIMENSION.fullmatch(cell.key["data"])
        if known and int(known[2]) <= 100 and "share" in cell.values and cell.key["seed"] == 0:
            curves[float(known[3]), known[1]].append((int(known[2]), cell.values["share"][at]))
    found = {}
    for noise in (0.0, 0.01, 0.1, 0.5):
        some = [np.array(curve) for key, curve in curves.items() if key[0] == noise]
        rhos = [_rho(curve[:, 1], curve[:, 0]) for curve in some]
        found[f"a {noise:.0%}"] = min(rhos, default=math.nan)
    return found


def _informative(cells: list[Cell], at: int) -> Row:
    """Criterion b: the least and the largest normalised entropy of the suite and of all networks."""
    shares = [cell.values["share"][at] for cell in cells if "share" in cell.values and _suite(cell)]
    return {
        "b least": min(shares, default=math.nan),
        "b most": max(shares, default=math.nan),
        "b outside": float(np.mean([not LOW <= share <= HIGH for share in shares])) if shares else math.nan,
    }


def _suite(cell: Cell) -> bool:
    """Whether a cell belongs to criterion b: a network's embedding, or a data set of the suite."""
    data = cell.key["data"]
    return cell.key["seed"] == 0 and (data in SUITE or data.startswith("network "))


def _stability(cells: list[Cell], at: int) -> Row:
    """Criterion c: the largest change in bits under motions, and of the normalised entropy from 500 to 2000 points."""
    moves = [max(cell.values.values()) for cell in cells if "rotation" in cell.values]
    sizes = defaultdict(dict)
    for cell in cells:
        if cell.key.get("seed") == 1:
            sizes[cell.key["data"]][cell.key["n"]] = cell.values["share"][at]
    changes = [abs(by_n[max(by_n)] - by_n[min(by_n)]) for by_n in sizes.values()]
    return {"c moved": max(moves, default=math.nan), "c n": max(changes, default=math.nan)}


def _corruption(cells: list[Cell], at: int) -> Row:
    """Criterion d: the largest rise from one share of wrong labels to the next, in standard errors; and at 100 %."""
    rises, ends = [], []
    for cell in (cell for cell in cells if "shares" in cell.values):
        value, error = np.array(cell.values["matched"][at]), np.array(cell.values["error"][at])
        rises.append(float(np.max(np.diff(value) / np.maximum(np.hypot(error[1:], error[:-1]), 1e-12))))
        ends.append(abs(float(value[-1] / max(error[-1], 1e-12))))
    return {"d rise": max(rises, default=math.nan), "d end": max(ends, default=math.nan)}


def _memorisation(cells: list[Cell], at: int, estimator: str) -> float:
    """Criterion f: true less wrong labels in standard errors, the least over data, seeds and snapshots."""
    if estimator == "literal":
        return math.nan  # it has no standard error
    found = {cell.key["data"]: cell.values for cell in cells if _of(cell, "training ")}
    gaps = []
    for name, true in found.items():
        wrong = found.get(name.replace("true", "wrong"))
        if "true" in name and wrong:
            error = math.hypot(true[f"{estimator} error"][at], wrong[f"{estimator} error"][at])
            gaps.append((true[estimator][at] - wrong[estimator][at]) / max(error, 1e-12))
    return min(gaps, default=math.nan)


def _of(cell: Cell, start: str) -> bool:
    return bool(cell.key["data"].startswith(start)) and "matched error" in cell.values


def _rho(values: Any, truth: Any) -> float:
    if len(values) < 3 or np.ptp(np.round(values, 4)) == 0:
        return 0.0 if len(values) >= 3 else math.nan
    return float(spearmanr(np.round(values, 4), truth)[0])
