"""Measures to compare with: classic, nearest-neighbour, neural and kernel estimators of entropy and information.

Every one is a function `points -> Estimate` or `(points, reference) -> Estimate` in bits (what counts something says
so), with keyword settings; fix them with `functools.partial` and a comparison is a dict of callables. All compute in
NumPy on the host, in float64; torch is loaded when a neural one is called.
"""

from diffspec.baselines.binning import binned_entropy, binned_information
from diffspec.baselines.entries import entry_entropy, entry_information
from diffspec.baselines.gram import gram_entropy, gram_information, vendi_score
from diffspec.baselines.graphs import Nearest, adjacency_entropy, adjacency_information
from diffspec.baselines.joint import joint_information
from diffspec.baselines.nearest import kozachenko_leonenko, ksg, mixed_ksg, ross
from diffspec.baselines.neural import Training, infonce, mine, smile

__all__ = [
    "Nearest",
    "Training",
    "adjacency_entropy",
    "adjacency_information",
    "binned_entropy",
    "binned_information",
    "entry_entropy",
    "entry_information",
    "gram_entropy",
    "gram_information",
    "infonce",
    "joint_information",
    "kozachenko_leonenko",
    "ksg",
    "mine",
    "mixed_ksg",
    "ross",
    "smile",
    "vendi_score",
]
