"""Encoders trained by SimCLR and saved on the way, and encoders tuned: a linear classifier alone, or all weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from recipes.training.epochs import Trainer
from recipes.training.inputs.data import Data
from recipes.training.networks.families import Network, build, device
from recipes.training.probing import encoded, scores
from recipes.training.schedule import rate_at

__all__ = ["fine_tuned", "probed", "trained"]

KEPT = Path(__file__).resolve().parents[2] / "build" / "checkpoints"
CONTRASTS = {"condition": "contrastive", "rate": 1e-3, "decay": 1e-2, "warmup": 2, "loss": "usual", "probing": "ridge"}
BATCH = 64
WARM_UP = 10
"""Epochs of 50, as in the research code; a fifth of fewer."""


def trained(name: str, epochs: int, seed: int, data: Data, key: Mapping[str, Any]) -> dict[int, Path]:
    """The files of our encoder after every epoch of contrastive training, trained where they are not there."""
    settings = {
        **CONTRASTS,
        "data": name,
        "epochs": epochs,
        "seed": seed,
        "pixels": key["pixels"],
        "train": key["train"],
    }
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
    files = {epoch: KEPT / f"{name}-{seed}-{digest}-{epoch}.pth".replace(" ", "_") for epoch in range(epochs + 1)}
    if all(path.exists() for path in files.values()):
        return files
    KEPT.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build("resnet", data.classes, key["pixels"], small=True).to(device())
        trainer = Trainer(network, data, data.train.labels, settings, BATCH)
        for epoch, path in files.items():
            if epoch:
                trainer.epoch(epoch)
            torch.save({"epoch": epoch, "state_dict": network.encoder.state_dict()}, path)
    return files


def probed(network: Network, data: Data, key: Mapping[str, Any]) -> float:
    """The accuracy of a logistic regression on the features of the training images, on the held-out ones."""
    from recipes.models.asked import probe

    parts = {}
    for name, part in (("train", data.train), ("held", data.held)):
        pixels = data.normal(data.pixels(part, slice(None), key["pixels"])).to(device())
        parts[name] = {"points": encoded(network, pixels).double().cpu().numpy(), "labels": part.labels.numpy()}
    return probe(parts["train"], parts["held"])


def fine_tuned(network: Network, data: Data, key: Mapping[str, Any]) -> float:
    """The best accuracy on held-out images over the epochs in which all weights learn, by AdamW."""
    optimizer = torch.optim.AdamW([*network.encoder.parameters(), *network.linear.parameters()], lr=key["rate"])
    held = data.normal(data.pixels(data.held, slice(None), key["pixels"])).to(device())
    warm_up = min(WARM_UP, max(1, key["epochs"] // 5))
    best = 0.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for epoch in range(1, key["epochs"] + 1):
            for group in optimizer.param_groups:
                group["lr"] = key["rate"] * rate_at(epoch, key["epochs"], warm_up)
            network.train()
            for indices in torch.randperm(len(data.train)).split(key["batch"]):
                pixels = data.normal(data.pixels(data.train, indices, key["pixels"])).to(device())
                optimizer.zero_grad()
                functional.cross_entropy(network(pixels), data.train.labels[indices].to(device())).backward()
                optimizer.step()
            logits = encoded(network, held, "logits")
            best = max(best, scores(logits, data.held.labels.to(logits.device), data.classes)[0])
    return best
