"""Since the first look at a layer: how much of the change of its entropy at a fixed width is scale, how much shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from diffspec._arrays import as_points
from diffspec.conventions import Walk
from diffspec.kernels import Gaussian
from diffspec.kernels.bandwidth import TINY
from diffspec.measures.profiles.scale_shape import ScaleShape, Snapshot, attributed
from diffspec.results.estimate import Estimate
from diffspec.solvers.choice import choose
from diffspec.training.measures import DSE, Measure
from diffspec.training.network.reductions import Points

__all__ = ["CHANGES", "Changes", "Ends", "is_fixed"]

CHANGES = ("DSE(Z) change by scale", "DSE(Z) change by shape")
"""The names of the records, in the order of `ScaleShape.estimates`."""

Ends: TypeAlias = Mapping[str, Estimate]
"""Per rule the entropy at its width."""


@dataclass(frozen=True, slots=True)
class _First:
    step: int
    snapshot: Snapshot
    ends: Ends


class Changes:
    """The first snapshot of every layer, which later ones are compared with.

    Notes
    -----
    Memory 4 n^2 bytes per layer (2.6 MB at n = 800), whatever its width. Per look and layer the distances, and per
    fixed rule two entropies.
    """

    def __init__(self) -> None:
        self._first: dict[str, _First] = {}

    def since_first(
        self, step: int, layer: str, points: Points, *, scale: float, ends: Ends
    ) -> list[tuple[str, dict[str, Any]]]:
        """Per rule of `ends` and part of the change: the rule, and what a number record holds of it.

        `scale` is the width that the median rule gives. None at the first look at a layer that is not collapsed, nor at
        any look at one that is.
        """
        known = as_points(points)
        if scale <= TINY:  # collapsed, as the verdicts say: there is no shape to compare
            return []
        now = Snapshot.kept(known, scale)
        if layer not in self._first:
            self._first[layer] = _First(step, now, dict(ends))
            return []
        first, found = self._first[layer], []
        for rule in [rule for rule in ends if rule in first.ends]:
            after = ends[rule]
            solver = choose(*known.shape, kernel=Gaussian(), t=after.settings.t or 1.0).solver
            split = attributed(first.snapshot, now, (first.ends[rule], after), solver=solver)
            found += [(rule, record) for record in _records(split, first.step)]
        return found


def is_fixed(measure: Measure, walk: Walk) -> bool:
    """Whether `measure` is an entropy at a width that does not follow the points."""
    kernel = walk["kernel"]
    return isinstance(measure, DSE) and isinstance(kernel, Gaussian) and isinstance(kernel.sigma, float | int)


def _records(split: ScaleShape, since: int) -> list[dict[str, Any]]:
    settings = {**asdict(split.settings), "since": since, "growth": split.growth}
    return [
        {
            "name": name,
            "value": part.value,
            "unit": part.unit,
            "stderr": part.stderr,
            "n": part.n,
            "ceiling": None,
            "verdict": "",
            "settings": settings,
        }
        for name, part in zip(CHANGES, split.estimates(), strict=True)
    ]
