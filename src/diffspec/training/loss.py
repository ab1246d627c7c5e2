"""Spectral entropy and information of a batch as differentiable losses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from diffspec._arrays import Array, as_float64, as_points, take_square
from diffspec._checks import generator_of
from diffspec._foreign import as_array
from diffspec.errors import InputError
from diffspec.kernels import Gaussian, Kernel
from diffspec.measures.asked import asked
from diffspec.measures.estimators import Estimator, Literal, check_difference
from diffspec.operators.dense import diffusion
from diffspec.points.groups import Grouping, check_grouping, partition_of
from diffspec.results.estimate import BIT, NATS_PER
from diffspec.solvers import Exact
from diffspec.spectra.spectrum import check_time, entropy_of

__all__ = ["DSELoss", "DSMILoss"]


class DSELoss(torch.nn.Module):
    """Minus the diffusion spectral entropy of a batch, in bits (or plus it, to discourage entropy).

    Add it, weighted, to the loss of a network: minimising it spreads the representation over more directions at the
    scale sigma, or contracts it with ``encourage=False``.

    Parameters
    ----------
    kernel : Kernel
        A bandwidth rule is resolved on every batch and held constant in the gradient. So the gradient rewards growth of
        the scale as it does with a number, though the value does not: recipe `loss`, where the scale doubles.
    alpha, t
        As for `diffspec.dse`.
    encourage : bool
        Whether higher entropy lowers the loss.

    Notes
    -----
    Exact eigenvalues, O(b^3) for a batch of b and its gradient; float64 inside where the device has it. The gradient of
    an eigenvalue sum needs no gaps between eigenvalues, so it is finite for repeated eigenvalues and duplicated points;
    where a kernel has a cusp (`AlphaDecay` with a decay below 2, at distance 0) equal points do not pull at each other.

    Examples
    --------
    >>> import torch
    >>> from diffspec.training import DSELoss
    >>> z = torch.randn(32, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    >>> DSELoss()(z).backward()
    >>> bool(z.grad.isfinite().all())
    True
    """

    def __init__(
        self, *, kernel: Kernel = Gaussian(), alpha: float = 0.5, t: float = 1.0, encourage: bool = True
    ) -> None:
        super().__init__()
        how = asked(kernel, alpha=alpha, t=check_time(t))
        self.kernel, self.alpha, self.t = how.kernel, how.alpha, how.t
        self.sign = -1.0 if encourage else 1.0

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """The loss of `points` of shape (b, d): a scalar in bits, in their dtype.

        Raises
        ------
        InputError
            Points that `diffspec.dse` would refuse.
        """
        affinity = _affinity(points, self.kernel)
        entropy = _entropy(affinity, np.arange(len(points)), self.alpha, self.t)
        return (self.sign / NATS_PER[BIT] * entropy).to(points.dtype)


class DSMILoss(torch.nn.Module):
    """Minus the diffusion spectral mutual information of a batch and its labels, in bits (or plus it).

    Parameters
    ----------
    kernel, alpha, t, encourage
        As for `DSELoss`.
    estimator : Literal or Matched
        `Literal()` (default) uses every point of the batch and draws nothing; `Matched(r)` draws subsets anew at every
        call from `seed`.
    groups : Grouping, optional
        As for `diffspec.dsmi`.
    seed : int
        Seed of the matched subsets.
    """

    def __init__(
        self,
        *,
        kernel: Kernel = Gaussian(),
        alpha: float = 0.5,
        t: float = 1.0,
        estimator: Estimator = Literal(),
        groups: Grouping | None = None,
        encourage: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        how = asked(kernel, alpha=alpha, t=check_time(t))
        self.kernel, self.alpha, self.t = how.kernel, how.alpha, how.t
        self.estimator, self.groups = check_difference(estimator), groups
        check_grouping(groups)
        self.sign = -1.0 if encourage else 1.0
        self.rng = generator_of(seed, name="seed")

    def forward(self, points: torch.Tensor, reference: Any) -> torch.Tensor:
        """The loss of `points` (b, d) with labels (b,): a scalar in bits, in the points' dtype.

        Raises
        ------
        InputError
            Points or labels that `diffspec.dsmi` would refuse.
        """
        affinity = _affinity(points, self.kernel)
        partition = partition_of(reference, self.groups, len(points))
        total = torch.zeros((), dtype=affinity.dtype, device=affinity.device)
        compared = self.estimator.subsets(partition, self.rng)
        for members, subsets in zip(partition.members(), compared, strict=True):
            within = _entropy(affinity, members, self.alpha, self.t)
            among = sum(_entropy(affinity, subset, self.alpha, self.t) for subset in subsets) / len(subsets)
            total = total + len(members) / len(points) * (among - within)
        return (self.sign / NATS_PER[BIT] * total).to(points.dtype)


def _affinity(points: torch.Tensor, kernel: Kernel) -> Array:
    if not isinstance(points, torch.Tensor):
        raise InputError(f"a loss needs a torch tensor, got {type(points).__name__}; use diffspec.dse for a number")
    if not points.dtype.is_floating_point:  # in the dtype of integers a loss would lose its fraction and all gradients
        raise InputError(f"a loss needs real floating points, got {points.dtype}; use points.float() or diffspec.dse")
    resolved = kernel.resolve(as_points(points), np.random.default_rng(0))
    return resolved(as_float64(as_array(points, "points")))  # `as_points` gives them without their gradient


def _entropy(affinity: Array, indices: np.ndarray[Any, Any], alpha: float, t: float) -> Array:
    """The entropy of the points at `indices`, in nats, as a tensor that keeps its gradient."""
    if len(indices) == 1:
        return affinity[0, 0] * 0.0
    operator = diffusion(take_square(affinity, indices), alpha)
    return entropy_of(Exact()(replace(operator, disposable=False), np.random.default_rng(0)), t)
