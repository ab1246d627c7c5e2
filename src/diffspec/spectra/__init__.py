"""Spectra and what is read off them: entropies, their errors and bounds, diffusion times."""
