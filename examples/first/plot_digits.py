"""
A first number
==============

The entropy of 1797 handwritten digits, and how much their classes have to do with it.
"""

from matplotlib import pyplot as plt
from sklearn.datasets import load_digits

from diffspec import adjusted_dsmi, dse, dsmi, spectrum

points, labels = load_digits(return_X_y=True)

# %%
# An estimate prints its value, its unit, its error and a word on what it is worth. ``normalized`` goes from 0 (one
# blob) to 1 (every point alone). ``effective_rank`` is the same as a number of modes.
entropy = dse(points)
print(entropy)
print(f"{entropy.normalized:.2f} of the way from one blob to {len(points)} single points")
print(f"as many modes as {entropy.effective_rank:.0f} equal ones")

# %%
# The information that points and classes share, twice. ``dsmi`` is 0 by chance: is there anything? ``adjusted_dsmi``
# goes from 0 to the entropy of the classes, log2 10 = 3.32 bits: how much of what the classes could say is there?
shared = dsmi(points, labels)
print(shared)
print(adjusted_dsmi(points, labels))

# %%
# Which classes are compact? Their own entropy lies below that of random subsets of their size.
rows = sorted(shared.groups, key=lambda row: row.conditional - row.matched)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
left.bar([row.name for row in rows], [row.matched - row.conditional for row in rows], color="tab:blue")
left.set(xlabel="digit", ylabel="bits below a random subset", title="How compact is each class?")
times = [0.5, 1, 2, 3, 5, 10, 20, 50, 100]
found = spectrum(points)
right.semilogx(times, [found.shannon(t=t).value for t in times], "o-")
right.axvline(3, color="grey", linestyle=":")
right.set(xlabel="diffusion time t (default 3)", ylabel="DSE in bits", title="Larger times see less detail")
