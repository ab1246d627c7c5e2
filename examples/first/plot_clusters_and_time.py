"""
How many clusters?
==================

At large times the entropy of k separated clusters is log2 k. So 2 to that power counts them.
"""

import numpy as np
from matplotlib import pyplot as plt

from diffspec import Gaussian, spectrum, synthetic

times = np.geomspace(1, 1000, 25)

# %%
# One decomposition serves every time. The width is the distance to near neighbours, so clusters stay apart.
figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
for k in (1, 2, 3, 5):
    points, _ = synthetic.blobs(600, k, dimension=10, std=0.5, rng=1)
    found = spectrum(points, kernel=Gaussian("knn"))
    axis.semilogx(times, [found.shannon(t=t).value for t in times], label=f"{k} clusters")
    print(f"{k} clusters: {found.count(t=100).value:.0f} eigenvalues are left at t = 100")
axis.set(xlabel="diffusion time t", ylabel="DSE in bits", title="Entropy falls to log2 k and stays")
axis.set_yticks(np.log2([1, 2, 3, 5]), ["log2 1", "log2 2", "log2 3", "log2 5"])
axis.legend(frameon=False)
