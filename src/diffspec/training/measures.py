"""What a monitor measures of a layer, as small values, and the held-out inputs it measures on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from diffspec._checks import integer, store
from diffspec.conventions import Walk, default, paper
from diffspec.entropy import dse
from diffspec.errors import InputError
from diffspec.groups import Clusters, Grouping, Partition, partition_of
from diffspec.information import Estimator, Matched, dsmi
from diffspec.result import Estimate

__all__ = ["DSE", "DSMI", "RULES", "Measure", "Probe", "standard"]

RULES: Mapping[str, Walk] = {"sigma = 10": paper, "neighbors": default}
"""The paper's fixed width, under which values follow the scale of the embedding, and the scale-free neighbour graph."""

TEN_CLUSTERS = Clusters(10, seed=0)


@dataclass(frozen=True, eq=False)
class Probe:
    """A fixed held-out set on which layers are measured.

    Parameters
    ----------
    inputs : tensor or mapping of tensors
        What the network takes; a mapping is given as keyword arguments.
    labels : array (n,), optional
        Class labels of the inputs (or a Partition), for DSMI(Z;Y) and for the colours of pictures.
    batch_size : int
        Inputs per forward pass.
    clusters : Grouping
        How the inputs, flattened, become the groups of DSMI(Z;X); found once and used at every step.

    Raises
    ------
    InputError
        Unequal lengths, fewer than two inputs, no tensor.
    """

    inputs: Any
    labels: Any = None
    batch_size: int = 256
    clusters: Grouping = TEN_CLUSTERS

    def __post_init__(self) -> None:
        store(self, batch_size=integer(self.batch_size, "batch_size", least=1))
        tensors = list(self.inputs.values()) if isinstance(self.inputs, Mapping) else [self.inputs]
        if not tensors or not all(hasattr(tensor, "to") and hasattr(tensor, "shape") for tensor in tensors):
            raise InputError("inputs must be a torch tensor or a mapping of tensors; use torch.as_tensor(inputs)")
        sizes = {len(tensor) for tensor in tensors}
        if len(sizes) != 1 or min(sizes) < 2:
            raise InputError(f"inputs must hold at least 2 inputs, as many in every tensor, got {sorted(sizes)}")
        if self.labels is not None:
            self.label_groups  # noqa: B018  # found here, so that bad labels are an error before training starts

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values()))) if isinstance(self.inputs, Mapping) else len(self.inputs)

    def batches(self) -> Iterator[Any]:
        """The inputs in order, `batch_size` at a time."""
        for start in range(0, len(self), self.batch_size):
            part = slice(start, start + self.batch_size)
            if isinstance(self.inputs, Mapping):
                yield {name: tensor[part] for name, tensor in self.inputs.items()}
            else:
                yield self.inputs[part]

    @cached_property
    def label_groups(self) -> Partition:
        """One group per class."""
        if self.labels is None:
            raise InputError("DSMI(Z;Y) needs labels; give Probe(inputs, labels) or leave the measure out")
        return partition_of(self.labels, None, len(self))

    @cached_property
    def input_groups(self) -> Partition:
        """Clusters of the inputs, each flattened to a vector; found at the first use and kept."""
        if isinstance(self.inputs, Mapping):
            raise InputError("DSMI(Z;X) needs the inputs as one tensor, got a mapping; leave the measure out")
        vectors = self.inputs.detach().cpu().double().numpy()
        return self.clusters(vectors.reshape(len(vectors), -1))


class Measure(Protocol):
    """Anything that turns the points of a layer into an Estimate."""

    @property
    def name(self) -> str:
        """What the record is called."""
        ...

    def check(self, probe: Probe) -> None:
        """Raise InputError where `probe` lacks what is needed; called once, before training."""
        ...

    def __call__(self, points: np.ndarray[Any, Any], probe: Probe, walk: Walk) -> Estimate:
        """The estimate of `points` (n, d) with the kernel, alpha and t of `walk`."""
        ...


@dataclass(frozen=True, slots=True)
class DSE:
    """Diffusion spectral entropy of a layer; its spectrum goes into the log too."""

    @property
    def name(self) -> str:
        """``DSE(Z)``."""
        return "DSE(Z)"

    def check(self, probe: Probe) -> None:
        """Nothing is needed but points."""

    def __call__(self, points: np.ndarray[Any, Any], probe: Probe, walk: Walk) -> Estimate:
        """The entropy of `points`; O(n^3)."""
        return dse(points, **walk)


@dataclass(frozen=True, slots=True)
class DSMI:
    """Diffusion spectral mutual information of a layer with the labels or with the inputs.

    Parameters
    ----------
    of : {"Y", "X"}
        The labels, or the inputs (clustered once, see `Probe`).
    estimator
        As for `diffspec.dsmi`. The matched subsets are the same at every step, so a curve moves with the layer only.
    """

    of: str = "Y"
    estimator: Estimator = Matched()

    def __post_init__(self) -> None:
        if self.of not in ("Y", "X"):
            raise InputError(f"of must be 'Y' (labels) or 'X' (inputs), got {self.of!r}")

    @property
    def name(self) -> str:
        """``DSMI(Z;Y)`` or ``DSMI(Z;X)``."""
        return f"DSMI(Z;{self.of})"

    def check(self, probe: Probe) -> None:
        """Find the groups, which fails where there are none."""
        self._groups(probe)

    def __call__(self, points: np.ndarray[Any, Any], probe: Probe, walk: Walk) -> Estimate:
        """The information of `points` and the groups; some 60 eigenproblems of a tenth of the points each."""
        return dsmi(points, self._groups(probe), estimator=self.estimator, **walk)

    def _groups(self, probe: Probe) -> Partition:
        return probe.label_groups if self.of == "Y" else probe.input_groups


def standard(probe: Probe) -> tuple[Measure, ...]:
    """DSE(Z), DSMI(Z;Y) where there are labels, and DSMI(Z;X)."""
    return (DSE(), DSMI("X")) if probe.labels is None else (DSE(), DSMI("Y"), DSMI("X"))
