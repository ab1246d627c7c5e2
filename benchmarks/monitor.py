"""`python -m benchmarks.monitor --cifar DIR`: a look of the monitor beside an epoch of ResNet-18 on CIFAR-10.

An epoch is 391 batches of 128 images; its time is 391 times the median of some batches. The look measures 2000 test
images at the layer before the classifier, with every standard measure and both rules.
"""

import argparse
import json
import lzma
import pickle
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.measure import machine
from diffspec.training import Monitor, Probe

HERE = Path(__file__).resolve().parent
BATCH, IMAGES = 128, 50_000


class Block(nn.Module):
    """The basic block of ResNet-18 (He et al. 2016)."""

    def __init__(self, inside, outside, stride):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside))
        self.second = nn.Sequential(nn.Conv2d(outside, outside, 3, 1, 1, bias=False), nn.BatchNorm2d(outside))
        same = stride == 1 and inside == outside
        self.short = nn.Sequential() if same else nn.Conv2d(inside, outside, 1, stride, bias=False)

    def forward(self, x):
        return torch.relu(self.second(torch.relu(self.first(x))) + self.short(x))


def resnet18():
    """With the stem for 32 x 32 images: 11.2 million parameters, 0.56 GFLOP (multiply-adds) an image."""
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    for inside, outside, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)):
        layers += [Block(inside, outside, stride), Block(outside, outside, 1)]
    network = nn.Sequential(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), nn.Linear(512, 10))
    return network.to(memory_format=torch.channels_last)  # four times as fast on a CPU


def cifar(folder, name, count):
    """Images, normalised, and labels from one of the official Python batches, also compressed by xz."""
    path = next(folder.glob(f"{name}*"))
    raw = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
    batch = pickle.loads(raw, encoding="bytes")
    images = batch[b"data"][:count].reshape(-1, 3, 32, 32).astype(np.float32) / 255.0
    images = torch.from_numpy((images - 0.47) / 0.25).to(memory_format=torch.channels_last)
    return images, torch.tensor(batch[b"labels"][:count])


def batch_seconds(network, images, labels, batches):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    seconds = []
    for k in range(batches):
        start = time.perf_counter()
        some = slice(k * BATCH, (k + 1) * BATCH)
        loss = nn.functional.cross_entropy(network(images[some]), labels[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def forward_seconds(network, images):
    with torch.no_grad():
        network.eval()
        start = time.perf_counter()
        for some in images.split(256):
            network(some)
        network.train()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monitor", description=__doc__)
    parser.add_argument("--cifar", type=Path, required=True, help="folder with the Python batches of CIFAR-10")
    parser.add_argument("--batches", type=int, default=21)
    parser.add_argument("--looks", type=int, default=3)
    today = datetime.now(UTC).date().isoformat()
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"{today}-monitor.jsonl")
    options = parser.parse_args()
    torch.manual_seed(0)
    network = resnet18()
    epoch = IMAGES / BATCH * batch_seconds(network, *cifar(options.cifar, "data_batch_1", 10_000), options.batches)
    images, labels = cifar(options.cifar, "test_batch", 2000)
    with tempfile.TemporaryDirectory() as folder:
        monitor = Monitor(network, layers=["0"], probe=Probe(images, labels), log=f"{folder}/run.jsonl")
        monitor.observe(0)  # whatever is loaded at the first use is not timed
        looks, forwards = [], []
        for step in range(1, options.looks + 1):
            start = time.perf_counter()
            monitor.observe(step)
            looks.append(time.perf_counter() - start)
            forwards.append(forward_seconds(network, images))
    look, forward = statistics.median(looks), statistics.median(forwards)
    row = {"epoch_seconds": epoch, "look_seconds": look, "forward_seconds": forward}
    row |= {"measures_percent": 100.0 * (look - forward) / epoch, "look_percent": 100.0 * look / epoch}
    options.output.write_text(json.dumps({"machine": machine()}) + "\n" + json.dumps(row | {"looks": looks}) + "\n")
    print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
