"""
Numbers of dse-dsmi
===================

The four functions of the package dse-dsmi, by their names and arguments, so that old numbers can be compared.
"""

from matplotlib import pyplot as plt
from sklearn.datasets import load_digits

from diffspec import dse, paper
from diffspec.conventions import released
from diffspec.released import diffusion_spectral_entropy, diffusion_spectral_mutual_information

points, labels = load_digits(return_X_y=True)
points, labels = points[:800], labels[:800]

# %%
# Change the import and leave the calls as they are.
print(f"{diffusion_spectral_entropy(points, gaussian_kernel_sigma=10, t=1):.4f} bits")
information, _ = diffusion_spectral_mutual_information(points, labels, gaussian_kernel_sigma=10)
print(f"{information:.4f} bits")

# %%
# The same entropy by the door of this package, and what the paper defines, which divides the density out.
print(dse(points, **released))
print(dse(points, **paper))

# %%
# Both follow the scale of the points, so alike that one line hides the other. The default does not.
scales = [0.125, 0.25, 0.5, 1, 2, 4, 8]
figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
for name, walk in (("dse-dsmi, sigma = 10", released), ("paper, sigma = 10", paper), ("default", {})):
    axis.semilogx(scales, [dse(scale * points, **walk).value for scale in scales], "o-", base=2, label=name)
axis.set(xlabel="the same digits, multiplied by", ylabel="DSE in bits", title="A fixed width sees the scale")
axis.legend(frameon=False)
