"""
Growth or structure?
====================

With a fixed width the entropy rises when an embedding merely grows. Here the part of the scale and the part of the
shape are told apart.
"""

import numpy as np
from matplotlib import pyplot as plt

from diffspec import dse, scale_and_shape, synthetic

before, _ = synthetic.blobs(300, 1, dimension=8, rng=0)
clustered, _ = synthetic.blobs(300, 4, dimension=8, std=0.6, rng=0)

# %%
# Three changes: only larger, only clustered (at the same scale), and both.
size = np.linalg.norm(before - before.mean(0), axis=1).mean()
clustered *= size / np.linalg.norm(clustered - clustered.mean(0), axis=1).mean()
after = {"only larger": 3 * before, "only clustered": clustered, "both": 3 * clustered}
found = {name: scale_and_shape(before, points, sigma=3.0) for name, points in after.items()}
for name, change in found.items():
    print(
        f"{name}: {change.before:.2f} to {change.after:.2f} bits, scale {change.scale:+.2f}, shape {change.shape:+.2f}"
    )

# %%
# The default kernel has no width: growth alone changes nothing.
print(f"default: {dse(before).value:.4f} and {dse(3 * before).value:.4f} bits")

# %%
figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
places = np.arange(3)
axis.bar(places - 0.2, [change.scale for change in found.values()], 0.4, label="scale")
axis.bar(places + 0.2, [change.shape for change in found.values()], 0.4, label="shape")
axis.axhline(0, color="black", linewidth=0.8)
axis.set_xticks(places, list(found))
axis.set(ylabel="change of DSE in bits", title="Why the entropy at sigma = 3 changed")
axis.legend(frameon=False)
