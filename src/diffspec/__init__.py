"""Diffusion spectral entropy and mutual information of neural representations."""

from diffspec import (
    _interrupt,  # noqa: F401  # before all that takes its time to import
    bandwidth,  # noqa: F401  # rules are written diffspec.bandwidth.Median()
)
from diffspec._version import __version__
from diffspec.conventions import paper
from diffspec.errors import DiffspecError, InputError, MissingExtraError, RunLogWarning, TooLargeError
from diffspec.inference.agreement import Agreement, Correlation, agreement
from diffspec.inference.comparison import Comparison, compare
from diffspec.inference.permutation import GroupTest, PermutationTest, permutation_test
from diffspec.inference.ranking import Ranked, Ranking, rank
from diffspec.inference.resampling import Interval, interval
from diffspec.inference.shuffles import shuffle_test
from diffspec.kernels import AlphaDecay, Cosine, Gaussian, Precomputed, SelfTuning
from diffspec.kernels.graphs import NearestNeighbors, Thresholded
from diffspec.measures.adjusted import adjusted_dsmi
from diffspec.measures.entropy import dse, spectrum
from diffspec.measures.estimators import Adjusted, Literal, Matched
from diffspec.measures.information import dsmi
from diffspec.measures.profiles.curves import Curve, Profile
from diffspec.measures.profiles.profile import profile
from diffspec.measures.profiles.scale_shape import ScaleShape, scale_and_shape
from diffspec.measures.walk import diffuse, diffusion_map, diffusion_matrix, potential_distances
from diffspec.points.groups import Bins, Clusters, KMeans, Labels, Partition
from diffspec.results.estimate import Estimate, Group, Settings
from diffspec.solvers import Chebyshev, Exact, Lanczos, LowRank
from diffspec.solvers.choice import Choice, choose
from diffspec.spectra.spectrum import Spectrum
from diffspec.spectra.times import choose_time

__all__ = [
    "Adjusted",
    "Agreement",
    "AlphaDecay",
    "Bins",
    "Chebyshev",
    "Choice",
    "Clusters",
    "Comparison",
    "Correlation",
    "Cosine",
    "Curve",
    "DiffspecError",
    "Estimate",
    "Exact",
    "Gaussian",
    "Group",
    "GroupTest",
    "InputError",
    "Interval",
    "KMeans",
    "Labels",
    "Lanczos",
    "Literal",
    "LowRank",
    "Matched",
    "MissingExtraError",
    "NearestNeighbors",
    "Partition",
    "PermutationTest",
    "Precomputed",
    "Profile",
    "Ranked",
    "Ranking",
    "RunLogWarning",
    "ScaleShape",
    "SelfTuning",
    "Settings",
    "Spectrum",
    "Thresholded",
    "TooLargeError",
    "__version__",
    "adjusted_dsmi",
    "agreement",
    "choose",
    "choose_time",
    "compare",
    "diffuse",
    "diffusion_map",
    "diffusion_matrix",
    "dse",
    "dsmi",
    "interval",
    "paper",
    "permutation_test",
    "potential_distances",
    "profile",
    "rank",
    "scale_and_shape",
    "shuffle_test",
    "spectrum",
]
