"""Mutual information by a trained critic: MINE, InfoNCE, NWJ and SMILE, read off on data that the critic never saw.

Needs the extra ``torch``, which is imported when one of them is called. A critic that has not learned the dependence
reads too low, one that overfits is stopped; so values are low rather than high, but vary with the seed.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from diffspec._arrays import Array
from diffspec._checks import Seed, positive
from diffspec.baselines._estimates import call
from diffspec.baselines.information.critic_settings import DEFAULT, Training, blocks_of
from diffspec.baselines.information.critic_training import Bound, Task, estimated, sizes
from diffspec.machine.memory import within_memory
from diffspec.points.groups import Grouping
from diffspec.results.estimate import Estimate

__all__ = ["Training", "infonce", "mine", "nwj", "smile"]


@within_memory
def mine(
    points: Array,
    reference: Any,
    *,
    corrected: bool = True,
    groups: Grouping | None = None,
    training: Training = DEFAULT,
    repeats: int = 1,
    rng: Seed = 0,
) -> Estimate:
    """Mutual information, in bits, by MINE: the Donsker-Varadhan bound on held-out pairs (Belghazi et al.).

    I >= E[T(x, y)] - log E[exp T(x, y')] with T the critic, partners x, y and pairs x, y' that are none.

    Parameters
    ----------
    points : array (n, d)
        Anything finite with a feature that varies; n at least 50.
    reference : array (n,) or (n, m) or Partition
        Floats are values; integers, booleans and strings are labels and become one feature per class.
    corrected : bool
        Whether a moving average (decay 0.99) takes the bias off the gradient, as the source recommends. False is its
        biased form, as in the paper's comparison.
    groups : Grouping, optional
        How a reference of floats becomes labels.
    training : Training
        The critic and its training.
    repeats : int
        Random splits and trainings whose mean is the value; from two on their spread gives `stderr`.
    rng : int or numpy.random.Generator or RandomState or None
        Decides split, weights and batches; the same seed gives the same value on the same machine.

    Returns
    -------
    Estimate
        Value in bits, a lower bound up to the chance of the held-out pairs; 0 for an untrained critic and slightly
        negative at times. With labels `ceiling` is their entropy.

    Raises
    ------
    InputError
        Fewer than 50 points, all points equal, a single class, unequal lengths, a training that diverged.
    MissingExtraError
        torch is not installed.

    Notes
    -----
    steps x (batch x (d + m) + batch^2 x 32) x 64 multiplications, some five seconds with the defaults. The variance of
    the bound grows as exp(I): *not* for more than some 5 nats.

    References
    ----------
    belghazi2018mine, Eqns 10 and 12.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import Training, mine
    >>> labels = np.repeat([0, 1], 200)
    >>> points = np.random.default_rng(0).normal(size=(400, 2)) + 9 * labels[:, None]
    >>> print(f"{mine(points, labels, training=Training(steps=200)).value:.1f}")
    1.0
    """

    def bound(critic: Any) -> Bound:
        def value(scores: Any) -> Any:
            return scores.diagonal().mean() - critic.log_mean_exp_of_pairs(scores)

        return critic.Donsker(0.99 if corrected else 0.0), value

    method = call("mine", {"corrected": corrected, "training": training, "repeats": repeats})
    return estimated("MINE information", method, bound, Task(points, reference, groups, training, repeats, rng))


@within_memory
def infonce(
    points: Array,
    reference: Any,
    *,
    groups: Grouping | None = None,
    training: Training = DEFAULT,
    repeats: int = 1,
    rng: Seed = 0,
) -> Estimate:
    """Mutual information, in bits, by InfoNCE: how well the critic tells a partner among K (van den Oord et al.).

    I >= log K + E[T(x, y) - log sum_j exp T(x, y_j)], K the number of held-out pairs, in parts of at most 1024.

    Parameters
    ----------
    points, reference, groups, training, repeats, rng
        As for `mine`.

    Returns
    -------
    Estimate
        Value in bits, a lower bound that varies little and cannot pass log2 K; the verdict says where it comes near.

    Raises
    ------
    InputError, MissingExtraError
        As `mine`.

    Notes
    -----
    Cost as `mine`. *Not* for informations near log2 K.

    References
    ----------
    oord2018infonce; poole2019variational, Eqn 10.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import Training, infonce
    >>> labels = np.repeat([0, 1], 200)
    >>> points = np.random.default_rng(0).normal(size=(400, 2)) + 9 * labels[:, None]
    >>> print(f"{infonce(points, labels, training=Training(steps=200)).value:.1f}")
    1.0
    """

    def bound(critic: Any) -> Bound:
        return critic.contrastive, lambda scores: -critic.contrastive(scores)

    method = call("infonce", {"training": training, "repeats": repeats})
    found = estimated("InfoNCE information", method, bound, Task(points, reference, groups, training, repeats, rng))
    held_out = found.n - sum(sizes(found.n, training))
    most = math.log2(held_out / blocks_of(held_out))
    if found.value < 0.9 * most:
        return found
    return replace(found, verdict=f"saturated: no value above log2 K = {most:.3g} bit is possible; give more points")


@within_memory
def nwj(
    points: Array,
    reference: Any,
    *,
    groups: Grouping | None = None,
    training: Training = DEFAULT,
    repeats: int = 1,
    rng: Seed = 0,
) -> Estimate:
    """Mutual information, in bits, by the f-divergence form of MINE (Nguyen, Wainwright and Jordan).

    I >= E[T(x, y)] - E[exp(T(x, y') - 1)]. Looser than Donsker and Varadhan's bound for the same critic, but its
    gradient has no bias and needs no moving average.

    Parameters
    ----------
    points, reference, groups, training, repeats, rng
        As for `mine`.

    Returns
    -------
    Estimate
        Value in bits, a lower bound up to the chance of the held-out pairs; 0 for an untrained critic.

    Raises
    ------
    InputError, MissingExtraError
        As `mine`.

    Notes
    -----
    Cost as `mine`. Its variance grows as exp(I): *not* for more than some 3 nats.

    References
    ----------
    nguyen2010estimating; belghazi2018mine, Eqn 8.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import Training, nwj
    >>> labels = np.repeat([0, 1], 200)
    >>> points = np.random.default_rng(0).normal(size=(400, 2)) + 9 * labels[:, None]
    >>> print(f"{nwj(points, labels, training=Training(steps=200)).value:.1f}")
    1.0
    """

    def bound(critic: Any) -> Bound:
        def value(scores: Any) -> Any:
            # The critic is taken for T - 1, so that one that says nothing says 0.
            return 1.0 + scores.diagonal().mean() - critic.log_mean_exp_of_pairs(scores).exp()

        return lambda scores: -value(scores), value

    method = call("nwj", {"training": training, "repeats": repeats})
    return estimated("NWJ information", method, bound, Task(points, reference, groups, training, repeats, rng))


@within_memory
def smile(
    points: Array,
    reference: Any,
    *,
    clip: float = 5.0,
    groups: Grouping | None = None,
    training: Training = DEFAULT,
    repeats: int = 1,
    rng: Seed = 0,
) -> Estimate:
    """Mutual information, in bits, by SMILE: MINE's bound with clipped scores (Song and Ermon).

    I ~ E[T(x, y)] - log E[exp clip(T(x, y'), -c, c)], T trained to tell partners from other pairs (Jensen-Shannon).

    Parameters
    ----------
    clip : float
        c in nats, positive: more lowers the bias and raises the variance.
    points, reference, groups, training, repeats, rng
        As for `mine`.

    Returns
    -------
    Estimate
        Value in bits; not a bound, as clipping can raise it.

    Raises
    ------
    InputError, MissingExtraError
        As `mine`; a clip that is not positive.

    Notes
    -----
    Cost as `mine`.

    References
    ----------
    song2020smile, Eqn 15.

    Examples
    --------
    >>> import numpy as np
    >>> from diffspec.baselines import Training, smile
    >>> labels = np.repeat([0, 1], 200)
    >>> points = np.random.default_rng(0).normal(size=(400, 2)) + 9 * labels[:, None]
    >>> print(f"{smile(points, labels, training=Training(steps=200)).value:.1f}")
    1.0
    """
    clip = positive(clip, "clip", hint="it is a number of nats")

    def bound(critic: Any) -> Bound:
        def value(scores: Any) -> Any:
            return scores.diagonal().mean() - critic.log_mean_exp_of_pairs(scores.clamp(-clip, clip))

        return critic.jensen_shannon, value

    method = call("smile", {"clip": clip, "training": training, "repeats": repeats})
    return estimated("SMILE information", method, bound, Task(points, reference, groups, training, repeats, rng))
