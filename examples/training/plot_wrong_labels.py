"""
Learning or memorising?
=======================

The same network learns true labels, and shuffled ones by heart. Its training accuracy rises in both cases. The
information that held-out digits share with their true classes does not.
"""

import numpy as np
import torch
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits

from diffspec import adjusted_dsmi
from diffspec.training import Memorisation, collect

digits = load_digits()
images = torch.tensor(digits.data / 16, dtype=torch.float32)
true = torch.tensor(digits.target)
held = slice(1000, 1500)
shuffled = true[torch.tensor(np.random.default_rng(0).permutation(1000))]


# %%
# Train, look at the last hidden layer, train on.
def watched(labels, looks=(0, 5, 10, 20, 40, 80)):
    """Training accuracy and held-out information at every look."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3, weight_decay=0)
    found = []
    for epoch in range(max(looks) + 1):
        for some in torch.randperm(1000).split(100) if epoch else ():
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(images[some]), labels[some]).backward()
            optimizer.step()
        if epoch in looks:
            seen = collect(network, "3", images[held])["3"]
            known = (network(images[:1000]).argmax(1) == labels).float().mean().item()
            found.append((epoch, known, adjusted_dsmi(seen, true[held]).value))
    return np.array(found).T


figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
rule = Memorisation()
for name, labels in (("true labels", true[:1000]), ("shuffled labels", shuffled)):
    epochs, known, information = watched(labels)
    left.plot(epochs, known, "o-", label=name)
    right.plot(epochs, information, "o-", label=name)
    print(f"{name}: {rule(known[-1], information, ceiling=np.log2(10)) or 'nothing to say'}")
left.set(xlabel="epoch", title="Training accuracy", ylim=(0, 1.05))
right.set(xlabel="epoch", title="Adjusted DSMI with true classes, held out (bits)")
left.legend(frameon=False)
