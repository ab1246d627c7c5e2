"""Entropies of other matrices than the spectrum of the diffusion operator."""
