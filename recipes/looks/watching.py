"""Which number of DSE to watch in a training.

Claim: under its defaults DSE is honest and nearly blind: all trained networks have between .68 and .83 log n, and a
supervised curve moves by .2 bit. A number that tells learning from memorising should be there in the same spectrum.

Command: `python -m recipes watching --paper`. Expected time: 30 s smoke, 20 min a seed of cells cpu, days of a GPU
paper; 4 min a seed where the cells of `training` are there.

A new default would have to do five things:

1. tell a learning from a memorising network at epochs 1 and 2 at least as often as the held-out accuracy does;
2. order the epochs of a supervised training: |Spearman| of .9 in the median and one sign in 90 % of the cells;
3. move by less than a quarter of a training over seeds;
4. and no more with the number of points;
5. not follow the scale.

What we find:

- Nothing does all five, so no default changes. "Before the accuracy" cannot be met: the accuracy of held-out images
  tells the two apart in every pair from epoch 1 on.
- With labels, H(Z given Y) / log2(n / classes) does the other four. It falls in every supervised training. By its
  change it tells 89 % of the pairs at epoch 1 and 97 % at epoch 2, where adjusted DSMI tells 77 % and 89 %. It moves by
  a fifth of a training from 500 to 1500 points. Its bits, without the division, move by three trainings.
- Without labels, DSE at t = 30 or 100 is the number to look at beside the default. From 500 to 1500 points it moves by
  a tenth of a training. The default at t = 3 moves by six, and its share of log2 n by one. It tells nearly every
  memorising network at its end: its clusters are gone. It does not order the epochs of learning. It rises on MNIST, and
  on colour images it rises and falls.
- The time at which DSE passes log2(classes) is as stable as DSE at t = 30, and says less at the end.
- The profile over k and the effective rank tell less, at every epoch.
- The paper's DSE at sigma = 10 orders epochs in 87 % of the cells. It follows the scale, so it rises where memorising
  too.

An epoch of wrong labels is 50 batches, one of true labels 125 (63 of Imagenette). A movement of 500 to 1500 points is
one to 800 on Imagenette, and of the first seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log
from recipes.lab.many import measure_all
from recipes.looks import candidates, judging, kept
from recipes.training import cells as _cells
from recipes.training import drawing, training

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALED = 1000.0
"""What points are multiplied by, to see what follows their scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Which cells of `training`, and of how many points the last look is measured again."""

    cells: training.Settings
    fewer: int
    more: int
    """For the first seed."""


SMOKE = Settings(cells=replace(training.SMOKE, conditions=("supervised", "wrong labels")), fewer=20, more=60)
CPU = Settings(cells=training.CPU, fewer=500, more=1500)
PAPER = Settings(cells=training.PAPER, fewer=500, more=2000)


def run(settings: Settings, log: Log) -> None:
    """One cell per cell of `training`; of the first seed with other numbers of points."""
    first = settings.cells.seeds[0]
    keys = [
        {**key, "counts": [settings.fewer, settings.more] if key["seed"] == first else []}
        for key in training.plan(settings.cells)
    ]
    measure_all(log, partial(measure, results=kept.beside(log)), keys, lambda key: 1.0)


def measure(results: str, counts: list[int], **key: Any) -> dict[str, Any]:
    """Every candidate at every look; at the last one with other numbers of points, and with points scaled, too."""
    curves, folder = kept.trained(key, results)
    looks = list(kept.embeddings(folder, curves["looks"]))
    classes = len(curves["class accuracy by epoch"][-1])
    at = [curves["looks"].index(epoch) for epoch, _look in looks]
    n = min(key.get("measured", _cells.MEASURED), len(looks[0][1][0]))
    found = [
        candidates.of_curves(curves, place, classes=classes, n=n) | candidates.of_points(points)
        for place, (_epoch, (points, _labels)) in zip(at, looks, strict=True)
    ]
    table = {name: [_short(each[name]) for each in found] for name in candidates.NAMES}
    known = {name: [curves[name][place] for place in at] for name in ("accuracy", judging.ADJUSTED)}
    if trained := curves.get("train accuracy by epoch"):
        known["train accuracy"] = [trained[epoch] for epoch, _look in looks]
    return {"looks": [epoch for epoch, _look in looks], **table, **known, **_again(*looks[-1][1], counts, classes)}


def _again(points: Any, labels: Any, counts: list[int], classes: int) -> dict[str, Any]:
    """The last look of each of `counts` points, and of few points what multiplying them changes."""
    found = [candidates.measure(points[:n], labels[:n], classes) for n in counts]
    some, theirs = points[: candidates.FEWER], labels[: candidates.FEWER]
    plain, scaled = (candidates.measure(factor * some, theirs, classes) for factor in (1.0, SCALED))
    moved = {name: _short(abs(scaled[name] - plain[name]) / max(abs(plain[name]), 1e-3)) for name in plain}
    return {
        "by points": {name: [_short(each[name]) for each in found] for name in plain if found},
        "moved by scale": moved,
    }


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def figure(cells: list[Cell]) -> Figure:
    """Every candidate's share of pairs told apart, by epoch, and what it does over seeds and points."""
    return judging.figure(judged(cells))


def curves(cells: list[Cell]) -> Figure:
    """What sees clusters, the default and the paper's against the epoch."""
    return drawing.against_epoch(cells, ("DSE, t = 30", "DSE, t = 3", "DSE, sigma = 10"))


FURTHER: Mapping[str, Callable[[list[Cell]], Figure]] = {"epoch": curves}
"""Candidates against the epoch."""


def judged(cells: Sequence[Cell]) -> list[judging.Judged]:
    """What is known without the entropy, then every candidate."""
    return [judging.judge(cells, name) for name in (*judging.KNOWN, *candidates.NAMES)]


def table(cells: list[Cell]) -> str:
    """Every candidate under every criterion."""
    return judging.table(judged(cells))


def check(cells: list[Cell]) -> list[Verdict]:
    """Against expected.toml."""
    whole = [cell for cell in cells if cell.key["train"] != SMOKE.cells.common["train"]]
    return compare("watching", cells, judging.numbers(judged(whole)) if whole else {})
