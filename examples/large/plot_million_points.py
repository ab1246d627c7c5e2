"""
A million points, with bounds
=============================

Where the spectrum decays fast, ``LowRank`` needs time that grows with n, and gives bounds that hold for certain.
"""

from time import process_time

import numpy as np
from matplotlib import pyplot as plt

from diffspec import Gaussian, LowRank, dse

# %%
# Three wide clouds, the same width for every n, and 32 eigenvalues of the kernel. A larger ``rank`` narrows the bounds.
rng = np.random.default_rng(0)
centres = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])
points = centres[rng.integers(3, size=1_000_000)] + rng.normal(size=(1_000_000, 2))
rows = []
for n in (1_000, 10_000, 100_000, 1_000_000):
    start = process_time()
    found = dse(points[:n], kernel=Gaussian(4.0), t=1.0, solver=LowRank(rank=32))
    rows.append((n, process_time() - start, found.value, *found.bounds))
    print(f"n = {n:9,}: between {found.bounds[0]:.4f} and {found.bounds[1]:.4f} bits, {rows[-1][1]:.1f} s")

# %%
n, seconds, value, low, high = np.array(rows).T
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
left.errorbar(n, value, yerr=(value - low, high - value), fmt="o-", capsize=4)
left.set(xscale="log", xlabel="number of points", ylabel="DSE in bits", title="Value and guaranteed bounds")
right.loglog(n, seconds, "o-")
right.set(xlabel="number of points", ylabel="seconds of the processor", title="Time")
