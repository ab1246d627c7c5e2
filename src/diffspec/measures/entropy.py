"""Diffusion spectral entropy: points in, Estimate out. The whole walk is on this screen."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from diffspec._arrays import Array, as_points, device_name, dtype_name, memory_for, namespace
from diffspec._checks import Seed, recorded
from diffspec._foreign import is_stored
from diffspec.kernels import AlphaDecay, Kernel, Storage
from diffspec.machine.memory import within_memory
from diffspec.measures.advice import advice
from diffspec.measures.asked import Asked, asked
from diffspec.operators.build import build
from diffspec.operators.dense import Operator
from diffspec.operators.elsewhere import Elsewhere
from diffspec.operators.streaming.operator import on_disk
from diffspec.points.distinct import Copies, copies_of
from diffspec.results.estimate import Estimate, Settings
from diffspec.results.verdicts import HIGH, LOW
from diffspec.solvers import Lanczos, Solver
from diffspec.solvers.choice import Choice, plan
from diffspec.solvers.storing import Size
from diffspec.spectra.missed import Missed
from diffspec.spectra.spectrum import Spectrum, padded, shannon

__all__ = ["advice_for", "described", "dse", "settings_of", "spectrum"]

# How much larger the tolerance of a second, narrower search may be; and how many probes at least look at it where it is
# tried on some points.
ROUGH, PROBES = 10.0, 48


@within_memory
def dse(
    points: Array,
    *,
    kernel: Kernel = AlphaDecay(),
    alpha: float = 0.5,
    t: float | None = None,
    solver: Solver | None = None,
    memory: float | None = None,
    tol: float = 1e-3,
    rng: Seed = 0,
) -> Estimate:
    """Diffusion spectral entropy of a set of points, in bits (Definition 4.1 and Eqn 6 of the paper).

    S_D(P, t) = -sum_i p_i log2 p_i with p_i = |lambda_i|^t / sum_j |lambda_j|^t over all eigenvalues lambda of the
    diffusion matrix P. 2^S is the number of modes in which the data differ at the scale sigma after t steps of a random
    walk over the data graph: 1 for a single blob seen from afar, k for k tight clusters, n where every point stands
    alone.

    Parameters
    ----------
    points : array (n, d)
        NumPy (structured with one number per field and masked with nothing masked too), torch, pandas (nullable and
        pyarrow dtypes too), pyarrow tables or nested sequences; finite reals, n >= 2. Sparse, nested and missing values
        are refused, with what to do. One huge value does not hide the distances of the rest. A memory-mapped
        .npy or a zarr array that is larger than a quarter of the memory that may be used stays on disk and is read in
        parts; `AlphaDecay`, `NearestNeighbors`, `Gaussian` and `Cosine` only.
    kernel : Kernel
        `AlphaDecay` (default: the graph of nearest neighbours, without a scale to choose), `Gaussian`, `Cosine`,
        `SelfTuning`, `Precomputed`, or one of the sparse kernels. `diffspec.paper` and `diffspec.conventions.released`
        hold the settings of the paper and of its package: ``dse(points, **paper)``.
    alpha : float
        Anisotropic normalisation in [0, 1]; 0.5 is the paper's, 0 what the released package computes.
    t : float, optional
        Diffusion time, a positive real; larger times keep only the large structure. Default 3 for `AlphaDecay`, 1 for
        other kernels, of which the wide ones collapse at 3.
    solver : Solver, optional
        `Exact()`, `Lanczos()`, `LowRank()` or `Chebyshev()`. Default: what `choose` gives, which is exact to about 2500
        points and `Lanczos` with a stated standard error beyond.
    memory : float, optional
        Bytes that may be used, default half of what is free. The peak of the call, beyond the points, stays within 1.25
        times that and 64 MiB: where n x n numbers do not fit, `Gaussian` and `Cosine` are computed tile by tile, and
        what cannot be had is refused with the bytes that it needs.
    tol : float
        Standard error in bits that the chosen solver shall reach, where it is not exact.
    rng : int or numpy.random.Generator or RandomState or None
        Seed of bandwidth subsamples (over 4096 points) and random probes; the same seed gives the same value.

    Returns
    -------
    Estimate
        Value in bits in [0, log2 n], with `stderr` where the solver is random, settings (sigma resolved) and a
        verdict.

    Raises
    ------
    InputError
        Points, t or alpha that cannot be used.
    TooLargeError
        An n x n array that the solver or kernel needs, or the smallest tile, does not fit.

    Notes
    -----
    Exact: O(n^2 d + n^3) time, one n x n array of float64. Lanczos: O(n^2 (d + k)) for some tens to hundreds of
    products k, one float32 array or tiles, or of `AlphaDecay` a sparse graph. Beyond 100,000 points its neighbours are
    sought in cells: some are missed, and what that costs is part of `stderr`; one round of probes is taken, whatever
    `tol`. A million points take about ten minutes on two cores. Do not compare values of different kernels or times,
    and do not read a saturated or collapsed one (see `verdict`). Not an estimate of Shannon entropy.

    References
    ----------
    liao2024dse, Definition 4.1.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import Gaussian, dse
    >>> three = np.repeat([[0.0], [50.0], [100.0]], 20, axis=0) + np.random.default_rng(0).normal(size=(60, 1))
    >>> print(f"{dse(three, kernel=Gaussian(1.0), t=1000):.4f}")
    1.5850
    """
    found = spectrum(points, kernel=kernel, alpha=alpha, t=t, solver=solver, memory=memory, tol=tol, rng=rng)
    return found.shannon()


@within_memory
def spectrum(
    points: Array,
    *,
    kernel: Kernel = AlphaDecay(),
    alpha: float = 0.5,
    t: float | None = None,
    solver: Solver | None = None,
    memory: float | None = None,
    tol: float = 1e-3,
    rng: Seed = 0,
) -> Spectrum:
    """The eigenvalues of the diffusion matrix of `points`: one decomposition for every t, order and count.

    Parameters, errors and cost are those of `dse`; `t` is the time at which a random solver shall reach `tol`, and the
    one that methods of the spectrum take unless given another.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import spectrum
    >>> s = spectrum(np.random.default_rng(0).normal(size=(100, 5)))
    >>> [f"{s.shannon(t=t):.3f}" for t in (1, 2, 4)]
    ['6.171', '5.647', '5.054']
    """
    how = asked(kernel, alpha=alpha, t=t, solver=solver, memory=memory, tol=tol, rng=rng)
    given = taken(points, how)
    return measured(given, how, memory=memory, seed=rng)


def measured(
    given: Taken,
    how: Asked,
    *,
    memory: float | None = None,
    seed: Seed,
    known: Callable[[Storage], Any] | None = None,
    advises: bool = True,
) -> Spectrum:
    """The spectrum of what was `given`, as `how` asks: plan, build, solve, judge. `seed` is written down.

    `known` gives the affinity of all points where it has been computed for something else too; it is used up.
    Without `advises`, nothing is sought that would be better where the kernel tells nothing: dozens of eigenproblems.
    """
    choice = given.choice(how)
    operator = build(
        given.points,
        given.kernel,
        how.alpha,
        choice.plan,
        rng=how.rng,
        memory=memory,
        copies=given.copies,
        known=known,
        why=f"{choice.solver!r} with ",
    )
    found = padded(_solved(operator, choice.solver, how.rng), given.size.n)
    advised = advice_for(found, given.sample, given.kernel, how.alpha, how.t, rng=how.rng) if advises else ""
    settings = settings_of(given.sample, given.asked, given.kernel, alpha=how.alpha, solver=choice.solver, rng=seed)
    said = f", {operator.narrower.said}" if operator.narrower else ""
    settings = replace(settings, t=how.t, solver=f"{settings.solver}{given.said}{said}")
    if given.kernel.semidefinite is False:
        found = replace(found, negative=0.0)  # known of the kernel, and no news
    return described(found, operator, settings, advised)


def _solved(operator: Operator, solver: Solver, rng: np.random.Generator) -> Spectrum:
    """The spectrum of `operator`, and where it lacks neighbours that of one that lacks more, by the same probes."""
    narrower = operator.narrower
    if narrower is None:
        return solver(operator, rng)
    again, third = deepcopy(rng), deepcopy(rng)
    found = solver(operator, rng)
    # Only a part of the difference counts.
    rough = replace(solver, tol=ROUGH * solver.tol) if isinstance(solver, Lanczos) and solver.tol else solver
    if narrower.wider is None:
        return replace(found, missed=Missed(rough(narrower.operator(), again), narrower.share, narrower.said))
    if isinstance(rough, Lanczos):  # few points, of which the probes that many points need say too little
        rough = replace(rough, probes=max(rough.probes, PROBES), most=max(rough.most, PROBES))
    less, wider = rough(narrower.operator(), again), rough(narrower.wider(), third)
    return replace(found, missed=Missed(less, narrower.share, narrower.said, wider))


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """Points that were checked, with all that follows from them before anything is decided."""

    points: Any
    kernel: Kernel
    """With every rule replaced by its number."""
    asked: Kernel
    """As it was asked for."""
    size: Size
    sample: Array
    """What advice looks at: the points, or some of those on disk."""
    copies: Copies | None = None

    @property
    def said(self) -> str:
        """What settings say of the points besides."""
        return "" if self.copies is None else f" on {self.copies.order} different points and their numbers"

    def choice(self, how: Asked) -> Choice:
        """What is decided for these points."""
        budget = memory_for(how.memory, None if self.size.stays else self.points)
        widths = None if self.size.stays else partial(self.kernel.in_widths, self.points)
        return plan(self.size, self.kernel, solver=how.solver, t=how.t, memory=budget, tol=how.tol, widths=widths)


def taken(points: Any, how: Asked) -> Taken:
    """`points` checked, or, of those on disk that do not fit, surveyed; and the kernel resolved on them."""
    if is_stored(points) and 8.0 * math.prod(points.shape) > memory_for(how.memory) / 2.0:
        return left(on_disk(points, how.kernel, memory=memory_for(how.memory), rng=how.rng), "disk")
    points = as_points(points)
    kernel = how.kernel.resolve(points, how.rng)
    copies = copies_of(points) if "merged" in kernel.storages else None
    n, d = points.shape
    size = Size(n, d, host=device_name(points) == "cpu", different=None if copies is None else copies.order)
    return Taken(points, kernel, how.kernel, size, points, copies)


def left(points: Elsewhere, where: Literal["disk", "cluster"]) -> Taken:
    """`points` that stay where they are."""
    return Taken(points, points.kernel, points.asked, Size(*points.shape, stays=where), points.sample)


def advice_for(
    found: Spectrum, points: Array, kernel: Kernel, alpha: float, t: float, *, rng: np.random.Generator
) -> str:
    """What to do where the entropy of `found` at time `t` tells nothing and the kernel is at fault, or nothing."""
    share, first = (shannon(found, time) / math.log(found.n) for time in (t, 1.0))
    if LOW <= share <= HIGH or LOW <= first <= HIGH:
        return ""
    return advice(points, kernel, alpha, t, rng)


def described(found: Spectrum, operator: Operator, settings: Settings, advised: str) -> Spectrum:
    """What a solver found with all that a user needs to know of it: settings, advice, the operator's own error."""
    settings = replace(settings, floor=found.floor, dtype=dtype_name(operator.entries))
    return replace(found, settings=settings, advice=advised, perturbation=operator.perturbation)


def settings_of(
    points: Array, kernel: Kernel, resolved: Kernel, *, alpha: float, solver: Solver, rng: Seed
) -> Settings:
    """What has to be written down so that the number can be computed again (t is added by the functional)."""
    sigma, given = resolved.sigma, kernel.sigma
    by_rule = isinstance(given, str) or callable(given)
    return Settings(
        kernel=repr(resolved),
        sigma=float(sigma) if isinstance(sigma, float | int) else None,
        rule=(given if isinstance(given, str) else repr(given)) if by_rule else None,
        alpha=alpha,
        t=1.0,
        solver=repr(solver),
        seed=recorded(rng),
        dtype=dtype_name(points),
        library=f"{namespace(points).__name__.split('.')[-1]} on {device_name(points)}",
    )
