"""One file per figure or table of the paper: run it, draw it, compare it with what was published.

A recipe is a module with a docstring (title, claim, command, expected time), two frozen settings SMOKE and PAPER and
three functions: ``run(settings, log)`` measures cell by cell, ``figure(cells)`` draws what was measured and
``check(cells)`` compares it with `expected.toml`; a function ``table(cells)``, where there is one, goes to its page as
Markdown. Nothing here is imported by the library.
"""

from importlib import import_module
from types import ModuleType

ROOMS = {
    "intuition": "toy",
    "contraction": "toy",
    "dimension": "toy",
    "matrix-mix": "numerics",
    "tree": "toy",
    "blobs": "information",
    "blobs-tree": "information",
    "adjacency": "information",
    "runtime": "numerics",
    "subsampling": "numerics",
    "chebyshev": "numerics",
    "phate": "toy",
    "theory": "toy",
    "convention": "toy",
    "finite-sample": "numerics",
    "estimators": "information",
    "bandwidth": "bandwidth",
    "hubs": "bandwidth",
    "training": "training",
    "blocks": "studies",
    "embedding": "looks",
    "neurons": "looks",
    "initialisation": "studies",
    "initialisation-planes": "looks",
    "loss": "studies",
    "watching": "looks",
    "memorising": "looks",
    "imagenet-models": "models",
    "zoo": "models",
    "sentences": "models",
    "checkpoints": "models",
}
"""All recipes, in the order of the paper, with the folder of each; `blobs-tree` is the file `blobs_tree.py`."""

NAMES = tuple(ROOMS)


def load(name: str) -> ModuleType:
    """The module of the recipe `name`."""
    return import_module(f"recipes.{ROOMS[name]}.{name.replace('-', '_')}")
