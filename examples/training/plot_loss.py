"""
Entropy as a part of the loss
=============================

``DSELoss`` is differentiable. Here it alone spreads a cloud of points over a circle, or draws it together.
"""

import torch
from matplotlib import pyplot as plt

from diffspec import Gaussian, dse
from diffspec.training import DSELoss

width = Gaussian(0.4)

# %%
# Points may move on the circle only, as normalised embeddings do.
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
start = torch.randn(60, 2, generator=torch.Generator().manual_seed(0)) * 0.4 + torch.tensor([1.0, 0.0])
for axis, encourage in zip(axes, (None, True, False), strict=True):
    points = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([points], lr=0.03)
    for _ in range(0 if encourage is None else 120):
        optimizer.zero_grad()
        DSELoss(kernel=width, encourage=encourage)(torch.nn.functional.normalize(points)).backward()
        optimizer.step()
    placed = torch.nn.functional.normalize(points).detach()
    axis.scatter(*placed.T, s=12)
    title = {None: "start", True: "entropy encouraged", False: "entropy discouraged"}[encourage]
    axis.set(title=f"{title}\n{dse(placed, kernel=width).value:.2f} bits", xlim=(-1.2, 1.2), ylim=(-1.2, 1.2))
    axis.set_aspect("equal")
