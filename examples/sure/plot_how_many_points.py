"""
How many points?
================

``normalized`` hardly depends on the number of points. DSMI grows with it. So compare at one n only.
"""

import numpy as np
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits

from diffspec import adjusted_dsmi, dse, dsmi

points, labels = load_digits(return_X_y=True)
rng = np.random.default_rng(0)
sizes = [100, 200, 400, 800, 1600]

# %%
# Random subsets of the digits, three of each size.
rows = []
for n in sizes:
    subsets = [rng.choice(len(points), n, replace=False) for _ in range(3)]
    values = [
        (dse(points[s]).normalized, dsmi(points[s], labels[s]).value, adjusted_dsmi(points[s], labels[s]).value)
        for s in subsets
    ]
    rows.append(np.mean(values, axis=0))
    print(f"n = {n:4d}: normalized {rows[-1][0]:.3f}, dsmi {rows[-1][1]:.2f}, adjusted {rows[-1][2]:.2f} bits")

# %%
figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
share, shared, adjusted = np.array(rows).T
axis.semilogx(sizes, share, "o-", label="DSE / log2 n")
axis.semilogx(sizes, shared / np.log2(10), "s-", label="DSMI / H(labels)")
axis.semilogx(sizes, adjusted / np.log2(10), "^-", label="adjusted DSMI / H(labels)")
axis.set(xlabel="number of points", ylim=(0, 1.05), title="What grows with n, and what hardly does")
axis.set_xticks(sizes, [str(n) for n in sizes])
axis.minorticks_off()
axis.legend(frameon=False)
