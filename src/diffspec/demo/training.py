"""Training under one condition with a monitor beside it: the loop of the demo, and an example of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch

from diffspec.demo.conditions import Condition, Digits
from diffspec.runs.log import RunLog
from diffspec.training import Monitor, Probe

__all__ = ["RATE", "train"]

RATE = 2e-3
"""Learning rate of AdamW in every condition."""

Seen: TypeAlias = Callable[[int, dict[str, float]], None]


def train(condition: Condition, digits: Digits, *, epochs: int, seed: int, log: RunLog, seen: Seen) -> None:
    """Train and measure for `epochs`; `seen` is told of every epoch and its scores. The global random state is kept."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = condition.network()
        labels = condition.labels(digits.labels)
        optimizer = torch.optim.AdamW(network.parameters(), lr=RATE)
        monitor = Monitor(
            network,
            layers={"encoder": "none"},
            probe=Probe(digits.held_images, digits.held_labels),
            log=log,
            run=condition.name,
            pictures=sorted({0, 1, epochs // 8, epochs // 2, epochs}),
            axis="epoch",
            settings=_settings(condition, digits, epochs, seed),
        )
        for epoch in range(epochs + 1):
            if epoch:  # epoch 0 is the network before training
                _one_epoch(network, optimizer, condition, digits.images, labels)
            scores = condition.scores(network, digits, labels)
            monitor.observe(epoch, **scores)
            seen(epoch, scores)


def _one_epoch(network: Any, optimizer: Any, condition: Condition, images: Any, labels: Any) -> None:
    for batch in torch.randperm(len(images)).split(condition.batch):
        loss = condition.loss(network, images[batch], labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _settings(condition: Condition, digits: Digits, epochs: int, seed: int) -> dict[str, Any]:
    return {
        "condition": condition.meaning,
        "data": "handwritten digits of scikit-learn, 8 x 8 pixels",
        "training images": len(digits.images),
        "held-out images": len(digits.held_images),
        "epochs": epochs,
        "batch": condition.batch,
        "optimizer": f"AdamW, learning rate {RATE:g}",
        "seed": seed,
        "torch": str(torch.__version__),
    }
