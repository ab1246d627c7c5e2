"""Measures to compare with: estimators of entropy and information, and spectral measures of quality.

Every one is a function `points -> Estimate` or `(points, reference) -> Estimate` in bits (what is a count, a ratio or
in nats says so), with keyword settings; fix them with `functools.partial` and a comparison is a dict of callables. All
compute in NumPy on the host, in float64; torch is loaded when a neural one is called.
"""

from diffspec.baselines.information.binning import binned_entropy, binned_information
from diffspec.baselines.information.bounds import Training, infonce, mine, nwj, smile
from diffspec.baselines.information.conditional import conditional_ksg
from diffspec.baselines.information.divergence import kl_divergence
from diffspec.baselines.information.nearest import kozachenko_leonenko, ksg, mixed_ksg, ross
from diffspec.baselines.information.nonuniform import lnc
from diffspec.baselines.representations.cka import linear_cka
from diffspec.baselines.representations.collapse import lidar, neural_collapse
from diffspec.baselines.representations.dimension import gride, levina_bickel, two_nn
from diffspec.baselines.representations.leep import leep, n_leep, nce
from diffspec.baselines.representations.neighbors import label_overlap
from diffspec.baselines.representations.probes import knn_probe, logme
from diffspec.baselines.representations.shared_neighbors import information_imbalance, mutual_neighbors
from diffspec.baselines.representations.spectra import alpha_req, effective_rank, participation_ratio, stable_rank
from diffspec.baselines.representations.transfer import h_score
from diffspec.baselines.spectral.entries import entry_entropy, entry_information
from diffspec.baselines.spectral.fourier import fourier_entropy, fourier_information
from diffspec.baselines.spectral.gram import gram_entropy, gram_information, vendi_score
from diffspec.baselines.spectral.graphs import Nearest, adjacency_entropy, adjacency_information
from diffspec.baselines.spectral.joint import joint_information

__all__ = [
    "Nearest",
    "Training",
    "adjacency_entropy",
    "adjacency_information",
    "alpha_req",
    "binned_entropy",
    "binned_information",
    "conditional_ksg",
    "effective_rank",
    "entry_entropy",
    "entry_information",
    "fourier_entropy",
    "fourier_information",
    "gram_entropy",
    "gram_information",
    "gride",
    "h_score",
    "infonce",
    "information_imbalance",
    "joint_information",
    "kl_divergence",
    "knn_probe",
    "kozachenko_leonenko",
    "ksg",
    "label_overlap",
    "leep",
    "levina_bickel",
    "lidar",
    "linear_cka",
    "lnc",
    "logme",
    "mine",
    "mixed_ksg",
    "mutual_neighbors",
    "n_leep",
    "nce",
    "neural_collapse",
    "nwj",
    "participation_ratio",
    "ross",
    "smile",
    "stable_rank",
    "two_nn",
    "vendi_score",
]
