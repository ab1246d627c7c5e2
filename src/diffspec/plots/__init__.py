"""Figures of a run log for papers, as matplotlib Figures: save them with ``figure.savefig("name.pdf")``.

Records in, figures out; nothing is computed here and pyplot, its backend and its settings are left alone.
"""

from __future__ import annotations

from diffspec.plots.figures import embedding, spectra, training_curves

__all__ = ["embedding", "spectra", "training_curves"]
