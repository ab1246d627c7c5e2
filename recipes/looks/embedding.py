"""The embedding of a training, seen in a plane.

Claim: where learning generalises, a structureless ring unfolds into one arm per class, and the extrema of the graph's
Laplacian sit at the tips. Where it memorises, the embedding stays one ball.

Command: `python -m recipes embedding --paper`. Expected time: 30 s smoke, 60 min cpu, days of a GPU paper; 5 min where
the cells of `training` are there.

Held-out images come into a plane by PHATE's potential distances (`potential_distances`, t = 10) and multidimensional
scaling, and by PCA. They are shown before training, after an epoch, in the middle and at the end. Laplacian extrema, as
many as classes, are red. What we find:

- Supervised networks unfold: the share of the plane's variance that lies between classes goes from .1-.5 to .5 on
  colour images (50-60 % right) and to .9 on MNIST. PCA says nearly the same as the potential plane.
- Memorising networks become a ball: .03 to .1, less than before training (.1 to .5). They lose the classes that
  random weights tell.
- Contrastive networks unfold on MNIST (.4 to .6) and hardly on colour images.
- Ten random points see 6.5 of 10 classes. Ten extrema see 9 or 10 on MNIST after supervised training, 7 or 8 on colour
  images, 6 or 7 after memorising. They are ends of the graph. In the plane they are only a little outside.
  The mean distance between them says nothing: it falls in all transformers and stays in the convolutional network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from diffspec import AlphaDecay, potential_distances
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log
from recipes.lab.many import measure_all
from recipes.looks import kept, unfolding
from recipes.looks.extrema import distances, extrema
from recipes.training import training

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Points: TypeAlias = np.ndarray[Any, Any]

STEPS = 10
WAYS = ("potential", "PCA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Which cells of `training`, how many points of a look, and of how many the coordinates are kept, for one seed."""

    cells: training.Settings
    points: int
    drawn: int


SMOKE = Settings(
    cells=replace(training.SMOKE, networks=("resnet",), conditions=("supervised", "wrong labels")),
    points=40,
    drawn=30,
)
CPU = Settings(cells=replace(training.CPU, networks=("resnet", "xcit")), points=400, drawn=250)
PAPER = Settings(cells=training.PAPER, points=5000, drawn=2000)


def run(settings: Settings, log: Log) -> None:
    """One cell per cell of `training`; coordinates are kept of the first seed."""
    first = settings.cells.seeds[0]
    keys = [
        {**key, "points": settings.points, "drawn": settings.drawn if key["seed"] == first else 0}
        for key in training.plan(settings.cells)
    ]
    measure_all(log, partial(measure, results=kept.beside(log)), keys, lambda key: 1.0)


def measure(results: str, points: int, drawn: int, **key: Any) -> dict[str, Any]:
    """Before training, after the first look, in the middle and at the end: coordinates, extrema, and numbers of both.

    Coordinates are in thousandths of the largest, distances between extrema in hundredths of the mean distance.
    """
    curves, folder = kept.trained(key, results)
    looks = curves["looks"]
    chosen = sorted({looks[k] for k in (0, 1, len(looks) // 2, len(looks) - 1)})
    found: dict[str, list[Any]] = {"looks": []}
    for epoch, (some, labels) in kept.embeddings(folder, chosen):
        found["looks"].append(epoch)
        for name, value in look(some[:points], labels[:points], drawn).items():
            found.setdefault(name, []).append(value)
    found["accuracy"] = [curves["accuracy"][looks.index(epoch)] for epoch in found["looks"]]
    return found


def look(points: Points, labels: Points, drawn: int) -> dict[str, Any]:
    """What is kept of one look."""
    places = extrema(points, len(np.unique(labels)))
    planes = {"potential": potential(points), "PCA": components(points)}
    apart = distances(points, places)
    found: dict[str, Any] = {
        "classes of extrema": len(np.unique(labels[places])),
        "distance of extrema": float(f"{_mean_off(apart):.4g}"),
        "distances": np.round(100 * apart).astype(int)[np.triu_indices(len(places), 1)].tolist(),
    }
    for way, plane in planes.items():
        found[f"{way}: between classes"] = float(f"{unfolding.between(plane, labels):.4g}")
        found[f"{way}: extrema outside"] = float(f"{unfolding.outside(plane, places):.4g}")
    if drawn:
        kept_places = [*range(min(drawn, len(points))), *places]
        found["labels"] = labels[kept_places].tolist()
        found |= {way: _thousandths(plane[kept_places]) for way, plane in planes.items()}
    return found


def potential(points: Points) -> Points:
    """The plane of PHATE: metric scaling of the potential distances, from the classical solution on."""
    from sklearn.manifold import ClassicalMDS, smacof

    apart = potential_distances(points, STEPS, kernel=AlphaDecay(5), alpha=0.0)
    start = ClassicalMDS(n_components=2, metric="precomputed").fit_transform(apart)
    plane, _stress = smacof(apart, n_components=2, init=start, n_init=1, random_state=0, normalized_stress=False)
    return np.asarray(plane)


def components(points: Points) -> Points:
    """The first two principal components."""
    from sklearn.decomposition import PCA

    return np.asarray(PCA(2, svd_solver="full").fit_transform(points))


def _mean_off(matrix: Points) -> float:
    return float(matrix[np.triu_indices(len(matrix), 1)].mean())


def _thousandths(plane: Points) -> list[list[int]]:
    centred = plane - plane.mean(axis=0)
    return np.round(1000 * centred / np.abs(centred).max()).astype(int).tolist()


def figure(cells: list[Cell]) -> Figure:
    """The first network in its potential embedding."""
    return unfolding.planes(cells, "potential", cells[0].key["network"])


FURTHER: Mapping[str, Callable[[list[Cell]], Figure]] = {
    "pca": lambda cells: unfolding.planes(cells, "PCA", cells[0].key["network"]),
    "transformer": lambda cells: unfolding.planes(cells, "potential", cells[-1].key["network"]),
    "distances": lambda cells: unfolding.heat_maps(cells, cells[0].key["network"]),
}
"""PCA beside, a transformer, and the distances between extrema."""


def table(cells: list[Cell]) -> str:
    """The numbers of both planes before training and at its end."""
    return unfolding.table(cells)


def check(cells: list[Cell]) -> list[Verdict]:
    """Against expected.toml."""
    whole = [cell for cell in cells if cell.key["train"] != SMOKE.cells.common["train"]]
    return compare("embedding", cells, unfolding.numbers(whole) if whole else {})
