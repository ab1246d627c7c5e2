"""Is an information more than chance? The test for any estimator: the reference is dealt to the points anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from diffspec._arrays import Array
from diffspec._checks import Seed, generator_of, shown, takes
from diffspec.errors import InputError
from diffspec.inference.permutation import PermutationTest, check_permutations, p_value_of
from diffspec.machine.memory import within_memory
from diffspec.points.groups import Partition
from diffspec.points.labels import host
from diffspec.results.estimate import Estimate

__all__ = ["shuffle_test"]


@within_memory
def shuffle_test(
    estimator: Callable[[Array, Any], Estimate],
    points: Array,
    reference: Any,
    permutations: int = 199,
    *,
    level: float = 0.05,
    rng: Seed = 0,
) -> PermutationTest:
    """Whether an estimate of information, by whatever estimator, is more than it would be by chance.

    The reference is permuted and the estimate made again. The p-value is exact for every estimator, however biased.

    Parameters
    ----------
    estimator : callable
        (points, reference) -> Estimate, such as `diffspec.baselines.ksg`; fix its settings with `functools.partial`. It
        has to draw the same random numbers in every call, as all here do with their default `rng`.
    points, reference
        As the estimator takes them; the reference an array or sequence with one entry per point, or a `Partition`.
    permutations : int
        The smallest possible p-value is 1 / (permutations + 1).
    level : float
        The p-value that shall count as significant; only used to refuse too few permutations and for `significant`.
    rng : int or numpy.random.Generator or RandomState or None
        Draws the permutations.

    Returns
    -------
    PermutationTest
        In the unit of the estimator, without a table of groups; `ceiling` is 0 where the estimator knows none.

    Raises
    ------
    InputError
        Permutations so few that no p-value can reach `level`, and whatever the estimator refuses.

    Notes
    -----
    permutations + 1 estimates. For DSMI `permutation_test` is the same test, and computes one affinity for all of them.

    References
    ----------
    phipson2010permutation.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec import shuffle_test
    >>> from diffspec.baselines import ksg
    >>> x, noise = np.random.default_rng(0).normal(size=(2, 100, 1))
    >>> print(shuffle_test(ksg, x, x + noise, 99))
    KSG 1 information = 0.53 bit, 0.5331 above chance (-0.003119 ± 0.085), p = 0.01
    """
    check_permutations(permutations, level)
    if not takes(estimator, 2):
        raise InputError(f"estimator must be callable, (points, reference) -> Estimate, got {shown(estimator)}")
    generator = generator_of(rng)
    observed = estimator(points, reference)
    if not isinstance(observed, Estimate):
        raise InputError(f"estimator must give an Estimate, got {shown(observed)} from {shown(estimator)}")
    dealt = [estimator(points, _dealt(reference, generator)).value for _ in range(permutations)]
    return PermutationTest(
        measure=observed.measure,
        value=observed.value,
        unit=observed.unit,
        n=observed.n,
        p_value=p_value_of(np.array([observed.value, *dealt])),
        level=float(level),
        permutations=permutations,
        null_mean=float(np.mean(dealt)),
        null_sd=float(np.std(dealt, ddof=1)),
        ceiling=observed.ceiling or 0.0,
        settings=observed.settings,
        verdict=observed.verdict,
    )


def _dealt(reference: Any, rng: np.random.Generator) -> Any:
    """The reference in a random order."""
    if isinstance(reference, Partition):
        return replace(reference, codes=rng.permutation(reference.codes))
    return rng.permutation(host(reference))
