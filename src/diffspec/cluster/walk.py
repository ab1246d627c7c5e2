"""Diffusion spectral entropy of points on a cluster: the walk of `diffspec.dse` with a distributed operator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from diffspec._checks import Seed
from diffspec.cluster.operator import on_cluster
from diffspec.cluster.session import Session
from diffspec.kernels import Kernel
from diffspec.measures.asked import asked
from diffspec.measures.entropy import left, measured
from diffspec.solvers import Solver
from diffspec.spectra.result import Estimate

__all__ = ["dse"]


def dse(
    points: Any,
    *,
    client: Any,
    kernel: Kernel,
    alpha: float = 0.5,
    t: float = 1.0,
    solver: Solver | None = None,
    rng: Seed = 0,
    block: int | None = None,
    patience: float = 60.0,
) -> Estimate:
    """Diffusion spectral entropy, in bits, of points that one machine does not hold.

    Parameters
    ----------
    points : dask.array.Array, str, Path, numpy.memmap or zarr.Array
        Shape (n, d). The path of a .npy file or a zarr directory is opened by every worker and by this process.
    client : distributed.Client
        Connected.
    kernel : Gaussian or Cosine
        Its sigma is a number, ``"median"`` or `Median`. To be named: the neighbour graph that `diffspec.dse` takes by
        default needs all points in one place.
    t : float
        Diffusion time; 1 suits the wide kernels that a cluster can compute.
    alpha, rng
        As for `diffspec.dse`.
    solver : Solver
        ``Lanczos(times=(t,))`` by default; its vectors, n times some hundred float64, are held by this process.
    block : int, optional
        Points per block; from the memory of the workers by default.
    patience : float
        Seconds without a single worker after which the cluster counts as dead.

    Returns
    -------
    Estimate
        The same, to the rounding of float32 tiles, as on one machine, and to the last bit whichever workers die.

    Raises
    ------
    InputError
        Points, kernel, t, alpha or client that cannot be used.
    ClusterError
        The cluster died, or several workers died in the same piece of work.
    """
    how = asked(kernel, alpha=alpha, t=t, solver=solver, rng=rng)
    there = on_cluster(Session(client, patience), points, how.kernel, rng=how.rng, block=block)
    found = measured(left(there, "cluster"), how, seed=rng).shannon()
    return replace(found, settings=replace(found.settings, library="dask"))
