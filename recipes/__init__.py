"""One file per figure or table of the paper: run it, draw it, compare it with what was published.

A recipe is a module with a docstring (title, claim, command, expected time), two frozen settings SMOKE and PAPER and
three functions: ``run(settings, log)`` measures cell by cell, ``figure(cells)`` draws what was measured and
``check(cells)`` compares it with `expected.toml`; a function ``table(cells)``, where there is one, goes to its page as
Markdown. Nothing here is imported by the library.
"""

from importlib import import_module
from types import ModuleType

NAMES = (
    "intuition",
    "contraction",
    "dimension",
    "matrix-mix",
    "tree",
    "blobs",
    "blobs-tree",
    "adjacency",
    "runtime",
    "subsampling",
    "chebyshev",
    "phate",
    "theory",
    "convention",
    "finite-sample",
    "estimators",
    "bandwidth",
)
"""All recipes, in the order of the paper; `blobs-tree` is the file `blobs_tree.py`."""


def load(name: str) -> ModuleType:
    """The module of the recipe `name`."""
    return import_module(f"recipes.{name.replace('-', '_')}")
