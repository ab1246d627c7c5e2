"""Entropy and information over a whole range of widths, and what of a change is scale and what is shape."""
