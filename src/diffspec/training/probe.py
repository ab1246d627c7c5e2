"""The held-out inputs that a monitor measures on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from diffspec._checks import integer, shown, store
from diffspec.errors import InputError
from diffspec.points.groups import Clusters, Grouping, Partition, check_grouping, partition_of
from diffspec.training.network.batches import OF_TABLE, copied, mapped, part_of, size_of
from diffspec.training.network.loaders import first, is_loader, stratum

__all__ = ["Probe"]

TEN_CLUSTERS = Clusters(10, seed=0)


@dataclass(frozen=True, eq=False)
class Probe:
    """A fixed held-out set on which layers are measured.

    Parameters
    ----------
    inputs : tensor or mapping
        What the network takes; of a mapping, what it has arguments for. Its tensors have one entry per input; numbers
        and other values in it are given with every batch as they are. The probe keeps a copy.
    labels : array (n,), optional
        Class labels of the inputs, for DSMI(Z;Y) and for the colours of pictures; or a Partition, as `Bins` and
        `Clusters` give it of numbers and vectors.
    batch_size : int
        Most inputs per forward pass. No batch is left with a single input, whose axis `squeeze` would take away.
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
        check_grouping(self.clusters)
        if self.clusters is None:
            raise InputError("clusters must be Clusters(10), KMeans(10) or another grouping, got None")
        if not isinstance(self.inputs, torch.Tensor | Mapping):
            raise InputError(f"inputs must be a torch tensor or a mapping of tensors; {_advice(self.inputs)}")
        n = size_of(self.inputs)
        if n < 2:
            raise InputError(f"inputs must hold at least 2 inputs, got {n}")
        # A copy: what the user does to these tensors later must not change what is looked at.
        store(self, inputs=copied(self.inputs))
        if self.labels is not None:
            self.label_groups  # noqa: B018  # found here, so that bad labels are an error before training starts

    @classmethod
    def from_loader(
        cls,
        loader: Iterable[Any],
        n: int = 1000,
        *,
        stratified: bool = False,
        batch_size: int = 256,
        clusters: Grouping = TEN_CLUSTERS,
    ) -> Probe:
        """The first `n` inputs that `loader` gives (all where it has fewer), with their labels.

        Parameters
        ----------
        loader : iterable of tensor or mapping, or pairs of them with labels
            For example a `DataLoader`. Of a mapping, an entry ``labels``, ``label`` or ``label_ids`` holds the labels,
            and is no input.
        n : int
            How many inputs.
        stratified : bool
            Whether the classes shall have the shares that they have in the whole loader, which is then read to its end:
            where it gives class after class, the first inputs are all of one.
        batch_size, clusters
            As for `Probe`.

        Raises
        ------
        InputError
            A loader that gives nothing, inputs of unequal shapes, or no labels to stratify by.

        Notes
        -----
        Global random states, and the generators of the loader and its sampler, are as they were.

        Examples
        --------
        >>> import torch
        >>> from torch.utils.data import DataLoader, TensorDataset
        >>> from diffspec.training import Probe
        >>> loader = DataLoader(TensorDataset(torch.randn(90, 4), torch.arange(90) % 3), batch_size=32, shuffle=True)
        >>> len(Probe.from_loader(loader, n=50))
        50
        """
        n = integer(n, "n", least=2)
        if isinstance(loader, torch.Tensor | Mapping | str) or not hasattr(loader, "__iter__"):
            raise InputError(f"loader must give batches, such as a DataLoader, got {shown(loader)}; see Probe(inputs)")
        inputs, labels = stratum(loader, n) if stratified else first(loader, n)
        return cls(inputs, labels, batch_size=batch_size, clusters=clusters)

    def __len__(self) -> int:
        return size_of(self.inputs)

    def batches(self) -> Iterator[Any]:
        """The inputs in order, at most `batch_size` at a time."""
        n, most = len(self), self.batch_size
        edges = [*range(0, n, most), n]
        if most > 2 and edges[-1] - edges[-2] == 1 < n:
            edges[-2] -= 1
        for start, stop in pairwise(edges):
            yield part_of(self.inputs, slice(start, stop))

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits of a SHA-256 of all inputs and labels: the same for the same bits."""
        content, tensors = hashlib.sha256(), list[Any]()
        mapped(self.inputs, tensors.append)
        for tensor in tensors:
            content.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
            content.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        if self.labels is not None:
            groups = self.label_groups
            content.update(repr((np.asarray(groups.codes).tolist(), groups.names)).encode())
        return content.hexdigest()[:16]

    @cached_property
    def label_groups(self) -> Partition:
        """One group per class."""
        if self.labels is None:
            raise InputError("DSMI(Z;Y) needs labels; give Probe(inputs, labels) or leave the measure out")
        return partition_of(self.labels, None, len(self), ask="Probe(inputs, {}(labels))")

    @cached_property
    def input_groups(self) -> Partition:
        """Clusters of the inputs, each flattened to a vector; found at the first use and kept."""
        if isinstance(self.inputs, Mapping):
            raise InputError("DSMI(Z;X) needs the inputs as one tensor, got a mapping; leave the measure out")
        vectors = self.inputs.detach().cpu().double().numpy()
        return partition_of(vectors.reshape(len(vectors), -1), self.clusters, len(self))


def _advice(inputs: Any) -> str:
    if hasattr(inputs, "to_numpy"):
        return f"got {type(inputs).__name__}; {OF_TABLE}"
    if is_loader(inputs):
        return f"got {type(inputs).__name__}; write Probe.from_loader(loader, n=1000) for a loader that gives batches"
    return f"use torch.as_tensor(inputs), got {shown(inputs)}"
