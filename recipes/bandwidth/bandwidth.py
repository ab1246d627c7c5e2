"""Which bandwidth, which time: rules judged on six criteria.

Claim: with the alpha-decay kernel of PHATE at t = 3 the entropy orders intrinsic dimensions under noise, and DSMI ranks
trained networks by their accuracy. No fixed or single global width does both.

Networks and images come from `--data DIR` (../shared/data); without it, what needs them is left out.

Command: `python -m recipes bandwidth --paper`. Expected time: 20 s smoke, 50 min paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipes.bandwidth.baselines import baselines
from recipes.bandwidth.data import SUITE, there
from recipes.bandwidth.figure import drawn
from recipes.bandwidth.measures import KERNELS, WINNER, corruption, measure, measure_large, moved
from recipes.bandwidth.networks import accuracy, network_names
from recipes.bandwidth.pages import markdown
from recipes.bandwidth.tables import aims
from recipes.bandwidth.training import names, train_all
from recipes.lab.data import folder
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is measured: kernels by name, dimensions, noises, points per set, networks, seeds of training."""

    kernels: tuple[str, ...]
    dimensions: tuple[int, ...]
    noises: tuple[float, ...]
    points: int
    networks: int
    """How many of the 18, and their points are 2 x `points`."""
    suite: tuple[str, ...]
    corrupted: tuple[str, ...]
    shares: tuple[float, ...]
    seeds: int
    large: tuple[str, ...]
    """Kernels that are measured on 10 x `points` as well."""
    trained: tuple[str, ...] = ("digits", "MNIST")
    """Data that networks are trained on."""


STABLE = ("uniform d=5 noise=0", "gaussian d=20 noise=0", "3 blobs", "MNIST pixels")
"""Criterion c: the data sets whose normalised entropy is to be the same for every number of points."""

SMOKE = Settings(
    kernels=(WINNER, "Gaussian, median"),
    dimensions=(1, 10, 100),
    noises=(0.0, 0.1),
    points=80,
    networks=2,
    suite=SUITE[:2],
    corrupted=("3 blobs", "network mnist_v_conv_small"),
    shares=(0.0, 1.0),
    seeds=1,
    large=(),
    trained=("digits, few",),
)
PAPER = Settings(
    kernels=tuple(KERNELS),
    dimensions=(1, 2, 5, 10, 20, 50, 100),
    noises=(0.0, 0.01, 0.1, 0.5),
    points=1000,
    networks=18,
    suite=SUITE,
    corrupted=("network mnist_v_conv_small", "network cifar10_resnet20"),
    shares=tuple(round(0.1 * i, 1) for i in range(11)),
    seeds=3,
    large=(WINNER, "alpha-decay, k = 5, decay 40", "Gaussian, median", "Gaussian, 10th neighbour"),
)


def run(settings: Settings, log: Log) -> None:
    """Criterion by criterion, kernel by kernel."""
    for part in (_ranking, _dimensions, _suite, _memorisation, _corruption, _stability, _large):
        part(settings, log)


def _ranking(settings: Settings, log: Log) -> None:
    for name in network_names(folder())[-settings.networks :]:
        log.cell(accuracy, data=f"accuracy of {name}")
        for kernel in settings.kernels:
            log.cell(measure, data=f"network {name}", kernel=kernel, n=2 * settings.points, seed=0)
        log.cell(baselines, data=f"network {name}", n=2 * settings.points)


def _dimensions(settings: Settings, log: Log) -> None:
    for kind in ("uniform", "gaussian"):
        for noise in settings.noises:
            for d in settings.dimensions:
                for kernel in settings.kernels:
                    data = f"{kind} d={d} noise={noise:g}"
                    log.cell(measure, data=data, kernel=kernel, n=settings.points, seed=0)


def _suite(settings: Settings, log: Log) -> None:
    for data in filter(there, settings.suite):
        for kernel in settings.kernels:
            log.cell(measure, data=data, kernel=kernel, n=settings.points, seed=0)


def _memorisation(settings: Settings, log: Log) -> None:
    train_all(settings.trained, settings.seeds)
    for data in settings.trained:
        for seed in range(settings.seeds):
            for labels in ("true", "wrong"):
                for name in filter(there, names(data, labels, seed)):
                    for kernel in settings.kernels:
                        log.cell(measure, data=name, kernel=kernel, n=settings.points, seed=0)


def _corruption(settings: Settings, log: Log) -> None:
    for data in filter(there, settings.corrupted):
        for kernel in settings.kernels:
            log.cell(
                corruption,
                data=data,
                kernel=kernel,
                n=settings.points,
                shares=settings.shares,
                seeds=settings.seeds + 2,
            )


def _stability(settings: Settings, log: Log) -> None:
    for kernel in settings.kernels:
        log.cell(moved, data="gaussian d=20 noise=0", kernel=kernel, n=settings.points // 2)
        for data in filter(there, STABLE):
            for n in (settings.points // 2, 2 * settings.points):
                log.cell(measure, data=data, kernel=kernel, n=n, seed=1)


def _large(settings: Settings, log: Log) -> None:
    for data in filter(there, STABLE):
        for kernel in settings.large:
            log.cell(measure_large, data=data, kernel=kernel, n=10 * settings.points, seed=1)


def figure(cells: list[Cell]) -> Figure:
    """Dimensions, ranking and corruption for three kernels."""
    return drawn(cells)


def table(cells: list[Cell]) -> str:
    """All kernels and times, the baselines, and the choice on all families but one."""
    return markdown(cells)


def check(cells: list[Cell]) -> list[Verdict]:
    """The aims of criteria a to f against expected.toml."""
    return compare("bandwidth", cells, aims(cells))
