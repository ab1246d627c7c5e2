"""Drop-in for dse-dsmi 1.1: its four functions with the same names, arguments, defaults and returned values.

Change the import and nothing else. The values follow the *released* convention, which all published figures use: no
anisotropic correction (alpha = 0), 2.22e-16 added to every probability, bits. For the definitions of the paper, errors
and verdicts use `diffspec.dse` and `diffspec.dsmi`.

What differs on purpose:

- no global random state and no warning filter is touched;
- cache files are used only for the data and settings they were made from, and a cached value is the value without them;
- labels may be strings or booleans, and more than two axes are flattened;
- `chebyshev_approx=True` tracks the exact value to 0.05 bits, where the package's estimate is off by several;
- input that cannot be used gives a clear error.
"""

from diffspec.released.entropies import adjacency_spectral_entropy, diffusion_spectral_entropy
from diffspec.released.information import adjacency_spectral_mutual_information, diffusion_spectral_mutual_information

__all__ = [
    "adjacency_spectral_entropy",
    "adjacency_spectral_mutual_information",
    "diffusion_spectral_entropy",
    "diffusion_spectral_mutual_information",
]
