"""Sentence classification tasks of SentEval, and one that is made here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from recipes.lab.data import folder
from recipes.lab.images import MissingDataError

__all__ = ["TASKS", "Texts", "load"]

Texts: TypeAlias = tuple[list[str], np.ndarray[Any, Any]]

HOW = "put the task's files of SentEval there, or give another folder by --data DIR"
PAIRS = {
    "MR": ("rt-polarity.pos", "rt-polarity.neg"),
    "CR": ("custrev.pos", "custrev.neg"),
    "MPQA": ("mpqa.pos", "mpqa.neg"),
    "SUBJ": ("subj.subjective", "subj.objective"),
}
QUESTIONS = ("train_5500.label", "TREC_10.label")
MADE = ("good fine great sunny kind", "bad poor awful rainy cruel"), "the a film day was very we saw it and"


def load(task: str, count: int, seed: int = 0) -> Texts:
    """`count` sentences of `task`, drawn from all of them in random order, and their classes.

    Raises
    ------
    MissingDataError
        Names the file that is missing.
    """
    texts, labels = TASKS[task](folder() / "senteval")
    order = np.random.default_rng(seed).permutation(len(texts))[:count]
    return [texts[at] for at in order], labels[order]


def _pair(positive: str, negative: str) -> Callable[[Path], Texts]:
    def read(root: Path) -> Texts:
        parts = [_lines(root / name) for name in (negative, positive)]
        return [line for part in parts for line in part], np.repeat([0, 1], [len(part) for part in parts])

    return read


def _questions(root: Path) -> Texts:
    """Six kinds of questions, of both parts."""
    rows = [line.split(" ", 1) for name in QUESTIONS for line in _lines(root / name, "latin-1")]
    kinds = np.array([kind.split(":")[0] for kind, _text in rows])
    return [text.lower() for _kind, text in rows], np.unique(kinds, return_inverse=True)[1]


def _made(_root: Path) -> Texts:
    """Sentences of a few words, one of which tells the class."""
    rng = np.random.default_rng(0)
    told, others = [words.split() for words in MADE[0]], MADE[1].split()
    labels = rng.integers(2, size=400)
    lines = [[*rng.choice(others, 4), rng.choice(told[label])] for label in labels]
    return [" ".join(rng.permutation(line)) for line in lines], labels


def _lines(path: Path, encoding: str = "utf-8") -> list[str]:
    if not path.is_file():
        raise MissingDataError(f"no file {path}; {HOW}")
    return [line.strip() for line in path.read_text(encoding=encoding).splitlines() if line.strip()]


TASKS: dict[str, Callable[[Path], Texts]] = {
    **{name: _pair(*files) for name, files in PAIRS.items()},
    "TREC": _questions,
    "made": _made,
}
"""By name; all but ``"made"`` are read from the folder of data."""
