"""Rules that choose sigma, the width of a Gaussian kernel; they live in `diffspec.kernels.bandwidth`."""

from diffspec.kernels.bandwidth import *  # noqa: F403
from diffspec.kernels.bandwidth import __all__  # noqa: F401
