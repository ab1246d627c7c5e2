"""How far an entropy can move when its operator moves by a known amount: the guaranteed error of a truncated kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Perturbation", "entropy_gap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Perturbation:
    """A diffusion operator A~ beside the operator A that it stands for.

    A is positive semi-definite; both have their spectra within [-1, 1] and an eigenvalue 1.
    """

    size: float
    """At least the trace norm of A - A~."""
    n: int
    trace: float
    """The sum of the eigenvalues of A~."""
    frobenius2: float
    """The sum of the squared eigenvalues of A~."""

    def entropy(self, t: float, power_sum: float = 0.0) -> float:
        """The most, in nats, by which the entropies of A and A~ at diffusion time `t` differ; never above log n.

        Parameters
        ----------
        t : float
            Diffusion time, positive.
        power_sum : float
            sum |lambda~|^t where it is known, or less: the bound is the sharper, above all at large t. Without it a
            lower bound from the first two moments is used.

        Notes
        -----
        Sorted eigenvalues differ by `size` in sum (Mirsky). Powers within [0, 1] then differ in sum by at most t size
        for t >= 1 and n^(1-t) size^t for t < 1; divided by sum |lambda~|^t that bounds the trace distance of the two
        distributions, and Fannes and Audenaert turn it into nats.

        Sharp enough to use for t from 1 up; below 1 the many small eigenvalues that a truncation destroys weigh, and
        the bound is often log n, which says nothing.

        References
        ----------
        mirsky1960symmetric, audenaert2007sharp.
        """
        moved = t * self.size if t >= 1 else math.pow(self.n, 1.0 - t) * math.pow(self.size, t)
        return entropy_gap(moved / max(power_sum, self._least_power_sum(t)), self.n)

    def _least_power_sum(self, t: float) -> float:
        """A lower bound of sum |lambda~|^t, from the first two moments alone.

        log sum |lambda|^t is convex in t, so outside [1, 2] it lies above the line through its values at 1 and 2. Of
        sum |lambda| only an interval is known where A~ is indefinite: [trace, trace + size].
        """
        if t <= 1:
            return self.trace * math.pow(self.trace / self.frobenius2, 1.0 - t)
        if t <= 2:
            return max(self.frobenius2, self.n * math.pow(self.trace / self.n, t))
        return max(1.0, self.frobenius2 * math.pow(self.frobenius2 / (self.trace + self.size), t - 2.0))


def entropy_gap(distance: float, n: int) -> float:
    """The largest difference, in nats, of two entropies over `n` outcomes at total variation `distance`, or nearer.

    T log(n - 1) - T log T - (1 - T) log(1 - T): attained, so it cannot be improved (Fannes-Audenaert).
    """
    if distance >= 1.0 - 1.0 / n:
        return math.log(n)
    if distance <= 0.0:
        return 0.0
    return distance * math.log((n - 1) / distance) - (1.0 - distance) * math.log1p(-distance)
