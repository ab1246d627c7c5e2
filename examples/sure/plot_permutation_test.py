"""
Is it more than chance?
=======================

A DSMI of .1 bits: is it something? Deal the labels anew to the same points, and see how often as much comes out.
"""

import numpy as np
from matplotlib import pyplot as plt

from diffspec import dsmi, permutation_test

rng = np.random.default_rng(0)


def pets(each, shift):
    """Cats and dogs that differ a little in ten features."""
    labels = np.repeat(["cat", "dog"], each)
    return rng.normal(size=(2 * each, 10)) + shift * (labels == "dog")[:, None], labels


# %%
# The test gives the value above chance, and a p-value that is exact at every size. About the same value is nothing for
# 120 points, and something for 600.
sets = {"120 points": pets(60, 0.5), "600 points": pets(300, 0.25)}
for name, (points, labels) in sets.items():
    print(f"{name}: {permutation_test(points, labels, 99)}")

# %%
# What the test does, drawn out: the value beside those of shuffled labels. Many of these are negative, since labels
# that know nothing give 0 on average.
figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained", sharex=True)
for axis, (name, (points, labels)) in zip(axes, sets.items(), strict=True):
    chance = [dsmi(points, rng.permutation(labels)).value for _ in range(60)]
    axis.hist(chance, bins=20, color="lightgrey", label="shuffled labels")
    axis.axvline(dsmi(points, labels).value, color="tab:red", label="the labels")
    axis.set(title=name, xlabel="DSMI in bits", yticks=[])
axes[0].legend(frameon=False)
