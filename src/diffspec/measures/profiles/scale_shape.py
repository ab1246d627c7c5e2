"""Between two snapshots of a layer, how much of the change of its entropy is scale, and how much is shape."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from diffspec._arrays import Array, as_points, free_memory, is_numpy, memory_for
from diffspec._checks import Seed, generator_of, shown
from diffspec.errors import InputError
from diffspec.kernels import Gaussian
from diffspec.kernels.bandwidth import TINY, Sigma, check_sigma, resolve_sigma
from diffspec.kernels.scales import Distances
from diffspec.machine.memory import within_memory
from diffspec.machine.threads import parallel_map
from diffspec.measures.asked import asked
from diffspec.measures.entropy import dse
from diffspec.operators.build import Plan, build, distances_of
from diffspec.results.estimate import BIT, NATS_PER, Estimate, Settings
from diffspec.results.records import Record
from diffspec.solvers import Solver
from diffspec.solvers.choice import planned_for_widths
from diffspec.solvers.storing import distances_for
from diffspec.spectra.spectrum import shannon, shannon_stderr

__all__ = ["ScaleShape", "Snapshot", "attributed", "scale_and_shape"]

# Arrays of all pairs that two entropies take at a time, and as many again for what else is there.
AFFINITIES = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleShape(Record):
    """A change of the entropy at one sigma, split in two; in bits. `float` of it is the part of the shape.

    `scale` + `shape` is the whole change, exactly; the same from b to a has the opposite signs.
    """

    KIND: ClassVar[str] = "scale and shape"
    before: float
    after: float
    scale: float
    """What growth or shrinkage alone does to the entropy at a fixed width."""
    shape: float
    """The rest: what would change if both snapshots were brought to one scale."""
    scales: tuple[float, float]
    """The scale of the points before and after, in their unit."""
    n: int
    settings: Settings
    """Of both entropies; its sigma is the width held fixed."""
    stderr: float | None = None
    """Standard error of `scale` and of `shape`, None where nothing is random."""

    @property
    def total(self) -> float:
        """The whole change: after - before."""
        return self.after - self.before

    @property
    def growth(self) -> float:
        """How many times larger the points have become."""
        return self.scales[1] / self.scales[0]

    def __float__(self) -> float:
        return self.shape

    def __str__(self) -> str:
        error = "" if self.stderr is None else f" ± {self.stderr:.2g}"
        return (
            f"DSE {self.before:.4g} -> {self.after:.4g} bit at sigma = {self.settings.sigma:.4g}: {self.scale:+.4g} by "
            f"scale ({self.growth:.3g} times), {self.shape:+.4g} by shape{error} (n = {self.n})"
        )

    def estimates(self) -> tuple[Estimate, Estimate]:
        """The part of the scale and that of the shape, as estimates."""
        parts = (("scale", self.scale), ("shape", self.shape))
        return tuple(  # type: ignore[return-value]  # a pair, from a pair
            Estimate(
                measure=f"DSE change by {name}",
                value=value,
                unit=BIT,
                n=self.n,
                stderr=self.stderr,
                settings=self.settings,
            )
            for name, value in parts
        )


@within_memory
def scale_and_shape(
    a: Array,
    b: Array,
    *,
    sigma: Sigma,
    scale: Sigma = "median",
    alpha: float = 0.5,
    t: float = 1.0,
    solver: Solver | None = None,
    memory: float | None = None,
    tol: float = 1e-3,
    rng: Seed = 0,
) -> ScaleShape:
    """How the entropy at a fixed `sigma` changes from snapshot `a` to snapshot `b` of a layer, by scale and by shape.

    With S(x, s) the DSE of x at width s and m(x) its scale, blowing x up by a factor c is the same as measuring it at
    s / c. Growing first and then changing shape, the scale contributes S(a, s m_a / m_b) - S(a, s); in the other order
    S(b, s) - S(b, s m_b / m_a). The scale part is the mean of both (the Shapley value of two causes), the shape part
    the rest, which is what both orders say of the shape, in the mean.

    Parameters
    ----------
    a, b : array (n, d), (n, e)
        The same points before and after, as for `dse`; the number of features may differ.
    sigma : float or str or rule
        The width held fixed, as `Gaussian` takes it; a rule is resolved on `a`.
    scale : str or rule
        What the size of a cloud is: any rule for sigma that grows with the points.
    alpha, t, solver, memory, tol, rng
        As for `dse`.

    Raises
    ------
    InputError
        Points that `dse` refuses, different numbers of points, a snapshot of scale 0, `scale` a number.

    Notes
    -----
    Cost: the distances of both snapshots and four entropies. A pure change of scale has no shape part, a change at the
    same scale no scale part. Where both change much the two orders may differ; their mean is a convention, and the sum
    over many small steps need not be the split of the whole.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import scale_and_shape
    >>> before = np.random.default_rng(0).normal(size=(100, 5))
    >>> found = scale_and_shape(before, 3.0 * before, sigma=2.0)
    >>> print(f"{found.total:.2f} bit, {found.scale:.2f} by scale, {abs(found.shape):.2f} by shape")
    2.30 bit, 2.30 by scale, 0.00 by shape
    """
    clouds = as_points(a, name="a"), as_points(b, name="b")
    n, other = (points.shape[0] for points in clouds)
    if n != other:
        raise InputError(f"a and b must hold the same points, got {n} and {other}; give both on the same inputs")
    how = asked(Gaussian(sigma), alpha=alpha, t=t, solver=solver, memory=memory, tol=tol, rng=rng)
    alpha, t, generator = how.alpha, how.t, how.rng
    _check_scale(scale)
    budget = memory_for(memory, clouds[0])
    first, second = (planned_for_widths(points, solver=solver, t=t, memory=budget, tol=tol) for points in clouds)
    width = resolve_sigma(sigma, clouds[0], generator)
    before = Snapshot.of(clouds[0], "a", scale=scale, plan=first.plan, rng=generator)
    after = Snapshot.of(clouds[1], "b", scale=scale, plan=second.plan, rng=generator)
    ends = tuple(
        dse(points, kernel=Gaussian(width), alpha=alpha, t=t, solver=first.solver, memory=memory, rng=rng)
        for points in clouds
    )
    return attributed(before, after, (ends[0], ends[1]), solver=first.solver, rng=rng)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What has to be kept of some points to measure them at any width: n x n numbers, whatever their features."""

    distances: Distances
    plan: Plan
    scale: float

    @classmethod
    def of(cls, points: Array, name: str, *, scale: Sigma, plan: Plan, rng: np.random.Generator) -> Snapshot:
        """The snapshot of `points` (n, d), stored as `plan` says."""
        found = resolve_sigma(scale, points, rng)
        if not found > TINY:
            raise InputError(
                f"{name} has scale 0 by the rule {scale!r}: too many of its points coincide; its shape cannot be "
                "compared at another scale"
            )
        return cls(distances_of(points, plan.precision), plan, found)

    @classmethod
    def kept(cls, points: Array, scale: float) -> Snapshot:
        """The snapshot of `points` of a known scale, for as long as a training: in float32, whatever solves it."""
        plan = distances_for(points, None, memory_for(None, points))
        return cls(distances_of(points, plan.precision), plan, scale)

    def entropy(self, sigma: float, settings: Settings, solver: Solver, rng: Seed) -> tuple[float, float]:
        """DSE at the width `sigma` and its standard error, in bits, with alpha and t of `settings`."""
        alpha, t = float(settings.alpha or 0.0), float(settings.t or 1.0)
        generator = generator_of(rng)
        found = solver(build(self.distances, Gaussian(sigma), alpha, self.plan, rng=generator), generator)
        bit = NATS_PER[BIT]
        return shannon(found, t) / bit, (shannon_stderr(found, t) or 0.0) / bit


def attributed(
    a: Snapshot, b: Snapshot, ends: tuple[Estimate, Estimate], *, solver: Solver, rng: Seed = 0
) -> ScaleShape:
    """The change between `ends`, the entropies of two snapshots at one sigma: two entropies more."""
    before, after = ends
    settings = before.settings
    sigma = float(settings.sigma or 0.0)
    asked = ((a, a.scale / b.scale), (b, b.scale / a.scale))
    own = rng is None or isinstance(rng, int)  # else both would draw from one generator
    every = parallel_map if own and _both_fit(a.distances) else map
    found = every(lambda one: one[0].entropy(sigma * one[1], settings, solver, rng), asked)
    (grown, grown_error), (shrunk, shrunk_error) = found
    scale = (grown - before.value + after.value - shrunk) / 2.0
    errors = [error for error in (before.stderr, after.stderr) if error is not None]
    return ScaleShape(
        before=before.value,
        after=after.value,
        scale=scale,
        shape=(after.value - before.value) - scale,
        scales=(a.scale, b.scale),
        n=after.n,
        settings=replace(settings, rule=None, floor=None),
        stderr=math.hypot(*errors, grown_error, shrunk_error) / 2.0 if errors else None,
    )


def _both_fit(distances: Distances) -> bool:
    """Whether two affinities, with what a solver makes of them, may be held at a time; of NumPy."""
    squared = distances.squared
    return is_numpy(squared) and AFFINITIES * 8.0 * squared.size <= free_memory(squared)


def _check_scale(scale: Sigma) -> None:
    if not (isinstance(scale, str) or callable(scale)):
        raise InputError(
            f"scale must be a rule such as 'median', got {shown(scale)}; a number does not grow with the points"
        )
    check_sigma(scale)
