"""The figure of the bandwidth study: what three kernels make of dimension, of networks and of wrong labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from recipes.bandwidth.measures import TIMES, WINNER
from recipes.bandwidth.tables import accuracies
from recipes.lab.drawing import COLOURS, DASHES, panels
from recipes.lab.log import Cell, select

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["drawn"]

SHOWN = ((WINNER, 3.0), ("Gaussian, median", 1.0), ("Gaussian, sigma = 10", 1.0))
NOISES = (0.0, 0.1, 0.5)


def drawn(cells: list[Cell]) -> Figure:
    """One row per kernel: entropy against dimension, DSMI against accuracy, DSMI against the share of wrong labels."""
    shown = [(kernel, t) for kernel, t in SHOWN if select(cells, kernel=kernel)]
    figure, axes = panels(len(shown), 3, size=(3.3, 2.4))
    for line, (kernel, t) in zip(axes, shown, strict=True):
        own, at = select(cells, kernel=kernel), TIMES.index(t)
        _dimension(line[0], own, at)
        _accuracy(line[1], own, at, accuracies(cells))
        _corruption(line[2], own, at)
        line[0].set_ylabel(f"{kernel.split(', decay')[0]}\nt = {t:g}\n\nDSE / log n", fontsize=8)
    for one, text in zip(
        axes[0], ("a. intrinsic dimension", "e. trained networks", "d. corrupted labels"), strict=True
    ):
        one.set_title(text, fontsize=9)
    return figure


def _dimension(axes: Any, cells: list[Cell], at: int) -> None:
    for noise, dash in zip(NOISES, DASHES, strict=False):
        for kind, colour in zip(("uniform", "gaussian"), COLOURS, strict=False):
            known = [cell for cell in cells if cell.key["data"].startswith(f"{kind} d=") and cell.key.get("seed") == 0]
            curve = sorted(
                (int(cell.key["data"].split()[1][2:]), cell.values["share"][at])
                for cell in known
                if cell.key["data"].endswith(f"noise={noise:g}") and "d=512" not in cell.key["data"]
            )
            if curve:
                axes.plot(*zip(*curve, strict=True), dash, color=colour, lw=1.2, label=f"{kind}, noise {noise:.0%}")
    axes.set(xscale="log", ylim=(0, 1))
    axes.set_xlabel("dimension", fontsize=8)
    axes.legend(fontsize=5, frameon=False, ncols=2)


def _accuracy(axes: Any, cells: list[Cell], at: int, known: Mapping[str, float]) -> None:
    for start, colour in zip(("cifar", "mnist"), COLOURS[2:], strict=False):
        found = [
            cell for cell in cells if cell.key["data"].startswith(f"network {start}") and "adjusted" in cell.values
        ]
        names = [cell.key["data"].removeprefix("network ") for cell in found]
        accuracy = [known[name] for name in names]
        label = {"cifar": "CIFAR-10", "mnist": "MNIST"}[start]
        axes.plot(accuracy, [cell.values["adjusted"][at] for cell in found], "o", ms=4, color=colour, label=label)
    axes.set_xlabel("test accuracy", fontsize=8)
    axes.set_ylabel("adjusted DSMI(Z; Y) [bit]", fontsize=8)
    axes.legend(fontsize=6, frameon=False)


def _corruption(axes: Any, cells: list[Cell], at: int) -> None:
    for cell, colour in zip((cell for cell in cells if "shares" in cell.values), COLOURS[2:], strict=False):
        values, data = cell.values, cell.key["data"]
        name = {"mnist": "MNIST", "cifar": "CIFAR-10"}.get(data.removeprefix("network ")[:5], data)
        axes.errorbar(values["shares"], values["matched"][at], values["error"][at], color=colour, lw=1.2, label=name)
    axes.axhline(0.0, color="0.6", lw=0.6)
    axes.set_xlabel("share of permuted labels", fontsize=8)
    axes.set_ylabel("DSMI(Z; Y) [bit]", fontsize=8)
    axes.legend(fontsize=6, frameon=False)
