"""The gate for what all measures are asked alike: kernel, alpha, t, solver, memory, tol and rng."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffspec._arrays import memory_for
from diffspec._checks import Seed, check_alpha, generator_of
from diffspec.kernels import Kernel
from diffspec.solvers import Solver
from diffspec.solvers.choice import check_tol, check_walk
from diffspec.spectra.spectrum import check_time

__all__ = ["Asked", "asked"]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """How to measure, checked."""

    kernel: Kernel
    alpha: float
    t: float
    solver: Solver | None
    memory: float | None
    tol: float
    rng: np.random.Generator


def asked(
    kernel: Kernel,
    *,
    alpha: float,
    t: float | None,
    solver: Solver | None = None,
    memory: float | None = None,
    tol: float = 1e-3,
    rng: Seed = 0,
) -> Asked:
    """What a measure was asked, or InputError for the first of it that cannot be used."""
    check_walk(kernel, solver)
    alpha, t = check_alpha(alpha), check_time(kernel.time if t is None else t)
    generator = generator_of(rng)
    if memory is not None:
        memory_for(memory)  # refuses what is no number; what is free is asked later
    return Asked(kernel, alpha, t, solver, memory, check_tol(tol), generator)
