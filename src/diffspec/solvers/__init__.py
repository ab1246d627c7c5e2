"""Solvers: an operator to its spectrum. Frozen values that are called; they see an operator and nothing else."""

from typing import Protocol, runtime_checkable

import numpy as np

from diffspec.operators.dense import Operator
from diffspec.solvers.chebyshev import Chebyshev
from diffspec.solvers.exact import Exact
from diffspec.solvers.lanczos import Lanczos
from diffspec.solvers.lowrank import LowRank
from diffspec.spectra.spectrum import Spectrum

__all__ = ["Chebyshev", "Exact", "Lanczos", "LowRank", "Solver"]


@runtime_checkable
class Solver(Protocol):
    """What the walk needs of a solver."""

    def __call__(self, operator: Operator, rng: np.random.Generator) -> Spectrum:
        """The spectrum of `operator`; random probes, if any, come from `rng`."""
        ...
