"""MINE with the settings of the published figure, to see what they do; the library has `diffspec.baselines.mine`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

EPOCHS, BATCH, RATE, WIDTH = 200, 500, 1e-4, 100


def trained_as_published(points: Any, labels: Any, seed: int) -> float:
    """The biased Donsker-Varadhan bound in bits, a mean over batches of the very data that the critic was trained on.

    Raw features and the label as one more; layers of 100, 100 and 1, ReLU; Adam; 200 epochs in batches of 500, partners
    permuted within the batch.
    """
    import torch

    rng = np.random.default_rng(seed)
    data = torch.tensor(np.column_stack([points, labels]), dtype=torch.float32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        critic = torch.nn.Sequential(
            torch.nn.Linear(data.shape[1], WIDTH),
            torch.nn.ReLU(),
            torch.nn.Linear(WIDTH, WIDTH),
            torch.nn.ReLU(),
            torch.nn.Linear(WIDTH, 1),
        )
    optimiser = torch.optim.Adam(critic.parameters(), lr=RATE)
    for _ in range(EPOCHS):
        for rows in _batches(len(data), rng):
            optimiser.zero_grad()
            (-_bound(critic, data[rows], rng)).backward()
            optimiser.step()
    with torch.no_grad():
        bounds = [float(_bound(critic, data[rows], rng)) for rows in _batches(len(data), rng)]
    return float(np.mean(bounds)) / math.log(2.0)


def _batches(n: int, rng: np.random.Generator) -> list[Any]:
    return np.array_split(rng.permutation(n), math.ceil(n / BATCH))


def _bound(critic: Any, pairs: Any, rng: np.random.Generator) -> Any:
    """Mean score of partners less the log of the mean of exp(score) of others, in nats."""
    others = pairs.clone()
    others[:, -1] = pairs[rng.permutation(len(pairs)), -1]
    scores = critic(others)[:, 0]
    return critic(pairs).mean() - (scores.logsumexp(0) - math.log(len(scores)))
