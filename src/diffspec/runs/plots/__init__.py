"""Figures of run logs and profiles for papers, as matplotlib Figures: save with ``figure.savefig("name.pdf")``.

Records in, figures out; nothing is computed here and pyplot, its backend and its settings are left alone.
"""

from __future__ import annotations

from diffspec.runs.plots.figures import embedding, spectra, training_curves
from diffspec.runs.plots.scale import changes, scale_curves

__all__ = ["changes", "embedding", "scale_curves", "spectra", "training_curves"]
