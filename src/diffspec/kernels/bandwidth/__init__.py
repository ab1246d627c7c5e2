"""Rules that choose sigma, the width of a Gaussian kernel, from the data.

A rule is a small value that is called on points and returns sigma in the points' own unit. `Fixed` and `RootDimension`
apart, every rule scales with the data, so a measure that uses one does not change when the embedding is multiplied by
a constant. The number that a rule gave always goes into the settings of the result. docs/bandwidth.md has the evidence
for and against each.
"""

from diffspec.kernels.bandwidth.logsum import LogSum
from diffspec.kernels.bandwidth.nearest import Neighbors, NeighborShare
from diffspec.kernels.bandwidth.pairs import Median, Quantile, median_sigma
from diffspec.kernels.bandwidth.plain import Fixed, GeometricMean, RootDimension, Scaled
from diffspec.kernels.bandwidth.protocol import TINY, Rule, Sigma
from diffspec.kernels.bandwidth.resolving import NAMED, check_sigma, resolve_sigma

__all__ = [
    "NAMED",
    "TINY",
    "Fixed",
    "GeometricMean",
    "LogSum",
    "Median",
    "NeighborShare",
    "Neighbors",
    "Quantile",
    "RootDimension",
    "Rule",
    "Scaled",
    "Sigma",
    "check_sigma",
    "median_sigma",
    "resolve_sigma",
]
