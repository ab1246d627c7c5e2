"""Entropies of many sets of the same points, and what a weighted sum of them is off by."""
