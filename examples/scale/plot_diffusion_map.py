"""
What the walk sees
==================

The entropy is read off the steps of a random walk between near points. The same walk draws the points in a plane, and
pulls noisy points back to what they lie on.
"""

from matplotlib import pyplot as plt

from diffspec import diffuse, diffusion_map, synthetic

points, branches = synthetic.tree(5, 80, dimension=20, noise_percent=20)

# %%
# Coordinates of the walk, and the points after four steps of it (their first two dimensions).
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
shown = {"two of 20 dimensions": points, "after four steps": diffuse(points, 4), "diffusion map": diffusion_map(points)}
for axis, (title, places) in zip(axes, shown.items(), strict=True):
    axis.scatter(places[:, 0], places[:, 1], c=branches, cmap="tab10", s=6)
    axis.set(title=title, xticks=[], yticks=[])
