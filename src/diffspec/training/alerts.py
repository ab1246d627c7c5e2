"""Rules that tell, from numbers of a training, that something is wrong with it.

A rule is a small value that is called on what was seen so far and returns a line, empty where nothing is to be said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from diffspec._checks import positive, real, shown, store
from diffspec.errors import InputError

__all__ = ["Memorisation"]


@dataclass(frozen=True, slots=True)
class Memorisation:
    """Tells that a network learns its training labels by heart: they are known, held-out classes are not.

    It does where the accuracy in training is `ahead` of the share of the held-out labels' entropy that the
    representation tells, I / H(Y), and the information I is no higher than before the training.

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
    What it says of labels of which a few are wrong was not measured. The accuracy has to be that in training, meanwhile
    or after an epoch; without one (self-supervised) there is no such rule.

    Where the held-out accuracy is known, how far the training's is ahead of it tells the same as early.

    Examples
    --------
    >>> from diffspec.training import Memorisation
    >>> rule = Memorisation()
    >>> rule(0.35, [0.48, 0.52, 0.70], ceiling=3.32)
    ''
    >>> rule(0.60, [0.48, 0.41, 0.17], ceiling=3.32)
    'memorises: 60 % of the training labels are known, 5 % of the held-out classes, less than before training (14 %)'
    """

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
        looks = _looks(information)
        before, now = looks[0], looks[-1]
        ceiling = positive(ceiling, "ceiling")
        if accuracy - now / ceiling < self.ahead or now > before:
            return ""
        known, told, first = (f"{100 * share:.0f} %" for share in (accuracy, now / ceiling, before / ceiling))
        return (
            f"memorises: {known} of the training labels are known, {told} of the held-out classes, "
            f"less than before training ({first})"
        )


def _share(value: Any) -> float:
    if not 0.0 <= real(value) <= 1.0:
        raise InputError(f"train_accuracy must lie in [0, 1], got {shown(value)}; give the share that is right")
    return float(value)


def _looks(values: Any) -> list[float]:
    """The numbers, of which there has to be one at least."""
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__") or not hasattr(values, "__iter__"):
        raise InputError(f"information must be a sequence of numbers, one per look, got {shown(values)}")
    found = [real(value) for value in values]
    if not found or not all(math.isfinite(value) for value in found):
        raise InputError(f"information must be finite numbers, one per look, got {shown(values)}")
    return found
