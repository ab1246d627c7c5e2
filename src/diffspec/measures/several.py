"""Several measures of the same points under one kernel: one graph, every set of points decomposed once, all times."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cached_property
from typing import Any

from diffspec._arrays import Array, as_points
from diffspec.kernels import AlphaDecay, Kernel, Storage
from diffspec.measures.advice import advice
from diffspec.measures.asked import Asked, asked
from diffspec.measures.entropy import measured, taken
from diffspec.measures.estimators import Adjusted, Estimator, Matched, check_estimator
from diffspec.measures.information import Grouped
from diffspec.measures.parts import Parts
from diffspec.measures.subsets import Entropy, walk_of
from diffspec.measures.subsets import measured as measured_sets
from diffspec.operators.build import affinity_of
from diffspec.points.groups import Partition
from diffspec.results.estimate import BIT, NATS_PER, Estimate
from diffspec.spectra.functionals import shannon
from diffspec.spectra.spectrum import Spectrum

__all__ = ["Several"]

SEED = 0
"""What `dse` and `dsmi` draw from where they are told nothing else."""


class Several:
    """What `dse` and `dsmi` give of `points`, with what they have in common computed once.

    Parameters
    ----------
    points : array (n, d)
        As for `dse`, in memory.
    kernel, alpha, t
        As for `dse`.
    advises : bool
        Whether verdicts say which widths would be better where the kernel tells nothing: dozens of eigenproblems.

    Raises
    ------
    InputError
        Points or settings that cannot be used.

    Notes
    -----
    Keeps the (n, n) affinity and all spectra. The adjusted information has the entropy of all points from their own
    spectrum, so that it costs hardly more than the matched one.
    """

    def __init__(
        self,
        points: Array,
        *,
        kernel: Kernel = AlphaDecay(),
        alpha: float = 0.5,
        t: float | None = None,
        advises: bool = True,
    ) -> None:
        self._advises = advises
        self._how = asked(kernel, alpha=alpha, t=t, rng=SEED)
        self._given = taken(as_points(points), self._how)
        self._affinities: dict[Storage, Any] = {}
        self._grouped: dict[tuple[int, Estimator], Grouped] = {}

    def entropy(self) -> Estimate:
        """As `dse`."""
        return self.spectrum.shannon()

    def information(self, partition: Partition, estimator: Estimator) -> Estimate:
        """As `dsmi`; estimators that compare with the same random sets share them."""
        return self._of(partition, estimator).told(estimator, self._fresh().rng)

    def entropy_at(self, t: float) -> float:
        """The entropy at another time, in bits; O(n)."""
        return shannon(self.spectrum, t) / NATS_PER[BIT]

    def information_at(self, partition: Partition, estimator: Estimator, t: float) -> float:
        """The information at another time, in bits: no decomposition, O(n) per set."""
        return estimator.information(self._parts_at(partition, estimator, t)).value / NATS_PER[BIT]

    @cached_property
    def spectrum(self) -> Spectrum:
        """As `diffspec.spectrum`."""
        known = lambda storage: self._affinity(storage).copy()  # noqa: E731
        return measured(self._given, self._fresh(), seed=SEED, known=known, advises=self._advises)

    @cached_property
    def _advice(self) -> str:
        """What to do where the kernel is at fault: dozens of eigenproblems, so found once."""
        if not self._advises:
            return ""
        if "spectrum" in vars(self) and self.spectrum.advice:
            return self.spectrum.advice
        return advice(self._given.points, self._given.kernel, self._how.alpha, self._how.t, self._fresh().rng)

    def _fresh(self) -> Asked:
        """With the generator as it is after the kernel is resolved: every measure draws as if it were alone."""
        return replace(self._how, rng=deepcopy(self._how.rng))

    def _affinity(self, storage: Storage) -> Any:
        if storage not in self._affinities:
            self._affinities[storage] = affinity_of(self._given.points, self._given.kernel, storage)
        return self._affinities[storage]

    def _of(self, partition: Partition, estimator: Estimator) -> Grouped:
        found = self._sets(partition, estimator)
        if not isinstance(estimator, Adjusted):
            return found
        return replace(found, parts=replace(found.parts, whole=Entropy.of(self.spectrum, self._how.t)))

    def _parts_at(self, partition: Partition, estimator: Estimator, t: float) -> Parts:
        found = self._sets(partition, estimator).at(t)
        return replace(found, whole=Entropy.of(self.spectrum, t)) if isinstance(estimator, Adjusted) else found

    def _sets(self, partition: Partition, estimator: Estimator) -> Grouped:
        check_estimator(estimator, self._how.kernel)
        if isinstance(estimator, Adjusted):
            estimator = Matched(estimator.repetitions)  # the same random sets
        key = (id(partition), estimator)
        if key not in self._grouped:
            self._grouped[key] = self._measured(partition, estimator)
        return self._grouped[key]

    def _measured(self, partition: Partition, estimator: Estimator) -> Grouped:
        how, given = self._fresh(), self._given
        members, compared = partition.members(), estimator.subsets(partition, how.rng)
        sizes = [len(indices) for row in [members, *compared] for indices in row]
        walk = replace(walk_of(given.points, given.kernel, how, sizes=sizes, known=self._affinity), keeps=True)
        parts = Parts.of(partition.sizes, *measured_sets(walk, members, compared, how.rng))
        return Grouped(walk, partition, parts, given.asked, SEED, advised=lambda: self._advice)
