"""Affinities to a symmetric diffusion operator, however it is stored."""
