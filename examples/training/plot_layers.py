"""
Layer by layer
==============

What each layer of a trained network keeps of the classes, beside the same network before training.
"""

import copy

import torch
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits

from diffspec import adjusted_dsmi, dse
from diffspec.training import collect, layers

digits = load_digits()
images = torch.tensor(digits.images[:, None] / 16, dtype=torch.float32)
labels = torch.tensor(digits.target)
torch.manual_seed(0)
network = torch.nn.Sequential(
    torch.nn.Conv2d(1, 8, 3, padding=1),
    torch.nn.ReLU(),
    torch.nn.Conv2d(8, 16, 3, stride=2, padding=1),
    torch.nn.ReLU(),
    torch.nn.Flatten(),
    torch.nn.Linear(256, 32),
    torch.nn.ReLU(),
    torch.nn.Linear(32, 10),
)
before = copy.deepcopy(network)
optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
for _ in range(8):
    for some in torch.randperm(1200).split(100):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(images[some]), labels[some]).backward()
        optimizer.step()

# %%
# ``layers`` lists the names that can be looked at, and the shape that each gives.
print(layers(network, images[:2]))

# %%
# Convolutions give more than (n, d), so they need a word on how they become points: here all their numbers.
held, classes = images[1200:1600], labels[1200:1600]
names = {"1": "flatten", "3": "flatten", "6": "none", "7": "none"}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for what, one in (("before training", before), ("trained", network)):
    points = collect(one, names, held)
    left.plot(list(names), [adjusted_dsmi(z, classes).value for z in points.values()], "o-", label=what)
    right.plot(list(names), [dse(z).normalized for z in points.values()], "o-", label=what)
left.set(xlabel="layer", title="Adjusted DSMI with the classes (bits)")
right.set(xlabel="layer", title="DSE as a share of log2 n")
left.legend(frameon=False)
