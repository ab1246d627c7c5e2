"""Estimates: a number with its unit, error, settings and a word on what it is worth; they go to JSON and back."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

from diffspec._checks import is_word, real, shown
from diffspec._version import __version__
from diffspec.errors import InputError
from diffspec.results.records import Told, parsed, restored

__all__ = ["BIT", "NAT", "NATS_PER", "Estimate", "Group", "Settings"]

BIT, NAT, COUNT, RATIO = "bit", "nat", "count", "ratio"
UNITS = (BIT, NAT, COUNT, RATIO)
NATS_PER = {BIT: math.log(2.0), NAT: 1.0}
"""How many nats one unit is."""
BESIDE = ("file", "key", "d", "labels", "normalized", "effective_rank")
"""What the command line writes beside an estimate: where its points came from, and what follows from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that, with the same data, gives the same number again; plain values only.

    What plays no part in a measure is empty or None: a baseline that takes no steps has no t.
    """

    method: str = ""
    """Of a baseline: how it was called, ``ksg(neighbors=3, variant=1)``."""
    kernel: str = ""
    """The kernel with its numbers filled in, as Python: ``Gaussian(sigma=4.47)``."""
    sigma: float | None = None
    """The resolved width, None for kernels without one."""
    rule: str | None = None
    """The rule that chose sigma, None where the user did."""
    alpha: float | None = None
    t: float | None = None
    solver: str = ""
    floor: float | None = None
    """Eigenvalues at or below this were rounding noise and count as 0."""
    estimator: str | None = None
    """Of a mutual information: how the conditional entropies were compared."""
    partition: str | None = None
    """Of a mutual information: how the reference became groups."""
    seed: int | None = None
    """The seed given, None where a generator was passed."""
    dtype: str = "float64"
    library: str = "numpy"
    version: str = __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group of a mutual information; entropies in the unit of the estimate it belongs to."""

    name: str
    n: int
    conditional: float
    """Entropy of the points in the group."""
    matched: float
    """What it is compared with: the mean entropy of random subsets of the same size (matched estimator), or the
    entropy of all points (literal estimator)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Told):
    """A measured number. `float(estimate)` is its value in `unit`.

    Estimates are ordered by their values, among one another and with numbers, and are numbers to NumPy:
    ``a < b``, ``a > 1.5``, ``np.mean([a, b])``. Those of different units are not compared.

    `stderr` is the random part of the error (probes, matched subsets), `bounds` a guaranteed interval (truncation);
    neither holds the sampling of the points themselves. None means that there is no such error: the value is exact up
    to rounding.
    """

    measure: str
    """What was measured: ``"DSE"``, ``"DSMI"``, ..."""
    value: float
    unit: str
    """``"bit"``, ``"nat"``, ``"count"`` or ``"ratio"``."""
    n: int
    """Number of points."""
    settings: Settings
    stderr: float | None = None
    bounds: tuple[float, float] | None = None
    ceiling: float | None = None
    """What `normalized` divides by, in `unit`: log n for an entropy, the entropy of the groups for an information."""
    verdict: str = ""
    """In words, what the value is worth: starts with informative, saturated, collapsed, too few points, not told from
    chance, above H(Y) or unknown."""
    groups: tuple[Group, ...] = ()
    """Per group, for a mutual information."""
    spectrum: Any = field(default=None, compare=False, repr=False)
    """The spectrum behind the value, where one was kept; not part of the JSON."""

    def __float__(self) -> float:
        return self.value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.value, dtype=dtype)

    def __lt__(self, other: Any) -> bool:
        return self.value < self._number(other)

    def __le__(self, other: Any) -> bool:
        return self.value <= self._number(other)

    def __gt__(self, other: Any) -> bool:
        return self.value > self._number(other)

    def __ge__(self, other: Any) -> bool:
        return self.value >= self._number(other)

    def __format__(self, spec: str) -> str:
        return format(self.value, spec) if spec else str(self)

    def __str__(self) -> str:
        error = "" if self.stderr is None else f" ± {self.stderr:.2g}"
        how = "" if self.settings.sigma is None else f", sigma = {self.settings.sigma:.4g}"
        steps = {"alpha": self.settings.alpha, "t": self.settings.t}
        how += "".join(f", {name} = {number:g}" for name, number in steps.items() if number is not None)
        text = f"{self.measure} = {self.value:.6g}{error} {self.unit} (n = {self.n}{how})"
        return text if self.verdict in ("", "informative") else f"{text}; {self.verdict}"

    @property
    def effective_rank(self) -> float:
        """exp(entropy): how many equal eigenvalues would have it; from 1 (collapsed) to n."""
        return math.exp(self._nats(self.value))

    @property
    def normalized(self) -> float:
        """Value / ceiling: an entropy as a share of log n, an information as a share of the entropy of the groups."""
        if self.ceiling is None:
            raise InputError(f"a {self.measure} has no ceiling to be divided by; use .value")
        return self.value / self.ceiling if self.ceiling else 0.0

    def to(self, unit: str) -> Estimate:
        """The same estimate in ``"bit"`` or ``"nat"``."""
        if not is_word(unit, NATS_PER):
            raise InputError(f"unit must be 'bit' or 'nat', got {shown(unit)}")
        if unit == self.unit:
            return self
        factor = self._nats(1.0) / NATS_PER[unit]
        return replace(
            self,
            unit=unit,
            value=self.value * factor,
            stderr=None if self.stderr is None else self.stderr * factor,
            bounds=None if self.bounds is None else (self.bounds[0] * factor, self.bounds[1] * factor),
            ceiling=None if self.ceiling is None else self.ceiling * factor,
            groups=tuple(
                replace(group, conditional=group.conditional * factor, matched=group.matched * factor)
                for group in self.groups
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, ready for JSON; `from_dict` reads it back."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "spectrum"}
        plain["settings"] = asdict(self.settings)
        plain["groups"] = [asdict(group) for group in self.groups]
        plain["bounds"] = None if self.bounds is None else list(self.bounds)
        return plain

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Estimate:
        """The estimate that `to_dict` wrote, or a line of ``diffspec measure --json``.

        Raises
        ------
        InputError
            Fields are missing, unknown, of another type or outside their range.
        """
        if isinstance(plain, dict):
            plain = {name: value for name, value in plain.items() if name not in BESIDE}
        found = restored(cls, plain)
        _check_ranges(found)
        return found

    def to_json(self) -> str:
        """`to_dict` as one line of strict JSON."""
        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Estimate:
        """The estimate that `to_json` wrote."""
        return cls.from_dict(parsed(text, cls))

    def _number(self, other: Any) -> float:
        """What the value is compared with."""
        if isinstance(other, Estimate) and other.unit != self.unit:
            raise InputError(f"a {self.unit} and a {other.unit} do not compare; use .to('bit') on both")
        number = other.value if isinstance(other, Estimate) else real(other)
        if math.isnan(number) and not isinstance(other, float):
            raise InputError(f"an estimate compares with numbers, got {shown(other)}")
        return number

    def _nats(self, value: float) -> float:
        if not is_word(self.unit, NATS_PER):
            raise InputError(f"a {self.measure} is a {self.unit} and has no entropy unit")
        return value * NATS_PER[self.unit]


def _check_ranges(found: Estimate) -> None:
    """Raise InputError where an estimate from elsewhere cannot be one."""
    low, high = found.bounds or (0.0, 0.0)
    wrong = {
        f"unit must be one of {', '.join(UNITS)}, got {shown(found.unit)}": found.unit not in UNITS,
        f"n must be at least 1, got {found.n}": found.n < 1,
        f"stderr must not be negative, got {found.stderr}": (found.stderr or 0.0) < 0.0,
        f"bounds must be in order, got {low} and {high}": low > high,
    }
    for text, is_so in wrong.items():
        if is_so:
            raise InputError(f"not the dictionary of Estimate: {text}")
