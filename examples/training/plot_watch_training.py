"""
Watch a training
================

A small network learns digits. A monitor looks at its hidden layer after every epoch. The training is bit for bit the
one without it.
"""

from pathlib import Path
from tempfile import mkdtemp

import torch
from sklearn.datasets import load_digits

from diffspec.runs import report
from diffspec.runs.plots import training_curves
from diffspec.training import Monitor, Probe

digits = load_digits()
images = torch.tensor(digits.data / 16, dtype=torch.float32)
labels = torch.tensor(digits.target)
torch.manual_seed(0)
network = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
probe = Probe(images[1300:], labels[1300:])  # never trained on

# %%
# The loop is yours. One line in it looks, measures and writes to the run log.
log = Path(mkdtemp()) / "run.jsonl"
with Monitor(network, layers="1", probe=probe, log=log, run="true labels") as monitor:
    for epoch in range(13):
        for some in torch.randperm(1300).split(100) if epoch else ():
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(images[some]), labels[some]).backward()
            optimizer.step()
        accuracy = (network(probe.inputs).argmax(1) == probe.labels).float().mean().item()
        numbers = monitor.observe(epoch, accuracy=accuracy)
print({key: round(value, 3) for key, value in numbers.items()})

# %%
# Two of its measures as a figure: left the paper's fixed width, right the neighbour graph, which has no width.
figure = training_curves(log, names=["DSE(Z)", "adjusted DSMI(Z;Y)"])

# %%
# And as one page that opens offline.
page = report.write(log, log.with_name("report.html"))
print(f"{page.name}: {page.stat().st_size / 1e6:.1f} MB")
