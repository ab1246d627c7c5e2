"""Bias and spread of estimators where the truth is known.

Claim: every estimator works in its own domain and nowhere else. Nearest neighbours are right in few dimensions and read
too low in many. Trained critics are low rather than high, and need points. Counting cells depends on the cells. Gram
matrices and DSMI are no estimators of Shannon's information, though DSMI is near it for separated classes.

Command: `python -m recipes estimators --paper`. Expected time: 10 s smoke, 10 min paper.

The tasks are those of the public benchmark of Czyz et al. (2023) in style: Gaussians, Student t, additive uniform
noise. The Gaussians are also seen through one-to-one maps (half-cube, wiggly, spiral), which leave the information as
it is. To these come class labels: two or three Gaussian classes at a distance along one of d axes, whose information is
an integral. All are in bits. DSMI of a continuous reference goes through 10 bins of its first feature.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.integrate import quad

from diffspec import AlphaDecay, Bins, Gaussian, Literal, Matched, adjusted_dsmi, dsmi, synthetic
from diffspec.baselines import (
    Training,
    adjacency_information,
    binned_information,
    entry_information,
    gram_information,
    infonce,
    joint_information,
    ksg,
    lnc,
    mine,
    mixed_ksg,
    nwj,
    ross,
    smile,
)
from recipes.lab.drawing import panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, mean, select, spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Tasks, points per task, seeds of data and estimator, the same where a critic is trained, most steps of that."""

    tasks: tuple[str, ...]
    n: int
    seeds: int
    trainings: int
    steps: int


def through(transform: Callable[[Any], Any], **given: Any) -> Callable[..., synthetic.Pair]:
    """Draws of a Gaussian pair whose x is seen through `transform`."""
    return lambda n, rng: synthetic.correlated(n, rng=rng, **given).mapped(x=transform)


CONTINUOUS: dict[str, Callable[..., synthetic.Pair]] = {
    "independent 3 x 3": partial(synthetic.correlated, dimension=3, correlation=0.0),
    "Gaussian 1 x 1": partial(synthetic.correlated, dimension=1, correlation=0.75),
    "Gaussian 1 x 1, strong": partial(synthetic.correlated, dimension=1, correlation=0.99),
    "Gaussian 3 x 3": partial(synthetic.correlated, dimension=3, correlation=0.7),
    "Gaussian 25 x 25": partial(synthetic.correlated, dimension=25, correlation=0.4),
    "half-cube 3 x 3": through(synthetic.half_cube, dimension=3, correlation=0.7),
    "wiggly 3 x 3": through(synthetic.wiggly, dimension=3, correlation=0.7),
    "spiral 2 x 1": through(synthetic.spiral, dimension=1, correlation=0.75),
    "Student 3 x 3, 2 d.o.f.": partial(synthetic.student, dimension=3, correlation=0.0, degrees=2.0),
    "uniform noise": partial(synthetic.additive_noise, width=0.1),
}
DISCRETE = {"2 classes, 2-D": (2, 2, 3.0), "3 classes, 20-D": (3, 20, 4.0), "3 classes, 500-D": (3, 500, 4.0)}
"""Classes, dimensions, distance between neighbouring classes in standard deviations."""
TASKS = (*CONTINUOUS, *DISCRETE)

MEDIAN, GRAPH = Gaussian("median"), AlphaDecay()
"""At t = 1 and at t = 3, which go with them."""

BOTH = {
    "binned, 5": partial(binned_information, bins=5),
    "mixed KSG": mixed_ksg,
    "Gram": gram_information,
    "MINE": mine,
    "MINE, biased": partial(mine, corrected=False),
    "InfoNCE": infonce,
    "NWJ": nwj,
    "SMILE": smile,
    "DSMI": partial(dsmi, estimator=Matched(), kernel=MEDIAN),
    "DSMI, literal": partial(dsmi, estimator=Literal(), kernel=MEDIAN),
    "DSMI, adjusted": partial(adjusted_dsmi, kernel=MEDIAN),
    "DSMI, graph": partial(dsmi, estimator=Matched(), kernel=GRAPH),
    "DSMI, graph, adjusted": partial(adjusted_dsmi, kernel=GRAPH),
}
OF_VALUES = {
    "KSG 1": ksg,
    "KSG 2": partial(ksg, variant=2),
    "LNC": lambda x, y: lnc(x, y, neighbors=max(5, x.shape[1] + y.shape[1] + 1)),
}
OF_LABELS = {
    "Ross": ross,
    "adjacency": adjacency_information,
    "entries": entry_information,
    "joint": joint_information,
}
ESTIMATORS = {**OF_VALUES, **OF_LABELS, **BOTH}
TRAINED = ("MINE", "MINE, biased", "InfoNCE", "NWJ", "SMILE")

SMOKE = Settings(tasks=("Gaussian 1 x 1", "2 classes, 2-D"), n=100, seeds=2, trainings=1, steps=20)
PAPER = Settings(tasks=TASKS, n=1000, seeds=3, trainings=3, steps=1000)


def run(settings: Settings, log: Log) -> None:
    """One cell per task, estimator and seed; an estimator is left out where the kind of reference is not its own."""
    for trained, seeds in ((False, settings.seeds), (True, settings.trainings)):
        for seed in range(seeds):
            for task in settings.tasks:
                for name in (name for name in own(task) if (name in TRAINED) == trained):
                    steps = settings.steps if trained else 0
                    log.cell(measure, task=task, estimator=name, n=settings.n, seed=seed, steps=steps)


def own(task: str) -> list[str]:
    """The estimators whose kind of reference the task has."""
    names = [*BOTH, *(OF_LABELS if task in DISCRETE else OF_VALUES)]
    return [name for name in names if (name, task) != ("LNC", "Gaussian 25 x 25")]  # it refuses so many features


def measure(task: str, estimator: str, n: int, seed: int, steps: int) -> dict[str, float]:
    """What `estimator` gives, what is true and the difference, in bits; `steps` is 0 where nothing is trained."""
    points, reference, truth = draw(task, n, seed)
    given: dict[str, Any] = {"training": Training(steps=steps), "rng": seed} if steps else {}
    if estimator.startswith("DSMI"):
        given = {"rng": seed}
        if task in CONTINUOUS:
            given["groups"], reference = Bins(10), reference[:, 0]
    value = float(ESTIMATORS[estimator](points, reference, **given))
    return {"value": value, "true": truth, "error": value - truth}


def draw(task: str, n: int, seed: int) -> tuple[Any, Any, float]:
    """Points, reference and their information in bits."""
    if task in CONTINUOUS:
        pair = CONTINUOUS[task](n, rng=seed)
        return pair.x, pair.y, pair.bits
    classes, dimension, gap = DISCRETE[task]
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    points = rng.normal(size=(n, dimension))
    points[:, 0] += gap * labels
    return points, labels, of_classes(classes, gap)


def of_classes(classes: int, gap: float) -> float:
    """Information of a label and a Gaussian about `gap` times it, in bits: h(mixture) - h(one Gaussian), by quadrature.

    The other coordinates, independent of the label, carry nothing.
    """

    def integrand(x: float) -> float:
        density = sum(math.exp(-0.5 * (x - gap * k) ** 2) for k in range(classes)) / classes / math.sqrt(2 * math.pi)
        return -density * math.log2(density)

    mixture = quad(integrand, -12.0, 12.0 + gap * (classes - 1), limit=400)[0]
    return float(mixture - 0.5 * math.log2(2.0 * math.pi * math.e))


def figure(cells: list[Cell]) -> Figure:
    """A table: bias ± spread per estimator and task, coloured by the bias as a share of the truth."""
    tasks = [task for task in TASKS if select(cells, task=task)]
    names = [name for name in ESTIMATORS if select(cells, estimator=name)]
    drawn, axes = panels(1, 1, size=(1.1 * len(tasks) + 1.4, 0.34 * len(names) + 1.6))
    axis = axes[0, 0]
    shares = np.full((len(names), len(tasks)), np.nan)
    for i, name in enumerate(names):
        for j, task in enumerate(tasks):
            found = select(cells, task=task, estimator=name)
            if found:
                shares[i, j] = mean(found, "error") / max(0.5, mean(found, "true"))
                colour = "white" if abs(shares[i, j]) > 1.1 else "black"
                axis.text(j, i, _entry(found), ha="center", va="center", fontsize=7, color=colour)
    axis.imshow(shares, cmap="RdBu_r", vmin=-1.6, vmax=1.6, aspect="auto")
    truths = [mean(select(cells, task=task), "true") for task in tasks]
    titles = [f"{task}\n{truth:.2f}" for task, truth in zip(tasks, truths, strict=True)]
    axis.set_xticks(range(len(tasks)), titles, rotation=35, ha="left", fontsize=7)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.set_xlabel("value - truth ± spread over seeds, in bits; the truth stands below each task", fontsize=8)
    return drawn


def table(cells: list[Cell]) -> str:
    """Bias ± spread of every estimator on every task, in bits, for the page."""
    tasks = [task for task in TASKS if select(cells, task=task)]
    truths = [f"{task} ({mean(select(cells, task=task), 'true'):.2f})" for task in tasks]
    lines = ["Value less truth ± spread over seeds, in bits; the truth stands in brackets.", ""]
    lines += [f"| estimator | {' | '.join(truths)} |", "|---" * (len(tasks) + 1) + "|"]
    for name in ESTIMATORS:
        found = [select(cells, task=task, estimator=name) for task in tasks]
        entries = [_entry(here).replace("\n", " ") if here else "" for here in found]
        lines += [f"| {name} | {' | '.join(entries)} |"] if any(entries) else []
    return "\n".join(lines)


def check(cells: list[Cell]) -> list[Verdict]:
    """Our biases, spreads and comparisons against expected.toml."""
    return compare("estimators", cells, derived(cells))


def derived(cells: list[Cell]) -> Mapping[str, float]:
    """Biases and spreads by estimator and task, at the full size: with fewer points they are larger."""
    found: dict[str, float] = {}
    for name in ESTIMATORS:
        for task in TASKS:
            here = select(cells, task=task, estimator=name, n=PAPER.n)
            if here:
                found[f"bias of {name} | {task}"] = mean(here, "error")
                found[f"spread of {name} | {task}"] = spread(here, "value")
    return found


def _entry(cells: list[Cell]) -> str:
    return f"{mean(cells, 'error'):+.2f}\n± {spread(cells, 'value'):.2f}"
