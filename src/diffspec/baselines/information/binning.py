"""Classic Shannon entropy and mutual information: every feature is cut into equal bins, and cells are counted.

In more than a few dimensions every point has a cell of its own: the entropy is then log n and the information the
entropy of the labels, whatever the data. The verdict says so.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from diffspec._arrays import Array
from diffspec._checks import Seed, generator_of, integer, recorded
from diffspec.baselines._difference import difference
from diffspec.baselines._estimates import call, in_bits
from diffspec.baselines._samples import Floats, as_reference, as_samples, holds_labels, within_one
from diffspec.machine.memory import within_memory
from diffspec.measures.estimators import Estimator, Literal
from diffspec.measures.subsets import Indices
from diffspec.points.bins import equal_bins
from diffspec.points.blocks import BLOCK_ELEMENTS
from diffspec.points.groups import Grouping, Partition, partition_of
from diffspec.results.estimate import Estimate, Settings

__all__ = ["binned_entropy", "binned_information"]


@within_memory
def binned_entropy(points: Array, *, bins: int = 2) -> Estimate:
    """Shannon entropy, in bits, of the cell that a point lies in (plug-in: -sum p log2 p of the shares of points).

    Parameters
    ----------
    points : array (n, d)
        Anything finite.
    bins : int
        Equal bins per feature, from its minimum to its maximum, at least 1.

    Returns
    -------
    Estimate
        Value in bits in [0, log2 n]; the verdict says where every point has a cell of its own.

    Raises
    ------
    InputError
        Input that `dse` would refuse, bins that are no integer of at least 1.

    Notes
    -----
    O(n d log n) time, less where few features already tell all points apart. Biased low by about (cells - 1) / (2 n)
    nats. *Not* for more than a few dimensions.

    References
    ----------
    liao2024dse, classic Shannon entropy.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import binned_entropy
    >>> print(binned_entropy(np.linspace(0, 1, 64)[:, None], bins=4))
    binned entropy = 2 bit (n = 64)
    """
    cells = _cells(as_samples(points), integer(bins, "bins", least=1))
    n = len(cells)
    settings = Settings(method=call("binned_entropy", {"bins": bins}))
    verdict = _verdict(cells, "log2 n")
    return in_bits("binned entropy", _plug_in(cells), n=n, settings=settings, ceiling=math.log(n), verdict=verdict)


@within_memory
def binned_information(
    points: Array,
    reference: Any,
    *,
    bins: int = 2,
    groups: Grouping | None = None,
    estimator: Estimator = Literal(),
    rng: Seed = 0,
) -> Estimate:
    """Shannon mutual information, in bits, of the cell of a point and a reference.

    Parameters
    ----------
    points : array (n, d)
        Anything finite.
    reference : array (n,) or (n, m) or Partition
        Integers, booleans and strings are labels; floats are cut into bins like the points.
    bins : int
        Equal bins per feature.
    groups : Grouping, optional
        How a reference of floats becomes labels instead.
    estimator : Literal or Matched
        `Literal()` (default) is the plug-in value H(X) + H(Y) - H(X, Y), never negative and biased upwards;
        `Matched(5)` compares each group with random subsets of its size, as the paper's CSMI does, which takes most of
        the bias away and everything where all points have a cell of their own.
    rng : int or numpy.random.Generator or RandomState or None
        Draws the matched subsets.

    Returns
    -------
    Estimate
        Value in bits; `ceiling` is the entropy of the groups, `stderr` that of the matched subsets.

    Raises
    ------
    InputError
        Input that cannot be used, unequal lengths.

    Notes
    -----
    The bins are those of all points. The released package cuts every group and subset anew, and its CSMI differs:
    ``diffspec.released.diffusion_spectral_mutual_information(..., classic_shannon_entropy=True)``.

    References
    ----------
    liao2024dse, classic Shannon mutual information.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import binned_information
    >>> x = np.linspace(0, 1, 64)
    >>> print(f"{binned_information(x[:, None], x > 0.5).value:.2f}")
    1.00
    """
    cells = _cells(as_samples(points), integer(bins, "bins", least=1))
    labels = groups is not None or holds_labels(reference)
    if labels:
        partition = partition_of(reference, groups, len(cells))
    else:
        partition = _partition(as_reference(reference, len(cells), instead="labels"), bins)

    def entropy(indices: Indices) -> float:
        return _plug_in(cells[indices])

    found = difference(
        "binned information",
        entropy,
        partition,
        estimator=estimator,
        settings=Settings(method=call("binned_information", {"bins": bins}), seed=recorded(rng)),
        rng=generator_of(rng),
        verdict=_verdict(cells, "decided by the sizes of the groups"),
    )
    return found if labels else replace(found, groups=())  # a row per cell of the reference tells nobody anything


def _cells(values: Floats, bins: int) -> Indices:
    """The number of the cell of every point: equal where all features lie in the same bins."""
    n, d = values.shape
    cells = np.zeros(n, dtype=np.int64)
    step = max(1, BLOCK_ELEMENTS // n)
    for start in range(0, d, step):
        codes = equal_bins(within_one(values[:, start : start + step]), bins)
        _unique, cells = np.unique(np.column_stack([cells, codes]), axis=0, return_inverse=True)
        cells = cells.ravel()
        if cells.max() == n - 1:  # every point is alone already
            break
    return cells


def _partition(values: Floats, bins: int) -> Partition:
    cells = _cells(values, bins)
    return Partition(cells, tuple(f"cell {k}" for k in range(int(cells.max()) + 1)), f"{bins} bins per feature")


def _plug_in(cells: Indices) -> float:
    """-sum p log p in nats."""
    _unique, counts = np.unique(cells, return_counts=True)
    shares = counts / len(cells)
    # |.| so that one cell gives 0 and not -0
    return abs(float(np.sum(shares * np.log(shares))))


def _verdict(cells: Indices, value: str) -> str:
    if cells.max() < len(cells) - 1:
        return ""
    return f"saturated: every point has a cell of its own, so the value is {value}; use fewer bins or features"
