"""Rules that tell, from numbers of a training, that something is wrong with it.

A rule is a small value that is called on what was seen so far and returns a line, empty where nothing is to be said.
How often each was wrong and how late is measured: docs/watching.md, Alerts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from diffspec._checks import positive, real, shown, store
from diffspec.errors import InputError

__all__ = ["KINDS", "Alert", "Collapse", "Memorisation", "Rule", "Saturation"]


@dataclass(frozen=True, slots=True)
class Alert:
    """What a monitor found wrong at a look, and had not at the look before."""

    name: str
    """``"collapse"``, ``"saturation"`` or ``"memorisation"``."""
    text: str
    """What is wrong, in one line."""
    layer: str
    rule: str | None
    """The kernel under which it was seen, None where none plays a part."""
    step: int = 0

    def __str__(self) -> str:
        where = f"layer {self.layer!r}" + (f", {self.rule}" if self.rule else "")
        return f"{self.name} at step {self.step} ({where}): {self.text}"


@dataclass(frozen=True, slots=True)
class Collapse:
    """Tells that a layer has lost its directions: its effective rank was larger and is near 1.

    Parameters
    ----------
    rank : float
        Alerts at or below it, where the rank was twice as large at an earlier look; over 1. How often it was wrong and
        how late: docs/watching.md, which has other limits too.

    Raises
    ------
    InputError
        rank is not over 1.

    Notes
    -----
    The rank is `diffspec.baselines.effective_rank` about 0 (RankMe): 1 where all points are one, or lie in one
    direction. A layer that begins so is not told of: the untrained pooler of a transformer does. Nor is what shrinks to
    0 without a direction, of which the median distance tells.

    Examples
    --------
    >>> from diffspec.training import Collapse
    >>> Collapse()([15.3, 6.1])
    ''
    >>> Collapse()([15.3, 6.1, 1.04])
    'collapsed: the effective rank is 1.04, and was 15.3: all points lie in one direction'
    """

    name: ClassVar[str] = "collapse"
    rank: float = 1.4

    def __post_init__(self) -> None:
        if not 1.0 < real(self.rank) < math.inf:
            raise InputError(f"rank must be a number over 1, got {shown(self.rank)}")
        store(self, rank=float(self.rank))

    def __call__(self, ranks: Sequence[float]) -> str:
        """What is to be said at the last look, ``""`` where nothing is.

        Parameters
        ----------
        ranks : sequence of float
            The effective rank at every look so far.

        Raises
        ------
        InputError
            No look, or a number that is not finite.
        """
        looks = _looks(ranks, "ranks")
        now, most = looks[-1], max(looks)
        if now > self.rank or now > most / 2.0:
            return ""
        return f"collapsed: the effective rank is {now:.3g}, and was {most:.3g}: all points lie in one direction"


@dataclass(frozen=True, slots=True)
class Saturation:
    """Tells that a kernel has become too narrow: the entropy is over 99 % of log n, whatever the points are like.

    As embeddings grow in training, a fixed width does so sooner or later. No setting: it repeats the verdict of the
    estimate, which also says what width to take.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import Gaussian, dse
    >>> from diffspec.training import Saturation
    >>> points = np.random.default_rng(0).normal(size=(100, 8))
    >>> Saturation()(dse(points, kernel=Gaussian(0.1)).verdict)[:39]
    'saturated: every point is its own clust'
    """

    name: ClassVar[str] = "saturation"

    def __call__(self, verdict: str) -> str:
        """What is to be said of an entropy with this `Estimate.verdict`, ``""`` where nothing is."""
        return verdict if verdict.startswith("saturated") else ""


@dataclass(frozen=True, slots=True)
class Memorisation:
    """Tells that a network learns its training labels by heart: they are known, held-out classes are not.

    I is the information of the representation about held-out labels. The rule speaks where the accuracy in training is
    `ahead` of the share I / H(Y), and where I is no higher than at the first look, which should be before training.

    Parameters
    ----------
    ahead : float
        In (0, 1). Of the default, how often it was wrong and how late, see the recipe `memorising`.

    Raises
    ------
    InputError
        ahead does not lie between 0 and 1.

    Notes
    -----
    Take `diffspec.adjusted_dsmi` of held-out points and their true labels: other informations need other limits. It
    was measured on networks that were given labels in a wrong order, and on others that learn the right ones or none.
    What it says of labels of which a few are wrong was not measured. When not to use: where a small training set is
    fitted wholly and the untrained network tells the classes nearly as well; it spoke of right labels then, in 5 of 5
    seeds of 500 digits. The accuracy has to be that in training, meanwhile or after an epoch; without one
    (self-supervised) there is no such rule.

    Where the held-out accuracy is known, how far the training's is ahead of it tells the same as early.

    Examples
    --------
    >>> from diffspec.training import Memorisation
    >>> rule = Memorisation()
    >>> rule(0.35, [0.48, 0.52, 0.70], ceiling=3.32)
    ''
    >>> rule(0.60, [0.48, 0.41, 0.17], ceiling=3.32)
    'memorises: 60 % of the training labels are known; of the held-out classes 5 % are told, at the first look 14 %'
    """

    name: ClassVar[str] = "memorisation"
    ahead: float = 0.15

    def __post_init__(self) -> None:
        if not 0.0 < real(self.ahead) < 1.0:
            raise InputError(f"ahead must lie between 0 and 1, got {shown(self.ahead)}")
        store(self, ahead=float(self.ahead))

    def __call__(self, train_accuracy: float, information: Sequence[float], *, ceiling: float) -> str:
        """What is to be said at the last look, ``""`` where nothing is.

        Parameters
        ----------
        train_accuracy : float
            Share of the training labels that are right now, in [0, 1].
        information : sequence of float
            Adjusted DSMI(Z;Y) of held-out points at every look so far, in bits, the first of them before training.
        ceiling : float
            H(Y), the entropy of the held-out labels, in bits: `Estimate.ceiling`.

        Raises
        ------
        InputError
            An accuracy outside [0, 1], no look, a number that is not finite, or a ceiling that is not positive.
        """
        accuracy = _share(train_accuracy)
        looks = _looks(information, "information")
        before, now = looks[0], looks[-1]
        ceiling = positive(ceiling, "ceiling")
        if accuracy - now / ceiling < self.ahead or now > before:
            return ""
        known, told, first = (f"{100 * share:.0f} %" for share in (accuracy, now / ceiling, before / ceiling))
        return (
            f"memorises: {known} of the training labels are known; "
            f"of the held-out classes {told} are told, at the first look {first}"
        )


Rule: TypeAlias = Collapse | Saturation | Memorisation
"""Any of them."""

KINDS = tuple(rule.name for rule in (Collapse, Saturation, Memorisation))


def _share(value: Any) -> float:
    if not 0.0 <= real(value) <= 1.0:
        raise InputError(f"train_accuracy must lie in [0, 1], got {shown(value)}; give the share that is right")
    return float(value)


def _looks(values: Any, name: str) -> list[float]:
    """The numbers, of which there has to be one at least."""
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__") or not hasattr(values, "__iter__"):
        raise InputError(f"{name} must be a sequence of numbers, one per look, got {shown(values)}")
    found = [real(value) for value in values]
    if not found or not all(math.isfinite(value) for value in found):
        raise InputError(f"{name} must be finite numbers, one per look, got {shown(values)}")
    return found
