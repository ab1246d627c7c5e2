"""A run log that was really measured: digits moved in known ways over six steps, as three conditions.

Contrastive: only the scale grows. Supervised: it grows and true classes draw apart. Wrong labels: it grows
and classes drawn by lot draw apart.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from diffspec import Clusters, Estimate, Labels, ScaleShape, conventions, dsmi, scale_and_shape, spectrum
from diffspec.points.groups import Partition
from diffspec.runs.log import RunLog

STEPS, LAYER = 6, "penultimate"
RUNS = ("supervised", "contrastive", "wrong labels")
RULES = {"sigma = 10": conventions.paper, "neighbors": conventions.default}  # those of the monitor
MEASURES = ("DSE(Z)", "DSMI(Z;Y)", "DSMI(Z;X)")


def write_log(folder: Path) -> Path:
    """The log at `folder`/run.jsonl; measured once per process."""
    path = folder / "run.jsonl"
    path.write_text(measured_text())
    return path


@cache
def measured_text() -> str:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        _measure_all(RunLog(path))
        return path.read_text()


def _measure_all(log: RunLog) -> None:
    images, digits = load_digits(return_X_y=True)
    images, digits = images[:120], digits[:120]
    lots = np.random.default_rng(0).permutation(digits)
    references = {"DSMI(Z;Y)": Labels()(digits), "DSMI(Z;X)": Clusters(5, seed=0)(images)}
    for run in RUNS:
        log.write("settings", run=run, values={"data": "digits", "seed": 0, "optimizer": {"name": "none"}})
        for step in range(STEPS):
            points = _embedding(run, step, images, digits if run == "supervised" else lots)
            _measure(log, run, step, points, references)
            _train(log, run, step, points, digits)
            if step:
                first = _embedding(run, 0, images, digits if run == "supervised" else lots)
                _change(log, run, step, scale_and_shape(first, points, sigma=10.0))


def _embedding(run: str, step: int, images: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Images times a growing scale, each drawn towards the mean of its group unless the run is contrastive."""
    scale = 0.02 * (2.6 if run == "wrong labels" else 2.2) ** step
    pull = 0.0 if run == "contrastive" else 0.17 * step
    means = np.stack([images[groups == group].mean(axis=0) for group in range(10)])
    return scale * ((1.0 - pull) * images + pull * means[groups])


def _measure(log: RunLog, run: str, step: int, points: np.ndarray, references: dict[str, Partition]) -> None:
    for rule, walk in RULES.items():
        found = spectrum(points, **walk)
        where = {"run": run, "step": step, "layer": LAYER, "rule": rule}
        _number(log, "DSE(Z)", found.shannon(), where)
        for name, reference in references.items():
            _number(log, name, dsmi(points, reference, **walk, rng=step), where)
        log.write("spectrum", **where, values=[float(value) for value in found.nodes[:40]])
    distances = np.sqrt(np.square(points[:, None] - points[None]).sum(axis=2))[np.triu_indices(len(points), 1)]
    where = {"run": run, "step": step, "layer": LAYER, "name": "median distance", "rule": None}
    log.write("number", **where, value=float(np.median(distances)), unit="", stderr=None, n=len(points))


def _change(log: RunLog, run: str, step: int, split: ScaleShape) -> None:
    for part in split.estimates():
        where = {"run": run, "step": step, "layer": LAYER, "rule": "sigma = 10"}
        name = part.measure.replace("DSE", "DSE(Z)")
        log.write("number", **where, name=name, value=part.value, unit="bit", n=part.n, settings={"since": 0})


def _number(log: RunLog, name: str, estimate: Estimate, where: dict[str, object]) -> None:
    plain = estimate.to_dict()
    kept = {key: plain[key] for key in ("value", "unit", "stderr", "n", "verdict", "ceiling", "settings")}
    log.write("number", **where, name=name, **kept, seconds=0.0)


def _train(log: RunLog, run: str, step: int, points: np.ndarray, digits: np.ndarray) -> None:
    """The accuracy of nearest neighbours on the second half, and the two leading coordinates as a picture."""
    half = len(points) // 2
    accuracy = KNeighborsClassifier(3).fit(points[:half], digits[:half]).score(points[half:], digits[half:])
    log.write("scalar", run=run, step=step, name="accuracy", value=float(accuracy))
    plane = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    x, y = (plane.U[:, :2] * plane.S[:2]).T.tolist()
    log.write("picture", run=run, step=step, layer=LAYER, method="PCA", x=x, y=y, classes=digits.tolist())
