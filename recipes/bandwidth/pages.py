"""The tables of docs/bandwidth.md, as Markdown."""

from __future__ import annotations

import math

from recipes.bandwidth.measures import TIMES
from recipes.bandwidth.tables import Row, baseline_ranking, by_kernel, cross_validated, ranking, row
from recipes.lab.log import Cell

__all__ = ["criteria", "markdown", "rows_of"]

HEADS = ("kernel", "t", "a: 0 %", "1 %", "10 %", "50 %", "b: range", "c: n", "d: rise", "d: 100 %")
MORE = ("e: matched", "adjusted", "literal", "f: matched", "adjusted")


def markdown(cells: list[Cell], times: tuple[float, ...] = (1.0, 2.0, 3.0)) -> str:
    """The table of all kernels and times, that of the baselines and that of the cross-validation."""
    kernels = by_kernel(cells)
    baselines = [
        [name, *(_number(rhos[part]) for part in ("all", "CIFAR", "MNIST", "worst"))]
        for name, rhos in baseline_ranking(cells).items()
    ]
    folds = [
        [fold["family"], "{}, t = {:g}, {}".format(*fold["chosen"]), _number(fold["order"]), _number(fold["ours"])]
        for fold in cross_validated(kernels)
    ]
    return "\n\n".join(
        [
            criteria(cells, times),
            rows_of(["baseline", "all 18", "13 CIFAR-10", "5 MNIST", "worst without a family"], baselines),
            rows_of(["family left out", "best on the others", "pairs in order", "the default"], folds),
        ]
    )


def criteria(cells: list[Cell], times: tuple[float, ...]) -> str:
    """The table of all kernels and times."""
    return rows_of([*HEADS, *MORE], [_line(kernel, t, own) for kernel, own in by_kernel(cells).items() for t in times])


def _line(kernel: str, t: float, cells: list[Cell]) -> list[str]:
    found = {estimator: row(cells, t, estimator) for estimator in ("matched", "adjusted")}
    one, literal = found["matched"], ranking(cells, TIMES.index(t), "literal")
    return [
        kernel,
        f"{t:g}",
        *(_number(one[f"a {noise}"]) for noise in ("0%", "1%", "10%", "50%")),
        f"{_number(one['b least'])}-{_number(one['b most'])}",
        f"{one['c n']:.3f}",
        f"{one['d rise']:.1f}",
        f"{one['d end']:.1f}",
        *(_three(found[estimator]) for estimator in ("matched", "adjusted")),
        " / ".join(_number(literal[part]) for part in ("all", "CIFAR", "MNIST")),
        *(f"{found[estimator]['f']:.1f}" for estimator in ("matched", "adjusted")),
    ]


def _three(found: Row) -> str:
    return " / ".join(_number(found[f"e {part}"]) for part in ("all", "CIFAR", "MNIST"))


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.2f}"


def rows_of(heads: list[str], lines: list[list[str]]) -> str:
    """A table of Markdown."""
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in rows)
