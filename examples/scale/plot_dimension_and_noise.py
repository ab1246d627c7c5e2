"""
Dimension under noise
=====================

The entropy of a cloud rises with its intrinsic dimension. So it does where the cloud is hidden in 512 dimensions, with
noise on all of them.
"""

import numpy as np
from matplotlib import pyplot as plt

from diffspec import Gaussian, baselines, dse, synthetic
from diffspec.bandwidth import LogSum

rng = np.random.default_rng(0)
dimensions = [1, 2, 4, 8, 16, 32]

# %%
# Left, the entropy, with one sigma for all: clouds of one law share a scale. Right, estimators of the dimension itself,
# without noise. They are right for few dimensions and too low beyond.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for noise in (0, 5, 10):
    clouds = [synthetic.cloud(400, d, ambient=512, noise_percent=noise) for d in dimensions]
    left.semilogx(
        dimensions, [dse(z, kernel=Gaussian(2.0)).value for z in clouds], "o-", base=2, label=f"noise {noise} %"
    )
left.set(xlabel="intrinsic dimension", ylabel="DSE in bits", title="Entropy sees the dimension")
left.legend(frameon=False)
clean = [synthetic.cloud(400, d, ambient=512) for d in dimensions]
right.loglog(dimensions, dimensions, "k:", label="truth")
right.loglog(dimensions, [baselines.two_nn(z).value for z in clean], "s-", label="two nearest neighbours")
right.loglog(dimensions, [LogSum().dimension(z, rng) for z in clean], "o-", label="growth of the kernel's sum")
right.set(xlabel="intrinsic dimension", title="Estimated dimension")
right.legend(frameon=False)
