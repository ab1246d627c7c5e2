"""Pictures of embeddings in the plane, as numbers that a log can hold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from diffspec.training.network.reductions import Points

__all__ = ["LEADING", "ONE_TWO_FIVE", "Album", "Steps", "plane", "short"]

LEADING = 50
"""Eigenvalues kept per spectrum: beyond them lies less than a pixel of the plot."""


class Steps(frozenset[int]):
    """Steps that are shown in a signature by their name."""

    def __repr__(self) -> str:
        return "ONE_TWO_FIVE"


ONE_TWO_FIVE = Steps([0, *(digit * 10**power for power in range(10) for digit in (1, 2, 5))])
"""Looks 0, 1, 2, 5, 10, 20, ...: pictures often at first, when much changes, and few in all."""

KEPT = 64 * 2**20
"""Bytes of points that are kept for a last picture, of the deepest layers first."""


@dataclass(slots=True)
class Album:
    """Which looks are pictured: those at given steps, or by `ONE_TWO_FIVE` counted from the first, and the last."""

    steps: Collection[int]
    _look: int = -1
    _last: dict[str, tuple[int, Points]] = field(default_factory=dict)

    def begin(self) -> None:
        """A look is made."""
        self._look += 1
        self._last = {}

    def due(self, step: int, layer: str, points: Points) -> bool:
        """Whether this look at `layer` is pictured now; where it is not, it may be the last, and is kept."""
        if not isinstance(self.steps, Steps):
            return step in self.steps
        if self._look in self.steps:
            return True
        self._last[layer] = (step, points)
        while len(self._last) > 1 and sum(points.nbytes for _step, points in self._last.values()) > KEPT:
            self._last.pop(next(iter(self._last)))
        return False

    def rest(self) -> dict[str, tuple[int, Points]]:
        """Per layer the step and points of the last look, where it was not pictured; given once."""
        found, self._last = self._last, {}
        return found


def plane(points: Points) -> tuple[Points, Points]:
    """The first two principal components, shape (n,) each; the second is 0 where there is one feature."""
    from sklearn.decomposition import PCA  # slow to import, needed here only

    # Equal points have no variance to divide by, their picture is one dot; of huge ones it is no number, and not used.
    with np.errstate(invalid="ignore", over="ignore"):
        flat = PCA(min(2, *points.shape), svd_solver="full").fit_transform(points.astype(np.float64))
    return flat[:, 0], flat[:, 1] if flat.shape[1] > 1 else np.zeros(len(flat))


def short(values: Points) -> list[float]:
    """Five digits each: a picture or a spectrum is looked at, and a log holds many."""
    return [float(f"{value:.5g}") for value in values.tolist()]
