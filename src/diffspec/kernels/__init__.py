"""Kernels: points to affinities.

A kernel is a frozen value. `resolve` replaces a bandwidth rule by the number it gives on some points; calling the
resolved kernel gives the affinity matrix: symmetric, non-negative, a new array that the caller may overwrite.
"""

from diffspec.kernels.gaussian import SMALLEST, Cosine, Gaussian
from diffspec.kernels.local import AlphaDecay, SelfTuning
from diffspec.kernels.precomputed import Precomputed
from diffspec.kernels.protocol import Kernel, Storage

__all__ = ["SMALLEST", "AlphaDecay", "Cosine", "Gaussian", "Kernel", "Precomputed", "SelfTuning", "Storage"]
