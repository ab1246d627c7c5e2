"""`python -m benchmarks.monitor --cifar DIR`: a look of the monitor beside an epoch of ResNet-18 on CIFAR-10.

An epoch is 391 batches of 128 images; its time is 391 times the median of some batches. The look measures 2000 test
images at the layer before the classifier, with every standard measure and both rules; another 800 of them at three
layers. With `--cpu` everything is in seconds of the processor on one thread, for a machine that others use too. Without
`--cifar` the images are noise, which takes as long.
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


def noise(count, seed):
    images = torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
    return images.to(memory_format=torch.channels_last), torch.arange(count) % 10


def batch_seconds(network, images, labels, batches, clock):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    seconds = []
    for k in range(batches):
        start = clock()
        some = slice(k * BATCH, (k + 1) * BATCH)
        loss = nn.functional.cross_entropy(network(images[some]), labels[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seconds.append(clock() - start)
    return statistics.median(seconds[1:])


def forward_seconds(network, images, clock):
    with torch.no_grad():
        network.eval()
        start = clock()
        for some in images.split(256):
            network(some)
        network.train()
    return clock() - start


def look_seconds(network, layers, probe, looks, clock):
    """Of looks after the first, at which what is used first is loaded, and what the log says of the last."""
    with tempfile.TemporaryDirectory() as folder:
        monitor = Monitor(network, layers=layers, probe=probe, log=f"{folder}/run.jsonl")
        monitor.observe(0)
        seconds = []
        for step in range(3, 3 + looks):  # where no picture is due
            start = clock()
            monitor.observe(step)
            seconds.append(clock() - start)
    return seconds


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monitor", description=__doc__)
    parser.add_argument("--cifar", type=Path, help="folder with the Python batches of CIFAR-10")
    parser.add_argument("--batches", type=int, default=21)
    parser.add_argument("--looks", type=int, default=3)
    parser.add_argument("--cpu", action="store_true", help="seconds of the processor, one thread")
    today = datetime.now(UTC).date().isoformat()
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"{today}-monitor.jsonl")
    options = parser.parse_args()
    clock = time.process_time if options.cpu else time.perf_counter
    if options.cpu:
        torch.set_num_threads(1)
    torch.manual_seed(0)
    network = resnet18()
    learnt = cifar(options.cifar, "data_batch_1", 10_000) if options.cifar else noise(options.batches * BATCH, 0)
    epoch = IMAGES / BATCH * batch_seconds(network, *learnt, options.batches, clock)
    images, labels = cifar(options.cifar, "test_batch", 2000) if options.cifar else noise(2000, 1)
    looks, forwards, three = [], [], []
    for _turn in range(options.looks):
        looks += look_seconds(network, ["0"], Probe(images, labels), 1, clock)
        forwards.append(forward_seconds(network, images, clock))
        some = (images[:800], labels[:800])
        layers = {"0.4": "gap", "0.6": "gap", "0.8": "gap"}
        three.append(
            look_seconds(network, layers, Probe(*some), 1, clock)[0] - forward_seconds(network, some[0], clock)
        )
    look, forward = statistics.median(looks), statistics.median(forwards)
    row = {"epoch_seconds": epoch, "look_seconds": look, "forward_seconds": forward}
    row |= {"measures_percent": 100.0 * (look - forward) / epoch, "look_percent": 100.0 * look / epoch}
    row |= {"three_layers_of_800_seconds": statistics.median(three), "clock": clock.__name__}
    options.output.write_text(json.dumps({"machine": machine()}) + "\n" + json.dumps(row | {"looks": looks}) + "\n")
    print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
