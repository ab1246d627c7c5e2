"""From points to a dense affinity and the settings that led to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diffspec._checks import Seed
from diffspec.baselines._samples import Floats
from diffspec.errors import InputError
from diffspec.kernels import Kernel
from diffspec.measures.asked import asked
from diffspec.measures.entropy import settings_of
from diffspec.results.estimate import Settings
from diffspec.solvers import Exact

__all__ = ["affinity_of"]


def affinity_of(values: Floats, kernel: Kernel, alpha: float, rng: Seed) -> tuple[Floats, Settings]:
    """The affinity of all points, and what led to it."""
    how = asked(kernel, alpha=alpha, t=None, rng=rng)
    resolved = kernel.resolve(values, how.rng)
    affinity = resolved(values)
    if not isinstance(affinity, np.ndarray):
        raise InputError(f"kernel must give a dense matrix, got {kernel!r}; use Gaussian()")
    settings = settings_of(values, kernel, resolved, alpha=how.alpha, solver=Exact(), rng=rng)
    return affinity, replace(settings, t=None)
