"""A small network that scores pairs, trained on one part of the data, stopped by a second and read off on a third.

All randomness comes from one NumPy generator; torch's generators, defaults and gradient mode are left alone. Importing
this module needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import torch

from diffspec.baselines._samples import Floats
from diffspec.baselines.information.critic_settings import Training, blocks_of

__all__ = [
    "Data",
    "Donsker",
    "Objective",
    "Value",
    "contrastive",
    "fit",
    "jensen_shannon",
    "log_mean_exp_of_pairs",
    "tensor",
]

Tensor: TypeAlias = torch.Tensor
Objective: TypeAlias = Callable[[Tensor], Tensor]
"""Scores (m, m) of every x with every y, partners on the diagonal, to what training lowers."""
Value: TypeAlias = Callable[[Tensor], Tensor]
"""The same scores to the information in nats."""

# Rows of a block that are scored at once.
ROWS = 64


@dataclass(frozen=True, slots=True)
class Data:
    """The two sides of some pairs, as tensors (n, d) and (n, m)."""

    x: Tensor
    y: Tensor

    def take(self, indices: Floats) -> Data:
        """The pairs at `indices`."""
        where = torch.from_numpy(indices).to(self.x.device)
        return Data(self.x[where], self.y[where])


def tensor(values: Floats, device: str) -> Tensor:
    """`values` as float32 on `device`."""
    return torch.tensor(values, dtype=torch.float32, device=device)


@dataclass(slots=True)
class Donsker:
    """The Donsker-Varadhan bound with its sign turned, its gradient corrected by a moving average where `decay` > 0.

    The average runs over the mean of exp(score) over pairs that are no partners, kept as a logarithm.
    """

    decay: float
    log_mean: Tensor | None = field(default=None, init=False)

    def __call__(self, scores: Tensor) -> Tensor:
        """Of scores (m, m): what training lowers; its value is not the bound where the gradient is corrected."""
        now = log_mean_exp_of_pairs(scores)
        if not self.decay:
            return now - scores.diagonal().mean()
        old = now.detach() if self.log_mean is None else self.log_mean
        self.log_mean = torch.logaddexp(old + math.log(self.decay), now.detach() + math.log1p(-self.decay))
        return torch.exp(now - self.log_mean) - scores.diagonal().mean()


def jensen_shannon(scores: Tensor) -> Tensor:
    """The Jensen-Shannon objective of SMILE: a classifier of partners against other pairs."""
    softplus = torch.nn.functional.softplus
    others = (softplus(scores).sum() - softplus(scores.diagonal()).sum()) / (len(scores) * (len(scores) - 1))
    return others + softplus(-scores.diagonal()).mean()


def contrastive(scores: Tensor) -> Tensor:
    """InfoNCE with its sign turned, in nats: how far each row is from telling its partner among all m."""
    return torch.logsumexp(scores, dim=1).mean() - scores.diagonal().mean() - math.log(len(scores))


def log_mean_exp_of_pairs(scores: Tensor) -> Tensor:
    """Log of the mean of exp(score) over the pairs that are no partners."""
    m = len(scores)
    apart = scores - torch.diag_embed(torch.full((m,), torch.inf, dtype=scores.dtype, device=scores.device))
    return torch.logsumexp(apart.reshape(-1), dim=0) - math.log(m * (m - 1))


def fit(
    parts: Sequence[Data], objective: Objective, value: Value, training: Training, rng: np.random.Generator
) -> float:
    """The information, in nats, on the third of `parts` (train, stop, test) by the critic best on the second."""
    train, stop, test = parts
    with torch.inference_mode(False), torch.enable_grad():
        weights = _weights(train, training.hidden, rng)
        optimiser = torch.optim.Adam(weights, lr=training.rate)
        best, kept, since = _evaluated(weights, stop, value), _copied(weights), 0
        batches = _batches(len(train.x), training.batch, rng)
        for step in range(1, training.steps + 1):
            optimiser.zero_grad()
            objective(_scores(weights, train.take(next(batches)))).backward()
            optimiser.step()
            if step % training.every:
                continue
            now = _evaluated(weights, stop, value)
            since = 0 if now > best else since + 1
            if now > best:
                best, kept = now, _copied(weights)
            if since == training.patience or not math.isfinite(now):
                break
        return _evaluated(kept, test, value)


def _weights(train: Data, hidden: Sequence[int], rng: np.random.Generator) -> list[Tensor]:
    """Of the critic: first layer for x, for y, its offsets, then weights and offsets of every further layer.

    The last layer starts at 0: an untrained critic says 0 nats.
    """
    d, m = train.x.shape[1], train.y.shape[1]
    shapes = [(d, hidden[0]), (m, hidden[0])]
    values = [rng.normal(size=shape) for shape in shapes]
    values.append(rng.normal(size=hidden[0]))
    for inside, outside in zip(hidden, [*hidden[1:], 1], strict=True):
        values += [math.sqrt(2.0 / inside) * rng.normal(size=(inside, outside)), np.zeros(outside)]
    values[-2] *= 0.0
    like = {"dtype": train.x.dtype, "device": train.x.device}
    return [torch.tensor(each, **like).requires_grad_() for each in values]


def _scores(weights: Sequence[Tensor], data: Data, rows: slice = slice(None)) -> Tensor:
    """Scores of the `rows` of x with every y."""
    of_x, of_y, offset, *rest = weights
    layer = (data.x[rows] @ of_x)[:, None, :] + (data.y @ of_y + offset)[None, :, :]
    for weight, shift in zip(rest[::2], rest[1::2], strict=True):
        layer = torch.relu(layer) @ weight + shift
    return layer[..., 0]


def _evaluated(weights: Sequence[Tensor], data: Data, value: Value) -> float:
    """The mean of `value` over blocks of the data."""
    blocks = np.array_split(np.arange(len(data.x)), blocks_of(len(data.x)))
    with torch.no_grad():
        return float(np.mean([float(value(_all_scores(weights, data.take(block)))) for block in blocks]))


def _all_scores(weights: Sequence[Tensor], data: Data) -> Tensor:
    starts = range(0, len(data.x), ROWS)
    return torch.cat([_scores(weights, data, slice(start, start + ROWS)) for start in starts]).double()


def _copied(weights: Sequence[Tensor]) -> list[Tensor]:
    return [weight.detach().clone() for weight in weights]


def _batches(n: int, size: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Indices of batches of `size` (or all n, where there are fewer), every point once per round but for a rest."""
    size = min(size, n)
    while True:
        order = rng.permutation(n)
        yield from (order[start : start + size] for start in range(0, n - size + 1, size))
