"""Curves over scale and what is read off them: plateaus, the informative range, summaries that have no scale."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from diffspec.errors import InputError
from diffspec.results.estimate import BIT, Estimate, Settings
from diffspec.results.records import Record
from diffspec.results.verdicts import HIGH, LOW, above_groups, beside, by_chance, few_points, kernel_state

__all__ = ["Curve", "Profile"]

# Between these shares of its limit a curve is well inside.
INSIDE = (0.1, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One measure at every width."""

    values: tuple[float, ...]
    """In bits."""
    stderr: tuple[float, ...] | None = None
    """Standard errors in bits, 0 where a value is exact; None where nothing is random."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(Record):
    """DSE, and with a reference DSMI, over a grid of widths. `float(profile)` is the summary to compare by.

    That is the largest information where there is a reference, else the dimension. Summaries are properties, computed
    from the curves; none of them has the unit of the points.
    """

    KIND: ClassVar[str] = "profile"
    sigmas: tuple[float, ...]
    """Widths in the unit of the points, ascending."""
    entropy: Curve
    growth: tuple[float, ...]
    """d log(sum of the kernel) / d log sigma at every width."""
    scale: float
    """sqrt(mean d^2 / 2) over pairs of points: the width that summaries are counted from."""
    n: int
    distinct: int
    """How many of the points differ: the narrow plateau lies at log2 of it."""
    settings: Settings
    """Of the curves; its sigma is the width that a rule would have chosen, which tables and figures mark."""
    information: Curve | None = None
    ceiling: float | None = None
    """Entropy of the groups in bits: the most that the information can reach for separated groups."""

    @property
    def limit(self) -> float:
        """The narrow plateau, in bits: log2 of the number of distinct points."""
        return math.log2(self.distinct)

    @property
    def shares(self) -> tuple[float, ...]:
        """The entropy as a share of the narrow plateau: from 1 (kernel the identity) to 0 (kernel constant)."""
        return tuple(value / self.limit for value in self.entropy.values)

    @property
    def plateaus(self) -> tuple[float | None, float | None]:
        """The largest width of the narrow and the smallest of the wide plateau; None where the grid ends before.

        On them (within 1 % of the limit) the entropy says nothing about the points.
        """
        narrow = [sigma for sigma, share in zip(self.sigmas, self.shares, strict=True) if share > HIGH]
        wide = [sigma for sigma, share in zip(self.sigmas, self.shares, strict=True) if share < LOW]
        return max(narrow, default=None), min(wide, default=None)

    @property
    def informative(self) -> tuple[float, float] | None:
        """The widths between which the entropy lies within 10 % and 90 % of its limit; None where it nowhere does.

        Ends between two widths of the grid are interpolated; where the grid ends inside, so does the range.
        """
        low, high = INSIDE
        if not any(low <= share <= high for share in self.shares):
            return None
        return self._crossing(high), self._crossing(low)

    @property
    def area(self) -> float:
        """Area under the shares over log2(sigma / scale), minus what is missing to 1 left of the scale, in octaves.

        The fall from plateau to plateau is centred that many octaves above (below, if negative) `scale`: the further
        below, the finer the structure. Independent of the grid where it reaches both plateaus.
        """
        octaves, shares = np.log2(np.asarray(self.sigmas) / self.scale), np.asarray(self.shares)
        return float(octaves[0] + np.diff(octaves) @ (shares[1:] + shares[:-1]) / 2.0)

    @property
    def dimension(self) -> float:
        """The steepest growth of the kernel's sum, d log sum G / d log sigma: the dimension of a uniform cloud.

        Exact derivatives at the widths of the grid (Coifman and Singer's rule for sigma takes the width where it is
        reached). Of n points no more than about 2 ln n can be seen.
        """
        return max(self.growth)

    @property
    def fall(self) -> float:
        """The steepest fall of the entropy, in bits per octave of sigma, between neighbouring widths of the grid.

        A cloud of dimension d loses d bits per octave where it is sampled densely.
        """
        return float(np.max(-np.diff(self.entropy.values) / np.diff(np.log2(self.sigmas))))

    @property
    def peak(self) -> Estimate:
        """The information at the width where it is largest, with that width in its settings.

        As the largest of several noisy values it is biased upwards, by about one standard error.
        """
        if self.information is None:
            raise InputError("this profile has no information; give profile(points, reference) a reference")
        return self.estimates()[len(self.sigmas) + int(np.argmax(self.information.values))]

    def estimates(self) -> tuple[Estimate, ...]:
        """One estimate per width: those of the entropy, then those of the information."""
        found = [self._estimate("DSE", self.entropy, math.log2(self.n), place) for place in range(len(self.sigmas))]
        if self.information is not None:
            curve = self.information
            found += [self._estimate("DSMI", curve, self.ceiling, place) for place in range(len(self.sigmas))]
        return tuple(found)

    def __float__(self) -> float:
        return self.dimension if self.information is None else max(self.information.values)

    def __str__(self) -> str:
        return "\n".join([*self._summary(), "", *self._table()])

    def _crossing(self, level: float) -> float:
        """Where the shares pass `level`, linear in log sigma; the end of the grid where they do not."""
        shares = np.asarray(self.shares)
        below = np.flatnonzero(shares < level)
        if len(below) == 0:
            return self.sigmas[-1]
        right = int(below[0])
        if right == 0:
            return self.sigmas[0]
        weight = (shares[right - 1] - level) / (shares[right - 1] - shares[right])
        return self.sigmas[right - 1] * math.pow(self.sigmas[right] / self.sigmas[right - 1], float(weight))

    def _estimate(self, measure: str, curve: Curve, ceiling: float | None, place: int) -> Estimate:
        sigma = self.sigmas[place]
        settings = replace(self.settings, kernel=f"Gaussian(sigma={sigma!r})", sigma=sigma, rule=None)
        if measure == "DSE":
            settings = replace(settings, estimator=None, partition=None)
        return Estimate(
            measure=measure,
            value=curve.values[place],
            unit=BIT,
            n=self.n,
            stderr=None if curve.stderr is None else curve.stderr[place],
            ceiling=ceiling,
            settings=settings,
            verdict=self._told(place, curve, ceiling if measure == "DSMI" else None),
        )

    def _told(self, place: int, curve: Curve, groups: float | None) -> str:
        """The verdict on the value of `curve` at one width; `groups` is the entropy of the groups of an information."""
        kernel = _state(self.shares[place], self.settings.t or 1.0)
        if groups is None:
            return beside(few_points(self.n), kernel)
        value, error = curve.values[place], None if curve.stderr is None else curve.stderr[place]
        return beside(few_points(self.n), kernel, by_chance(value, error), above_groups(value, groups, error))

    def _summary(self) -> list[str]:
        """The summaries in words, one line each."""
        marked = f"{self.settings.sigma:.4g}" + (f" by the {self.settings.rule} rule" if self.settings.rule else "")
        about = f"profile of {self.n} points, alpha = {self.settings.alpha:g}, t = {self.settings.t:g}, sigma {marked}"
        where = "at no width" if self.informative is None else "sigma {:.4g} to {:.4g}".format(*self.informative)
        lines = [about, f"informative (10 % to 90 % of {self.limit:.4g} bit): {where}"]
        lines.append(
            f"dimension {self.dimension:.3g}, fall {self.fall:.3g} bit per octave, area {self.area:+.3g} octaves"
        )
        if self.information is not None:
            lines.append(f"largest information: {self.peak}")
        return lines

    def _table(self) -> list[str]:
        """At most a dozen of the widths, and what was measured at them."""
        step = max(1, math.ceil(len(self.sigmas) / 12))
        rows = [f"{'sigma':>10}  {'DSE':>8}  {'share':>6}" + ("" if self.information is None else f"  {'DSMI':>8}")]
        for place in range(0, len(self.sigmas), step):
            share = self.shares[place]
            row = f"{self.sigmas[place]:>10.4g}  {self.entropy.values[place]:>8.4f}  {share:>6.1%}"
            more = "" if self.information is None else f"  {self.information.values[place]:>8.4f}"
            rows.append(f"{row}{more}  {_state(share, self.settings.t or 1.0).partition(':')[0]}".rstrip())
        return rows


def _state(share: float, t: float) -> str:
    return kernel_state(share, t, first=0.0 if share < LOW else 1.0)
