"""Shannon entropies of many spectra at once: beside a few dozen eigenvalues a call for each costs most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from diffspec.spectra.functionals import check_time, shannon_and_log_sum
from diffspec.spectra.powers import HUGE_TIME
from diffspec.spectra.spectrum import Spectrum

__all__ = ["HELD", "Stack", "Stacked", "shannon_and_log_sums"]

Stack: TypeAlias = np.ndarray[Any, Any]

# So many numbers are in one array at a time.
HELD = 2**19


@dataclass(frozen=True, slots=True, eq=False)
class Stacked:
    """Spectra of NumPy of which every eigenvalue is known, one a row."""

    logs: Stack
    """Log of every eigenvalue as a share of the largest of its row, shape (k, m); 0 where there is none."""
    kept: Stack
    """Where there is one above rounding."""

    @classmethod
    def of(cls, nodes: Stack, floors: Stack) -> Stacked:
        """From absolute eigenvalues, descending, shape (k, m), 0 under the floors of their rows (k,), which are not."""
        kept, largest = nodes > 0.0, nodes[:, :1]
        # What is the largest to rounding counts as it, as in `diffspec.spectra.powers`.
        own = np.where(kept & (nodes < largest - floors[:, None]), nodes, largest)
        return cls(np.log(own / largest), kept)

    def shannon_and_log_sum(self, t: float) -> tuple[list[float], list[float]]:
        """The entropy of every row at time `t` and the log of the sum of |eigenvalue / largest|^t, in nats."""
        logs = t * self.logs
        powers = np.where(self.kept, np.exp(logs), 0.0)
        totals = powers.sum(axis=1)
        nats = np.log(totals) - (powers * logs).sum(axis=1) / totals
        most = np.log(self.kept.sum(axis=1))
        return np.clip(nats, 0.0, most).tolist(), np.log(totals).tolist()


def shannon_and_log_sums(spectra: Sequence[Spectrum], t: float) -> list[tuple[float, float]]:
    """`diffspec.spectra.functionals.shannon_and_log_sum` of every spectrum at time `t`: those that can, at once."""
    t = check_time(t)
    found: dict[int, tuple[float, float]] = {}
    plain = [place for place, spectrum in enumerate(spectra) if t < HUGE_TIME and _is_plain(spectrum)]
    for places in _packed(plain, spectra):
        nodes = np.zeros((len(places), max(len(spectra[place].nodes) for place in places)))
        for row, place in zip(nodes, places, strict=True):
            row[: len(spectra[place].nodes)] = spectra[place].nodes
        rows = Stacked.of(nodes, np.array([spectra[place].floor for place in places]))
        found.update(zip(places, zip(*rows.shannon_and_log_sum(t), strict=True), strict=True))
    return [found.get(place) or shannon_and_log_sum(spectrum, t) for place, spectrum in enumerate(spectra)]


def _is_plain(spectrum: Spectrum) -> bool:
    """Whether `spectrum` holds every eigenvalue by itself, in NumPy."""
    nodes = spectrum.nodes
    whole = isinstance(nodes, np.ndarray) and len(nodes) == spectrum.n and spectrum.samples is None
    return whole and spectrum.floor > 0.0 and bool((spectrum.weights == 1.0).all())


def _packed(places: Sequence[int], spectra: Sequence[Spectrum]) -> Iterator[list[int]]:
    """Those of like size together, as far as one array holds them."""
    left = sorted(places, key=lambda place: -spectra[place].n)
    while left:
        step = max(1, HELD // spectra[left[0]].n)
        some, left = left[:step], left[step:]
        yield some
