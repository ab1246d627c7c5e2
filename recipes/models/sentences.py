"""Whether information tells how well sentences are classified.

Claim: the research code adds DSMI and CSMI to SentEval. No results were published.

Command: `python -m recipes sentences --paper`. Expected time: 20 s smoke, 3 min cpu, 30 min paper.

Tasks of SentEval: opinion (MR, CR, MPQA), subjectivity (SUBJ), kind of question (TREC). One encoder is the mean GloVe
vector of the words (100 dimensions, the 20,000 most frequent words). Two are transformers with random weights, which
know nothing but how often words are. All are set against the accuracy of a logistic regression in five-fold
cross-validation. Any other model of Hugging Face or sentence-transformers goes by its name in the settings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from diffspec import Matched
from diffspec.baselines import binned_information
from recipes.lab.drawing import COLOURS, panels
from recipes.lab.expected import Verdict, compare
from recipes.lab.log import Cell, Log, select
from recipes.lab.many import measure_all
from recipes.models.agreeing import Row, spearman, table_of
from recipes.models.encoders import BAG, RANDOM, encode
from recipes.models.measures import ADJUSTED, MEASURES, measured
from recipes.models.texts import load

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CSMI = "CSMI(Z;Y), 2 bins"
ASKED = (ADJUSTED, "DSMI(Z;Y)", "DSMI(Z;Y), sigma = 10", "10-NN probe", "LogME", "H-score", "-NC1")
SHOWN = (ADJUSTED, "DSMI(Z;Y), sigma = 10", CSMI)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Tasks, encoders, and how many sentences are learned from and measured."""

    tasks: tuple[str, ...]
    encoders: tuple[str, ...]
    learned: int
    points: int


SMOKE = Settings(tasks=("made",), encoders=("bag of random vectors", RANDOM[0]), learned=100, points=60)
CPU = Settings(tasks=("MR", "CR", "MPQA", "SUBJ", "TREC"), encoders=(BAG, *RANDOM), learned=3000, points=1000)
PAPER = replace(CPU, encoders=(*CPU.encoders, "bert-base-uncased", "gpt2"), learned=20_000, points=10_000)


def run(settings: Settings, log: Log) -> None:
    """One cell per task and encoder."""
    numbers = {"learned": settings.learned, "points": settings.points}
    keys = [{"task": task, "encoder": name, **numbers} for task in settings.tasks for name in settings.encoders]
    measure_all(log, measure, keys, lambda key: 1.0)


def measure(task: str, encoder: str, learned: int, points: int) -> dict[str, Any]:
    """The accuracy of a logistic regression, and every measure of the first `points` sentences."""
    texts, labels = load(task, learned)
    embedded = encode(encoder, texts)
    some, theirs = embedded[:points], labels[:points]
    largest = float(np.bincount(labels).max() / len(labels))
    binned = float(binned_information(some, theirs, bins=2, estimator=Matched()))
    return {
        "accuracy": float(f"{regression(embedded, labels):.4g}"),
        "largest class": round(largest, 4),
        "d": embedded.shape[1],
        CSMI: float(f"{binned:.6g}"),
        **measured(some, theirs, ASKED),
    }


def regression(points: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> float:
    """The accuracy of a logistic regression on standardised points, in five-fold cross-validation."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    return float(np.mean(cross_val_score(model, points, labels, cv=5)))


def figure(cells: list[Cell]) -> Figure:
    """What the regression gains over the largest class, against three measures; a colour per encoder."""
    figure, axes = panels(1, len(SHOWN), size=(3.0, 2.6))
    encoders = list(dict.fromkeys(cell.key["encoder"] for cell in cells))
    for axis, measure in zip(axes[0], SHOWN, strict=True):
        for encoder, colour in zip(encoders, COLOURS, strict=False):
            own = [cell for cell in select(cells, encoder=encoder) if measure in cell.values]
            axis.scatter([cell.values[measure] for cell in own], [_gain(cell) for cell in own], s=14, color=colour)
            for cell in own:
                place = (cell.values[measure], _gain(cell))
                axis.annotate(cell.key["task"], place, fontsize=6, xytext=(3, 2), textcoords="offset points")
            axis.plot([], [], "o", color=colour, ms=4, label=encoder)
        axis.set_title(f"Spearman {spearman(rows(cells), measure)}", fontsize=8)
        axis.set_xlabel(f"{measure} [bit]", fontsize=8)
    axes[0, 0].set_ylabel("accuracy less the largest class", fontsize=8)
    axes[0, 0].legend(fontsize=6, frameon=False)
    return figure


def _gain(cell: Cell) -> float:
    return float(cell.values["accuracy"] - cell.values["largest class"])


def rows(cells: list[Cell]) -> list[Row]:
    """A row per task and encoder; for its accuracy the gain over the largest class."""
    return [
        Row(
            name=f"{cell.key['task']}, {cell.key['encoder']}",
            group=cell.key["task"],
            family=cell.key["encoder"],
            accuracy=_gain(cell),
            values={name: cell.values[name] for name in (*MEASURES, CSMI) if name in cell.values},
        )
        for cell in cells
    ]


def table(cells: list[Cell]) -> str:
    """Every cell, and the rank correlations over all of them and over the tasks of each encoder."""
    shown = (CSMI, *ASKED)
    lines = [
        f"| task | encoder | accuracy (largest class) | {' | '.join(shown)} |",
        "|---|---|---|" + "---|" * len(shown),
    ]
    for cell in cells:
        told = " | ".join(f"{cell.values[name]:.3f}" if name in cell.values else "" for name in shown)
        accuracy = f"{cell.values['accuracy']:.3f} ({cell.values['largest class']:.3f})"
        lines.append(f"| {cell.key['task']} | {cell.key['encoder']} | {accuracy} | {told} |")
    found = rows(cells)
    groups = {"all": found} | {
        name: [row for row in found if row.family == name] for name in dict.fromkeys(row.family for row in found)
    }
    words = "Spearman with what the regression gains over the largest class, 95 % intervals in brackets:"
    return "\n".join(lines) + f"\n\n{words}\n\n{table_of(groups, shown)}"


def check(cells: list[Cell]) -> list[Verdict]:
    """Against expected.toml."""
    whole = [cell for cell in cells if cell.key["task"] not in SMOKE.tasks]
    found = rows(whole)
    return compare("sentences", cells, {name: spearman(found, name).value for name in (CSMI, *ASKED)} if whole else {})
