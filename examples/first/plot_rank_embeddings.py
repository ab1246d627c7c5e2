"""
Rank embeddings
===============

Which of several representations of the same points knows most of the labels? That needs no training and no test
accuracy.
"""

import numpy as np
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.random_projection import GaussianRandomProjection

from diffspec import agreement, rank

images, labels = load_digits(return_X_y=True)
images, labels = images[:600], labels[:600]
rng = np.random.default_rng(0)

# %%
# Six ways to represent a digit. Discriminant analysis was fitted to other digits.
fitted = LinearDiscriminantAnalysis().fit(*(half[600:1200] for half in load_digits(return_X_y=True)))
representations = {
    "discriminants": fitted.transform(images),
    "pixels": images,
    "10 components": PCA(10, random_state=0).fit_transform(images),
    "2 components": PCA(2, random_state=0).fit_transform(images),
    "random projection": GaussianRandomProjection(5, random_state=0).fit_transform(images),
    "noisy pixels": images + rng.normal(scale=10.0, size=images.shape),
}
found = rank(representations, labels)
print(found)

# %%
# The column *place* says what the differences leave open. Does the order agree with a classifier?
accuracy = {
    name: cross_val_score(KNeighborsClassifier(5), points, labels).mean() for name, points in representations.items()
}
print(agreement(found.values, accuracy))

# %%
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
rows = found.rows[::-1]
middle = np.array([row.value for row in rows])
ends = np.abs(np.array([[row.low, row.high] for row in rows]).T - middle)
axis.errorbar(middle, [row.name for row in rows], xerr=ends, fmt="o", capsize=3)
axis.axvline(found.ceiling, color="grey", linestyle=":")
axis.set(xlabel="adjusted DSMI in bits; dotted: all that the labels could say", xlim=(0, None))
