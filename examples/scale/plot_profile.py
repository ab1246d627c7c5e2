"""
Every width at once
===================

A width that is far too small says that every point is alone. One far too large says that all are one blob. A profile
shows the whole range in between.
"""

from sklearn.datasets import load_digits, load_wine
from sklearn.preprocessing import StandardScaler

from diffspec import profile
from diffspec.runs.plots import scale_curves

digits, classes = load_digits(return_X_y=True)
wine, kinds = load_wine(return_X_y=True)

# %%
# With labels the information is measured too.
found = {
    "digits": profile(digits[:500], classes[:500]),
    "wine": profile(StandardScaler().fit_transform(wine), kinds),
}
print(found["digits"])

# %%
# The vertical line is the width that the median rule would take.
figure = scale_curves(found)
