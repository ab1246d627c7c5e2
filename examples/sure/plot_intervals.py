"""
Do two representations differ?
==============================

An interval says how far a value would move with other points of the same kind. To tell two representations apart,
compare them on the same points: what they share cancels.
"""

from matplotlib import pyplot as plt
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from diffspec import Adjusted, compare, interval

points, labels = load_digits(return_X_y=True)
points, labels = points[:400], labels[:400]
components = {k: PCA(k, random_state=0).fit_transform(points) for k in (2, 4, 8, 16)}

# %%
# Intervals of neighbours may overlap.
found = {k: interval(z, labels, estimator=Adjusted()) for k, z in components.items()}
for k, one in found.items():
    print(f"{k} components: {one}")

# %%
# The paired comparison is sharper.
print(compare(components[8], components[16], labels, estimator=Adjusted()))
print(compare(components[2], components[4], labels, estimator=Adjusted()))

# %%
figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
low = [one.value - one.low for one in found.values()]
high = [one.high - one.value for one in found.values()]
names = [str(k) for k in found]
axis.errorbar(names, [one.value for one in found.values()], yerr=(low, high), fmt="o", capsize=4)
axis.set(xlabel="principal components of the digits", ylabel="adjusted DSMI in bits", title="95 % intervals")
