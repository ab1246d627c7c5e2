"""
Other measures side by side
===========================

Three separated blobs and labels of which more and more are wrong. The truth is known, so every measure can be read
against it. DSMI is no estimate of this truth, and is not meant to be.
"""

import numpy as np
from matplotlib import pyplot as plt

from diffspec import adjusted_dsmi, baselines, dsmi, synthetic

points, labels = synthetic.blobs(450, 3, dimension=20, rng=0)
shares = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
measures = {
    "nearest neighbours (ross)": baselines.ross,
    "bins": baselines.binned_information,
    "Gram matrix": baselines.gram_information,
    "DSMI": dsmi,
    "adjusted DSMI": adjusted_dsmi,
}


# %%
# The truth: the entropy of the labels less what is lost by dealing a share of them anew.
def truth(share):
    """Bits that labels tell of the blob, with a share of them shuffled among all."""
    same, other = 1 - share + share / 3, share / 3
    parts = np.array([same, other, other])
    return np.log2(3) + float(np.sum(parts * np.log2(parts, where=parts > 0, out=np.zeros(3))))


# %%
# Every measure is a function of points and labels that gives an estimate in bits.
figure, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
for name, measure in measures.items():
    values = [measure(points, synthetic.corrupt(labels, share, rng=1)).value for share in shares]
    axis.plot(shares, values, "o-", label=name)
axis.plot(shares, [truth(share) for share in shares], "k:", label="truth")
axis.set(xlabel="share of labels dealt anew", ylabel="bits", title="Labels of three blobs")
axis.legend(frameon=False)
