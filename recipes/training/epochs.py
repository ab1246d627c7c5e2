"""The training itself: epochs of one network under one condition, its accuracy, and its state as plain values."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from torch.nn import functional

from recipes.training.conditions import AUXILIARY, CONDITIONS, LOSSES
from recipes.training.inputs.data import Data
from recipes.training.probing import calibration_error, encoded, linear_probe, ridge_probe, scores
from recipes.training.schedule import groups, rate_at, relative_step

__all__ = ["Trainer"]

Tensor: TypeAlias = Any

PROBED, PASS = 2000, 250
"""Training images that a ridge probe learns from, or that calibrate batch norms, in passes of so many."""


class Trainer:
    """One network in training. All draws are of the global generator."""

    def __init__(self, network: Any, data: Data, labels: Tensor, key: Mapping[str, Any], batch: int) -> None:
        self.network, self.data, self.labels, self.key, self.batch = network, data, labels, key, batch
        self.condition = CONDITIONS[key["condition"]]
        self.device = next(network.parameters()).device
        parts = groups(network, key.get("step of"))
        self.relative_step = relative_step(network, parts, key["rate"]) if "step of" in key else None
        self.optimizer = torch.optim.AdamW(parts, lr=key["rate"], weight_decay=key["decay"])
        self.held: Tensor = None

    def epoch(self, epoch: int) -> dict[str, float]:
        """Train for one epoch, or its first `steps` batches; the mean loss and the share that was right meanwhile.

        Raises
        ------
        FloatingPointError
            The loss is not finite.
        """
        for group in self.optimizer.param_groups:
            share = group.get("share", 1.0)
            group["lr"] = share * self.key["rate"] * rate_at(epoch, self.key["epochs"], self.key["warmup"])
        self.network.train()
        total, right, seen = 0.0, 0.0, 0
        for views, labels in self._batches():
            loss, correct = self._step(views, labels)
            total, right, seen = total + loss * len(labels), right + correct, seen + len(labels)
        mean = total / seen
        if not math.isfinite(mean):
            raise FloatingPointError(f"the loss was {mean} in epoch {epoch}")
        return {"loss": mean} if self.condition.contrasts else {"loss": mean, "train accuracy": right / seen}

    def accuracy(self) -> dict[str, Any]:
        """On all held-out images, and per class; of a probe where the network learns without labels.

        Of a classifier the calibration error too.
        """
        held = self._held()
        with self._cast():
            if not self.condition.contrasts:
                logits = encoded(self.network, held, "logits")
            elif self.key["probing"] == "ridge":
                logits = ridge_probe(self._known(), encoded(self.network, held))
            else:
                logits = linear_probe(self._encodings, self.data.classes)(encoded(self.network, held))
        labels = self.data.held.labels.to(logits.device)
        accuracy, classes = scores(logits, labels, self.data.classes)
        found = {"accuracy": accuracy, "class accuracy": classes}
        return found if self.condition.contrasts else {**found, "calibration error": calibration_error(logits, labels)}

    def embedding(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """The encodings and true labels of all held-out images; those that are measured are the first."""
        with self._cast():
            return encoded(self.network, self._held()).cpu().numpy(), self.data.held.labels.numpy()

    def calibrated(self) -> Any:
        """A copy whose batch norms know the mean and spread of training images; None where it has no batch norms."""
        network = copy.deepcopy(self.network)
        norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
        if not norms:
            return None
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean over batches
        network.train()
        with torch.no_grad():
            for pixels in self._some_training().split(PASS):
                network.encoder(pixels)
        return network.eval()

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on."""
        cuda = torch.cuda.get_rng_state_all() if self.device.type == "cuda" else []
        draws = {"cpu": torch.get_rng_state(), "cuda": cuda}
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict(), "draws": draws}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["draws"]["cpu"])
        if state["draws"]["cuda"]:
            torch.cuda.set_rng_state_all(state["draws"]["cuda"])

    def _held(self) -> Tensor:
        if self.held is None:
            self.held = self.data.normal(self.data.pixels(self.data.held, slice(None), self.key["pixels"]))
        return self.held.to(self.device)

    def _batches(self) -> Iterator[tuple[list[Tensor], Tensor]]:
        """One view or two of every training image, normalised, with the labels it is trained with."""
        order = torch.randperm(len(self.data.train))
        for k, indices in enumerate(order.split(self.batch)):
            if k == self.key.get("steps", len(order)) or len(indices) < 2:
                return
            pixels = self.data.pixels(self.data.train, indices, self.key["pixels"]).to(self.device)
            count = 2 if self.condition.contrasts else 1
            views = [self.data.normal(self.condition.views(pixels, grey=self.data.grey)) for _ in range(count)]
            yield views, self.labels[indices].to(self.device)

    def _step(self, views: list[Tensor], labels: Tensor) -> tuple[float, float]:
        self.optimizer.zero_grad()
        with self._cast():
            points = [self.network.encoder(view) for view in views]
            if self.condition.contrasts:
                loss, correct = LOSSES[self.key["loss"]](*map(self.network.projector, points)), 0.0
            else:
                logits = self.network.linear(points[0])
                loss, correct = functional.cross_entropy(logits, labels), float((logits.argmax(1) == labels).sum())
        (loss + self._auxiliary(points, labels)).backward()
        self.optimizer.step()
        return float(loss.detach()), correct

    def _auxiliary(self, points: list[Tensor], labels: Tensor) -> Tensor | float:
        """What the cell adds to the loss: its weight times the measure of every view's encodings."""
        weight = self.key.get("weight", 0.0)
        return weight * sum(AUXILIARY[self.key["auxiliary"]](some, labels) for some in points) if weight else 0.0

    def _cast(self) -> Any:
        """In half precision on an accelerator."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type != "cpu")

    def _known(self) -> tuple[Tensor, Tensor]:
        """Encodings and true labels of the first training images."""
        pixels = self._some_training()
        return encoded(self.network, pixels), self.data.train.labels[: len(pixels)]

    def _some_training(self) -> Tensor:
        n = min(PROBED, len(self.data.train))
        return self.data.normal(self.data.pixels(self.data.train, slice(n), self.key["pixels"])).to(self.device)

    def _encodings(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Of both views of every training image, as a probe is trained on them in an epoch."""
        for views, labels in self._batches():
            for view in views:
                yield encoded(self.network, view), labels
