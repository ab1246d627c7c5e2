"""Rules that choose t, the diffusion time, from a spectrum.

A rule is a small value that is called on a spectrum and returns t. One decomposition answers every t, so choosing one
costs nothing: take the spectrum, choose, and ask it for its entropy at that time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from diffspec._arrays import to_numpy
from diffspec._checks import integer, real, shown, store, takes
from diffspec.errors import InputError
from diffspec.machine.memory import within_memory
from diffspec.spectra.spectrum import Spectrum, check_time, shannon

__all__ = ["FixedTime", "Knee", "ShareAbove", "TimeRule", "choose_time"]

TimeRule: TypeAlias = Callable[[Spectrum], float]
"""A spectrum to t."""


@dataclass(frozen=True, slots=True)
class FixedTime:
    """The same t for every spectrum.

    Parameters
    ----------
    value : float
        A positive real.

    Raises
    ------
    InputError
        value is not a positive number.
    """

    value: float = 1.0

    def __post_init__(self) -> None:
        check_time(self.value)

    def __call__(self, spectrum: Spectrum) -> float:
        """`value`."""
        return float(self.value)


@dataclass(frozen=True, slots=True)
class Knee:
    """The t at the knee of the entropy curve: where the fast fall, of noise, gives way to the slow one, of structure.

    The curve of the von Neumann entropy over t = 1, 2, ... is fitted by two straight lines that meet at one of its
    points, least squares for every such point; the best of them is the knee. The rule of PHATE (Moon et al. 2019).

    Parameters
    ----------
    longest : int
        The last t of the curve, at least 3. The knee depends on it, so keep it when values are to be compared.

    Raises
    ------
    InputError
        longest is not an integer of at least 3.
    """

    longest: int = 100

    def __post_init__(self) -> None:
        store(self, longest=integer(self.longest, "longest", least=3))

    def __call__(self, spectrum: Spectrum) -> float:
        """The knee for `spectrum`, an integer in [2, longest - 1]; O(longest k + longest^2) for k nodes."""
        times = np.arange(1.0, self.longest + 1.0)
        entropies = np.array([shannon(spectrum, t) for t in times])
        misfits = [
            _misfit(times[: at + 1], entropies[: at + 1]) + _misfit(times[at:], entropies[at:])
            for at in range(1, self.longest - 1)
        ]
        return float(times[1 + int(np.argmin(misfits))])


@dataclass(frozen=True, slots=True)
class ShareAbove:
    """The smallest t at which at most a share of the eigenvalues, to the power t, lies above a floor.

    With its defaults the rule of thumb that comes with the released package: about 1 % of them above 0.01.

    Parameters
    ----------
    share : float
        In (0, 1).
    floor : float
        In (0, 1).

    Raises
    ------
    InputError
        share or floor does not lie in (0, 1); more eigenvalues than the share are 1, so that no t will do.
    """

    share: float = 0.01
    floor: float = 0.01

    def __post_init__(self) -> None:
        for name in ("share", "floor"):
            if not 0.0 < real(getattr(self, name)) < 1.0:
                raise InputError(f"{name} must lie between 0 and 1, got {shown(getattr(self, name))}")

    def __call__(self, spectrum: Spectrum) -> float:
        """The time for `spectrum`, a positive real; O(k) for k nodes."""
        nodes, weights = to_numpy(spectrum.nodes), to_numpy(spectrum.weights)
        above = np.cumsum(weights) > self.share * spectrum.n * (1.0 + 1e-12)
        largest = float(nodes[int(np.argmax(above))])  # the largest eigenvalue that has to fall to the floor
        if largest >= 1.0 - 1e-9:
            raise InputError(
                f"more than {self.share:.0%} of the eigenvalues are 1 (points or clusters that nothing joins), so no t "
                "brings them below the floor; use a wider kernel or a number for t"
            )
        return math.log(self.floor) / math.log(largest) if largest > 0.0 else 1.0


NAMED: dict[str, TimeRule] = {"knee": Knee(), "share": ShareAbove()}


@within_memory
def choose_time(spectrum: Spectrum, rule: float | str | TimeRule = "knee") -> float:
    """The diffusion time that `rule` gives for `spectrum`.

    Parameters
    ----------
    spectrum : Spectrum
        Of `diffspec.spectrum`, or of any solver.
    rule : float or str or rule
        ``"knee"`` (`Knee`), ``"share"`` (`ShareAbove`), a rule, or a number, which is given back.

    Returns
    -------
    float
        t, dimensionless, for ``spectrum.shannon(t)`` and, so that values compare, for every other representation.

    Raises
    ------
    InputError
        An unknown name, no positive number, or a spectrum for which the rule has no answer.

    Notes
    -----
    A t chosen anew for every representation makes their values hard to compare: choose it once and keep it.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import choose_time, spectrum
    >>> s = spectrum(np.random.default_rng(0).normal(size=(100, 5)))
    >>> t = choose_time(s, "knee")
    >>> print(f"t = {t:g}: {s.shannon(t).value:.2f} bits")
    t = 39: 2.05 bits
    """
    if not isinstance(spectrum, Spectrum):
        raise InputError(f"spectrum must be what diffspec.spectrum gives, got {shown(spectrum)}")
    if isinstance(rule, str):
        if rule not in NAMED:
            raise InputError(f"t must be a positive number or one of {', '.join(sorted(NAMED))}, got {rule!r}")
        return NAMED[rule](spectrum)
    if not callable(rule):
        return check_time(rule)
    if not takes(rule, 1):
        raise InputError(f"t must be a positive number or a rule such as Knee(), got {shown(rule)}")
    return check_time(rule(spectrum))


def _misfit(x: np.ndarray[tuple[int], np.dtype[np.float64]], y: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """The sum of squared residuals of the least-squares line through some points."""
    x, y = x - x.mean(), y - y.mean()
    return max(0.0, float(y @ y - (x @ y) ** 2 / (x @ x)))
