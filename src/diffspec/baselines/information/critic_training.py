"""What the neural estimators share: the gate, splits and units. Imports torch only when called."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from diffspec._checks import Seed, generator_of, integer, recorded, shown
from diffspec.baselines._estimates import in_bits
from diffspec.baselines._samples import Floats, as_reference, as_samples, holds_labels, labels_of, within_one
from diffspec.baselines.information.critic_settings import Training
from diffspec.errors import InputError, MissingExtraError
from diffspec.points.groups import Grouping
from diffspec.results.estimate import BIT, NATS_PER, Estimate, Settings

if TYPE_CHECKING:
    from diffspec.baselines.information.critic import Data

__all__ = ["Bound", "Task", "estimated", "sizes"]

FEWEST = 50  # points: 30 to train on, 10 to stop by, 10 to read off


Bound: TypeAlias = tuple[Callable[[Any], Any], Callable[[Any], Any]]
"""What training lowers and what is read off, of scores (m, m)."""


@dataclass(frozen=True, slots=True)
class Task:
    """What was asked for."""

    points: Any
    reference: Any
    groups: Grouping | None
    training: Training
    repeats: int
    rng: Seed


def estimated(measure: str, method: str, bound: Callable[[Any], Bound], task: Task) -> Estimate:
    """The estimate, in bits, of one training per repeat; `bound` makes a fresh objective from the module of critics."""
    critic = _with_torch(measure)
    _check_training(task.training)
    repeats = integer(task.repeats, "repeats", least=1)
    x, y, settings, ceiling = _sides(task)
    seed = recorded(task.rng)
    settings = replace(settings, method=method, seed=seed, dtype="float32", library=f"torch on {task.training.device}")
    nats = []
    for generator in generator_of(task.rng).spawn(repeats):
        parts = _parts(critic, x, y, task.training, generator)
        nats.append(critic.fit(parts, *bound(critic), task.training, generator))
    found = in_bits(measure, float(np.mean(nats)), n=len(x), settings=settings, ceiling=ceiling)
    if len(nats) == 1:
        return found
    return replace(found, stderr=float(np.std(nats, ddof=1)) / math.sqrt(len(nats)) / NATS_PER[BIT])


def _with_torch(measure: str) -> Any:
    try:
        from diffspec.baselines.information import critic
    except ImportError:
        raise MissingExtraError(measure, "torch") from None
    return critic


def _check_training(training: Training) -> None:
    """Raise InputError where `training` is none, or names no device of this computer."""
    import torch

    if not isinstance(training, Training):
        raise InputError(f"training must be Training(...), got {shown(training)}")
    try:
        torch.empty(0, device=training.device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        why = str(error).splitlines()[0]
        raise InputError(f"device must be one of this computer, got {training.device!r}: {why[:150]}") from None


def _sides(task: Task) -> tuple[Floats, Floats, Settings, float | None]:
    """Points and reference as numbers, and, of labels, their partition and entropy in nats."""
    x = as_samples(task.points)
    n = len(x)
    if n < FEWEST:
        raise InputError(f"a critic needs at least {FEWEST} points to train on and to be tested on, got {n}")
    if (x == x[:1]).all():
        raise InputError("points must differ, got all alike; the information is 0")
    if task.groups is not None or holds_labels(task.reference):
        partition = labels_of(task.reference, task.groups, n)
        one_hot = np.equal.outer(partition.codes, np.arange(len(partition.names))).astype(float)
        return x, one_hot, Settings(partition=partition.origin), partition.entropy
    y = as_reference(task.reference, n, instead="groups=Labels()")
    if (y == y[:1]).all():
        raise InputError("reference must vary, got one value; the information is 0")
    return x, y, Settings(), None


def sizes(n: int, training: Training) -> tuple[int, int]:
    """How many points to train on and to stop by."""
    return round(training.shares[0] * n), round(training.shares[1] * n)


def _parts(critic: Any, x: Floats, y: Floats, training: Training, rng: np.random.Generator) -> list[Data]:
    """Random train, stop and test sets, every feature brought to mean 0 and, over sqrt(d), variance 1 of the first."""
    train, stop = sizes(len(x), training)
    order = rng.permutation(len(x))
    parts = np.split(order, [train, train + stop])
    if min(len(part) for part in parts) < 2:
        raise InputError(f"shares = {training.shares} leave a set of fewer than 2 of {len(x)} points; change them")
    sides = [critic.tensor(_normalised(side, parts[0]), training.device) for side in (x, y)]
    whole = critic.Data(*sides)
    return [whole.take(part) for part in parts]


def _normalised(values: Floats, train: Floats) -> Floats:
    """So that first-layer sums are of order 1 in any number of dimensions."""
    scaled = within_one(values)
    scaled -= scaled[train].mean(axis=0)
    deviation = scaled[train].std(axis=0)
    scaled /= np.where(deviation > 0, deviation, 1.0)
    # One-to-one, so the information stays as it is, and heavy tails no longer decide what the critic says.
    return np.asarray(np.arcsinh(scaled) / math.sqrt(values.shape[1]))
