"""Diffusion spectral entropy and mutual information of neural representations."""

from diffspec._version import __version__
from diffspec.entropy import dse, spectrum
from diffspec.errors import DiffspecError, InputError, MissingExtraError, RunLogWarning, TooLargeError
from diffspec.groups import Bins, Clusters, Labels, Partition
from diffspec.information import Literal, Matched, dsmi
from diffspec.kernels import Cosine, Gaussian, Precomputed, SelfTuning
from diffspec.result import Estimate, Group, Settings
from diffspec.solvers import Exact
from diffspec.spectrum import Spectrum

__all__ = [
    "Bins",
    "Clusters",
    "Cosine",
    "DiffspecError",
    "Estimate",
    "Exact",
    "Gaussian",
    "Group",
    "InputError",
    "Labels",
    "Literal",
    "Matched",
    "MissingExtraError",
    "Partition",
    "Precomputed",
    "RunLogWarning",
    "SelfTuning",
    "Settings",
    "Spectrum",
    "TooLargeError",
    "__version__",
    "dse",
    "dsmi",
    "spectrum",
]
