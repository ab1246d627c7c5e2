"""Diffusion spectral entropy of points on a cluster: the walk of `diffspec.dse` with a distributed operator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from diffspec._checks import Seed
from diffspec.cluster.operator import on_cluster
from diffspec.cluster.session import Session
from diffspec.kernels import AlphaDecay, Kernel
from diffspec.measures.asked import asked
from diffspec.measures.entropy import left, measured
from diffspec.results.estimate import Estimate
from diffspec.solvers import Solver

__all__ = ["dse"]


def dse(
    points: Any,
    *,
    client: Any,
    kernel: Kernel = AlphaDecay(),
    alpha: float = 0.5,
    t: float | None = None,
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
    kernel : AlphaDecay, NearestNeighbors, Gaussian or Cosine
        Of the first two, neighbour graphs, the workers find who is near, and the graph is put together and solved in
        this process. The sigma of the last two is a number, ``"median"`` or `Median`, and their affinities stay on the
        workers; that of `NearestNeighbors` is a number, ``"knn"``, ``"lafon"`` or ``"knn-share"``.
    alpha, t, rng
        As for `diffspec.dse`.
    solver : Solver
        By default as for `diffspec.dse`, of `Gaussian` and `Cosine` ``Lanczos(times=(t,))``; its vectors, n times some
        hundred float64, are held by this process.
    block : int, optional
        Points per block; from the memory of the workers by default.
    patience : float
        Seconds without a single worker after which the cluster counts as dead.

    Returns
    -------
    Estimate
        The same as on one machine, of `Gaussian` and `Cosine` to the rounding of float32 tiles, and to the last bit
        whichever workers die.

    Raises
    ------
    InputError
        Points, kernel, t, alpha or client that cannot be used.
    TooLargeError
        The graph is larger than half of the memory that is free here.
    ClusterError
        The cluster died, or several workers died in the same piece of work.
    """
    how = asked(kernel, alpha=alpha, t=t, solver=solver, rng=rng)
    there = on_cluster(Session(client, patience), points, how.kernel, rng=how.rng, block=block)
    found = measured(left(there, "cluster"), how, seed=rng).shannon()
    return replace(found, settings=replace(found.settings, library="dask"))
