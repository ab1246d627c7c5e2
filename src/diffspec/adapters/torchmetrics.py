"""DSE and DSMI as metrics of torchmetrics, of a fixed number of random points of all that were seen."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import torch

from diffspec import Adjusted, Estimate, dse, dsmi
from diffspec._checks import integer, plain_seed
from diffspec.adapters.rows import DIGITS, LEADING, checked, parts, smallest
from diffspec.errors import InputError, MissingExtraError
from diffspec.kernels import AlphaDecay, Kernel
from diffspec.measures.asked import asked

try:
    from torchmetrics import Metric
except ImportError:
    raise MissingExtraError("diffspec.adapters.torchmetrics", "torchmetrics") from None

__all__ = [
    "AdjustedDiffusionSpectralMutualInformation",
    "DiffusionSpectralEntropy",
    "DiffusionSpectralMutualInformation",
]

Tensor: TypeAlias = Any


class _Sampled(Metric):
    """A uniform random sample of at most `size` rows of all that come, and a measure of it.

    Every row gets a random key, and the rows of the smallest keys are kept: of batches, of processes and of metrics
    that are merged alike. The rows are one flat float32 state, since torchmetrics gathers flat states also from a
    process that saw nothing.
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False

    rows: list[Tensor]
    sizes: Tensor

    def __init__(
        self,
        size: int = 1000,
        *,
        kernel: Kernel = AlphaDecay(),
        alpha: float = 0.5,
        t: float | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.size, self.seed = integer(size, "size", least=2), plain_seed(seed, "seed")
        how = asked(kernel, alpha=alpha, t=t)
        self._walk: dict[str, Any] = {"kernel": kernel, "alpha": how.alpha, "t": how.t}
        self.estimate: Estimate | None = None
        self._drawn = 0
        self.add_state("rows", default=[], dist_reduce_fx="cat")
        # Beside the width of a row what tells samples apart: a collection shares the states of metrics that look alike.
        self.add_state("sizes", default=torch.tensor([0, self.size, self.seed]), dist_reduce_fx="max")

    def update(self, points: Tensor, labels: Tensor | None = None) -> None:
        """Take in a batch.

        Parameters
        ----------
        points : tensor (b, d)
            Of any floating dtype and device; kept in float32.
        labels : tensor (b,), optional
            Their classes, integers below 2^24.

        Raises
        ------
        InputError
            Another shape, dtype or width than before, NaN, no labels where they are needed.
        """
        points, labels = checked(points, labels, needed=self._labelled())
        width, known = LEADING + points.shape[1], int(self.sizes[0])
        if known not in (0, width):
            raise InputError(f"points must have {known - LEADING} features as before, got {width - LEADING}")
        self.sizes[0] = width
        keys = torch.as_tensor(self._keys(len(points)), device=points.device)
        coming = torch.cat([keys, labels.float()[:, None], points.float()], dim=1)
        self.rows = [smallest(torch.cat([*self._tables(), coming.to(self.sizes.device)]), self.size).flatten()]

    def compute(self) -> Tensor:
        """The measure of the sample, a float32 scalar in bits; `estimate` has its error and verdict.

        Raises
        ------
        InputError
            Fewer than two points were seen.
        """
        tables = self._tables()
        n = sum(map(len, tables))
        if n < 2:
            raise InputError(f"{type(self).__name__} needs at least 2 points, got {n}; call update(points) before")
        self.estimate = self._measured(smallest(torch.cat(tables), self.size))
        return torch.tensor(float(self.estimate), dtype=torch.float32, device=self.sizes.device)

    def forward(self, points: Tensor, labels: Tensor | None = None) -> Tensor:
        """Take in a batch, and give the measure of this batch alone."""
        self.update(points, labels)
        # Not by torchmetrics' own way, which takes the batch in by itself: its keys would be drawn once more.
        some, classes = checked(points, labels, needed=self._labelled())
        batch = torch.cat([torch.zeros(len(some), 2), classes.float().cpu()[:, None], some.float().cpu()], dim=1)
        value = torch.tensor(float(self._measured(batch)), dtype=torch.float32, device=self.sizes.device)
        self._forward_cache = value
        return value

    def reset(self) -> None:
        """Forget all points. What comes next, in the same order, is sampled as it was before."""
        super().reset()
        self._drawn, self.estimate = 0, None

    def merge_state(self, incoming_state: Any) -> None:
        """Take in the sample of another metric, or of its state.

        Raises
        ------
        InputError
            Both drew the same random numbers, so that together they are no random sample.
        """
        before = self._copy_state_dict()
        super().merge_state(incoming_state)
        theirs = incoming_state["sizes"] if isinstance(incoming_state, dict) else incoming_state.sizes
        try:
            self.rows = self._merged(before["sizes"], theirs)
        except InputError:
            for name, value in before.items():
                setattr(self, name, value)
            raise

    def _merged(self, ours: Tensor, theirs: Tensor) -> list[Tensor]:
        """The sample of the rows that were brought together."""
        for place, what in enumerate(("features", "size")):
            one, other = int(ours[place]), int(theirs[place])
            if one != other and (place or (one and other)):
                shift = 0 if place else LEADING
                raise InputError(f"metrics that are merged must have one {what}, got {one - shift} and {other - shift}")
        tables = self._tables()
        if not tables:
            return []
        rows = torch.cat(tables)
        if len(torch.unique(rows[:, :2], dim=0)) < len(rows):
            raise InputError(f"both metrics drew with seed {self.seed}; give one of them another seed, then merge them")
        return [smallest(rows, self.size).flatten()]

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """A figure and its axes of `val`, one value or several; of `compute()` where none is given."""
        return self._plot(val, ax)

    def set_dtype(self, dst_type: Any) -> Any:
        """Refused: keys and labels need float32.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(f"a sample is kept in float32, got set_dtype({dst_type}); leave it out")

    def _tables(self) -> list[Tensor]:
        """What is kept, as rows; after a gathering, of all processes."""
        kept = self.rows if isinstance(self.rows, list) else [self.rows]
        return [part.to(self.sizes.device).reshape(-1, int(self.sizes[0])) for part in kept if part.numel()]

    def _keys(self, count: int) -> np.ndarray[Any, Any]:
        """Two halves of a random key for each of the rows that come next: others in every process."""
        shared = torch.distributed
        rank = shared.get_rank() if shared.is_available() and shared.is_initialized() else 0
        stream = np.random.Philox(key=[self.seed, rank]).advance(self._drawn)
        self._drawn += count
        drawn = np.random.Generator(stream).random((count, 4))[
            :, :1
        ]  # a step of Philox gives four; a row takes one step
        high, rest = np.divmod(drawn * DIGITS, 1.0)
        return np.hstack([high, np.floor(rest * DIGITS)]).astype(np.float32)

    def _labelled(self) -> bool:
        return True

    def _measured(self, rows: Tensor) -> Estimate:
        raise NotImplementedError


class DiffusionSpectralEntropy(_Sampled):
    """Diffusion spectral entropy of representations, in bits.

    Parameters
    ----------
    size : int
        How many points are kept, a uniform random sample of all that come (default 1000). Values at different sizes are
        not compared: entropies of more points are larger.
    kernel, alpha, t
        As for `diffspec.dse`.
    seed : int
        Draws the sample. The same points in the same order are sampled alike, in every epoch.
    **kwargs
        As for `torchmetrics.Metric`, for example ``sync_on_compute=False``.

    Raises
    ------
    InputError
        Arguments that cannot be used.

    Notes
    -----
    An update costs a sort of `size` rows, `compute` what `diffspec.dse` costs on them: O(size^3), .3 s at 1000. Memory
    4 size (d + 3) bytes, whatever the number of updates, and as much per process while these are gathered.
    `estimate` is the whole `Estimate` of the last `compute`, with its error and verdict. Labels are taken and left, so
    that metrics with labels may be in one collection with it; all share one sample then.

    References
    ----------
    liao2024dse, Definition 4.1.
    """

    def _labelled(self) -> bool:
        return False

    def _measured(self, rows: Tensor) -> Estimate:
        return dse(parts(rows)[0], **self._walk)


class DiffusionSpectralMutualInformation(_Sampled):
    """Diffusion spectral mutual information of representations and labels, in bits.

    Parameters
    ----------
    size, kernel, alpha, t, seed, **kwargs
        As for `DiffusionSpectralEntropy`.

    Raises
    ------
    InputError
        Arguments that cannot be used.

    Notes
    -----
    As `diffspec.dsmi` with size-matched subsets, on the sample; at another size the value is another.

    References
    ----------
    liao2024dse, Definition 4.2.
    """

    def _measured(self, rows: Tensor) -> Estimate:
        return dsmi(*parts(rows), **self._walk)


class AdjustedDiffusionSpectralMutualInformation(_Sampled):
    """Adjusted diffusion spectral mutual information of representations and labels, in bits: to compare networks.

    Parameters
    ----------
    size, kernel, alpha, t, seed, **kwargs
        As for `DiffusionSpectralEntropy`.

    Raises
    ------
    InputError
        Arguments that cannot be used.

    Notes
    -----
    As `diffspec.adjusted_dsmi`, on the sample: the entropy of the labels where classes are apart, near 0 by chance.

    References
    ----------
    liao2024dse, Definition 4.2; vinh2010adjusted, Eqn 4.
    """

    def _measured(self, rows: Tensor) -> Estimate:
        return dsmi(*parts(rows), estimator=Adjusted(), **self._walk)
