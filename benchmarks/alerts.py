"""`python -m benchmarks.alerts`: how often `Collapse` is wrong and how late it is, over limits, on real digits.

Trainings that collapse bring two noisy copies of a digit together and nothing apart; others are contrastive or learn
the digits. A network has collapsed when its effective rank has lost nine tenths of what it was before training. With
`--embeddings DIR`, also over the embeddings that cells of the recipe `training` kept (build/training).
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from benchmarks.measure import machine
from diffspec.baselines import effective_rank
from diffspec.training import Collapse

HERE = Path(__file__).resolve().parent
LIMITS = (1.1, 1.2, 1.3, 1.4, 1.5, 1.75, 2.0, 2.5)
HELD = 500
"""Digits that are looked at and never trained on."""


def encoder():
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 32))


def loss_of(kind, network, head, images, digits):
    one, other = (network(images + 0.15 * torch.randn_like(images)) for _ in range(2))
    if kind == "supervised":
        return functional.cross_entropy(head(torch.relu(one)), digits)
    one, other = functional.normalize(one), functional.normalize(other)
    if kind == "collapsing":
        return (one - other).square().sum(1).mean()
    return functional.cross_entropy(one @ other.T / 0.2, torch.arange(len(one)))


def ranks(kind, seed, *, steps, every):
    """The effective rank at every look, the first of them before training."""
    torch.manual_seed(seed)
    data = load_digits()
    images, digits = torch.tensor(data.data / 16, dtype=torch.float32), torch.tensor(data.target)
    network, head = encoder(), nn.Linear(32, 10)
    optimizer = torch.optim.Adam([*network.parameters(), *head.parameters()], lr=1e-3)
    found = []
    for step in range(steps + 1):
        if step % every == 0:
            with torch.no_grad():
                found.append(effective_rank(network(images[-HELD:]).numpy()).value)
        some = torch.randint(0, len(images) - HELD, (64,))
        loss = loss_of(kind, network, head, images[some], digits[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return found


def kept(folder):
    """Per kept cell the effective rank at its looks."""
    cells = {}
    for path in sorted(folder.glob("*/embedding-*.npz"), key=lambda path: int(path.stem.split("-")[1])):
        points = np.load(path)["points"][:512].astype(float)
        cells.setdefault(path.parent.name, []).append(effective_rank(points).value)
    return cells


def alarm(values, limit):
    """At which look the rule speaks, or None."""
    return next((k for k in range(len(values)) if Collapse(limit)(values[: k + 1])), None)


def onset(values):
    return next((place for place, value in enumerate(values) if value <= values[0] / 10.0), None)


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument("--embeddings", type=Path)
    today = datetime.now(UTC).date().isoformat()
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"{today}-alerts.jsonl")
    options = parser.parse_args()
    how = {"steps": options.steps, "every": options.every}
    kinds = ("collapsing", "contrastive", "supervised")
    curves = {kind: [ranks(kind, seed, **how) for seed in range(options.seeds)] for kind in kinds}
    cells = kept(options.embeddings) if options.embeddings else {}
    rows = []
    for limit in LIMITS:
        found = [(alarm(curve, limit), onset(curve)) for curve in curves["collapsing"]]
        late = [(at - began) * options.every for at, began in found if None not in (at, began)]
        row = {"limit": limit, "missed": sum(at is None for at, _began in found), "of": options.seeds}
        row |= {"late, median": float(np.median(late)) if late else None, "latest": max(late, default=None)}
        for kind in kinds[1:]:
            row[f"wrong, {kind}"] = sum(alarm(curve, limit) is not None for curve in curves[kind])
        row["wrong, cells"] = sorted(name for name, curve in cells.items() if alarm(curve, limit) is not None)
        rows.append(row)
        print(json.dumps(row))
    lowest = {kind: min(map(min, curves[kind])) for kind in kinds}
    looks = sum(map(len, cells.values()))
    about = {
        "machine": machine(),
        **how,
        "seeds": options.seeds,
        "lowest rank": lowest,
        "cells": len(cells),
        "looks of cells": looks,
    }
    options.output.write_text("".join(json.dumps(row) + "\n" for row in (about, *rows)))


if __name__ == "__main__":
    main()
